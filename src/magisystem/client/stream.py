"""Reading a deliberation from one response that streams it."""

import asyncio

import httpx2

from magisystem.client.lateness import Lateness
from magisystem.client.patience import Timing
from magisystem.client.received import Batch, Dropped, HeldBack, Received
from magisystem.protocol.codec import MalformedEvent
from magisystem.protocol.sse import FrameDecoder, FrameTooLarge

DELIBERATION_ID = "x-magi-deliberation-id"


class EventStream:
    """A `Transport` over a response whose head has come. ``sent_s`` is when its request was sent, on the loop's clock.

    ``deliberation_id`` is empty where the head does not say it.
    """

    def __init__(self, response: httpx2.Response, timing: Timing, sent_s: float) -> None:
        self.deliberation_id: str = response.headers.get(DELIBERATION_ID, "")
        self._response = response
        self._timing = timing
        self._pieces = response.aiter_bytes()
        self._frames = FrameDecoder()
        self._lateness = Lateness(timing.late_s)
        self._sent_s = sent_s
        self._has_given = False

    async def read(self, after: int) -> Batch:
        """See `Transport.read`; the server was told where to begin, so ``after`` is not needed."""
        del after
        loop = asyncio.get_running_loop()
        while True:
            is_first = self._frames.received_bytes == 0
            waiting_since_s = self._sent_s if is_first else loop.time()
            piece = await self._next_piece(is_first=is_first)
            batch = self._batch(piece, waiting_since_s, loop.time())
            self._has_given = self._has_given or bool(batch.received)
            # The comment that comes first says only that the way is open.
            if batch.received or batch.fault or not is_first:
                return batch

    async def aclose(self) -> None:
        """See `Transport.aclose`."""
        await self._response.aclose()

    async def _next_piece(self, *, is_first: bool) -> bytes:
        timing = self._timing
        limit_s = timing.first_byte_s if is_first else timing.silence_s
        deadline = self._sent_s + limit_s if is_first else asyncio.get_running_loop().time() + limit_s
        try:
            async with asyncio.timeout_at(deadline):
                piece = await anext(self._pieces, None)
        except TimeoutError as error:
            what = "no byte of the stream came" if is_first else "the stream was silent, without a keep-alive,"
            raise HeldBack(f"{what} in {limit_s:g} s") from error
        except httpx2.HTTPError as error:
            raise Dropped(f"the stream broke ({str(error) or type(error).__name__})") from error
        if piece is None:
            raise Dropped("the stream ended without a terminal event", is_bare=not self._has_given)
        return piece

    def _batch(self, piece: bytes, waiting_since_s: float, arrived_s: float) -> Batch:
        received: list[Received] = []
        fault = ""
        try:
            received.extend(Received.of(frame.data.encode()) for frame in self._frames.feed(piece))
        except (FrameTooLarge, MalformedEvent) as error:
            fault = f"what came is no event ({error})"
        events = [each.event for each in received]
        is_held_back = self._lateness.is_held_back(events, waiting_since_s, arrived_s)
        held_back = f"{len(events)} events came at once, more than {self._timing.late_s:g} s late"
        return Batch(received, fault, held_back if is_held_back else "")
