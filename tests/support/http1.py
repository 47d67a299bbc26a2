"""HTTP/1.1 over one connection, every chunk and every trailer in sight: what the stand-in of Lambda is made of.

Neither uvicorn nor aiohttp shows the trailers of a request, which Lambda's Runtime API takes errors from; nor do they
let a body be cut at a byte of one's choice.
"""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager

import h11

from tests.support.tcp import tcp_server

Fields = list[tuple[str, str]]


class Broken(ConnectionError):
    """The other end left, or sent what is no HTTP, before its message was whole."""


class Peer:
    """One end of one connection. ``trailers`` are those of the body that was read last."""

    def __init__(self, connection: h11.Connection, reader: StreamReader, writer: StreamWriter) -> None:
        self.trailers: dict[str, str] = {}
        self._connection = connection
        self._reader = reader
        self._writer = writer

    async def request(self) -> h11.Request | None:
        """Give the next request; ``None`` where the other end has closed."""
        event = await self._event()
        return event if isinstance(event, h11.Request) else None

    async def response(self) -> h11.Response:
        """Give the head of the response.

        Raises:
            Broken: none came.
        """
        while not isinstance(event := await self._event(), h11.Response):
            if not isinstance(event, h11.InformationalResponse):
                raise Broken("the connection closed before a response")
        return event

    async def body(self) -> AsyncGenerator[bytes]:
        """Give the pieces of a body as they come.

        Raises:
            Broken: it ended before it was whole.
        """
        if self._connection.they_are_waiting_for_100_continue:
            await self.send(h11.InformationalResponse(status_code=100, headers=[]))
        while isinstance(event := await self._event(), h11.Data):
            yield bytes(event.data)
        if not isinstance(event, h11.EndOfMessage):
            raise Broken("the connection closed before the end of a body")
        self.trailers = fields_of(event.headers)

    async def read(self) -> bytes:
        """Give a whole body; see `body`."""
        return b"".join([piece async for piece in self.body()])

    async def send(self, *events: h11.Event) -> None:
        """Send what is given.

        Raises:
            ConnectionError: the other end has left.
        """
        for event in events:
            if self._writer.is_closing():
                raise Broken("the other end has left")
            if data := self._connection.send(event):
                self._writer.write(data)
        await self._writer.drain()

    async def answer(self, status: int, headers: Fields, body: bytes = b"") -> None:
        """Send a whole response."""
        await self.send(
            h11.Response(status_code=status, headers=[*headers, ("content-length", str(len(body)))]),
            h11.Data(data=body),
            h11.EndOfMessage(),
        )

    def is_reusable(self) -> bool:
        """Begin with the next request, if there can be one."""
        if self._connection.our_state is not h11.DONE or self._connection.their_state is not h11.DONE:
            return False
        self._connection.start_next_cycle()
        return True

    def abort(self) -> None:
        """Reset the connection."""
        self._writer.transport.abort()

    async def _event(self) -> object:
        try:
            while True:
                event = self._connection.next_event()
                if event is not h11.NEED_DATA:
                    return event
                self._connection.receive_data(await self._reader.read(1 << 16))
        except (h11.RemoteProtocolError, ConnectionError) as error:
            raise Broken(str(error)) from error


def fields_of(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Give headers by their names in lower case, those of one name joined with commas."""
    fields: dict[str, str] = {}
    for raw_name, raw_value in headers:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        fields[name] = f"{fields[name]},{value}" if name in fields else value
    return fields


@asynccontextmanager
async def connected(address: str) -> AsyncGenerator[Peer]:
    """Connect to ``host:port`` as a client; leaving it drops the connection, whatever is under way."""
    host, _, port = address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        yield Peer(h11.Connection(h11.CLIENT), reader, writer)
    finally:
        writer.close()


@asynccontextmanager
async def serving(answer: Callable[[Peer, h11.Request], Awaitable[None]]) -> AsyncGenerator[str]:
    """Serve on a port of 127.0.0.1 and give ``host:port``; leaving it drops every connection."""

    async def serve(reader: StreamReader, writer: StreamWriter) -> None:
        peer = Peer(h11.Connection(h11.SERVER), reader, writer)
        while request := await peer.request():
            await answer(peer, request)
            if not peer.is_reusable():
                break

    async with tcp_server(serve) as port:
        yield f"127.0.0.1:{port}"
