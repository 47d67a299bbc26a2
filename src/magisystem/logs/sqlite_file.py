"""The file of the SQLite log: its tables, its statements, and what its failures mean. Synchronous.

`sqlite` decides which thread calls what and when; here is only what is done to the file. All writing happens within a
transaction that the caller begins and ends, so that what waits together is committed together.
"""

import json
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
    TooManyRunning,
)

SCHEMA_VERSION = 4
# A tenth of a second or two, at the start of a process.
_CHECKED_BYTES = 64 * 1024 * 1024
# What a connection keeps of the file in memory; 2 MiB by default, for which a log has no use: it is written at its end
# and read from front to back, past the system's own cache.
CACHE_KIB = 256
# The writer comes back to the end of every log that is being written, and to its place in the index.
_WRITER_CACHE_KIB = 1024
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
    has_ended INTEGER NOT NULL,
    charter BLOB NOT NULL,
    idempotency_key TEXT,
    fingerprint TEXT,
    session_id TEXT,
    UNIQUE (owner, idempotency_key)
) STRICT;
CREATE INDEX unfinished ON deliberations (writer) WHERE NOT has_ended;
CREATE INDEX sessions ON deliberations (session_id, owner) WHERE session_id IS NOT NULL;
-- What was appended at once, one event a line, up to `last_seq`. In the order of writing: what a commit adds stands
-- together, on a few pages, however many deliberations it is of.
CREATE TABLE appends (
    deliberation INTEGER NOT NULL,
    last_seq INTEGER NOT NULL,
    bodies BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX places ON appends (deliberation, last_seq);
CREATE TABLE stops (deliberation INTEGER PRIMARY KEY) STRICT;
"""

# From each version to the next. 2: a session is its owner's. 3: a row holds what was appended at once.
# 4: any process may be asked to stop what another one runs.
_MIGRATIONS = {
    1: """
ALTER TABLE deliberations ADD COLUMN session_id TEXT;
UPDATE deliberations SET session_id = json_extract(CAST(charter AS TEXT), '$.session_id')
    WHERE json_valid(CAST(charter AS TEXT));
CREATE INDEX sessions ON deliberations (session_id, owner) WHERE session_id IS NOT NULL
""",
    2: """
CREATE TABLE appends (
    deliberation INTEGER NOT NULL,
    last_seq INTEGER NOT NULL,
    bodies BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX places ON appends (deliberation, last_seq);
INSERT INTO appends SELECT deliberation, seq, body FROM events ORDER BY deliberation, seq;
DROP TABLE events;
ALTER TABLE deliberations DROP COLUMN last_seq
""",
    3: "CREATE TABLE stops (deliberation INTEGER PRIMARY KEY) STRICT",
}

# In one statement, because Python lets go of its lock, and has to get it back, at every one.
_APPEND = """
INSERT INTO appends (deliberation, last_seq, bodies)
SELECT log.row, entry.value ->> 3, substr(:bodies, entry.value ->> 4, entry.value ->> 5)
FROM json_each(:entries) AS entry
CROSS JOIN deliberations AS log
    ON log.row = entry.value ->> 0
    AND log.term = entry.value ->> 1
    AND NOT log.has_ended
    AND coalesce((SELECT max(last_seq) FROM appends WHERE deliberation = log.row), 0) = entry.value ->> 2
"""
_LAST_SEQ = "coalesce((SELECT max(last_seq) FROM appends WHERE deliberation = row), 0)"


@dataclass(frozen=True, slots=True)
class NewLog:
    """What the beginning of a log says."""

    deliberation_id: str
    owner: str
    writer: str
    charter: bytes
    session_id: str | None


@dataclass(frozen=True, slots=True)
class Begun:
    """A log's place in the file, and the term of whoever writes it."""

    row: int
    term: int


@dataclass(frozen=True, slots=True)
class Entry:
    """What one writer appends at once: the records after ``after``, at least one, each body a line of ``bodies``."""

    begun: Begun
    after: int
    last_seq: int
    bodies: bytes
    has_ended: bool

    @classmethod
    def of(cls, begun: Begun, records: Sequence[Record]) -> "Entry":
        """Give the entry of records.

        Raises:
            Fenced: their seqs have a gap, or something follows a terminal one.
        """
        first, last = records[0].seq, records[-1].seq
        for seq, record in enumerate(records, first):
            if record.seq != seq:
                raise Fenced(f"{seq} was to be appended, not {record.seq}.")
            if record.is_terminal and seq != first + len(records) - 1:
                raise Fenced("Nothing can follow a terminal event.")
        bodies = b"\n".join([record.body for record in records])
        assert bodies.count(b"\n") == len(records) - 1  # noqa: S101 - an event's JSON is one line (protocol.codec)
        return cls(begun, first - 1, last, bodies, records[-1].is_terminal)


@dataclass(frozen=True, slots=True)
class Head:
    """Where a log stands in the file."""

    row: int
    owner: str
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
    connection.execute(f"PRAGMA cache_size = -{_WRITER_CACHE_KIB}")
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


def create(
    connection: sqlite3.Connection, new: NewLog, idempotency: Idempotency | None, most_running: int | None = None
) -> Begun | Repeated:
    """Begin a log; give its place, or the deliberation that the key belongs to already.

    Raises:
        DeliberationExists: the id is taken.
        IdempotencyConflict: the key belongs to another request.
        SessionNotYours: the session has a turn of another owner.
        TooManyRunning: the owner has as many logs without an end as one may.
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
    if most_running is not None and (n_running := len(running(connection, new.owner))) >= most_running:
        raise TooManyRunning(n_running)
    key = (idempotency.key, idempotency.fingerprint) if idempotency else (None, None)
    try:
        cursor = connection.execute(
            "INSERT INTO deliberations (id, owner, term, writer, has_ended, charter, idempotency_key, fingerprint, "
            "session_id) VALUES (?, ?, 1, ?, 0, ?, ?, ?, ?)",
            (new.deliberation_id, new.owner, new.writer, new.charter, *key, new.session_id),
        )
    except sqlite3.IntegrityError as error:
        raise DeliberationExists(new.deliberation_id) from error
    return Begun(cursor.lastrowid or 0, 1)


def has_begun(connection: sqlite3.Connection, owner: str, key: str) -> bool:
    """Whether a log was begun under an owner's key."""
    found = "SELECT 1 FROM deliberations WHERE owner = ? AND idempotency_key = ?"
    return connection.execute(found, (owner, key)).fetchone() is not None


def append(connection: sqlite3.Connection, entries: Sequence[Entry]) -> bool:
    """Append entries; tell whether all of them went in. Where not, some may have, and the caller undoes that.

    One does not go in where its term is over, its seqs do not continue the log, or that has ended: see `why_fenced`.
    """
    places: list[tuple[int, ...]] = []
    n_bytes = 0
    for entry in entries:
        begun = entry.begun
        places.append((begun.row, begun.term, entry.after, entry.last_seq, n_bytes + 1, len(entry.bodies)))
        n_bytes += len(entry.bodies)
    given = {"entries": json.dumps(places), "bodies": b"".join([entry.bodies for entry in entries])}
    if connection.execute(_APPEND, given).rowcount != len(entries):
        return False
    for entry in entries:
        if entry.has_ended:
            connection.execute("UPDATE deliberations SET has_ended = 1 WHERE row = ?", (entry.begun.row,))
            connection.execute("DELETE FROM stops WHERE deliberation = ?", (entry.begun.row,))
    return True


def why_fenced(connection: sqlite3.Connection, entry: Entry) -> Fenced:
    """Say why an entry cannot be appended."""
    found = connection.execute(
        f"SELECT id, term, has_ended, {_LAST_SEQ} FROM deliberations WHERE row = ?",  # noqa: S608 - our own text
        (entry.begun.row,),
    ).fetchone()
    if found is None or found[1] != entry.begun.term:
        return Fenced("The log has another writer now, or has been deleted.")
    if found[2]:
        return Fenced(f"The log of {found[0]!r} has ended.")
    return Fenced(f"The log of {found[0]!r} continues at {found[3] + 1}, not at {entry.after + 1}.")


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


def running(connection: sqlite3.Connection, owner: str) -> list[str]:
    """Give an owner's logs without an end; a small part of the file, which has an index of its own."""
    found = connection.execute(
        "SELECT id FROM deliberations INDEXED BY unfinished WHERE NOT has_ended AND owner = ?", (owner,)
    )
    return [deliberation_id for (deliberation_id,) in found]


def ask_to_stop(connection: sqlite3.Connection, deliberation_id: str, owner: str) -> None:
    """Keep the request that whoever writes a log bring it to its end.

    Raises:
        DeliberationNotFound: there is none of that id, or it is another owner's.
    """
    head = _owned(connection, deliberation_id, owner)
    if not head.has_ended:
        connection.execute("INSERT OR IGNORE INTO stops VALUES (?)", (head.row,))


def stops_for(connection: sqlite3.Connection, writer: str) -> list[str]:
    """Give the logs that a process writes and was asked to stop."""
    found = connection.execute(
        "SELECT id FROM stops JOIN deliberations ON row = deliberation WHERE writer = ?", (writer,)
    )
    return [deliberation_id for (deliberation_id,) in found]


def take_over(connection: sqlite3.Connection, deliberation_id: str, former: str, writer: str) -> Begun | None:
    """Give a log a new writer and term; ``None`` where it has ended or somebody else was first."""
    found = connection.execute(
        "UPDATE deliberations SET term = term + 1, writer = ? WHERE id = ? AND writer = ? AND NOT has_ended "
        "RETURNING row, term",
        (writer, deliberation_id, former),
    ).fetchone()
    return found and Begun(*found)


def forget(connection: sqlite3.Connection, deliberation_id: str, owner: str) -> None:
    """Delete a log.

    Raises:
        DeliberationNotFound: there is none of that id, or it is another owner's.
    """
    head = _owned(connection, deliberation_id, owner)
    connection.execute("DELETE FROM appends WHERE deliberation = ?", (head.row,))
    connection.execute("DELETE FROM deliberations WHERE row = ?", (head.row,))
    connection.execute("DELETE FROM stops WHERE deliberation = ?", (head.row,))


def head_of(connection: sqlite3.Connection, deliberation_id: str) -> Head | None:
    """Give where a log stands."""
    found = connection.execute(
        f"SELECT row, owner, {_LAST_SEQ}, has_ended FROM deliberations WHERE id = ?",  # noqa: S608 - our own text
        (deliberation_id,),
    ).fetchone()
    return None if found is None else Head(found[0], found[1], found[2], bool(found[3]))


def _owned(connection: sqlite3.Connection, deliberation_id: str, owner: str) -> Head:
    """Give where an owner's log stands; a stranger's looks like one that does not exist."""
    head = head_of(connection, deliberation_id)
    if head is None or head.owner != owner:
        raise DeliberationNotFound(deliberation_id)
    return head


def page(
    connection: sqlite3.Connection, deliberation_id: str, owner: str, after: int, limit: int
) -> tuple[Head, tuple[Record, ...]]:
    """Give where a log stands and what it holds after ``after``.

    Raises:
        DeliberationNotFound: there is none of that id, or it is another owner's.
        CursorAhead: ``after`` is beyond the log's end.
    """
    head = _owned(connection, deliberation_id, owner)
    if after > head.last_seq:
        raise CursorAhead(after, head.last_seq)
    found = connection.execute(
        "SELECT last_seq, bodies FROM appends WHERE deliberation = ? AND last_seq > ? ORDER BY last_seq LIMIT ?",
        (head.row, after, limit),
    )
    end = head.last_seq if head.has_ended else None
    records: list[Record] = []
    for last_seq, joined in found:
        bodies = joined.split(b"\n")
        records += (
            Record(seq, body, seq == end) for seq, body in enumerate(bodies, last_seq - len(bodies) + 1) if seq > after
        )
        if len(records) >= limit:
            break
    return head, tuple(records[:limit])


def writer_name() -> str:
    """Give a name that no other process has had: the process id, for people, and enough chance."""
    return f"{os.getpid()}-{os.urandom(8).hex()}"
