"""The probe stream: frames of no meaning whose times say what a path does to a stream. Pure.

A probe is its parameters and nothing more: which frame has which number, and when it is due, follow from them and from
the moment the probe began. So any server can go on with it that is told the three of them: parameters, beginning and
cursor. Read by http/probe.py, which sends it, and by whoever measures.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import shake_128

import msgspec

from magisystem.errors import Fault, InvalidRequest

LONGEST_S = 300.0
LEAST_S = 0.1
INTERVAL_MS = (10, 10_000)
MOST_BYTES = 65_536
KEEP_ALIVE_MS = (100, 60_000)
# Of all fill together: a probe is to measure a path, not to fill it.
MOST_TOTAL_BYTES = 32 * 1024 * 1024
# The largest whole number that every reader of JSON keeps exact.
_MOST = 2**53 - 1


class ProbeStarted(msgspec.Struct, frozen=True, tag="probe_start", rename="camel"):
    """The first frame. Times are Unix milliseconds by the server's clock.

    ``headers`` are those of the request that arrived, by their names in lower case: the value of what is harmless to
    say, and ``True`` where the value is nobody's business.
    """

    seq: int
    sent_at: int
    started_at: int
    platform: str = ""
    version: str = ""
    headers: Mapping[str, str | bool] = {}


class ProbeFrame(msgspec.Struct, frozen=True, tag="probe", rename="camel"):
    """A frame in the middle; ``fill`` is there for its length."""

    seq: int
    sent_at: int
    fill: str = ""


class ProbeEnded(msgspec.Struct, frozen=True, tag="probe_end", rename="camel"):
    """The last frame. A stream that ends without it was cut."""

    seq: int
    sent_at: int


Frame = ProbeStarted | ProbeFrame | ProbeEnded

_decode_frame = msgspec.json.Decoder(Frame).decode


def read_frame(body: str | bytes) -> Frame:
    """Read a frame.

    Raises:
        msgspec.DecodeError: it is none.
    """
    return _decode_frame(body)


@dataclass(frozen=True)
class Probe:
    """What is asked for. ``after`` is the cursor; ``started_at`` (Unix ms) is the beginning, where it is known.

    In the middle of ``seconds`` there are no frames for ``quiet_ms``: what arrives then are keep-alives, every
    ``keep_alive_ms``.
    """

    seconds: float = 40.0
    interval_ms: int = 500
    fill_bytes: int = 64
    quiet_ms: int = 0
    keep_alive_ms: int = 10_000
    after: int = 0
    started_at: int | None = None

    def __post_init__(self) -> None:
        """See that it is within the bounds.

        Raises:
            InvalidRequest: it is not; every fault is named.
        """
        if faults := tuple(self._faults()):
            raise InvalidRequest(faults[0].message, field=faults[0].field, faults=faults)

    @cached_property
    def offsets_ms(self) -> tuple[int, ...]:
        """When each frame is due, from the beginning on; the frame of index 0 has the seq 1. Rising, two or more."""
        total = round(self.seconds * 1000)
        quiet_from = (total - self.quiet_ms) / 2
        quiet_to = quiet_from + self.quiet_ms
        due = (at for at in range(self.interval_ms, total, self.interval_ms) if not quiet_from < at < quiet_to)
        return (0, *due, total)

    @property
    def last_seq(self) -> int:
        """The seq of the last frame."""
        return len(self.offsets_ms)

    def beginning(self, now_ms: int) -> int:
        """Give the moment from which the frames are due (Unix ms).

        Without ``started_at`` a probe that is resumed began as long ago as the frame of its cursor took, so that its
        next frame comes after one pause. A beginning that lies ahead is another server's clock: it is now.
        """
        if self.started_at is not None:
            return min(self.started_at, now_ms)
        return now_ms - self.offsets_ms[min(self.after, self.last_seq) - 1] if self.after else now_ms

    def _faults(self) -> list[Fault]:
        total_ms = self.seconds * 1000
        n_frames = total_ms / self.interval_ms if self.interval_ms > 0 else 0
        checks = (
            ("seconds", LEAST_S <= self.seconds <= LONGEST_S, f"from {LEAST_S:g} to {LONGEST_S:g}"),
            _range("intervalMs", self.interval_ms, *INTERVAL_MS),
            _range("bytes", self.fill_bytes, 0, MOST_BYTES),
            ("quietMs", 0 <= self.quiet_ms <= total_ms, "from 0 to the probe's whole length"),
            _range("keepAliveMs", self.keep_alive_ms, *KEEP_ALIVE_MS),
            _range("after", self.after, 0, _MOST),
            _range("startedAt", self.started_at or 0, 0, _MOST),
        )
        faults = [Fault(name, f"`{name}`: It must be {bounds}.") for name, holds, bounds in checks if not holds]
        if not faults and n_frames * self.fill_bytes > MOST_TOTAL_BYTES:
            reason = f"At this interval the probe would have more than {MOST_TOTAL_BYTES // 1024 // 1024} MiB of fill"
            faults.append(Fault("bytes", f"`bytes`: {reason}. Ask for fewer, or for a longer interval."))
        return faults


def fill(seq: int, n_bytes: int) -> str:
    """Give the fill of a frame: ASCII, the same for the same seq, and no easier to compress than prose."""
    return shake_128(b"%d" % seq).hexdigest((n_bytes + 1) // 2)[:n_bytes]


def _range(name: str, given: int, least: int, most: int) -> tuple[str, bool, str]:
    return name, least <= given <= most, f"a whole number from {least} to {most}"
