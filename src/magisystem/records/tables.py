"""The tables of the records, as the newest migration leaves them."""

from sqlalchemy import BigInteger, Column, Float, Index, Integer, MetaData, Table, Text

METADATA = MetaData()

# A row's number is what a full-text index knows it by; SQLite keeps one only where its type is exactly INTEGER.
_Row = BigInteger().with_variant(Integer(), "sqlite")

# `text` comes last: what lists read of a row then lies before it, and its pages are not touched.
DELIBERATIONS = Table(
    "deliberations",
    METADATA,
    Column("row", _Row, primary_key=True, autoincrement=True),
    Column("id", Text, nullable=False, unique=True),
    Column("owner", Text, nullable=False),
    Column("session_id", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("council_id", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("outcome", Text),
    Column("decision", Text),
    Column("confidence", Float),
    # Milliseconds since 1970 in UTC: they sort alike in every database.
    Column("started_ms", BigInteger, nullable=False),
    Column("ended_ms", BigInteger),
    Column("question", Text, nullable=False),
    Column("summary", Text),
    Column("answer", Text),
    # Everything a deliberation can be found by, in the form of `wording.searchable`.
    Column("text", Text, nullable=False),
    Index("deliberations_by_time", "owner", "started_ms", "id"),
    Index("deliberations_by_session", "owner", "session_id", "started_ms", "id"),
)

# What an owner calls a deliberation. It is in no log: emptying the records to make them anew leaves it.
TITLES = Table(
    "titles",
    METADATA,
    Column("owner", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("title", Text, nullable=False),
)

# What an owner keeps, as JSON (records/councils.py): nothing within it is searched for.
COUNCILS = Table(
    "councils",
    METADATA,
    Column("owner", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("council", Text, nullable=False),
)
