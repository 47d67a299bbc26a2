"""The deliberations of this process: started, followed, read and cancelled. The one thing the edges talk to."""

import asyncio
import hashlib
import logging
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec

from magisystem.council.agents import AgentChange, Council
from magisystem.council.briefs import Matter
from magisystem.council.presets import MAGI
from magisystem.deliberation.admission import Admission, Capacity
from magisystem.deliberation.charter import Charter
from magisystem.deliberation.convening import Case, Convening
from magisystem.deliberation.endings import Endings, all_records
from magisystem.deliberation.history import History, NoRecords
from magisystem.deliberation.journal import Pace
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
from magisystem.errors import (
    DeliberationNotFound,
    InvalidRequest,
    LogDamaged,
    LogUnavailable,
    MagiError,
    Overloaded,
    RunsElsewhere,
)
from magisystem.protocol.codec import MalformedEvent, decode
from magisystem.protocol.fold import DeliberationState, Fold
from magisystem.protocol.values import Mode

_log = logging.getLogger(__name__)
# Together with the drain of the history and the connections' grace below the 5 s in which a stop is to be over.
_SHUTDOWN_S = 2.0
_CANCEL_S = 5.0
_NOT_CONFIRMED = "The deliberation is stopped, but the log cannot be written now to confirm it. Ask again in a moment."
CHARTER_UNREADABLE = "charter_unreadable"
_MOST_ATTEMPTS = 6
RECOVERY_GIVEN_UP = "recovery_given_up"
_NOT_RECOVERED = "The server stopped again and again while this deliberation ran, and has given it up. Ask again."
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


# Makes a proposal of what somebody asks for, such as by looking up its council.
Proposing = Callable[[], Awaitable[Proposal]]


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


@dataclass(frozen=True, slots=True)
class _Running:
    convening: Convening
    task: asyncio.Task[None]

    def stop(self) -> None:
        """Cancel the deliberation in its owner's name; the models are let go of at once."""
        if self.convening.cancelled_by is None:
            self.convening.cancelled_by = self.convening.owner
            if not self.convening.has_failed:
                self.task.cancel()


class Deliberations:
    """Starts deliberations and keeps them running, detached from whoever watches.

    An async context manager; leaving it stops what still runs and leaves its log without an end, for `recover`.
    ``history`` finds what there was; without ``records`` it finds nothing. An owner has at most ``most_running`` of
    them running, in all processes on the log, and this one all owners together as many as ``capacity`` says; what is
    recovered goes on beyond both. With ``has_siblings`` other processes serve the same people.
    """

    def __init__(  # noqa: PLR0913 - ports, and what is set, each by its name
        self,
        log: EventLog,
        models: Models,
        choice: ModelChoice,
        *,
        records: Records | None = None,
        limits: Limits | None = None,
        most_running: int | None = None,
        capacity: Capacity | None = None,
        has_siblings: bool = False,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._event_log = log
        self._models = models
        self._choice = choice
        self._limits = limits or Limits()
        self._now = now
        self._pace = Pace()
        self._has_caught_up = False
        self._most_running = most_running
        self._running: dict[str, _Running] = {}
        # The starts that are being written to the log.
        self._n_starting = 0
        self._admission = Admission(capacity, self._n_at_work, runs=lambda: bool(self._running))
        self._turned_at = now()
        self.history = History(log, records or NoRecords(), has_siblings=has_siblings)
        self._endings = Endings(log, self.history, now)

    async def __aenter__(self) -> "Deliberations":
        await self.history.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._admission.close()
        tasks = [running.task for running in self._running.values()]
        for running in list(self._running.values()):
            running.convening.leave()
            running.task.cancel()
        try:
            if tasks:
                await asyncio.wait(tasks, timeout=_SHUTDOWN_S)
        finally:
            await self.history.__aexit__()

    @property
    def choice(self) -> ModelChoice:
        """Which model an agent gets where nobody names one."""
        return self._choice

    @property
    def n_running(self) -> int:
        """How many deliberations run now."""
        return len(self._running)

    @property
    def is_busy(self) -> bool:
        """Whether anything runs that would come to an end by itself: not what only waits for a log to be writable."""
        return any(not running.convening.has_failed for running in self._running.values())

    @property
    def turned_at(self) -> datetime:
        """When the process last went from resting, with nothing that runs, to work, or from work to rest."""
        return self._turned_at

    async def start(self, proposal: Proposal | Proposing, owner: str, idempotency_key: str | None = None) -> str:
        """Begin a deliberation and give its id; its log exists when this returns, and it runs on by itself.

        With a key, a start made before is not made again: its deliberation's id is given, be it running or ended.
        In a session, the council is told of its finished turns. A proposal that is yet to be made is made once there
        is room for it, so that a refusal for want of room costs next to nothing.

        Raises:
            Overloaded: there is no room now, and the key, if any, is new.
            RequestError: the proposal cannot be deliberated on as it is; the field is named.
            ModelUnavailable: an agent's model cannot be used here; the mend is named.
            TooManyRunning: the owner has as many running as one may.
            SessionNotYours: the session is another owner's.
            IdempotencyConflict: the key began another proposal.
            LogUnavailable: the log cannot be written now.
        """
        async with self._let_in(owner, idempotency_key) as waited_s:
            proposal = proposal if isinstance(proposal, Proposal) else await proposal()
            case = await self._case(proposal, owner)
        # Without a wait from here until it counts as starting: of many starts at the same time each takes a place.
        idempotency = Idempotency(idempotency_key, proposal.fingerprint) if idempotency_key else None
        self._n_starting += 1
        # From here on it goes its way, whatever becomes of who asked: a log that is begun must get its writer.
        return await asyncio.shield(self._begin(case, owner, idempotency, waited_s))

    @asynccontextmanager
    async def _let_in(self, owner: str, idempotency_key: str | None) -> AsyncGenerator[float]:
        """Hold a place for a start, and give how long it was waited for.

        Whoever repeats a start attaches to what there is, which asks for no room. That is looked for only where there
        is none, for the look is a read of the log.
        """
        async with AsyncExitStack() as held:
            try:
                waited_s = await held.enter_async_context(self._admission.place())
            except Overloaded:
                if idempotency_key is None or not await self._event_log.has_begun(owner, idempotency_key):
                    raise
                waited_s = 0.0
            yield waited_s

    async def _case(self, proposal: Proposal, owner: str) -> Case:
        """Give the case that a proposal makes; see `start` for what is wrong with it."""
        self._limits.check(proposal.council.limits)
        council = proposal.council.changed(proposal.changes)
        if proposal.mode is Mode.CHAT and council.judge is None:
            raise InvalidRequest("The mode `chat` needs a judge: it alone answers.", field="mode")
        names = self._model_names(council, proposal.mode)
        models = await self._find_models(names)
        matter = proposal.matter
        if proposal.session_id is not None:
            matter = await self.history.with_earlier_turns(matter, owner, proposal.session_id)
        return Case(
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

    async def recover(self) -> list[str]:
        """Go on with what a dead process left unfinished, and give the ids; have recorded what it had not.

        Raises:
            LogUnavailable: the log cannot be read or written now.
        """
        if not self._has_caught_up:
            self._has_caught_up = True
            self.history.catch_up()
        recovered: list[str] = []
        for unfinished in await self._event_log.recover():
            try:
                if await self._go_on(unfinished):
                    recovered.append(unfinished.deliberation_id)
            except Exception:  # noqa: BLE001 - the supervisor of recovery: one deliberation must not keep the others back
                _log.exception("deliberation %s cannot be recovered", unfinished.deliberation_id)
                await self._endings.give_up(unfinished, LogDamaged.code, LogDamaged(unfinished.deliberation_id).message)
        return recovered

    async def _go_on(self, unfinished: Unfinished) -> bool:
        """Go on with one deliberation; tell whether it is, or was given up with its `error`."""
        past = Past(await all_records(self._event_log, unfinished.deliberation_id, unfinished.owner))
        if past.most_attempts >= _MOST_ATTEMPTS:
            # It may be what its processes died of; somebody has to say so in the end.
            await self._endings.give_up(unfinished, RECOVERY_GIVEN_UP, _NOT_RECOVERED)
            return False
        try:
            charter = Charter.decode(unfinished.charter)
            models = await self._find_models(charter.models)
        except msgspec.DecodeError:
            await self._endings.give_up(unfinished, CHARTER_UNREADABLE, _NOT_READABLE)
            return False
        except MagiError as error:
            await self._endings.give_up(unfinished, error.code, error.message)
            return False
        case = Case(unfinished.deliberation_id, charter, models)
        convening = Convening(
            case, unfinished.owner, self._limits.narrowed(charter.council.limits), self._now, past, self._pace
        )
        await self._detach(convening, unfinished.writer)
        return True

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
            await self._stop_to_forget(deliberation_id, owner)
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
        try:
            for record in await all_records(self._event_log, deliberation_id, owner):
                folded.add(decode(record.body))
        except MalformedEvent as error:
            raise LogDamaged(deliberation_id) from error
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
            RunsElsewhere: another process runs it, was told to stop it, and has not done so within 5 s.
            LogUnavailable: it is stopped, but the log cannot be written now to confirm it; it will be, once it can.
            LogDamaged: its log cannot be read as events.
        """
        state = await self.state(deliberation_id, owner)
        if state.has_ended:
            return state
        running = self._running.get(deliberation_id)
        if running is None:
            await self._stop_elsewhere(deliberation_id, owner, state.cursor)
            return await self.state(deliberation_id, owner)
        running.stop()
        # Models are let go of at once; only the log may keep the confirmation back.
        await asyncio.wait([running.task], timeout=_CANCEL_S)
        state = await self.state(deliberation_id, owner)
        if not state.has_ended:
            raise LogUnavailable(_NOT_CONFIRMED)
        return state

    async def _stop_elsewhere(self, deliberation_id: str, owner: str, after: int) -> None:
        """Have another process stop a deliberation, and wait until the log has its end."""
        await self._event_log.ask_to_stop(deliberation_id, owner)
        try:
            async with asyncio.timeout(_CANCEL_S), self.follow(deliberation_id, owner, after) as batches:
                async for _ in batches:
                    pass
        except TimeoutError:
            raise RunsElsewhere(deliberation_id) from None

    async def _stop_to_forget(self, deliberation_id: str, owner: str) -> None:
        try:
            await self.cancel(deliberation_id, owner)
        except LogDamaged:
            # What cannot be read any more can still be deleted.
            _log.warning("the damaged log of deliberation %s is deleted", deliberation_id)

    def _model_names(self, council: Council, mode: Mode) -> dict[str, str]:
        agents = council.agents if mode is Mode.DELIBERATE else tuple(filter(None, [council.judge]))
        return {agent.id: agent.model or self._choice.for_agent(agent.id) for agent in agents}

    async def _find_models(self, names: Mapping[str, str]) -> dict[str, Model]:
        return {
            agent_id: await self._models.find(name, field=f"agents.{agent_id}.model")
            for agent_id, name in names.items()
        }

    async def _begin(self, case: Case, owner: str, idempotency: Idempotency | None, waited_s: float) -> str:
        charter = case.charter
        try:
            writer = await self._event_log.create(
                case.deliberation_id, owner, charter.encode(), idempotency, charter.session_id, self._most_running
            )
        finally:
            self._n_starting -= 1
        if isinstance(writer, Repeated):
            return writer.deliberation_id
        # Without a wait before it is among those that run: in between it would count for nothing, or twice.
        limits = self._limits.narrowed(charter.council.limits)
        convening = Convening(case, owner, limits, self._now, pace=self._pace, waited_s=waited_s)
        await self._detach(convening, writer)
        return case.deliberation_id

    def _n_at_work(self) -> int:
        """Count what takes a place. Whoever has read an end may begin anew at once, so what is ending takes none."""
        return self._n_starting + sum(not each.convening.is_ending for each in self._running.values())

    async def _detach(self, convening: Convening, writer: LogWriter) -> None:
        deliberation_id = convening.case.deliberation_id
        writer = self.history.watched(writer, deliberation_id, convening.owner, convening.case.charter.session_id)
        task = asyncio.create_task(self._supervise(convening, writer), name=deliberation_id)
        if not self.is_busy:
            self._turned_at = self._now()
        running = self._running[deliberation_id] = _Running(convening, task)
        self._admission.watch()
        # Its first step: a task cancelled before that would end without entering the code that ends its log.
        await asyncio.sleep(0)
        writer.on_stop(running.stop)

    async def _supervise(self, convening: Convening, writer: LogWriter) -> None:
        deliberation_id = convening.case.deliberation_id
        try:
            await convening.run(writer)
        except asyncio.CancelledError:
            _log.info("deliberation %s was stopped", deliberation_id)
        except Exception:  # noqa: BLE001 - the supervisor of a detached task
            # Only the log itself failing comes this far.
            _log.exception("the log of deliberation %s failed", deliberation_id)
            convening.has_failed = True
            self._come_to_rest()
            await self._endings.when_possible(convening, writer)
        finally:
            del self._running[deliberation_id]
            if not convening.has_failed:
                self._come_to_rest()

    def _come_to_rest(self) -> None:
        if not self.is_busy:
            self._turned_at = self._now()
