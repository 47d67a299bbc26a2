"""The events of ``magi.v1``: what a deliberation's log holds and every follower sees.

One struct a type, tagged by ``type`` on the wire. ``seq`` counts 1, 2, 3, … without gaps; ``timestamp`` is RFC 3339 in
UTC with milliseconds. Encoding and decoding are in protocol/codec.py, folding in protocol/fold.py.
"""

from typing import Any

import msgspec

from magisystem.protocol.values import (
    AgentCard,
    Authority,
    CouncilCard,
    Decision,
    LaneStatus,
    Mode,
    Outcome,
    Receipt,
    Score,
    Tally,
    Trace,
    Usage,
    Value,
)


class Event(Value, frozen=True):
    """What every event has."""

    seq: int
    timestamp: str


class LaneEvent(Event, frozen=True):
    """What every event of a lane has."""

    agent_id: str


class Start(Event, frozen=True, tag_field="type", tag="start"):
    """The first event, appended before any model is called."""

    deliberation_id: str
    session_id: str
    question: str
    mode: Mode
    council: CouncilCard


class AgentStart(LaneEvent, frozen=True, tag_field="type", tag="agent_start"):
    """A lane begins. ``attempt`` counts from 1; one above 1 voids the lane's earlier text and thinking."""

    attempt: int
    model: str


class Chunk(LaneEvent, frozen=True, tag_field="type", tag="chunk"):
    """Visible text, to be appended to the lane."""

    content: str


class Thinking(LaneEvent, frozen=True, tag_field="type", tag="thinking"):
    """Reasoning text, where a model gives it."""

    content: str


class Traced(Event, frozen=True, tag_field="type", tag="trace"):
    """What happens underneath; of one lane where ``agent_id`` is set."""

    trace: Trace
    agent_id: str | None = None


class VoteCast(LaneEvent, frozen=True, tag_field="type", tag="vote"):
    """A sage's vote. ``confidence`` from 0 to 1."""

    decision: Decision
    confidence: float
    reasoning: str


class VerdictGiven(LaneEvent, frozen=True, tag_field="type", tag="verdict"):
    """The judge's ruling. ``scores`` holds one mark a sage that spoke, in the council's order."""

    decision: Decision
    confidence: float
    summary: str
    reasoning: str
    recommendation: str
    scores: tuple[Score, ...]


class AgentComplete(LaneEvent, frozen=True, tag_field="type", tag="agent_complete"):
    """A lane ends. ``cause`` is the stable code of why, where it ``failed`` or ``abstained``."""

    status: LaneStatus
    usage: Usage
    duration_ms: int
    cause: str | None = None
    cost_usd: float | None = None


class Complete(Event, frozen=True, tag_field="type", tag="complete"):
    """The terminal event of a deliberation that reached its end.

    ``decision`` and ``confidence`` are absent where nothing was decided. ``execution_time`` is in milliseconds from
    `start`. ``digest`` is ``sha256:`` and the hex hash over every earlier event's JSON, each followed by one LF.
    """

    outcome: Outcome
    tally: Tally
    authority: Authority
    usage: Usage
    execution_time: int
    chunk_count: int
    digest: str
    decision: Decision | None = None
    confidence: float | None = None
    cost_usd: float | None = None


class Cancelled(Event, frozen=True, tag_field="type", tag="cancelled"):
    """The terminal event of a deliberation that somebody stopped."""

    by: str
    receipt: Receipt


class Failed(Event, frozen=True, tag_field="type", tag="error"):
    """The terminal event of a deliberation that failed as a whole. ``error`` is a stable code."""

    error: str
    message: str
    retryable: bool


class Unknown(msgspec.Struct, frozen=True, kw_only=True):
    """An event of a type this version does not know, kept whole in ``fields`` (``type`` included)."""

    seq: int
    timestamp: str
    type: str
    fields: dict[str, Any]


KnownEvent = (
    Start
    | AgentStart
    | Chunk
    | Thinking
    | Traced
    | VoteCast
    | VerdictGiven
    | AgentComplete
    | Complete
    | Cancelled
    | Failed
)
AnyEvent = KnownEvent | Unknown
TerminalEvent = Complete | Cancelled | Failed

TERMINAL_TYPES = frozenset({"complete", "cancelled", "error"})

__all__ = [
    "TERMINAL_TYPES",
    "AgentCard",
    "AgentComplete",
    "AgentStart",
    "AnyEvent",
    "Cancelled",
    "Chunk",
    "Complete",
    "Event",
    "Failed",
    "KnownEvent",
    "LaneEvent",
    "Start",
    "TerminalEvent",
    "Thinking",
    "Traced",
    "Unknown",
    "VerdictGiven",
    "VoteCast",
]
