"""The body of a response that lives: server-sent events as they come, with what keeps the path to the reader open.

Owns the head, the comment that comes first, the keep-alives and the three ways of ending. What is streamed is the
caller's: event_stream.py has a deliberation, probe.py a probe. Loads no more than Starlette's responses.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from magisystem.http.streaming import HEADERS, KEEP_ALIVE_S, Aborted, ServerStops, gone, piece
from magisystem.protocol.sse import KEEP_ALIVE, PRELUDE

Header = tuple[bytes, bytes]
# Whole frames, those that are ready together in one piece.
Pieces = AbstractAsyncContextManager[AsyncIterator[bytes]]


class ReaderTooSlow(Aborted):
    """The reader has not taken in time what has a bound in time."""


class LiveBody(Response):
    """A response that streams ``pieces`` to their end.

    With ``longest_s`` it is aborted where it has not ended by then, so that a reader who does not read cannot keep for
    ever what has a bound in number.
    """

    def __init__(
        self,
        pieces: Pieces,
        stopping: asyncio.Event,
        headers: Sequence[Header] = (),
        *,
        keep_alive_s: float = KEEP_ALIVE_S,
        longest_s: float | None = None,
    ) -> None:
        super().__init__()
        self._pieces = pieces
        self._stopping = stopping
        self._head = [*HEADERS, *headers]
        self._keep_alive_s = keep_alive_s
        self._longest_s = longest_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Stream until the pieces or the reader end.

        Raises:
            ServerStops: the server is told to stop; it drops the connection with the body unfinished.
            ReaderTooSlow: ``longest_s`` have passed; the same.
            Exception: what the pieces raise; the same.
        """
        await send({"type": "http.response.start", "status": 200, "headers": self._head})
        if scope["method"] == "HEAD":
            # Whoever asked has the whole answer now, and may ask on this connection for something else.
            async with self._pieces:
                await send({"type": "http.response.body", "body": b"", "more_body": False})
            return
        pump = asyncio.create_task(self._pump(send))
        beat = asyncio.create_task(self._beat(send))
        left = asyncio.create_task(gone(receive))
        stop = asyncio.create_task(self._stopping.wait())
        tasks = (pump, beat, left, stop)
        try:
            done, _ = await asyncio.wait(
                {pump, left, stop}, timeout=self._longest_s, return_when=asyncio.FIRST_COMPLETED
            )
            if pump.done():
                await pump
            elif stop.done():
                raise ServerStops
            elif not done:
                raise ReaderTooSlow
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _pump(self, send: Send) -> None:
        await send(piece(PRELUDE))
        async with self._pieces as pieces:
            async for ready in pieces:
                await send(piece(ready))
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _beat(self, send: Send) -> None:
        while True:
            await asyncio.sleep(self._keep_alive_s)
            await send(piece(KEEP_ALIVE))
