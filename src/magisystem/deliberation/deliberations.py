"""The deliberations of this process: started, followed, read and cancelled. The one thing the edges talk to."""

import asyncio
import hashlib
import logging
import uuid
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec

from magisystem.council.agents import AgentChange, Council
from magisystem.council.briefs import Matter
from magisystem.council.presets import MAGI
from magisystem.deliberation.charter import Charter
from magisystem.deliberation.convening import Case, Convening
from magisystem.deliberation.history import History, NoRecords
from magisystem.deliberation.limits import Limits
from magisystem.deliberation.past import Past
from magisystem.deliberation.ports import (
    EventLog,
    Idempotency,
    LogWriter,
    Model,
    Models,
    Page,
    Record,
    Records,
    Repeated,
    Unfinished,
)
from magisystem.errors import DeliberationNotFound, InvalidRequest, LogError, LogUnavailable, MagiError
from magisystem.protocol.codec import decode, encode
from magisystem.protocol.events import Failed
from magisystem.protocol.fold import DeliberationState, Fold
from magisystem.protocol.values import Mode

_log = logging.getLogger(__name__)
_SHUTDOWN_S = 3.0
_RETRY_S = 2.0
_MOST_ATTEMPTS = 6
RECOVERY_GIVEN_UP = "recovery_given_up"
_NOT_RECOVERED = "The server stopped again and again while this deliberation ran, and has given it up. Ask again."
_LOG_FAILED = (
    "The log could not be written, so the deliberation was stopped. Ask again; the server's log has the cause."
)
_NOT_READABLE = "Another version of the server began this deliberation, and this one cannot go on with it. Ask again."


@dataclass(frozen=True, slots=True)
class Proposal:
    """What somebody asks for: a matter, and by whom and how it is to be deliberated on."""

    matter: Matter
    mode: Mode = Mode.DELIBERATE
    council: Council = MAGI
    changes: Mapping[str, AgentChange] = field(default_factory=dict[str, AgentChange])
    session_id: str | None = None

    @property
    def fingerprint(self) -> str:
        """What tells the same proposal from another one."""
        return hashlib.sha256(msgspec.json.encode(self)).hexdigest()


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """Which model an agent gets where neither the request nor its council names one.

    In ``by_agent`` an id is written as a variable's name can hold it: ``_`` stands for ``-``.
    """

    default: str
    by_agent: Mapping[str, str] = field(default_factory=dict[str, str])

    def for_agent(self, agent_id: str) -> str:
        """Give the model's name for an agent."""
        return self.by_agent.get(agent_id.replace("-", "_"), self.default)


class Deliberations:
    """Starts deliberations and keeps them running, detached from whoever watches.

    An async context manager; leaving it stops what still runs and leaves its log without an end, for `recover`.
    ``history`` finds what there was; without ``records`` it finds nothing.
    """

    def __init__(
        self,
        log: EventLog,
        models: Models,
        choice: ModelChoice,
        *,
        records: Records | None = None,
        limits: Limits | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._event_log = log
        self._models = models
        self._choice = choice
        self._limits = limits or Limits()
        self._now = now
        self._running: dict[str, tuple[Convening, asyncio.Task[None]]] = {}
        self.history = History(log, records or NoRecords())

    async def __aenter__(self) -> "Deliberations":
        await self.history.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        tasks = [task for _, task in self._running.values()]
        for convening, task in list(self._running.values()):
            convening.leave()
            task.cancel()
        try:
            if tasks:
                await asyncio.wait(tasks, timeout=_SHUTDOWN_S)
        finally:
            await self.history.__aexit__()

    @property
    def n_running(self) -> int:
        """How many deliberations run now."""
        return len(self._running)

    async def start(self, proposal: Proposal, owner: str, idempotency_key: str | None = None) -> str:
        """Begin a deliberation and give its id; its log exists when this returns, and it runs on by itself.

        With a key, a start made before is not made again: its deliberation's id is given, be it running or ended.
        In a session, the council is told of its finished turns.

        Raises:
            RequestError: the proposal cannot be deliberated on as it is; the field is named.
            ModelUnavailable: an agent's model cannot be used here; the mend is named.
            IdempotencyConflict: the key began another proposal.
            LogUnavailable: the log cannot be written now.
        """
        council = proposal.council.changed(proposal.changes)
        if proposal.mode is Mode.CHAT and council.judge is None:
            raise InvalidRequest("The mode `chat` needs a judge: it alone answers.", field="mode")
        names = self._model_names(council, proposal.mode)
        models = await self._find_models(names)
        matter = proposal.matter
        if proposal.session_id is not None:
            matter = await self.history.with_earlier_turns(matter, owner, proposal.session_id)
        case = Case(
            deliberation_id=uuid.uuid4().hex,
            charter=Charter(
                session_id=proposal.session_id or uuid.uuid4().hex,
                mode=proposal.mode,
                matter=matter,
                council=council,
                models=names,
            ),
            models=models,
        )
        idempotency = Idempotency(idempotency_key, proposal.fingerprint) if idempotency_key else None
        # From here on it goes its way, whatever becomes of who asked: a log that is begun must get its writer.
        return await asyncio.shield(self._begin(case, owner, idempotency))

    async def recover(self) -> list[str]:
        """Go on with what a dead process left unfinished, and give the ids; have recorded what it had not.

        Raises:
            LogUnavailable: the log cannot be read or written now.
        """
        self.history.catch_up()
        recovered: list[str] = []
        for unfinished in await self._event_log.recover():
            past = Past(await self._all_records(unfinished.deliberation_id, unfinished.owner))
            if past.most_attempts >= _MOST_ATTEMPTS:
                # It may be what its processes died of; somebody has to say so in the end.
                await self._append_error(unfinished.writer, past, RECOVERY_GIVEN_UP, _NOT_RECOVERED)
                continue
            try:
                charter = Charter.decode(unfinished.charter)
                models = await self._find_models(charter.models)
            except (msgspec.DecodeError, MagiError) as error:
                _log.warning("deliberation %s cannot be recovered: %s", unfinished.deliberation_id, error)
                await self._give_up(unfinished, past, error)
                continue
            case = Case(unfinished.deliberation_id, charter, models)
            convening = Convening(case, unfinished.owner, self._limits, self._now, past)
            await self._detach(convening, unfinished.writer)
            recovered.append(unfinished.deliberation_id)
        return recovered

    def follow(
        self, deliberation_id: str, owner: str, after: int = 0
    ) -> AbstractAsyncContextManager[AsyncIterator[Sequence[Record]]]:
        """Follow a deliberation; see `EventLog.follow`."""
        return self._event_log.follow(deliberation_id, owner, after)

    async def read(self, deliberation_id: str, owner: str, after: int = 0, limit: int = 10_000) -> Page:
        """Give a stretch of a deliberation's log; see `EventLog.read`."""
        return await self._event_log.read(deliberation_id, owner, after, limit)

    async def poll(self, deliberation_id: str, owner: str, after: int, wait_s: float) -> Page:
        """Give what the log holds after ``after``; where that is nothing yet, wait up to ``wait_s`` for something.

        Raises:
            DeliberationNotFound: there is none of that id, or it is another owner's.
            CursorAhead: ``after`` is beyond the log's end.
        """
        page = await self.read(deliberation_id, owner, after)
        if page.records or page.is_done or wait_s <= 0:
            return page
        async with self.follow(deliberation_id, owner, after) as batches:
            try:
                async with asyncio.timeout(wait_s):
                    await anext(batches, None)
            except TimeoutError:
                return page
        return await self.read(deliberation_id, owner, after)

    async def forget(self, deliberation_id: str, owner: str) -> None:
        """Stop a deliberation if it runs, and delete it: its log, then its record.

        Raises:
            DeliberationNotFound: there is none of that id, or it is another owner's.
            LogUnavailable: the log cannot be written now.
            RecordsUnavailable: the log is gone and the record is not; asked again, it deletes that.
        """
        try:
            await self.cancel(deliberation_id, owner)
            await self._event_log.forget(deliberation_id, owner)
        except DeliberationNotFound:
            # A deletion that was broken off has left the record.
            if not await self.history.forget(owner, deliberation_id):
                raise
        else:
            await self.history.forget(owner, deliberation_id)

    async def state(self, deliberation_id: str, owner: str) -> DeliberationState:
        """Give a deliberation as its events tell it now.

        Raises:
            DeliberationNotFound: there is none of that id, or it is another owner's.
        """
        folded = Fold()
        for record in await self._all_records(deliberation_id, owner):
            folded.add(decode(record.body))
        return folded.state

    async def outcome(self, deliberation_id: str, owner: str) -> DeliberationState:
        """Wait for a deliberation's end and give its state.

        Raises:
            DeliberationNotFound: there is none of that id, or it is another owner's.
        """
        folded = Fold()
        async with self.follow(deliberation_id, owner) as batches:
            async for batch in batches:
                for record in batch:
                    folded.add(decode(record.body))
        return folded.state

    async def cancel(self, deliberation_id: str, owner: str) -> DeliberationState:
        """Stop a deliberation and give its state, with the receipt. One that has ended stays as it is.

        Raises:
            DeliberationNotFound: there is none of that id, or it is another owner's.
        """
        await self._event_log.read(deliberation_id, owner, limit=0)
        if (running := self._running.get(deliberation_id)) is not None:
            convening, task = running
            if convening.cancelled_by is None:
                convening.cancelled_by = owner
                task.cancel()
            await asyncio.wait([task])
        return await self.state(deliberation_id, owner)

    def _model_names(self, council: Council, mode: Mode) -> dict[str, str]:
        agents = council.agents if mode is Mode.DELIBERATE else tuple(filter(None, [council.judge]))
        return {agent.id: agent.model or self._choice.for_agent(agent.id) for agent in agents}

    async def _find_models(self, names: Mapping[str, str]) -> dict[str, Model]:
        return {
            agent_id: await self._models.find(name, field=f"agents.{agent_id}.model")
            for agent_id, name in names.items()
        }

    async def _all_records(self, deliberation_id: str, owner: str) -> list[Record]:
        records: list[Record] = []
        while True:
            page = await self._event_log.read(deliberation_id, owner, len(records))
            records += page.records
            if page.is_done or not page.records:
                return records

    async def _begin(self, case: Case, owner: str, idempotency: Idempotency | None) -> str:
        writer = await self._event_log.create(case.deliberation_id, owner, case.charter.encode(), idempotency)
        if isinstance(writer, Repeated):
            return writer.deliberation_id
        await self._detach(Convening(case, owner, self._limits, self._now), writer)
        return case.deliberation_id

    async def _detach(self, convening: Convening, writer: LogWriter) -> None:
        deliberation_id = convening.case.deliberation_id
        writer = self.history.watched(writer, deliberation_id, convening.owner, convening.case.charter.session_id)
        task = asyncio.create_task(self._supervise(convening, writer), name=deliberation_id)
        self._running[deliberation_id] = (convening, task)
        # Its first step: a task cancelled before that would end without entering the code that ends its log.
        await asyncio.sleep(0)

    async def _supervise(self, convening: Convening, writer: LogWriter) -> None:
        deliberation_id = convening.case.deliberation_id
        try:
            await convening.run(writer)
        except asyncio.CancelledError:
            _log.info("deliberation %s was stopped", deliberation_id)
        except Exception:  # noqa: BLE001 - the supervisor of a detached task
            # Only the log itself failing comes this far.
            _log.exception("the log of deliberation %s failed", deliberation_id)
            await self._end_when_possible(convening, writer)
        finally:
            del self._running[deliberation_id]

    async def _end_when_possible(self, convening: Convening, writer: LogWriter) -> None:
        """End a log that failed with an `error` event as soon as it takes one, so that nobody waits for ever."""
        deliberation_id, owner = convening.case.deliberation_id, convening.owner
        while True:
            try:
                past = Past(await self._all_records(deliberation_id, owner))
                await self._append_error(writer, past, LogUnavailable.code, _LOG_FAILED)
            except LogUnavailable:
                await asyncio.sleep(_RETRY_S)
            except LogError:
                # Another process has taken it, or it is gone: there is nothing left to end here.
                return
            else:
                return

    async def _give_up(self, unfinished: Unfinished, past: Past, error: Exception) -> None:
        code = error.code if isinstance(error, MagiError) else "charter_unreadable"
        message = error.message if isinstance(error, MagiError) else _NOT_READABLE
        writer = self.history.watched(unfinished.writer, unfinished.deliberation_id, unfinished.owner, session_id="")
        await self._append_error(writer, past, code, message)

    async def _append_error(self, writer: LogWriter, past: Past, code: str, message: str) -> None:
        timestamp = self._now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
        event = Failed(seq=past.seq + 1, timestamp=timestamp, error=code, message=message, retryable=True)
        await writer.append([Record(event.seq, encode(event), is_terminal=True)])
