"""Convening a council: `start`, the sages side by side, then the judge, then the terminal event."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from magisystem.council.agents import Agent, Council
from magisystem.council.ballots import Verdict, Vote
from magisystem.council.briefs import Brief, Matter, chat_brief, judge_brief, sage_brief
from magisystem.council.outcome import QUORUM_MISSED, Conclusion, Testimony, conclude, has_quorum
from magisystem.deliberation.journal import Journal
from magisystem.deliberation.lane import Lane
from magisystem.deliberation.limits import Limits
from magisystem.deliberation.ports import LogWriter, Model
from magisystem.errors import ModelFailed
from magisystem.protocol.events import Cancelled, Complete, Failed, Start
from magisystem.protocol.values import (
    AgentCard,
    Authority,
    CouncilCard,
    LaneStatus,
    Missing,
    Mode,
    Outcome,
    Receipt,
    ReceiptLine,
    Role,
    Tally,
    Usage,
)

DEADLINE_PASSED = "deliberation_late"
INTERRUPTED = "interrupted"
_FAULT = "The deliberation failed by a fault of the server. Ask again; the server's log has the details."
_STOPPED = "The server stopped before the deliberation ended. Ask again."
# English prose is about four characters a token, Japanese nearer to one and a half; a receipt marks it as estimated.
_CHARS_PER_TOKEN = 3
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Case:
    """Everything settled about a deliberation before it begins; ``models`` holds one for every agent of the council."""

    deliberation_id: str
    session_id: str
    mode: Mode
    matter: Matter
    council: Council
    models: Mapping[str, Model]


@dataclass(slots=True)
class Convening:
    """One run of one deliberation. It knows nothing of whoever watches."""

    case: Case
    limits: Limits
    now: Callable[[], datetime]
    lanes: list[Lane] = field(default_factory=list[Lane])
    cancelled_by: str | None = None
    _started: float = 0.0

    async def run(self, writer: LogWriter) -> None:
        """Take the deliberation from `start` to its one terminal event, whatever happens.

        Cancelling the task ends every lane and closes its model's stream; the terminal event is then `cancelled` where
        ``cancelled_by`` was set before, else `error` with the code ``interrupted``.

        Raises:
            LogError: the log refused an event, so there may be no terminal event; followers must be cut off.
        """
        self._started = asyncio.get_running_loop().time()
        async with self._journal(writer) as journal:
            try:
                await journal.write(self._start_draft())
                if self.case.mode is Mode.CHAT:
                    await self._answer(journal)
                else:
                    await self._deliberate(journal)
            except asyncio.CancelledError:
                await journal.write(self._cut_draft())
                raise
            except Exception:  # noqa: BLE001 - the deliberation's supervisor: a fault ends in `error`, never in silence
                _log.exception("deliberation %s failed", self.case.deliberation_id)
                await journal.write(partial(Failed, error="internal", message=_FAULT, retryable=True))

    @asynccontextmanager
    async def _journal(self, writer: LogWriter) -> AsyncGenerator[Journal]:
        """Give a journal whose pump runs beside the body and has appended everything when the body is left.

        Where the log fails, the body is cancelled at once: no model speaks on for a log that cannot take its words.
        """
        journal = Journal(writer, self.now)
        async with asyncio.TaskGroup() as tasks:
            pump = tasks.create_task(journal.pump())
            try:
                yield journal
            finally:
                journal.close()
                await asyncio.wait([pump])

    async def _deliberate(self, journal: Journal) -> None:
        case = self.case
        sages = [self._lane(agent, sage_brief(agent, case.matter), journal) for agent in case.council.sages]
        async with asyncio.TaskGroup() as tasks:
            for lane in sages:
                tasks.create_task(lane.run(), name=f"{case.deliberation_id}/{lane.agent_id}")
        testimonies = [_testimony(lane) for lane in sages]
        verdict, judge_missing = await self._rule(testimonies, journal)
        conclusion = conclude(case.council.rule, testimonies, verdict, judge_missing)
        await journal.write(partial(self._complete, journal, conclusion))

    async def _rule(self, testimonies: list[Testimony], journal: Journal) -> tuple[Verdict | None, Missing | None]:
        """Let the judge rule; give the verdict, or why there is none where the council has a judge."""
        judge = self.case.council.judge
        if judge is None:
            return None, None
        if not has_quorum(testimonies):
            # A ruling could not change the outcome then, and would only seem to.
            return None, Missing(agent_id=judge.id, cause=QUORUM_MISSED)
        brief = judge_brief(self.case.council, judge, self.case.matter, testimonies, seed=self.case.deliberation_id)
        lane = self._lane(judge, brief, journal)
        if lane.deadline_s <= 0:
            return None, Missing(agent_id=judge.id, cause=DEADLINE_PASSED)
        await lane.run()
        if isinstance(lane.casting, Verdict):
            return lane.casting, None
        return None, Missing(agent_id=judge.id, cause=lane.cause or ModelFailed.code)

    async def _answer(self, journal: Journal) -> None:
        judge = self.case.council.judge
        assert judge is not None  # noqa: S101 - settled before the deliberation begins
        lane = self._lane(judge, chat_brief(judge, self.case.matter), journal)
        await lane.run()
        if lane.status is LaneStatus.FAILED:
            await journal.write(
                partial(
                    Failed,
                    error=lane.cause or ModelFailed.code,
                    message=f"{judge.name} could not answer. The trace says why.",
                    retryable=True,
                )
            )
            return
        conclusion = Conclusion(
            Outcome.ANSWERED,
            None,
            None,
            Tally(approved=0, rejected=0, abstained=0, failed=0),
            Authority(
                voters_expected=0,
                voters_valid=0,
                judge="primary",
                rule=self.case.council.rule,
                overturned=False,
                missing=(),
            ),
        )
        await journal.write(partial(self._complete, journal, conclusion))

    def _lane(self, agent: Agent, brief: Brief, journal: Journal) -> Lane:
        left_s = self._started + self.limits.deliberation_s - asyncio.get_running_loop().time()
        own_s = self.limits.sage_s if agent.role is Role.SAGE else self.limits.judge_s
        lane = Lane(brief, self.case.models[agent.id], journal, min(own_s, left_s), self.limits.silence_s)
        self.lanes.append(lane)
        return lane

    def _start_draft(self) -> "partial[Start]":
        case = self.case
        return partial(
            Start,
            deliberation_id=case.deliberation_id,
            session_id=case.session_id,
            question=case.matter.question,
            mode=case.mode,
            council=CouncilCard(
                id=case.council.id,
                rule=case.council.rule,
                agents=tuple(
                    AgentCard(
                        agent_id=agent.id,
                        name=agent.name,
                        role=agent.role,
                        model=case.models[agent.id].name,
                        note=case.models[agent.id].note,
                    )
                    for agent in case.council.agents
                    if agent.id in case.models
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
            usage=sum((lane.usage for lane in self.lanes), Usage(input_tokens=0, output_tokens=0)),
            execution_time=round(1000 * (asyncio.get_running_loop().time() - self._started)),
            chunk_count=journal.n_chunks,
            digest=journal.digest,
        )

    def _cut_draft(self) -> "partial[Cancelled] | partial[Failed]":
        if self.cancelled_by is None:
            return partial(Failed, error=INTERRUPTED, message=_STOPPED, retryable=True)
        receipt = Receipt(agents=tuple(_receipt_line(lane) for lane in self.lanes))
        return partial(Cancelled, by=self.cancelled_by, receipt=receipt)


def _testimony(lane: Lane) -> Testimony:
    has_failed = lane.status is LaneStatus.FAILED
    return Testimony(
        agent_id=lane.agent_id,
        # What a broken lane had said so far is not its statement.
        statement="" if has_failed else lane.statement,
        vote=lane.casting if isinstance(lane.casting, Vote) else None,
        cause=lane.cause,
        has_failed=has_failed,
    )


def _receipt_line(lane: Lane) -> ReceiptLine:
    counted = lane.usage.output_tokens
    return ReceiptLine(
        agent_id=lane.agent_id,
        output_tokens=counted or -(-lane.n_chars // _CHARS_PER_TOKEN),
        estimated=not counted,
        upstream_closed=not lane.is_open,
    )
