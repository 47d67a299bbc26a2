"""A deliberation as a server-sent event stream: one follower of the log, with nothing kept for it.

A slow reader holds back its own follower alone (the log keeps what it has not read). A reader that leaves ends its
follower and nothing else. Where the log fails, or the server stops, before the terminal event, the body is aborted, not
closed: a clean end would read as success.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from magisystem.deliberation.ports import Record
from magisystem.http.streaming import HEADERS, KEEP_ALIVE_S, ServerStops, gone, piece
from magisystem.protocol.sse import KEEP_ALIVE, PRELUDE, frame

Following = AbstractAsyncContextManager[AsyncIterator[Sequence[Record]]]


class EventStream(Response):
    """A response that follows a log to its end."""

    def __init__(
        self,
        following: Following,
        deliberation_id: str,
        stopping: asyncio.Event,
        *,
        keep_alive_s: float = KEEP_ALIVE_S,
    ) -> None:
        super().__init__()
        self._stopping = stopping
        self._following = following
        self._deliberation_id = deliberation_id
        self._keep_alive_s = keep_alive_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Stream until the log or the reader ends.

        Raises:
            LogError: the log failed; the server drops the connection with the body unfinished.
            ServerStops: the server is told to stop; the same.
        """
        headers = [*HEADERS, (b"x-magi-deliberation-id", self._deliberation_id.encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        if scope["method"] == "HEAD":
            # Whoever asked has the whole answer now, and may ask on this connection for something else.
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            return
        pump = asyncio.create_task(self._pump(send))
        beat = asyncio.create_task(self._beat(send))
        left = asyncio.create_task(gone(receive))
        stop = asyncio.create_task(self._stopping.wait())
        tasks = (pump, beat, left, stop)
        try:
            await asyncio.wait({pump, left, stop}, return_when=asyncio.FIRST_COMPLETED)
            if pump.done():
                await pump
            elif stop.done():
                raise ServerStops
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _pump(self, send: Send) -> None:
        await send(piece(PRELUDE))
        async with self._following as batches:
            async for batch in batches:
                await send(piece(b"".join(frame(record.seq, record.body) for record in batch)))
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _beat(self, send: Send) -> None:
        while True:
            await asyncio.sleep(self._keep_alive_s)
            await send(piece(KEEP_ALIVE))
