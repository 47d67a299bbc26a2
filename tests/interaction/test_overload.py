"""What a server does that is asked for more than it holds: new work is refused, in time and in words; nothing else."""

import asyncio
import time
from collections.abc import AsyncGenerator
from typing import Any

import httpx2
import pytest
from tests.interaction.test_http import QUESTION, hanging
from tests.interaction.test_socket import talking
from tests.support.agentcore import StandInAgentCore
from tests.support.gatewaying import gateway
from tests.support.serving import Server, events_of, scripted_server, until_idle

from magisystem.client import MagiClient, NoticeKind, ServerRefused, Timing
from magisystem.council.briefs import Brief, Matter
from magisystem.deliberation import Deliberations, ModelChoice, Proposal
from magisystem.deliberation.admission import Capacity
from magisystem.deliberation.convening import START_WAIT
from magisystem.errors import Overloaded
from magisystem.logs import MemoryEventLog, SqliteEventLog
from magisystem.protocol.events import Complete, Start, Traced
from magisystem.protocol.values import Outcome
from magisystem.testing.scripted import Script, ScriptedModel, Step, Wait, agreeable, approval

DETACHED: dict[str, Any] = {**QUESTION, "detached": True}
DEADLINE_S = 30.0


class _CountingLog(MemoryEventLog):
    """Counts what is asked of it."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.is_asked_for_a_key = asyncio.Event()

    def __getattribute__(self, name: str) -> Any:
        if name in {"create", "read", "follow", "has_begun", "listed"}:
            self.asked.append(name)
        if name == "has_begun":
            self.is_asked_for_a_key.set()
        return super().__getattribute__(name)


@pytest.fixture
def until() -> asyncio.Event:
    return asyncio.Event()


@pytest.fixture
def log() -> _CountingLog:
    return _CountingLog()


@pytest.fixture
async def full(until: asyncio.Event, log: _CountingLog) -> AsyncGenerator[Server]:
    """A server that holds two deliberations and runs them, until ``until``."""
    async with scripted_server(ScriptedModel(hanging(until)), log=log, capacity=Capacity(2)) as server:
        for n in range(2):
            begun = await server.http.post("/invocations", json={**DETACHED, "idempotencyKey": f"key-{n}"})
            assert begun.status_code == 202
        yield server
        until.set()
        await until_idle(server)


def is_overloaded(answer: httpx2.Response) -> bool:
    return answer.status_code == 503 and answer.json()["code"] == "overloaded"


async def test_at_the_bound_a_start_is_refused_and_what_runs_comes_to_its_end(
    full: Server, log: _CountingLog, until: asyncio.Event
) -> None:
    for form in (QUESTION, DETACHED, {**QUESTION, "stream": False}):
        refused = await full.http.post("/invocations", json=form)
        problem = refused.json()
        assert is_overloaded(refused)
        assert refused.headers["content-type"] == "application/problem+json"
        assert (problem["retryable"], problem["status"]) == (True, 503)
        assert 1 <= int(refused.headers["retry-after"]) == problem["retryAfter"] <= 10
        assert "Try again in" in problem["detail"]
    assert full.deliberations.n_running == 2
    until.set()
    await until_idle(full)
    for listed in await log.listed():
        end = (await full.deliberations.outcome(listed.deliberation_id, listed.owner)).complete
        assert isinstance(end, Complete)
        assert end.outcome is Outcome.DECIDED


async def test_once_one_has_ended_a_start_is_let_in(full: Server, until: asyncio.Event) -> None:
    assert is_overloaded(await full.http.post("/invocations", json=QUESTION))
    until.set()
    await until_idle(full)
    answer = await full.http.post("/invocations", json=QUESTION)
    assert isinstance(events_of(answer.content)[-1], Complete)


async def test_whoever_has_read_an_end_finds_its_place_free() -> None:
    model, choice, proposal = ScriptedModel(), ModelChoice("scripted:model"), Proposal(Matter("Should we?"))
    capacity = Capacity(1, apart_s=0)
    async with Deliberations(MemoryEventLog(), model, choice, most_running=1, capacity=capacity) as deliberations:
        begun: list[str] = []
        for _ in range(10):
            # Refused, it would raise.
            begun.append(await deliberations.start(proposal, "ann"))
            async with deliberations.follow(begun[-1], "ann") as batches:
                async for batch in batches:
                    if batch[-1].is_terminal:
                        break
        assert len(set(begun)) == 10


async def test_a_repeated_start_attaches_at_the_bound(full: Server, until: asyncio.Event) -> None:
    again = await full.http.post("/invocations", json={**DETACHED, "idempotencyKey": "key-0"})
    begun = again.json()["deliberationId"]
    assert again.status_code == 202
    assert is_overloaded(await full.http.post("/invocations", json={**DETACHED, "idempotencyKey": "another-key"}))
    other = await full.http.post("/invocations", json={"question": "Another?", "idempotencyKey": "key-0"})
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_conflict")
    await full.http.post(f"/deliberations/{begun}/cancel")
    # Ended, it is attached to all the same.
    assert (await full.http.post("/invocations", json=DETACHED)).status_code == 202
    ended = await full.http.post("/invocations", json={**DETACHED, "idempotencyKey": "key-0"})
    assert ended.json() == {"deliberationId": begun}
    until.set()


async def test_only_new_work_is_refused(full: Server, until: asyncio.Event) -> None:
    again = await full.http.post("/invocations", json={**DETACHED, "idempotencyKey": "key-1"})
    begun = again.json()["deliberationId"]
    assert is_overloaded(await full.http.post("/invocations", json=QUESTION))
    assert (await full.http.get("/ping")).json()["status"] == "healthy"
    assert (await full.http.get(f"/deliberations/{begun}")).json()["status"] == "running"
    polled = await full.http.get(f"/deliberations/{begun}/events", params={"wait": 0})
    assert polled.json()["events"][0]["type"] == "start"
    async with full.http.stream("GET", f"/deliberations/{begun}/events") as following:
        assert following.status_code == 200
    resumed = await full.http.post(
        "/invocations", json={"action": "resume", "deliberationId": begun, "stream": False, "wait": 0}
    )
    assert resumed.status_code == 200
    cancelled = await full.http.post(f"/deliberations/{begun}/cancel")
    assert cancelled.json()["status"] == "cancelled"
    until.set()


async def test_a_refusal_asks_nothing_of_log_councils_or_models_however_many_there_are(
    full: Server, log: _CountingLog
) -> None:
    speeches = len(full.model.speeches)
    log.asked.clear()
    for _ in range(50):
        # Of each of these it would be said what is wrong with it, had anybody looked.
        assert is_overloaded(await full.http.post("/invocations", json={**QUESTION, "council": "none-such"}))
        assert is_overloaded(await full.http.post("/invocations", json={**QUESTION, "agents": {"nobody": {}}}))
    assert log.asked == []
    assert len(full.model.speeches) == speeches
    assert is_overloaded(await full.http.post("/invocations", json={**QUESTION, "idempotencyKey": "new"}))
    assert log.asked == ["has_begun"]


async def test_a_socket_is_told_the_same_and_stays(full: Server, until: asyncio.Event) -> None:
    async with talking(full.url) as talk:
        refused = await talk.ask(QUESTION)
        assert refused["type"] == "error"
        assert (refused["error"]["code"], refused["error"]["retryable"]) == ("overloaded", True)
        assert 1 <= refused["error"]["retryAfter"] <= 10
        repeated = await talk.ask({**QUESTION, "idempotencyKey": "key-0"})
        assert repeated["type"] == "started"
        until.set()
        await talk.hear_until("ended")
        await until_idle(full)
        assert (await talk.ask(QUESTION))["type"] == "started"


async def test_behind_agentcore_and_through_the_gateway_it_is_the_same_refusal(
    until: asyncio.Event,
) -> None:
    model = ScriptedModel(hanging(until))
    async with (
        scripted_server(model, capacity=Capacity(1), platform="agentcore", insecure=True) as server,
        gateway(StandInAgentCore(server.app)) as served,
    ):
        assert (await served.ask(DETACHED)).status_code == 202
        enveloped = await server.http.post("/invocations", json=QUESTION)
        assert enveloped.status_code == 200
        assert enveloped.headers["content-type"] == "application/problem+json"
        assert (enveloped.json()["status"], enveloped.json()["code"]) == (503, "overloaded")
        assert 1 <= enveloped.json()["retryAfter"] <= 10
        assert (await server.http.get("/ping")).json()["status"] == "HealthyBusy"
        relayed = await served.ask()
        assert is_overloaded(relayed)
        assert 1 <= int(relayed.headers["retry-after"]) == relayed.json()["retryAfter"] <= 10
        until.set()
        await until_idle(server)
        assert isinstance(events_of((await served.ask()).content)[-1], Complete)


async def test_a_loop_that_is_held_up_refuses_starts_until_it_is_on_time_again(until: asyncio.Event) -> None:
    held_up, released = asyncio.Event(), asyncio.Event()

    async def hold_up() -> None:
        held_up.set()
        while not released.is_set():
            time.sleep(0.04)  # noqa: ASYNC251 - what is tested
            await asyncio.sleep(0)

    def holding_up(brief: Brief) -> list[Step]:
        return [Wait(hold_up), *approval(brief)]

    # CASPAR keeps all of them running; the second deliberation's MELCHIOR holds up the loop.
    scripts: dict[str, list[Script]] = {**hanging(until), "melchior": [agreeable, holding_up, agreeable]}
    async with (
        asyncio.timeout(DEADLINE_S),
        scripted_server(ScriptedModel(scripts), capacity=Capacity(1_000, late_s=0.02)) as server,
    ):
        assert (await server.http.post("/invocations", json=DETACHED)).status_code == 202
        assert (await server.http.post("/invocations", json=DETACHED)).status_code == 202
        await held_up.wait()
        while not is_overloaded(await server.http.post("/invocations", json=DETACHED)):
            pass
        released.set()
        while (await server.http.post("/invocations", json=DETACHED)).status_code != 202:
            pass
        assert server.deliberations.n_running >= 1
        until.set()
        await until_idle(server)


async def test_a_late_loop_on_which_nothing_runs_refuses_nobody() -> None:
    async with scripted_server(ScriptedModel(), capacity=Capacity(10, late_s=1e-9)) as server:
        for _ in range(3):
            answer = await server.http.post("/invocations", json=QUESTION)
            assert isinstance(events_of(answer.content)[-1], Complete)
            await until_idle(server)


async def test_a_burst_is_opened_one_by_one_and_whoever_waited_is_told_so_in_the_log() -> None:
    capacity = Capacity(20, apart_s=0.06, longest_wait_s=DEADLINE_S, late_s=DEADLINE_S)
    async with scripted_server(ScriptedModel(), capacity=capacity) as server:
        answers = await asyncio.gather(*(server.http.post("/invocations", json=QUESTION) for _ in range(4)))
        logs = [events_of(answer.content) for answer in answers]
    assert all(isinstance(log[-1], Complete) for log in logs)
    waited = [log[1].trace for log in logs if isinstance(log[1], Traced)]
    assert waited
    assert len(waited) < 4
    assert all(isinstance(log[0], Start) for log in logs)
    assert all(trace.action == START_WAIT and (trace.duration_ms or 0) >= 100 for trace in waited)


async def test_a_start_whose_turn_does_not_come_in_time_is_refused_and_has_begun_nothing() -> None:
    capacity = Capacity(20, apart_s=DEADLINE_S, longest_wait_s=0.01)
    log = MemoryEventLog()
    async with scripted_server(ScriptedModel(), log=log, capacity=capacity) as server:
        first = await server.http.post("/invocations", json=QUESTION)
        assert isinstance(events_of(first.content)[-1], Complete)
        assert is_overloaded(await server.http.post("/invocations", json=QUESTION))
        assert len(await log.listed()) == 1


async def test_of_many_starts_at_once_no_more_are_let_in_than_there_is_room_for(until: asyncio.Event) -> None:
    model, choice, capacity = ScriptedModel(hanging(until)), ModelChoice("scripted:model"), Capacity(5, apart_s=0)
    async with Deliberations(MemoryEventLog(), model, choice, capacity=capacity) as deliberations:

        async def start(n: int) -> str:
            # Each comes while others are at another point of their way.
            for _ in range(n % 7):
                await asyncio.sleep(0)
            return await deliberations.start(Proposal(Matter("Should we?")), f"owner {n}")

        begun = await asyncio.gather(*map(start, range(30)), return_exceptions=True)
        assert sum(isinstance(each, str) for each in begun) == deliberations.n_running == 5
        assert sum(isinstance(each, Overloaded) for each in begun) == 25


async def test_what_is_recovered_is_not_refused_and_counts(tmp_path: Any, until: asyncio.Event) -> None:
    model, choice = ScriptedModel(hanging(until)), ModelChoice("scripted:model")
    proposal = Proposal(Matter("Should we?"))
    async with SqliteEventLog.open(tmp_path) as log, Deliberations(log, model, choice) as deliberations:
        for _ in range(3):
            await deliberations.start(proposal, "ann")
    async with (
        SqliteEventLog.open(tmp_path) as log,
        Deliberations(log, model, choice, capacity=Capacity(2)) as deliberations,
    ):
        assert len(await deliberations.recover()) == 3
        with pytest.raises(Overloaded):
            await deliberations.start(proposal, "ann")
        until.set()
        while deliberations.n_running:  # noqa: ASYNC110 - the end of a detached task has no event of its own
            await asyncio.sleep(0)
        await deliberations.start(proposal, "ann")


async def test_our_client_comes_back_when_it_was_told_to_and_is_served(
    full: Server, log: _CountingLog, until: asyncio.Event
) -> None:
    async with asyncio.timeout(DEADLINE_S), MagiClient(full.url, timing=Timing(reach_s=0.0)) as magi:
        following = magi.deliberate("Should we?")
        first = asyncio.ensure_future(anext(following))
        await log.is_asked_for_a_key.wait()
        until.set()
        assert isinstance(await first, Start)
        assert [notice.kind for notice in following.notices] == [NoticeKind.WAITED]


async def test_our_client_says_why_where_its_patience_ends(full: Server) -> None:
    async with MagiClient(full.url, timing=Timing(give_up_s=0.5, back_off_s=0.001)) as magi:
        with pytest.raises(ServerRefused) as refused:
            await anext(magi.deliberate("Should we?"))
    assert (refused.value.refusal, refused.value.status) == ("overloaded", 503)
    assert not refused.value.may_be_begun
