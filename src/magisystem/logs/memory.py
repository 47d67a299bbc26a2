"""The event log in memory: what one process needs while it runs, and what tests and `magi ask` use.

Nothing survives the process. Finished logs are forgotten, the oldest first, beyond ``keep_finished``, so that a server
that runs for weeks does not grow without end.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import islice

from magisystem.deliberation.ports import Idempotency, Listed, LogWriter, Page, Record, Repeated, Unfinished
from magisystem.errors import (
    CursorAhead,
    DeliberationExists,
    DeliberationNotFound,
    Fenced,
    IdempotencyConflict,
    SessionNotYours,
    TooManyRunning,
)

_BATCH = 512


@dataclass(slots=True, eq=False)
class _Log:
    owner: str
    place: int
    key: str | None = None
    session_id: str | None = None
    is_forgotten: bool = False
    is_to_stop: bool = False
    stop: Callable[[], None] | None = None
    records: list[Record] = field(default_factory=list[Record])
    # Set at the next append and then replaced, so that any number of followers wake without a queue each.
    grown: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def is_done(self) -> bool:
        return bool(self.records) and self.records[-1].is_terminal

    def extend(self, records: Sequence[Record]) -> None:
        self.records.extend(records)
        self.grown.set()
        self.grown = asyncio.Event()


@dataclass(frozen=True, slots=True)
class _Writer:
    """Writes one log. There is no second process that could take the log over, so a term ends with the log itself."""

    logs: "MemoryEventLog"
    deliberation_id: str
    log: _Log

    async def append(self, records: Sequence[Record]) -> None:
        if not records:
            return
        if self.log.is_done or self.log.is_forgotten:
            raise Fenced(f"The log of {self.deliberation_id!r} has ended.")
        first = len(self.log.records) + 1
        seqs = [record.seq for record in records]
        if seqs != list(range(first, first + len(records))):
            raise Fenced(f"The log of {self.deliberation_id!r} continues at {first}, not at {seqs[0]}.")
        if any(record.is_terminal for record in records[:-1]):
            raise Fenced("Nothing can follow a terminal event.")
        self.log.extend(records)
        if self.log.is_done:
            # It leads to all that the deliberation holds, which ends before its log is forgotten.
            self.log.stop = None
            self.logs.finish(self.deliberation_id)

    def on_stop(self, stop: Callable[[], None]) -> None:
        self.log.stop = stop
        if self.log.is_to_stop:
            stop()


class MemoryEventLog:
    """An `EventLog` of this process alone."""

    def __init__(self, *, keep_finished: int = 1_000) -> None:
        self._logs: dict[str, _Log] = {}
        # An ordered set: what has ended, the oldest first.
        self._finished: dict[str, None] = {}
        self._keys: dict[tuple[str, str], tuple[str, str]] = {}
        # The owner of each session, and its turns that are here.
        self._sessions: dict[str, tuple[str, set[str]]] = {}
        self._keep_finished = keep_finished
        self._n_begun = 0

    async def create(
        self,
        deliberation_id: str,
        owner: str,
        charter: bytes = b"",
        idempotency: Idempotency | None = None,
        session_id: str | None = None,
        most_running: int | None = None,
    ) -> LogWriter | Repeated:
        """See `EventLog.create`. Nothing outlives the process, so the charter is not kept."""
        del charter
        if idempotency is not None:
            known = self._keys.get((owner, idempotency.key))
            if known is not None and known[0] in self._logs:
                if known[1] != idempotency.fingerprint:
                    raise IdempotencyConflict(idempotency.key)
                return Repeated(known[0])
        if deliberation_id in self._logs:
            raise DeliberationExists(deliberation_id)
        turns = self._sessions.get(session_id) if session_id is not None else None
        if turns is not None and turns[0] != owner:
            raise SessionNotYours
        if most_running is not None and (n_running := len(await self.running(owner))) >= most_running:
            raise TooManyRunning(n_running)
        log = self._logs[deliberation_id] = _Log(owner, place=self._n_begun + 1)
        if session_id is not None:
            log.session_id = session_id
            self._sessions.setdefault(session_id, (owner, set()))[1].add(deliberation_id)
        self._n_begun += 1
        if idempotency is not None:
            log.key = idempotency.key
            self._keys[owner, idempotency.key] = (deliberation_id, idempotency.fingerprint)
        return _Writer(self, deliberation_id, log)

    @asynccontextmanager
    async def follow(
        self, deliberation_id: str, owner: str, after: int = 0
    ) -> AsyncGenerator[AsyncIterator[Sequence[Record]]]:
        """See `EventLog.follow`. A follower costs a cursor and nothing else, however slowly it reads."""
        log = self._find(deliberation_id, owner, after)
        yield _batches(log, deliberation_id, after)

    async def read(self, deliberation_id: str, owner: str, after: int = 0, limit: int = 10_000) -> Page:
        """See `EventLog.read`."""
        log = self._find(deliberation_id, owner, after)
        records = tuple(log.records[after : after + limit])
        return Page(records, is_done=log.is_done and after + len(records) == len(log.records))

    async def has_begun(self, owner: str, key: str) -> bool:
        """See `EventLog.has_begun`."""
        return (owner, key) in self._keys

    async def recover(self) -> Sequence[Unfinished]:
        """See `EventLog.recover`. What this process has not written to its end, nobody can."""
        return ()

    async def listed(self, after: int = 0, limit: int = 1_000) -> Sequence[Listed]:
        """See `EventLog.listed`."""
        beyond = ((id_, log) for id_, log in self._logs.items() if log.place > after)
        return [Listed(log.place, id_, log.owner, log.is_done) for id_, log in islice(beyond, limit)]

    async def running(self, owner: str) -> Sequence[str]:
        """See `EventLog.running`."""
        return [id_ for id_, log in self._logs.items() if log.owner == owner and not log.is_done]

    async def ask_to_stop(self, deliberation_id: str, owner: str) -> None:
        """See `EventLog.ask_to_stop`."""
        log = self._find(deliberation_id, owner, 0)
        if log.is_to_stop or log.is_done:
            return
        log.is_to_stop = True
        if log.stop is not None:
            log.stop()

    async def forget(self, deliberation_id: str, owner: str) -> None:
        """See `EventLog.forget`."""
        self._drop(deliberation_id, self._find(deliberation_id, owner, 0))

    def finish(self, deliberation_id: str) -> None:
        """Take note of a log's end, and forget what ended longest ago beyond the bound; its followers keep it."""
        self._finished[deliberation_id] = None
        while len(self._finished) > self._keep_finished:
            oldest = next(iter(self._finished))
            self._drop(oldest, self._logs[oldest], is_deleted=False)

    def _drop(self, deliberation_id: str, log: _Log, *, is_deleted: bool = True) -> None:
        del self._logs[deliberation_id]
        self._finished.pop(deliberation_id, None)
        if log.key is not None:
            del self._keys[log.owner, log.key]
        if log.session_id is not None:
            turns = self._sessions[log.session_id][1]
            turns.discard(deliberation_id)
            if not turns:
                del self._sessions[log.session_id]
        if is_deleted:
            log.is_forgotten = True
            log.grown.set()

    def _find(self, deliberation_id: str, owner: str, after: int) -> _Log:
        log = self._logs.get(deliberation_id)
        if log is None or log.owner != owner:
            raise DeliberationNotFound(deliberation_id)
        if after > len(log.records):
            raise CursorAhead(after, len(log.records))
        return log


async def _batches(log: _Log, deliberation_id: str, after: int) -> AsyncIterator[Sequence[Record]]:
    while True:
        if log.is_forgotten:
            raise DeliberationNotFound(deliberation_id)
        # Taken before the look at the records: an append between the two is then seen at once, never slept through.
        grown = log.grown
        batch = log.records[after : after + _BATCH]
        if batch:
            after += len(batch)
            yield batch
        elif log.is_done:
            return
        else:
            await grown.wait()
