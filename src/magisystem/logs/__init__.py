"""Event logs, each an adapter of `magisystem.deliberation.ports.EventLog`."""
