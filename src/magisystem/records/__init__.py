"""Records, each an adapter of `magisystem.deliberation.ports.Records`. Importing this does not load SQLAlchemy."""

from magisystem.records.sql import RECORDS_FILE, SqlRecords

__all__ = ["RECORDS_FILE", "SqlRecords"]
