"""A scripted server with a log and records in a folder, and records that fail at will."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx2

from magisystem.application import Application, open_catalogue
from magisystem.config import read_configuration
from magisystem.deliberation import Deliberations, ModelChoice
from magisystem.deliberation.councils import Councils
from magisystem.deliberation.ports import Entries, Query, Recording, Records, Sessions
from magisystem.errors import RecordsUnavailable
from magisystem.http.app import create_app
from magisystem.identity import Callers
from magisystem.logs.sqlite import SqliteEventLog
from magisystem.records import RECORDS_FILE, SqlRecords
from magisystem.testing.scripted import ScriptedModel
from tests.support.serving import NO_BUNDLE, Server, listening

COUNCILS_FILE = "councils.sqlite"


@asynccontextmanager
async def recording(
    folder: Path,
    model: ScriptedModel | None = None,
    records: Records | None = None,
    *,
    most_running: int | None = None,
    has_siblings: bool = False,
) -> AsyncGenerator[Deliberations]:
    """Give the deliberations of a process whose log and, unless others are given, records lie in ``folder``."""
    async with (
        SqliteEventLog.open(folder) as log,
        SqlRecords.open(folder / RECORDS_FILE) as own,
        Deliberations(
            log,
            model or ScriptedModel(),
            ModelChoice("scripted:model"),
            records=records or own,
            most_running=most_running,
            has_siblings=has_siblings,
        ) as running,
    ):
        # As a server does before it answers: what it imports may otherwise take longer than a reader waits.
        await own.load()
        yield running


@asynccontextmanager
async def recording_server(
    folder: Path,
    model: ScriptedModel | None = None,
    records: Records | None = None,
    *,
    bundle: Path = NO_BUNDLE,
    callers: Callers | None = None,
    **given: object,
) -> AsyncGenerator[Server]:
    """Serve such a process, with the settings that are ``given``."""
    model = model or ScriptedModel()
    settings = read_configuration(environment={}, **given).settings
    async with (
        recording(folder, model, records, most_running=settings.running_per_owner) as running,
        SqlRecords.open(folder / COUNCILS_FILE) as kept,
    ):
        councils = Councils(kept.councils)
        application = Application(settings, running, open_catalogue(settings), councils, callers or Callers())
        app = create_app(application, bundle)
        async with listening(app) as url, httpx2.AsyncClient(base_url=url, timeout=20) as http:
            yield Server(http, url, running, model, app)


@dataclass
class FailingRecords:
    """`Records` that cannot be used while ``is_failing``; ``has_failed`` says that something was refused."""

    inner: Records
    is_failing: bool = True
    has_failed: asyncio.Event = field(default_factory=asyncio.Event)

    async def note(self, recordings: Sequence[Recording]) -> None:
        self._fail()
        await self.inner.note(recordings)

    async def unended(self, deliberation_ids: Sequence[str]) -> Sequence[str]:
        self._fail()
        return await self.inner.unended(deliberation_ids)

    async def search(self, owner: str, query: Query) -> Entries:
        self._fail()
        return await self.inner.search(owner, query)

    async def sessions(self, owner: str, limit: int = 20, cursor: str | None = None) -> Sessions:
        self._fail()
        return await self.inner.sessions(owner, limit, cursor)

    async def rename(self, owner: str, deliberation_id: str, title: str | None) -> None:
        self._fail()
        await self.inner.rename(owner, deliberation_id, title)

    async def forget(self, owner: str, deliberation_id: str) -> bool:
        self._fail()
        return await self.inner.forget(owner, deliberation_id)

    def _fail(self) -> None:
        if self.is_failing:
            self.has_failed.set()
            raise RecordsUnavailable("The records are away.")
