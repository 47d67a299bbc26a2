"""Visitors of a server that may refuse them: they ask, come back when told to, lose their connection, resume, cancel.

The systems' own generator (`benchmarks.hot_path.load`) measures what a token costs, and takes a refusal for a failure.
Here refusals, drops and cancellations are what is looked at; what is seen of tokens is seen by the same reading.
"""

import asyncio
import json
import random
import re
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, cast

from benchmarks.hot_path.load import QUESTION
from benchmarks.hot_path.reading import Answer, Seen

_STATUS = re.compile(rb"HTTP/1\.1 (\d{3})")
_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)", re.IGNORECASE)
_RETRY_AFTER = re.compile(rb"\r\nretry-after: (\d+)\r\n", re.IGNORECASE)
_NAMED = re.compile(rb"\r\nx-magi-deliberation-id: (\w+)", re.IGNORECASE)
_ID = re.compile(rb"(?:^|\n)id: (\d+)\n")
_END = re.compile(rb'"type":"(complete|cancelled|error)"')
_OUTCOME = re.compile(rb'"outcome":"(\w+)"')
# The terminal event of a deliberation is shorter.
_TAIL_BYTES = 4096
_AGAIN_S = 0.5
_FORM = b"POST %b HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b"


@dataclass(frozen=True)
class Habits:
    """What visitors do beside asking, each with so much chance a deliberation; ``calm_s`` bounds when."""

    drops: float = 0.0
    cancels: float = 0.0
    calm_s: float = 6.0


@dataclass
class Tally:
    """What visitors saw since a window was opened.

    Attributes:
        seen: first tokens and delays, as every system is measured.
        refused_s: from asking to the whole refusal.
        ends: how accepted deliberations ended, by outcome or terminal event.
        faults: what should not have happened.
    """

    seen: Seen = field(default_factory=Seen)
    refused_s: list[float] = field(default_factory=list[float])
    n_accepted: int = 0
    n_dropped: int = 0
    n_cancelled: int = 0
    ends: Counter[str] = field(default_factory=Counter[str])
    faults: Counter[str] = field(default_factory=Counter[str])


class Crowd:
    """All visitors of one server. ``is_leaving``: nobody asks any more, and who was accepted stays to the end."""

    def __init__(self, port: int, habits: Habits | None = None, seed: int = 1) -> None:
        self.port = port
        self.habits = habits or Habits()
        self.random = random.Random(seed)
        self.tally = Tally()
        self.visitors: list[Visitor] = []
        self.is_leaving = False
        self._tasks: set[asyncio.Task[None]] = set()

    def add(self, n: int, *, spread_s: float) -> "list[Visitor]":
        """Have ``n`` more come, evenly over ``spread_s``."""
        coming = [Visitor(self) for _ in range(n)]
        for place, visitor in enumerate(coming):
            asyncio.get_running_loop().call_later(spread_s * place / n, visitor.begin)
        self.visitors += coming
        return coming

    def do(self, doing: Coroutine[Any, Any, None]) -> None:
        """Do something beside; its faults are counted."""

        async def supervised() -> None:
            try:
                await doing
            except OSError as error:
                self.tally.faults[type(error).__name__] += 1

        task = asyncio.get_running_loop().create_task(supervised())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def open_window(self) -> None:
        """See anew."""
        self.tally = Tally()

    @property
    def n_running(self) -> int:
        """How many have been accepted and wait for their deliberation's end."""
        return sum(visitor.is_accepted for visitor in self.visitors)

    async def until_quiet(self, most_s: float) -> None:
        """Ask no more, and wait until every accepted deliberation has ended.

        Raises:
            TimeoutError: one has not.
        """
        self.is_leaving = True
        await self.until(lambda: not self.n_running, most_s)
        for visitor in self.visitors:
            visitor.leave()

    async def until(self, is_so: Callable[[], bool], most_s: float) -> None:
        """Look until something is so.

        Raises:
            TimeoutError: it is not, for so long.
        """
        async with asyncio.timeout(most_s):
            while not is_so():  # noqa: ASYNC110 - a look now and then costs less than an event for every change
                await asyncio.sleep(0.02)


class Visitor(asyncio.Protocol):
    """One visitor, whose connection is kept where the server keeps it."""

    def __init__(self, crowd: Crowd) -> None:
        self.is_accepted = False
        self.n_ended = 0
        self._crowd = crowd
        self._transport: asyncio.Transport | None = None
        self._answer: Answer | None = None
        self._unread = b""
        self._is_refused = False
        self._is_resumed = False
        self._has_head = False
        self._tail = b""
        self._deliberation_id = ""
        self._cursor = 0
        self._coming: asyncio.TimerHandle | None = None
        self._planned: list[asyncio.TimerHandle] = []

    def begin(self) -> None:
        """Ask, or go on with what was lost, on a new connection if there is none."""
        if self._crowd.is_leaving and not self.is_accepted:
            return
        if self._transport is None:
            self._crowd.do(self._connect())
            return
        self._unread, self._is_refused, self._has_head = b"", False, False
        self._is_resumed = self.is_accepted
        former, self._answer = self._answer, Answer(time.monotonic())
        if self._is_resumed:
            if former is not None:
                self._answer.newest_us = former.newest_us
            self._transport.write(self._resumption())
        else:
            self._tail, self._deliberation_id, self._cursor = b"", "", 0
            self._transport.write(_posted(b"/invocations", _json({"question": QUESTION})))

    def leave(self) -> None:
        """Cut the connection."""
        for timer in (*self._planned, *filter(None, [self._coming])):
            timer.cancel()
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Go on."""
        self._transport = cast(asyncio.Transport, transport)
        self.begin()

    def connection_lost(self, exc: Exception | None) -> None:
        """Come back for what was lost, whoever cut it."""
        was_waiting, self._transport = self._answer is not None and not self._answer.is_over, None
        if was_waiting and not self._crowd.is_leaving and not self.is_accepted:
            self._crowd.tally.faults["closed before an answer"] += 1
            self._come_back(_AGAIN_S)
        elif self.is_accepted:
            self._come_back(self._crowd.random.random())

    def data_received(self, data: bytes) -> None:
        """Read on."""
        answer = self._answer
        if answer is None or answer.is_over:
            return
        if not self._has_head or self._is_refused:
            self._unread += data
            if b"\r\n\r\n" not in self._unread:
                return
            data = self._headed(answer)
            if not data:
                return
        self._feed(answer, data)
        self._note(data)
        if answer.is_over:
            self._over(answer)

    async def _connect(self) -> None:
        try:
            await asyncio.get_running_loop().create_connection(lambda: self, "127.0.0.1", self._crowd.port)
        except OSError:
            self._come_back(_AGAIN_S)
            raise

    def _feed(self, answer: Answer, data: bytes) -> None:
        """Read on; of a resumed answer only what was said since it was resumed tells of the server's pace."""
        now_s, seen = time.monotonic(), self._crowd.tally.seen
        if not self._is_resumed:
            answer.feed(data, now_s, seen)
            return
        since = Seen()
        answer.feed(data, now_s, since)
        seen.delay_s += [delay_s for delay_s in since.delay_s if now_s - delay_s >= answer.sent_s]

    def _headed(self, answer: Answer) -> bytes:
        """Read the head; give what is to be read on of an answer, or nothing where it is a refusal."""
        head, _, body = self._unread.partition(b"\r\n\r\n")
        found = _STATUS.match(head)
        status = int(found[1]) if found else 0
        self._has_head = True
        if status == 200:
            if not self.is_accepted:
                self._accepted(head)
            return self._unread
        self._is_refused = True
        length = _LENGTH.search(head)
        if length is None or len(body) >= int(length[1]):
            self._refused(answer, status, head, body)
        return b""

    def _accepted(self, head: bytes) -> None:
        crowd, habits = self._crowd, self._crowd.habits
        named = _NAMED.search(head)
        self._deliberation_id = named[1].decode() if named else ""
        self.is_accepted = True
        crowd.tally.n_accepted += 1
        if crowd.random.random() < habits.cancels:
            self._plan(lambda: crowd.do(self._cancel()))
        if crowd.random.random() < habits.drops:
            for _ in range(crowd.random.randint(1, 3)):
                self._plan(self._drop)

    def _refused(self, answer: Answer, status: int, head: bytes, body: bytes) -> None:
        tally, wait_s = self._crowd.tally, _AGAIN_S
        told = _RETRY_AFTER.search(head + b"\r\n")
        if status == 503 and b'"code":"overloaded"' in body and told is not None:
            tally.refused_s.append(time.monotonic() - answer.sent_s)
            # As our clients do: back when told to, each a little later.
            wait_s = int(told[1]) + 0.2 * self._crowd.random.random()
        else:
            tally.faults[f"HTTP {status}"] += 1
        self._answer = None
        self._come_back(wait_s)

    def _note(self, data: bytes) -> None:
        text = self._tail + data
        for found in _ID.findall(text):
            self._cursor = max(self._cursor, int(found))
        self._tail = text[-_TAIL_BYTES:]

    def _over(self, answer: Answer) -> None:
        """End a response: with the deliberation's end, or short of it."""
        tally, ends = self._crowd.tally, _END.findall(self._tail)
        if self._transport is not None and not answer.is_connection_kept:
            self._transport.abort()
            self._transport = None
        if not ends:
            tally.faults["a body ended well without a terminal event"] += 1
        outcome = _OUTCOME.findall(self._tail)
        kind = ends[-1].decode() if ends else "nothing"
        tally.ends[outcome[-1].decode() if kind == "complete" and outcome else kind] += 1
        for timer in self._planned:
            timer.cancel()
        self._planned.clear()
        self._answer, self.is_accepted = None, False
        self.n_ended += 1
        self._come_back(0)

    def _drop(self) -> None:
        if self.is_accepted and self._transport is not None and self._cursor:
            self._crowd.tally.n_dropped += 1
            self._transport.abort()

    async def _cancel(self) -> None:
        deliberation_id = self._deliberation_id
        if not deliberation_id or not self.is_accepted:
            return
        self._crowd.tally.n_cancelled += 1
        reader, writer = await asyncio.open_connection("127.0.0.1", self._crowd.port)
        writer.write(_posted(b"/deliberations/%b/cancel" % deliberation_id.encode(), b"{}"))
        status = await reader.readline()
        writer.close()
        if b" 200 " not in status:
            self._crowd.tally.faults[f"cancel: {status.decode().strip()}"] += 1

    def _resumption(self) -> bytes:
        if self._crowd.random.random() < 0.5:
            asked = {"action": "resume", "deliberationId": self._deliberation_id, "after": self._cursor}
            return _posted(b"/invocations", _json(asked))
        path = f"/deliberations/{self._deliberation_id}/events"
        return f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nlast-event-id: {self._cursor}\r\n\r\n".encode()

    def _come_back(self, wait_s: float) -> None:
        self._coming = asyncio.get_running_loop().call_later(wait_s, self.begin)

    def _plan(self, do: Callable[[], None]) -> None:
        """Do something at some time while the deliberation runs."""
        wait_s = self._crowd.habits.calm_s * self._crowd.random.random()
        self._planned.append(asyncio.get_running_loop().call_later(wait_s, do))


def _json(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields).encode()


def _posted(path: bytes, body: bytes) -> bytes:
    return _FORM % (path, len(body), body)
