"""A look at the data folder and its databases. Nothing is made, changed or migrated by it."""

import os
import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from magisystem.config import Settings
from magisystem.doctor.findings import Advice, Finding, Grade
from magisystem.logs.sqlite import FILE_NAME
from magisystem.logs.sqlite_file import APPLICATION_ID as LOG_ID
from magisystem.logs.sqlite_file import SCHEMA_VERSION
from magisystem.records import RECORDS_FILE
from magisystem.records.sqlite_file import APPLICATION_ID as RECORDS_ID
from magisystem.records.sqlite_file import HEAD

_MIB = 1024 * 1024
_GIB = 1024 * _MIB
# A deliberation's log is some 100 KiB: the first is about ten thousand of them, the second a few hundred.
_ROOM_BYTES = _GIB
_LEAST_ROOM_BYTES = 50 * _MIB
# File systems keep times by less exact clocks than the system does.
_AHEAD_S = 60.0
_SQLITE_URL = "sqlite:///"


def data_folder(settings: Settings) -> Finding:
    """Say whether the data folder can be written, and what room it has."""
    folder = settings.data_dir
    existing = next(parent for parent in (folder, *folder.absolute().parents) if parent.exists())
    elsewhere = Advice("Set MAGI_DATA_DIR to a folder that this user can write.")
    if not existing.is_dir():
        return Finding("data_folder", Grade.PROBLEM, f"{existing} is no folder", (elsewhere,))
    if not os.access(existing, os.W_OK | os.X_OK):
        return Finding("data_folder", Grade.PROBLEM, f"{existing} cannot be written by this user", (elsewhere,))
    usage = shutil.disk_usage(existing)
    if usage.total == 0:
        # /proc and its like; whoever is root is told that it may write there.
        cannot = "cannot hold files" if existing == folder.absolute() else f"cannot be made: {existing} holds no files"
        return Finding("data_folder", Grade.PROBLEM, f"{folder} {cannot}", (elsewhere,))
    free_bytes = usage.free
    room = f"{free_bytes / _GIB:.1f} GiB free" if free_bytes >= _GIB else f"{free_bytes / _MIB:.0f} MiB free"
    is_made = "" if existing == folder.absolute() or folder.exists() else "; it is made by the first start"
    grade = (
        Grade.PROBLEM if free_bytes < _LEAST_ROOM_BYTES else Grade.REMARK if free_bytes < _ROOM_BYTES else Grade.WELL
    )
    mends = () if grade is Grade.WELL else (Advice("Make room on its disk: a log that cannot be written ends all."),)
    return Finding("data_folder", grade, f"{folder}, {room}{is_made}", mends)


def log(settings: Settings) -> Finding:
    """Say whether the log can be read, and what it holds."""
    path = settings.data_dir / FILE_NAME
    if not path.exists():
        return Finding("log", Grade.NOTE, "none yet: the first start makes it")
    try:
        with closing(_opened(path)) as connection:
            mark, version = _pragma(connection, "application_id"), _pragma(connection, "user_version")
            if mark != LOG_ID:
                return _foreign("log", path, "MAGI_DATA_DIR")
            if version > SCHEMA_VERSION:
                return _newer("log", path)
            counted = connection.execute("SELECT count(*), count(*) FILTER (WHERE NOT has_ended) FROM deliberations")
            n_all, n_open = counted.fetchone()
    except sqlite3.Error as error:
        return _unreadable("log", path, error)
    ahead_s = path.stat().st_mtime - time.time()
    if ahead_s > _AHEAD_S:
        mend = Advice("Set this machine's clock, and let it keep time by NTP.")
        summary = f"it was last written {ahead_s:.0f} s in the future: the clock has been set back"
        return Finding("log", Grade.REMARK, summary, (mend,))
    unfinished = f", {n_open} of them unfinished" if n_open else ""
    return Finding("log", Grade.WELL, f"{n_all} deliberations{unfinished}")


def records(settings: Settings) -> Finding:
    """Say whether the records can be read, and whether they are of this version."""
    given = settings.records_url.get_secret_value() if settings.records_url else ""
    if given and not given.startswith(_SQLITE_URL):
        # What a URL holds is never shown: it may hold a password.
        mend = Advice("Give sqlite:///FILE, or leave it out.")
        return Finding("records", Grade.PROBLEM, "MAGI_RECORDS_URL names a kind that is not supported", (mend,))
    path = Path(given.removeprefix(_SQLITE_URL)) if given else settings.data_dir / RECORDS_FILE
    if not path.exists():
        return Finding("records", Grade.NOTE, "none yet: the first start makes them")
    try:
        with closing(_opened(path)) as connection:
            if _pragma(connection, "application_id") != RECORDS_ID:
                return _foreign("records", path, "MAGI_RECORDS_URL or MAGI_DATA_DIR")
            (revision,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
            (n_records,) = connection.execute("SELECT count(*) FROM deliberations").fetchone()
    except sqlite3.Error as error:
        return _unreadable("records", path, error)
    if revision > HEAD:
        return _newer("records", path)
    older = "" if revision == HEAD else f"; the next start brings them from revision {revision} to {HEAD}"
    return Finding("records", Grade.NOTE if older else Grade.WELL, f"{n_records} deliberations{older}")


def _opened(path: Path) -> sqlite3.Connection:
    # Without a log of its own beside it a file is complete as it is, and looking at it need not make one.
    is_still = not path.with_name(f"{path.name}-wal").exists()
    mode = "immutable=1" if is_still else "mode=ro"
    return sqlite3.connect(f"file:{quote(str(path.absolute()))}?{mode}", uri=True, timeout=2.0)


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    (number,) = connection.execute(f"PRAGMA {name}").fetchone()
    return number


def _foreign(code: str, path: Path, variable: str) -> Finding:
    mend = Advice(f"Set {variable} to another place.")
    return Finding(code, Grade.PROBLEM, f"{path} is a database of another program", (mend,))


def _newer(code: str, path: Path) -> Finding:
    mend = Advice("Install the version that wrote it, or set MAGI_DATA_DIR to another folder.")
    return Finding(code, Grade.PROBLEM, f"{path} was written by a newer version of MAGISystem", (mend,))


def _unreadable(code: str, path: Path, error: sqlite3.Error) -> Finding:
    again = "start again: the next start makes new ones from the log" if code == "records" else "start anew"
    mend = Advice(f"Make {path} readable for this user; if it is damaged, move it away and {again}.")
    return Finding(code, Grade.PROBLEM, f"{path} cannot be read: {error}", (mend,))
