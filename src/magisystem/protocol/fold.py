"""The fold: events to the state of a deliberation. The same rules run in the server and in every client.

Any prefix of a log folds without an error, an empty one too; events of unknown types and lanes never announced are
taken as they come, because a reader may be older than the writer.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from magisystem.protocol.events import (
    AgentComplete,
    AgentStart,
    AnyEvent,
    Cancelled,
    Chunk,
    Complete,
    Failed,
    Start,
    TerminalEvent,
    Thinking,
    VerdictGiven,
    VoteCast,
)
from magisystem.protocol.values import Decision, LaneStatus, Usage, Value


class LaneState(Value, frozen=True):
    """One agent's part so far. ``status`` is absent while it speaks."""

    agent_id: str
    text: str
    thinking: str
    attempt: int
    decision: Decision | None = None
    confidence: float | None = None
    reasoning: str | None = None
    status: LaneStatus | None = None
    cause: str | None = None
    usage: Usage | None = None
    duration_ms: int | None = None


class DeliberationState(Value, frozen=True):
    """A deliberation as its events tell it.

    ``status`` is ``empty`` before the first event, ``running``, then ``complete``, ``cancelled`` or ``error``.
    ``cursor`` is the seq of the last event folded, 0 for none.
    """

    status: str
    cursor: int
    lanes: tuple[LaneState, ...]
    start: Start | None = None
    verdict: VerdictGiven | None = None
    complete: Complete | None = None
    cancelled: Cancelled | None = None
    error: Failed | None = None

    @property
    def has_ended(self) -> bool:
        """Whether its terminal event is among those folded."""
        return self.complete is not None or self.cancelled is not None or self.error is not None


@dataclass(slots=True)
class _Lane:
    text: list[str] = field(default_factory=list[str])
    thinking: list[str] = field(default_factory=list[str])
    attempt: int = 0
    vote: VoteCast | None = None
    end: AgentComplete | None = None


class Fold:
    """Takes events one by one, in order; `state` can be asked for at any moment."""

    def __init__(self) -> None:
        self.cursor = 0
        self.terminal: TerminalEvent | None = None
        self._start: Start | None = None
        self._verdict: VerdictGiven | None = None
        self._lanes: dict[str, _Lane] = {}

    def add(self, event: AnyEvent) -> None:
        """Take the next event; one at or below the cursor was seen before and changes nothing."""
        if event.seq <= self.cursor:
            return
        self.cursor = event.seq
        match event:
            case Chunk(agent_id=agent_id, content=content):
                self._lane(agent_id).text.append(content)
            case Thinking(agent_id=agent_id, content=content):
                self._lane(agent_id).thinking.append(content)
            case Start():
                self._start = event
                # The council's order, even where a lane's event came first, which only a log with a hole can show.
                seats = {agent.agent_id: self._lane(agent.agent_id) for agent in event.council.agents}
                self._lanes = {**seats, **self._lanes}
            case AgentStart():
                # A new attempt voids what the lane said before, a vote or verdict included.
                self._lanes[event.agent_id] = _Lane(attempt=event.attempt)
                if self._verdict is not None and self._verdict.agent_id == event.agent_id:
                    self._verdict = None
            case VoteCast():
                self._lane(event.agent_id).vote = event
            case VerdictGiven():
                self._lane(event.agent_id)
                self._verdict = event
            case AgentComplete():
                self._lane(event.agent_id).end = event
            case Complete() | Cancelled() | Failed():
                self.terminal = event
            case _:
                pass

    @property
    def state(self) -> DeliberationState:
        """Give the state after the events taken so far."""
        terminal = self.terminal
        return DeliberationState(
            status=_status(terminal, self.cursor),
            cursor=self.cursor,
            lanes=tuple(_lane_state(agent_id, lane) for agent_id, lane in self._lanes.items()),
            start=self._start,
            verdict=self._verdict,
            complete=terminal if isinstance(terminal, Complete) else None,
            cancelled=terminal if isinstance(terminal, Cancelled) else None,
            error=terminal if isinstance(terminal, Failed) else None,
        )

    def _lane(self, agent_id: str) -> _Lane:
        return self._lanes.setdefault(agent_id, _Lane())


def fold(events: Iterable[AnyEvent]) -> DeliberationState:
    """Give the state after ``events``."""
    folded = Fold()
    for event in events:
        folded.add(event)
    return folded.state


def _status(terminal: TerminalEvent | None, cursor: int) -> str:
    match terminal:
        case None:
            return "running" if cursor else "empty"
        case Complete():
            return "complete"
        case Cancelled():
            return "cancelled"
        case Failed():
            return "error"


def _lane_state(agent_id: str, lane: _Lane) -> LaneState:
    vote, end = lane.vote, lane.end
    return LaneState(
        agent_id=agent_id,
        text="".join(lane.text),
        thinking="".join(lane.thinking),
        attempt=lane.attempt,
        decision=vote.decision if vote else None,
        confidence=vote.confidence if vote else None,
        reasoning=vote.reasoning if vote else None,
        status=end.status if end else None,
        cause=end.cause if end else None,
        usage=end.usage if end else None,
        duration_ms=end.duration_ms if end else None,
    )
