"""A system's response as the generator sees it: where its stamps are, where it ends, and whether it is whole.

Whatever a system sends is read as raw bytes, so that every system is measured alike. Pure; `load` has the sockets.
"""

import re
from collections import Counter
from dataclasses import dataclass, field

from benchmarks.hot_path.standin import FIRST_TOKEN_S
from magisystem.protocol.codec import decode
from magisystem.protocol.events import TerminalEvent
from magisystem.protocol.sse import FrameDecoder

N_SAGES = 3
_STAMP = re.compile(rb"\[t:(\d+):(\d+)\]")
_MOST_STAMP_BYTES = 40
# The terminal event of a deliberation is shorter.
_END_BYTES = 4096


@dataclass
class Seen:
    """What was seen since a window was opened: seconds, and how often what went wrong.

    Attributes:
        first_s: from asking to a sage's first token, less the model's own time.
        delay_s: from the sending of a later stamp to its arrival.
        took_s: from asking to the end.
        ping_s: the probe's, see `load`.
    """

    first_s: list[float] = field(default_factory=list[float])
    delay_s: list[float] = field(default_factory=list[float])
    took_s: list[float] = field(default_factory=list[float])
    ping_s: list[float] = field(default_factory=list[float])
    failures: Counter[str] = field(default_factory=Counter[str])


class Answer:
    """One response as it comes.

    Args:
        sent_s: when its question was sent, by CLOCK_MONOTONIC.
        last_words: what the end of a whole body has in it.
        is_kept: whether ``body`` is wanted.

    Attributes:
        newest_us: for each lane, in the order in which they spoke, its newest stamp.
        failure: what was wrong with a response that is over; empty where nothing was.
        body: what has come, in chunks still.
    """

    def __init__(self, sent_s: float, *, last_words: re.Pattern[bytes] | None = None, is_kept: bool = False) -> None:
        self.sent_s = sent_s
        self.newest_us: dict[bytes, int] = {}
        self.is_over = False
        self.is_connection_kept = False
        self.failure = ""
        self.body: list[bytes] = []
        self._last_words = last_words
        self._is_kept = is_kept
        self._head = b""
        self._has_head = False
        self._is_chunked = False
        self._cut = b""
        self._end = b""

    def feed(self, data: bytes, now_s: float, seen: Seen) -> None:
        """Take what was read."""
        if not self._has_head:
            data = self._read_head(data)
            if self.is_over or not data:
                return
        if self._is_kept:
            self.body.append(data)
        self._scan(data, now_s, seen)
        self._end = (self._end + data)[-_END_BYTES:]
        if self._is_chunked and self._end.endswith(b"\r\n0\r\n\r\n"):
            self.is_connection_kept = b"\r\nconnection: close" not in self._head
            self._finish()

    def closed(self) -> None:
        """Say that the connection is gone."""
        if self.is_over:
            return
        if not self._has_head:
            self._finish("closed before an answer")
        elif self._is_chunked or b"\r\ncontent-length:" in self._head:
            self._finish("cut")
        else:
            self._finish()

    def n_silent(self) -> int:
        """Count the sages that have not spoken."""
        return max(0, N_SAGES - len(self.newest_us))

    def _read_head(self, data: bytes) -> bytes:
        head, separator, rest = (self._head + data).partition(b"\r\n\r\n")
        self._head = head.lower()
        if not separator:
            return b""
        self._has_head = True
        self._is_chunked = b"\r\ntransfer-encoding: chunked" in self._head
        status = head.split(b" ", 2)[1].decode()
        if status != "200":
            self._finish(f"HTTP {status}")
        # With the line break before it, so that the end of an empty body is found, too.
        return b"\r\n" + rest

    def _scan(self, data: bytes, now_s: float, seen: Seen) -> None:
        text = self._cut + data if self._cut else data
        if b"[t:" in text:
            for lane, stamp_us in _STAMP.findall(text):
                self._note(lane, int(stamp_us), now_s, seen)
        opened = text.rfind(b"[", -_MOST_STAMP_BYTES)
        self._cut = text[opened:] if opened >= 0 and b"]" not in text[opened:] else b""

    def _note(self, lane: bytes, stamp_us: int, now_s: float, seen: Seen) -> None:
        newest_us = self.newest_us.get(lane)
        if newest_us is None:
            if self.n_silent():
                seen.first_s.append(now_s - self.sent_s - FIRST_TOKEN_S)
            self.newest_us[lane] = stamp_us
        elif stamp_us > newest_us:
            # What a system says twice brings its stamps twice; only the first time is the token's.
            self.newest_us[lane] = stamp_us
            seen.delay_s.append(now_s - stamp_us / 1e6)

    def _finish(self, failure: str = "") -> None:
        self.is_over = True
        self.failure = failure or self._missing()

    def _missing(self) -> str:
        if len(self.newest_us) < N_SAGES + 1:
            return f"{len(self.newest_us)} lanes spoke"
        if self._last_words and not self._last_words.search(self._end):
            return "not completed"
        return ""


def wrong_with(body: list[bytes]) -> str:
    """Say what is wrong with a whole body of this server's, as `Answer` keeps it; nothing where all is as promised."""
    n_terminal = 0
    for seq, frame in enumerate(FrameDecoder().feed(_unchunked(b"".join(body)[2:])), start=1):
        if frame.id != str(seq):
            return f"id {frame.id} follows {seq - 1}"
        n_terminal += isinstance(decode(frame.data), TerminalEvent)
    return "" if n_terminal == 1 else f"{n_terminal} terminal events"


def _unchunked(raw: bytes) -> bytes:
    content, at = bytearray(), 0
    while True:
        line_end = raw.index(b"\r\n", at)
        size = int(raw[at:line_end], 16)
        if not size:
            return bytes(content)
        content += raw[line_end + 2 : line_end + 2 + size]
        at = line_end + 4 + size
