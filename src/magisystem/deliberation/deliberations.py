"""The deliberations of this process: started, followed, read and cancelled. The one thing the edges talk to."""

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from magisystem.council.agents import AgentChange, Council
from magisystem.council.briefs import Matter
from magisystem.council.presets import MAGI
from magisystem.deliberation.convening import Case, Convening
from magisystem.deliberation.limits import Limits
from magisystem.deliberation.ports import EventLog, LogWriter, Model, Models, Page, Record
from magisystem.errors import InvalidRequest
from magisystem.protocol.codec import decode
from magisystem.protocol.fold import DeliberationState, Fold
from magisystem.protocol.values import Mode

_log = logging.getLogger(__name__)
_SHUTDOWN_S = 5.0


@dataclass(frozen=True, slots=True)
class Proposal:
    """What somebody asks for: a matter, and by whom and how it is to be deliberated on."""

    matter: Matter
    mode: Mode = Mode.DELIBERATE
    council: Council = MAGI
    changes: Mapping[str, AgentChange] = field(default_factory=dict[str, AgentChange])
    session_id: str | None = None


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """Which model an agent gets where neither the request nor its council names one."""

    default: str
    by_agent: Mapping[str, str] = field(default_factory=dict[str, str])

    def for_agent(self, agent_id: str) -> str:
        """Give the model's name for an agent."""
        return self.by_agent.get(agent_id, self.default)


class Deliberations:
    """Starts deliberations and keeps them running, detached from whoever watches.

    An async context manager; leaving it cuts what still runs, each with its terminal event.
    """

    def __init__(
        self,
        log: EventLog,
        models: Models,
        choice: ModelChoice,
        *,
        limits: Limits | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._event_log = log
        self._models = models
        self._choice = choice
        self._limits = limits or Limits()
        self._now = now
        self._running: dict[str, tuple[Convening, asyncio.Task[None]]] = {}

    async def __aenter__(self) -> "Deliberations":
        return self

    async def __aexit__(self, *_: object) -> None:
        tasks = [task for _, task in self._running.values()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=_SHUTDOWN_S)

    @property
    def n_running(self) -> int:
        """How many deliberations run now."""
        return len(self._running)

    async def start(self, proposal: Proposal, owner: str) -> str:
        """Begin a deliberation and give its id; its log exists when this returns, and it runs on by itself.

        Raises:
            RequestError: the proposal cannot be deliberated on as it is; the field is named.
            ModelUnavailable: an agent's model cannot be used here; the mend is named.
            LogUnavailable: the log cannot be written now.
        """
        council = proposal.council.changed(proposal.changes)
        if proposal.mode is Mode.CHAT and council.judge is None:
            raise InvalidRequest("The mode `chat` needs a judge: it alone answers.", field="mode")
        case = Case(
            deliberation_id=uuid.uuid4().hex,
            session_id=proposal.session_id or uuid.uuid4().hex,
            mode=proposal.mode,
            matter=proposal.matter,
            council=council,
            models=await self._find_models(council, proposal.mode),
        )
        writer = await self._event_log.create(case.deliberation_id, owner)
        convening = Convening(case, self._limits, self._now)
        task = asyncio.create_task(self._supervise(convening, writer), name=case.deliberation_id)
        self._running[case.deliberation_id] = (convening, task)
        # Its first step: a task cancelled before that would end without entering the code that ends its log.
        await asyncio.sleep(0)
        return case.deliberation_id

    def follow(
        self, deliberation_id: str, owner: str, after: int = 0
    ) -> AbstractAsyncContextManager[AsyncIterator[Sequence[Record]]]:
        """Follow a deliberation; see `EventLog.follow`."""
        return self._event_log.follow(deliberation_id, owner, after)

    async def read(self, deliberation_id: str, owner: str, after: int = 0) -> Page:
        """Give a stretch of a deliberation's log; see `EventLog.read`."""
        return await self._event_log.read(deliberation_id, owner, after)

    async def state(self, deliberation_id: str, owner: str) -> DeliberationState:
        """Give a deliberation as its events tell it now.

        Raises:
            DeliberationNotFound: there is none of that id, or it is another owner's.
        """
        folded = Fold()
        while True:
            page = await self._event_log.read(deliberation_id, owner, folded.cursor)
            for record in page.records:
                folded.add(decode(record.body))
            if page.is_done or not page.records:
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
        await self._event_log.read(deliberation_id, owner)
        if (running := self._running.get(deliberation_id)) is not None:
            convening, task = running
            if convening.cancelled_by is None:
                convening.cancelled_by = owner
                task.cancel()
            await asyncio.wait([task])
        return await self.state(deliberation_id, owner)

    async def _find_models(self, council: Council, mode: Mode) -> dict[str, Model]:
        agents = council.agents if mode is Mode.DELIBERATE else tuple(filter(None, [council.judge]))
        return {
            agent.id: await self._models.find(
                agent.model or self._choice.for_agent(agent.id), field=f"agents.{agent.id}.model"
            )
            for agent in agents
        }

    async def _supervise(self, convening: Convening, writer: LogWriter) -> None:
        deliberation_id = convening.case.deliberation_id
        try:
            await convening.run(writer)
        except asyncio.CancelledError:
            _log.info("deliberation %s was cut", deliberation_id)
        except Exception:  # noqa: BLE001 - the supervisor of a detached task
            # Only the log itself failing comes this far: there is nowhere left to write a terminal event to.
            _log.exception("the log of deliberation %s failed", deliberation_id)
        finally:
            del self._running[deliberation_id]
