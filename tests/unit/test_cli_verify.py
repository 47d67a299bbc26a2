"""Proving a log: whatever really happened is proved, and whatever was changed afterwards is found."""

import asyncio
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.support.cli import breaks, deliberated, deliberating, fails, heard, says

from magisystem.council.briefs import Brief, Matter
from magisystem.council.verification import NOT_ASKED_IN_TIME, verify
from magisystem.deliberation import Limits, Proposal
from magisystem.deliberation.convening import DEADLINE_PASSED
from magisystem.deliberation.ports import MODEL_CALL, Noted
from magisystem.logs import MemoryEventLog, SqliteEventLog
from magisystem.protocol.digest import Digest
from magisystem.protocol.values import Decision, Mode, Rule
from magisystem.testing.scripted import Script, Step, Wait, speech

Fields = dict[str, Any]
NO = Decision.REJECTED


def differing(bodies: Sequence[bytes]) -> set[str]:
    return {check.name for check in verify(bodies) if not check.holds}


def keeps_silent(_: Brief) -> Sequence[Step]:
    return [*speech("I shall not vote.")]


def never_ends(_: Brief) -> Sequence[Step]:
    return [Noted(MODEL_CALL, "scripted"), Wait(asyncio.Event().wait)]


@pytest.mark.parametrize(
    "scripts",
    [
        {},
        {"melchior": [fails]},
        {"caspar": [fails], "melchior": [fails]},
        {"caspar": [breaks, *says("Sound words.")]},
        {"balthasar": [keeps_silent]},
        {"balthasar": says("I abstain.", Decision.ABSTAINED, 0.1)},
        {"solomon": [fails]},
        {"solomon": says("No.", NO, 0.9)},
        {"solomon": says("I cannot tell.", Decision.ABSTAINED)},
        {"caspar": says("No.", NO, 0.3), "balthasar": says("Yes.", confidence=0.7)},
    ],
)
@pytest.mark.parametrize("rule", Rule)
async def test_whatever_a_council_comes_to_is_proved(scripts: dict[str, Sequence[Script]], rule: Rule) -> None:
    log = await heard(scripts, rule=rule)
    assert differing([received.body for received in log]) == set()


async def test_a_chat_is_proved() -> None:
    log = await heard({"solomon": says("Four.")}, mode=Mode.CHAT)
    assert differing([received.body for received in log]) == set()


async def test_a_judge_for_whom_no_time_was_left_is_proved() -> None:
    log = await heard({"caspar": [never_ends]}, limits=Limits(deliberation_s=0.2))
    checks = {check.name: check for check in verify([received.body for received in log])}
    assert f'"agentId":"solomon","cause":"{DEADLINE_PASSED}"' in checks["authority"].details
    assert NOT_ASKED_IN_TIME == DEADLINE_PASSED
    assert all(check.holds for check in checks.values())


async def test_a_cancelled_deliberation_is_proved_with_its_receipt() -> None:
    begun = asyncio.Event()

    def announces(_: Brief) -> Sequence[Step]:
        async def announce() -> None:
            begun.set()

        return [*speech("I have begun."), Wait(announce), Wait(asyncio.Event().wait)]

    async with deliberating(MemoryEventLog(), {"caspar": [announces]}) as deliberations:
        deliberation_id = await deliberations.start(Proposal(Matter("Should we?")), "somebody")
        await begun.wait()
        async with deliberations.follow(deliberation_id, "somebody") as batches:
            seen = b""
            while seen.count(b'"agent_complete"') < 2:
                seen += b"".join(record.body for record in await anext(batches))
        await deliberations.cancel(deliberation_id, "somebody")
        page = await deliberations.read(deliberation_id, "somebody")
    bodies = [record.body for record in page.records]
    assert {check.name for check in verify(bodies)} == {"events", "start", "seq", "end", "lanes", "receipt"}
    assert differing(bodies) == set()

    end = json.loads(bodies[-1])
    counted = next(line for line in end["receipt"]["agents"] if not line["estimated"])
    for changed in ({"outputTokens": counted["outputTokens"] + 1}, {"agentId": "solomon"}):
        forged = {**end, "receipt": {"agents": [{**counted, **changed}]}}
        assert differing([*bodies[:-1], *encoded([forged])]) == {"receipt"}


async def test_what_another_process_went_on_with_is_proved(tmp_path: Path) -> None:
    has_voted = asyncio.Event()

    def waits(_: Brief) -> Sequence[Step]:
        async def others_voted() -> None:
            await has_voted.wait()
            await asyncio.Event().wait()

        return [*speech("Void words."), Wait(others_voted)]

    async with (
        SqliteEventLog.open(tmp_path) as log,
        deliberating(log, {"caspar": [waits]}) as deliberations,
    ):
        deliberation_id = await deliberations.start(Proposal(Matter("Should we?")), "somebody")
        async with deliberations.follow(deliberation_id, "somebody") as batches:
            seen = b""
            while seen.count(b'"agent_complete"') < 2:
                seen += b"".join(record.body for record in await anext(batches))
        has_voted.set()
    async with SqliteEventLog.open(tmp_path) as log, deliberating(log, {}) as deliberations:
        assert await deliberations.recover() == [deliberation_id]
        await deliberations.outcome(deliberation_id, "somebody")
        page = await deliberations.read(deliberation_id, "somebody")
    bodies = [record.body for record in page.records]
    assert b'"attempt":2' in b"".join(bodies)
    assert differing(bodies) == set()


def of(kind: str, events: list[Fields], agent_id: str = "") -> Fields:
    return next(event for event in events if event["type"] == kind and agent_id in ("", event.get("agentId")))


def encoded(events: Sequence[Fields]) -> list[bytes]:
    return [json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode() for event in events]


def retold(events: Sequence[Fields]) -> list[bytes]:
    """Number the events anew and state the digest that fits them, as who knows the rules would."""
    for number, event in enumerate(events, 1):
        event["seq"] = number
    digest = Digest()
    for body in encoded(events[:-1]):
        digest.add(body)
    events[-1]["digest"] = str(digest)
    return encoded(events)


def removes(kind: str, agent_id: str = "") -> Callable[[list[Fields]], None]:
    return lambda events: events.remove(of(kind, events, agent_id))


def doubles(kind: str, agent_id: str = "") -> Callable[[list[Fields]], None]:
    def double(events: list[Fields]) -> None:
        event = of(kind, events, agent_id)
        events.insert(events.index(event), dict(event))

    return double


def sets(kind: str, path: str, value: object, agent_id: str = "") -> Callable[[list[Fields]], None]:
    def put(events: list[Fields]) -> None:
        *parents, last = path.split(".")
        target: Any = of(kind, events, agent_id)
        for name in parents:
            target = target[int(name) if name.isdigit() else name]
        assert target.get(last) != value
        target[last] = value

    return put


def moves_the_vote_behind_the_end(events: list[Fields]) -> None:
    vote = of("vote", events, "caspar")
    events.remove(vote)
    events.insert(events.index(of("agent_complete", events, "caspar")) + 1, vote)


def adds_a_cause_to_a_vote(events: list[Fields]) -> None:
    of("agent_complete", events, "melchior")["cause"] = "model_late"


def says_it_again_at_the_end(events: list[Fields]) -> None:
    events.append(events[1])


async def tampered(change: Callable[[list[Fields]], object]) -> list[Fields]:
    events = [json.loads(received.body) for received in await heard({"caspar": says("No.", NO, 0.4)})]
    assert differing(encoded(events)) == set()
    change(events)
    return events


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (sets("vote", "decision", "APPROVED", "caspar"), {"digest", "tally"}),
        (removes("chunk"), {"seq", "digest", "chunk_count"}),
        (doubles("chunk"), {"seq", "digest", "chunk_count"}),
        (doubles("vote"), {"seq", "digest", "lanes"}),
        (removes("start"), {"start", "seq"}),
        (removes("complete"), {"end"}),
        (doubles("complete"), {"seq", "end", "digest"}),
        (says_it_again_at_the_end, {"seq", "end", "lanes", "digest"}),
        (list[Fields].reverse, {"start", "seq", "end", "lanes", "digest", "authority"}),
        (sets("complete", "digest", "sha256:00"), {"digest"}),
        (sets("complete", "confidence", 0.81), {"confidence"}),
        (sets("complete", "decision", "REJECTED"), {"decision"}),
        (sets("complete", "outcome", "decided_degraded"), {"outcome"}),
        (sets("complete", "tally.approved", 3), {"tally"}),
        (sets("complete", "authority.votersValid", 2), {"authority"}),
        (sets("complete", "authority.overturned", value=True), {"authority"}),
        (sets("complete", "usage.outputTokens", 1), {"usage"}),
        (sets("complete", "chunkCount", 1), {"chunk_count"}),
        (sets("complete", "costUsd", 0.01), {"cost"}),
    ],
)
async def test_a_log_that_was_tampered_with_differs(change: Callable[[list[Fields]], None], found: set[str]) -> None:
    assert differing(encoded(await tampered(change))) >= found


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (sets("vote", "decision", "APPROVED", "caspar"), {"tally"}),
        (sets("vote", "decision", "REJECTED", "balthasar"), {"tally", "authority"}),
        (sets("verdict", "confidence", 0.9), {"confidence"}),
        (sets("verdict", "decision", "REJECTED"), {"decision", "authority"}),
        (sets("verdict", "scores.0.score", 101), {"lanes"}),
        (sets("vote", "confidence", 1.5, "caspar"), {"lanes"}),
        (sets("vote", "agentId", "nobody", "caspar"), {"lanes", "tally", "authority"}),
        (sets("vote", "agentId", "solomon", "caspar"), {"lanes", "tally", "authority"}),
        (doubles("vote"), {"lanes"}),
        (removes("vote", "caspar"), {"lanes", "tally", "authority"}),
        (removes("verdict"), {"lanes", "outcome", "authority"}),
        (removes("agent_start", "caspar"), {"lanes"}),
        (removes("agent_complete", "caspar"), {"lanes", "usage", "tally", "authority"}),
        (removes("chunk"), {"chunk_count"}),
        (sets("agent_complete", "status", "failed", "caspar"), {"lanes", "tally", "authority"}),
        (sets("agent_complete", "usage.inputTokens", 1, "caspar"), {"usage"}),
        (sets("start", "council.rule", "unanimous"), {"authority", "outcome", "decision", "confidence"}),
        (moves_the_vote_behind_the_end, {"lanes"}),
        (sets("agent_start", "attempt", 3, "caspar"), {"lanes"}),
        (sets("agent_complete", "status", "abstained", "melchior"), {"lanes", "tally", "authority"}),
        (adds_a_cause_to_a_vote, {"lanes", "outcome", "authority"}),
    ],
)
async def test_a_log_whose_digest_was_made_to_fit_still_differs(
    change: Callable[[list[Fields]], None], found: set[str]
) -> None:
    assert differing(retold(await tampered(change))) == found


async def test_a_vote_of_an_attempt_that_was_given_up_is_void() -> None:
    def begin_again(events: list[Fields]) -> None:
        vote = of("vote", events, "caspar")
        place = events.index(vote) + 1
        again = {**of("agent_start", events, "caspar"), "attempt": 2}
        events[place:place] = [again, {**vote, "decision": "APPROVED"}]
        of("complete", events)["tally"] |= {"approved": 3, "rejected": 0}

    assert differing(retold(await tampered(begin_again))) == set()


async def test_what_a_newer_version_adds_is_carried_and_proved() -> None:
    def add(events: list[Fields]) -> None:
        events.insert(2, {"type": "applause", "seq": 0, "timestamp": events[1]["timestamp"], "by": "caspar"})
        events[-1]["authority"]["weight"] = 2
        events[-1]["usage"]["thoughts"] = 7

    assert differing(retold(await tampered(add))) == set()


async def test_a_line_that_is_no_event_is_named_by_its_number() -> None:
    bodies = [received.body for received in await heard({})]
    bodies[2] = bodies[2][:-3]
    faulty = next(check for check in verify(bodies) if check.name == "events")
    assert faulty.details.startswith("line 3 ")
    assert differing(bodies) >= {"events", "digest"}


def test_nothing_is_not_proved() -> None:
    assert differing([]) == {"events"}


async def test_a_log_that_goes_on_is_consistent_and_not_proved() -> None:
    async with deliberating(MemoryEventLog(), {}) as deliberations:
        log = await deliberated(deliberations, "Should we?")
    for n_heard in range(1, len(log)):
        assert differing([received.body for received in log[:n_heard]]) == {"end"}
