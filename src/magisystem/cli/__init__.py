"""The command `magi`."""
