"""Taking turns at the file with the writers of other processes."""

import sqlite3
import time

# SQLite's own waiting sleeps 1, 2, 5, 10, … up to 100 ms between its tries, so that who has waited longer waits longer
# still (sqlite3.c, sqliteDefaultBusyCallback). A transaction here takes a fraction of a millisecond to a few.
# docs/decisions/0020-workers.md has the measurements.
_FIRST_PAUSE_S = 0.0002
_LONGEST_PAUSE_S = 0.005
_PATIENCE_S = 5.0


def begin(connection: sqlite3.Connection, patience_s: float = _PATIENCE_S) -> None:
    """Begin a transaction that writes, as soon as nobody else has one; the connection itself must not wait.

    Raises:
        sqlite3.OperationalError: somebody had one for all of ``patience_s``, or the file cannot be written.
    """
    since = time.monotonic()
    while True:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            waited_s = time.monotonic() - since
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or waited_s > patience_s:
                raise
            time.sleep(min(_FIRST_PAUSE_S + waited_s / 10, _LONGEST_PAUSE_S))
        else:
            return
