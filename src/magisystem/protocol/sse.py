"""Server-sent events: frames out, frames in. Pure; the sockets are in ``http/`` and ``client/``.

Format: WHATWG HTML, "Server-sent events". We write LF only, one ``data`` line a frame (JSON has no raw line breaks),
and the event's seq as ``id``, which a browser sends back as ``Last-Event-ID``.
"""

import codecs
from collections.abc import Iterator
from dataclasses import dataclass

# WebKit shows nothing before the first kilobyte of a body has come; a comment is skipped by every reader.
PRELUDE = b": magi.v1" + b" " * 1024 + b"\n\n"
KEEP_ALIVE = b": keep-alive\n\n"

# Far above any event (the longest holds a question or a verdict), far below what a client's memory would mind.
MAX_FRAME_BYTES = 16 * 1024 * 1024


def frame(seq: int, body: bytes) -> bytes:
    """Give the frame of one encoded event."""
    return b"id: %d\ndata: %b\n\n" % (seq, body)


@dataclass(frozen=True, slots=True)
class Frame:
    """One received frame: its ``data`` lines joined by LF, and the ``id`` in force, if any was sent."""

    data: str
    id: str | None


class FrameTooLarge(ValueError):
    """The other side sent a frame of more than ``limit_bytes``; what it sends cannot be told from an endless one."""

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(f"a frame of more than {limit_bytes:,} bytes")
        self.limit_bytes = limit_bytes


class FrameDecoder:
    """Cuts a byte stream, in whatever pieces it arrives, into frames; comments and unknown fields are skipped.

    ``received_bytes`` counts everything fed, comments too, so that a reader can tell a living stream from a dead one.
    Memory is bounded: neither a line nor the ``data`` lines of one frame may pass ``limit_bytes`` together.
    """

    def __init__(self, *, limit_bytes: int = MAX_FRAME_BYTES) -> None:
        self.received_bytes = 0
        self._limit_bytes = limit_bytes
        self._line = bytearray()
        self._is_first_line = True
        self._ended_with_cr = False
        self._data: list[str] = []
        self._data_bytes = 0
        self._id: str | None = None

    def feed(self, piece: bytes) -> Iterator[Frame]:
        """Take the next bytes and give the frames that they complete.

        Raises:
            FrameTooLarge: a frame is over the limit. Nothing more can be read from this stream.
        """
        self.received_bytes += len(piece)
        if not piece:
            return iter(())
        # A CR ends its line at once; an LF that follows, perhaps in a later piece, belongs to it.
        text = piece[1:] if self._ended_with_cr and piece.startswith(b"\n") else piece
        self._ended_with_cr = piece.endswith(b"\r")
        *ends, rest = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        frames: list[Frame] = []
        for end in ends:
            self._hold(end)
            line, self._line = bytes(self._line), bytearray()
            if completed := self._take(line):
                frames.append(completed)
        self._hold(rest)
        return iter(frames)

    def _hold(self, part: bytes) -> None:
        self._line += part
        if len(self._line) + self._data_bytes > self._limit_bytes:
            raise FrameTooLarge(self._limit_bytes)

    def _take(self, line: bytes) -> Frame | None:
        if self._is_first_line:
            self._is_first_line = False
            line = line.removeprefix(codecs.BOM_UTF8)
        if not line:
            return self._dispatch()
        name, _, value = line.decode("utf-8", "replace").partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
            self._data_bytes += len(line)
        elif name == "id" and "\0" not in value:
            self._id = value
        return None

    def _dispatch(self) -> Frame | None:
        if not self._data:
            return None
        completed = Frame("\n".join(self._data), self._id)
        self._data, self._data_bytes = [], 0
        return completed
