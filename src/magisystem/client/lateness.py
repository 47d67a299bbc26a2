"""Telling a stream that something on the way holds back from one that comes as it is made. Pure: it reads no clock.

Two clocks are compared, the server's in the events' timestamps and the client's at their arrival. They need not agree:
the least difference seen is taken for that of the clocks, so what is measured is how much longer than the quickest one
an event took. Not every late event was held back on the way. What is read of the past is old by nature, and what lay
in our own buffers is late through our own slowness; so only what was made while we waited for it counts.
"""

from collections.abc import Iterable
from datetime import datetime
from math import inf

from magisystem.protocol.events import AnyEvent

# What was let go at once is still read piece by piece: one for each chunk of HTTP. Counted from the first of them and
# not from one to the next, or the backlog of a reader that is a little too slow would be taken for a burst without end.
_AT_ONCE_S = 0.1


class Lateness:
    """Watches the arrivals of one stream. ``late_s`` is how much later than the quickest event is held back."""

    def __init__(self, late_s: float) -> None:
        self._late_s = late_s
        self._least_s = inf
        self._burst_at_s = -inf
        self._burst_awaited_s = -inf
        self._burst: list[tuple[float, float]] = []

    def is_held_back(self, events: Iterable[AnyEvent], waiting_since_s: float, arrived_s: float) -> bool:
        """Take the events of one piece, or none, and say whether something held back what came at once with it.

        ``waiting_since_s`` is when the reader began to wait for the piece. Both times are of one clock of the client's,
        any. A single event is never held back: what holds back gathers.
        """
        if arrived_s - self._burst_at_s > _AT_ONCE_S:
            self._burst_at_s, self._burst_awaited_s, self._burst = arrived_s, waiting_since_s, []
        arrivals = [(made, arrived_s) for event in events if (made := _seconds(event.timestamp)) is not None]
        self._burst += arrivals
        self._least_s = min([self._least_s, *(arrived - made for made, arrived in arrivals)])
        late_s = [
            arrived - made - self._least_s
            for made, arrived in self._burst
            if made + self._least_s >= self._burst_awaited_s
        ]
        return len(late_s) > 1 and max(late_s) > self._late_s


def _seconds(timestamp: str) -> float | None:
    try:
        return datetime.fromisoformat(timestamp).timestamp()
    except (ValueError, OverflowError):
        return None
