"""How an entry of the history looks on the wire; the server and the commands that write JSON give the same."""

from datetime import UTC, datetime

from magisystem.deliberation.ports import Entry
from magisystem.protocol.history import HistoryItem


def item_of(entry: Entry) -> HistoryItem:
    """Give an entry as ``GET /deliberations`` does."""
    return HistoryItem(
        deliberation_id=entry.deliberation_id,
        session_id=entry.session_id,
        question=entry.question,
        mode=entry.mode,
        council=entry.council_id,
        status=entry.status,
        outcome=entry.outcome,
        decision=entry.decision,
        confidence=entry.confidence,
        started_at=time_of(entry.started_at),
        ended_at=None if entry.ended_at is None else time_of(entry.ended_at),
        summary=entry.summary,
        title=entry.title,
    )


def time_of(moment: datetime) -> str:
    """Give a moment as it goes over the wire: RFC 3339 in UTC, with milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
