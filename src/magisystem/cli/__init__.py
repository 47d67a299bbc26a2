"""The command `magi`."""

from magisystem.cli.commands import main

__all__ = ["main"]
