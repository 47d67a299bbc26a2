"""What is left after a crash is finished: by the same server started again, exactly once, with what was done kept."""

import asyncio
import json
import os
import signal
import sqlite3
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest

from magisystem.council.agents import CouncilLimits
from magisystem.council.briefs import Matter, Message
from magisystem.council.presets import MAGI
from magisystem.deliberation import Deliberations, ModelChoice, Proposal
from magisystem.deliberation import deliberations as deliberations_module
from magisystem.deliberation.charter import Charter
from magisystem.deliberation.convening import RECOVERY
from magisystem.deliberation.ports import Record, Repeated
from magisystem.errors import DeliberationNotFound, LogDamaged, RunsElsewhere
from magisystem.logs.sqlite import SqliteEventLog
from magisystem.protocol.codec import decode
from magisystem.protocol.digest import Digest
from magisystem.protocol.events import (
    AgentComplete,
    AgentStart,
    AnyEvent,
    Cancelled,
    Complete,
    Failed,
    Traced,
    VerdictGiven,
    VoteCast,
)
from magisystem.protocol.fold import fold
from magisystem.protocol.sse import FrameDecoder
from magisystem.protocol.values import Mode, Outcome
from magisystem.testing.scripted import Script, ScriptedModel, Wait, approval, speech

OWNER = "local"
PROPOSAL = Proposal(Matter("Should we move the billing service to Rust?", history=(Message("user", "We are six."),)))


def events_of(records: Sequence[Record]) -> list[AnyEvent]:
    return [decode(record.body) for record in records]


def digest_of(records: Sequence[Record]) -> str:
    digest = Digest()
    for record in records[:-1]:
        digest.add(record.body)
    return str(digest)


class Crash:
    """A log in a folder, whose process dies at will: its writer's lock is let go and nothing more is written."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @asynccontextmanager
    async def process(self, model: ScriptedModel) -> AsyncGenerator[tuple[Deliberations, SqliteEventLog]]:
        async with (
            SqliteEventLog.open(self.folder) as log,
            Deliberations(log, model, ModelChoice("scripted:model")) as deliberations,
        ):
            yield deliberations, log


async def crashed_at(folder: Path, scripts: dict[str, list[Script]], until: str, proposal: Proposal = PROPOSAL) -> str:
    """Deliberate until ``until`` stands in the log, then die; give the deliberation's id."""
    async with Crash(folder).process(ScriptedModel(scripts)) as (deliberations, _):
        deliberation_id = await deliberations.start(proposal, OWNER)
        seen = ""
        async with asyncio.timeout(10), deliberations.follow(deliberation_id, OWNER) as batches:
            async for batch in batches:
                seen += "".join(record.body.decode() for record in batch)
                if until in seen:
                    break
    return deliberation_id


async def recovered(folder: Path, deliberation_id: str) -> tuple[list[Record], ScriptedModel]:
    model = ScriptedModel()
    async with Crash(folder).process(model) as (deliberations, _):
        assert await deliberations.recover() == [deliberation_id]
        async with asyncio.timeout(10):
            await deliberations.outcome(deliberation_id, OWNER)
        page = await deliberations.read(deliberation_id, OWNER)
    return list(page.records), model


def hanging() -> Script:
    never = asyncio.Event()
    return lambda brief: [*speech("Half a sentence"), Wait(never.wait), *approval(brief)]


async def test_finished_lanes_stay_and_unfinished_ones_begin_again(tmp_path: Path) -> None:
    deliberation_id = await crashed_at(tmp_path, {"caspar": [hanging()]}, until='"agentId":"melchior","status"')
    records, model = await recovered(tmp_path, deliberation_id)
    events = events_of(records)
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    attempts = {
        agent.id: [event.attempt for event in events if isinstance(event, AgentStart) and event.agent_id == agent.id]
        for agent in MAGI.agents
    }
    assert attempts["caspar"] == [1, 2]
    assert attempts["melchior"] == [1]
    assert [brief.agent.id for brief in model.speeches].count("melchior") == 0
    assert {state.agent_id: state.text for state in fold(events).lanes}["caspar"].startswith("CASPAR has read")
    assert isinstance(events[-1], Complete)
    assert events[-1].outcome is Outcome.DECIDED
    assert events[-1].digest == digest_of(records)
    assert any(isinstance(event, Traced) and event.trace.action == RECOVERY for event in events)


async def test_a_recovered_council_keeps_to_its_own_limits(tmp_path: Path) -> None:
    limited = replace(PROPOSAL, council=replace(MAGI, limits=CouncilLimits(sage_s=0.3)))
    deliberation_id = await crashed_at(tmp_path, {"caspar": [hanging()]}, until="Half a", proposal=limited)
    async with Crash(tmp_path).process(ScriptedModel({"caspar": [hanging()]})) as (deliberations, _):
        assert await deliberations.recover() == [deliberation_id]
        async with asyncio.timeout(10):
            state = await deliberations.outcome(deliberation_id, OWNER)
    assert [(lane.agent_id, lane.cause) for lane in state.lanes if lane.cause] == [("caspar", "model_late")]


def test_a_charter_from_before_councils_had_limits_is_still_read() -> None:
    charter = Charter("s", Mode.DELIBERATE, Matter("Why?"), MAGI, {})
    fields: dict[str, Any] = json.loads(charter.encode())
    del fields["council"]["limits"]
    assert Charter.decode(json.dumps(fields).encode()) == charter


async def test_what_was_asked_survives_with_its_history(tmp_path: Path) -> None:
    deliberation_id = await crashed_at(tmp_path, {"caspar": [hanging()]}, until="Half a sentence")
    _, model = await recovered(tmp_path, deliberation_id)
    brief = next(brief for brief in model.speeches if brief.agent.id == "caspar")
    assert "We are six." in brief.messages[-1].content
    assert "Should we move the billing service to Rust?" in brief.messages[-1].content


async def test_a_finished_council_goes_straight_to_the_judge_who_sees_all_statements(tmp_path: Path) -> None:
    deliberation_id = await crashed_at(tmp_path, {"solomon": [hanging()]}, until="Half a sentence")
    records, model = await recovered(tmp_path, deliberation_id)
    (brief,) = model.speeches
    assert brief.agent.id == "solomon"
    assert {item.testimony.agent_id for item in brief.quoted} == {"caspar", "balthasar", "melchior"}
    assert all("has read the question" in item.testimony.statement for item in brief.quoted)
    events = events_of(records)
    assert sum(isinstance(event, VoteCast) for event in events) == 3
    assert sum(isinstance(event, VerdictGiven) for event in events) == 1


async def test_a_chat_is_recovered_too(tmp_path: Path) -> None:
    proposal = Proposal(Matter("Hello?"), mode=Mode.CHAT)
    deliberation_id = await crashed_at(tmp_path, {"solomon": [hanging()]}, "Half a sentence", proposal)
    records, _ = await recovered(tmp_path, deliberation_id)
    end = decode(records[-1].body)
    assert isinstance(end, Complete)
    assert end.outcome is Outcome.ANSWERED


async def test_every_place_a_process_can_die_at_leads_to_the_same_outcome(tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    async with Crash(whole).process(ScriptedModel()) as (deliberations, _):
        deliberation_id = await deliberations.start(PROPOSAL, OWNER)
        await deliberations.outcome(deliberation_id, OWNER)
        complete = (await deliberations.read(deliberation_id, OWNER)).records
        charter = await _charter(whole, deliberation_id)
    for n_written in range(len(complete)):
        folder = tmp_path / f"after-{n_written}"
        async with SqliteEventLog.open(folder) as log:
            writer = await log.create("one", OWNER, charter)
            assert not isinstance(writer, Repeated)
            await writer.append(complete[:n_written])
        records, model = await recovered(folder, "one")
        events = events_of(records)
        assert [event.seq for event in events] == list(range(1, len(events) + 1))
        assert records[:n_written] == list(complete[:n_written])
        end = events[-1]
        assert isinstance(end, Complete)
        assert (end.outcome, end.decision, end.tally.approved) == (Outcome.DECIDED, "APPROVED", 3)
        assert end.digest == digest_of(records)
        done = {event.agent_id for event in events_of(complete[:n_written]) if isinstance(event, AgentComplete)}
        assert not done & {brief.agent.id for brief in model.speeches}


async def _charter(folder: Path, deliberation_id: str) -> bytes:
    with sqlite3.connect(folder / "magi.sqlite") as connection:
        return connection.execute("SELECT charter FROM deliberations WHERE id = ?", (deliberation_id,)).fetchone()[0]


async def test_what_was_being_cancelled_is_not_brought_back_to_life(tmp_path: Path) -> None:
    deliberation_id = await crashed_at(tmp_path, {"caspar": [hanging()]}, until="Half a sentence")
    async with SqliteEventLog.open(tmp_path) as log:
        (unfinished,) = await log.recover()
        last = (await log.read(deliberation_id, OWNER)).records[-1].seq
        cancelled = (
            b'{"type":"agent_complete","seq":%d,"timestamp":"2026-01-01T00:00:00.000Z","agentId":"caspar",'
            b'"status":"cancelled","usage":{"inputTokens":1,"outputTokens":2},"durationMs":3}' % (last + 1)
        )
        await unfinished.writer.append([Record(last + 1, cancelled, is_terminal=False)])
    records, model = await recovered(tmp_path, deliberation_id)
    assert isinstance(decode(records[-1].body), Cancelled)
    assert model.speeches == []


async def test_a_charter_of_another_version_ends_in_an_error_and_nobody_waits(tmp_path: Path) -> None:
    async with SqliteEventLog.open(tmp_path) as log:
        await log.create("one", OWNER, b'{"from": "the future"}')
    async with Crash(tmp_path).process(ScriptedModel()) as (deliberations, _):
        assert await deliberations.recover() == []
        state = await deliberations.outcome("one", OWNER)
    assert isinstance(state.error, Failed)
    assert state.error.error == "charter_unreadable"


async def test_what_its_processes_keep_dying_of_is_given_up_with_an_error(tmp_path: Path) -> None:
    deliberation_id = await crashed_at(tmp_path, {"caspar": [hanging()]}, until="Half a sentence")
    for attempt in range(2, 7):
        async with SqliteEventLog.open(tmp_path) as log:
            (unfinished,) = await log.recover()
            last = (await log.read(deliberation_id, OWNER)).records[-1].seq
            again = (
                b'{"type":"agent_start","seq":%d,"timestamp":"2026-01-01T00:00:00.000Z","agentId":"caspar",'
                b'"attempt":%d,"model":"scripted:model"}' % (last + 1, attempt)
            )
            await unfinished.writer.append([Record(last + 1, again, is_terminal=False)])
    model = ScriptedModel()
    async with Crash(tmp_path).process(model) as (deliberations, _):
        assert await deliberations.recover() == []
        state = await deliberations.outcome(deliberation_id, OWNER)
    assert state.error is not None
    assert state.error.error == "recovery_given_up"
    assert model.speeches == []


async def test_a_server_takes_up_what_one_that_dies_beside_it_leaves() -> None:
    settings = {"MAGI_EMBEDDED_TOKENS_PER_S": "100"}
    async with magi_serve(free_port(), **settings) as (_, living), magi_serve(free_port(), **settings) as (dying, http):
        begun = asyncio.Event()
        reader = asyncio.create_task(read_until_cut(http, begun))
        async with asyncio.timeout(40):
            await begun.wait()
            dying.kill()
            deliberation_id, before = await reader
            path = f"/deliberations/{deliberation_id}/events"
            rest = await living.get(path, params={"after": str(before[-1].seq)})
        whole = [*before, *(decode(frame.data) for frame in FrameDecoder().feed(rest.content))]
    assert [event.seq for event in whole] == list(range(1, len(whole) + 1))
    assert isinstance(whole[-1], Complete)


async def test_of_two_processes_that_start_together_one_recovers(tmp_path: Path) -> None:
    deliberation_id = await crashed_at(tmp_path, {"caspar": [hanging()]}, until="Half a sentence")
    async with (
        Crash(tmp_path).process(ScriptedModel()) as (one, _),
        Crash(tmp_path).process(ScriptedModel()) as (two, _),
    ):
        found = await asyncio.gather(one.recover(), two.recover())
        assert sorted(found, key=len) == [[], [deliberation_id]]
        # The other one follows what it does not write.
        state = await two.outcome(deliberation_id, OWNER)
        assert state.complete is not None


@asynccontextmanager
async def magi_serve(port: int, **settings: str) -> AsyncGenerator[tuple[Process, httpx2.AsyncClient]]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "from magisystem.cli import main; main()", "serve", "--port", str(port),
        stdout=DEVNULL, stderr=DEVNULL, env=os.environ | settings,
    )  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    try:
        async with httpx2.AsyncClient(base_url=url, timeout=30, limits=httpx2.Limits(max_connections=None)) as http:
            async with asyncio.timeout(30):
                while True:
                    try:
                        await http.get("/ping")
                    except httpx2.TransportError:
                        await asyncio.sleep(0.02)
                    else:
                        break
            yield process, http
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def read_until_cut(http: httpx2.AsyncClient, begun: asyncio.Event) -> tuple[str, list[Any]]:
    """Ask, and read until the connection breaks; give the id and the events."""
    events: list[Any] = []
    decoder = FrameDecoder()
    async with http.stream("POST", "/invocations", json={"question": PROPOSAL.matter.question}) as answer:
        deliberation_id = answer.headers["x-magi-deliberation-id"]
        try:
            async for piece in answer.aiter_bytes():
                events += [decode(frame.data) for frame in decoder.feed(piece)]
                if len(events) > 10:
                    begun.set()
        except httpx2.TransportError:
            return deliberation_id, events
    pytest.fail("the stream ended cleanly")


def locks_in(folder: Path) -> list[Path]:
    return list(folder.glob("writer-*.lock"))


def free_port() -> int:
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
async def test_twenty_in_flight_are_all_decided_after_the_server_was_killed_or_stopped(how: signal.Signals) -> None:
    port = free_port()
    settings = {"MAGI_EMBEDDED_TOKENS_PER_S": "100"}
    async with magi_serve(port, **settings) as (process, http):
        begun = [asyncio.Event() for _ in range(20)]
        readers = [asyncio.create_task(read_until_cut(http, event)) for event in begun]
        async with asyncio.timeout(40):
            await asyncio.gather(*(event.wait() for event in begun))
        process.send_signal(how)
        async with asyncio.timeout(10):
            await process.wait()
        seen = await asyncio.gather(*readers)
    async with magi_serve(port, MAGI_EMBEDDED_TOKENS_PER_S="0") as (_, http), asyncio.timeout(40):
        for deliberation_id, before in seen:
            path = f"/deliberations/{deliberation_id}/events"
            rest = await http.get(path, params={"after": str(before[-1].seq)})
            whole = [*before, *(decode(frame.data) for frame in FrameDecoder().feed(rest.content))]
            assert [event.seq for event in whole] == list(range(1, len(whole) + 1))
            assert isinstance(whole[-1], Complete)
            assert whole[-1].outcome is Outcome.DECIDED
            # Of the state: who was stopped between its vote and its end votes again.
            assert sum(lane.decision is not None for lane in fold(whole).lanes) == 3


async def test_one_damaged_log_keeps_nobody_else_from_being_recovered_and_can_be_deleted(tmp_path: Path) -> None:
    damaged = await crashed_at(tmp_path, {"caspar": [hanging()]}, until="Half a sentence")
    healthy = await crashed_at(tmp_path, {"caspar": [hanging()]}, until="Half a sentence")
    with sqlite3.connect(tmp_path / "magi.sqlite") as connection:
        connection.execute(
            "UPDATE appends SET bodies = CAST('{broken' AS BLOB) "
            "WHERE last_seq >= 3 AND deliberation = (SELECT row FROM deliberations WHERE id = ?)",
            (damaged,),
        )
    async with Crash(tmp_path).process(ScriptedModel()) as (deliberations, log):
        assert await deliberations.recover() == [healthy]
        state = await deliberations.outcome(healthy, OWNER)
        assert state.complete is not None
        page = await log.read(damaged, OWNER)
        assert page.is_done
        assert b'"log_damaged"' in page.records[-1].body
        with pytest.raises(LogDamaged):
            await deliberations.state(damaged, OWNER)
        await deliberations.forget(damaged, OWNER)
        with pytest.raises(DeliberationNotFound):
            await deliberations.state(damaged, OWNER)


async def test_what_another_process_runs_can_be_cancelled_and_forgotten(tmp_path: Path) -> None:
    folder = Crash(tmp_path)
    model = ScriptedModel({"caspar": [hanging()]})
    async with folder.process(model) as (running, log), folder.process(ScriptedModel()) as (other, _):
        deliberation_id = await running.start(PROPOSAL, OWNER)
        state = await other.cancel(deliberation_id, OWNER)
        assert state.cancelled is not None
        assert state.cancelled.by == OWNER
        assert model.n_open == 0
        assert await running.cancel(deliberation_id, OWNER) == state

        deliberation_id = await running.start(PROPOSAL, OWNER)
        await other.forget(deliberation_id, OWNER)
        with pytest.raises(DeliberationNotFound):
            await log.read(deliberation_id, OWNER)


async def test_what_nobody_stops_is_not_said_to_be_cancelled_and_ends_so_when_it_is_recovered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliberations_module, "_CANCEL_S", 0.01)
    deliberation_id = await crashed_at(tmp_path, {"caspar": [hanging()]}, until="Half a sentence")
    model = ScriptedModel({"caspar": [hanging()]})
    async with Crash(tmp_path).process(model) as (other, _):
        for stop in (other.cancel, other.forget):
            with pytest.raises(RunsElsewhere):
                await stop(deliberation_id, OWNER)
        assert await other.recover() == [deliberation_id]
        async with asyncio.timeout(10):
            assert (await other.outcome(deliberation_id, OWNER)).cancelled is not None


async def test_a_stopped_server_closes_what_it_holds_before_it_ends(data_dir: Path) -> None:
    async with magi_serve(free_port(), MAGI_EMBEDDED_TOKENS_PER_S="100") as (process, http):
        begun = asyncio.Event()
        reader = asyncio.create_task(read_until_cut(http, begun))
        waiting = asyncio.create_task(http.post("/invocations", json={"question": "Should we?", "stream": False}))
        async with asyncio.timeout(40):
            await begun.wait()
            assert locks_in(data_dir)
            process.terminate()
            await process.wait()
        await reader
        await asyncio.gather(waiting, return_exceptions=True)
    assert process.returncode == -signal.SIGTERM
    # The lock is let go of last, after the log was closed.
    assert not locks_in(data_dir)
