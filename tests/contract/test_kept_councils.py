"""Councils that are kept keep the contract of their port, and outlive the records beside them being made anew."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from magisystem.deliberation.ports import KeptCouncils
from magisystem.records import RECORDS_FILE, SqlRecords
from magisystem.testing.councils import OWNER, KeptCouncilsContract, kept


class TestSqliteCouncils(KeptCouncilsContract):
    @pytest.fixture
    async def councils(self, tmp_path: Path) -> AsyncGenerator[KeptCouncils]:
        async with SqlRecords.open(tmp_path / RECORDS_FILE) as records:
            yield records.councils

    async def test_they_are_there_when_they_are_opened_again_and_the_records_were_emptied(self, tmp_path: Path) -> None:
        async with SqlRecords.open(tmp_path / RECORDS_FILE) as records:
            await records.councils.keep(OWNER, kept())
            await records.clear()
        async with SqlRecords.open(tmp_path / RECORDS_FILE) as records:
            assert await records.councils.find(OWNER, "mine") == kept()
