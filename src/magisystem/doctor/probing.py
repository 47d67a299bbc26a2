"""Examining a path: which probes are sent when, and what each is for. What comes back is judged in `diagnosis`.

At most three streams are open at once, of the four that an owner may have.
"""

import asyncio
import json
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, cast

import httpx2
import msgspec

from magisystem.doctor.measurements import (
    Clock,
    PathMeasurements,
    Poll,
    Preflight,
    Refusal,
    RefusalKind,
    Resumption,
    StreamTrace,
)
from magisystem.doctor.streaming import body_of, stream_over_http, stream_over_socket
from magisystem.doctor.target import Target
from magisystem.protocol.agentcore import SESSION_HEADER
from magisystem.protocol.probe import LONGEST_S, Probe

TRANSPORTS = frozenset({"stream", "poll", "socket"})
# What a deliberation's stream does, and a client's long-poll: a path is measured with the same.
_KEEP_ALIVE_S = 10.0
_POLL_S = 20.0
_INTERVAL_S = 0.5
# Every proportion below is of a probe this long; a shorter one has all of it shortened.
_WHOLE_S = 40.0
# Under a server's own keep-alive of a minute at most, which the silent stream must not have.
_LONGEST_SILENCE_S = 55.0
_N_ROUND_TRIPS = 7
_ANSWER_S = 10.0
_CONNECT_S = 5.0
# Lambda's own framing of a streamed answer, which nothing but Lambda should see: JSON, then eight of these.
_LAMBDA_PRELUDE_END = b"\0" * 8


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be examined.

    ``origin`` is that of the page whose browser would ask; ``patience_s`` is how long a stream that should have ended
    is waited for.
    """

    seconds: float = _WHOLE_S
    transports: frozenset[str] = TRANSPORTS
    origin: str | None = None
    patience_s: float = 5.0

    @property
    def _scale(self) -> float:
        return min(1.0, self.seconds / _WHOLE_S)

    @property
    def main(self) -> Probe:
        """A deliberation's pace, with a quiet stretch long enough that a keep-alive falls into it."""
        return self._probe(self.seconds, quiet_s=0.3 * self.seconds)

    @property
    def silent(self) -> Probe:
        """Nothing between the first frame and the last, no keep-alive either."""
        seconds = min(self.seconds, _LONGEST_SILENCE_S)
        return Probe(seconds, 10_000, 0, round(seconds * 1000), 60_000)

    @property
    def short(self) -> Probe:
        """Long enough to tell what is held back from what is not."""
        return self._probe(max(0.5, 0.2 * _WHOLE_S * self._scale), quiet_s=0)

    @property
    def poll_s(self) -> float:
        """How long one long-poll is to be held."""
        return max(0.2, _POLL_S * self._scale)

    def _probe(self, seconds: float, quiet_s: float) -> Probe:
        return Probe(
            seconds=seconds,
            interval_ms=max(10, round(_INTERVAL_S * 1000 * self._scale)),
            quiet_ms=round(quiet_s * 1000),
            keep_alive_ms=max(100, round(_KEEP_ALIVE_S * 1000 * self._scale)),
        )


async def examine(target: Target, token: str | None, wanted: Wanted) -> PathMeasurements | Refusal:
    """Examine the path to a server. Takes about ``wanted.seconds``; raises nothing but cancellation."""
    headers = {
        **target.headers,
        "content-type": "application/json",
        # A proxy that compresses a stream holds it back until a block is full.
        "accept-encoding": "identity",
        **({"authorization": f"Bearer {token}"} if token else {}),
    }
    timeout = httpx2.Timeout(None, connect=_CONNECT_S)
    async with httpx2.AsyncClient(headers=headers, timeout=timeout) as http:
        path = _Path(http, target, token, wanted)
        clock = await path.clock()
        return clock if isinstance(clock, Refusal) else await path.examined(clock)


@dataclass(frozen=True, slots=True)
class _Path:
    http: httpx2.AsyncClient
    target: Target
    token: str | None
    wanted: Wanted

    async def clock(self) -> Clock | Refusal:
        """Make the first request, and some more like it: does anything of ours answer, how fast, and by what clock?"""
        trips: list[Clock] = []
        for _ in range(_N_ROUND_TRIPS):
            found = await self._round_trip()
            if isinstance(found, Refusal):
                # Once it has answered, a single answer that fails is the path's, and shows elsewhere.
                if trips:
                    break
                return found
            trips.append(found)
        # The first one opens the connection.
        return min(trips[1:] or trips, key=lambda trip: trip.round_trip_ms)

    async def examined(self, clock: Clock) -> PathMeasurements:
        """Measure everything that is wanted."""
        is_streamed = "stream" in self.wanted.transports
        async with asyncio.TaskGroup() as tasks:
            main = tasks.create_task(self._stream(self.wanted.main)) if is_streamed else None
            silent = tasks.create_task(self._stream(self.wanted.silent)) if is_streamed else None
            others = tasks.create_task(self._others())
        return PathMeasurements(
            address=self.target.shown,
            host=self.target.host,
            has_token=self.token is not None,
            clock=clock,
            main=main.result() if main else None,
            silent=silent.result() if silent else None,
            **others.result(),
        )

    async def _others(self) -> dict[str, Any]:
        """Measure what is short, one thing after the other, beside the long ones."""
        wanted = self.wanted
        found: dict[str, Any] = {}
        if wanted.origin is not None:
            found["preflight"] = await self._preflight(wanted.origin)
        if "stream" in wanted.transports:
            found["resumption"] = await self._resumption()
            found["browser"] = await self._stream(wanted.short, {"accept-encoding": "gzip"})
        if "socket" in wanted.transports:
            found["socket"] = await stream_over_socket(
                self.target, self.token, wanted.short, patience_s=wanted.patience_s
            )
        if "poll" in wanted.transports:
            found["poll"] = await self._poll()
        return found

    async def _stream(self, probe: Probe, headers: Mapping[str, str] | None = None) -> StreamTrace:
        request = self.http.build_request(
            "POST",
            self.target.invocations,
            headers={"accept": "text/event-stream", "last-event-id": "0", **(headers or {})},
            content=msgspec.json.encode(body_of(probe)),
        )
        return await stream_over_http(self.http, request, probe, patience_s=self.wanted.patience_s)

    async def _resumption(self) -> Resumption:
        probe = Probe(seconds=0.5, interval_ms=50, after=3)
        by_body = await self._stream(probe)
        is_resumed = [arrival.seq for arrival in by_body.arrivals[:1]] == [4]
        by_header = None
        if self.target.base is not None:
            request = self.http.build_request(
                "GET",
                f"{self.target.base}/probe?seconds=0.5&intervalMs=50",
                headers={"accept": "text/event-stream", "last-event-id": "3"},
            )
            trace = await stream_over_http(self.http, request, probe, patience_s=self.wanted.patience_s)
            by_header = [arrival.seq for arrival in trace.arrivals[:1]] == [4]
        return Resumption(is_resumed, by_header, by_body.refusal)

    async def _poll(self) -> Poll:
        held_s = self.wanted.poll_s
        # Its second frame is its last one, so that there is nothing to answer before that is due.
        probe = Probe(held_s, 10_000, 0, round(held_s * 1000), after=1)
        began_s = time.perf_counter()
        body = body_of(probe, startedAt=None, stream=False, wait=min(25.0, held_s + 2))
        found = await self._asked(body, held_s + _ANSWER_S)
        took_s = time.perf_counter() - began_s
        if isinstance(found, Refusal):
            reason = found.code or found.reason or f"HTTP {found.status}"
            return Poll(held_s, took_s, works=False, reason=reason)
        is_whole = [event["seq"] for event in found["events"]] == [2]
        return Poll(held_s, took_s, works=is_whole, reason="" if is_whole else "the answer came without its frame")

    async def _preflight(self, origin: str) -> Preflight:
        asked = [
            "content-type",
            *(["authorization"] if self.token else []),
            *([SESSION_HEADER] if self.target.session_id else []),
        ]
        status, allowed, answered, reason = 0, httpx2.Headers(), httpx2.Headers(), ""
        try:
            async with asyncio.timeout(_ANSWER_S):
                preflight = httpx2.Request(
                    "OPTIONS",
                    self.target.invocations,
                    headers={
                        "origin": origin,
                        "access-control-request-method": "POST",
                        "access-control-request-headers": ",".join(asked),
                    },
                )
                answer = await self.http.send(preflight)
                status, allowed = answer.status_code, answer.headers
                content = msgspec.json.encode(body_of(_INSTANT, stream=False))
                request = self.http.build_request(
                    "POST", self.target.invocations, headers={"origin": origin}, content=content
                )
                answered = (await self.http.send(request)).headers
        except (httpx2.HTTPError, TimeoutError) as error:
            reason = str(error) or type(error).__name__
        return Preflight(
            origin=origin,
            asked_headers=asked,
            status=status,
            allowed_origins=allowed.get_list("access-control-allow-origin"),
            allowed_headers=_words(allowed, "access-control-allow-headers"),
            allowed_methods=_words(allowed, "access-control-allow-methods"),
            answer_origins=answered.get_list("access-control-allow-origin"),
            reason=reason,
        )

    async def _round_trip(self) -> Clock | Refusal:
        began_ms, began_s = time.time() * 1000, time.perf_counter()
        found = await self._asked(body_of(_INSTANT, stream=False), _ANSWER_S)
        round_trip_ms = (time.perf_counter() - began_s) * 1000
        if isinstance(found, Refusal):
            return found
        sent_at_ms = found["events"][0]["sentAt"]
        # A millisecond for what the server's whole milliseconds leave out.
        return Clock(sent_at_ms + 0.5 - began_ms - round_trip_ms / 2, round_trip_ms / 2 + 0.5, round_trip_ms)

    async def _asked(self, body: Mapping[str, object], answer_s: float) -> dict[str, Any] | Refusal:
        """Give the answer to a probe that is polled for."""
        request = self.http.build_request(
            "POST",
            self.target.invocations,
            headers={"accept": "application/json"},
            content=msgspec.json.encode(body),
        )
        try:
            async with asyncio.timeout(answer_s):
                answer = await self.http.send(request)
        except (httpx2.HTTPError, TimeoutError) as error:
            return _unanswered(error, answer_s)
        return _read(answer)


# Of which nothing is waited for.
_INSTANT = Probe(seconds=LONGEST_S, interval_ms=10_000, fill_bytes=0)


def _read(answer: httpx2.Response) -> dict[str, Any] | Refusal:
    media_type = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    headers = {name.lower(): value for name, value in answer.headers.items()}
    try:
        found: object = json.loads(answer.content)
    except ValueError:
        found = None
    document = cast("dict[str, Any]", found) if isinstance(found, dict) else {}
    # A platform may pass a refusal on with its status as 200; the body has the real one.
    status = document["status"] if isinstance(document.get("status"), int) else answer.status_code
    if answer.status_code == 200 and status == 200 and _is_page(document):
        return document
    code = document.get("code") or headers.get("x-amzn-errortype", "").partition(":")[0]
    detail = document.get("detail") or document.get("message") or document.get("Message") or ""
    return Refusal(
        RefusalKind.ANSWERED,
        reason=str(detail),
        status=status,
        code=str(code),
        media_type=media_type,
        headers=headers,
        has_lambda_prelude=_LAMBDA_PRELUDE_END in answer.content[:16_384],
    )


class _Due(msgspec.Struct, rename="camel"):
    seq: int
    sent_at: int


class _Page(msgspec.Struct):
    events: Annotated[list[_Due], msgspec.Meta(min_length=1)]


def _is_page(document: Mapping[str, Any]) -> bool:
    try:
        msgspec.convert(document, _Page)
    except msgspec.ValidationError:
        return False
    return True


def _unanswered(error: Exception, answer_s: float) -> Refusal:
    causes = list(_causes(error))
    reason = str(causes[-1]) or type(causes[-1]).__name__
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        return Refusal(RefusalKind.NAME_UNKNOWN, reason)
    if tls := next((cause for cause in causes if isinstance(cause, ssl.SSLError)), None):
        return Refusal(RefusalKind.TLS, getattr(tls, "verify_message", "") or tls.reason or str(tls))
    if any(isinstance(cause, ConnectionRefusedError) for cause in causes):
        return Refusal(RefusalKind.NOT_LISTENING, reason)
    if isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout):
        return Refusal(RefusalKind.UNREACHABLE, reason)
    if isinstance(error, TimeoutError | httpx2.TimeoutException):
        return Refusal(RefusalKind.NO_ANSWER, f"nothing came in {answer_s:g} s")
    return Refusal(RefusalKind.NOT_HTTP, reason)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _words(headers: httpx2.Headers, name: str) -> list[str]:
    return [word.strip().lower() for word in ",".join(headers.get_list(name)).split(",") if word.strip()]
