"""What is the SQLite log's own: that it lasts, that it is fenced across processes, and what is said when it fails."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

from magisystem.council.briefs import Matter
from magisystem.deliberation import Deliberations, ModelChoice, Proposal
from magisystem.deliberation.ports import LogWriter, Repeated
from magisystem.errors import Fenced, LogUnavailable, SessionNotYours
from magisystem.logs import sqlite_file
from magisystem.logs.sqlite import FILE_NAME, SqliteEventLog
from magisystem.protocol.events import Failed
from magisystem.testing.event_log import OWNER, begun, followed, records
from magisystem.testing.scripted import ScriptedModel, Wait, approval, speech

PROPOSAL = Proposal(Matter("Should we?"))


async def refusal(folder: Path) -> str:
    """Open the log, which must refuse, and give what it says."""
    with pytest.raises(LogUnavailable) as refused:
        async with SqliteEventLog.open(folder):
            pass
    return refused.value.message


def lose_locks(folder: Path) -> None:
    """Let every living process look dead."""
    for lock in folder.glob("*.lock"):
        lock.unlink()


def database(folder: Path, *statements: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(folder / FILE_NAME)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


async def test_a_log_outlives_its_process(tmp_path: Path) -> None:
    async with SqliteEventLog.open(tmp_path) as log:
        await (await begun(log)).append(records(1, 1_500, ends=True))
    async with SqliteEventLog.open(tmp_path) as log:
        assert await followed(log, "one") == records(1, 1_500, ends=True)


async def test_a_writer_that_was_taken_for_dead_is_fenced_when_it_wakes(tmp_path: Path) -> None:
    async with SqliteEventLog.open(tmp_path) as sleeper:
        writer = await begun(sleeper)
        await writer.append(records(1, 2))
        lose_locks(tmp_path)
        async with SqliteEventLog.open(tmp_path) as heir:
            (unfinished,) = await heir.recover()
            assert (unfinished.deliberation_id, unfinished.owner) == ("one", OWNER)
            await unfinished.writer.append(records(3, 3))
            with pytest.raises(Fenced):
                await writer.append(records(3, 3))
            await unfinished.writer.append(records(4, 4, ends=True))
            assert await followed(heir, "one") == records(1, 4, ends=True)
            assert await followed(sleeper, "one") == records(1, 4, ends=True)


async def test_a_stale_writer_costs_those_whose_words_are_committed_with_its_own_nothing(tmp_path: Path) -> None:
    async with SqliteEventLog.open(tmp_path) as log:
        stale, others = await begun(log), [await begun(log, f"other {n}") for n in range(3)]
        await stale.append(records(1, 2, ends=True))
        results = await asyncio.gather(
            *(writer.append(records(1, 2)) for writer in others),
            stale.append(records(3, 3)),
            others[0].append(records(3, 4, ends=True)),
            return_exceptions=True,
        )
        assert [type(result) for result in results] == [*[type(None)] * 3, Fenced, type(None)]
        assert await followed(log, "one") == records(1, 2, ends=True)
        assert await followed(log, "other 0") == records(1, 4, ends=True)


async def test_a_log_that_another_process_writes_is_followed_to_its_end(tmp_path: Path) -> None:
    async with SqliteEventLog.open(tmp_path) as writing, SqliteEventLog.open(tmp_path) as reading:
        writer = await begun(writing)
        following = asyncio.create_task(followed(reading, "one"))
        await writer.append(records(1, 3))
        await writer.append(records(4, 5, ends=True))
        assert await following == records(1, 5, ends=True)


async def test_an_idempotency_key_outlives_its_process(tmp_path: Path) -> None:
    key = sqlite_file.Idempotency("a key", "a request")
    async with SqliteEventLog.open(tmp_path) as log:
        await log.create("one", OWNER, idempotency=key)
    async with SqliteEventLog.open(tmp_path) as log:
        assert await log.create("two", OWNER, idempotency=key) == Repeated("one")


async def test_the_loop_is_not_held_up_while_the_disk_is_busy(tmp_path: Path) -> None:
    async with SqliteEventLog.open(tmp_path) as log:
        writer = await begun(log)
        other = sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        appending = asyncio.ensure_future(writer.append(records(1, 1, ends=True)))
        for _ in range(100):
            await asyncio.sleep(0)
        assert not appending.done()
        assert (await log.read("one", OWNER)).records == ()
        other.execute("ROLLBACK")
        other.close()
        await appending
        assert await followed(log, "one") == records(1, 1, ends=True)


async def test_a_file_of_the_first_version_is_taken_over_with_its_sessions(tmp_path: Path) -> None:
    charters = [b'{"session_id":"old"}', b"{}", b"no JSON"]
    database(
        tmp_path,
        """CREATE TABLE deliberations (
            row INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, owner TEXT NOT NULL, term INTEGER NOT NULL,
            writer TEXT NOT NULL, last_seq INTEGER NOT NULL, has_ended INTEGER NOT NULL, charter BLOB NOT NULL,
            idempotency_key TEXT, fingerprint TEXT, UNIQUE (owner, idempotency_key)) STRICT""",
        "CREATE INDEX unfinished ON deliberations (writer) WHERE NOT has_ended",
        """CREATE TABLE events (
            deliberation INTEGER NOT NULL, seq INTEGER NOT NULL, is_terminal INTEGER NOT NULL, body BLOB NOT NULL,
            PRIMARY KEY (deliberation, seq)) STRICT, WITHOUT ROWID""",
        *(
            f"INSERT INTO deliberations VALUES ({n}, 'd{n}', 'owner', 1, 'w', 0, 1, x'{charter.hex()}', NULL, NULL)"  # noqa: S608 - our own bytes
            for n, charter in enumerate(charters, 1)
        ),
        *(
            f"INSERT INTO events VALUES (1, {record.seq}, {int(record.is_terminal)}, x'{record.body.hex()}')"  # noqa: S608 - our own bytes
            for record in records(1, 3, ends=True)
        ),
        f"PRAGMA application_id = {sqlite_file.APPLICATION_ID}",
        "PRAGMA user_version = 1",
    )
    for _ in range(2):
        async with SqliteEventLog.open(tmp_path) as log:
            with pytest.raises(SessionNotYours):
                await log.create("new", "another", session_id="old")
    async with SqliteEventLog.open(tmp_path) as log:
        await log.create("new", OWNER, session_id="old")
        assert [each.deliberation_id for each in await log.listed()] == ["d1", "d2", "d3", "new"]
        assert (await log.read("d1", "owner")).records == tuple(records(1, 3, ends=True))
        assert [record.seq for record in (await log.read("d1", "owner", after=1, limit=1)).records] == [2]


async def test_a_file_of_a_newer_version_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    database(
        tmp_path,
        "CREATE TABLE something (x)",
        f"PRAGMA application_id = {sqlite_file.APPLICATION_ID}",
        f"PRAGMA user_version = {sqlite_file.SCHEMA_VERSION + 1}",
    )
    before = (tmp_path / FILE_NAME).read_bytes()
    assert "newer version" in await refusal(tmp_path)
    assert (tmp_path / FILE_NAME).read_bytes() == before


async def test_a_database_of_another_program_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    database(tmp_path, "CREATE TABLE bookmarks (url)")
    before = (tmp_path / FILE_NAME).read_bytes()
    assert "another program" in await refusal(tmp_path)
    assert (tmp_path / FILE_NAME).read_bytes() == before


async def test_a_file_that_is_no_database_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"this is not a database at all" * 100)
    assert "MAGI_DATA_DIR" in await refusal(tmp_path)


async def test_a_folder_that_cannot_be_made_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder", encoding="utf-8")
    assert "MAGI_DATA_DIR" in await refusal(tmp_path / "file" / "data")


async def test_a_file_that_cannot_be_written_is_refused_at_the_start(tmp_path: Path) -> None:
    async with SqliteEventLog.open(tmp_path):
        pass
    connect = sqlite3.connect

    def read_only(path: Path, **options: object) -> sqlite3.Connection:
        return connect(f"file:{path}?mode=ro", uri=True, **options)  # type: ignore[call-overload]

    with pytest.MonkeyPatch.context() as patched:
        # Root may write what is read-only for everybody else, so SQLite itself is told to open it so.
        patched.setattr(sqlite3, "connect", read_only)
        assert "writable" in await refusal(tmp_path)


async def test_a_damaged_file_is_named_at_the_start_and_else_when_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with SqliteEventLog.open(tmp_path) as log:
        for name in ("one", "two"):
            await (await begun(log, name)).append(records(1, 2_000, ends=True))
    path = tmp_path / FILE_NAME
    content = bytearray(path.read_bytes())
    for place in range(8 * 4096, len(content), 4096):
        content[place : place + 64] = b"\xff" * 64
    path.write_bytes(content)
    assert "damaged" in await refusal(tmp_path)
    monkeypatch.setattr(sqlite_file, "_CHECKED_BYTES", 0)
    async with SqliteEventLog.open(tmp_path) as log:
        with pytest.raises(LogUnavailable) as refused:
            await log.read("one", OWNER)
        assert "damaged" in refused.value.message


async def test_a_full_disk_ends_what_runs_with_an_error_and_nobody_hangs(tmp_path: Path) -> None:
    async with SqliteEventLog.open(tmp_path) as log:
        model = ScriptedModel({"caspar": [lambda brief: [*speech("x" * 400_000), *approval(brief)]]})
        async with Deliberations(log, model, ModelChoice("scripted:model")) as deliberations:
            await _limit_pages(log, 40)
            deliberation_id = await deliberations.start(PROPOSAL, OWNER)
            seen: list[bytes] = []
            with pytest.raises(LogUnavailable) as cut:
                await follow_into(seen, deliberations, deliberation_id)
            assert "disk is full" in cut.value.message
            stored = await deliberations.read(deliberation_id, OWNER)
            assert [record.body for record in stored.records][: len(seen)] == seen
            assert model.n_open == 0
            await _limit_pages(log, 100_000)
            async with asyncio.timeout(10):
                while deliberations.n_running:  # noqa: ASYNC110 - the end of a detached task has no event of its own
                    await asyncio.sleep(0.01)
            state = await deliberations.state(deliberation_id, OWNER)
            assert isinstance(state.error, Failed)
            assert state.error.error == "log_unavailable"
            again = await deliberations.start(PROPOSAL, "another")
            assert (await deliberations.outcome(again, "another")).complete is not None


async def follow_into(seen: list[bytes], deliberations: Deliberations, deliberation_id: str) -> None:
    async with asyncio.timeout(10), deliberations.follow(deliberation_id, OWNER) as batches:
        async for batch in batches:
            seen += [record.body for record in batch]


async def _limit_pages(log: SqliteEventLog, n_pages: int) -> None:
    """Let the file grow to so many pages and no further: SQLite then fails as it does on a full disk."""
    commits = log._commits  # pyright: ignore[reportPrivateUsage] - the one way to the writing connection
    await commits.perform(lambda connection: connection.execute(f"PRAGMA max_page_count = {n_pages}").fetchone())


async def test_cancelling_while_the_disk_is_full_is_confirmed_only_once_it_is_stored(tmp_path: Path) -> None:
    never = asyncio.Event()
    async with SqliteEventLog.open(tmp_path) as log:
        model = ScriptedModel({"caspar": [lambda _: [*speech("I was saying"), Wait(never.wait)]]})
        async with Deliberations(log, model, ModelChoice("scripted:model")) as deliberations:
            deliberation_id = await deliberations.start(PROPOSAL, OWNER)
            await follow_until(deliberations, deliberation_id, b"I was saying")
            writer = await begun(log, "filler")
            await _limit_pages(log, 1)
            with pytest.raises(LogUnavailable):
                await fill(writer)
            with pytest.raises(LogUnavailable):
                await deliberations.cancel(deliberation_id, OWNER)
            assert model.n_open == 0
            await _limit_pages(log, 100_000)
            state = await deliberations.cancel(deliberation_id, OWNER)
            assert state.cancelled is not None


async def follow_until(deliberations: Deliberations, deliberation_id: str, word: bytes) -> None:
    async with asyncio.timeout(10), deliberations.follow(deliberation_id, OWNER) as batches:
        async for batch in batches:
            if any(word in record.body for record in batch):
                return


async def fill(writer: LogWriter) -> None:
    """Take what room is left within the pages that there are."""
    for first in range(1, 100_000, 50):
        await writer.append(records(first, first + 49))
