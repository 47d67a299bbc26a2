"""An event log whose disk is full from a certain word on."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from magisystem.deliberation.ports import Idempotency, Listed, LogWriter, Page, Record, Repeated, Unfinished
from magisystem.errors import LogUnavailable
from magisystem.logs import MemoryEventLog


@dataclass
class _Writer:
    inner: LogWriter
    fails_on: bytes

    async def append(self, records: Sequence[Record]) -> None:
        if any(self.fails_on in record.body for record in records):
            raise LogUnavailable("The disk is full.")
        await self.inner.append(records)

    def on_stop(self, stop: Callable[[], None]) -> None:
        self.inner.on_stop(stop)


class FailingLog:
    """An `EventLog` that refuses the batch in which ``fails_on`` stands, and every follower that reaches that point."""

    def __init__(self, fails_on: bytes) -> None:
        self._inner = MemoryEventLog()
        self._fails_on = fails_on

    async def create(
        self,
        deliberation_id: str,
        owner: str,
        charter: bytes = b"",
        idempotency: Idempotency | None = None,
        session_id: str | None = None,
        most_running: int | None = None,
    ) -> LogWriter | Repeated:
        writer = await self._inner.create(deliberation_id, owner, charter, idempotency, session_id, most_running)
        return writer if isinstance(writer, Repeated) else _Writer(writer, self._fails_on)

    async def has_begun(self, owner: str, key: str) -> bool:
        return await self._inner.has_begun(owner, key)

    async def recover(self) -> Sequence[Unfinished]:
        return ()

    async def listed(self, after: int = 0, limit: int = 1_000) -> Sequence[Listed]:
        return await self._inner.listed(after, limit)

    async def running(self, owner: str) -> Sequence[str]:
        return await self._inner.running(owner)

    async def ask_to_stop(self, deliberation_id: str, owner: str) -> None:
        await self._inner.ask_to_stop(deliberation_id, owner)

    async def forget(self, deliberation_id: str, owner: str) -> None:
        await self._inner.forget(deliberation_id, owner)

    @asynccontextmanager
    async def follow(
        self, deliberation_id: str, owner: str, after: int = 0
    ) -> AsyncGenerator[AsyncIterator[Sequence[Record]]]:
        await self._inner.read(deliberation_id, owner, after)
        yield self._batches(deliberation_id, owner, after)

    async def read(self, deliberation_id: str, owner: str, after: int = 0, limit: int = 10_000) -> Page:
        return await self._inner.read(deliberation_id, owner, after, limit)

    async def _batches(self, deliberation_id: str, owner: str, after: int) -> AsyncIterator[Sequence[Record]]:
        page = await self._inner.read(deliberation_id, owner, after)
        if page.records:
            yield page.records
        raise LogUnavailable("The disk is full.")
