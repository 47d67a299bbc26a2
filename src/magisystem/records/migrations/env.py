"""Alembic runs this for every command; whoever calls it gives the connection, and owns its transaction."""

from alembic import context

from magisystem.records.tables import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA)
context.run_migrations()
