"""The records keep the contract of their port, and say what is wrong where they cannot be used."""

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine

from magisystem.deliberation.ports import ClearableRecords, Query
from magisystem.errors import RecordsNewer, RecordsUnavailable
from magisystem.records import SqlRecords, migrating, sqlite_file
from magisystem.records.tables import METADATA
from magisystem.testing.records import OWNER, RecordsContract, ended, entry, found, noted

FILE = "records.sqlite"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / FILE


class TestSqliteRecords(RecordsContract):
    @pytest.fixture
    async def records(self, path: Path) -> AsyncGenerator[ClearableRecords]:
        async with SqlRecords.open(path) as records:
            yield records

    async def test_what_was_noted_is_there_when_they_are_opened_again(self, path: Path) -> None:
        async with SqlRecords.open(path) as records:
            await noted(records, ended(entry()), text="移行")
        async with SqlRecords.open(path) as records:
            assert (await records.search(OWNER, Query(text="移行"))).items == (ended(entry()),)

    async def test_a_write_that_waits_for_a_lock_holds_up_no_reading(self, path: Path) -> None:
        async with SqlRecords.open(path) as records:
            await noted(records, entry())
        async with SqlRecords.open(path) as records:
            with sqlite3.connect(path, isolation_level=None) as other:
                other.execute("BEGIN IMMEDIATE")
                writing = asyncio.create_task(noted(records, entry("two", at_s=1)))
                async with asyncio.timeout(3):
                    for _ in range(20):
                        assert await found(records, "what") == ["one"]
                assert not writing.done()
                other.execute("ROLLBACK")
            await writing
            assert await found(records) == ["two", "one"]
            other.close()

    async def test_they_can_be_named_by_a_url_as_well(self, tmp_path: Path) -> None:
        odd = tmp_path / "a b%20?c"
        async with SqlRecords.open(f"sqlite:///{tmp_path}/by-url.sqlite") as records:
            await noted(records, entry())
        async with SqlRecords.open(odd / FILE) as records:
            await noted(records, entry())
        assert (odd / FILE).exists()
        assert (tmp_path / "by-url.sqlite").exists()


# --- Migrations -------------------------------------------------------------------------------------------------------


def is_ours(name: str | None, kind: str, _: object) -> bool:
    """Leave out what the full-text index keeps for itself."""
    return kind != "table" or name in METADATA.tables


def migrated(path: Path) -> str:
    """Give the URL of a file; what is at a URL is always made by the migrations."""
    return f"sqlite:///{path}"


def schema_of(path: Path) -> list[object]:
    """Give everything a file's schema has, without the white space of its statements."""
    with closing(sqlite3.connect(path)) as connection:
        found = connection.execute("SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_master").fetchall()
        marks = connection.execute("PRAGMA application_id").fetchall()
        revisions = connection.execute("SELECT version_num FROM alembic_version").fetchall()
    return [sorted((*names, "".join(sql.split())) for *names, sql in found), marks, revisions]


async def test_a_new_file_is_what_the_migrations_would_have_made_of_it(tmp_path: Path) -> None:
    new, moved = tmp_path / "new.sqlite", tmp_path / "migrated.sqlite"
    for place in (new, migrated(moved)):
        async with SqlRecords.open(place) as records:
            await records.load()
    assert schema_of(new) == schema_of(moved)


async def test_a_start_on_a_new_file_and_on_one_in_order_loads_no_library(tmp_path: Path) -> None:
    code = (
        "import asyncio, sys; from pathlib import Path; from magisystem.records import SqlRecords\n"
        "async def main():\n"
        "    async with SqlRecords.open(Path(sys.argv[1])): assert not {'sqlalchemy', 'alembic'} & set(sys.modules)\n"
        "asyncio.run(main())"
    )
    for _ in range(2):
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, str(tmp_path / "in" / FILE))
        assert await process.wait() == 0


async def test_the_migrations_lead_to_the_tables_the_code_knows(path: Path) -> None:
    async with SqlRecords.open(migrated(path)):
        pass
    engine = create_engine(f"sqlite:///{quote(str(path))}")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_name": is_ours})
        assert compare_metadata(context, METADATA) == []
    engine.dispose()


def test_the_newest_migration_is_the_one_the_code_asks_for() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrating.__file__).parent / "migrations"))
    assert ScriptDirectory.from_config(config).get_heads() == [sqlite_file.HEAD]


async def test_a_start_that_finds_the_newest_schema_migrates_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with SqlRecords.open(path) as records:
        await noted(records, entry())

    def refuse(*_: object) -> None:
        pytest.fail("migrated again")

    monkeypatch.setattr(migrating, "upgrade", refuse)
    async with SqlRecords.open(path) as records:
        assert await found(records) == ["one"]


@pytest.mark.parametrize("place", ["'sqlite:///' + sys.argv[1]", "Path(sys.argv[1])"])
async def test_of_many_that_start_together_one_makes_the_schema(path: Path, place: str) -> None:
    code = (
        "import asyncio, sys; from pathlib import Path; from magisystem.records import SqlRecords\n"
        "async def main():\n"
        f"    async with SqlRecords.open({place}) as records: await records.unended(['one'])\n"
        "sys.stdin.read()\n"
        "asyncio.run(main())"
    )
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", code, str(path), stdin=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for _ in range(4)
    ]
    async with asyncio.timeout(50):
        ends = await asyncio.gather(*(process.communicate(b"") for process in processes))
    assert [process.returncode for process in processes] == [0] * 4, ends
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [(sqlite_file.HEAD,)]
    connection.close()


async def test_a_migration_that_breaks_off_leaves_nothing_and_the_next_start_makes_it(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upgrade = migrating.upgrade

    def breaks_off(connection: Connection, revision: str | None, name: str) -> None:
        upgrade(connection, revision, name)
        raise OSError("the machine stops here")

    monkeypatch.setattr(migrating, "upgrade", breaks_off)
    with pytest.raises(RecordsUnavailable):
        async with SqlRecords.open(migrated(path)):
            pass
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
    connection.close()
    monkeypatch.undo()
    async with SqlRecords.open(migrated(path)) as records:
        assert await found(records) == []


async def test_records_of_a_newer_version_are_refused_by_name(path: Path) -> None:
    async with SqlRecords.open(path):
        pass
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(RecordsNewer):
        async with SqlRecords.open(path):
            pass


# --- What cannot be used ----------------------------------------------------------------------------------------------


async def test_a_file_that_is_no_database_is_refused_by_name_and_left_alone(path: Path) -> None:
    written = b"not a database, but somebody's text" * 100
    path.write_bytes(written)  # noqa: ASYNC240 - nothing else runs
    with pytest.raises(RecordsUnavailable) as refused:
        async with SqlRecords.open(path):
            pass
    assert str(path) in refused.value.message
    assert path.read_bytes() == written  # noqa: ASYNC240 - nothing else runs


async def test_a_database_of_another_program_is_refused_by_name_and_left_alone(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE theirs (n)")
    connection.close()
    with pytest.raises(RecordsUnavailable):
        async with SqlRecords.open(path):
            pass
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("theirs",)]
    connection.close()


async def test_a_place_where_no_file_can_be_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RecordsUnavailable):
        async with SqlRecords.open(tmp_path / "file" / FILE):
            pass


async def test_records_that_are_locked_when_they_have_to_be_made_are_refused_by_name(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_file, "_BUSY_S", 0.05)
    async with SqlRecords.open(path):
        pass
    with sqlite3.connect(path, isolation_level=None) as other:
        other.execute("DROP TABLE alembic_version")
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(RecordsUnavailable):
            async with SqlRecords.open(path):
                pass
        other.execute("ROLLBACK")
    other.close()


async def test_damage_found_while_running_is_a_named_error(path: Path) -> None:
    async with SqlRecords.open(path) as records:
        await noted(records, *(entry(f"{n}", at_s=n) for n in range(500)), text="fruit " * 100)
    size = path.stat().st_size  # noqa: ASYNC240 - nothing else runs
    with path.open("r+b") as file:
        file.seek(size // 4)
        file.write(b"\xff" * (size // 2))
    async with SqlRecords.open(path) as records:
        with pytest.raises(RecordsUnavailable):
            await records.search(OWNER, Query(limit=1_000))


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg://magi:hush@db/magi",
        "no url",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///f?mode=ro",
        "://u:hush@",
    ],
)
async def test_a_url_that_cannot_be_used_is_refused_by_the_name_of_its_setting_without_its_password(url: str) -> None:
    with pytest.raises(RecordsUnavailable) as refused:
        async with SqlRecords.open(url):
            pass
    assert "MAGI_RECORDS_URL" in refused.value.message
    assert "hush" not in refused.value.message
