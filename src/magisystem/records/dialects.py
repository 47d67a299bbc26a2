"""What differs between databases: how one is connected to, locked, searched, and what its failures mean.

All else in ``records`` is portable SQLAlchemy. A database is supported once it has a `Dialect` here and its statements
in the migrations that need them.
"""

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import ColumnElement, Connection, Engine, and_, event, func, literal, select, table, text
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.sql import column

from magisystem.errors import RecordsUnavailable
from magisystem.records.sqlite_file import APPLICATION_ID, set_up
from magisystem.records.tables import DELIBERATIONS
from magisystem.records.wording import INDEXED_CHARS

# Option of a connection whose transactions write.
WRITES = "magi_writes"

Upsert = sqlite.Insert


class Dialect(Protocol):
    """One kind of database."""

    def prepare(self, engine: Engine) -> None:
        """Set up ``engine``'s connections, and see that the database is the records' own or empty."""
        ...

    def lock(self, connection: Connection) -> None:
        """Keep every other process from migrating until the transaction ends."""
        ...

    def upsert(self) -> Upsert:
        """Give an insert into the deliberations that can say what to do where there is one of that id."""
        ...

    def matching(self, words: Sequence[str]) -> ColumnElement[bool]:
        """Give the condition that every one of ``words`` occurs in the text; at least one, none empty."""
        ...

    def unavailable(self, error: Exception) -> RecordsUnavailable:
        """Say what a failure means for whoever operates the server. Never a secret."""
        ...


def dialect_of(url: URL) -> Dialect:
    """Give the dialect for a database.

    Raises:
        RecordsUnavailable: it is of a kind that is not supported, or names no database.
    """
    if url.get_backend_name() != "sqlite":
        raise RecordsUnavailable(
            f"MAGI_RECORDS_URL: {url.get_backend_name()} is not supported; give sqlite:///FILE, or leave it out."
        )
    if not url.database or url.database == ":memory:" or url.query:
        raise RecordsUnavailable("MAGI_RECORDS_URL must name a file: sqlite:///FILE, with an absolute path or not.")
    return Sqlite(Path(url.database))


class Sqlite:
    """SQLite: one file, its text indexed by FTS5 on sequences of three characters, which suits every script."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def prepare(self, engine: Engine) -> None:
        """See `Dialect.prepare`."""
        event.listen(engine, "connect", _set_up)
        event.listen(engine, "begin", _begin)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with engine.connect() as connection:
            n_tables = connection.execute(text("SELECT count(*) FROM sqlite_master")).scalar_one()
            if n_tables and connection.execute(text("PRAGMA application_id")).scalar_one() != APPLICATION_ID:
                raise RecordsUnavailable(
                    f"{self._path} is a database of another program. Set MAGI_RECORDS_URL or MAGI_DATA_DIR to "
                    "another place."
                )

    def lock(self, connection: Connection) -> None:
        """See `Dialect.lock`. A writing transaction holds it from its beginning; the file's mark goes in with it."""
        connection.execute(text(f"PRAGMA application_id = {APPLICATION_ID}"))

    def upsert(self) -> Upsert:
        """See `Dialect.upsert`."""
        return sqlite.insert(DELIBERATIONS)

    def matching(self, words: Sequence[str]) -> ColumnElement[bool]:
        """See `Dialect.matching`. The index finds longer words; shorter ones are looked for in the text itself."""
        conditions: list[ColumnElement[bool]] = []
        if indexed := [word for word in words if len(word) >= INDEXED_CHARS]:
            # Within double quotes all of FTS5's own syntax is text. https://www.sqlite.org/fts5.html#fts5_strings
            expression = " AND ".join('"' + word.replace('"', '""') + '"' for word in indexed)
            index = table("deliberations_text", column("rowid"), column("deliberations_text"))
            found = select(index.c.rowid).where(index.c.deliberations_text.op("MATCH")(literal(expression)))
            conditions.append(DELIBERATIONS.c.row.in_(found))
        conditions += [func.instr(DELIBERATIONS.c.text, word) > 0 for word in words if len(word) < INDEXED_CHARS]
        return and_(*conditions)

    def unavailable(self, error: Exception) -> RecordsUnavailable:
        """See `Dialect.unavailable`."""
        cause = error.orig if isinstance(error, DBAPIError) else error
        code = getattr(cause, "sqlite_errorcode", 0) & 0xFF
        anew = (
            "Move it away and start again: the next start fills new records from the log. Titles and kept councils are "
            "in that file alone."
        )
        told = {
            sqlite3.SQLITE_FULL: "the disk is full. Make room; what was missed is then recorded by itself.",
            sqlite3.SQLITE_READONLY: f"it cannot be written. Make {self._path.parent} writable for this user.",
            sqlite3.SQLITE_CANTOPEN: f"it cannot be opened. Make {self._path.parent} readable and writable.",
            sqlite3.SQLITE_PERM: f"it cannot be opened. Make {self._path.parent} readable and writable.",
            sqlite3.SQLITE_CORRUPT: f"it is damaged. {anew}",
            sqlite3.SQLITE_NOTADB: f"it is no SQLite database. {anew}",
            sqlite3.SQLITE_BUSY: "another process holds it locked.",
            sqlite3.SQLITE_LOCKED: "another process holds it locked.",
            sqlite3.SQLITE_IOERR: "the disk fails. See the system's log.",
        }.get(code, f"{cause}.")
        return RecordsUnavailable(f"The records {self._path}: {told}")


# What a driver or the file system may raise where a database cannot be used.
FAILURES = (SQLAlchemyError, sqlite3.Error, OSError)


def _set_up(connection: sqlite3.Connection, _: Any) -> None:
    set_up(connection)


def _begin(connection: Connection) -> None:
    # A transaction that has read, and preparing a write to a full-text index does, is refused the lock at once instead
    # of waiting for it. https://www.sqlite.org/lang_transaction.html
    writes = connection.get_execution_options().get(WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
