"""The history: what has been deliberated on, recorded beside the deliberations, and given back to later turns.

The log is the truth and the records follow it. Nothing here holds a deliberation up or fails it: one task notes what
began or ended, tries again while the records cannot be written, and, asked to catch up, compares the records with the
log. A process may therefore die at any moment; what it had not noted is missing until the next one starts, no longer.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

from magisystem.council.briefs import Matter
from magisystem.deliberation.ports import (
    ClearableRecords,
    Entries,
    EventLog,
    LogWriter,
    Query,
    Record,
    Recording,
    Records,
    Sessions,
)
from magisystem.deliberation.recording import conversation, recording_of
from magisystem.errors import DeliberationNotFound, LogUnavailable, RecordsError, RecordsUnavailable, SessionNotFound
from magisystem.protocol.codec import decode
from magisystem.protocol.fold import DeliberationState, Fold

EARLIER_TURNS = 10

# `start` is promised within one second; a turn begins without its earlier ones rather than later.
_SOON_S = 0.5
_DRAIN_S = 1.0
# What changes within it is recorded together, unless somebody waits: a transaction costs more than what is in it.
_GATHER_S = 0.25
_FIRST_RETRY_S = 0.5
_LONGEST_RETRY_S = 30.0
# Beyond it single changes are no longer remembered; comparing with the log finds them.
_MAX_CHANGES = 10_000
_BATCH = 32
# Beyond what an owner has running, so many entries are looked at for an end that another process has not noted yet.
_NEWEST = 50
_MOST_ENTRIES = 1_000
# Folding so many events takes about a millisecond, after which whatever else runs has its turn.
_PAGE = 500
_log = logging.getLogger(__name__)

_Found = tuple[str, str]


@dataclass(slots=True, eq=False)
class _Change:
    """A deliberation that begins or ends and is not recorded yet; ``is_ready`` once the log was written to."""

    owner: str
    session_id: str
    ends: bool
    is_ready: bool = False


@dataclass(slots=True)
class _WatchedWriter:
    """Tells the history of the first append of a term, and of the terminal event."""

    inner: LogWriter
    history: "History"
    deliberation_id: str
    owner: str
    session_id: str
    has_appended: bool = False

    async def append(self, records: Sequence[Record]) -> None:
        """See `LogWriter.append`."""
        ends = bool(records) and records[-1].is_terminal
        if self.has_appended and not ends:
            await self.inner.append(records)
            return
        # Announced before it is in the log: whoever has seen a turn end, and asks the next, must not come too early.
        change = self.history.announce(self.deliberation_id, _Change(self.owner, self.session_id, ends))
        try:
            await self.inner.append(records)
            self.has_appended = True
        finally:
            # Cancelled, it may be in the log all the same. What is recorded is what stands there, be it what it may.
            self.history.confirm(self.deliberation_id, change)

    def on_stop(self, stop: Callable[[], None]) -> None:
        """See `LogWriter.on_stop`."""
        self.inner.on_stop(stop)


class History:
    """Records deliberations beside their work, and finds them again. An async context manager.

    Leaving it notes what is waiting, for at most two seconds; the next `catch_up` finds the rest. With ``has_siblings``
    other processes begin and end deliberations on the same log and records, and what they have not noted yet is noted
    here when it is looked for.
    """

    def __init__(self, log: EventLog, records: Records, *, has_siblings: bool = False) -> None:
        self._event_log = log
        self._records = records
        self._has_siblings = has_siblings
        self._changes: dict[str, _Change] = {}
        self._writing = asyncio.Lock()
        self._is_behind = False
        self._wake = asyncio.Event()
        # Set at the next change and then replaced, so that any number of starts can wait.
        self._noted = asyncio.Event()
        # Set while somebody waits for what is to be recorded.
        self._is_awaited = asyncio.Event()
        self._n_waiting = 0
        self._worker: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._worker = asyncio.create_task(self._work(), name="history")
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._worker is not None  # noqa: S101 - entered before it is left
        self._is_awaited.set()
        try:
            async with asyncio.timeout(_DRAIN_S):
                while any(change.is_ready for change in self._changes.values()):
                    await self._noted.wait()
        except TimeoutError:
            _log.warning("%d changes are not recorded; the next start catches up", len(self._changes))
        finally:
            self._worker.cancel()
            await asyncio.wait([self._worker])

    def watched(self, writer: LogWriter, deliberation_id: str, owner: str, session_id: str) -> LogWriter:
        """Give a writer of the same log that has what it begins and ends recorded."""
        return _WatchedWriter(writer, self, deliberation_id, owner, session_id)

    def announce(self, deliberation_id: str, change: _Change) -> _Change:
        """Take note that a change is about to enter the log."""
        if deliberation_id in self._changes or len(self._changes) < _MAX_CHANGES:
            self._changes[deliberation_id] = change
        return change

    def confirm(self, deliberation_id: str, change: _Change) -> None:
        """Take note that the log was written to, so that what it holds can be recorded."""
        change.is_ready = True
        if self._changes.get(deliberation_id) is not change:
            self._is_behind = True
        self._wake.set()

    def catch_up(self) -> None:
        """Have everything recorded that ended and was not: by a process that died, or while nothing could be noted."""
        self._is_behind = True
        self._wake.set()

    async def search(self, owner: str, query: Query) -> Entries:
        """Give a page of an owner's entries, those just begun or ended among them; see `Records.search`."""
        await self._catch_sight(owner)
        return await self._records.search(owner, query)

    async def sessions(self, owner: str, limit: int, cursor: str | None) -> Sessions:
        """Give a page of an owner's sessions; see `Records.sessions`."""
        await self._catch_sight(owner)
        return await self._records.sessions(owner, limit, cursor)

    async def session(self, owner: str, session_id: str, limit: int, cursor: str | None) -> Entries:
        """Give a page of a session's turns, the oldest first.

        Raises:
            SessionNotFound: there is none of that id, or it is another owner's.
            InvalidRequest: the cursor is none that was given out here.
            RecordsUnavailable: the records cannot be read now.
        """
        query = Query(session_id=session_id, is_oldest_first=True, limit=limit, cursor=cursor)
        turns = await self.search(owner, query)
        if not turns.items and cursor is None:
            raise SessionNotFound(session_id)
        return turns

    async def rename(self, owner: str, deliberation_id: str, title: str | None) -> None:
        """Give an owner's deliberation a title, or with ``None`` take it away.

        Raises:
            DeliberationNotFound: there is none of that id, or it is another owner's.
            RecordsUnavailable: it cannot be kept now.
        """
        await self._event_log.read(deliberation_id, owner, limit=0)
        async with self._writing:
            await self._records.rename(owner, deliberation_id, title)
            try:
                await self._event_log.read(deliberation_id, owner, limit=0)
            except DeliberationNotFound:
                # Forgotten in between, log first and record then: the title may have come after both.
                await self._records.forget(owner, deliberation_id)
                raise

    async def forget(self, owner: str, deliberation_id: str) -> bool:
        """Delete a record, after its log; tell whether there was one.

        Raises:
            RecordsUnavailable: it cannot be deleted now.
        """
        self._changes.pop(deliberation_id, None)
        # Not between a note's look at the log and its writing: what it had seen would stand again for a moment.
        async with self._writing:
            return await self._records.forget(owner, deliberation_id)

    async def with_earlier_turns(self, matter: Matter, owner: str, session_id: str) -> Matter:
        """Put the finished turns of a session before what the request itself tells of the past.

        A turn that the request tells again, as chat clients do, is left to the request. Where the records cannot be
        read soon enough, the matter stays as it is.
        """
        try:
            async with asyncio.timeout(_SOON_S):
                await self._noting(
                    {
                        deliberation_id: change
                        for deliberation_id, change in self._changes.items()
                        if change.ends and change.session_id == session_id and change.owner == owner
                    }
                )
                if self._has_siblings:
                    await self._note_for_siblings(owner, session_id)
                query = Query(session_id=session_id, has_outcome=True, limit=EARLIER_TURNS)
                newest_first = (await self._records.search(owner, query)).items
        except (TimeoutError, RecordsError, LogUnavailable) as error:
            _log.warning("session %s goes on without its earlier turns: %s", session_id, str(error) or "too slow")
            return matter
        told = {message.content.strip() for message in matter.history if message.role == "user"}
        untold = [entry for entry in newest_first if entry.question.strip() not in told]
        return Matter(
            question=matter.question,
            history=(*conversation(untold), *matter.history),
            criteria=matter.criteria,
            language=matter.language,
        )

    async def _catch_sight(self, owner: str) -> None:
        """Let what waits to be recorded of an owner be recorded, if that is soon."""
        waiting = {id_: change for id_, change in self._changes.items() if change.owner == owner}
        # Where the log cannot be read, what the records hold is shown.
        with suppress(TimeoutError, LogUnavailable):
            async with asyncio.timeout(_SOON_S):
                await self._noting(waiting)
                if self._has_siblings:
                    await self._note_for_siblings(owner)

    async def _note_for_siblings(self, owner: str, session_id: str | None = None) -> None:
        """Note what another process has begun or ended of an owner, or of one session, and has not noted yet."""
        running = set(await self._event_log.running(owner))
        newest = Query(session_id=session_id, limit=min(_NEWEST + len(running), _MOST_ENTRIES))
        entries = (await self._records.search(owner, newest)).items
        missed = {entry.deliberation_id for entry in entries if entry.ended_at is None} - running
        if session_id is None:
            begun = running - {entry.deliberation_id for entry in entries}
            for deliberation_id in begun:
                await self._beginning(deliberation_id, owner)
            missed |= begun
        if missed:
            async with self._writing:
                await _note(self._event_log, self._records, [(id_, owner) for id_ in missed])

    async def _beginning(self, deliberation_id: str, owner: str) -> None:
        """Wait for the first event of a log: who has its id may have been answered a moment before that was written."""
        with suppress(DeliberationNotFound):
            async with self._event_log.follow(deliberation_id, owner) as batches:
                await anext(batches, None)

    async def _noting(self, waiting: Mapping[str, _Change]) -> None:
        """Return when none of ``waiting`` waits to be recorded any more."""
        self._n_waiting += 1
        self._is_awaited.set()
        try:
            while any(self._changes.get(id_) is change for id_, change in waiting.items()):
                await self._noted.wait()
        finally:
            self._n_waiting -= 1
            if not self._n_waiting:
                self._is_awaited.clear()

    async def _work(self) -> None:
        retry_s = _FIRST_RETRY_S
        while True:
            await self._wake.wait()
            with suppress(TimeoutError):
                async with asyncio.timeout(_GATHER_S):
                    await self._is_awaited.wait()
            self._wake.clear()
            try:
                await self._note_changes()
                if self._is_behind:
                    await self._bring_up()
            except (RecordsUnavailable, LogUnavailable) as error:
                _log.warning("%s Trying again in %g s. (%s)", error.message, retry_s, error.code)
                await asyncio.sleep(retry_s)
                retry_s = min(2 * retry_s, _LONGEST_RETRY_S)
                self._wake.set()
            except Exception:  # noqa: BLE001 - the supervisor of the recording
                _log.exception("recording failed")
            else:
                retry_s = _FIRST_RETRY_S

    async def _note_changes(self) -> None:
        while ready := [item for item in self._changes.items() if item[1].is_ready][:_BATCH]:
            async with self._writing:
                await _note(self._event_log, self._records, [(id_, change.owner) for id_, change in ready])
            for deliberation_id, change in ready:
                # What changed again meanwhile is another change.
                if self._changes.get(deliberation_id) is change:
                    del self._changes[deliberation_id]
            self._announce_noted()

    async def _bring_up(self) -> None:
        self._is_behind = False
        try:
            n_noted = await _bring_up(self._event_log, self._records, only_unended=True)
        except BaseException:
            self._is_behind = True
            raise
        if n_noted:
            _log.info("recorded %d deliberations that had not been", n_noted)

    def _announce_noted(self) -> None:
        self._noted.set()
        self._noted = asyncio.Event()


class NoRecords:
    """Implements `Records` where nothing is to be recorded: nothing is ever found."""

    async def note(self, recordings: Sequence[Recording]) -> None:
        """Keep nothing."""

    async def unended(self, deliberation_ids: Sequence[str]) -> Sequence[str]:
        """Miss nothing."""
        del deliberation_ids
        return ()

    async def search(self, owner: str, query: Query) -> Entries:
        """Find nothing."""
        del owner, query
        return Entries((), None)

    async def sessions(self, owner: str, limit: int = 20, cursor: str | None = None) -> Sessions:
        """Find nothing."""
        del owner, limit, cursor
        return Sessions((), None)

    async def rename(self, owner: str, deliberation_id: str, title: str | None) -> None:
        """Keep nothing."""

    async def forget(self, owner: str, deliberation_id: str) -> bool:
        """Find nothing to forget."""
        del owner, deliberation_id
        return False


async def rebuild(log: EventLog, records: ClearableRecords) -> int:
    """Make the records anew from the log, and give how many deliberations they hold then.

    Cancelled or broken off, it leaves a part of them; the next start of a server, or another rebuild, adds the rest.

    Raises:
        LogUnavailable: the log cannot be read now.
        RecordsUnavailable: the records cannot be written now.
    """
    await records.clear()
    return await _bring_up(log, records, only_unended=False)


async def _bring_up(log: EventLog, records: Records, *, only_unended: bool) -> int:
    """Note all logs, or those that ended and whose end is not recorded; give how many."""
    place, n_noted = 0, 0
    while page := await log.listed(place):
        place = page[-1].place
        owners = {item.deliberation_id: item.owner for item in page if item.has_ended or not only_unended}
        wanted = await records.unended(list(owners)) if only_unended else list(owners)
        for start in range(0, len(wanted), _BATCH):
            n_noted += await _note(log, records, [(id_, owners[id_]) for id_ in wanted[start : start + _BATCH]])
    return n_noted


async def _note(log: EventLog, records: Records, found: Sequence[_Found]) -> int:
    recordings = [recording for item in found if (recording := await _recording(log, *item))]
    if recordings:
        await _note_what_can_be(records, recordings)
    # What was forgotten since it was read is forgotten again: `forget` deletes the log first, then the record.
    for recording in recordings:
        try:
            await log.read(recording.entry.deliberation_id, recording.owner, limit=0)
        except DeliberationNotFound:
            await records.forget(recording.owner, recording.entry.deliberation_id)
    return len(recordings)


async def _note_what_can_be(records: Records, recordings: Sequence[Recording]) -> None:
    """Note recordings; one that cannot be noted at all is left out, and does not keep the others out."""
    try:
        await records.note(recordings)
    except RecordsUnavailable:
        raise
    except Exception:  # noqa: BLE001 - supervises each recording: a fault in one must not keep the others out for ever
        if len(recordings) == 1:
            _log.exception("deliberation %s cannot be recorded", recordings[0].entry.deliberation_id)
            return
        for recording in recordings:
            await _note_what_can_be(records, [recording])


async def _recording(log: EventLog, deliberation_id: str, owner: str) -> Recording | None:
    """Read a log and give what is to be recorded of it; ``None`` where there is nothing to go by."""
    try:
        return recording_of(await _state(log, deliberation_id, owner), owner)
    except DeliberationNotFound:
        return None
    except ValueError:
        # `MalformedEvent`, or a time that is none.
        _log.exception("the log of deliberation %s cannot be read, so it is not recorded", deliberation_id)
        return None


async def _state(log: EventLog, deliberation_id: str, owner: str) -> DeliberationState:
    # By itself, so that records and fold are gone before the text they hold is made into others.
    folded = Fold()
    while True:
        page = await log.read(deliberation_id, owner, folded.cursor, _PAGE)
        for record in page.records:
            folded.add(decode(record.body))
        # A page that is not full was all there was: a log that is being written is not run after to its end.
        if page.is_done or len(page.records) < _PAGE:
            return folded.state
        await asyncio.sleep(0)
