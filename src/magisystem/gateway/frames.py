"""What comes from the runtime's stream, cut so that it can be relayed: whole frames, each once, without a gap. Pure.

The reader of a relayed stream must be able to read on when the stream behind it breaks and another one takes its place.
So nothing leaves that could not be continued: no half frame, no event twice, none after one that is missing. What does
leave are the runtime's own bytes, but for line ends, which are LF here whatever they were.
"""

import msgspec

from magisystem.gateway.asks import Reached
from magisystem.protocol.events import TERMINAL_TYPES
from magisystem.protocol.sse import MAX_FRAME_BYTES

_END = b"\n\n"
# The last frame of a probe is no event of a deliberation, and ends its stream like one.
_TERMINAL = TERMINAL_TYPES | {"probe_end"}


class _Told(msgspec.Struct, frozen=True, rename="camel"):
    type: str
    deliberation_id: str = ""
    started_at: int | None = None


_decode = msgspec.json.Decoder(_Told).decode


class FrameCutter:
    """Takes a stream's bytes as they arrive, and gives those that can be relayed.

    ``cursor`` is the seq of the last frame that was given, ``is_ended`` true after the terminal one. ``fault`` says why
    nothing further can be read from this stream; empty where all is well. `reached` says from where another stream goes
    on. Memory is bounded: a frame of more than ``limit_bytes`` is a fault.
    """

    def __init__(self, reached: Reached, *, limit_bytes: int = MAX_FRAME_BYTES) -> None:
        self.cursor = reached.after
        self.is_ended = False
        self.fault = ""
        self._deliberation_id = reached.deliberation_id
        self._started_at = reached.started_at
        self._limit_bytes = limit_bytes
        self._rest = bytearray()
        self._ended_with_cr = False

    @property
    def reached(self) -> Reached:
        """How far it has come, and what the frames said of what they are of."""
        return Reached(self.cursor, self._deliberation_id, self._started_at)

    def renew(self) -> None:
        """Go on with another stream, from the same cursor; what is left of the former one's last frame is dropped."""
        self._rest.clear()
        self._ended_with_cr = False
        self.fault = ""

    def feed(self, piece: bytes) -> bytes:
        """Take the next bytes and give the fresh frames that they complete; none after the terminal one or a fault."""
        rest = self._rest
        # The end of a frame may lie across two pieces.
        looked_at = max(0, len(rest) - 1)
        rest += self._in_lf(piece)
        end = rest.rfind(_END, looked_at)
        if end < 0:
            if len(rest) > self._limit_bytes:
                self.fault = f"a frame of more than {self._limit_bytes:,} bytes"
            return b""
        whole = bytes(rest[:end])
        del rest[: end + 2]
        fresh: list[bytes] = []
        for frame in whole.split(_END):
            if self._is_fresh(frame):
                fresh.append(frame)
            if self.is_ended or self.fault:
                break
        return _END.join([*fresh, b""]) if fresh else b""

    def _in_lf(self, piece: bytes) -> bytes:
        # An LF that follows a CR, perhaps in a later piece, belongs to it. JSON has neither but as an escape.
        text = piece[1:] if self._ended_with_cr and piece.startswith(b"\n") else piece
        self._ended_with_cr = piece.endswith(b"\r") or (self._ended_with_cr and not piece)
        return text.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in text else text

    def _is_fresh(self, frame: bytes) -> bool:
        head, _, data = frame.partition(b"\ndata: ")
        digits = head[4:]
        if not (head.startswith(b"id: ") and digits.isdigit() and len(digits) < 16 and b"\n" not in data):
            if any(line and not line.startswith(b":") for line in frame.split(b"\n")):
                self.fault = "what came is no event"
            return False
        seq = int(digits)
        if seq <= self.cursor:
            return False
        if seq != self.cursor + 1:
            self.fault = f"event {self.cursor + 1} is missing"
            return False
        try:
            told = _decode(data)
        except (msgspec.DecodeError, UnicodeError):
            self.fault = "what came is no event"
            return False
        self.cursor = seq
        self._deliberation_id = told.deliberation_id or self._deliberation_id
        self._started_at = told.started_at or self._started_at
        self.is_ended = told.type in _TERMINAL
        return True
