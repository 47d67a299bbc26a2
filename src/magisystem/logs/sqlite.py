"""The durable event log: one SQLite file, written by one thread, read by a few, followed from memory where it is live.

A log that this process writes keeps its latest records in memory, so that a follower who keeps up costs the disk
nothing; who falls behind, or comes later, reads pages from the file. A slow follower therefore costs a cursor. What
other processes write, and what they ask of this one, `watch` finds in the file.

Each process holds a lock file for as long as it lives. A log without an end whose writer's lock is free has a dead
writer: `recover` takes it over by raising its term, which fences the dead writer, should it only have been asleep.
"""

import asyncio
import sqlite3
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

from filelock import FileLock, Timeout

from magisystem.deliberation.ports import Idempotency, Listed, LogWriter, Page, Record, Repeated, Unfinished
from magisystem.errors import CursorAhead, DeliberationNotFound, Fenced, LogUnavailable
from magisystem.logs import sqlite_file
from magisystem.logs.group_commit import GroupCommit
from magisystem.logs.watch import Watch

FILE_NAME = "magi.sqlite"

_PAGE = 128
# The latest records of a live log, kept in memory for those who keep up.
_TAIL_BYTES = 16 * 1024
_N_READERS = 2

T = TypeVar("T")


@dataclass(slots=True, eq=False)
class _Live:
    """A log that this process writes."""

    owner: str
    last_seq: int = 0
    is_done: bool = False
    is_forgotten: bool = False
    is_to_stop: bool = False
    stop: Callable[[], None] | None = None
    failure: LogUnavailable | None = None
    tail: deque[Record] = field(default_factory=deque[Record])
    tail_bytes: int = 0
    n_changes: int = 0
    # Those who wait for the next change; any number of them, without a queue each.
    waiting: list[asyncio.Future[None]] = field(default_factory=list["asyncio.Future[None]"])

    def extend(self, records: Sequence[Record]) -> None:
        self.tail.extend(records)
        self.tail_bytes += sum(len(record.body) for record in records)
        while self.tail_bytes > _TAIL_BYTES and len(self.tail) > 1:
            self.tail_bytes -= len(self.tail.popleft().body)
        self.last_seq = records[-1].seq
        self.is_done = records[-1].is_terminal
        self.failure = None
        self.wake()

    def fail(self, error: LogUnavailable) -> None:
        self.failure = error
        self.wake()

    def ask_to_stop(self) -> None:
        is_told, self.is_to_stop = self.is_to_stop, True
        if self.stop is not None and not is_told:
            self.stop()

    def forget(self) -> None:
        self.is_forgotten = True
        self.wake()

    def wake(self) -> None:
        self.n_changes += 1
        waiting, self.waiting = self.waiting, []
        for waiter in waiting:
            if not waiter.done():
                waiter.set_result(None)

    async def changed(self, n_changes: int) -> None:
        """Wait for a change, unless there were more than ``n_changes`` already."""
        if self.n_changes > n_changes:
            return
        waiter = asyncio.get_running_loop().create_future()
        self.waiting.append(waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter in self.waiting:
                self.waiting.remove(waiter)
            raise

    def after(self, cursor: int) -> Sequence[Record] | None:
        """Give the records after ``cursor``, or ``None`` where they do not all stand in memory any more."""
        if cursor >= self.last_seq:
            return ()
        first = self.last_seq - len(self.tail) + 1
        if cursor + 1 < first:
            return None
        return [self.tail[place] for place in range(cursor + 1 - first, len(self.tail))]


@dataclass(frozen=True, slots=True)
class _Writer:
    log: "SqliteEventLog"
    deliberation_id: str
    begun: sqlite_file.Begun
    live: _Live

    async def append(self, records: Sequence[Record]) -> None:
        if records:
            await self.log.append(self, records)

    def on_stop(self, stop: Callable[[], None]) -> None:
        self.live.stop = stop
        if self.live.is_to_stop:
            stop()


class SqliteEventLog:
    """An `EventLog` in one SQLite file. `open` makes one."""

    def __init__(self, path: Path, commits: GroupCommit, name: str) -> None:
        self._path = path
        self._commits = commits
        self._name = name
        self._live: dict[str, _Live] = {}
        self._watch = Watch(self._read, name, self._stop)
        self._watching = asyncio.create_task(self._watch.run(), name="log watch")
        self._readers = ThreadPoolExecutor(_N_READERS, thread_name_prefix="magi-log-reader")
        self._connections: list[sqlite3.Connection] = []
        self._free: deque[sqlite3.Connection] = deque()

    @classmethod
    @asynccontextmanager
    async def open(cls, folder: Path) -> "AsyncGenerator[SqliteEventLog]":
        """Open the log in ``folder``, which is made where it is missing.

        Raises:
            LogUnavailable: it cannot be used; the message says what to do.
        """
        path = folder / FILE_NAME
        connection = await asyncio.to_thread(sqlite_file.connect, path)
        name = sqlite_file.writer_name()
        alive = FileLock(_lock_path(folder, name))
        try:
            alive.acquire()
        except OSError as error:
            connection.close()
            raise LogUnavailable(f"{folder} cannot be written: {error}. Make it writable for this user.") from error
        log = cls(path, GroupCommit(connection, path), name)
        try:
            yield log
        finally:
            await log.aclose()
            alive.release()
            _lock_path(folder, name).unlink(missing_ok=True)

    async def aclose(self) -> None:
        """Write what waits and close the file."""
        self._watching.cancel()
        await asyncio.wait([self._watching])
        await self._commits.aclose()
        await asyncio.to_thread(self._readers.shutdown)
        for connection in self._connections:
            connection.close()

    async def create(
        self,
        deliberation_id: str,
        owner: str,
        charter: bytes = b"",
        idempotency: Idempotency | None = None,
        session_id: str | None = None,
        most_running: int | None = None,
    ) -> LogWriter | Repeated:
        """See `EventLog.create`."""
        new = sqlite_file.NewLog(deliberation_id, owner, self._name, charter, session_id)
        begun = await self._commits.perform(
            lambda connection: sqlite_file.create(connection, new, idempotency, most_running),
            lambda begun: self._goes_live(deliberation_id, owner, begun),
        )
        if isinstance(begun, Repeated):
            return begun
        return _Writer(self, deliberation_id, begun, self._live[deliberation_id])

    async def append(self, writer: _Writer, records: Sequence[Record]) -> None:
        """See `LogWriter.append`."""
        live = writer.live

        def extend(_: None) -> None:
            live.extend(records)
            if live.is_done:
                self._ends_here(writer.deliberation_id)

        try:
            await self._commits.append(sqlite_file.Entry.of(writer.begun, records), extend)
        except LogUnavailable as error:
            # Those who watch must not wait for what cannot come; they are cut off, and may come back.
            live.fail(error)
            raise
        except Fenced:
            self._ends_here(writer.deliberation_id)
            live.fail(LogUnavailable("Another process goes on with this deliberation. Reconnect."))
            raise

    @asynccontextmanager
    async def follow(
        self, deliberation_id: str, owner: str, after: int = 0
    ) -> AsyncGenerator[AsyncIterator[Sequence[Record]]]:
        """See `EventLog.follow`."""
        live = self._live.get(deliberation_id)
        if live is None or live.owner != owner:
            await self._page(deliberation_id, owner, after, 0)
        elif after > live.last_seq:
            raise CursorAhead(after, live.last_seq)
        yield self._batches(deliberation_id, owner, after)

    async def read(self, deliberation_id: str, owner: str, after: int = 0, limit: int = 10_000) -> Page:
        """See `EventLog.read`."""
        head, records = await self._page(deliberation_id, owner, after, limit)
        cursor = records[-1].seq if records else after
        return Page(records, is_done=head.has_ended and cursor == head.last_seq)

    async def has_begun(self, owner: str, key: str) -> bool:
        """See `EventLog.has_begun`."""
        return await self._read(lambda connection: sqlite_file.has_begun(connection, owner, key))

    async def recover(self) -> Sequence[Unfinished]:
        """See `EventLog.recover`."""
        found = await self._read(sqlite_file.orphans)
        dead = {orphan.writer for orphan in found if orphan.writer != self._name and self._is_dead(orphan.writer)}
        taken: list[Unfinished] = []
        for orphan in found:
            if orphan.writer not in dead:
                continue
            take = partial(
                sqlite_file.take_over,
                deliberation_id=orphan.deliberation_id,
                former=orphan.writer,
                writer=self._name,
            )
            begun = await self._commits.perform(take)
            if begun is not None:
                live = await self._takes_up(orphan.deliberation_id, orphan.owner)
                writer = _Writer(self, orphan.deliberation_id, begun, live)
                taken.append(Unfinished(orphan.deliberation_id, orphan.owner, orphan.charter, writer))
        for name in dead:
            _lock_path(self._path.parent, name).unlink(missing_ok=True)
        return taken

    async def listed(self, after: int = 0, limit: int = 1_000) -> Sequence[Listed]:
        """See `EventLog.listed`."""
        return await self._read(lambda connection: sqlite_file.listed(connection, after, limit))

    async def running(self, owner: str) -> Sequence[str]:
        """See `EventLog.running`."""
        return await self._read(lambda connection: sqlite_file.running(connection, owner))

    async def ask_to_stop(self, deliberation_id: str, owner: str) -> None:
        """See `EventLog.ask_to_stop`."""
        await self._commits.perform(lambda connection: sqlite_file.ask_to_stop(connection, deliberation_id, owner))
        if (live := self._live.get(deliberation_id)) and live.owner == owner:
            live.ask_to_stop()

    async def forget(self, deliberation_id: str, owner: str) -> None:
        """See `EventLog.forget`."""
        await self._commits.perform(lambda connection: sqlite_file.forget(connection, deliberation_id, owner))
        if live := self._ends_here(deliberation_id):
            live.forget()

    def _goes_live(self, deliberation_id: str, owner: str, begun: sqlite_file.Begun | Repeated) -> None:
        if not isinstance(begun, Repeated):
            self._live[deliberation_id] = _Live(owner)
            self._watch.begin_writing()

    def _ends_here(self, deliberation_id: str) -> _Live | None:
        """This process does not write a log any more."""
        live = self._live.pop(deliberation_id, None)
        if live is not None:
            # It leads to all that the deliberation holds, and followers may hold on to this.
            live.stop = None
        if not self._live:
            self._watch.end_writing()
        return live

    def _stop(self, deliberation_id: str) -> None:
        if live := self._live.get(deliberation_id):
            live.ask_to_stop()

    async def _takes_up(self, deliberation_id: str, owner: str) -> _Live:
        head, _ = await self._page(deliberation_id, owner, 0, 0)
        live = self._live[deliberation_id] = _Live(owner, last_seq=head.last_seq)
        self._watch.begin_writing()
        return live

    def _is_dead(self, writer: str) -> bool:
        lock = FileLock(_lock_path(self._path.parent, writer))
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return False
        lock.release()
        return True

    async def _batches(self, deliberation_id: str, owner: str, after: int) -> AsyncIterator[Sequence[Record]]:
        live = self._live.get(deliberation_id)
        while True:
            # Counted before the look at the records: a change between the two is seen at once, never slept through.
            n_changes = live.n_changes if live else 0
            if live and live.is_forgotten:
                raise DeliberationNotFound(deliberation_id)
            batch = live.after(after) if live else None
            is_done = live is not None and live.is_done
            if batch is None:
                head, batch = await self._page(deliberation_id, owner, after, _PAGE)
                is_done = head.has_ended
            if batch:
                after = batch[-1].seq
                yield batch
                if batch[-1].is_terminal:
                    return
            elif is_done:
                return
            elif live and live.failure:
                raise live.failure
            elif live:
                await live.changed(n_changes)
            else:
                _, batch = await self._watch.page(deliberation_id, owner, after)
                if not batch:
                    return
                after = batch[-1].seq
                yield batch
                if batch[-1].is_terminal:
                    return
                live = self._live.get(deliberation_id)

    async def _page(
        self, deliberation_id: str, owner: str, after: int, limit: int
    ) -> tuple[sqlite_file.Head, tuple[Record, ...]]:
        return await self._read(lambda connection: sqlite_file.page(connection, deliberation_id, owner, after, limit))

    async def _read(self, do: Callable[[sqlite3.Connection], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read_here, do)

    def _read_here(self, do: Callable[[sqlite3.Connection], T]) -> T:
        """Read, on a reader's thread, with a connection that no other thread uses meanwhile."""
        try:
            connection = self._free.pop() if self._free else self._reader()
            try:
                connection.execute("BEGIN")
                try:
                    return do(connection)
                finally:
                    connection.execute("COMMIT")
            finally:
                self._free.append(connection)
        except sqlite3.Error as error:
            raise sqlite_file.unavailable(error, self._path) from error

    def _reader(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, isolation_level=None, timeout=5.0, check_same_thread=False)
        connection.execute("PRAGMA query_only = 1")
        connection.execute(f"PRAGMA cache_size = -{sqlite_file.CACHE_KIB}")
        self._connections.append(connection)
        return connection


def _lock_path(folder: Path, writer: str) -> Path:
    return folder / f"writer-{writer}.lock"
