"""Convening a council: `start`, the sages side by side, then the judge, then the terminal event."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from magisystem.council.agents import Agent
from magisystem.council.ballots import Verdict, Vote
from magisystem.council.briefs import Brief, chat_brief, judge_brief, sage_brief
from magisystem.council.outcome import QUORUM_MISSED, Conclusion, Testimony, answered, conclude, has_quorum
from magisystem.deliberation.admission import NOTICEABLE_S
from magisystem.deliberation.charter import Charter
from magisystem.deliberation.journal import Journal, Pace
from magisystem.deliberation.lane import Lane
from magisystem.deliberation.limits import Limits
from magisystem.deliberation.past import CHARS_PER_TOKEN, Past
from magisystem.deliberation.ports import LogWriter, Model
from magisystem.errors import ModelFailed
from magisystem.protocol.events import Cancelled, Complete, Failed, Start, Traced
from magisystem.protocol.values import (
    AgentCard,
    CouncilCard,
    LaneStatus,
    Missing,
    Mode,
    Receipt,
    ReceiptLine,
    Role,
    Trace,
)

DEADLINE_PASSED = "deliberation_late"
RECOVERY = "recovery"
START_WAIT = "start_wait"
_FAULT = "The deliberation failed by a fault of the server. Ask again; the server's log has the details."
_WAITED = "The server opens one deliberation after the other, and this one waited for its turn."
_RECOVERED = "The server that ran this deliberation stopped; another went on with what was unfinished."
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Case:
    """A deliberation's charter, and the models themselves, one for every agent that speaks."""

    deliberation_id: str
    charter: Charter
    models: Mapping[str, Model]


@dataclass(slots=True)
class Convening:
    """One run of one deliberation. It knows nothing of whoever watches."""

    case: Case
    owner: str
    limits: Limits
    now: Callable[[], datetime]
    past: Past = field(default_factory=Past)
    pace: Pace = field(default_factory=Pace)
    lanes: list[Lane] = field(default_factory=list[Lane])
    cancelled_by: str | None = None
    # For how long its start waited for its turn.
    waited_s: float = 0.0
    # The log failed under it: its models are let go of, and somebody else writes its end.
    has_failed: bool = False
    _journal: Journal | None = None
    _began: float = 0.0

    async def run(self, writer: LogWriter) -> None:
        """Take the deliberation from where its past ends to its one terminal event, whatever happens.

        Lanes that have ended stay; others begin again with their next attempt. Cancelling the task ends every lane and
        closes its model's stream. The terminal event is then `cancelled` where ``cancelled_by`` was set before; else
        the log is left without an end, for whoever recovers it.

        Raises:
            LogError: the log refused an event, so there may be no terminal event; followers must be cut off.
        """
        self._began = asyncio.get_running_loop().time()
        async with self._opened_journal(writer) as journal:
            try:
                if not self.past.has_begun:
                    await journal.write(self._start_draft())
                    if self.waited_s >= NOTICEABLE_S:
                        waited = Trace(action=START_WAIT, details=_WAITED, duration_ms=round(1000 * self.waited_s))
                        await journal.write(partial(Traced, trace=waited))
                else:
                    await journal.write(partial(Traced, trace=Trace(action=RECOVERY, details=_RECOVERED)))
                if receipt := self.past.cancelled:
                    await journal.write(partial(Cancelled, by=self.owner, receipt=receipt))
                elif self.case.charter.mode is Mode.CHAT:
                    await self._answer(journal)
                else:
                    await self._deliberate(journal)
            except asyncio.CancelledError:
                if self.cancelled_by is not None:
                    await journal.write(self.cancelled_event)
                raise
            except Exception:  # noqa: BLE001 - the deliberation's supervisor: a fault ends in `error`, never in silence
                _log.exception("deliberation %s failed", self.case.deliberation_id)
                await journal.write(partial(Failed, error="internal", message=_FAULT, retryable=True))

    def cancelled_event(self, *, seq: int, timestamp: str) -> Cancelled:
        """Give the terminal event of a cancellation, with what each lane had cost."""
        receipt = Receipt(agents=tuple(_receipt_line(lane) for lane in self.lanes))
        return Cancelled(seq=seq, timestamp=timestamp, by=self.cancelled_by or self.owner, receipt=receipt)

    @property
    def is_ending(self) -> bool:
        """Whether its work is done: whoever reads its terminal event reads it from here on."""
        return self._journal is not None and self._journal.is_closed

    def leave(self) -> None:
        """Write nothing more: the task is about to be cancelled, and another process goes on."""
        if self._journal is not None:
            self._journal.abandon()

    @asynccontextmanager
    async def _opened_journal(self, writer: LogWriter) -> AsyncGenerator[Journal]:
        """Give a journal whose pump runs beside the body and has appended everything when the body is left.

        Where the log fails, the body is cancelled at once: no model speaks on for a log that cannot take its words.
        """
        self._journal = journal = Journal(writer, self.now, self.past, self.pace)
        async with asyncio.TaskGroup() as tasks:
            pump = tasks.create_task(journal.pump())
            try:
                yield journal
            finally:
                journal.close()
                await asyncio.wait([pump])

    async def _deliberate(self, journal: Journal) -> None:
        charter = self.case.charter
        speaking = {
            agent.id: self._lane(agent, sage_brief(agent, charter.matter), journal)
            for agent in charter.council.sages
            if self.past.testimony(agent.id) is None
        }
        async with asyncio.TaskGroup() as tasks:
            for lane in speaking.values():
                tasks.create_task(lane.run(), name=f"{self.case.deliberation_id}/{lane.agent_id}")
        testimonies = [
            self.past.testimony(agent.id) or _testimony(speaking[agent.id]) for agent in charter.council.sages
        ]
        verdict, judge_missing = await self._rule(testimonies, journal)
        conclusion = conclude(charter.council.rule, testimonies, verdict, judge_missing)
        await journal.write(partial(self._complete, journal, conclusion))

    async def _rule(self, testimonies: list[Testimony], journal: Journal) -> tuple[Verdict | None, Missing | None]:
        """Let the judge rule; give the verdict, or why there is none where the council has a judge."""
        charter = self.case.charter
        judge = charter.council.judge
        if judge is None:
            return None, None
        if ruling := self.past.ruling(judge.id):
            return ruling
        if not has_quorum(testimonies):
            # A ruling could not change the outcome then, and would only seem to.
            return None, Missing(agent_id=judge.id, cause=QUORUM_MISSED)
        brief = judge_brief(charter.council, judge, charter.matter, testimonies, seed=self.case.deliberation_id)
        lane = self._lane(judge, brief, journal)
        if lane.deadline_s <= 0:
            return None, Missing(agent_id=judge.id, cause=DEADLINE_PASSED)
        await lane.run()
        if isinstance(lane.casting, Verdict):
            return lane.casting, None
        return None, Missing(agent_id=judge.id, cause=lane.cause or ModelFailed.code)

    async def _answer(self, journal: Journal) -> None:
        charter = self.case.charter
        judge = charter.council.judge
        assert judge is not None  # noqa: S101 - settled before the deliberation begins
        status, cause, is_retryable = self.past.status(judge.id), self.past.cause(judge.id), True
        if status is None:
            lane = self._lane(judge, chat_brief(judge, charter.matter), journal)
            await lane.run()
            status, cause, is_retryable = lane.status, lane.cause, lane.is_retryable
        if status is LaneStatus.FAILED:
            message = f"{judge.name} could not answer. The trace says why."
            await journal.write(
                partial(Failed, error=cause or ModelFailed.code, message=message, retryable=is_retryable)
            )
        else:
            await journal.write(partial(self._complete, journal, answered(charter.council.rule)))

    def _lane(self, agent: Agent, brief: Brief, journal: Journal) -> Lane:
        left_s = self._began + self.limits.deliberation_s - asyncio.get_running_loop().time()
        own_s = self.limits.sage_s if agent.role is Role.SAGE else self.limits.judge_s
        lane = Lane(
            brief,
            self.case.models[agent.id],
            journal,
            min(own_s, left_s),
            self.limits.silence_s,
            attempt=self.past.attempts(agent.id),
        )
        self.lanes.append(lane)
        return lane

    def _start_draft(self) -> "partial[Start]":
        charter, models = self.case.charter, self.case.models
        return partial(
            Start,
            deliberation_id=self.case.deliberation_id,
            session_id=charter.session_id,
            question=charter.matter.question,
            mode=charter.mode,
            council=CouncilCard(
                id=charter.council.id,
                rule=charter.council.rule,
                agents=tuple(
                    AgentCard(
                        agent_id=agent.id,
                        name=agent.name,
                        role=agent.role,
                        model=models[agent.id].name,
                        note=models[agent.id].note,
                    )
                    for agent in charter.council.agents
                    if agent.id in models
                ),
            ),
        )

    def _complete(self, journal: Journal, conclusion: Conclusion, *, seq: int, timestamp: str) -> Complete:
        return Complete(
            seq=seq,
            timestamp=timestamp,
            outcome=conclusion.outcome,
            decision=conclusion.decision,
            confidence=conclusion.confidence,
            tally=conclusion.tally,
            authority=conclusion.authority,
            usage=sum((lane.measured_usage for lane in self.lanes), self.past.usage),
            execution_time=self._execution_time_ms(),
            chunk_count=journal.n_chunks,
            digest=journal.digest,
        )

    def _execution_time_ms(self) -> int:
        if self.past.started is not None:
            return round(1000 * (self.now() - self.past.started).total_seconds())
        return round(1000 * (asyncio.get_running_loop().time() - self._began))


def _testimony(lane: Lane) -> Testimony:
    has_failed = lane.status is LaneStatus.FAILED
    return Testimony(
        agent_id=lane.agent_id,
        # What a broken lane had said so far is not its statement.
        statement="" if has_failed else lane.take_statement(),
        vote=lane.casting if isinstance(lane.casting, Vote) else None,
        cause=lane.cause,
        has_failed=has_failed,
    )


def _receipt_line(lane: Lane) -> ReceiptLine:
    estimated = -(-lane.n_chars_uncounted // CHARS_PER_TOKEN)
    return ReceiptLine(
        agent_id=lane.agent_id,
        output_tokens=lane.usage.output_tokens + estimated,
        estimated=estimated > 0,
        upstream_closed=not lane.is_open,
    )
