"""A server for ConverseStream that answers byte by byte as it is told, for what no HTTP library would send."""

import asyncio
import re
import ssl
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from tests.support.bedrock import event_frame
from tests.support.tcp import tcp_server


def said(text: str) -> bytes:
    return event_frame("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": text}})


END = event_frame("messageStop", {"stopReason": "end_turn"}) + event_frame("metadata", {"usage": {}, "metrics": {}})
YES = said("Yes.") + END


def with_length(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent for one request; ``is_last`` where the connection is closed after it."""

    content: bytes = with_length(YES)
    is_last: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it came, over the ``connection``-th connection."""

    connection: int
    head: str
    body: bytes


@dataclass(slots=True)
class Peer:
    """Answers requests in turn, the last answer for all others. ``idle`` is set while no connection is open."""

    answers: tuple[Answer, ...] = (Answer(),)
    requests: list[Request] = field(default_factory=list[Request])
    port: int = 0
    n_connections: int = 0
    n_open: int = 0
    most_open: int = 0
    idle: asyncio.Event = field(default_factory=asyncio.Event)
    _arrived: asyncio.Condition = field(default_factory=asyncio.Condition)

    @asynccontextmanager
    async def serving(self, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> AsyncGenerator["Peer"]:
        async with tcp_server(self._serve, host, tls) as self.port:
            yield self

    async def asked(self, n: int = 1) -> None:
        """Wait until ``n`` requests have come."""
        async with self._arrived:
            await self._arrived.wait_for(lambda: len(self.requests) >= n)

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        self.n_connections += 1
        self.n_open += 1
        self.most_open = max(self.n_open, self.most_open)
        self.idle.clear()
        try:
            with suppress(asyncio.IncompleteReadError):
                await self._answer(self.n_connections, reader, writer)
        finally:
            self.n_open -= 1
            if not self.n_open:
                self.idle.set()

    async def _answer(self, connection: int, reader: StreamReader, writer: StreamWriter) -> None:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            length = re.search(r"(?i)\r\ncontent-length: (\d+)", head)
            body = await reader.readexactly(int(length[1]) if length else 0)
            answer = self.answers[min(len(self.requests), len(self.answers) - 1)]
            async with self._arrived:
                self.requests.append(Request(connection, head, body))
                self._arrived.notify_all()
            writer.write(answer.content)
            await writer.drain()
            if answer.is_last:
                return
