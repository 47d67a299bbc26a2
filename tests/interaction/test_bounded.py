"""What a connection may cost before anybody is asked who they are: under the very server of `magi serve`."""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from tests.support.serving import listening

from magisystem.http.bounded import UNHEARD_BYTES, BoundedHttp
from magisystem.http.server import uvicorn_config

DEADLINE_S = 10
PIECE = b"a" * 64 * 1024
ENDLESS = {
    "a header": b"GET / HTTP/1.1\r\nhost: x\r\nx: ",
    "a path": b"GET /",
    "a trailer": b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n0\r\nx: ",
    "a body nobody reads": b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 999999999\r\n\r\n",
}


async def refused(_: Request) -> Response:
    return Response(status_code=401)


async def told(request: Request) -> Response:
    n_bytes = len(await request.body())
    return JSONResponse({"bytes": n_bytes, "smuggled": "smuggled" in request.headers})


async def socket(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.close()


@asynccontextmanager
async def connected() -> AsyncGenerator[tuple[StreamReader, StreamWriter]]:
    app = Starlette(
        routes=[
            Route("/", refused, methods=["GET", "POST"]),
            Route("/told", told, methods=["POST"]),
            WebSocketRoute("/ws", socket),
        ]
    )
    async with listening(app, uvicorn_config(app, host="127.0.0.1", port=0)) as url:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
        try:
            async with asyncio.timeout(DEADLINE_S):
                yield reader, writer
        finally:
            writer.transport.abort()


@pytest.mark.parametrize("opening", ENDLESS.values(), ids=ENDLESS)
async def test_what_has_no_end_and_no_reader_is_cut_off(opening: bytes) -> None:
    async with connected() as (_, writer):
        writer.write(opening)
        with pytest.raises(ConnectionError):
            await pour(writer)


async def pour(writer: StreamWriter) -> None:
    # The kernel's buffers on both sides take some MiB, too.
    for _ in range(20 * UNHEARD_BYTES // len(PIECE)):
        writer.write(PIECE)
        await writer.drain()


async def test_a_body_that_is_read_may_be_longer_than_what_is_unheard() -> None:
    n_bytes = 3 * UNHEARD_BYTES
    async with connected() as (reader, writer):
        for _ in range(2):
            writer.write(b"POST /told HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % n_bytes + b"a" * n_bytes)
            assert b"200 OK" in await reader.readuntil(b"\r\n\r\n")
            assert b'"bytes":%d,' % n_bytes in await reader.readuntil(b"}")


async def test_a_trailer_is_no_header() -> None:
    async with connected() as (reader, writer):
        writer.write(b"POST /told HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n0\r\nsmuggled: x\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        assert b'"smuggled":false' in await reader.readuntil(b"}")


@pytest.mark.parametrize(
    "begun",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"GET / HTTP/1.1\r\nhost: ", id="half a head"),
        pytest.param(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n{", id="half a body that was refused"),
    ],
)
async def test_who_brings_no_whole_head_in_time_is_cut_off(begun: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BoundedHttp, "head_s", 0.3)
    async with connected() as (reader, writer):
        writer.write(begun)
        if begun.startswith(b"POST"):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"{")
        # Cut off, one way or another, before the deadline.
        with suppress(ConnectionError):
            assert await reader.read() == b""


async def test_a_connection_lives_through_an_answer_that_takes_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BoundedHttp, "head_s", 0.1)
    async with connected() as (reader, writer):
        writer.write(b"POST /told HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(1), 0.3)
        writer.write(b"}")
        assert b"200 OK" in await reader.readuntil(b"\r\n\r\n")


@pytest.mark.parametrize("headers", [b"x: %b\r\n" % (b"a" * 9_000), b"x: y\r\n" * 200], ids=["long", "many"])
async def test_a_socket_whose_head_is_too_large_is_refused(headers: bytes) -> None:
    async with connected() as (reader, writer):
        writer.write(
            b"GET /ws HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
            b"sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n%b\r\n" % headers
        )
        assert (await reader.read()).startswith(b"HTTP/1.1 431 ")
