"""Every event log keeps the contract of its port."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from magisystem.deliberation.ports import EventLog
from magisystem.errors import DeliberationNotFound
from magisystem.logs import MemoryEventLog
from magisystem.logs.sqlite import SqliteEventLog
from magisystem.testing.event_log import OWNER, EventLogContract, begun, followed, records


class TestMemoryEventLog(EventLogContract):
    @pytest.fixture
    def log(self) -> EventLog:
        return MemoryEventLog()

    async def test_finished_logs_beyond_the_bound_are_forgotten_and_running_ones_never(self) -> None:
        log = MemoryEventLog(keep_finished=2)
        running = await begun(log, "running")
        await running.append(records(1, 1))
        for name in ("first", "second", "third"):
            await (await begun(log, name)).append(records(1, 1, ends=True))
        with pytest.raises(DeliberationNotFound):
            await log.read("first", OWNER)
        assert len(await followed(log, "third")) == 1
        await running.append(records(2, 2, ends=True))
        assert len(await followed(log, "running")) == 2


class TestSqliteEventLog(EventLogContract):
    @pytest.fixture
    async def log(self, tmp_path: Path) -> AsyncGenerator[EventLog]:
        async with SqliteEventLog.open(tmp_path) as log:
            yield log

    @pytest.fixture
    async def other(self, log: EventLog, tmp_path: Path) -> AsyncGenerator[EventLog]:
        del log
        async with SqliteEventLog.open(tmp_path) as other:
            yield other
