"""Bringing the database to the newest schema, once, however many processes start together."""

from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

from magisystem.errors import RecordsNewer
from magisystem.records.dialects import WRITES, Dialect
from magisystem.records.sqlite_file import HEAD

_MIGRATIONS = Path(__file__).parent / "migrations"


def migrate(engine: Engine, dialect: Dialect) -> None:
    """Bring the database to the newest schema; where it is there already, this reads one row.

    Raises:
        RecordsNewer: a newer version of the system has been there.
    """
    with engine.connect() as connection:
        if revision_of(connection) == HEAD:
            return
    with engine.execution_options(**{WRITES: True}).begin() as connection:
        dialect.lock(connection)
        # Another process may have been first.
        if (revision := revision_of(connection)) != HEAD:
            upgrade(connection, revision, engine.url.render_as_string(hide_password=True))


def revision_of(connection: Connection) -> str | None:
    """Give the revision a database is at, ``None`` for an empty one."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def upgrade(connection: Connection, revision: str | None, name: str) -> None:
    """Bring a database that is locked for it to the newest schema, within the connection's transaction.

    Raises:
        RecordsNewer: this version does not know its revision. ``name`` is the database's, for people.
    """
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if revision is not None and revision not in known:
        raise RecordsNewer(
            f"The records {name} were written by a newer version of MAGISystem (revision {revision}; this one knows "
            f"{HEAD}). Install that version, or set MAGI_DATA_DIR to another folder."
        )
    command.upgrade(config, HEAD)
