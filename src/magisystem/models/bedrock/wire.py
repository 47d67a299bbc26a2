"""HTTP/1.1 as far as ConverseStream needs it: one request on a connection, and its answer as it arrives.

Owns what comes over one connection. Which connection a request takes is `pool`'s to say, how one is made `route`'s.

The way from the socket to the reader is short, since every token of every model takes it: the parser's pieces are kept
as they come, and a reader that waits is woken once for all that arrived together. No timer is set for a piece.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from typing import cast

import httptools

# What a reader is given at once. A frame of a few letters is some 200 bytes long, and 700 once it is a dict.
READ_BYTES = 64 * 1024
# What may wait for a reader before the socket is no longer read, but for what the loop had read from it already.
_WAITING_BYTES = 2 * READ_BYTES
# Bytes in a row that are no part of a body: a head, trailers. Bedrock's heads have less than 1 KiB.
MAX_HEAD_BYTES = 64 * 1024


class WireFailure(Exception):
    """A request got no whole answer. The text says why in a few words, and holds nothing secret."""


class NotConnected(WireFailure):
    """No connection could be made; nothing was sent."""


class Cut(WireFailure):
    """The connection ended, or what came over it was no HTTP, before the answer was whole."""


class Silence(WireFailure):
    """Nothing came for as long as nothing may come."""


class Response:
    """The answer to one request: its head, and its body as it arrives. Read by one task; closed by any.

    Attributes:
        status: of HTTP; 0 before the head is here.
        headers: with lower-case names; of several of one name the last.
        has_begun: whether anything has come.
    """

    def __init__(self, connection: "Connection", read_timeout_s: float) -> None:
        self.status = 0
        self.headers: Mapping[str, str] = {}
        self.has_begun = False
        self._connection = connection
        self._loop = asyncio.get_running_loop()
        self._read_timeout_s = read_timeout_s
        self._heard_at = self._loop.time()
        self._watch = self._loop.call_later(read_timeout_s, self._check_silence)
        self._pieces: deque[bytes] = deque()
        self._n_bytes = 0
        self._waiter: asyncio.Future[None] | None = None
        self._is_whole = False
        self._failure: WireFailure | None = None

    async def head(self) -> None:
        """Wait for the head.

        Raises:
            WireFailure: there will be none.
        """
        while not self.status:
            if self._failure is not None:
                raise self._failure
            await self._arrival()

    async def read(self) -> bytes:
        """Give what has arrived of the body, as soon as there is something, up to twice `READ_BYTES`; b"" at its end.

        Raises:
            WireFailure: the body is not whole; all that came of it has been given.
        """
        while not self._pieces:
            if self._failure is not None:
                raise self._failure
            if self._is_whole:
                return b""
            await self._arrival()
        body = self._taken()
        self._n_bytes -= len(body)
        if not self.is_behind:
            self._connection.resume()
        return body

    def close(self) -> None:
        """End the connection unless the answer is whole; a read that waits fails. Idempotent."""
        self.fail(Cut("it was closed here"))

    # What the connection calls.

    @property
    def is_behind(self) -> bool:
        """Whether so much waits to be read that no more should come."""
        return self._n_bytes >= _WAITING_BYTES

    def heard(self) -> None:
        """Take note that bytes came, of whatever kind, and wake the reader."""
        self.has_begun = True
        self._heard_at = self._loop.time()
        self._wake()

    def add(self, piece: bytes) -> None:
        """Keep a piece of the body."""
        self._n_bytes += len(piece)
        if len(piece) <= READ_BYTES:
            self._pieces.append(piece)
        else:
            self._pieces.extend(piece[at : at + READ_BYTES] for at in range(0, len(piece), READ_BYTES))

    def end(self) -> None:
        """Take note that the body is whole."""
        self._is_whole = True
        self._watch.cancel()
        self._wake()

    def fail(self, failure: WireFailure) -> None:
        """Take note that the rest will not come, unless all has come, and end the connection."""
        if self._is_whole or self._failure is not None:
            return
        self._failure = failure
        self._watch.cancel()
        self._wake()
        self._connection.abort()

    def _taken(self) -> bytes:
        pieces = self._pieces
        if len(pieces) == 1:
            return pieces.popleft()
        taken: list[bytes] = []
        n_taken = 0
        while pieces and n_taken < READ_BYTES:
            n_taken += len(pieces[0])
            taken.append(pieces.popleft())
        return b"".join(taken)

    def _arrival(self) -> asyncio.Future[None]:
        self._waiter = self._loop.create_future()
        return self._waiter

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def _check_silence(self) -> None:
        # Once in a timeout, not once a piece. What waits to be read is no silence of the other side.
        silent_s = 0.0 if self._pieces else self._loop.time() - self._heard_at
        if silent_s < self._read_timeout_s:
            self._watch = self._loop.call_later(self._read_timeout_s - silent_s, self._check_silence)
        else:
            self.fail(Silence(f"nothing came for {self._read_timeout_s:g} s"))


class Connection(asyncio.Protocol):
    """One connection, for one request at a time.

    Args:
        on_free: called where an answer is whole and the connection can take another request.
        on_lost: called once the connection is gone.

    Attributes:
        lost: done once the connection is gone.
        free_since_s: for whoever keeps it; the loop's time.
    """

    def __init__(self, on_free: Callable[["Connection"], None], on_lost: Callable[["Connection"], None]) -> None:
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.free_since_s = 0.0
        self._on_free = on_free
        self._on_lost = on_lost
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._response: Response | None = None
        self._headers: dict[str, str] = {}
        self._n_barren = 0
        self._is_paused = False
        self._is_complete = False
        self._is_reusable = True
        self._ends_with_connection = False

    def ask(self, message: bytes, read_timeout_s: float) -> Response:
        """Send a request, head and body, and give what its answer will be; the connection is free."""
        self._response = Response(self, read_timeout_s)
        self._n_barren = 0
        self._ends_with_connection = False
        if self._transport is None or self._transport.is_closing():
            self._response.fail(Cut("the connection had ended"))
        else:
            self._transport.write(message)
        return self._response

    def abort(self) -> None:
        """End the connection at once."""
        if self._transport is not None:
            self._transport.abort()

    def resume(self) -> None:
        """Read the socket again, where it was not read."""
        if self._is_paused and self._transport is not None and not self._transport.is_closing():
            self._is_paused = False
            self._transport.resume_reading()

    # asyncio's calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.BaseProtocol`."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        response = self._response
        if response is None:
            # Nothing was asked.
            self.abort()
            return
        self._n_barren += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._is_reusable = False
            if not self._is_complete:
                response.has_begun = True
                response.fail(Cut(f"what came is no HTTP ({type(error).__name__})"))
                return
        if self._is_complete:
            self._finish(response)
        elif self._n_barren > MAX_HEAD_BYTES:
            response.fail(Cut(f"a head is longer than {MAX_HEAD_BYTES} bytes"))
        response.heard()

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.BaseProtocol`."""
        self.lost.set_result(None)
        response, self._response = self._response, None
        if response is not None:
            if exc is None and self._ends_with_connection:
                response.end()
            else:
                response.fail(Cut(type(exc).__name__ if exc else "it was closed there"))
        self._on_lost(self)

    # The parser's calls. It gives a header's name and value whole, and of a body what it has.

    def on_message_begin(self) -> None:
        """Take note of an answer: the one that was asked for, or one that nobody asked for."""
        if self._is_complete:
            self._is_reusable = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header; a trailer is let go of."""
        if self._response is not None and not self._response.status:
            self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """Give the head to the answer, unless it is one before the answer's own (100 to 199)."""
        headers, self._headers = self._headers, {}
        status = self._parser.get_status_code()
        if self._response is None or self._is_complete or status < 200:
            return
        self._response.status = status
        self._response.headers = headers
        self._ends_with_connection = not ("content-length" in headers or "transfer-encoding" in headers)

    def on_body(self, body: bytes) -> None:
        """Give a piece of the body to the answer, and stop reading where too much of it waits."""
        self._n_barren = 0
        if self._response is None or self._is_complete:
            return
        self._response.add(body)
        if self._response.is_behind and not self._is_paused and self._transport is not None:
            self._is_paused = True
            self._transport.pause_reading()

    def on_message_complete(self) -> None:
        """Take note that the answer is whole."""
        if self._response is not None and self._response.status and not self._is_complete:
            self._is_complete = True
            self._is_reusable = self._is_reusable and self._parser.should_keep_alive()

    def _finish(self, response: Response) -> None:
        self._response = None
        self._is_complete = False
        response.end()
        # An answer that came before the request was taken leaves the rest of the request on the way.
        has_sent = self._transport is not None and not self._transport.get_write_buffer_size()
        if self._is_reusable and has_sent:
            self.resume()
            self._on_free(self)
        else:
            self.abort()
