"""Receiving one probe and writing down how it came, over HTTP or over a socket. Judges nothing."""

import asyncio
import base64
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx2
import msgspec
import websockets
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from magisystem.doctor.measurements import Arrival, Ending, StreamTrace
from magisystem.doctor.target import Target
from magisystem.protocol.agentcore import SOCKET_PROTOCOL
from magisystem.protocol.probe import Frame, Probe, ProbeEnded, ProbeStarted, read_frame
from magisystem.protocol.sse import KEEP_ALIVE, FrameDecoder, FrameTooLarge

_EVENT_STREAM = "text/event-stream"
_QUOTE_CHARS = 200


@dataclass(slots=True)
class Recorder:
    """Writes down what arrives, from the moment a request is sent."""

    asked: Probe
    sent_s: float = field(default_factory=time.perf_counter)
    began_ms: float = field(default_factory=lambda: time.time() * 1000)
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    head_s: float | None = None
    started: ProbeStarted | None = None
    arrivals: list[Arrival] = field(default_factory=list[Arrival])
    keep_alives_s: list[float] = field(default_factory=list[float])
    pieces_s: list[float] = field(default_factory=list[float])
    has_ended: bool = False
    _pending_bytes: int = 0

    def now_s(self) -> float:
        """Give the time since the request was sent."""
        return time.perf_counter() - self.sent_s

    def piece(self, n_bytes: int, n_keep_alives: int, frames: list[Frame]) -> None:
        """Take what came at once."""
        at_s = self.now_s()
        self.pieces_s.append(at_s)
        self.keep_alives_s += [at_s] * n_keep_alives
        self._pending_bytes += n_bytes
        for frame in frames:
            share, self._pending_bytes = self._pending_bytes // len(frames), self._pending_bytes
            self.arrivals.append(Arrival(frame.seq, frame.sent_at, at_s, share))
            self.has_ended = self.has_ended or isinstance(frame, ProbeEnded)
            if isinstance(frame, ProbeStarted):
                self.started = frame
        if frames:
            self._pending_bytes = 0

    def trace(self, ending: Ending, refusal: str = "") -> StreamTrace:
        """Give the trace, which ends now."""
        return StreamTrace(
            asked=self.asked,
            began_ms=self.began_ms,
            ending=ending,
            ended_s=self.now_s(),
            status=self.status,
            headers=self.headers,
            head_s=self.head_s,
            first_byte_s=self.pieces_s[0] if self.pieces_s else None,
            started=self.started,
            arrivals=tuple(self.arrivals),
            keep_alives_s=tuple(self.keep_alives_s),
            pieces_s=tuple(self.pieces_s),
            refusal=refusal[:_QUOTE_CHARS],
        )


def body_of(probe: Probe, **fields: object) -> dict[str, object]:
    """Give the body of ``POST /invocations`` that asks for a probe."""
    return {
        "action": "probe",
        "seconds": probe.seconds,
        "intervalMs": probe.interval_ms,
        "bytes": probe.fill_bytes,
        "quietMs": probe.quiet_ms,
        "keepAliveMs": probe.keep_alive_ms,
        "after": probe.after,
        **fields,
    }


async def stream_over_http(
    http: httpx2.AsyncClient, request: httpx2.Request, probe: Probe, *, patience_s: float
) -> StreamTrace:
    """Receive a probe to its end, whatever that is, or until ``patience_s`` after it was due.

    Raises nothing but cancellation.
    """
    recorder = Recorder(probe)
    try:
        async with asyncio.timeout(probe.seconds + patience_s):
            return await _received(http, request, recorder)
    except TimeoutError:
        return recorder.trace(Ending.SILENT)


async def _received(http: httpx2.AsyncClient, request: httpx2.Request, recorder: Recorder) -> StreamTrace:
    response: httpx2.Response | None = None
    try:
        response = await http.send(request, stream=True)
        recorder.head_s, recorder.status = recorder.now_s(), response.status_code
        recorder.headers = _headers(response)
        media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if response.status_code != 200 or media_type != _EVENT_STREAM:
            return recorder.trace(Ending.REFUSED, await _told(response, media_type))
        await _read(response, recorder)
    except FrameTooLarge as error:
        return recorder.trace(Ending.RESET, f"what came is no stream of ours ({error})")
    except msgspec.DecodeError:
        return recorder.trace(Ending.RESET, "a frame came that is no probe's")
    except httpx2.HTTPError as error:
        ending = Ending.REFUSED if recorder.head_s is None else Ending.RESET
        return recorder.trace(ending, str(error) or type(error).__name__)
    finally:
        if response is not None:
            await response.aclose()
    return recorder.trace(Ending.COMPLETE if recorder.has_ended else Ending.CLEAN)


async def _read(response: httpx2.Response, recorder: Recorder) -> None:
    decoder = FrameDecoder()
    # A keep-alive may come in two pieces.
    tail = b""
    async for piece in response.aiter_bytes():
        frames = [read_frame(frame.data) for frame in decoder.feed(piece)]
        seen = tail + piece
        recorder.piece(len(piece), seen.count(KEEP_ALIVE), frames)
        tail = seen.rpartition(KEEP_ALIVE)[2][-(len(KEEP_ALIVE) - 1) :]


def _headers(response: httpx2.Response) -> dict[str, str]:
    return {name.lower(): value for name, value in response.headers.items()}


async def _told(response: httpx2.Response, media_type: str) -> str:
    body = bytearray()
    async for piece in response.aiter_bytes():
        body += piece
        if len(body) > 64 * 1024:
            break
    try:
        problem: Any = msgspec.json.decode(body)
        told = f"{problem['code']}: {problem['detail']}"
    except (msgspec.DecodeError, TypeError, KeyError, UnicodeError):
        told = f"it came as {media_type or 'nothing in particular'}"
    return f"{response.status_code}, {told}"


async def stream_over_socket(target: Target, token: str | None, probe: Probe, *, patience_s: float) -> StreamTrace:
    """Receive a probe over a WebSocket; the token goes as a browser sends it. Raises nothing but cancellation."""
    recorder = Recorder(probe)
    try:
        async with asyncio.timeout(probe.seconds + patience_s):
            await _listen(target, token, recorder)
    except TimeoutError:
        return recorder.trace(Ending.SILENT if recorder.head_s is not None else Ending.REFUSED, "no answer came")
    except websockets.InvalidStatus as error:
        recorder.status = error.response.status_code
        return recorder.trace(Ending.REFUSED, f"HTTP {recorder.status}")
    except websockets.ConnectionClosed as error:
        return recorder.trace(Ending.RESET, str(error))
    except (websockets.WebSocketException, OSError, _Refused) as error:
        return recorder.trace(Ending.REFUSED, str(error) or type(error).__name__)
    except msgspec.DecodeError:
        return recorder.trace(Ending.REFUSED, "a message came that is no probe's")
    return recorder.trace(Ending.COMPLETE)


class _Refused(Exception):
    """The server answered with an error message."""


async def _listen(target: Target, token: str | None, recorder: Recorder) -> None:
    async with connect(
        target.socket,
        subprotocols=_subprotocols(token),
        additional_headers=target.headers,
        compression=None,
        open_timeout=None,
        close_timeout=1,
    ) as socket:
        recorder.head_s = recorder.now_s()
        await socket.send(msgspec.json.encode(body_of(recorder.asked)), text=True)
        async for message in socket:
            text = message if isinstance(message, str) else message.decode("utf-8", "replace")
            if '"type":"error"' in text:
                raise _Refused(json.loads(text)["error"]["message"])
            recorder.piece(len(text), 0, [read_frame(text)])
            if recorder.has_ended:
                return


def _subprotocols(token: str | None) -> list[Subprotocol] | None:
    if token is None:
        return None
    encoded = base64.urlsafe_b64encode(token.encode()).decode().rstrip("=")
    return [Subprotocol(f"{SOCKET_PROTOCOL}.{encoded}"), Subprotocol(SOCKET_PROTOCOL)]
