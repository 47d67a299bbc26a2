"""The past of a deliberation that another process began: what its log holds, as the one who goes on needs it."""

from collections.abc import Sequence
from datetime import datetime

from magisystem.council.ballots import Mark, Verdict, Vote
from magisystem.council.outcome import Testimony
from magisystem.deliberation.ports import Record
from magisystem.errors import ModelFailed
from magisystem.protocol.codec import decode
from magisystem.protocol.digest import Digest
from magisystem.protocol.events import AgentComplete, AgentStart, Chunk, Start, VerdictGiven
from magisystem.protocol.fold import Fold, LaneState
from magisystem.protocol.values import LaneStatus, Missing, Receipt, ReceiptLine, Usage

# English prose is about four characters a token, Japanese nearer to one and a half; a receipt marks it as estimated.
CHARS_PER_TOKEN = 3


class Past:
    """What came before, taken record by record; of a deliberation that begins now, nothing."""

    def __init__(self, records: Sequence[Record] = ()) -> None:
        self.seq = 0
        self.n_chunks = 0
        self.started: datetime | None = None
        self.usage = Usage(input_tokens=0, output_tokens=0)
        self._digest = Digest()
        self._attempts: dict[str, int] = {}
        self._verdict: VerdictGiven | None = None
        folded = Fold()
        for record in records:
            self._take(record, folded)
        self._lanes = {lane.agent_id: lane for lane in folded.state.lanes}

    @property
    def has_begun(self) -> bool:
        """Whether `start` is in the log."""
        return self.started is not None

    def digest(self) -> Digest:
        """Give the digest over every record, to be continued."""
        return self._digest.copy()

    def attempts(self, agent_id: str) -> int:
        """Give how many attempts an agent has made."""
        return self._attempts.get(agent_id, 0)

    @property
    def most_attempts(self) -> int:
        """The highest number of attempts that any agent has made."""
        return max(self._attempts.values(), default=0)

    def testimony(self, agent_id: str) -> Testimony | None:
        """Give what a sage brought, if its lane has ended."""
        lane = self._ended(agent_id)
        if lane is None:
            return None
        has_failed = lane.status is LaneStatus.FAILED
        has_vote = lane.status is LaneStatus.VOTED and lane.decision is not None
        return Testimony(
            agent_id=agent_id,
            statement="" if has_failed else lane.text.strip(),
            vote=Vote(lane.decision, lane.confidence or 0.0, lane.reasoning or "")
            if has_vote and lane.decision
            else None,
            cause=lane.cause,
            has_failed=has_failed,
        )

    def ruling(self, judge_id: str) -> tuple[Verdict | None, Missing | None] | None:
        """Give the judge's verdict, or why it gave none, if its lane has ended."""
        lane = self._ended(judge_id)
        if lane is None:
            return None
        if lane.status is not LaneStatus.RULED or self._verdict is None:
            return None, Missing(agent_id=judge_id, cause=lane.cause or ModelFailed.code)
        given = self._verdict
        marks = tuple(Mark(score.agent_id, score.score, score.reasoning) for score in given.scores)
        return (
            Verdict(given.decision, given.confidence, given.summary, given.reasoning, given.recommendation, marks),
            None,
        )

    def status(self, agent_id: str) -> LaneStatus | None:
        """Give how an agent's lane ended, if it has."""
        lane = self._ended(agent_id)
        return lane.status if lane else None

    def cause(self, agent_id: str) -> str | None:
        """Give why an agent's lane failed, if it has."""
        lane = self._ended(agent_id)
        return lane.cause if lane else None

    @property
    def cancelled(self) -> Receipt | None:
        """What it had cost, if it was being cancelled when its process died; no stream outlives its process."""
        if all(lane.status is not LaneStatus.CANCELLED for lane in self._lanes.values()):
            return None
        return Receipt(
            agents=tuple(
                ReceiptLine(
                    agent_id=lane.agent_id,
                    output_tokens=(lane.usage.output_tokens if lane.usage else 0)
                    or -(-len(lane.text) // CHARS_PER_TOKEN),
                    estimated=not (lane.usage and lane.usage.output_tokens),
                    # The process that held the stream is dead, and its connections with it.
                    upstream_closed=True,
                )
                for lane in self._lanes.values()
                if lane.attempt
            )
        )

    def _ended(self, agent_id: str) -> LaneState | None:
        lane = self._lanes.get(agent_id)
        return lane if lane is not None and lane.status is not None else None

    def _take(self, record: Record, folded: Fold) -> None:
        event = decode(record.body)
        folded.add(event)
        self.seq = record.seq
        self._digest.add(record.body)
        match event:
            case Start():
                self.started = datetime.fromisoformat(event.timestamp)
            case Chunk():
                self.n_chunks += 1
            case AgentStart():
                self._attempts[event.agent_id] = event.attempt
            case AgentComplete():
                self.usage = self.usage + event.usage
            case VerdictGiven():
                self._verdict = event
            case _:
                pass
