"""A stand-in for Amazon Bedrock's ConverseStream: real HTTP on 127.0.0.1, real frames with real checksums.

Within a test's loop::

    async with StandInBedrock() as bedrock:
        bedrock.script("anthropic.claude-sonnet-5", Reply("Yes.", fault=Break(How.CUT)), SENSIBLE)
        ...  # with AWS_ENDPOINT_URL_BEDROCK_RUNTIME=bedrock.url
        assert await bedrock.calls[0].over()

and in a process of its own: ``python -m tests.support.bedrock --port 9000 --tokens-per-s 50 --first-token-s 0.2``.

That it is like the real service is proved by boto3, which understands it (tests/contract/test_bedrock_standin.py).
"""

import argparse
import asyncio
import json
import random
import re
import string
import struct
import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, Final, Self

from aiohttp import web

from tests.support.bedrock_answers import ToolCall, sensible_answer

__all__ = [
    "SENSIBLE",
    "Break",
    "Call",
    "ExceptionFrame",
    "How",
    "Refusal",
    "Reply",
    "StandInBedrock",
    "ToolCall",
    "exception_frame",
    "frame",
]

_ERRORS = {
    400: "ValidationException",
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
    408: "ModelTimeoutException",
    424: "ModelErrorException",
    429: "ThrottlingException",
    500: "InternalServerException",
    503: "ServiceUnavailableException",
}


# --- What can be scripted -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Refusal:
    """An HTTP error instead of a stream. ``error`` is AWS's name for it, by default the one usual for ``status``."""

    status: int
    error: str = ""
    message: str = "The stand-in was told to refuse."
    headers: dict[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class ExceptionFrame:
    """A modelled exception after ``after`` deltas; ``name`` as in ``throttlingException``."""

    name: str
    after: int = 1
    message: str = "The stand-in was told to fail."


class How(Enum):
    """How a stream breaks."""

    HALF_FRAME = auto()  # half a frame, then a clean end of the response
    BAD_CHECKSUM = auto()  # a whole frame with one bit of its payload flipped
    CLEAN_END = auto()  # a clean end of the response
    CUT = auto()  # the socket is reset
    SILENCE = auto()  # nothing more is sent, and the socket stays open


@dataclass(frozen=True, slots=True)
class Break:
    """The stream breaks after ``after`` deltas."""

    how: How
    after: int = 1


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply. With nothing set it is an answer without a single block.

    ``stop_reason`` is by default ``tool_use`` with a call and ``end_turn`` without; ``omit`` names final events that
    are left out (``messageStop``, ``metadata``); ``extra_events`` are sent before the first block.
    """

    text: str = ""
    thinking: str = ""
    redacted: str = ""
    call: ToolCall | None = None
    stop_reason: str = ""
    omit: tuple[str, ...] = ()
    extra_events: tuple[tuple[str, dict[str, Any]], ...] = ()
    fault: Refusal | ExceptionFrame | Break | None = None


class Sensible(Enum):
    """The type of `SENSIBLE`."""

    SENSIBLE = auto()


# Stands in a script for "answer as if there were none".
SENSIBLE: Final = Sensible.SENSIBLE


@dataclass(eq=False, slots=True)
class Call:
    """One request as the stand-in saw it. Times are the loop's, in seconds; ``peer`` tells connections apart."""

    model_id: str
    body: dict[str, Any]
    headers: dict[str, str]
    peer: tuple[str, int]
    started_at: float
    ended_at: float | None = None
    was_closed_by_client: bool = False
    _over: asyncio.Event = field(default_factory=asyncio.Event)

    async def over(self) -> bool:
        """Wait until the response is over, and say whether the client closed it before its end."""
        await self._over.wait()
        return self.was_closed_by_client

    def end(self, now: float, *, by_client: bool) -> None:
        """Note the end of the response, once."""
        if self.ended_at is None:
            self.ended_at = now
            self.was_closed_by_client = by_client
            self._over.set()


# --- Frames -------------------------------------------------------------------------------------------------------


def frame(headers: dict[str, str], payload: bytes) -> bytes:
    """Encode one message of ``application/vnd.amazon.eventstream``."""
    block = b"".join(
        bytes([len(name.encode())]) + name.encode() + b"\x07" + struct.pack("!H", len(value.encode())) + value.encode()
        for name, value in headers.items()
    )
    prelude = struct.pack("!II", 16 + len(block) + len(payload), len(block))
    message = prelude + struct.pack("!I", zlib.crc32(prelude)) + block + payload
    return message + struct.pack("!I", zlib.crc32(message))


def event_frame(name: str, content: dict[str, Any]) -> bytes:
    """Encode an event; like the real service, with padding ``p`` of random length."""
    padded = {**content, "p": string.ascii_letters[: random.randint(1, 52)]}
    headers = {":event-type": name, ":content-type": "application/json", ":message-type": "event"}
    return frame(headers, json.dumps(padded, ensure_ascii=False).encode())


def exception_frame(name: str, message: str) -> bytes:
    """Encode a modelled exception."""
    headers = {":exception-type": name, ":content-type": "application/json", ":message-type": "exception"}
    return frame(headers, json.dumps({"message": message}).encode())


def _events(reply: Reply, n_input_tokens: int) -> Iterator[tuple[str, dict[str, Any]]]:
    yield "messageStart", {"role": "assistant"}
    yield from reply.extra_events
    n_tokens = 0
    for index, (start, deltas) in enumerate(_blocks(reply)):
        if start is not None:
            yield "contentBlockStart", {"contentBlockIndex": index, "start": start}
        for delta in deltas:
            n_tokens += 1
            yield "contentBlockDelta", {"contentBlockIndex": index, "delta": delta}
        yield "contentBlockStop", {"contentBlockIndex": index}
    if "messageStop" not in reply.omit:
        yield "messageStop", {"stopReason": reply.stop_reason or ("tool_use" if reply.call else "end_turn")}
    if "metadata" not in reply.omit:
        usage = {"inputTokens": n_input_tokens, "outputTokens": n_tokens, "totalTokens": n_input_tokens + n_tokens}
        yield "metadata", {"usage": usage, "metrics": {"latencyMs": 100}}


def _blocks(reply: Reply) -> Iterator[tuple[dict[str, Any] | None, list[dict[str, Any]]]]:
    """Give each block's start, which only a tool call has, and its deltas."""
    if reply.thinking:
        thoughts: list[dict[str, Any]] = [{"reasoningContent": {"text": token}} for token in tokens(reply.thinking)]
        yield None, [*thoughts, {"reasoningContent": {"signature": "c2lnbmF0dXJl"}}]
    if reply.redacted:
        yield None, [{"reasoningContent": {"redactedContent": reply.redacted}}]
    if reply.text:
        yield None, [{"text": token} for token in tokens(reply.text)]
    if reply.call is not None:
        given = reply.call.input
        written = given if isinstance(given, str) else json.dumps(given, ensure_ascii=False)
        tool_use_id = f"tooluse_{zlib.crc32(written.encode()):08x}{random.getrandbits(32):08x}"
        start = {"toolUse": {"toolUseId": tool_use_id, "name": reply.call.name}}
        yield start, [{"toolUse": {"input": part}} for part in tokens(written)]


def tokens(text: str) -> list[str]:
    """Cut ``text`` into pieces about the size of a model's tokens; joined they are ``text``."""
    return re.findall(r"[!-~]{1,8}\s*|[^\x00-\x7f]{1,2}|.", text, re.DOTALL)


# --- The server ---------------------------------------------------------------------------------------------------


class StandInBedrock:
    """Serves ``POST /model/{id}/converse-stream`` while its context is open.

    Args:
        port: 0 for any that is free.
        first_token_s: the wait before the first delta.
        tokens_per_s: the pace of deltas after it; 0 for no waiting.

    Attributes:
        calls: every request so far, in order of arrival, refused ones too.
    """

    def __init__(self, *, port: int = 0, first_token_s: float = 0.0, tokens_per_s: float = 0.0) -> None:
        self.calls: list[Call] = []
        self._port = port
        self._first_token_s = first_token_s
        self._token_s = 1 / tokens_per_s if tokens_per_s else 0.0
        self._scripts: dict[str, list[Reply | Sensible]] = {}
        self._arrived = asyncio.Condition()
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """What AWS_ENDPOINT_URL_BEDROCK_RUNTIME must be."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def n_open(self) -> int:
        """How many responses are not over."""
        return sum(call.ended_at is None for call in self.calls)

    def script(self, model_id: str, *replies: Reply | Sensible) -> None:
        """Set what ``model_id`` replies: each once, in order, then the last one again and again."""
        self._scripts[model_id] = list(replies)

    def pace(self, tokens_per_s: float) -> None:
        """Set the pace of the streams that begin from now on; 0 for no waiting."""
        self._token_s = 1 / tokens_per_s if tokens_per_s else 0.0

    async def called(self, n: int = 1) -> Call:
        """Wait until ``n`` requests have come, and give the ``n``-th."""
        async with self._arrived:
            await self._arrived.wait_for(lambda: len(self.calls) >= n)
        return self.calls[n - 1]

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_post("/model/{model_id:.+}/converse-stream", self._converse)
        # A handler is cancelled when its client goes: the only way to see that while nothing is being written.
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port, backlog=1024)
        await site.start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _converse(self, request: web.Request) -> web.StreamResponse:
        body: dict[str, Any] = await request.json()
        headers = {name.lower(): value for name, value in request.headers.items()}
        peer = request.get_extra_info("peername")
        call = Call(request.match_info["model_id"], body, headers, peer, asyncio.get_running_loop().time())
        async with self._arrived:
            self.calls.append(call)
            self._arrived.notify_all()
        reply = self._next_reply(call)
        try:
            if isinstance(reply.fault, Refusal):
                response: web.StreamResponse = _refused(reply.fault)
            else:
                response = await self._stream(request, reply, n_input_tokens=len(json.dumps(body)) // 4)
        except (ConnectionResetError, asyncio.CancelledError):
            call.end(asyncio.get_running_loop().time(), by_client=True)
            raise
        call.end(asyncio.get_running_loop().time(), by_client=False)
        return response

    def _next_reply(self, call: Call) -> Reply:
        script = self._scripts.get(call.model_id, [SENSIBLE])
        reply = script.pop(0) if len(script) > 1 else script[0]
        if isinstance(reply, Reply):
            return reply
        text, tool_call = sensible_answer(call.body)
        return Reply(text, call=tool_call)

    async def _stream(self, request: web.Request, reply: Reply, *, n_input_tokens: int) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "application/vnd.amazon.eventstream"})
        await response.prepare(request)
        n_deltas = 0
        pace = _Pace(self._first_token_s, self._token_s)
        for name, content in _events(reply, n_input_tokens):
            if name == "contentBlockDelta":
                n_deltas += 1
                await pace.turn()
            await response.write(event_frame(name, content))
            if isinstance(reply.fault, ExceptionFrame | Break) and n_deltas == reply.fault.after:
                if await _is_cut(request, response, reply.fault):
                    return response
                break
        await response.write_eof()
        return response


class _Pace:
    """The schedule of deltas: absolute, so that one late wake-up does not slow all that follow."""

    def __init__(self, first_token_s: float, token_s: float) -> None:
        self._due = asyncio.get_running_loop().time() + first_token_s
        self._token_s = token_s

    async def turn(self) -> None:
        if (wait_s := self._due - asyncio.get_running_loop().time()) > 0:
            await asyncio.sleep(wait_s)
        self._due += self._token_s


async def _is_cut(request: web.Request, response: web.StreamResponse, fault: ExceptionFrame | Break) -> bool:
    """Do what the fault says, and give whether the socket is gone, so that the response can have no end."""
    if isinstance(fault, ExceptionFrame):
        await response.write(exception_frame(fault.name, fault.message))
        return False
    whole = event_frame("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "broken"}})
    match fault.how:
        case How.HALF_FRAME:
            await response.write(whole[: len(whole) // 2])
        case How.BAD_CHECKSUM:
            await response.write(whole[:-10] + bytes([whole[-10] ^ 1]) + whole[-9:])
        case How.CLEAN_END:
            pass
        case How.CUT:
            if request.transport is not None:
                request.transport.abort()
            return True
        case How.SILENCE:
            await asyncio.Event().wait()
    return False


def _refused(refusal: Refusal) -> web.Response:
    error = refusal.error or _ERRORS[refusal.status]
    return web.json_response(
        {"message": refusal.message}, status=refusal.status, headers={"x-amzn-ErrorType": error, **refusal.headers}
    )


async def _serve(port: int, first_token_s: float, tokens_per_s: float) -> None:
    async with StandInBedrock(port=port, first_token_s=first_token_s, tokens_per_s=tokens_per_s) as bedrock:
        sys.stdout.write(f"{bedrock.url}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


def main() -> None:
    """Serve until killed; the first line written is the URL."""
    parser = argparse.ArgumentParser(description="A stand-in for Amazon Bedrock's ConverseStream.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--first-token-s", type=float, default=0.0)
    parser.add_argument("--tokens-per-s", type=float, default=0.0)
    options = parser.parse_args()
    asyncio.run(_serve(options.port, options.first_token_s, options.tokens_per_s))


if __name__ == "__main__":
    main()
