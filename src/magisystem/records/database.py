"""The records' database through SQLAlchemy: what is asked of it, and how failures are named.

Importing this loads SQLAlchemy, which costs a start more than all else (docs/decisions/0015-cold-start.md): `sql`
imports it when it is needed, and calls it on threads of its own.
"""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import (
    URL,
    Connection,
    Engine,
    Row,
    Select,
    create_engine,
    delete,
    func,
    insert,
    make_url,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.exc import ArgumentError

from magisystem.deliberation.ports import MOST_COUNCILS, Entries, Entry, Query, Recording, Session, Sessions
from magisystem.errors import CouncilsFull, RecordsUnavailable
from magisystem.protocol.values import Decision, Mode, Outcome
from magisystem.records import cursors
from magisystem.records.dialects import FAILURES, WRITES, Dialect, dialect_of
from magisystem.records.migrating import migrate
from magisystem.records.tables import COUNCILS, DELIBERATIONS, TITLES
from magisystem.records.wording import searchable, storable, words_of

TITLE_CHARS = 200

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_COLUMNS = DELIBERATIONS.c
_ENTRY = [column for column in _COLUMNS if column.name not in {"row", "owner", "text"}]
_TITLED = DELIBERATIONS.outerjoin(TITLES, (TITLES.c.id == _COLUMNS.id) & (TITLES.c.owner == _COLUMNS.owner))


class Database:
    """`Records`, blocking, for several threads. `open` makes one.

    Every method raises `RecordsUnavailable` where the database cannot be used, as the port says.
    """

    def __init__(self, engine: Engine, dialect: Dialect) -> None:
        self._engine = engine
        self._dialect = dialect

    @classmethod
    def open(cls, place: str | Path, n_connections: int) -> "Database":
        """Open the database at a SQLAlchemy URL or in a SQLite file, made or migrated where needed.

        Raises:
            RecordsUnavailable: it cannot be used; the message says what to do.
            RecordsNewer: a newer version of the system wrote it.
        """
        try:
            location = make_url(place) if isinstance(place, str) else URL.create("sqlite", database=str(place))
        except ArgumentError as error:
            # The error quotes the URL, which may hold a password.
            raise RecordsUnavailable("MAGI_RECORDS_URL is no URL; one looks like sqlite:///records.sqlite") from error
        dialect = dialect_of(location)
        database = cls(create_engine(location, pool_size=n_connections, max_overflow=0), dialect)
        try:
            with database._failures_named():
                dialect.prepare(database._engine)
                migrate(database._engine, dialect)
        except BaseException:
            database.close()
            raise
        return database

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    def note(self, recordings: Sequence[Recording]) -> None:
        """See `Records.note`."""
        statement = self._dialect.upsert()
        has_not_ended = _COLUMNS.ended_ms.is_(None)
        upsert = statement.on_conflict_do_update(
            index_elements=[_COLUMNS.id],
            set_={column.name: statement.excluded[column.name] for column in (*_ENTRY, _COLUMNS.text)},
            where=or_(has_not_ended, statement.excluded.ended_ms.is_not(None)),
        )
        if rows := [_row(recording) for recording in recordings]:
            with self._writing() as connection:
                titled = connection.execute(select(TITLES).where(TITLES.c.id.in_([row["id"] for row in rows])))
                titles = {(found.owner, found.id): found.title for found in titled}
                for row in rows:
                    row["text"] = _searched(titles.get((row["owner"], row["id"]))) + row["text"]
                connection.execute(upsert, rows)

    def unended(self, deliberation_ids: Sequence[str]) -> Sequence[str]:
        """See `Records.unended`."""
        statement = select(_COLUMNS.id).where(_COLUMNS.id.in_(deliberation_ids), _COLUMNS.ended_ms.is_not(None))
        with self._reading() as connection:
            ended = set(connection.execute(statement).scalars())
        return [deliberation_id for deliberation_id in deliberation_ids if deliberation_id not in ended]

    def search(self, owner: str, query: Query) -> Entries:
        """See `Records.search`."""
        statement = self._matching(owner, query).limit(query.limit + 1)
        with self._reading() as connection:
            rows = connection.execute(statement).all()
        items = tuple(_entry(row) for row in rows[: query.limit])
        if len(rows) <= query.limit:
            return Entries(items, None)
        last = items[-1]
        return Entries(items, cursors.given(cursors.EntryCursor(_ms(last.started_at), last.deliberation_id)))

    def sessions(self, owner: str, limit: int, cursor: str | None) -> Sessions:
        """See `Records.sessions`."""
        after = cursors.taken(cursor, cursors.SessionCursor) if cursor else None
        with self._reading() as connection:
            return _sessions(connection, owner, limit, after)

    def rename(self, owner: str, deliberation_id: str, title: str | None) -> None:
        """See `Records.rename`."""
        its_title = (TITLES.c.owner == owner, TITLES.c.id == deliberation_id)
        its_row = (_COLUMNS.owner == owner, _COLUMNS.id == deliberation_id)
        with self._writing() as connection:
            former = connection.execute(select(TITLES.c.title).where(*its_title)).scalar()
            connection.execute(delete(TITLES).where(*its_title))
            if title is not None:
                connection.execute(insert(TITLES).values(owner=owner, id=deliberation_id, title=storable(title)))
            text = connection.execute(select(_COLUMNS.text).where(*its_row)).scalar()
            if text is not None:
                text = _searched(title) + text.removeprefix(_searched(former))
                connection.execute(update(DELIBERATIONS).where(*its_row).values(text=text))

    def forget(self, owner: str, deliberation_id: str) -> bool:
        """See `Records.forget`."""
        with self._writing() as connection:
            n_deleted = [
                connection.execute(delete(table).where(table.c.id == deliberation_id, table.c.owner == owner)).rowcount
                for table in (DELIBERATIONS, TITLES)
            ]
        return any(n_deleted)

    def clear(self) -> None:
        """See `ClearableRecords.clear`."""
        with self._writing() as connection:
            connection.execute(delete(DELIBERATIONS))

    def keep_council(self, owner: str, council_id: str, council: str) -> bool:
        """See `KeptCouncils.keep`; ``council`` is its JSON."""
        its = (COUNCILS.c.owner == owner, COUNCILS.c.id == council_id)
        with self._writing() as connection:
            if connection.execute(update(COUNCILS).where(*its).values(council=council)).rowcount:
                return False
            others = select(func.count()).select_from(COUNCILS).where(COUNCILS.c.owner == owner)
            if connection.execute(others).scalar_one() >= MOST_COUNCILS:
                raise CouncilsFull(MOST_COUNCILS)
            connection.execute(insert(COUNCILS).values(owner=owner, id=council_id, council=council))
        return True

    def council(self, owner: str, council_id: str) -> str | None:
        """See `KeptCouncils.find`."""
        statement = select(COUNCILS.c.council).where(COUNCILS.c.owner == owner, COUNCILS.c.id == council_id)
        with self._reading() as connection:
            return connection.execute(statement).scalar()

    def councils(self, owner: str) -> Sequence[str]:
        """See `KeptCouncils.listed`."""
        statement = select(COUNCILS.c.council).where(COUNCILS.c.owner == owner).order_by(COUNCILS.c.id)
        with self._reading() as connection:
            return connection.execute(statement).scalars().all()

    def forget_council(self, owner: str, council_id: str) -> bool:
        """See `KeptCouncils.forget`."""
        statement = delete(COUNCILS).where(COUNCILS.c.owner == owner, COUNCILS.c.id == council_id)
        with self._writing() as connection:
            return connection.execute(statement).rowcount > 0

    @contextmanager
    def _reading(self) -> Generator[Connection]:
        with self._failures_named(), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def _writing(self) -> Generator[Connection]:
        with self._failures_named(), self._engine.execution_options(**{WRITES: True}).begin() as connection:
            yield connection

    @contextmanager
    def _failures_named(self) -> Generator[None]:
        try:
            yield
        except FAILURES as error:
            raise self._dialect.unavailable(error) from error

    def _matching(self, owner: str, query: Query) -> Select[Any]:
        statement = select(*_ENTRY, TITLES.c.title).select_from(_TITLED).where(_COLUMNS.owner == owner)
        if words := words_of(query.text):
            statement = statement.where(self._dialect.matching(words))
        for column, wanted in (
            (_COLUMNS.outcome, query.outcome),
            (_COLUMNS.decision, query.decision),
            (_COLUMNS.session_id, query.session_id),
            (_COLUMNS.id, query.deliberation_id),
        ):
            if wanted is not None:
                statement = statement.where(column == wanted)
        if query.has_outcome:
            statement = statement.where(_COLUMNS.outcome.is_not(None))
        place = tuple_(_COLUMNS.started_ms, _COLUMNS.id)
        if query.cursor is not None:
            last = cursors.taken(query.cursor, cursors.EntryCursor)
            here = tuple_(last.started_ms, last.deliberation_id)
            statement = statement.where(place > here if query.is_oldest_first else place < here)
        if query.is_oldest_first:
            return statement.order_by(_COLUMNS.started_ms, _COLUMNS.id)
        return statement.order_by(_COLUMNS.started_ms.desc(), _COLUMNS.id.desc())


def _sessions(connection: Connection, owner: str, limit: int, after: cursors.SessionCursor | None) -> Sessions:
    turns = select(
        _COLUMNS.session_id,
        func.count().label("n_turns"),
        func.max(_COLUMNS.started_ms).label("last_ms"),
        func.min(_COLUMNS.started_ms).label("first_ms"),
    ).where(_COLUMNS.owner == owner)
    if after is not None:
        # A session that has got a turn since the first page was read would otherwise move past the reader.
        turns = turns.where(_COLUMNS.started_ms <= after.as_of_ms)
    grouped = turns.group_by(_COLUMNS.session_id).subquery()
    place = tuple_(grouped.c.last_ms, grouped.c.session_id)
    statement = select(grouped).order_by(grouped.c.last_ms.desc(), grouped.c.session_id.desc()).limit(limit + 1)
    if after is not None:
        statement = statement.where(place < tuple_(after.last_ms, after.session_id))
    rows = connection.execute(statement).all()
    items = tuple(
        Session(row.session_id, _title(connection, owner, row.session_id, row.first_ms), row.n_turns, _at(row.last_ms))
        for row in rows[:limit]
    )
    if len(rows) <= limit:
        return Sessions(items, None)
    last = rows[limit - 1]
    as_of_ms = after.as_of_ms if after else rows[0].last_ms
    return Sessions(items, cursors.given(cursors.SessionCursor(as_of_ms, last.last_ms, last.session_id)))


def _title(connection: Connection, owner: str, session_id: str, first_ms: int) -> str:
    statement = (
        select(_COLUMNS.question)
        .where(_COLUMNS.owner == owner, _COLUMNS.session_id == session_id, _COLUMNS.started_ms == first_ms)
        .order_by(_COLUMNS.id)
        .limit(1)
    )
    question = connection.execute(statement).scalar_one().strip()
    return question if len(question) <= TITLE_CHARS else f"{question[: TITLE_CHARS - 1]}…"


def _searched(title: str | None) -> str:
    """Give what a title adds to the beginning of the text that a deliberation is found by."""
    return "" if title is None else f"{searchable(title)}\n"


def _row(recording: Recording) -> dict[str, Any]:
    entry = recording.entry
    return {
        "id": entry.deliberation_id,
        "owner": recording.owner,
        "session_id": entry.session_id,
        "mode": entry.mode,
        "council_id": entry.council_id,
        "status": entry.status,
        "outcome": entry.outcome,
        "decision": entry.decision,
        "confidence": entry.confidence,
        "started_ms": _ms(entry.started_at),
        "ended_ms": None if entry.ended_at is None else _ms(entry.ended_at),
        "question": storable(entry.question),
        "summary": None if entry.summary is None else storable(entry.summary),
        "answer": None if entry.answer is None else storable(entry.answer),
        "text": searchable(recording.text),
    }


def _entry(row: Row[Any]) -> Entry:
    return Entry(
        deliberation_id=row.id,
        session_id=row.session_id,
        question=row.question,
        mode=Mode(row.mode),
        council_id=row.council_id,
        status=row.status,
        started_at=_at(row.started_ms),
        ended_at=None if row.ended_ms is None else _at(row.ended_ms),
        outcome=None if row.outcome is None else Outcome(row.outcome),
        decision=None if row.decision is None else Decision(row.decision),
        confidence=row.confidence,
        summary=row.summary,
        answer=row.answer,
        title=row.title,
    )


def _ms(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def _at(ms: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=ms)
