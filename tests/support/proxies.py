"""What stands between a client and a server, and does to event streams what is asked: cut them, or hold them back."""

import asyncio
import json
import re
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlsplit

_HEAD_END = b"\r\n\r\n"
_FRAME_END = re.compile(rb"data: [^\n]*\n\n")


class Treatment(Protocol):
    """What becomes of one event stream."""

    def __call__(self, pieces: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
        """Take the response as it comes from the server, head and all, and give it as it goes to the client.

        Where it ends before ``pieces``, the client's connection is reset.
        """
        ...


async def untouched(pieces: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    async for piece in pieces:
        yield piece


def cut_after(n_frames: int) -> Treatment:
    """Let the head and ``n_frames`` frames through, to the byte."""
    return _cut(n_frames, 0)


def cut_within(n_frames: int) -> Treatment:
    """Let the head and ``n_frames`` frames through, and the beginning of the next one, up to within its data."""
    return _cut(n_frames, len(b"id: 1\ndata: {"))


def _cut(n_frames: int, further_bytes: int) -> Treatment:
    async def treatment(pieces: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
        seen, n_sent = b"", 0
        async for piece in pieces:
            seen += piece
            end = _end_of(n_frames, seen)
            is_cut = end is not None and len(seen) >= end + further_bytes
            yield seen[n_sent : end + further_bytes if end is not None else None]
            n_sent = len(seen)
            if is_cut:
                return

    return treatment


async def lost(pieces: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    """Let nothing through of an answer that has begun."""
    async for piece in pieces:
        yield piece[:0]
        return


async def kept_for_ever(pieces: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    """Let nothing through, and keep the connection."""
    async for _ in pieces:
        pass
    await asyncio.Event().wait()
    yield b""


async def kept_to_the_end(pieces: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    """Let nothing through before all of it has come."""
    yield b"".join([piece async for piece in pieces])


def gathered(n_frames: int, until: bytes) -> Treatment:
    """Let ``n_frames`` frames through as they come; then gather until ``until`` has come, and give all that at once."""

    async def treatment(pieces: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
        seen, n_sent, end = b"", 0, None
        async for piece in pieces:
            seen += piece
            end = end or _end_of(n_frames, seen)
            if end is None or until in seen:
                yield seen[n_sent:]
                n_sent = len(seen)
            elif n_sent < end:
                yield seen[n_sent:end]
                n_sent = end

    return treatment


def _end_of(n_frames: int, seen: bytes) -> int | None:
    """Give where the first ``n_frames`` frames end, and the comment before them; ``None`` before they are there."""
    comment = seen.find(b"\n\n") + 2
    ends = [comment, *(found.end() for found in _FRAME_END.finditer(seen))]
    return ends[n_frames] if comment > 1 and len(ends) > n_frames else None


@dataclass(slots=True)
class Proxy:
    """A reverse proxy: one request a connection; ``treatments`` for the event streams in turn, the last for all others.

    ``bodies`` records the requests that came; the first sets ``is_asked``. While ``is_open`` is not set, they wait.
    """

    upstream: str
    treatments: Sequence[Treatment] = (untouched,)
    bodies: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    n_streams: int = 0
    is_open: asyncio.Event = field(default_factory=asyncio.Event)
    is_asked: asyncio.Event = field(default_factory=asyncio.Event)
    url: str = ""
    _serving: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])

    @asynccontextmanager
    async def serving(self) -> AsyncGenerator["Proxy"]:
        self.is_open.set()
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with server:
            try:
                yield self
            finally:
                for task in self._serving:
                    task.cancel()
                await asyncio.gather(*self._serving, return_exceptions=True)

    def resumed_from(self) -> list[int]:
        """Give the cursors of the streams that were asked for after the first one."""
        return [body["after"] for body in self.bodies if body.get("action") == "resume" and body.get("stream", True)]

    def _accept(self, reader: StreamReader, writer: StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        address = urlsplit(self.upstream)
        try:
            head, body = await _request(reader)
            self.bodies.append(json.loads(body) if body else {})
            self.is_asked.set()
            await self.is_open.wait()
            upstream, request = await asyncio.open_connection(address.hostname, address.port)
            try:
                request.write(head.removesuffix(b"\r\n") + b"connection: close" + _HEAD_END + body)
                await self._relay(upstream, writer)
            finally:
                request.close()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # one side has left
        finally:
            writer.close()

    async def _relay(self, upstream: StreamReader, writer: StreamWriter) -> None:
        head = await upstream.readuntil(_HEAD_END)
        treatment: Treatment = untouched
        if b"text/event-stream" in head:
            treatment = self.treatments[min(self.n_streams, len(self.treatments) - 1)]
            self.n_streams += 1
        async with aclosing(_pieces(head, upstream)) as pieces:
            async with aclosing(treatment(pieces)) as treated:
                async for piece in treated:
                    writer.write(piece)
                    await writer.drain()
            if not upstream.at_eof():
                writer.transport.abort()


async def _request(reader: StreamReader) -> tuple[bytes, bytes]:
    head = await reader.readuntil(_HEAD_END)
    fields = re.sub(rb"(?i)\r\nconnection: [^\r]*", b"", head)
    length = re.search(rb"(?i)\r\ncontent-length: (\d+)", head)
    return fields, await reader.readexactly(int(length[1]) if length else 0)


async def _pieces(head: bytes, upstream: StreamReader) -> AsyncGenerator[bytes]:
    yield head
    while piece := await upstream.read(1 << 20):
        yield piece
