"""Event logs, each an adapter of `magisystem.deliberation.ports.EventLog`."""

from magisystem.logs.memory import MemoryEventLog

__all__ = ["MemoryEventLog"]
