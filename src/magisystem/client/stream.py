"""Asking a server elsewhere, and reading what it streams.

Any read error is a drop, and so is an end without a terminal event: both are `StreamCut`. Nothing here reconnects.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx2
import msgspec

from magisystem.client.errors import AddressInvalid, ServerRefused, ServerUnreachable, StreamCut
from magisystem.protocol.codec import MalformedEvent, decode
from magisystem.protocol.events import AnyEvent, TerminalEvent
from magisystem.protocol.sse import FrameDecoder, FrameTooLarge

# A server sends a keep-alive every 10 s at the latest; three missed ones are a dead connection.
_SILENCE_S = 30.0
_CONNECT_S = 5.0
# Far above any problem body; what else answers with an error may be of any size.
_PROBLEM_BYTES = 64 * 1024
_DELIBERATION_ID = "x-magi-deliberation-id"


@dataclass(frozen=True, slots=True)
class Received:
    """One event, and its JSON exactly as the log holds it."""

    event: AnyEvent
    body: bytes


class _Problem(msgspec.Struct, frozen=True):
    """What is read of an RFC 9457 problem body."""

    detail: str
    code: str
    field: str = ""
    retryable: bool = False


@asynccontextmanager
async def stream(url: str, request: Mapping[str, object]) -> AsyncGenerator[AsyncIterator[Received]]:
    """Ask the server at ``url`` what ``request`` (a body of ``POST /invocations``) says, and give what it streams.

    The events come in seq order from 1 on, each once, without a gap, and end after the terminal one. Leaving the
    context closes the connection; the deliberation goes on without this follower.

    Raises:
        AddressInvalid: on entering; ``url`` is no address of a server.
        ServerUnreachable: on entering; no connection, or none that was answered.
        ServerRefused: on entering; the answer is no event stream.
        StreamCut: while iterating; the stream ended or failed before the terminal event.
    """
    async with _client() as client:
        response = await _post(client, url, request, accept="text/event-stream")
        async with aclosing(response):
            if not response.is_success or _media_type(response) != "text/event-stream":
                raise await _refusal(response)
            async with aclosing(_receive(response)) as received:
                yield received


async def cancel(url: str, deliberation_id: str) -> None:
    """Stop a deliberation on the server at ``url``; when this returns, its terminal event is in the log.

    Raises:
        AddressInvalid: ``url`` is no address of a server.
        ServerUnreachable: no connection, or none that was answered.
        ServerRefused: the server has no such deliberation, or cannot stop it.
    """
    async with _client() as client:
        request = {"action": "cancel", "deliberationId": deliberation_id}
        response = await _post(client, url, request, accept="application/json")
        async with aclosing(response):
            if not response.is_success:
                raise await _refusal(response)


def checked_address(url: str) -> str:
    """Give the address of a server, without a slash at its end.

    Raises:
        AddressInvalid: it is no HTTP URL.
    """
    try:
        parts = urlsplit(url)
        is_valid = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 80) > 0
    except ValueError:
        # A port out of range, or half an IPv6 address.
        is_valid = False
    if not is_valid:
        raise AddressInvalid(f"{url!r} is no address of a server; one looks like http://localhost:8080.")
    return url.rstrip("/")


def _client() -> httpx2.AsyncClient:
    return httpx2.AsyncClient(timeout=httpx2.Timeout(_SILENCE_S, connect=_CONNECT_S))


async def _post(client: httpx2.AsyncClient, url: str, request: Mapping[str, object], *, accept: str) -> httpx2.Response:
    # `identity`: a proxy that compresses a stream holds it back until a block is full.
    headers = {"accept": accept, "accept-encoding": "identity", "content-type": "application/json"}
    try:
        target = f"{checked_address(url)}/invocations"
        sent = client.build_request("POST", target, content=msgspec.json.encode(request), headers=headers)
        return await client.send(sent, stream=True)
    except httpx2.InvalidURL as error:
        raise AddressInvalid(f"{url!r} is no address of a server: {error}.") from error
    except httpx2.HTTPError as error:
        reason = str(error) or type(error).__name__
        raise ServerUnreachable(f"No server answers at {url} ({reason}). `magi serve` starts one.") from error


async def _receive(response: httpx2.Response) -> AsyncGenerator[Received]:
    frames = FrameDecoder()
    cursor = 0

    def cut(reason: str) -> StreamCut:
        deliberation_id = response.headers.get(_DELIBERATION_ID, "")
        name = f"the deliberation {deliberation_id}" if deliberation_id else "the deliberation"
        return StreamCut(
            f"The stream broke after event {cursor}: {reason}. On the server {name} goes on.",
            deliberation_id=deliberation_id,
            cursor=cursor,
        )

    try:
        async for piece in response.aiter_bytes():
            for frame in frames.feed(piece):
                event = decode(frame.data)
                if event.seq <= cursor:
                    continue
                if event.seq != cursor + 1:
                    raise cut(f"event {cursor + 1} is missing")
                cursor = event.seq
                yield Received(event, frame.data.encode())
                if isinstance(event, TerminalEvent):
                    return
    except httpx2.HTTPError as error:
        raise cut(str(error) or type(error).__name__) from error
    except (FrameTooLarge, MalformedEvent) as error:
        raise cut(f"what came is no event ({error})") from error
    raise cut("it ended without a terminal event")


async def _refusal(response: httpx2.Response) -> ServerRefused:
    """Give what an answer that is no event stream comes to."""
    body = bytearray()
    try:
        async for piece in response.aiter_bytes():
            body += piece
            if len(body) > _PROBLEM_BYTES:
                break
        problem = msgspec.json.decode(body, type=_Problem)
    except (httpx2.HTTPError, msgspec.DecodeError):
        what = _media_type(response) or "nothing readable"
        return ServerRefused(
            f"{response.url} answered {response.status_code} with {what}; is that a MAGISystem server?",
            status=response.status_code,
            refusal=f"http_{response.status_code}",
        )
    return ServerRefused(
        problem.detail,
        status=response.status_code,
        refusal=problem.code,
        field=problem.field,
        is_retryable=problem.retryable,
    )


def _media_type(response: httpx2.Response) -> str:
    return response.headers.get("content-type", "").partition(";")[0].strip().lower()
