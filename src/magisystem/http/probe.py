"""``/probe``: a stream of frames that mean nothing, by which ``magi doctor`` measures the path from here to a reader.

It needs no model, no log and no settings, and keeps nothing: whoever resumes a probe says what it was (see
`magisystem.protocol.probe`). It loads no more than Starlette's responses, because the gateway answers it too. Owns how
many there may be at once, its query, and what of a request's headers it says; http/live_body.py owns the stream.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Mapping
from contextlib import AbstractAsyncContextManager, ExitStack, aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

import msgspec
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from magisystem.errors import Fault, InvalidRequest, LimitError
from magisystem.http.heads import wants_only_json
from magisystem.http.live_body import LiveBody
from magisystem.http.streaming import Stopping
from magisystem.protocol.agentcore import ASSERTION_HEADER, SESSION_HEADER
from magisystem.protocol.probe import Frame, Probe, ProbeEnded, ProbeFrame, ProbeStarted, fill
from magisystem.protocol.sse import frame
from magisystem.protocol.values import LONGEST_WAIT_S

# How much longer than its own length a probe may take whose reader is slow.
_GRACE_S = 30.0
# What leaves in one write, or one answer: frames that are due together.
_FRAMES = 128
_WRITE_BYTES = 64 * 1024

# Headers whose values tell of the path and of nobody.
_SAID = frozenset(
    {
        "accept",
        "accept-encoding",
        "cache-control",
        "connection",
        "content-type",
        "last-event-id",
        "origin",
        "te",
        "via",
        "x-forwarded-proto",
        "x-forwarded-port",
    }
)
# Headers of which it matters whether they arrive, and nothing else.
_NOTED = frozenset(
    {
        "authorization",
        "baggage",
        "cookie",
        "traceparent",
        "tracestate",
        SESSION_HEADER,
        ASSERTION_HEADER,
        "x-amzn-trace-id",
        "x-forwarded-for",
    }
)
_SAID_CHARS = 200

_NUMBERS = ("seconds", "wait")
_WHOLE_NUMBERS = {
    "intervalMs": "interval_ms",
    "bytes": "fill_bytes",
    "quietMs": "quiet_ms",
    "keepAliveMs": "keep_alive_ms",
    "after": "after",
    "startedAt": "started_at",
}


_Batch = list[tuple[int, bytes]]
_Batches = AbstractAsyncContextManager[AsyncIterator[_Batch]]


class TooManyProbes(LimitError):
    """As many probes run as may, of the owner or of all."""

    code = "too_many_probes"


@dataclass(frozen=True, slots=True)
class ProbeLimits:
    """How many probes may run at once."""

    an_owner: int = 4
    a_process: int = 32


@dataclass(slots=True, eq=False)
class _Place:
    owner: str
    # On the loop's clock: when it is free again where its reader keeps up, and at the latest.
    due_s: float
    until_s: float


class Probes:
    """Answers probes. ``stopping`` aborts their streams; ``platform`` and ``version`` are what the first frame says."""

    def __init__(self, stopping: Stopping, *, platform: str, version: str, limits: ProbeLimits | None = None) -> None:
        self._stopping = stopping
        self._platform = platform
        self._version = version
        self._limits = limits or ProbeLimits()
        self._places: list[_Place] = []

    async def get(self, request: Request, owner: str) -> Response:
        """Answer ``GET /probe``.

        Raises:
            InvalidRequest, TooManyProbes: see `answer`.
        """
        probe, wait_s = _asked(request)
        return await self.answer(probe, owner, request.headers, wait_s)

    async def answer(self, probe: Probe, owner: str, headers: Headers, wait_s: float | None = None) -> Response:
        """Stream a probe; or, with ``wait_s``, give what is due after its cursor, waiting so long for something.

        Raises:
            InvalidRequest: the cursor is beyond the probe's last frame.
            TooManyProbes: as many run as may.
        """
        checked(probe)
        with ExitStack() as held:
            held.enter_context(self.place(owner, probe, wait_s))
            if wait_s is not None:
                return await self._page(probe, headers, wait_s)
            place = held.pop_all()
            return _ProbeBody(_placed(self.batches(probe, headers), place), self._stopping, probe, place)

    @contextmanager
    def place(self, owner: str, probe: Probe, wait_s: float | None = None) -> Generator[None]:
        """Hold one of the places that there are for probes.

        Raises:
            TooManyProbes: there is none.
        """
        now_s = asyncio.get_running_loop().time()
        self._places = [place for place in self._places if place.until_s > now_s]
        own = [place for place in self._places if place.owner == owner]
        for places, most, whose in (
            (own, self._limits.an_owner, "of yours"),
            (self._places, self._limits.a_process, "of all owners"),
        ):
            if len(places) >= most:
                free_s = max(1.0, min(place.due_s for place in places) - now_s)
                raise TooManyProbes(
                    f"{most} probes {whose} are running; no more may. Wait until one has ended.", free_s
                )
        place = (
            _Place(owner, now_s + _left_s(probe), now_s + probe.seconds + _GRACE_S)
            if wait_s is None
            else _Place(owner, now_s + wait_s, now_s + wait_s)
        )
        self._places.append(place)
        try:
            yield
        finally:
            # It is gone already where it outlived its time.
            self._places = [other for other in self._places if other is not place]

    async def batches(self, probe: Probe, headers: Headers) -> AsyncGenerator[_Batch]:
        """Give the frames after the cursor as they become due, those that are due together at once."""
        clock = _Schedule(probe)
        cursor = probe.after
        while cursor < probe.last_seq:
            await asyncio.sleep(clock.due_in_s(cursor + 1))
            batch = self._due(probe, clock, cursor, headers)
            if batch:
                cursor = batch[-1][0]
                yield batch

    async def _page(self, probe: Probe, headers: Headers, wait_s: float) -> Response:
        clock = _Schedule(probe)
        if probe.after < probe.last_seq:
            pause_s = min(wait_s, clock.due_in_s(probe.after + 1))
            if pause_s > 0:
                await asyncio.wait([stop := asyncio.ensure_future(self._stopping.wait())], timeout=pause_s)
                stop.cancel()
        batch = self._due(probe, clock, probe.after, headers)
        cursor = batch[-1][0] if batch else probe.after
        done = b"true" if cursor == probe.last_seq else b"false"
        body = b'{"events":[%b],"cursor":%d,"done":%b}' % (b",".join(body for _, body in batch), cursor, done)
        return Response(body, media_type="application/json", headers={"cache-control": "no-store"})

    def _due(self, probe: Probe, clock: "_Schedule", cursor: int, headers: Headers) -> _Batch:
        most = max(1, min(_FRAMES, _WRITE_BYTES // (probe.fill_bytes + 1)))
        batch: _Batch = []
        for seq in range(cursor + 1, min(cursor + most, probe.last_seq) + 1):
            if clock.due_in_s(seq) > 0:
                break
            batch.append((seq, msgspec.json.encode(self._frame(probe, clock, seq, headers))))
        return batch

    def _frame(self, probe: Probe, clock: "_Schedule", seq: int, headers: Headers) -> Frame:
        if seq == 1:
            arrived = _arrived(headers)
            return ProbeStarted(seq, _now_ms(), clock.began_ms, self._platform, self._version, arrived)
        if seq == probe.last_seq:
            return ProbeEnded(seq, _now_ms())
        return ProbeFrame(seq, _now_ms(), fill(seq, probe.fill_bytes))


class _Schedule:
    """When the frames of a probe are due. What the wall clock does once it runs does not change that."""

    def __init__(self, probe: Probe) -> None:
        now_ms = _now_ms()
        self.began_ms = probe.beginning(now_ms)
        self._offsets_ms = probe.offsets_ms
        self._loop = asyncio.get_running_loop()
        self._began_s = self._loop.time() - (now_ms - self.began_ms) / 1000

    def due_in_s(self, seq: int) -> float:
        return max(0.0, self._began_s + self._offsets_ms[seq - 1] / 1000 - self._loop.time())


class _ProbeBody(LiveBody[_Batch]):
    """Streams a probe, and gives its place back when it has ended, in whichever way."""

    def __init__(self, batches: _Batches, stopping: Stopping, probe: Probe, held: ExitStack) -> None:
        longest_s = probe.seconds + _GRACE_S
        super().__init__(batches, _framed, stopping, keep_alive_s=probe.keep_alive_ms / 1000, longest_s=longest_s)
        self._held = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        except BaseException:
            # It may not have come to stream.
            self._held.close()
            raise

    async def stream(self, receive: Receive, send: Send) -> None:
        with self._held:
            await super().stream(receive, send)


@asynccontextmanager
async def _placed(batches: AsyncGenerator[_Batch], place: ExitStack) -> AsyncGenerator[AsyncIterator[_Batch]]:
    # With the frames the place is given back: whoever has the end of the body finds it free.
    with place:
        async with aclosing(batches):
            yield batches


def _framed(batch: _Batch) -> bytes:
    return b"".join([frame(seq, body) for seq, body in batch])


def _arrived(headers: Headers) -> Mapping[str, str | bool]:
    said: dict[str, str | bool] = {name: headers[name][:_SAID_CHARS] for name in sorted(_SAID) if name in headers}
    return said | {name: True for name in sorted(_NOTED) if name in headers}


def checked(probe: Probe) -> Probe:
    """Give ``probe`` where its cursor is one.

    Raises:
        InvalidRequest: it is beyond the last frame.
    """
    if probe.after > probe.last_seq:
        raise InvalidRequest(
            f"`after`: The probe has {probe.last_seq} frames, and {probe.after} is beyond them.", field="after"
        )
    return probe


def _asked(request: Request) -> tuple[Probe, float | None]:
    """Read the query of ``GET /probe``: the probe, and where one answer is asked for, how long it may wait."""
    fields: dict[str, Any] = {}
    faults: list[Fault] = []
    wait_s = 0.0
    given = {name: text for name, text in request.query_params.items() if text}
    cursor = request.headers.get("last-event-id")
    for name, text in given.items():
        number = _number(name, text)
        if isinstance(number, Fault):
            faults.append(number)
        elif name == "wait":
            wait_s = number
        else:
            fields[_WHOLE_NUMBERS.get(name, name)] = number
    if cursor:
        number = _number("after", cursor)
        if isinstance(number, Fault):
            faults.append(Fault("Last-Event-ID", number.message.replace("`after`", "`Last-Event-ID`")))
        else:
            fields["after"] = number
    if not 0 <= wait_s <= LONGEST_WAIT_S:
        faults.append(Fault("wait", f"`wait`: It must be a number of seconds from 0 to {LONGEST_WAIT_S:g}."))
    if faults:
        raise InvalidRequest(faults[0].message, field=faults[0].field, faults=tuple(faults))
    return Probe(**fields), wait_s if "wait" in given or wants_only_json(request.headers) else None


def _number(name: str, text: str) -> float | int | Fault:
    if name not in _WHOLE_NUMBERS and name not in _NUMBERS:
        return Fault(name, f"`{name}`: There is no such parameter.")
    if name in _WHOLE_NUMBERS:
        is_whole = text.isascii() and text.isdigit() and len(text) <= 16
        return int(text) if is_whole else Fault(name, f"`{name}`: It must be a whole number, not negative.")
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    return Fault(name, f"`{name}`: It must be a number of seconds.") if number != number else number  # noqa: PLR0124


def _left_s(probe: Probe) -> float:
    """Give how long a probe still lasts, on its own schedule."""
    now_ms = _now_ms()
    return max(0.0, probe.seconds - (now_ms - probe.beginning(now_ms)) / 1000)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
