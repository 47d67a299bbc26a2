"""A deliberation as a server-sent event stream: one follower of the log, with nothing kept for it.

A slow reader holds back its own follower alone (the log keeps what it has not read). A reader that leaves ends its
follower and nothing else. Where the log fails, or the server stops, before the terminal event, the body is aborted, not
closed: a clean end would read as success.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager

from magisystem.deliberation.ports import Record
from magisystem.http.live_body import LiveBody
from magisystem.http.streaming import KEEP_ALIVE_S
from magisystem.protocol.sse import frame

Following = AbstractAsyncContextManager[AsyncIterator[Sequence[Record]]]


class EventStream(LiveBody):
    """A response that follows a log to its end."""

    def __init__(
        self,
        following: Following,
        deliberation_id: str,
        stopping: asyncio.Event,
        *,
        keep_alive_s: float = KEEP_ALIVE_S,
    ) -> None:
        headers = ((b"x-magi-deliberation-id", deliberation_id.encode()),)
        super().__init__(_framed(following), stopping, headers, keep_alive_s=keep_alive_s)


@asynccontextmanager
async def _framed(following: Following) -> AsyncGenerator[AsyncIterator[bytes]]:
    async with following as batches, aclosing(_frames(batches)) as pieces:
        yield pieces


async def _frames(batches: AsyncIterator[Sequence[Record]]) -> AsyncGenerator[bytes]:
    async for batch in batches:
        yield b"".join(frame(record.seq, record.body) for record in batch)
