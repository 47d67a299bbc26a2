"""``WS /ws``: the verbs of ``POST /invocations`` as messages, several deliberations on one socket.

Owns one connection's life: its tasks, its bounds and its end. What is said on it is in http/socket_messages.py.

Each followed deliberation is one task with one cursor; the log keeps what has not been sent. A frame is sent when the
one before it is taken over by the transport, so that a slow reader holds back its own followings and nothing else. The
socket stays whatever a message does; it is closed with

- 1012 where the server stops, or the socket is as old as it may get (connect again, with a token of now, and resume);
- 1013 where the reader took no frame for `SocketLimits.send_deadline_s`, after an ``error`` message of the code
  ``slow_reader`` with the cursor of each deliberation followed;
- 1007 and 1009 by the WebSocket library: text that is not UTF-8 (RFC 6455, 8.1, asks for it) and a message over
  `BODY_BYTES`; 1011 where the reader leaves a ping unanswered.

However it ends, the deliberations go on. It costs at most: in the transport its high-water mark (64 KiB), one frame and
the last message; ``most_requests`` bodies and answers under way; a batch of records a following. The kernel's own
socket buffers come on top.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import partial
from http import HTTPStatus
from typing import NoReturn

from starlette.responses import Response
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketDisconnected

from magisystem.errors import InvalidRequest, MagiError, RequestError
from magisystem.http.entrance import socket_protocol
from magisystem.http.probe import Probes, checked
from magisystem.http.problems import problem
from magisystem.http.proposals import proposal
from magisystem.http.rates import Rates
from magisystem.http.runtime import in_runtime_session
from magisystem.http.socket_messages import (
    answer_message,
    error_message,
    events_messages,
    frames,
    opened,
    probe_message,
)
from magisystem.http.tracing import trace_continued
from magisystem.http.verbs import Verbs
from magisystem.protocol.requests import (
    DeliberationAction,
    Invocation,
    ProbeRequest,
    ResumeRequest,
    StartRequest,
    parse_invocation,
)

_log = logging.getLogger(__name__)


class SocketBusy(RequestError):
    """The socket follows as many deliberations as one may."""

    code = "socket_busy"
    retryable = True


class SlowReader(MagiError):
    """The reader takes nothing; its socket is closed."""

    code = "slow_reader"
    retryable = True


@dataclass(frozen=True, slots=True)
class SocketLimits:
    """The bounds of one socket."""

    # Below the time that a ping waits for its pong (http/server.py): who is slow is told so before it looks dead.
    send_deadline_s: float = 30.0
    farewell_s: float = 2.0
    most_followed: int = 64
    most_requests: int = 8
    # Who it is was asked at its beginning: past this, whose token has expired is let in no more. It is as long as
    # AgentCore keeps a socket open.
    life_s: float = 3_600.0


class _End(Enum):
    GONE = auto()
    SLOW = auto()
    STOPPING = auto()


class _Over(Exception):
    """Ends the task group of a socket."""


@dataclass(slots=True, eq=False)
class _Following:
    deliberation_id: str
    # The last seq sent whole.
    cursor: int
    task: asyncio.Task[None] = field(init=False)


def origin_refusal(websocket: WebSocket, origins: Iterable[str]) -> Response | None:
    """Give the refusal of a page that may not open a socket here, or ``None`` where there is nothing to refuse.

    Browsers apply no CORS to WebSockets: without this, any page a person visits could use the server they run. What is
    not a browser sends no ``Origin``. The scheme is not compared, as the TLS of a proxy in front is not seen here.
    """
    origin = websocket.headers.get("origin")
    host = websocket.headers.get("host", "")
    if origin is None or {origin, "*"} & set(origins):
        return None
    if host and origin.partition("://")[2].lower() == host.lower():
        return None
    return problem(
        HTTPStatus.FORBIDDEN,
        "origin_not_allowed",
        f"Pages of {origin!r} may not open a socket here. If they should, name that origin in MAGI_CORS_ORIGINS.",
        retryable=False,
    )


class Socket:
    """One connection, from its acceptance to its end."""

    def __init__(
        self,
        websocket: WebSocket,
        verbs: Verbs,
        rates: Rates,
        stopping: asyncio.Event,
        probes: Probes,
        limits: SocketLimits | None = None,
    ) -> None:
        self._websocket = websocket
        self._verbs = verbs
        self._probes = probes
        self._rates = rates
        self._deliberations = verbs.application.deliberations
        self._stopping = stopping
        self._limits = limits or SocketLimits()
        self._followings: dict[str, _Following] = {}
        # Requests under way that will follow a deliberation.
        self._n_to_follow = 0
        self._free = asyncio.Semaphore(self._limits.most_requests)
        # Held for a whole message; its waiters are served in order, so that no deliberation crowds out another.
        self._turn = asyncio.Lock()
        self._tasks = asyncio.TaskGroup()
        self._end: asyncio.Future[_End] = asyncio.get_running_loop().create_future()

    async def serve(self) -> None:
        """Accept the connection and serve it until it ends; every task of it has ended then."""
        await self._websocket.accept(socket_protocol(self._websocket.headers))
        try:
            async with self._tasks:
                self._tasks.create_task(self._read())
                self._tasks.create_task(self._watch_for_stop())
                await self._conclude()
        except* _Over:
            pass

    # --- Requests ---------------------------------------------------------------------------------------------------

    async def _read(self) -> None:
        while True:
            message = await self._websocket.receive()
            if message["type"] == "websocket.disconnect":
                self._end_with(_End.GONE)
                return
            async with self._answering():
                text = message.get("text")
                if text is None:
                    raise InvalidRequest("A message is JSON in a text frame; this frame is binary.")
                await self._take(text)

    async def _take(self, text: str) -> None:
        body, request_id = opened(text)
        async with self._answering(request_id):
            self._rates.take(self._verbs.owner)
            request = parse_invocation(body)
            if isinstance(request, StartRequest | ResumeRequest):
                self._check_following(request)
            # Beyond the bound the reader waits, and with it the connection.
            await self._free.acquire()
            self._n_to_follow += isinstance(request, StartRequest | ResumeRequest)
            self._tasks.create_task(self._perform(request, request_id))

    def _check_following(self, request: StartRequest | ResumeRequest) -> None:
        if not request.stream:
            raise InvalidRequest("`stream`: A socket streams; POST /invocations answers one document.", field="stream")
        if isinstance(request, StartRequest) and request.detached:
            raise InvalidRequest("`detached`: A socket streams; POST /invocations answers the id.", field="detached")
        is_replaced = isinstance(request, ResumeRequest) and request.deliberation_id in self._followings
        if not is_replaced and len(self._followings) + self._n_to_follow >= self._limits.most_followed:
            raise SocketBusy(
                f"This socket follows {self._limits.most_followed} deliberations already. Wait until one has ended, or "
                "open another socket."
            )

    async def _perform(self, request: Invocation, request_id: str | None) -> None:
        deliberations, owner = self._deliberations, self._verbs.owner
        deliberation_id = request.deliberation_id if isinstance(request, DeliberationAction) else None
        try:
            async with self._answering(request_id, deliberation_id):
                match request:
                    case StartRequest() as start:
                        start = in_runtime_session(start, self._websocket.scope)
                        propose = partial(proposal, start, self._verbs.application.councils, owner)
                        with trace_continued(self._websocket.headers):
                            started = await deliberations.start(propose, owner, start.idempotency_key)
                        await self._begin(started, 0, answer_message("started", started, request_id))
                    case ResumeRequest(deliberation_id=known, after=after):
                        # What cannot be followed must be refused before a following of it is replaced.
                        await deliberations.read(known, owner, after, limit=0)
                        await self._begin(known, after, answer_message("resumed", known, request_id, after=after))
                    case ProbeRequest():
                        # It ends by itself, and its places are bounded: it holds up no other request.
                        self._tasks.create_task(self._probe(request, request_id))
                    case verb:
                        answer = await self._verbs.perform(verb)
                        await self._send(answer_message(answer.kind, deliberation_id, request_id, **answer.fields))
        finally:
            self._n_to_follow -= isinstance(request, StartRequest | ResumeRequest)
            self._free.release()

    @asynccontextmanager
    async def _answering(
        self, request_id: str | None = None, deliberation_id: str | None = None
    ) -> AsyncGenerator[None]:
        """Answer what fails within with an ``error`` message; the socket stays."""
        try:
            yield
        except MagiError as error:
            if error.told != error.message:
                _log.warning("%s (%s)", error.message, error.code)
            await self._send(error_message(error, request_id, deliberation_id))
        except Exception:  # noqa: BLE001 - the request boundary of a socket
            _log.exception("a message on a socket met a fault")
            fault = MagiError("The server made a mistake. Its log has the details.")
            await self._send(error_message(fault, request_id, deliberation_id))

    # --- Following --------------------------------------------------------------------------------------------------

    async def _begin(self, deliberation_id: str, after: int, answer: bytes) -> None:
        while (former := self._followings.pop(deliberation_id, None)) is not None:
            former.task.cancel()
            await asyncio.wait([former.task])
        # No await from the look above to the entry below, or two requests could both follow the same.
        following = _Following(deliberation_id, after)
        following.task = self._tasks.create_task(self._follow(following, answer))
        self._followings[deliberation_id] = following

    async def _follow(self, following: _Following, answer: bytes) -> None:
        deliberation_id = following.deliberation_id
        try:
            async with self._answering(deliberation_id=deliberation_id):
                await self._send(answer)
                async with self._deliberations.follow(deliberation_id, self._verbs.owner, following.cursor) as batches:
                    async for batch in batches:
                        for message, last_seq in events_messages(deliberation_id, batch):
                            await self._send(message, (following, last_seq))
                        # Where the log and the transport both keep up, nothing above gives others their turn.
                        await asyncio.sleep(0)
                await self._send(answer_message("ended", deliberation_id, cursor=following.cursor))
        finally:
            if self._followings.get(deliberation_id) is following:
                del self._followings[deliberation_id]

    async def _probe(self, request: ProbeRequest, request_id: str | None) -> None:
        """Send a probe's frames; it is bounded by the places there are, and not by what a socket may follow."""
        async with self._answering(request_id):
            if not request.stream:
                raise InvalidRequest("`stream`: A socket streams; POST /invocations answers once.", field="stream")
            probe = checked(request.probe)
            with self._probes.place(self._verbs.owner, probe):
                async with aclosing(self._probes.batches(probe, self._websocket.headers)) as batches:
                    async for batch in batches:
                        for _, body in batch:
                            await self._send(probe_message(body, request_id))

    # --- Sending and ending -----------------------------------------------------------------------------------------

    async def _send(self, message: bytes, reached: tuple[_Following, int] | None = None) -> None:
        """Send a message whole; with its last frame the following has ``reached`` that seq."""
        async with self._turn:
            *others, last = frames(message)
            for frame in others:
                await self._write(frame)
            await self._write(last, reached)

    async def _write(self, frame: str, reached: tuple[_Following, int] | None = None) -> None:
        if self._end.done():
            await _wait_for_cancellation()
        deadline = asyncio.get_running_loop().call_later(self._limits.send_deadline_s, self._end_with, _End.SLOW)
        # Before it is sent: whatever is said later on this connection, the farewell too, is said after this frame.
        if reached is not None:
            reached[0].cursor = reached[1]
        try:
            await self._websocket.send({"type": "websocket.send", "text": frame})
        except (WebSocketDisconnect, WebSocketDisconnected):
            self._end_with(_End.GONE)
            await _wait_for_cancellation()
        finally:
            deadline.cancel()

    def _end_with(self, end: _End) -> None:
        if not self._end.done():
            self._end.set_result(end)

    async def _watch_for_stop(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._limits.life_s):
                await self._stopping.wait()
        self._end_with(_End.STOPPING)

    async def _conclude(self) -> NoReturn:
        """Wait for the end and say why, where there is somebody to hear it.

        The frame that is being sent goes out before what is said here, or not at all.
        """
        end = await self._end
        if end is _End.SLOW:
            cursors = {following.deliberation_id: following.cursor for following in self._followings.values()}
            error = SlowReader(
                "This socket is closed, because what is sent on it is not read. Resume from the cursors."
            )
            for frame in frames(error_message(error, cursors=cursors)):
                await self._say({"type": "websocket.send", "text": frame})
            await self._say({"type": "websocket.close", "code": 1013, "reason": "slow reader"})
        elif end is _End.STOPPING:
            reason = "the server stops" if self._stopping.is_set() else "connect again"
            await self._say({"type": "websocket.close", "code": 1012, "reason": reason})
        raise _Over

    async def _say(self, message: dict[str, object]) -> None:
        with suppress(TimeoutError, WebSocketDisconnect, WebSocketDisconnected):
            async with asyncio.timeout(self._limits.farewell_s):
                await self._websocket.send(message)


async def _wait_for_cancellation() -> NoReturn:
    """Stand still until the task group of a socket that has ended cancels this task."""
    await asyncio.get_running_loop().create_future()
    raise AssertionError("a future without a result")
