"""Lists of the past: from a request that was checked to the page it asks for, as it goes over the wire."""

from magisystem.deliberation.history import History
from magisystem.deliberation.listing import item_of, time_of
from magisystem.deliberation.ports import Query
from magisystem.protocol.history import HistoryPage, SessionItem, SessionPage, SessionTurns
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
    return HistoryPage(items=tuple(map(item_of, found.items)), next_cursor=found.next_cursor)


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
    return SessionTurns(session_id=session_id, items=tuple(map(item_of, found.items)), next_cursor=found.next_cursor)
