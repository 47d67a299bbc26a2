"""A stand-in for a function of AWS Lambda: its environments, each behind a Runtime API of version 2018-06-01.

An environment does one invocation at a time; what comes meanwhile gets another one, up to ``max_environments``. At the
deadline the environment is killed, in the middle of whatever it does. Between invocations it is frozen.

Contract: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html and runtimes-custom.html. That it is like the
real service is proved by real clients (tests/contract/test_lambda_standin.py).
"""

import asyncio
import json
import re
import time
from base64 import b64decode
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Protocol
from uuid import uuid4

import h11

from tests.support.http1 import Broken, Fields, Peer, fields_of, serving

PAYLOAD_BYTES = 6 * 1024 * 1024
INTEGRATION_RESPONSE = "application/vnd.awslambda.http-integration-response"

_RUNTIME = "/2018-06-01/runtime/"
_JSON: Fields = [("content-type", "application/json")]
# A reader that is slower than the function holds it back, here after so much.
_HELD_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class FunctionError:
    """How an invocation failed: ``kind`` as in ``Sandbox.Timedout``, ``body`` what the runtime said of it."""

    kind: str
    body: bytes = b""


class Throttled(Exception):
    """All environments are busy, and there may be no more of them."""


class Sandbox(Protocol):
    """What runs in an environment, as far as Lambda has it in its hands."""

    def freeze(self) -> None:
        """Stop its clock: no invocation is under way."""
        ...

    def thaw(self) -> None:
        """Let it go on."""
        ...


# Starts what an environment runs, given ``host:port`` of its Runtime API; leaving it kills that.
Bootstrap = Callable[[str], AbstractAsyncContextManager[Sandbox]]


class Invocation:
    """One call of the function, and what comes of it."""

    def __init__(self, event: bytes, trace_id: str, timeout_s: float) -> None:
        self.request_id = str(uuid4())
        self.event = event
        self.trace_id = trace_id
        self.deadline_ms = int((time.time() + timeout_s) * 1_000)
        self.content_type = ""
        self.is_streamed = False
        self.error: FunctionError | None = None
        self.is_over = False
        self._is_answered = asyncio.Event()
        self._held = bytearray()
        self._readable = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()

    async def answered(self) -> bool:
        """Wait for the answer's beginning, and say whether there is one."""
        await self._is_answered.wait()
        return bool(self.content_type)

    async def pieces(self) -> AsyncGenerator[bytes]:
        """Give what comes of the answer, all that waits at once; afterwards `error` says how it ended."""
        while not self.is_over or self._held:
            await self._readable.wait()
            piece = bytes(self._held)
            self._held.clear()
            self._writable.set()
            if not self.is_over:
                self._readable.clear()
            if piece:
                yield piece

    def begin(self, content_type: str, *, is_streamed: bool) -> None:
        self.content_type = content_type
        self.is_streamed = is_streamed
        self._is_answered.set()

    async def put(self, piece: bytes) -> None:
        self._held += piece
        self._readable.set()
        if len(self._held) >= _HELD_BYTES:
            self._writable.clear()
            await self._writable.wait()

    def end(self, error: FunctionError | None = None) -> None:
        """Nothing comes any more; the first word on it counts."""
        if not self.is_over:
            self.is_over, self.error = True, error
            self._is_answered.set()
            self._readable.set()
            self._writable.set()


class Function:
    """A function, invoked within `running`.

    ``invocations`` has all that began so far, ``killed`` those that came to their deadline.
    """

    def __init__(
        self,
        bootstrap: Bootstrap,
        *,
        name: str = "magi-gateway",
        timeout_s: float = 900.0,
        init_s: float = 10.0,
        max_environments: int = 10,
    ) -> None:
        self.bootstrap = bootstrap
        self.name = name
        self.arn = f"arn:aws:lambda:us-east-1:123456789012:function:{name}"
        self.environments: list[Environment] = []
        self.killed = asyncio.Queue[Invocation]()
        self.invocations: list[Invocation] = []
        self._began = asyncio.Condition()
        self._timeout_s = timeout_s
        self._init_s = init_s
        self._max_environments = max_environments

    @asynccontextmanager
    async def running(self) -> AsyncGenerator["Function"]:
        try:
            yield self
        finally:
            for environment in tuple(self.environments):
                await environment.kill()

    async def invoke(self, event: bytes, trace_id: str = "") -> Invocation:
        """Invoke the function, in a new environment if none is idle.

        Raises:
            Throttled: there may be no more environments.
        """
        environment = next((each for each in self.environments if each.idle.is_set()), None)
        if environment is None:
            if len(self.environments) >= self._max_environments:
                raise Throttled
            environment = Environment(self)
            self.environments.append(environment)
            if error := await environment.open(self._init_s):
                return _failed(event, trace_id, error)
        invocation = Invocation(event, trace_id, self._timeout_s)
        environment.give(invocation, self._timeout_s)
        async with self._began:
            self.invocations.append(invocation)
            self._began.notify_all()
        return invocation

    async def invoked(self, n: int) -> Invocation:
        """Wait until ``n`` invocations have begun, and give the ``n``-th."""
        async with self._began:
            await self._began.wait_for(lambda: len(self.invocations) >= n)
        return self.invocations[n - 1]


class Environment:
    """An execution environment: the Runtime API and what runs before it. ``idle`` is set while `next` is asked."""

    def __init__(self, function: Function) -> None:
        self.idle = asyncio.Event()
        self._function = function
        self._is_killed = asyncio.Event()
        self._given = asyncio.Queue[Invocation](1)
        self._current: Invocation | None = None
        self._init_error: FunctionError | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._sandbox: Sandbox | None = None
        self._life: asyncio.Task[None] | None = None

    async def open(self, init_s: float) -> FunctionError | None:
        """Start what runs here, and wait until it asks for an invocation; give how that failed."""
        self._life = asyncio.create_task(self._live())
        asking = asyncio.create_task(self.idle.wait())
        done, _ = await asyncio.wait({self._life, asking}, timeout=init_s, return_when=asyncio.FIRST_COMPLETED)
        asking.cancel()
        if asking in done:
            return None
        await self.kill()
        return self._init_error or FunctionError("Runtime.ExitError" if done else "Sandbox.Timedout")

    def give(self, invocation: Invocation, timeout_s: float) -> None:
        """Let the invocation run here, up to its deadline."""
        self.idle.clear()
        self._current = invocation
        self._deadline = asyncio.get_running_loop().call_later(timeout_s, self._time_out)
        if self._sandbox:
            self._sandbox.thaw()
        self._given.put_nowait(invocation)

    async def kill(self) -> None:
        self._is_killed.set()
        if self._life:
            await asyncio.wait([self._life])

    def _time_out(self) -> None:
        if self._current:
            self._function.killed.put_nowait(self._current)
            self._current.end(FunctionError("Sandbox.Timedout", b"Task timed out"))
        self._is_killed.set()

    async def _live(self) -> None:
        try:
            async with serving(self._answer) as address, self._function.bootstrap(address) as sandbox:
                self._sandbox = sandbox
                await self._is_killed.wait()
        finally:
            self._settle()
            if self._current:
                self._current.end(FunctionError("Runtime.ExitError"))
            self._function.environments.remove(self)

    def _settle(self) -> None:
        if self._deadline:
            self._deadline.cancel()

    async def _answer(self, peer: Peer, request: h11.Request) -> None:
        method, path = request.method.decode(), request.target.decode()
        named = re.fullmatch(rf"{_RUNTIME}invocation/([^/]+)/(response|error)", path)
        if (method, path) == ("GET", f"{_RUNTIME}invocation/next"):
            await peer.read()
            await self._next(peer)
        elif method == "POST" and named:
            await self._end(peer, request, *named.groups())
        elif (method, path) == ("POST", f"{_RUNTIME}init/error"):
            self._init_error = await _said(peer, request)
            self._is_killed.set()
            await _accept(peer)
        elif (method, path) == ("POST", "/2020-01-01/extension/register"):
            await peer.read()
            identity = ("lambda-extension-identifier", str(uuid4()))
            named_function = json.dumps({"functionName": self._function.name, "functionVersion": "$LATEST"})
            await peer.answer(200, [*_JSON, identity], named_function.encode())
        elif (method, path) == ("GET", "/2020-01-01/extension/event/next"):
            await self._is_killed.wait()
        else:
            await peer.read()
            await peer.answer(404, _JSON, b'{"errorType":"NotFound"}')

    async def _next(self, peer: Peer) -> None:
        if self._current and not self._current.is_over:
            self._current.end(FunctionError("Runtime.InvalidStateTransition"))
        self._settle()
        self._current = None
        self.idle.set()
        if self._sandbox:
            self._sandbox.freeze()
        invocation = await self._given.get()
        headers = [
            *_JSON,
            ("lambda-runtime-aws-request-id", invocation.request_id),
            ("lambda-runtime-deadline-ms", str(invocation.deadline_ms)),
            ("lambda-runtime-invoked-function-arn", self._function.arn),
            *([("lambda-runtime-trace-id", invocation.trace_id)] if invocation.trace_id else []),
        ]
        await peer.answer(200, headers, invocation.event)

    async def _end(self, peer: Peer, request: h11.Request, request_id: str, how: str) -> None:
        invocation = self._current
        if invocation is None or invocation.request_id != request_id:
            await peer.read()
            await peer.answer(400, _JSON, b'{"errorType":"InvalidRequestID","errorMessage":"Invalid request ID"}')
        elif invocation.content_type or invocation.is_over:
            await peer.read()
            await peer.answer(403, _JSON, b'{"errorType":"InvalidStateTransition","errorMessage":"It is answered"}')
        elif how == "error":
            invocation.end(await _said(peer, request))
            await _accept(peer)
        elif fields_of(request.headers).get("lambda-runtime-function-response-mode", "").lower() == "streaming":
            await _take_stream(peer, request, invocation)
        else:
            await _take_whole(peer, request, invocation)


async def _take_stream(peer: Peer, request: h11.Request, invocation: Invocation) -> None:
    fields = fields_of(request.headers)
    invocation.begin(fields.get("content-type", "application/octet-stream"), is_streamed=True)
    try:
        async for piece in peer.body():
            await invocation.put(piece)
    except Broken:
        invocation.end(FunctionError("Runtime.TruncatedResponse"))
        raise
    kind = peer.trailers.get("lambda-runtime-function-error-type")
    body = b64decode(peer.trailers.get("lambda-runtime-function-error-body", ""))
    invocation.end(FunctionError(kind, body) if kind else None)
    await _accept(peer)


async def _take_whole(peer: Peer, request: h11.Request, invocation: Invocation) -> None:
    body = await peer.read()
    if len(body) > PAYLOAD_BYTES:
        invocation.end(FunctionError("Function.ResponseSizeTooLarge"))
        await peer.answer(413, _JSON, b'{"errorType":"RequestEntityTooLarge"}')
        return
    invocation.begin(fields_of(request.headers).get("content-type", "application/json"), is_streamed=False)
    await invocation.put(body)
    invocation.end()
    await _accept(peer)


async def _said(peer: Peer, request: h11.Request) -> FunctionError:
    kind = fields_of(request.headers).get("lambda-runtime-function-error-type", "Unhandled")
    return FunctionError(kind, await peer.read())


async def _accept(peer: Peer) -> None:
    await peer.answer(202, _JSON, b'{"status":"OK"}')


def _failed(event: bytes, trace_id: str, error: FunctionError) -> Invocation:
    invocation = Invocation(event, trace_id, 0)
    invocation.end(error)
    return invocation
