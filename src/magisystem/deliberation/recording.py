"""What is recorded of a deliberation, and what later turns are told of the recorded ones. Pure."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from magisystem.council.briefs import Message
from magisystem.deliberation.ports import Entry, Recording
from magisystem.protocol.fold import DeliberationState, LaneState
from magisystem.protocol.values import Mode

EARLIER_CHARS = 16_000
# So much of one question or answer that two turns always have room.
_TEXT_CHARS = 4_000
_SUMMARY_CHARS = 1_000


def recording_of(state: DeliberationState, owner: str) -> Recording | None:
    """Give what is recorded of a deliberation in this state; ``None`` before it has begun."""
    start = state.start
    if start is None:
        return None
    end = state.complete or state.cancelled or state.error
    complete, verdict = state.complete, state.verdict
    said = [lane.text.strip() for lane in state.lanes]
    # In a chat one agent speaks, and what it said is the conclusion.
    spoken = "".join(said) if complete and start.mode is Mode.CHAT else None
    entry = Entry(
        deliberation_id=start.deliberation_id,
        session_id=start.session_id,
        question=start.question,
        mode=start.mode,
        council_id=start.council.id,
        status=state.status,
        started_at=datetime.fromisoformat(start.timestamp),
        ended_at=datetime.fromisoformat(end.timestamp) if end else None,
        outcome=complete.outcome if complete else None,
        decision=complete.decision if complete else None,
        confidence=complete.confidence if complete else None,
        summary=verdict.summary if verdict else spoken and _clipped(spoken, _SUMMARY_CHARS),
        answer=_conclusion(state) if spoken is None else _clipped(spoken, _TEXT_CHARS),
    )
    return Recording(owner, entry, "\n".join(filter(None, (start.question, *said, *_reasons(state.lanes, state)))))


def _reasons(lanes: Iterable[LaneState], state: DeliberationState) -> list[str]:
    reasons = [lane.reasoning or "" for lane in lanes]
    if verdict := state.verdict:
        reasons += [verdict.summary, verdict.reasoning, verdict.recommendation]
    return reasons


def _conclusion(state: DeliberationState) -> str | None:
    """Say what a council concluded, as its later turns read it."""
    if state.complete is None:
        return None
    decision = state.complete.decision
    parts = [f"The council decided: {decision}." if decision else "The council came to no decision."]
    if verdict := state.verdict:
        parts += [verdict.summary, verdict.recommendation]
    return _clipped("\n".join(filter(None, parts)), _TEXT_CHARS)


def conversation(newest_first: Sequence[Entry]) -> tuple[Message, ...]:
    """Give turns as a conversation, the newest last; the oldest are left out where all would be too long."""
    kept: list[Message] = []
    room = EARLIER_CHARS
    for entry in newest_first:
        question, answer = _clipped(entry.question, _TEXT_CHARS), entry.answer or ""
        room -= len(question) + len(answer)
        if room < 0:
            break
        kept += [Message("assistant", answer), Message("user", question)]
    return tuple(reversed(kept))


def _clipped(text: str, n_chars: int) -> str:
    return text if len(text) <= n_chars else f"{text[: n_chars - 1]}…"
