"""What was measured on a path: plain data, made by `probing` and judged by `diagnosis`. Nothing here judges.

Times that end in ``_s`` are seconds since the request was sent, by a clock that only goes forward.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

from magisystem.protocol.probe import Probe, ProbeStarted


class Ending(Enum):
    """How a stream ended for its reader."""

    COMPLETE = auto()
    # Closed as if it were complete, but without its last frame.
    CLEAN = auto()
    # The connection broke within the body.
    RESET = auto()
    # Nothing more came, and the connection stayed.
    SILENT = auto()
    # Never began: another answer came than a stream, or none.
    REFUSED = auto()


@dataclass(frozen=True, slots=True)
class Arrival:
    """A frame, with all that came for it: comments before it are counted with it."""

    seq: int
    sent_at_ms: int
    at_s: float
    n_bytes: int


@dataclass(frozen=True, slots=True)
class StreamTrace:
    """One probe as it arrived, over HTTP or a socket.

    ``began_ms`` is when the request was sent, in Unix ms by this machine's clock. ``refusal`` says what came in place
    of a stream, or what a connection broke with.
    """

    asked: Probe
    began_ms: float
    ending: Ending
    ended_s: float
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    head_s: float | None = None
    first_byte_s: float | None = None
    started: ProbeStarted | None = None
    arrivals: Sequence[Arrival] = ()
    keep_alives_s: Sequence[float] = ()
    pieces_s: Sequence[float] = ()
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class Clock:
    """How far the server's clock is ahead of this one, by the quickest of some round trips."""

    offset_ms: float
    uncertainty_ms: float
    round_trip_ms: float


class RefusalKind(Enum):
    """Why there is no examination: what the first request met."""

    NAME_UNKNOWN = auto()
    NOT_LISTENING = auto()
    UNREACHABLE = auto()
    TLS = auto()
    NO_ANSWER = auto()
    NOT_HTTP = auto()
    ANSWERED = auto()


@dataclass(frozen=True, slots=True)
class Refusal:
    """What the first request met in place of a probe's answer. Without an answer, ``status`` is 0."""

    kind: RefusalKind
    reason: str = ""
    status: int = 0
    # Of a problem body, ours or AWS's; empty where there was none.
    code: str = ""
    media_type: str = ""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    has_lambda_prelude: bool = False


@dataclass(frozen=True, slots=True)
class Resumption:
    """Whether a probe went on behind a cursor: one that the body says, and one that ``Last-Event-ID`` says.

    ``None`` where it was not tried.
    """

    by_body: bool | None
    by_header: bool | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Poll:
    """One long-poll: how long the server was to hold it, and what came of it."""

    held_s: float
    took_s: float
    works: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Preflight:
    """What a browser page of ``origin`` would be told: by the preflight, and by the answer itself."""

    origin: str
    asked_headers: Sequence[str]
    status: int
    # Every `Access-Control-Allow-Origin`, so that two of them show.
    allowed_origins: Sequence[str]
    allowed_headers: Sequence[str]
    allowed_methods: Sequence[str]
    answer_origins: Sequence[str]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class PathMeasurements:
    """One path from here to a server. What was not asked for is ``None``.

    ``main`` is a deliberation's pace, with a quiet stretch that only keep-alives break; ``silent`` is a stream without
    anything between its first frame and its last; ``browser`` is a short one asked for as browsers ask, with gzip.
    """

    address: str
    host: str
    has_token: bool
    clock: Clock
    main: StreamTrace | None = None
    silent: StreamTrace | None = None
    browser: StreamTrace | None = None
    socket: StreamTrace | None = None
    resumption: Resumption | None = None
    poll: Poll | None = None
    preflight: Preflight | None = None
