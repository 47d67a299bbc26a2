"""Stand-ins for the providers that speak JSON over HTTP, and the first of them: OpenAI's chat completions.

Real HTTP on 127.0.0.1, within a test's loop::

    async with StandInChatCompletions() as provider:
        provider.script(Reply("Yes.", fault=Fault(How.CUT)), Reply("Yes."))
        ...  # with OPENAI_BASE_URL=provider.url

What a wire looks like is a subclass; when it breaks, and what was seen of the client, is `StandIn`.
"""

import asyncio
import json
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, Self

from aiohttp import web

from tests.support.bedrock import tokens
from tests.support.bedrock_answers import ToolCall

N_INPUT_TOKENS = 100
N_CACHED_TOKENS = 40


class How(Enum):
    """How a stream ends that should not."""

    CUT = auto()  # the socket is reset
    CLEAN_END = auto()  # a clean end of the response
    SILENCE = auto()  # nothing more is sent, and the socket stays open
    THROTTLE = auto()  # the wire's own error within a stream, saying that the client is throttled
    OVERLOAD = auto()  # the same, saying that the provider is overloaded


@dataclass(frozen=True, slots=True)
class Fault:
    """The stream ends after ``after`` deltas; 0 is before the first one."""

    how: How
    after: int = 2


@dataclass(frozen=True, slots=True)
class Refusal:
    """An HTTP error instead of a stream. ``kind`` is the provider's own word for it."""

    status: int
    message: str = "The stand-in was told to refuse."
    kind: str = ""
    headers: dict[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer: text, then calls of tools. ``stop`` is the provider's word for the end, by default the usual one."""

    text: str = ""
    calls: tuple[ToolCall, ...] = ()
    stop: str = ""
    thinking: str = ""
    has_usage: bool = True
    fault: Fault | Refusal | None = None


@dataclass(eq=False, slots=True)
class Call:
    """One request as the stand-in saw it."""

    body: dict[str, Any]
    headers: dict[str, str]
    was_closed_by_client: bool = False
    _over: asyncio.Event = field(default_factory=asyncio.Event)

    async def over(self) -> bool:
        """Wait until the response is over, and say whether the client closed it before its end."""
        await self._over.wait()
        return self.was_closed_by_client

    def end(self, *, by_client: bool) -> None:
        """Note the end of the response."""
        self.was_closed_by_client = by_client
        self._over.set()


@dataclass(frozen=True, slots=True)
class Frame:
    """Bytes of a stream, and whether they are a delta."""

    sent: bytes
    is_delta: bool = False


class StandIn(ABC):
    """Serves one wire while its context is open.

    Attributes:
        calls: every request for an answer so far, refused ones too.
        models: the names its list of models holds; ``None`` where the server has no such list.
        listing_status: the HTTP status of that list.
        n_listings: how often it was asked for.
        is_listing_silent: whether that request is never answered.
    """

    content_type: str
    path: str

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.models: list[str] | None = None
        self.listing_status = 200
        self.n_listings = 0
        self.is_listing_silent = False
        self._port = 0
        self._script: list[Reply] = [Reply("Yes.")]
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """Where the server is, without a path."""
        return f"http://127.0.0.1:{self._port}"

    def script(self, *replies: Reply) -> None:
        """Set what is replied: each once, in order, then the last one again and again."""
        self._script = list(replies)

    @abstractmethod
    def frames(self, reply: Reply) -> Iterator[Frame]:
        """Give the whole of a stream."""

    @abstractmethod
    def failure(self, how: How) -> bytes:
        """Give the wire's own error within a stream."""

    @abstractmethod
    def refusal(self, refusal: Refusal) -> dict[str, Any]:
        """Give the body of an HTTP error."""

    @abstractmethod
    def add_routes(self, app: web.Application) -> None:
        """Add what the server answers besides."""

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_post(self.path, self._answer)
        self.add_routes(app)
        # A handler is cancelled when its client goes: the only way to see that while nothing is being written.
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def listing_asked(self) -> None:
        """Take note that the list of models was asked for; return if it is to be given."""
        self.n_listings += 1
        if self.is_listing_silent:
            await asyncio.Event().wait()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        call = Call(await request.json(), headers)
        self.calls.append(call)
        reply = self._script.pop(0) if len(self._script) > 1 else self._script[0]
        try:
            if isinstance(reply.fault, Refusal):
                response: web.StreamResponse = web.json_response(
                    self.refusal(reply.fault), status=reply.fault.status, headers=reply.fault.headers
                )
            else:
                response = await self._stream(request, reply, reply.fault)
        except (ConnectionResetError, asyncio.CancelledError):
            call.end(by_client=True)
            raise
        call.end(by_client=False)
        return response

    async def _stream(self, request: web.Request, reply: Reply, fault: Fault | None) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": self.content_type})
        await response.prepare(request)
        n_deltas = 0
        for frame in self.frames(reply):
            if fault is not None and frame.is_delta and n_deltas == fault.after:
                break
            n_deltas += frame.is_delta
            await response.write(frame.sent)
        match fault and fault.how:
            case How.CUT:
                # A turn of the loop first: what was written must have left before the socket is reset.
                await asyncio.sleep(0.01)
                if request.transport is not None:
                    request.transport.abort()
                return response
            case How.SILENCE:
                await asyncio.Event().wait()
            case How.THROTTLE | How.OVERLOAD as how:
                await response.write(self.failure(how))
            case _:
                pass
        await response.write_eof()
        return response


def input_of(call: ToolCall) -> str:
    """Give a call's input as a model writes it."""
    return call.input if isinstance(call.input, str) else json.dumps(call.input, ensure_ascii=False)


class StandInChatCompletions(StandIn):
    """OpenAI's ``/v1/chat/completions`` and ``/v1/models``, and what speaks like it.

    https://platform.openai.com/docs/api-reference/chat-streaming
    """

    content_type = "text/event-stream"
    path = "/v1/chat/completions"

    @property
    def url(self) -> str:
        """The base URL that an SDK takes."""
        return f"{super().url}/v1"

    def add_routes(self, app: web.Application) -> None:
        app.router.add_get("/v1/models", self._list)
        app.router.add_get("/v1/models/{model:.+}", self._model)

    def frames(self, reply: Reply) -> Iterator[Frame]:
        yield _delta({"role": "assistant", "content": ""}, is_delta=False)
        for token in tokens(reply.thinking):
            yield _delta({"reasoning_content": token})
        for token in tokens(reply.text):
            yield _delta({"content": token})
        for index, call in enumerate(reply.calls):
            start = {"index": index, "id": f"call_{index}", "type": "function"}
            yield _delta({"tool_calls": [{**start, "function": {"name": call.name, "arguments": ""}}]}, is_delta=False)
            for token in tokens(input_of(call)):
                yield _delta({"tool_calls": [{"index": index, "function": {"arguments": token}}]})
        stop = reply.stop or ("tool_calls" if reply.calls else "stop")
        yield _event({"choices": [{"index": 0, "delta": {}, "finish_reason": stop}]})
        if reply.has_usage:
            n_output = len(tokens(reply.text)) + 1
            usage = {
                "prompt_tokens": N_INPUT_TOKENS,
                "completion_tokens": n_output,
                "total_tokens": N_INPUT_TOKENS + n_output,
                "prompt_tokens_details": {"cached_tokens": N_CACHED_TOKENS},
            }
            yield _event({"choices": [], "usage": usage})
        yield Frame(b"data: [DONE]\n\n")

    def failure(self, how: How) -> bytes:
        kind = "rate_limit_exceeded" if how is How.THROTTLE else "server_error"
        error = {"message": "The stand-in was told to fail.", "type": kind, "code": kind}
        return b"data: " + json.dumps({"error": error}).encode() + b"\n\n"

    def refusal(self, refusal: Refusal) -> dict[str, Any]:
        return {"error": {"message": refusal.message, "type": refusal.kind or "error", "code": refusal.kind or None}}

    async def _list(self, _: web.Request) -> web.Response:
        await self.listing_asked()
        if self.models is None and self.listing_status == 200:
            return web.json_response({"detail": "Not Found"}, status=404)
        listed = [{"id": name, "object": "model"} for name in self.models or ()]
        return web.json_response({"object": "list", "data": listed}, status=self.listing_status)

    async def _model(self, request: web.Request) -> web.Response:
        await self.listing_asked()
        name = request.match_info["model"]
        if self.listing_status != 200:
            return web.json_response(
                self.refusal(Refusal(self.listing_status, kind="error")), status=self.listing_status
            )
        if self.models is None:
            return web.json_response({"detail": "Not Found"}, status=404)
        if name not in self.models:
            return web.json_response(self.refusal(Refusal(404, kind="model_not_found")), status=404)
        return web.json_response({"id": name, "object": "model"})


def _delta(delta: dict[str, Any], *, is_delta: bool = True) -> Frame:
    frame = _event({"choices": [{"index": 0, "delta": delta, "finish_reason": None}]})
    return Frame(frame.sent, is_delta)


def _event(fields: dict[str, Any]) -> Frame:
    chunk = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "a-model", **fields}
    return Frame(b"data: " + json.dumps(chunk).encode() + b"\n\n")
