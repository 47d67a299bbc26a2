"""The journal: the one place where a deliberation's events get their number and enter the log.

Lanes write as they go and do not wait for the log; a pump appends whatever has gathered in one batch. Text that waits
together for one lane becomes one `Chunk`. Where many deliberations run, text waits some milliseconds for more (`Pace`);
the first text of a lane, and everything that is no text, leaves at once with what waits before it.
"""

import asyncio
import math
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from magisystem.deliberation.past import Past
from magisystem.deliberation.ports import LogWriter, Record
from magisystem.errors import LogError
from magisystem.protocol.codec import encode
from magisystem.protocol.events import TERMINAL_TYPES, Chunk, KnownEvent, Thinking

# A frame of 4,096 characters stays below 32 KiB in the worst case of JSON escapes (6 bytes a character), which is the
# most a WebSocket frame on AgentCore Runtime may hold.
MAX_TEXT_CHARS = 4_096
# At 50 tokens a second and lane this is over 20 s of a stalled log; beyond it the lanes wait, and with them the models.
MAX_WAITING = 4_096


# An append costs several times what a token in it does, here and in everybody who follows, so their number a second is
# bounded by letting each hold more. Nobody who reads minds text that comes twenty times a second.
APPENDS_PER_S = 2_000
LONGEST_WAIT_S = 0.05
# A timer may be early by what a loop's clock does not resolve; uvloop's counts in milliseconds.
_EARLY_S = 0.001


class Pace:
    """When the text of a process's journals is appended; one for all of them.

    It beats as long as anything waits. Journals whose text is due in the same beat append together, so that the log
    commits them together.
    """

    BEAT_S = 0.005

    def __init__(self) -> None:
        self.n_journals = 0
        self._loop = asyncio.get_running_loop()
        self._due: dict[int, list[Callable[[], None]]] = {}
        self._timer: asyncio.TimerHandle | None = None

    @property
    def wait_s(self) -> float:
        """The time between two appends of one journal that hold nothing but text."""
        return min(self.n_journals / APPENDS_PER_S, LONGEST_WAIT_S)

    def call_at(self, due_s: float, append: Callable[[], None]) -> None:
        """Have ``append`` called at the first beat that is not before ``due_s``."""
        beat = math.ceil(due_s / self.BEAT_S)
        self._due.setdefault(beat, []).append(append)
        if self._timer is None:
            self._timer = self._loop.call_at(beat * self.BEAT_S, self._beat)

    def _beat(self) -> None:
        last = math.floor((self._loop.time() + _EARLY_S) / self.BEAT_S)
        for beat in [beat for beat in self._due if beat <= last]:
            for append in self._due.pop(beat):
                append()
        self._timer = self._loop.call_at((last + 1) * self.BEAT_S, self._beat) if self._due else None


class Draft(Protocol):
    """An event without its number: called with it once the event's place in the log is known."""

    def __call__(self, *, seq: int, timestamp: str) -> KnownEvent:
        """Give the event."""
        ...


class _Text:
    """Text of one lane that waits for the pump; grows while it waits and nothing else of its lane comes between."""

    __slots__ = ("agent_id", "kind", "pieces")

    def __init__(self, kind: type[Chunk] | type[Thinking], agent_id: str, text: str) -> None:
        self.kind = kind
        self.agent_id = agent_id
        self.pieces = [text]


class Journal:
    """Numbers, times, merges, encodes and appends the events of one deliberation.

    `pump` must run beside the writers. When the log refuses an append, `pump` raises its `LogError` and so does every
    later write: nothing is delivered that is not stored.
    """

    def __init__(self, writer: LogWriter, now: Callable[[], datetime], past: Past, pace: Pace | None = None) -> None:
        self._writer = writer
        self._now = now
        self._pace = pace or Pace()
        self._loop = asyncio.get_running_loop()
        # When text that waits is appended, where nothing more urgent comes; the lanes whose first text has left.
        self._next_at = 0.0
        self._is_due = False
        self._speaking: set[str] = set()
        self._waiting: list[Draft | _Text] = []
        # Pieces of text count one by one, however few events they are merged into.
        self._n_waiting = 0
        self._open_texts: dict[str, _Text] = {}
        # Whether the pump is to append what waits, and what it sleeps on until then.
        self._is_ready = False
        self._sleeping: asyncio.Future[None] | None = None
        self._drained = asyncio.Event()
        self._is_closed = False
        self._failure: LogError | None = None
        self._is_abandoned = False
        self._seq = past.seq
        self._digest = past.digest()
        self.n_chunks = past.n_chunks

    @property
    def digest(self) -> str:
        """The hash over every event encoded so far; asked for by a draft, it covers all events before that one."""
        return str(self._digest)

    @property
    def is_closed(self) -> bool:
        """Whether nothing more comes: at most the last events are still being appended."""
        return self._is_closed

    async def write(self, draft: Draft, *, agent_id: str | None = None) -> None:
        """Write an event; of lane ``agent_id``, whose waiting text it follows."""
        if self._is_abandoned:
            return
        if agent_id is not None:
            self._open_texts.pop(agent_id, None)
            self._speaking.discard(agent_id)
        self._waiting.append(draft)
        self._announce(is_urgent=True)
        if self._n_waiting >= MAX_WAITING:
            await self.room()

    def say(self, agent_id: str, text: str) -> bool:
        """Write visible text of a lane; tell whether to wait for `room` before the next."""
        return self._add_text(Chunk, agent_id, text)

    def think(self, agent_id: str, text: str) -> bool:
        """Write reasoning text of a lane; as `say`."""
        return self._add_text(Thinking, agent_id, text)

    def abandon(self) -> None:
        """Take nothing more: the log stays as it is, for another process to go on with."""
        self._is_abandoned = True

    def close(self) -> None:
        """Let `pump` end once it has appended what waits."""
        self._is_closed = True
        self._wake()

    async def pump(self) -> None:
        """Append what gathers until the journal is closed and drained.

        Raises:
            LogError: the log refused an append; what waited is in no follower's sight.
        """
        self._pace.n_journals += 1
        try:
            while True:
                await self._readiness()
                self._next_at = self._loop.time() + self._pace.wait_s
                waiting, self._waiting, self._n_waiting = self._waiting, [], 0
                self._open_texts.clear()
                if waiting:
                    await self._writer.append(self._records(waiting))
                self._drained.set()
                if self._is_closed and not self._waiting:
                    return
        except LogError as error:
            self._failure = error
            raise
        finally:
            self._pace.n_journals -= 1
            self._drained.set()

    def _add_text(self, kind: type[Chunk] | type[Thinking], agent_id: str, text: str) -> bool:
        if self._is_abandoned:
            return False
        open_text = self._open_texts.get(agent_id)
        if open_text is not None and open_text.kind is kind:
            open_text.pieces.append(text)
        else:
            self._open_texts[agent_id] = fresh = _Text(kind, agent_id, text)
            self._waiting.append(fresh)
        is_first = agent_id not in self._speaking
        if is_first:
            self._speaking.add(agent_id)
        self._announce(is_urgent=is_first)
        return self._n_waiting >= MAX_WAITING

    def _announce(self, *, is_urgent: bool) -> None:
        if self._failure is not None:
            raise self._failure
        self._n_waiting += 1
        if is_urgent:
            self._wake()
        elif not self._is_due and not self._is_ready:
            self._is_due = True
            self._pace.call_at(self._next_at, self._time_is_up)

    async def room(self) -> None:
        """Wait until the pump has taken what waits."""
        while self._n_waiting >= MAX_WAITING and self._failure is None:
            self._drained.clear()
            await self._drained.wait()

    def _time_is_up(self) -> None:
        self._is_due = False
        self._wake()

    def _wake(self) -> None:
        self._is_ready = True
        if self._sleeping is not None and not self._sleeping.done():
            self._sleeping.set_result(None)

    async def _readiness(self) -> None:
        if not self._is_ready:
            self._sleeping = self._loop.create_future()
            await self._sleeping
        self._is_ready = False

    def _records(self, waiting: list[Draft | _Text]) -> list[Record]:
        timestamp = self._now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
        records: list[Record] = []
        for item in waiting:
            if isinstance(item, _Text):
                text = "".join(item.pieces)
                for start in range(0, len(text), MAX_TEXT_CHARS):
                    self._seq += 1
                    self.n_chunks += item.kind is Chunk
                    piece = text[start : start + MAX_TEXT_CHARS]
                    said = item.kind(seq=self._seq, timestamp=timestamp, agent_id=item.agent_id, content=piece)
                    records.append(self._record(said))
            else:
                self._seq += 1
                records.append(self._record(item(seq=self._seq, timestamp=timestamp)))
        return records

    def _record(self, event: KnownEvent) -> Record:
        body = encode(event)
        self._digest.add(body)
        return Record(event.seq, body, event.__struct_config__.tag in TERMINAL_TYPES)
