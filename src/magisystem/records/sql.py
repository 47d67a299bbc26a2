"""Records in a SQL database, for the event loop.

The driver blocks, so it lives on threads of its own: one that writes, two that read. They are not asyncio's, which
others may have filled, and a write that waits for a lock holds up no reading.

A start looks at the file with the driver alone, and only where that finds anything but the newest schema does it load
SQLAlchemy, which knows what to do or to say. Otherwise that is loaded by `load`, or by the first use.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

from magisystem.deliberation.ports import Entries, Query, Recording, Sessions
from magisystem.records.councils import SqlCouncils
from magisystem.records.sqlite_file import has_newest_schema

if TYPE_CHECKING:
    from magisystem.records.database import Database

RECORDS_FILE = "records.sqlite"

_N_READERS = 2

T = TypeVar("T")


class SqlRecords:
    """Implements `ClearableRecords`, and with ``councils`` `KeptCouncils`. `open` makes one."""

    def __init__(self, place: str | Path) -> None:
        self._place = place
        self._database: Database | None = None
        # Held while the database is opened, which whoever comes first does for the others.
        self._opening = Lock()
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="magi-records-writer")
        self._readers = ThreadPoolExecutor(_N_READERS, thread_name_prefix="magi-records-reader")
        self.councils = SqlCouncils(partial(self._on, self._readers), partial(self._on, self._writer))

    @classmethod
    @asynccontextmanager
    async def open(cls, place: str | Path) -> "AsyncGenerator[SqlRecords]":
        """Open the records at a SQLAlchemy URL or in a SQLite file, made or migrated where needed.

        Raises:
            RecordsUnavailable: they cannot be used; the message says what to do.
            RecordsNewer: a newer version of the system wrote them.
        """
        records = cls(place)
        try:
            await asyncio.get_running_loop().run_in_executor(records._writer, records._prepare)
            yield records
        finally:
            await records.aclose()

    async def aclose(self) -> None:
        """Finish what has begun, and close the database."""
        for threads in (self._writer, self._readers):
            await asyncio.to_thread(threads.shutdown)
        if self._database is not None:
            self._database.close()

    async def load(self) -> None:
        """Load what using them needs, so that no use has to wait for it.

        Raises:
            RecordsUnavailable: they cannot be used; the message says what to do.
            RecordsNewer: a newer version of the system wrote them.
        """
        await self._on(self._writer, lambda _: None)

    async def note(self, recordings: Sequence[Recording]) -> None:
        """See `Records.note`."""
        await self._on(self._writer, lambda database: database.note(recordings))

    async def unended(self, deliberation_ids: Sequence[str]) -> Sequence[str]:
        """See `Records.unended`."""
        return await self._on(self._readers, lambda database: database.unended(deliberation_ids))

    async def search(self, owner: str, query: Query) -> Entries:
        """See `Records.search`."""
        return await self._on(self._readers, lambda database: database.search(owner, query))

    async def sessions(self, owner: str, limit: int = 20, cursor: str | None = None) -> Sessions:
        """See `Records.sessions`."""
        return await self._on(self._readers, lambda database: database.sessions(owner, limit, cursor))

    async def rename(self, owner: str, deliberation_id: str, title: str | None) -> None:
        """See `Records.rename`."""
        await self._on(self._writer, lambda database: database.rename(owner, deliberation_id, title))

    async def forget(self, owner: str, deliberation_id: str) -> bool:
        """See `Records.forget`."""
        return await self._on(self._writer, lambda database: database.forget(owner, deliberation_id))

    async def clear(self) -> None:
        """See `ClearableRecords.clear`."""
        await self._on(self._writer, lambda database: database.clear())

    async def _on(self, threads: ThreadPoolExecutor, do: "Callable[[Database], T]") -> T:
        return await asyncio.get_running_loop().run_in_executor(threads, lambda: do(self._opened()))

    def _prepare(self) -> None:
        if isinstance(self._place, str) or not has_newest_schema(self._place):
            self._opened()

    def _opened(self) -> "Database":
        with self._opening:
            if self._database is None:
                from magisystem.records.database import Database

                self._database = Database.open(self._place, n_connections=1 + _N_READERS)
            return self._database
