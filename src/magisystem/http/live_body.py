"""The body of a response that lives: server-sent events as they come, with what keeps the path to the reader open.

Owns the head, the comment that comes first, the keep-alives and the three ways of ending. What is streamed is the
caller's: event_stream.py has a deliberation, probe.py a probe. Loads no more than Starlette's responses.

Most streams wait, most of the time, and many wait at once. So one of them is the task of its request, which sends, and
one more, which notices that the reader leaves; a keep-alive has a task only while it is sent. http/unwinding.py lets go
of the request's layers, too.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Generic, TypeVar

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from magisystem.http.streaming import HEADERS, KEEP_ALIVE_S, Aborted, ServerStops, Stopping, gone, piece
from magisystem.protocol.sse import KEEP_ALIVE, PRELUDE

T = TypeVar("T")
Header = tuple[bytes, bytes]
# In the scope, where there is one: the list into which a body goes that is to be streamed by others.
UNWOUND = "magi.unwound"


class ReaderTooSlow(Aborted):
    """The reader has not taken in time what has a bound in time."""


class LiveBody(Response, Generic[T]):
    """A response that streams ``batches`` to their end, each as ``framed`` gives it: whole frames, in one piece.

    With ``longest_s`` it is aborted where it has not ended by then, so that a reader who does not read cannot keep for
    ever what has a bound in number.
    """

    def __init__(
        self,
        batches: AbstractAsyncContextManager[AsyncIterator[T]],
        framed: Callable[[T], bytes],
        stopping: Stopping,
        headers: Sequence[Header] = (),
        *,
        keep_alive_s: float = KEEP_ALIVE_S,
        longest_s: float | None = None,
    ) -> None:
        super().__init__()
        self._batches = batches
        self._framed = framed
        self._stopping = stopping
        self._head = [*HEADERS, *headers]
        self._keep_alive_s = keep_alive_s
        self._longest_s = longest_s
        # While it may be ended from outside: what ends it.
        self._bound: asyncio.Timeout | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._beat: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the head, then stream; or leave that to http/unwinding.py, if it is there.

        Raises:
            Aborted, Exception: see `stream`.
        """
        await send({"type": "http.response.start", "status": 200, "headers": self._head})
        unwound: list[LiveBody[T]] | None = scope.get(UNWOUND)
        if scope["method"] == "HEAD":
            # Whoever asked has the whole answer now, and may ask on this connection for something else.
            async with self._batches:
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        elif unwound is None:
            await self.stream(receive, send)
        else:
            unwound.append(self)

    async def stream(self, receive: Receive, send: Send) -> None:
        """Stream until the batches or the reader end.

        Raises:
            ServerStops: the server is told to stop; it drops the connection with the body unfinished.
            ReaderTooSlow: ``longest_s`` have passed; the same.
            Exception: what the batches raise; the same.
        """
        left = asyncio.create_task(gone(receive))
        bound = asyncio.timeout(self._longest_s)
        try:
            async with bound:
                self._bound = bound
                left.add_done_callback(self._end)
                self._stopping.call(self._end)
                self._beat_later(send)
                await self._pump(send)
        except TimeoutError:
            if not bound.expired():
                raise
            if self._stopping.is_set():
                raise ServerStops from None
            if not left.done():
                raise ReaderTooSlow from None
        finally:
            self._bound = None
            self._stopping.call_no_more(self._end)
            await self._let_go(left)

    def _end(self, _: object = None) -> None:
        """End the stream now: the reader has left, or the server stops."""
        bound, self._bound = self._bound, None
        if bound is not None and not bound.expired():
            bound.reschedule(asyncio.get_running_loop().time())

    async def _let_go(self, left: asyncio.Task[None]) -> None:
        if self._timer is not None:
            self._timer.cancel()
        tasks = (left, self._beat) if self._beat is not None else (left,)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _pump(self, send: Send) -> None:
        await send(piece(PRELUDE))
        async with self._batches as batches:
            async for batch in batches:
                await send(piece(self._framed(batch)))
                # While the next one is waited for, which may be long, it is kept by the log alone.
                del batch
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    def _beat_later(self, send: Send) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._keep_alive_s, self._begin_beat, send)

    def _begin_beat(self, send: Send) -> None:
        self._beat = asyncio.create_task(self._keep_alive(send))

    async def _keep_alive(self, send: Send) -> None:
        await send(piece(KEEP_ALIVE))
        self._beat = None
        self._beat_later(send)
