"""The writer thread: what waits together is committed together, and the event loop never waits for the disk.

One thread owns the writing connection. It takes every job that has gathered, does them in one transaction, commits, and
only then tells the loop. A job that is refused (a stale writer, say) costs the others nothing; a disk that fails costs
all of them the same error, and the file holds none of them.
"""

import asyncio
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, TypeVar

from magisystem.errors import LogUnavailable, MagiError
from magisystem.logs import sqlite_file

# A commit costs as much as twenty appends in it, so where many come, they gather this long after the last one began.
_GATHER_S = 0.003
# So long a transaction that others wait for it is worse than two.
_MOST_JOBS = 1_000

T = TypeVar("T")


@dataclass(slots=True)
class _Job:
    """One thing to do to the file. ``then`` is called on the loop with the result, before ``done`` is set.

    Entries that come one after the other are appended together, so a job is known to be one.
    """

    do: Callable[[sqlite3.Connection], Any] | sqlite_file.Entry
    then: Callable[[Any], None] | None
    done: "asyncio.Future[Any]"
    result: Any = None
    error: MagiError | None = None


class GroupCommit:
    """Does jobs to the file, in the order they came, many to a transaction."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path
        self._loop = asyncio.get_running_loop()
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        # Something in it ends the writer's rest.
        self._urgent: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="magi-log", daemon=True)
        self._is_closed = False
        self._thread.start()

    async def perform(self, do: Callable[[sqlite3.Connection], T], then: Callable[[T], None] | None = None) -> T:
        """Do a job and give its result once it is committed.

        Cancelling the caller does not take the job back: it may be in the file already.

        Raises:
            MagiError: the job was refused, or the file cannot be written; nothing of it was.
        """
        return await self._done(do, then)

    async def append(self, entry: sqlite_file.Entry, then: Callable[[None], None]) -> None:
        """Append an entry; as `perform`, with whatever else is appended meanwhile.

        Raises:
            Fenced: its term is over, its seqs do not continue the log, or that has ended.
            LogError: the file cannot be written; nothing of it was.
        """
        await self._done(entry, then)

    def _done(
        self, do: Callable[[sqlite3.Connection], Any] | sqlite_file.Entry, then: Callable[[Any], None] | None
    ) -> "asyncio.Future[Any]":
        if self._is_closed:
            raise LogUnavailable("The log is closed.")
        done: asyncio.Future[Any] = self._loop.create_future()
        self._jobs.put(_Job(do, then, done))
        # Of what is appended only a log's beginning: whoever asked has seen nothing yet.
        if not isinstance(do, sqlite_file.Entry) or do.after == 0:
            self._urgent.put(None)
        return done

    async def aclose(self) -> None:
        """Do what waits, then end the thread and close its connection."""
        self._is_closed = True
        self._jobs.put(None)
        self._urgent.put(None)
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        is_open = True
        while is_open:
            jobs, is_open = self._gathered()
            if jobs:
                begun_s = time.monotonic()
                self._commit(jobs)
                self._loop.call_soon_threadsafe(_deliver, jobs)
                if is_open:
                    self._rest(begun_s + _GATHER_S - time.monotonic())
        self._connection.close()

    def _rest(self, rest_s: float) -> None:
        """Let jobs gather, unless there is one that somebody waits for."""
        with suppress(queue.Empty):
            self._urgent.get(timeout=max(0.0, rest_s))

    def _gathered(self) -> tuple[list[_Job], bool]:
        """Wait for a job, and take with it whatever else waits; tell whether more may come."""
        jobs: list[_Job] = []
        item = self._jobs.get()
        while item is not None:
            jobs.append(item)
            if len(jobs) == _MOST_JOBS:
                return jobs, True
            try:
                item = self._jobs.get_nowait()
            except queue.Empty:
                return jobs, True
        return jobs, False

    def _commit(self, jobs: list[_Job]) -> None:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            for is_appending, run in groupby(jobs, _is_appending):
                if is_appending:
                    self._append(list(run))
                else:
                    self._perform(run)
            self._connection.execute("COMMIT")
        except _NotAll:
            self._undo()
            for job in jobs:
                self._commit([job])
        except sqlite3.Error as error:
            self._undo()
            if len(jobs) > 1 and sqlite_file.is_of_one_job(error):
                # What is wrong with one log's pages or rows must not cost the others their words.
                for job in jobs:
                    self._commit([job])
                return
            for job in jobs:
                job.error = sqlite_file.unavailable(error, self._path)
        except Exception as error:  # noqa: BLE001 - the writer thread's supervisor: without it every later job hangs
            self._undo()
            for job in jobs:
                job.error = LogUnavailable(
                    f"The log {self._path} met a fault: {type(error).__name__}.", is_private=True
                )

    def _perform(self, jobs: Iterable[_Job]) -> None:
        for job in jobs:
            assert not isinstance(job.do, sqlite_file.Entry)  # noqa: S101 - the caller has parted them
            try:
                job.result = job.do(self._connection)
            except MagiError as error:
                job.error = error

    def _append(self, jobs: Sequence[_Job]) -> None:
        entries = [job.do for job in jobs if isinstance(job.do, sqlite_file.Entry)]
        if sqlite_file.append(self._connection, entries):
            return
        if len(jobs) > 1:
            raise _NotAll
        jobs[0].error = sqlite_file.why_fenced(self._connection, entries[0])

    def _undo(self) -> None:
        # SQLite undoes by itself what it must (a full disk, say); then there is no transaction left to end.
        if self._connection.in_transaction:
            try:
                self._connection.execute("ROLLBACK")
            except sqlite3.Error:
                return


class _NotAll(Exception):
    """Not everything that was to be appended together could be."""


def _is_appending(job: _Job) -> bool:
    return isinstance(job.do, sqlite_file.Entry)


def _deliver(jobs: list[_Job]) -> None:
    for job in jobs:
        if job.error is None and job.then is not None:
            job.then(job.result)
        if job.done.cancelled():
            continue
        if job.error is None:
            job.done.set_result(job.result)
        else:
            job.done.set_exception(job.error)
            # Whoever asked may have been cancelled meanwhile; the error is theirs to read or not.
            job.done.exception()
