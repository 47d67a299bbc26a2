"""The file of the SQLite log: its tables, its statements, and what its failures mean. Synchronous.

`sqlite` decides which thread calls what and when; here is only what is done to the file. All writing happens within a
transaction that the caller begins and ends, so that what waits together is committed together.
"""

import os
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from magisystem.deliberation.ports import Idempotency, Listed, Record, Repeated
from magisystem.errors import (
    CursorAhead,
    DeliberationExists,
    DeliberationNotFound,
    Fenced,
    IdempotencyConflict,
    LogUnavailable,
    SessionNotYours,
)

SCHEMA_VERSION = 2
# A tenth of a second or two, at the start of a process.
_CHECKED_BYTES = 64 * 1024 * 1024
# What a connection keeps of the file in memory; 2 MiB by default, for which a log has no use: it is written at its end
# and read from front to back, past the system's own cache.
CACHE_KIB = 256
_DAMAGED = "Move it away to start anew, or recover what can be: sqlite3 FILE .recover"
# "MAGI" in ASCII: SQLite's own mark in the file's header for whose file it is.
APPLICATION_ID = 0x4D414749

_SCHEMA = """
CREATE TABLE deliberations (
    row INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    owner TEXT NOT NULL,
    term INTEGER NOT NULL,
    writer TEXT NOT NULL,
    last_seq INTEGER NOT NULL,
    has_ended INTEGER NOT NULL,
    charter BLOB NOT NULL,
    idempotency_key TEXT,
    fingerprint TEXT,
    session_id TEXT,
    UNIQUE (owner, idempotency_key)
) STRICT;
CREATE INDEX unfinished ON deliberations (writer) WHERE NOT has_ended;
CREATE INDEX sessions ON deliberations (session_id, owner) WHERE session_id IS NOT NULL;
CREATE TABLE events (
    deliberation INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    is_terminal INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (deliberation, seq)
) STRICT, WITHOUT ROWID;
"""

# From each version to the next. 2: a session is its owner's.
_MIGRATIONS = {
    1: """
ALTER TABLE deliberations ADD COLUMN session_id TEXT;
UPDATE deliberations SET session_id = json_extract(CAST(charter AS TEXT), '$.session_id')
    WHERE json_valid(CAST(charter AS TEXT));
CREATE INDEX sessions ON deliberations (session_id, owner) WHERE session_id IS NOT NULL;
"""
}


@dataclass(frozen=True, slots=True)
class NewLog:
    """What the beginning of a log says."""

    deliberation_id: str
    owner: str
    writer: str
    charter: bytes
    session_id: str | None


@dataclass(frozen=True, slots=True)
class Head:
    """Where a log stands in the file."""

    row: int
    owner: str
    term: int
    last_seq: int
    has_ended: bool


@dataclass(frozen=True, slots=True)
class Orphan:
    """A log without its end, and the process that was writing it."""

    deliberation_id: str
    owner: str
    writer: str
    charter: bytes


def connect(path: Path) -> sqlite3.Connection:
    """Open the file, make it where there is none, and see that it can be used.

    Raises:
        LogUnavailable: it cannot; the message says what to do.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, isolation_level=None, timeout=5.0, check_same_thread=False)
    except (OSError, sqlite3.Error) as error:
        raise LogUnavailable(
            f"The log {path} cannot be opened: {error}. Set MAGI_DATA_DIR to another folder."
        ) from error
    try:
        _prepare(connection, path)
    except sqlite3.Error as error:
        connection.close()
        raise unavailable(error, path) from error
    except LogUnavailable:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    application_id, version, n_tables = (
        _number(connection, statement)
        for statement in ("PRAGMA application_id", "PRAGMA user_version", "SELECT count(*) FROM sqlite_master")
    )
    if n_tables and application_id != APPLICATION_ID:
        raise LogUnavailable(f"{path} is a database of another program. Set MAGI_DATA_DIR to another folder.")
    if version > SCHEMA_VERSION:
        raise LogUnavailable(
            f"{path} was written by a newer version of MAGISystem (schema {version}; this one knows {SCHEMA_VERSION}). "
            "Install that version, or set MAGI_DATA_DIR to another folder."
        )
    _check_whole(connection, path)
    connection.execute("PRAGMA journal_mode = WAL")
    # With WAL, NORMAL keeps every commit through a crash of the process; only a crash of the machine may lose the
    # last ones. https://www.sqlite.org/pragma.html#pragma_synchronous
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    connection.execute("BEGIN IMMEDIATE")
    # Looked at again now that nobody else can write: another process may have made or migrated the file meanwhile.
    if not _number(connection, "SELECT count(*) FROM sqlite_master"):
        _execute_all(connection, _SCHEMA)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    else:
        for known in range(_number(connection, "PRAGMA user_version"), SCHEMA_VERSION):
            _execute_all(connection, _MIGRATIONS[known])
    # Written each time, so that a file which cannot be written is known now and not at the first question.
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    connection.execute("COMMIT")


def _check_whole(connection: sqlite3.Connection, path: Path) -> None:
    """See that the file is not damaged, as far as that is quick: of a larger one it is known when it is read."""
    if path.stat().st_size > _CHECKED_BYTES:
        return
    found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise LogUnavailable(f"The log {path} is damaged ({found}). {_DAMAGED}")


def _execute_all(connection: sqlite3.Connection, statements: str) -> None:
    # `executescript` would commit what the caller has begun.
    for statement in statements.split(";"):
        connection.execute(statement)


def _number(connection: sqlite3.Connection, statement: str) -> int:
    return int(connection.execute(statement).fetchone()[0])


def unavailable(error: sqlite3.Error, path: Path) -> LogUnavailable:
    """Say what a failure of SQLite means for whoever operates the server."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    told = {
        sqlite3.SQLITE_FULL: "the disk is full. Make room; new deliberations then start again by themselves.",
        sqlite3.SQLITE_READONLY: f"it cannot be written. Make {path.parent} writable for this user.",
        sqlite3.SQLITE_CANTOPEN: f"it cannot be opened. Make {path.parent} readable and writable for this user.",
        sqlite3.SQLITE_PERM: f"it cannot be opened. Make {path.parent} readable and writable for this user.",
        sqlite3.SQLITE_CORRUPT: f"it is damaged. {_DAMAGED}",
        sqlite3.SQLITE_NOTADB: "it is no SQLite database. Move it away, or set MAGI_DATA_DIR to another folder.",
        sqlite3.SQLITE_BUSY: "another process holds it locked. Stop that process.",
        sqlite3.SQLITE_IOERR: "the disk fails. See the system's log.",
    }.get(code, str(error))
    return LogUnavailable(f"The log {path}: {told}", is_private=True)


def is_of_one_job(error: sqlite3.Error) -> bool:
    """Tell whether a failure may hang on what one job touched, and not on the disk or the file as a whole."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code not in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY)


def create(connection: sqlite3.Connection, new: NewLog, idempotency: Idempotency | None) -> int | Repeated:
    """Begin a log; give its term, or the deliberation that the key belongs to already.

    Raises:
        DeliberationExists: the id is taken.
        IdempotencyConflict: the key belongs to another request.
        SessionNotYours: the session has a turn of another owner.
    """
    if idempotency is not None:
        found = connection.execute(
            "SELECT id, fingerprint FROM deliberations WHERE owner = ? AND idempotency_key = ?",
            (new.owner, idempotency.key),
        ).fetchone()
        if found is not None:
            if found[1] != idempotency.fingerprint:
                raise IdempotencyConflict(idempotency.key)
            return Repeated(found[0])
    others = "SELECT 1 FROM deliberations WHERE session_id = ? AND owner <> ? LIMIT 1"
    if connection.execute(others, (new.session_id, new.owner)).fetchone() is not None:
        raise SessionNotYours
    key = (idempotency.key, idempotency.fingerprint) if idempotency else (None, None)
    try:
        connection.execute(
            "INSERT INTO deliberations (id, owner, term, writer, last_seq, has_ended, charter, idempotency_key, "
            "fingerprint, session_id) VALUES (?, ?, 1, ?, 0, 0, ?, ?, ?, ?)",
            (new.deliberation_id, new.owner, new.writer, new.charter, *key, new.session_id),
        )
    except sqlite3.IntegrityError as error:
        raise DeliberationExists(new.deliberation_id) from error
    return 1


def append(connection: sqlite3.Connection, deliberation_id: str, term: int, records: Sequence[Record]) -> None:
    """Append records whole.

    Raises:
        Fenced: the term is over, the seqs do not continue the log, or it has ended; nothing was written.
    """
    head = head_of(connection, deliberation_id)
    if head is None or head.term != term:
        raise Fenced(f"The log of {deliberation_id!r} has another writer now.")
    if head.has_ended:
        raise Fenced(f"The log of {deliberation_id!r} has ended.")
    check_continues(records, head.last_seq, deliberation_id)
    connection.executemany(
        "INSERT INTO events (deliberation, seq, is_terminal, body) VALUES (?, ?, ?, ?)",
        [(head.row, record.seq, record.is_terminal, record.body) for record in records],
    )
    connection.execute(
        "UPDATE deliberations SET last_seq = ?, has_ended = ? WHERE row = ?",
        (records[-1].seq, records[-1].is_terminal, head.row),
    )


def check_continues(records: Sequence[Record], last_seq: int, deliberation_id: str) -> None:
    """See that records continue a log.

    Raises:
        Fenced: they do not, or something follows a terminal one.
    """
    if [record.seq for record in records] != list(range(last_seq + 1, last_seq + 1 + len(records))):
        raise Fenced(f"The log of {deliberation_id!r} continues at {last_seq + 1}, not at {records[0].seq}.")
    if any(record.is_terminal for record in records[:-1]):
        raise Fenced("Nothing can follow a terminal event.")


def orphans(connection: sqlite3.Connection) -> list[Orphan]:
    """Give the logs without an end, with the process that wrote each; the oldest first."""
    found = connection.execute(
        "SELECT id, owner, writer, charter FROM deliberations WHERE NOT has_ended ORDER BY row"
    ).fetchall()
    return [Orphan(*row) for row in found]


def listed(connection: sqlite3.Connection, after: int, limit: int) -> list[Listed]:
    """Give the logs beyond a place, with and without an end."""
    found = connection.execute(
        "SELECT row, id, owner, has_ended FROM deliberations WHERE row > ? ORDER BY row LIMIT ?", (after, limit)
    )
    return [Listed(row, deliberation_id, owner, bool(has_ended)) for row, deliberation_id, owner, has_ended in found]


def take_over(connection: sqlite3.Connection, deliberation_id: str, former: str, writer: str) -> int | None:
    """Give a log a new writer and term; ``None`` where it has ended or somebody else was first."""
    found = connection.execute(
        "UPDATE deliberations SET term = term + 1, writer = ? WHERE id = ? AND writer = ? AND NOT has_ended "
        "RETURNING term",
        (writer, deliberation_id, former),
    ).fetchone()
    return found and found[0]


def forget(connection: sqlite3.Connection, deliberation_id: str, owner: str) -> None:
    """Delete a log.

    Raises:
        DeliberationNotFound: there is none of that id, or it is another owner's.
    """
    head = head_of(connection, deliberation_id)
    if head is None or head.owner != owner:
        raise DeliberationNotFound(deliberation_id)
    connection.execute("DELETE FROM events WHERE deliberation = ?", (head.row,))
    connection.execute("DELETE FROM deliberations WHERE row = ?", (head.row,))


def head_of(connection: sqlite3.Connection, deliberation_id: str) -> Head | None:
    """Give where a log stands."""
    found = connection.execute(
        "SELECT row, owner, term, last_seq, has_ended FROM deliberations WHERE id = ?", (deliberation_id,)
    ).fetchone()
    return None if found is None else Head(found[0], found[1], found[2], found[3], bool(found[4]))


def page(
    connection: sqlite3.Connection, deliberation_id: str, owner: str, after: int, limit: int
) -> tuple[Head, tuple[Record, ...]]:
    """Give where a log stands and what it holds after ``after``.

    Raises:
        DeliberationNotFound: there is none of that id, or it is another owner's.
        CursorAhead: ``after`` is beyond the log's end.
    """
    head = head_of(connection, deliberation_id)
    if head is None or head.owner != owner:
        raise DeliberationNotFound(deliberation_id)
    if after > head.last_seq:
        raise CursorAhead(after, head.last_seq)
    found = connection.execute(
        "SELECT seq, body, is_terminal FROM events WHERE deliberation = ? AND seq > ? ORDER BY seq LIMIT ?",
        (head.row, after, limit),
    )
    return head, tuple(Record(seq, body, bool(is_terminal)) for seq, body, is_terminal in found)


def writer_name() -> str:
    """Give a name that no other process has had: the process id, for people, and enough chance."""
    return f"{os.getpid()}-{os.urandom(8).hex()}"
