"""What there is to be shown of a deliberation: its fold, and what the fold lacks (the pace, and why a lane began anew).

Pure: times are given, in seconds of any clock that only goes forward. Texts come out as they came in; whoever draws
them cleans them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from magisystem.deliberation.ports import MODEL_CALL, THROTTLE_WAIT
from magisystem.protocol.events import AgentComplete, AgentStart, AnyEvent, Chunk, Thinking, Traced
from magisystem.protocol.fold import DeliberationState, Fold, LaneState
from magisystem.protocol.values import AgentCard, Role

RETRY = "retry"


@dataclass(frozen=True, slots=True)
class Pulse:
    """A lane's pace.

    ``started_s`` and ``first_text_s`` are absent before the lane's first event and text. ``n_chars`` counts the visible
    characters of the attempt. ``again`` says why there is a further attempt; ``trouble`` is the last thing that went
    wrong underneath.
    """

    started_s: float | None = None
    first_text_s: float | None = None
    last_text_s: float | None = None
    n_chars: int = 0
    is_throttled: bool = False
    again: str | None = None
    trouble: str | None = None

    @property
    def chars_per_s(self) -> float | None:
        """The pace of the text so far; absent until it can be measured."""
        if self.first_text_s is None or self.last_text_s is None or self.last_text_s - self.first_text_s < 0.5:
            return None
        return self.n_chars / (self.last_text_s - self.first_text_s)


@dataclass(frozen=True, slots=True)
class Seat:
    """One agent, with what it has said and how fast."""

    card: AgentCard
    lane: LaneState
    pulse: Pulse


@dataclass(frozen=True, slots=True)
class Scene:
    """A moment of a deliberation. ``elapsed_s`` counts from the first event to the moment, or to the end."""

    state: DeliberationState
    sages: tuple[Seat, ...]
    judge: Seat | None
    now_s: float
    elapsed_s: float
    is_stopping: bool = False

    @property
    def names(self) -> Mapping[str, str]:
        """The agents' names by their ids."""
        return {seat.card.agent_id: seat.card.name for seat in (*self.sages, *filter(None, [self.judge]))}


@dataclass(slots=True)
class Stage:
    """Takes events as they come; `scene` can be asked for at any moment."""

    is_stopping: bool = False
    _fold: Fold = field(default_factory=Fold)
    _pulses: dict[str, Pulse] = field(default_factory=dict[str, Pulse])
    _first_s: float | None = None
    _last_s: float | None = None

    def add(self, event: AnyEvent, at_s: float) -> None:
        """Take the next event, received at ``at_s``."""
        self._fold.add(event)
        self._first_s = at_s if self._first_s is None else self._first_s
        if self._fold.terminal is not None:
            self._last_s = at_s
        match event:
            case AgentStart(agent_id=agent_id, attempt=attempt):
                before = self._pulses.get(agent_id, Pulse())
                self._pulses[agent_id] = Pulse(
                    started_s=at_s if before.started_s is None else before.started_s,
                    again=before.trouble if attempt > 1 else None,
                )
            case Chunk(agent_id=agent_id, content=content):
                pulse = self._pulses.get(agent_id, Pulse())
                self._pulses[agent_id] = replace(
                    pulse,
                    first_text_s=at_s if pulse.first_text_s is None else pulse.first_text_s,
                    last_text_s=at_s,
                    n_chars=pulse.n_chars + len(content),
                    is_throttled=False,
                )
            case Thinking(agent_id=agent_id) | AgentComplete(agent_id=agent_id):
                self._pulses[agent_id] = replace(self._pulses.get(agent_id, Pulse()), is_throttled=False)
            case Traced(agent_id=str(agent_id), trace=trace) if trace.action != MODEL_CALL:
                self._pulses[agent_id] = replace(
                    self._pulses.get(agent_id, Pulse()),
                    is_throttled=trace.action == THROTTLE_WAIT,
                    trouble=trace.details if trace.action == RETRY else f"{trace.action}: {trace.details}",
                )
            case _:
                pass

    @property
    def state(self) -> DeliberationState:
        """The deliberation as its events tell it so far."""
        return self._fold.state

    def scene(self, now_s: float) -> Scene:
        """Give what there is to be shown at ``now_s``."""
        state = self._fold.state
        until_s = now_s if self._last_s is None else self._last_s
        seats = self._seats(state)
        return Scene(
            state=state,
            sages=tuple(seat for seat in seats if seat.card.role is Role.SAGE),
            judge=next((seat for seat in seats if seat.card.role is Role.JUDGE), None),
            now_s=now_s,
            elapsed_s=0.0 if self._first_s is None else until_s - self._first_s,
            is_stopping=self.is_stopping,
        )

    def _seats(self, state: DeliberationState) -> list[Seat]:
        lanes = {lane.agent_id: lane for lane in state.lanes}
        cards = state.start.council.agents if state.start is not None else ()
        return [
            Seat(card, lanes[card.agent_id], self._pulses.get(card.agent_id, Pulse()))
            for card in cards
            if card.agent_id in lanes
        ]
