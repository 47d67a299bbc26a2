"""The reader's side of a relayed stream: its head, its bytes, and the comments that say it lives."""

import asyncio

from starlette.types import Message, Send

from magisystem.errors import RuntimeLate
from magisystem.gateway.frames import FrameCutter
from magisystem.gateway.patience import Timing
from magisystem.gateway.runtime import DELIBERATION_ID, RuntimeStream, StreamBroke
from magisystem.http.streaming import HEADERS, Aborted, piece
from magisystem.protocol.sse import KEEP_ALIVE, PRELUDE

_END: Message = {"type": "http.response.body", "body": b"", "more_body": False}


class Reader:
    """Whoever reads a response, over ``send``. ``has_head`` is true once it has been told that a stream comes.

    One message goes out at a time, and only whole frames go into one, so that what is written between two of them, or
    instead of the next one, never lands within a frame. A write waits for a slow reader.
    """

    def __init__(self, send: Send, timing: Timing) -> None:
        self.has_head = False
        self._send = send
        self._timing = timing
        self._writing = asyncio.Lock()
        self._wrote_s = 0.0
        # The stream that is waited for, and since when.
        self._awaited: RuntimeStream | None = None
        self._since_s = 0.0

    async def begin(self, deliberation_id: str) -> None:
        """Send the head, once; ``deliberation_id`` is empty where it is not known yet."""
        if self.has_head:
            return
        self.has_head = True
        named = [(DELIBERATION_ID.encode(), deliberation_id.encode())] if deliberation_id else []
        async with self._writing:
            await self._send({"type": "http.response.start", "status": 200, "headers": [*HEADERS, *named]})
            await self._send(piece(PRELUDE))
        self._wrote_s = asyncio.get_running_loop().time()

    async def take(self, stream: RuntimeStream, cutter: FrameCutter) -> str:
        """Relay a stream to its end; give why it broke, and nothing for a clean end. It is closed then."""
        try:
            while not (cutter.is_ended or cutter.fault):
                received = await self._next(stream)
                if not received:
                    break
                if frames := cutter.feed(received):
                    await self.write(frames)
        except StreamBroke as error:
            return str(error)
        finally:
            stream.close()
        return cutter.fault

    async def write(self, body: bytes) -> None:
        """Send whole frames, or a comment."""
        async with self._writing:
            await self._send(piece(body))
        self._wrote_s = asyncio.get_running_loop().time()

    async def end(self) -> None:
        """End the body."""
        await self._send(_END)

    async def end_early(self, last_words: bytes) -> None:
        """End the body before its time, whole.

        Raises:
            RuntimeLate: no head has been sent.
            Aborted: the reader takes nothing.
        """
        if not self.has_head:
            raise RuntimeLate
        try:
            async with asyncio.timeout(self._timing.last_words_s):
                await self.write(last_words)
                await self.end()
        except TimeoutError as error:
            raise Aborted from error

    async def beat(self, deliberation_id: str) -> None:
        """Send the head when it is due, keep-alives from then on, and give up streams that are silent; for ever."""
        timing, loop = self._timing, asyncio.get_running_loop()
        await asyncio.sleep(timing.head_s)
        await self.begin(deliberation_id)
        while True:
            await asyncio.sleep(self._until_next_s())
            if loop.time() - self._wrote_s >= timing.keep_alive_s:
                await self.write(KEEP_ALIVE)
            if self._awaited is not None and loop.time() - self._since_s >= timing.silence_s:
                self._awaited.close()

    def _until_next_s(self) -> float:
        now_s = asyncio.get_running_loop().time()
        due_s = self._wrote_s + self._timing.keep_alive_s
        if self._awaited is not None:
            due_s = min(due_s, self._since_s + self._timing.silence_s)
        # A write that waits for its turn is late already; it is looked for again soon, not at once.
        return max(due_s - now_s, 0.01)

    async def _next(self, stream: RuntimeStream) -> bytes:
        self._awaited, self._since_s = stream, asyncio.get_running_loop().time()
        try:
            return await stream.read()
        finally:
            self._awaited = None
