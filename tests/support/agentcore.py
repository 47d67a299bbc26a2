"""A stand-in for AgentCore's data plane in front of a container, with what that does to requests and answers.

It lets only those headers through that AgentCore does, answers with 424 where the container refuses, hides the
container's own response headers, and can be told to refuse, to answer something else, or to break a stream.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any
from urllib.parse import quote

import uvicorn
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from tests.support.serving import listening

ARN = "arn:aws:bedrock-agentcore:us-east-1:123456789012:runtime/magi-0123456789"
SESSION = "x-amzn-bedrock-agentcore-runtime-session-id"
OWNER = "x-amzn-bedrock-agentcore-runtime-custom-magi-owner"
_CUSTOM = "x-amzn-bedrock-agentcore-runtime-custom-"
# What reaches a container (the allow-list of our stacks, and what the platform itself sends).
_LET_THROUGH = {"authorization", "content-type", "host", "traceparent", "tracestate", "baggage", SESSION}
_PASSED_BACK = {b"content-type", SESSION.encode()}


@dataclass(frozen=True, slots=True)
class AwsError:
    """A refusal of AgentCore's own."""

    status: int
    type: str = ""
    message: str = "arn:aws:iam::123456789012:role/very-internal is not allowed"
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that no container gave."""

    body: bytes
    media_type: str = "application/json"
    status: int = 200
    encoding: str = ""


class How(Enum):
    """How a stream breaks."""

    RESET = auto()
    CLEAN_END = auto()
    SILENCE = auto()


@dataclass(frozen=True, slots=True)
class Break:
    """Break the container's stream ``beyond`` bytes after its ``frames``-th frame."""

    frames: int
    how: How = How.RESET
    beyond: int = 0


@dataclass(frozen=True, slots=True)
class Late:
    """Do what ``then`` says, when ``until`` is set."""

    until: asyncio.Event
    then: "AwsError | Answer | None" = None


class Refuse(Enum):
    """The connection is dropped before anything is answered."""

    UNANSWERED = auto()


Scripted = AwsError | Answer | Break | Late | Refuse | None


@dataclass(eq=False, slots=True)
class Invocation:
    """One request as it came; ``left`` is set when whoever sent it has hung up."""

    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    left: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class StandInAgentCore:
    """An ASGI application. ``script`` says what becomes of requests in turn; ``None``, and what comes after: nothing.

    ``calls`` are all requests so far. With ``credentials`` every signature is checked, by botocore's own code.
    """

    def __init__(self, container: ASGIApp | None = None, *, credentials: Credentials | None = None) -> None:
        self.container = container
        self.calls: list[Invocation] = []
        self.passes_headers = False
        self.faults: list[str] = []
        self.credentials = credentials
        self._script: list[Scripted] = []
        self._came = asyncio.Condition()
        self._transports: dict[Any, asyncio.Transport] = {}

    @asynccontextmanager
    async def serving(self, port: int = 0) -> AsyncGenerator[str]:
        """Serve, and give the URL."""
        transports = self._transports

        class Protocol(HttpToolsProtocol):
            """uvicorn's, with its connections within reach: an application alone cannot leave one unanswered."""

            def connection_made(self, transport: Any) -> None:
                transports[transport.get_extra_info("peername")] = transport
                super().connection_made(transport)

        config = uvicorn.Config(
            self, http=Protocol, log_config=None, timeout_graceful_shutdown=1, lifespan="off", ws="none"
        )
        async with listening(self, config, port=port) as url:
            yield url

    def script(self, *scripted: Scripted) -> None:
        self._script = list(scripted)

    async def called(self, n: int) -> Invocation:
        """Wait until ``n`` requests have come, and give the ``n``-th."""
        async with self._came:
            await self._came.wait_for(lambda: len(self.calls) >= n)
        return self.calls[n - 1]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        call = await self._read(scope, receive)
        scripted = self._script.pop(0) if self._script else None
        left = asyncio.create_task(_left(receive, call.left))
        try:
            await self._answer(scripted, call, scope, send)
        finally:
            left.cancel()
            await asyncio.gather(left, return_exceptions=True)

    async def _answer(self, scripted: Scripted, call: Invocation, scope: Scope, send: Send) -> None:
        if isinstance(scripted, Late):
            waiting = {asyncio.ensure_future(event.wait()) for event in (scripted.until, call.left)}
            _, pending = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in pending:
                task.cancel()
            scripted = scripted.then
        match scripted:
            case AwsError(status, kind, message, headers):
                named = {"x-amzn-ErrorType": kind} if kind else {}
                await JSONResponse({"message": message}, status, {**named, **headers})(scope, _nothing, send)
            case Answer(body, media_type, status, encoding):
                encoded = {"content-encoding": encoding} if encoding else {}
                # Not by `media_type`, to which Starlette adds a charset.
                await Response(body, status, {"content-type": media_type, **encoded})(scope, _nothing, send)
            case Refuse():
                self._transports[scope["client"]].abort()
            case Break() | None:
                await self._pass(call, scope, _Breaking(send, scripted, passes_headers=self.passes_headers))

    async def _read(self, scope: Scope, receive: Receive) -> Invocation:
        body = b""
        while (message := await receive())["type"] == "http.request":
            body += message["body"]
            if not message["more_body"]:
                break
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        call = Invocation(scope["raw_path"].decode(), scope["query_string"].decode(), headers, body)
        assert call.path == f"/runtimes/{quote(ARN, safe='')}/invocations", call.path
        assert 33 <= len(headers.get(SESSION, "")) <= 256
        if self.credentials is not None:
            _check_signature(call, self.credentials)
        async with self._came:
            self.calls.append(call)
            self._came.notify_all()
        return call

    async def _pass(self, call: Invocation, scope: Scope, send: Send) -> None:
        """Hand a request to the container as AgentCore does."""
        assert self.container is not None
        headers = [
            (name.encode(), value.encode())
            for name, value in call.headers.items()
            if name in _LET_THROUGH or name.startswith(_CUSTOM)
        ]
        inner = {**scope, "path": "/invocations", "raw_path": b"/invocations", "headers": headers}
        messages: list[Message] = [{"type": "http.request", "body": call.body, "more_body": False}]

        async def receive() -> Message:
            if messages:
                return messages.pop()
            await call.left.wait()
            return {"type": "http.disconnect"}

        await self.container(inner, receive, send)


class _Broken(Exception):
    """Raised so that the connection is dropped with the body unfinished."""


class _Breaking:
    """What stands between a container and its caller; breaks streams where it is told to."""

    def __init__(self, send: Send, scripted: Break | None, *, passes_headers: bool) -> None:
        self._send = send
        self._break = scripted
        self._passes_headers = passes_headers
        self._is_stream = False
        self._seen = b""
        self._n_sent = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            await self._begin(message)
        elif self._break is None or not self._is_stream:
            await self._send(message)
        else:
            await self._relay(message, self._break)

    async def _begin(self, start: Message) -> None:
        assert start["status"] < 300, "behind AgentCore a container answers with 200, or its answer is a 424"
        headers = dict(start["headers"])
        self._is_stream = headers[b"content-type"].startswith(b"text/event-stream")
        kept = start["headers"] if self._passes_headers else [h for h in start["headers"] if h[0] in _PASSED_BACK]
        await self._send({**start, "headers": kept})

    async def _relay(self, message: Message, told: Break) -> None:
        self._seen += message["body"]
        end = self._end(told)
        await self._send({**message, "body": self._seen[self._n_sent : end]})
        self._n_sent = len(self._seen)
        if end is None:
            return
        if told.how is How.CLEAN_END:
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})
        if told.how is How.SILENCE:
            await asyncio.Event().wait()
        raise _Broken

    def _end(self, told: Break) -> int | None:
        """Give where to break, counted from the beginning; ``None`` before enough has come."""
        ends = [place + 2 for place in range(len(self._seen)) if self._seen.startswith(b"\n\n", place)]
        # The first is the comment's.
        end = ends[told.frames] + told.beyond if len(ends) > told.frames else None
        return end if end is not None and end <= len(self._seen) else None


def _check_signature(call: Invocation, credentials: Credentials) -> None:
    """Sign the request again, as it came, and compare."""
    scheme, _, rest = call.headers["authorization"].partition(" ")
    parts = dict(part.strip().split("=", 1) for part in rest.split(","))
    day = call.headers["x-amz-date"][:8]
    assert scheme == "AWS4-HMAC-SHA256"
    assert parts["Credential"] == f"{credentials.access_key}/{day}/us-east-1/bedrock-agentcore/aws4_request"
    signed = parts["SignedHeaders"].split(";")
    assert {"host", "content-type", "x-amz-date", "x-amz-security-token", SESSION, OWNER} <= set(signed)
    url = f"http://{call.headers['host']}{call.path}?{call.query}"
    request: Any = AWSRequest("POST", url, {name: call.headers[name] for name in signed}, call.body)
    request.context["timestamp"] = call.headers["x-amz-date"]
    auth: Any = SigV4Auth(credentials, "bedrock-agentcore", "us-east-1")
    expected = auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request)
    assert parts["Signature"] == expected


async def _left(receive: Receive, left: asyncio.Event) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    left.set()


async def _nothing() -> Message:
    await asyncio.Event().wait()
    raise AssertionError
