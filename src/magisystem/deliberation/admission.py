"""Who is let in: as many deliberations as the process holds, while its event loop is on time, one start after another.

It keeps the pace of what runs. What one owner may is not its matter (deliberation/deliberations.py, which asks it).
"""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from magisystem.errors import Overloaded

# Five tokens at the 50 a second of a quick model: beyond that a person sees text come in jolts.
LATE_S = 0.1
# Short beside the bound, for a timer that fires once a turn of the loop sees that turn only less this time.
_SAMPLE_S = 0.02
_WEIGHT = 0.2
# Opening a deliberation's models takes milliseconds of the loop; two that are opened together hold it up for both.
_APART_S = 0.005
# A start is in its reader's hands within about a second, or refused.
_LONGEST_WAIT_S = 1.0
# What a turn costs where nobody else wants one is no wait.
NOTICEABLE_S = 0.1
# Above what deliberations of seconds free of some hundred places, and far below what refusing costs a processor.
_RETURNS_PER_S = 50.0
_SOONEST_S = 1.0
_LATEST_S = 10.0
_SAID_EVERY_S = 60.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Capacity:
    """What a process holds: ``n_running`` deliberations, and as many as leave its event loop less than ``late_s`` late.

    No count knows that models are computed in the process, that the disk is slow or the machine small; the loop does.
    Starts are opened ``apart_s`` or more apart, and wait ``longest_wait_s`` at most for their turn.
    """

    n_running: int
    late_s: float = LATE_S
    apart_s: float = _APART_S
    longest_wait_s: float = _LONGEST_WAIT_S


@dataclass(slots=True)
class Lateness:
    """How late timers fire, smoothed, and whether that is beyond ``bound_s``.

    One sample counts as twice the bound at most, so a single pause, however long (a collection of garbage, a laptop
    that slept), never is too late; some five late samples in a row are, within about a second. It is over below half
    of the bound.
    """

    bound_s: float
    smoothed_s: float = 0.0
    is_late: bool = False

    def add(self, late_s: float) -> None:
        """Take a sample."""
        self.smoothed_s += _WEIGHT * (min(max(late_s, 0.0), 2 * self.bound_s) - self.smoothed_s)
        self.is_late = self.smoothed_s > (self.bound_s / 2 if self.is_late else self.bound_s)


@dataclass(slots=True)
class Appointments:
    """When those who are refused are asked to come back: `_RETURNS_PER_S` of them a second, however many they are.

    So what refusing costs does not grow with the crowd, and no two of it are sent to the same moment while there are
    others. After `_LATEST_S` the round begins anew.
    """

    last_s: float = 0.0

    def wait_s(self, now_s: float) -> float:
        """Give the next one: in how many seconds from ``now_s``, which never goes back."""
        soonest_s = now_s + _SOONEST_S
        self.last_s = max(self.last_s + 1 / _RETURNS_PER_S, soonest_s)
        if self.last_s > now_s + _LATEST_S:
            self.last_s = soonest_s
        return self.last_s - now_s


class Admission:
    """Lets starts in, or refuses them. Without a ``capacity`` it lets everyone in at once.

    ``n_running`` gives how many deliberations there are that it let in, or that count without it, and ``runs``, where
    that is known more cheaply, whether there is any: it is asked fifty times a second.
    """

    def __init__(
        self,
        capacity: Capacity | None,
        n_running: Callable[[], int],
        now: Callable[[], float] = time.monotonic,
        *,
        runs: Callable[[], bool] | None = None,
    ) -> None:
        self._capacity = capacity
        self._n_running = n_running
        self._runs = runs or (lambda: bool(n_running()))
        self._now = now
        self._lateness = Lateness(capacity.late_s if capacity else LATE_S)
        self._appointments = Appointments()
        self._turnstile = asyncio.Lock()
        self._free_at_s = 0.0
        # Those who wait for their turn, and those whose turn has come and who do not run yet.
        self._n_entering = 0
        self._timer: asyncio.TimerHandle | None = None
        self._due_s = 0.0
        self._n_refused = 0
        self._said_at_s = float("-inf")

    @asynccontextmanager
    async def place(self) -> AsyncGenerator[float]:
        """Hold one of the places, and give how many seconds its turn was waited for.

        At its end the place is to be among those that ``n_running`` counts, or is free. Those who wait have a place,
        so no more of them can wait than there is room for.

        Raises:
            Overloaded: there is no place, the loop is late, or the turn did not come in time.
        """
        if self._capacity is None:
            yield 0.0
            return
        self._check(self._capacity)
        self._n_entering += 1
        try:
            self.watch()
            yield await self._turn(self._capacity)
        finally:
            self._n_entering -= 1

    def watch(self) -> None:
        """Look at the loop's lateness from now on, for as long as anything runs."""
        if self._capacity is None or self._timer is not None:
            return
        self._due_s = self._now() + _SAMPLE_S
        self._timer = asyncio.get_running_loop().call_later(_SAMPLE_S, self._sample)

    def close(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _sample(self) -> None:
        self._timer = None
        self._lateness.add(self._now() - self._due_s)
        if self._n_entering or self._runs():
            self.watch()
        else:
            self._lateness = Lateness(self._lateness.bound_s)

    def _check(self, capacity: Capacity) -> None:
        n_running = self._n_running()
        if n_running + self._n_entering >= capacity.n_running:
            raise self._refusal(f"{n_running} deliberations run, and {capacity.n_running} may (MAGI_RUNNING)")
        self._check_lateness()

    def _check_lateness(self) -> None:
        # Where nothing runs there is no pace to keep: a machine too slow for anything still does one after the other.
        if self._lateness.is_late and self._n_running():
            raise self._refusal(f"the event loop is {1000 * self._lateness.smoothed_s:.0f} ms late")

    async def _turn(self, capacity: Capacity) -> float:
        """Wait until no other start is just being opened.

        Between two turns the event loop comes round to everything else, so that what runs waits for one start at most.
        """
        began_s = self._now()
        try:
            async with asyncio.timeout(capacity.longest_wait_s), self._turnstile:
                if (pause_s := self._free_at_s - self._now()) > 0:
                    await asyncio.sleep(pause_s)
                self._free_at_s = self._now() + capacity.apart_s
        except TimeoutError:
            raise self._refusal(f"{self._n_entering} starts wait, one of them too long") from None
        self._check_lateness()
        return self._now() - began_s

    def _refusal(self, reason: str) -> Overloaded:
        """Give a refusal; the log says once a minute that there are some."""
        now_s = self._now()
        self._n_refused += 1
        if now_s - self._said_at_s >= _SAID_EVERY_S:
            _log.warning("overloaded: %s; starts refused since this was said last: %d", reason, self._n_refused)
            self._said_at_s, self._n_refused = now_s, 0
        return Overloaded(self._appointments.wait_s(now_s))
