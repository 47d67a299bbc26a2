"""The deliberations and the index of their texts."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

# External content: the index holds no text of its own, and the triggers keep it in step within the same transaction.
# https://www.sqlite.org/fts5.html#external_content_tables
_SQLITE_INDEX = (
    "CREATE VIRTUAL TABLE deliberations_text USING fts5 "
    "(text, content = 'deliberations', content_rowid = 'row', tokenize = 'trigram')",
    "CREATE TRIGGER deliberations_inserted AFTER INSERT ON deliberations BEGIN "
    "INSERT INTO deliberations_text (rowid, text) VALUES (new.row, new.text); END",
    "CREATE TRIGGER deliberations_deleted AFTER DELETE ON deliberations BEGIN "
    "INSERT INTO deliberations_text (deliberations_text, rowid, text) VALUES ('delete', old.row, old.text); END",
    "CREATE TRIGGER deliberations_updated AFTER UPDATE OF text ON deliberations WHEN old.text <> new.text BEGIN "
    "INSERT INTO deliberations_text (deliberations_text, rowid, text) VALUES ('delete', old.row, old.text); "
    "INSERT INTO deliberations_text (rowid, text) VALUES (new.row, new.text); END",
)


def upgrade() -> None:
    """Make the table, and what searches it."""
    op.create_table(
        "deliberations",
        sa.Column("row", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("id", sa.Text, nullable=False, unique=True),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("session_id", sa.Text, nullable=False),
        sa.Column("mode", sa.Text, nullable=False),
        sa.Column("council_id", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("outcome", sa.Text),
        sa.Column("decision", sa.Text),
        sa.Column("confidence", sa.Float),
        sa.Column("started_ms", sa.BigInteger, nullable=False),
        sa.Column("ended_ms", sa.BigInteger),
        sa.Column("question", sa.Text, nullable=False),
        sa.Column("summary", sa.Text),
        sa.Column("answer", sa.Text),
        sa.Column("text", sa.Text, nullable=False),
    )
    op.create_index("deliberations_by_time", "deliberations", ["owner", "started_ms", "id"])
    op.create_index("deliberations_by_session", "deliberations", ["owner", "session_id", "started_ms", "id"])
    if op.get_bind().dialect.name == "sqlite":
        for statement in _SQLITE_INDEX:
            op.execute(statement)
