"""Proving a recorded log: that it is whole, that its end follows from what it holds, and that its parts agree.

Pure, and independent of the code that wrote the log: nothing is taken from the terminal event but what is compared.
What no rule derives cannot be proved: times, costs a provider counted, and the words of the models, which stand or fall
with the digest. The digest has no key: it finds what was lost or altered by chance or by a careless hand; who forges a
log can compute it anew.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import fsum, isclose
from typing import TypeVar

import msgspec

from magisystem.council.ballots import Mark, Verdict, Vote
from magisystem.council.outcome import QUORUM_MISSED, Conclusion, Testimony, answered, conclude, has_quorum
from magisystem.errors import ModelFailed
from magisystem.protocol.codec import MalformedEvent, decode, encode_value
from magisystem.protocol.digest import Digest
from magisystem.protocol.events import (
    AgentComplete,
    AgentStart,
    AnyEvent,
    Cancelled,
    Chunk,
    Complete,
    Start,
    TerminalEvent,
    Thinking,
    VerdictGiven,
    VoteCast,
)
from magisystem.protocol.fold import LaneState, fold
from magisystem.protocol.values import Authority, LaneStatus, Missing, Mode, Role, Usage, Value

# What a judge is missing by that was never asked although the sages had a quorum; convening says it under this code.
NOT_ASKED_IN_TIME = "deliberation_late"

LaneEvent = AgentStart | Chunk | Thinking | VoteCast | VerdictGiven | AgentComplete
V = TypeVar("V", bound=Value)


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. ``name`` is stable; ``details`` says what was found, or what differs."""

    name: str
    holds: bool
    details: str


def verify(bodies: Sequence[bytes]) -> list[Check]:
    """Check a log given as the JSON of its events, in its order; the log is proved where every check holds.

    The checks: ``events``, ``start``, ``seq``, ``end``, ``lanes``, then by the kind of its end ``digest``,
    ``chunk_count``, ``usage``, ``cost``, ``outcome``, ``decision``, ``confidence``, ``tally`` and ``authority``, or
    ``receipt``. Those that need a start or an end are left out where there is none.
    """
    events, faults = _read(bodies)
    checks = [_found("events", faults, f"{len(events)}")]
    if not events:
        return checks
    starts = [event for event in events if isinstance(event, Start)]
    ends = [event for event in events if isinstance(event, TerminalEvent)]
    checks += [
        _found("start", _start_faults(events, starts), "the first event, and one alone"),
        _found("seq", _seq_faults(events), f"1 to {len(events)}, without a gap"),
        _found("end", _end_faults(events, ends), "one terminal event, the last"),
    ]
    if not starts:
        return checks
    log = _Log(tuple(events), starts[0], _lanes(events))
    checks.append(_found("lanes", list(log.lane_faults()), f"{len(log.lanes)} lanes, each consistent"))
    match ends[-1] if ends else None:
        case Complete() as complete:
            checks += [*_sums(bodies, log, complete), *_conclusions(log, complete)]
        case Cancelled() as cancelled:
            checks.append(_found("receipt", list(log.receipt_faults(cancelled)), "agrees with the lanes"))
        case _:
            pass
    return checks


def _read(bodies: Sequence[bytes]) -> tuple[list[AnyEvent], list[str]]:
    events: list[AnyEvent] = []
    faults: list[str] = []
    for number, body in enumerate(bodies, 1):
        try:
            events.append(decode(body))
        except MalformedEvent as error:
            faults.append(f"line {number} is no event: {error}")
    return events, faults if bodies else ["there is none"]


def _found(name: str, faults: Sequence[str], fine: str) -> Check:
    return Check(name, holds=not faults, details="; ".join(faults) or fine)


def _start_faults(events: Sequence[AnyEvent], starts: Sequence[Start]) -> list[str]:
    if not starts:
        return ["there is no `start`"]
    faults = [] if events[0] is starts[0] else [f"the first event is not `start` but `{_type(events[0])}`"]
    return faults if len(starts) == 1 else [*faults, f"there are {len(starts)} `start` events"]


def _seq_faults(events: Sequence[AnyEvent]) -> list[str]:
    """Name the first break alone: behind it every number is off."""
    for expected, event in enumerate(events, 1):
        if event.seq != expected:
            return [f"event {expected} has the seq {event.seq}"]
    return []


def _end_faults(events: Sequence[AnyEvent], ends: Sequence[TerminalEvent]) -> list[str]:
    if not ends:
        return ["the log has not ended"]
    faults = [] if len(ends) == 1 else [f"there are {len(ends)} terminal events"]
    if events[-1] is not ends[-1]:
        faults.append(f"`{_type(events[-1])}` follows the terminal event")
    return faults


def _type(event: AnyEvent) -> str:
    return str(getattr(event, "type", None) or event.__struct_config__.tag)


def _lanes(events: Sequence[AnyEvent]) -> dict[str, LaneState]:
    # Folded by place and not by seq, which is another check's: an event with a seq of before would be passed over.
    renumbered = (
        event if event.seq == number else msgspec.structs.replace(event, seq=number)
        for number, event in enumerate(events, 1)
    )
    return {lane.agent_id: lane for lane in fold(renumbered).lanes}


@dataclass(frozen=True, slots=True)
class _Log:
    """A log with a start: its events, and what they come to."""

    events: tuple[AnyEvent, ...]
    start: Start
    lanes: Mapping[str, LaneState]

    @property
    def sages(self) -> list[str]:
        return [card.agent_id for card in self.start.council.agents if card.role is Role.SAGE]

    @property
    def judge(self) -> str | None:
        return next((card.agent_id for card in self.start.council.agents if card.role is Role.JUDGE), None)

    def of(self, agent_id: str) -> list[LaneEvent]:
        """Give a lane's events but for its traces, which may come at any time."""
        return [event for event in self.events if isinstance(event, LaneEvent) and event.agent_id == agent_id]

    def lane_faults(self) -> Iterator[str]:
        roles = {card.agent_id: card.role for card in self.start.council.agents}
        has_concluded = any(isinstance(event, Complete) for event in self.events)
        for agent_id, lane in self.lanes.items():
            if agent_id not in roles:
                yield f"{agent_id} is not of the council"
                continue
            spoken = self.of(agent_id)
            for fault in (*_order_faults(spoken), *_casting_faults(spoken, lane, roles[agent_id])):
                yield f"{agent_id}: {fault}"
            if has_concluded and lane.status is None and (lane.attempt or roles[agent_id] is Role.SAGE):
                yield f"{agent_id}: its lane has no end"

    def receipt_faults(self, cancelled: Cancelled) -> Iterator[str]:
        lanes = self.lanes
        for line in cancelled.receipt.agents:
            lane = lanes.get(line.agent_id)
            if lane is None or not lane.attempt:
                yield f"{line.agent_id} never spoke"
            elif not line.estimated and lane.usage is not None and line.output_tokens != lane.usage.output_tokens:
                yield f"{line.agent_id}: {line.output_tokens} tokens, its lane has {lane.usage.output_tokens}"

    def conclusion(self) -> Conclusion:
        """Conclude anew from the votes and the verdict."""
        rule = self.start.council.rule
        if self.start.mode is Mode.CHAT:
            return answered(rule)
        testimonies = [self._testimony(agent_id) for agent_id in self.sages]
        return conclude(rule, testimonies, *self._ruling(testimonies))

    def _testimony(self, agent_id: str) -> Testimony:
        lane = self.lanes[agent_id]
        vote = None
        if lane.status is LaneStatus.VOTED and lane.decision is not None:
            vote = Vote(lane.decision, lane.confidence or 0.0, lane.reasoning or "")
        return Testimony(agent_id, lane.text, vote, lane.cause, has_failed=lane.status is LaneStatus.FAILED)

    def _ruling(self, testimonies: Sequence[Testimony]) -> tuple[Verdict | None, Missing | None]:
        judge = self.judge
        if judge is None:
            return None, None
        lane = self.lanes[judge]
        if not lane.attempt:
            cause = NOT_ASKED_IN_TIME if has_quorum(testimonies) else QUORUM_MISSED
            return None, Missing(agent_id=judge, cause=cause)
        verdicts = [event for event in self.of(judge) if isinstance(event, VerdictGiven)]
        if lane.status is not LaneStatus.RULED or not verdicts:
            return None, Missing(agent_id=judge, cause=lane.cause or ModelFailed.code)
        given = verdicts[-1]
        marks = tuple(Mark(score.agent_id, score.score, score.reasoning) for score in given.scores)
        verdict = Verdict(given.decision, given.confidence, given.summary, given.reasoning, given.recommendation, marks)
        return verdict, None


def _order_faults(events: Sequence[LaneEvent]) -> Iterator[str]:
    """Say where a lane's events come in an order in which no lane speaks."""
    attempt, has_ended = 0, False
    for event in events:
        if has_ended:
            yield f"`{_type(event)}` (seq {event.seq}) follows its end"
        elif isinstance(event, AgentStart):
            attempt += 1
            if event.attempt != attempt:
                yield f"attempt {event.attempt} (seq {event.seq}) comes where {attempt} should"
        elif not attempt:
            yield f"`{_type(event)}` (seq {event.seq}) comes before it began"
        has_ended = has_ended or isinstance(event, AgentComplete)


def _casting_faults(events: Sequence[LaneEvent], lane: LaneState, role: Role) -> Iterator[str]:
    """Say where votes, a verdict and the lane's end contradict each other."""
    castings: list[VoteCast | VerdictGiven] = []
    for event in events:
        if isinstance(event, AgentStart):
            castings.clear()
        elif isinstance(event, VoteCast | VerdictGiven):
            castings.append(event)
            if isinstance(event, VoteCast) is not (role is Role.SAGE):
                yield f"a {role.value} gives a {_type(event)} (seq {event.seq})"
            if not 0 <= event.confidence <= 1:
                yield f"a confidence of {event.confidence} (seq {event.seq})"
            if isinstance(event, VerdictGiven) and any(not 0 <= score.score <= 100 for score in event.scores):
                yield f"a score that is not from 0 to 100 (seq {event.seq})"
    if len(castings) > 1:
        yield f"it cast {len(castings)} times"
    # One that was stopped may have cast before.
    if lane.status in {None, LaneStatus.CANCELLED}:
        return
    has_cast = lane.status in {LaneStatus.VOTED, LaneStatus.RULED}
    if has_cast is not bool(castings):
        yield f"it ended `{lane.status}` {'without a' if has_cast else 'with a'} vote or verdict"
    is_missing = lane.status in {LaneStatus.FAILED, LaneStatus.ABSTAINED}
    if is_missing is not (lane.cause is not None):
        yield f"it ended `{lane.status}` {'without a' if is_missing else 'with a'} cause"


def _sums(bodies: Sequence[bytes], log: _Log, complete: Complete) -> Iterator[Check]:
    digest = Digest()
    for body in bodies[:-1]:
        digest.add(body)
    yield _compared("digest", complete.digest, str(digest))
    n_chunks = sum(isinstance(event, Chunk) for event in log.events)
    yield _compared("chunk_count", complete.chunk_count, n_chunks)
    ends = [event for event in log.events if isinstance(event, AgentComplete)]
    usage = sum((_known(end.usage) for end in ends), Usage(input_tokens=0, output_tokens=0))
    yield _compared("usage", _known(complete.usage), usage)
    costs = [end.cost_usd for end in ends if end.cost_usd is not None]
    if complete.cost_usd is not None:
        total = fsum(costs)
        agrees = bool(costs) and isclose(complete.cost_usd, total, rel_tol=1e-6, abs_tol=1e-9)
        yield Check("cost", agrees, f"recorded {complete.cost_usd}, the lanes' sum is {total if costs else 'unknown'}")


def _conclusions(log: _Log, complete: Complete) -> Iterator[Check]:
    derived = log.conclusion()
    yield _compared("outcome", complete.outcome, derived.outcome)
    yield _compared("decision", complete.decision, derived.decision)
    yield _compared("confidence", complete.confidence, derived.confidence)
    yield _compared("tally", _known(complete.tally), derived.tally)
    yield _compared("authority", _known_authority(complete.authority), derived.authority)


def _compared(name: str, recorded: object, derived: object) -> Check:
    if recorded == derived:
        return Check(name, holds=True, details=_shown(recorded))
    return Check(name, holds=False, details=f"recorded {_shown(recorded)}, derived {_shown(derived)}")


def _shown(value: object) -> str:
    if isinstance(value, Value):
        return encode_value(value).decode()
    return "none" if value is None else str(value)


def _known(value: V) -> V:
    """Give ``value`` without what only a newer version knows, of which nothing can be derived here."""
    return msgspec.structs.replace(value, extra={}) if value.extra else value


def _known_authority(authority: Authority) -> Authority:
    missing = tuple(_known(each) for each in authority.missing)
    return msgspec.structs.replace(_known(authority), missing=missing)
