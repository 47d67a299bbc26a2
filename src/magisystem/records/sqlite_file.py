"""The records' SQLite file as the driver alone can tell of it: whose it is, and whether its schema is the newest.

So that a start whose file is in order, or new, needs neither SQLAlchemy nor Alembic. Whatever is not in order is left
to them: they migrate, or say what is wrong. Called by `sql`; `dialects` shares the mark and the set-up.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

# The newest revision in `migrations/versions`, and the schema they lead to; tests hold them together.
HEAD = "0003"
_SCHEMA = Path(__file__).with_name("schema.sql")
# "MAGR" in ASCII: SQLite's own mark in the file's header for whose file it is.
APPLICATION_ID = 0x4D414752
_BUSY_S = 5.0


def has_newest_schema(path: Path) -> bool:
    """Tell whether the file at ``path`` is the records' own and of the newest schema; one that is missing becomes so.

    ``False`` says no more than that somebody has to look closer: it is older, newer, another program's, locked,
    damaged, or cannot be opened at all.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(path)) as connection:
            set_up(connection)
            if connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,):
                _make(connection)
            mark = connection.execute("PRAGMA application_id").fetchone()
            revisions = connection.execute("SELECT version_num FROM alembic_version").fetchall()
            return (mark, revisions) == ((APPLICATION_ID,), [(HEAD,)])
    except (sqlite3.Error, OSError):
        return False


def set_up(connection: sqlite3.Connection) -> None:
    """Prepare a connection, of whomever it is."""
    # The driver is to begin no transactions by itself: it would begin them too late for what they are to lock.
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout = {_BUSY_S * 1000:.0f}")
    # Readers and the writer then do not wait for each other.
    connection.execute("PRAGMA journal_mode = WAL")
    # What a crash of the machine takes away is caught up from the log.
    connection.execute("PRAGMA synchronous = NORMAL")
    # In KiB where negative. By default a connection keeps up to 2 MiB of the file in memory:
    # https://sqlite.org/pragma.html#pragma_cache_size
    connection.execute("PRAGMA cache_size = -256")


def _make(connection: sqlite3.Connection) -> None:
    """Give an empty database the newest schema, all of it or nothing; of several that try at once, one can."""
    connection.executescript(f"BEGIN IMMEDIATE; {_SCHEMA.read_text(encoding='utf-8')} COMMIT;")
