"""What comes from a server: events with their bytes, in batches, and the ways in which a transport can fail."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from magisystem.protocol.codec import decode
from magisystem.protocol.events import AnyEvent


@dataclass(frozen=True, slots=True)
class Received:
    """One event, and its JSON exactly as the log holds it."""

    event: AnyEvent
    body: bytes

    @classmethod
    def of(cls, body: bytes) -> "Received":
        """Read an event.

        Raises:
            MalformedEvent: the text is not an event.
        """
        return cls(decode(body), body)


@dataclass(frozen=True, slots=True)
class Batch:
    """What one reading gave, in the order it came; nothing, where all that came is a sign of life.

    ``fault`` says why nothing further can be read there, ``held_back`` how one can tell that something on the way
    holds events back; both are empty where all is well. ``is_done`` is true where the log ends with this batch.
    """

    received: Sequence[Received] = ()
    fault: str = ""
    held_back: str = ""
    is_done: bool = False


class Transport(Protocol):
    """A way to read a deliberation's log on; after a failure of any kind it is closed and another one opened."""

    async def read(self, after: int) -> Batch:
        """Wait for what comes next. ``after`` is the last seq that was read.

        Raises:
            Dropped, HeldBack, ServerUnreachable, ServerRefused: see there.
        """
        ...

    async def aclose(self) -> None:
        """Let go of the connection."""
        ...


class Dropped(Exception):
    """The stream broke, or ended before the terminal event. ``is_bare`` is true of a clean end without any event."""

    def __init__(self, reason: str, *, is_bare: bool = False) -> None:
        super().__init__(reason)
        self.is_bare = is_bare


class HeldBack(Exception):
    """Something on the way keeps the stream to itself; the message says how one can tell."""
