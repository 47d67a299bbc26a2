"""Server-sent events: frames out, frames in. Pure; the sockets are in ``http/`` and ``client/``.

Format: WHATWG HTML, "Server-sent events". We write LF only, one ``data`` line a frame (JSON has no raw line breaks),
and the event's seq as ``id``, which a browser sends back as ``Last-Event-ID``.
"""

from collections.abc import Iterator
from dataclasses import dataclass

# WebKit shows nothing before the first kilobyte of a body has come; a comment is skipped by every reader.
PRELUDE = b": magi.v1" + b" " * 1024 + b"\n\n"
KEEP_ALIVE = b": keep-alive\n\n"


def frame(seq: int, body: bytes) -> bytes:
    """Give the frame of one encoded event."""
    return b"id: %d\ndata: %b\n\n" % (seq, body)


@dataclass(frozen=True, slots=True)
class Frame:
    """One received frame: its ``data`` lines joined by LF, and the ``id`` in force, if any was sent."""

    data: str
    id: str | None


class FrameDecoder:
    """Cuts a byte stream, in whatever pieces it arrives, into frames; comments and unknown fields are skipped.

    ``received_bytes`` counts everything fed, comments too, so that a reader can tell a living stream from a dead one.
    """

    def __init__(self) -> None:
        self.received_bytes = 0
        self._rest = b""
        self._data: list[str] = []
        self._id: str | None = None

    def feed(self, piece: bytes) -> Iterator[Frame]:
        """Take the next bytes and give the frames that they complete."""
        self.received_bytes += len(piece)
        # A CR at the very end may be half of a CRLF: it waits for what follows.
        text = self._rest + piece
        held = text.endswith(b"\r")
        *lines, rest = (text[:-1] if held else text).replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        self._rest = rest + b"\r" if held else rest
        for line in lines:
            if line:
                self._take(line.decode("utf-8", "replace"))
            elif self._data:
                yield Frame("\n".join(self._data), self._id)
                self._data = []

    def _take(self, line: str) -> None:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
        elif name == "id" and "\0" not in value:
            self._id = value
