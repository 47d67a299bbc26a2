"""What a deliberation needs from outside: a model to speak with, a log to write to, records to be found in, councils.

Adapters are in ``models/``, ``logs/`` and ``records/``.
Each port lists its guarantees; `magisystem.testing` holds the suites that prove them over every adapter.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

import msgspec

from magisystem.council.agents import Agent, Council, CouncilLimits
from magisystem.council.ballots import Casting
from magisystem.council.briefs import Brief
from magisystem.protocol.values import Decision, Mode, Outcome, Rule, Usage

# --- What a model utters ------------------------------------------------------------------------------------------

# What there is one of for every token is a `Struct`: made in a fifth of a frozen dataclass's time, and no work for the
# garbage collector.

# Actions of `Noted` that a lane acts on: a call the provider accepted, and a wait it asked for.
MODEL_CALL = "model_call"
THROTTLE_WAIT = "throttle_wait"


class Said(msgspec.Struct, frozen=True, gc=False):
    """Visible text, to be appended to the lane. Never empty."""

    text: str


class Thought(msgspec.Struct, frozen=True, gc=False):
    """Reasoning text. Never empty."""

    text: str


@dataclass(frozen=True, slots=True)
class Noted:
    """Something that happened underneath, for the trace: a call, a wait, a repair."""

    action: str
    details: str
    duration_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Cast:
    """The ballot was cast and read. At most one a speech; nothing but `Spent` and `Noted` follows it."""

    casting: Casting


@dataclass(frozen=True, slots=True)
class Spoilt:
    """The ballot was cast but could not be read; ``reason`` says why. Another call may mend it."""

    reason: str


@dataclass(frozen=True, slots=True)
class Spent:
    """Tokens that one call used, as the provider counted them."""

    usage: Usage


Utterance = Said | Thought | Noted | Cast | Spoilt | Spent


class Hearer(Protocol):
    """Who hears a speech."""

    async def hear(self, utterance: Utterance) -> None:
        """Take the next utterance. It may wait, and the model with it, until what came before is taken care of."""
        ...


class Model(Protocol):
    """One model, ready to be called for any number of agents at once.

    Guarantees, proved by `magisystem.testing.models.ModelContract`:

    1. What is uttered comes as the provider sends it; nothing is held back until the end.
    2. A speech either ends normally, and then the provider said that it was finished, or raises a `ModelError`; an end
       without the provider's word for it is `ModelStreamCut`, never a normal end.
    3. At most ``max_calls`` calls are made, throttled ones not counted; each is `Noted` as `MODEL_CALL` once accepted.
       A ballot that is spoilt or not cast is asked for again while calls are left, and then the speech ends normally
       without a `Cast`.
    4. Throttling before the first text of a speech is waited out, each wait `Noted`; after it, `ModelThrottled` is
       raised, because what was said would have to be unsaid.
    5. However a speech ends, by cancellation too, the connection to the provider is closed before it returns.
    """

    @property
    def name(self) -> str:
        """``provider:model``, as `start` shows it."""
        ...

    @property
    def note(self) -> str | None:
        """What must be said about the model wherever its words are shown, if anything."""
        ...

    async def speak(self, brief: Brief, hearer: Hearer, *, max_calls: int) -> None:
        """Let the model speak on ``brief``, and tell ``hearer`` each utterance as it comes, one after the other.

        Raises:
            ModelError: the leaf says what failed.
        """
        ...


class Models(Protocol):
    """Finds the models of a deliberation before anything of it is streamed."""

    async def find(self, name: str, *, field: str) -> Model:
        """Give the model called ``name`` (``provider:model``).

        Raises:
            UnknownModel: no such provider, or a name of the wrong form; ``field`` is named in it.
            ModelUnavailable: an extra, a key or a setting is missing here; the message names the mend.
        """
        ...


# --- The log ------------------------------------------------------------------------------------------------------


class Record(msgspec.Struct, frozen=True, gc=False):
    """One event as the log holds it: its seq and its JSON, the very bytes every follower gets."""

    seq: int
    body: bytes
    is_terminal: bool


@dataclass(frozen=True, slots=True)
class Page:
    """A stretch of a log. ``is_done`` says that its last record is the log's terminal one."""

    records: tuple[Record, ...]
    is_done: bool


@dataclass(frozen=True, slots=True)
class Listed:
    """A log among all logs. ``place`` rises in the order in which they were begun."""

    place: int
    deliberation_id: str
    owner: str
    has_ended: bool


@dataclass(frozen=True, slots=True)
class Idempotency:
    """A caller's own name for a start, and what tells the same request from another one under that name."""

    key: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Repeated:
    """The start was made before, under the same key: its deliberation."""

    deliberation_id: str


class LogWriter(Protocol):
    """The one writer of one log, for its term."""

    async def append(self, records: Sequence[Record]) -> None:
        """Append ``records`` whole or not at all; their seqs continue the log's without a gap.

        When it returns, every follower can see them, and none of them before.

        Raises:
            Fenced: another writer has taken the log, the seqs do not continue it, or it has ended.
            LogUnavailable: it cannot be written now; nothing was.
        """
        ...

    def on_stop(self, stop: Callable[[], None]) -> None:
        """Have ``stop`` called once, on the event loop, when it is asked, or was, that the log come to its end."""
        ...


class EventLog(Protocol):
    """The logs of all deliberations: append-only, one writer at a time, any number of followers.

    Guarantees, proved by `magisystem.testing.event_log.EventLogContract`:

    1. Append, then deliver: a follower sees a record only after the log holds it.
    2. Every follower sees the same records in seq order from its cursor on, each once, with no gap, whether it came
       before, during or after the writing.
    3. An append is atomic and fenced: a stale writer, a seq that does not continue the log, and a log that has ended
       are refused with `Fenced`, and nothing is written.
    4. A slow follower holds up neither the writer nor other followers.
    5. After the terminal record following ends normally; while there is none it never does.
    6. A log whose writer dies is given to one other by `recover`, and the dead one, should it wake, is fenced.
    7. Every process on the log may follow, read, forget and ask to stop what any other one writes. What is written
       elsewhere is seen, and what is asked elsewhere is heard, within a fraction of a second; and who takes a log over
       hears what its dead writer was asked.
    8. However many starts of an owner come at once, to however many processes, no more logs without an end are begun
       than ``most_running``.
    """

    async def create(
        self,
        deliberation_id: str,
        owner: str,
        charter: bytes = b"",
        idempotency: Idempotency | None = None,
        session_id: str | None = None,
        most_running: int | None = None,
    ) -> LogWriter | Repeated:
        """Begin the log of a new deliberation and give its writer, or the deliberation the key began before.

        Args:
            deliberation_id: its id, new.
            owner: who may read it.
            charter: what another process needs to go on with it; kept beside the events and given back by `recover`.
            idempotency: under which the start is made at most once an owner.
            session_id: the session that it is a turn of; nobody but the first owner has another turn in it.
            most_running: how many logs without an end the owner may have, this one among them; ``None`` for any number.

        Raises:
            DeliberationExists: there is one of that id.
            IdempotencyConflict: the key began another request.
            SessionNotYours: the session has a turn of another owner.
            TooManyRunning: the owner has ``most_running`` logs without an end.
            LogUnavailable: it cannot be written now.
        """
        ...

    def follow(
        self, deliberation_id: str, owner: str, after: int = 0
    ) -> AbstractAsyncContextManager[AsyncIterator[Sequence[Record]]]:
        """Follow a log from the record after ``after``: history first, then live, in batches that are never empty.

        Raises:
            DeliberationNotFound: there is none of that id, or it is another owner's.
            CursorAhead: ``after`` is beyond the log's end.
        """
        ...

    async def read(self, deliberation_id: str, owner: str, after: int = 0, limit: int = 10_000) -> Page:
        """Give what the log holds after ``after``, at most ``limit`` records.

        Raises:
            DeliberationNotFound: there is none of that id, or it is another owner's.
            CursorAhead: ``after`` is beyond the log's end.
        """
        ...

    async def has_begun(self, owner: str, key: str) -> bool:
        """Whether a deliberation was begun under an owner's idempotency key that is not forgotten.

        Raises:
            LogUnavailable: it cannot be read now.
        """
        ...

    async def recover(self) -> "Sequence[Unfinished]":
        """Take over every log that has no end and whose writer is dead; each is given to one caller alone.

        Raises:
            LogUnavailable: it cannot be read or written now.
        """
        ...

    async def listed(self, after: int = 0, limit: int = 1_000) -> Sequence[Listed]:
        """Give at most ``limit`` logs of all owners whose place is beyond ``after``, in the order of their places.

        Raises:
            LogUnavailable: it cannot be read now.
        """
        ...

    async def running(self, owner: str) -> Sequence[str]:
        """Give the deliberations of an owner whose logs have no end, whichever process writes them.

        Raises:
            LogUnavailable: it cannot be read now.
        """
        ...

    async def ask_to_stop(self, deliberation_id: str, owner: str) -> None:
        """Ask whichever process writes a log to bring it to its end; the request is kept until that is there.

        Nothing is asked of a log that has ended.

        Raises:
            DeliberationNotFound: there is none of that id, or it is another owner's.
            LogUnavailable: it cannot be written now.
        """
        ...

    async def forget(self, deliberation_id: str, owner: str) -> None:
        """Delete a log; its followers end with `DeliberationNotFound`, and its writer is fenced.

        Raises:
            DeliberationNotFound: there is none of that id, or it is another owner's.
            LogUnavailable: it cannot be written now.
        """
        ...


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A log that a dead writer left without an end, and the right to go on with it."""

    deliberation_id: str
    owner: str
    charter: bytes
    writer: LogWriter


# --- The records --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Entry:
    """What a list shows of one deliberation. What is not known yet, or never will be, is ``None``.

    ``status`` is as in `DeliberationState`. ``answer`` is what later turns of its session are told of it. ``title`` is
    what its owner calls it, given by `Records.rename` alone: what is noted has none.
    """

    deliberation_id: str
    session_id: str
    question: str
    mode: Mode
    council_id: str
    status: str
    started_at: datetime
    ended_at: datetime | None = None
    outcome: Outcome | None = None
    decision: Decision | None = None
    confidence: float | None = None
    summary: str | None = None
    answer: str | None = None
    title: str | None = None


@dataclass(frozen=True, slots=True)
class Recording:
    """An entry, whose it is, and ``text``, all that it can be found by beside its title."""

    owner: str
    entry: Entry
    text: str


@dataclass(frozen=True, slots=True)
class Query:
    """Which entries are asked for, the newest first unless ``is_oldest_first``; every condition given must hold.

    Each word of ``text`` (at most 1,000 characters; words stand between white space) must occur in what the entry can
    be found by, as it stands but for its case and width. ``limit`` is from 1 to 1,000. ``cursor`` is a page's
    ``next_cursor``.
    """

    text: str = ""
    outcome: Outcome | None = None
    decision: Decision | None = None
    session_id: str | None = None
    deliberation_id: str | None = None
    has_outcome: bool = False
    is_oldest_first: bool = False
    limit: int = 20
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Entries:
    """A page of entries. ``next_cursor`` is ``None`` on the last one."""

    items: tuple[Entry, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Session:
    """A conversation. ``title`` is its first question; ``last_at`` is when its newest turn began."""

    session_id: str
    title: str
    n_turns: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Sessions:
    """A page of sessions. ``next_cursor`` is ``None`` on the last one."""

    items: tuple[Session, ...]
    next_cursor: str | None


class Records(Protocol):
    """What a person searches, lists, names and deletes. But for the titles it is derived from the logs.

    Guarantees, proved by `magisystem.testing.RecordsContract`:

    1. Noting is atomic and may be repeated; the last one stands, but what has ended is never made unended again.
    2. An owner finds what is the owner's own, and nothing tells whether another owner has more.
    3. Any text may be searched for; no character of it is taken for anything but itself.
    4. Pages, read one after the other by their cursors, hold every entry that was there when the first was read, each
       once, whatever is noted meanwhile.
    5. Nothing waits for the disk on the event loop, and reading does not wait for writing.
    6. A title stays with its deliberation, whether that is noted before it, after it or anew, until it is forgotten.
    """

    async def note(self, recordings: Sequence[Recording]) -> None:
        """Keep recordings, all or none, in place of what was kept of their deliberations before.

        Raises:
            RecordsUnavailable: they cannot be written now; nothing was.
        """
        ...

    async def unended(self, deliberation_ids: Sequence[str]) -> Sequence[str]:
        """Give those of at most 1,000 deliberations of which no end is kept, in the order given.

        Raises:
            RecordsUnavailable: they cannot be read now.
        """
        ...

    async def search(self, owner: str, query: Query) -> Entries:
        """Give a page of an owner's entries.

        Raises:
            InvalidRequest: the cursor is none that was given out here.
            RecordsUnavailable: they cannot be read now.
        """
        ...

    async def sessions(self, owner: str, limit: int = 20, cursor: str | None = None) -> Sessions:
        """Give a page of an owner's sessions as they were when the first page was read, the latest turn first.

        Raises:
            InvalidRequest: the cursor is none that was given out here.
            RecordsUnavailable: they cannot be read now.
        """
        ...

    async def rename(self, owner: str, deliberation_id: str, title: str | None) -> None:
        """Give an owner's deliberation a title, by which it is found from then on, or with ``None`` take it away.

        Whether there is such a deliberation is for the caller to know: it may not have been noted yet.

        Raises:
            RecordsUnavailable: they cannot be written now.
        """
        ...

    async def forget(self, owner: str, deliberation_id: str) -> bool:
        """Delete what is kept of a deliberation, its title too; tell whether there was something.

        Raises:
            RecordsUnavailable: they cannot be written now.
        """
        ...


class ClearableRecords(Records, Protocol):
    """Records that can be emptied, for whoever makes them anew from the logs."""

    async def clear(self) -> None:
        """Delete everything that can be made again; the titles stay.

        Raises:
            RecordsUnavailable: they cannot be written now; nothing was deleted.
        """
        ...


# --- Councils that are kept ---------------------------------------------------------------------------------------


# Enough for anybody who edits them by hand; a list of them has no pages.
MOST_COUNCILS = 100


@dataclass(frozen=True, slots=True)
class Seat:
    """An agent of a council that is kept; one that is not enabled sits out, and stays to be called in again."""

    agent: Agent
    is_enabled: bool = True


@dataclass(frozen=True, slots=True)
class KeptCouncil:
    """A council as its owner edits it. ``name`` is for people; ``updated_at`` is when it was kept, if it was."""

    id: str
    rule: Rule
    seats: tuple[Seat, ...]
    name: str | None = None
    limits: CouncilLimits = field(default_factory=CouncilLimits)
    updated_at: datetime | None = None

    @property
    def council(self) -> Council:
        """The council that is convened.

        Raises:
            InvalidRequest: those who are enabled are none.
        """
        return Council(self.id, self.rule, tuple(seat.agent for seat in self.seats if seat.is_enabled), self.limits)


class KeptCouncils(Protocol):
    """The councils that owners keep under ids of their own. In no log: what is lost here is lost.

    Guarantees, proved by `magisystem.testing.councils.KeptCouncilsContract`:

    1. What is kept is given back as it was, and stays until its owner replaces or forgets it.
    2. An owner finds what is the owner's own, and nothing tells whether another owner has more.
    3. An owner keeps at most `MOST_COUNCILS`, however many come at once; one of them can always be replaced.
    """

    async def keep(self, owner: str, council: KeptCouncil) -> bool:
        """Keep a council in place of the owner's one of its id; tell whether there was none.

        Raises:
            CouncilsFull: it would be one too many; it is not kept.
            RecordsUnavailable: it cannot be kept now.
        """
        ...

    async def find(self, owner: str, council_id: str) -> KeptCouncil | None:
        """Give an owner's council, if there is one of that id.

        Raises:
            RecordsUnavailable: they cannot be read now.
        """
        ...

    async def listed(self, owner: str) -> Sequence[KeptCouncil]:
        """Give an owner's councils, in the order of their ids.

        Raises:
            RecordsUnavailable: they cannot be read now.
        """
        ...

    async def forget(self, owner: str, council_id: str) -> bool:
        """Delete an owner's council; tell whether there was one.

        Raises:
            RecordsUnavailable: it cannot be deleted now.
        """
        ...
