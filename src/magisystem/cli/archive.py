"""Where deliberations are read that exist already: this machine's own log, or a server elsewhere.

The log may belong to a server that is running: it is read beside it, and what still goes on is followed as it is
written. Nothing here stops or deletes anything.
"""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

import msgspec

from magisystem.application import open_application
from magisystem.cli.servers import TIMING, client_of
from magisystem.cli.showing import write_notices
from magisystem.cli.sources import OWNER, notices, singly
from magisystem.client import MagiClient, Received, StreamCut
from magisystem.client.patience import patiently
from magisystem.client.received import Batch, Dropped
from magisystem.config import read_configuration
from magisystem.deliberation.deliberations import Deliberations
from magisystem.deliberation.ports import Entries, Entry, Query
from magisystem.errors import DeliberationNotFound, InvalidRequest
from magisystem.protocol.codec import decode
from magisystem.protocol.values import Decision, Mode, Outcome

NEWEST = "last"
# Shorter ones are typing errors more often than names.
LEAST_PREFIX_CHARS = 4
_ID_CHARS = 32
_PAGE = 100


class Archive(Protocol):
    """The deliberations of one owner.

    Every method raises `MagiError` where the log or the server cannot be read; `DeliberationNotFound`, or the
    server's own word for it, where there is none of that id.
    """

    async def find(self, name: str) -> str:
        """Give the id that ``name`` stands for: an id, its beginning, or ``last`` for the newest."""
        ...

    def follow(self, deliberation_id: str) -> AbstractAsyncContextManager[AsyncIterator[Received]]:
        """Give a deliberation's events from the first one on, and wait for those that are yet to come."""
        ...

    async def read(self, deliberation_id: str) -> list[Received]:
        """Give the events that a deliberation's log holds now."""
        ...

    async def search(self, query: Query) -> Entries:
        """Give a page of the deliberations that ``query`` asks for."""
        ...


@asynccontextmanager
async def open_archive(url: str | None) -> AsyncGenerator[Archive]:
    """Open the archive of the server at ``url``, or, without one, this machine's."""
    if url is not None:
        async with client_of(url) as client:
            yield ServerArchive(client)
    else:
        async with open_application(read_configuration()) as application:
            yield LocalArchive(application.deliberations)


@dataclass(frozen=True, slots=True)
class LocalArchive:
    """The log and the records of this machine."""

    deliberations: Deliberations

    async def find(self, name: str) -> str:
        """See `Archive.find`."""
        return await found(self, name)

    @asynccontextmanager
    async def follow(self, deliberation_id: str) -> AsyncGenerator[AsyncIterator[Received]]:
        """See `Archive.follow`."""
        async with self.deliberations.follow(deliberation_id, OWNER) as batches:
            yield singly(batches)

    async def read(self, deliberation_id: str) -> list[Received]:
        """See `Archive.read`."""
        received: list[Received] = []
        while True:
            page = await self.deliberations.read(deliberation_id, OWNER, len(received))
            received += [Received(decode(record.body), record.body) for record in page.records]
            if page.is_done or not page.records:
                return received

    async def search(self, query: Query) -> Entries:
        """See `Archive.search`."""
        return await self.deliberations.history.search(OWNER, query)


class _Item(msgspec.Struct, frozen=True, rename="camel"):
    """What a server lists of one deliberation."""

    deliberation_id: str
    session_id: str
    question: str
    mode: Mode
    status: str
    started_at: datetime
    council: str = ""
    ended_at: datetime | None = None
    outcome: Outcome | None = None
    decision: Decision | None = None
    confidence: float | None = None
    summary: str | None = None
    title: str | None = None


class _Listing(msgspec.Struct, frozen=True, rename="camel"):
    items: tuple[_Item, ...]
    next_cursor: str | None = None


@dataclass(frozen=True, slots=True)
class ServerArchive:
    """The deliberations of a server."""

    client: MagiClient

    async def find(self, name: str) -> str:
        """See `Archive.find`."""
        return await found(self, name)

    @asynccontextmanager
    async def follow(self, deliberation_id: str) -> AsyncGenerator[AsyncIterator[Received]]:
        """See `Archive.follow`."""
        async with self.client.follow(deliberation_id) as following:
            try:
                async with aclosing(following.received()) as received:
                    yield received
            finally:
                write_notices(notices(following))

    async def read(self, deliberation_id: str) -> list[Received]:
        """See `Archive.read`."""
        received: list[Received] = []

        async def next_page() -> Batch:
            return await self.client.wire.page(deliberation_id, len(received), 0)

        while True:
            try:
                page = await patiently(next_page, TIMING)
            except Dropped as error:
                raise StreamCut(str(error), deliberation_id=deliberation_id, cursor=len(received)) from error
            received += page.received
            if page.is_done or not page.received:
                return received

    async def search(self, query: Query) -> Entries:
        """See `Archive.search`."""
        asked = {
            "q": query.text,
            "outcome": query.outcome,
            "decision": query.decision,
            "sessionId": query.session_id,
            "deliberationId": query.deliberation_id,
            "limit": query.limit,
            "cursor": query.cursor,
        }
        body = {"action": "list", **{name: value for name, value in asked.items() if value}}
        listing = await patiently(lambda: self.client.wire.ask(body, _Listing), TIMING)
        return Entries(tuple(_entry(item) for item in listing.items), listing.next_cursor)


def _entry(item: _Item) -> Entry:
    return Entry(
        deliberation_id=item.deliberation_id,
        session_id=item.session_id,
        question=item.question,
        mode=item.mode,
        council_id=item.council,
        status=item.status,
        started_at=item.started_at,
        ended_at=item.ended_at,
        outcome=item.outcome,
        decision=item.decision,
        confidence=item.confidence,
        summary=item.summary,
        title=item.title,
    )


async def found(archive: Archive, name: str) -> str:
    """Give the id that ``name`` stands for.

    Raises:
        DeliberationNotFound: nothing begins so, or there is nothing yet.
        InvalidRequest: more than one begins so, or the beginning is too short.
    """
    name = name.strip().lower()
    if name == NEWEST:
        newest = await archive.search(Query(limit=1))
        if not newest.items:
            raise DeliberationNotFound(name)
        return newest.items[0].deliberation_id
    if len(name) >= _ID_CHARS:
        return name
    if len(name) < LEAST_PREFIX_CHARS:
        raise InvalidRequest(
            f"{name!r} is too short: name a deliberation by at least {LEAST_PREFIX_CHARS} characters, or as `last`.",
            field="id",
        )
    matches = [entry.deliberation_id async for entry in entries(archive) if entry.deliberation_id.startswith(name)]
    if len(matches) > 1:
        raise InvalidRequest(f"{name!r} begins the ids of {len(matches)} deliberations: write more of it.", field="id")
    if not matches:
        raise DeliberationNotFound(name)
    return matches[0]


async def entries(archive: Archive, query: Query | None = None, limit: int | None = None) -> AsyncGenerator[Entry]:
    """Give what ``query`` asks for page by page, at most ``limit`` entries."""
    query, n_left = query or Query(), limit
    while n_left is None or n_left > 0:
        page = await archive.search(replace(query, limit=_PAGE if n_left is None else min(n_left, _PAGE)))
        for entry in page.items:
            yield entry
        n_left = None if n_left is None else n_left - len(page.items)
        if page.next_cursor is None:
            return
        query = replace(query, cursor=page.next_cursor)
