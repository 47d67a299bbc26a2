"""A deliberation's own time: what its events say, running on between them.

By it a view tells the same durations whether it watches, joins late and first catches up, or replays at another pace.
"""

import time
from collections.abc import Callable
from datetime import datetime

from magisystem.protocol.events import AnyEvent


class EventClock:
    """Seconds by the events' timestamps; it never goes back.

    Between two events it runs on ``pace`` times as fast as the wall's; a pace of 0 stands still.
    """

    def __init__(self, pace: float = 1.0, ticks: Callable[[], float] = time.monotonic) -> None:
        self._pace = pace
        self._ticks = ticks
        self._event_s = 0.0
        self._ticked_s: float | None = None

    def at(self, event: AnyEvent) -> float:
        """Set the clock by an event that has come just now, and give its time."""
        self._event_s = max(self.now(), timestamp_s(event) or 0.0)
        self._ticked_s = self._ticks()
        return self._event_s

    def now(self) -> float:
        """Give the time; 0 before the first event."""
        if self._ticked_s is None:
            return self._event_s
        return self._event_s + self._pace * (self._ticks() - self._ticked_s)


def timestamp_s(event: AnyEvent) -> float | None:
    """Give an event's timestamp in seconds since 1970; ``None`` where it is none that can be read."""
    try:
        return datetime.fromisoformat(event.timestamp).timestamp()
    except (ValueError, OverflowError):
        return None
