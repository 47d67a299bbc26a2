"""Lists of the past: from a request that was checked to the page it asks for, as it goes over the wire."""

from datetime import datetime

from magisystem.deliberation.history import History
from magisystem.deliberation.ports import Entry, Query
from magisystem.protocol.history import HistoryItem, HistoryPage, SessionItem, SessionPage, SessionTurns
from magisystem.protocol.requests import ListRequest, PageRequest


async def page(history: History, owner: str, request: ListRequest) -> HistoryPage:
    """Give a page of an owner's deliberations, the newest first.

    Raises:
        InvalidRequest: the cursor is none that was given out here.
        RecordsUnavailable: the records cannot be read now.
    """
    query = Query(
        text=request.q,
        outcome=request.outcome,
        decision=request.decision,
        session_id=request.session_id,
        deliberation_id=request.deliberation_id,
        limit=request.limit,
        cursor=request.cursor,
    )
    found = await history.search(owner, query)
    return HistoryPage(items=tuple(map(_item, found.items)), next_cursor=found.next_cursor)


async def session_page(history: History, owner: str, request: PageRequest) -> SessionPage:
    """Give a page of an owner's sessions, the latest turn first.

    Raises:
        InvalidRequest: the cursor is none that was given out here.
        RecordsUnavailable: the records cannot be read now.
    """
    found = await history.sessions(owner, request.limit, request.cursor)
    items = tuple(
        SessionItem(
            session_id=session.session_id, title=session.title, turns=session.n_turns, last_at=time_of(session.last_at)
        )
        for session in found.items
    )
    return SessionPage(items=items, next_cursor=found.next_cursor)


async def session_turns(history: History, owner: str, session_id: str, request: PageRequest) -> SessionTurns:
    """Give a page of a session's turns, the oldest first.

    Raises:
        SessionNotFound: there is none of that id, or it is another owner's.
        InvalidRequest: the cursor is none that was given out here.
        RecordsUnavailable: the records cannot be read now.
    """
    found = await history.session(owner, session_id, request.limit, request.cursor)
    return SessionTurns(session_id=session_id, items=tuple(map(_item, found.items)), next_cursor=found.next_cursor)


def _item(entry: Entry) -> HistoryItem:
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
    """Give a moment in UTC as it goes over the wire."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
