"""Event logs, each an adapter of `magisystem.deliberation.ports.EventLog`."""

from magisystem.logs.memory import MemoryEventLog
from magisystem.logs.sqlite import SqliteEventLog

__all__ = ["MemoryEventLog", "SqliteEventLog"]
