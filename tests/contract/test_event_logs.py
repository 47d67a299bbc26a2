"""Every event log keeps the contract of its port."""

import pytest

from magisystem.deliberation.ports import EventLog
from magisystem.errors import DeliberationNotFound
from magisystem.logs import MemoryEventLog
from magisystem.testing.event_log import OWNER, EventLogContract, followed, records


class TestMemoryEventLog(EventLogContract):
    @pytest.fixture
    def log(self) -> EventLog:
        return MemoryEventLog()

    async def test_finished_logs_beyond_the_bound_are_forgotten_and_running_ones_never(self) -> None:
        log = MemoryEventLog(keep_finished=2)
        running = await log.create("running", OWNER)
        await running.append(records(1, 1))
        for name in ("first", "second", "third"):
            await (await log.create(name, OWNER)).append(records(1, 1, ends=True))
        with pytest.raises(DeliberationNotFound):
            await log.read("first", OWNER)
        assert len(await followed(log, "third")) == 1
        await running.append(records(2, 2, ends=True))
        assert len(await followed(log, "running")) == 2
