"""A deliberation's charter: what was settled before it began, kept beside its log so that another process can go on."""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from magisystem.council.agents import Council
from magisystem.council.briefs import Matter
from magisystem.protocol.values import Mode


@dataclass(frozen=True, slots=True)
class Charter:
    """What is to be deliberated on, by whom and how. ``models`` holds a model's name for every agent that speaks."""

    session_id: str
    mode: Mode
    matter: Matter
    council: Council
    models: Mapping[str, str]

    def encode(self) -> bytes:
        """Give the charter as it is kept."""
        return msgspec.json.encode(self)

    @classmethod
    def decode(cls, kept: bytes) -> "Charter":
        """Read a charter that was kept.

        Raises:
            msgspec.DecodeError: it is damaged, or was written by a version that keeps other things.
        """
        return msgspec.json.decode(kept, type=cls)
