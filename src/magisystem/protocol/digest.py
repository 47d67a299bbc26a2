"""The digest of a log: what `complete` states, so that a reader can prove that it has every event before it."""

import hashlib


class Digest:
    """SHA-256 over the JSON of each event in turn, each followed by one LF."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def add(self, body: bytes) -> None:
        """Take the next event's JSON, the very bytes of the log."""
        self._hash.update(body)
        self._hash.update(b"\n")

    def copy(self) -> "Digest":
        """Give one that goes on by itself from here."""
        other = Digest()
        other._hash = self._hash.copy()
        return other

    def __str__(self) -> str:
        """Give the digest as `complete` states it."""
        return f"sha256:{self._hash.hexdigest()}"
