"""How long a client waits for what, and how it goes about trying again."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from magisystem.client.errors import ServerRefused, ServerUnreachable

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """The time-outs of a client, in seconds.

    ``connect_s``: for a connection to come about. ``answer_s``: for a short answer to come, beyond what it was told to
    wait. ``first_byte_s``: for the first byte of a stream, from when the request was sent; a server of ours sends a
    kilobyte at once. ``silence_s``: between two bytes of a stream; a server of ours is never silent for more than 10 s.
    ``late_s``: from when an event was made to its arrival, beyond the least there has been; what arrives later, several
    at once, was held back. ``poll_wait_s``: how long one long-poll waits on the server, at most 25.

    ``back_off_s`` and ``longest_back_off_s``: the bounds of the pause before another try, the first and the last.
    ``give_up_s``: how long a deliberation is tried for without any progress, be it that one waits for a server that is
    overloaded; ``reach_s``: the same where nothing else can have been begun yet, and for the short answers.
    """

    connect_s: float = 5.0
    answer_s: float = 30.0
    first_byte_s: float = 5.0
    silence_s: float = 25.0
    late_s: float = 3.0
    poll_wait_s: float = 20.0
    back_off_s: float = 0.2
    longest_back_off_s: float = 5.0
    give_up_s: float = 60.0
    reach_s: float = 3.0


class BackOff:
    """Pauses that grow, with full jitter, from one failure to the next, until something succeeds.

    Full jitter, because a server that comes back has all its clients coming back:
    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """

    def __init__(self, timing: Timing, *, now: Callable[[], float] = time.monotonic) -> None:
        self._timing = timing
        self._now = now
        self._n_failures = 0
        self._failing_since_s = 0.0

    def succeeded(self) -> None:
        """Begin anew."""
        self._n_failures = 0

    def failed(self, limit_s: float, least_s: float = 0.0) -> float | None:
        """Give the pause before the next try in seconds, ``least_s`` or more.

        ``None`` where all tries have failed for ``limit_s``, or will have before the next one may be made.
        """
        now = self._now()
        if self._n_failures == 0:
            self._failing_since_s = now
        left_s = self._failing_since_s + limit_s - now
        if left_s <= 0 or least_s > left_s:
            self.succeeded()
            return None
        # The exponent is bounded: a float of 2 overflows at 1024.
        longest_s = min(self._timing.longest_back_off_s, self._timing.back_off_s * 2 ** min(self._n_failures, 30))
        self._n_failures += 1
        # Whoever is told the same time to come back still comes back each at their own.
        return min(least_s + random.uniform(0, longest_s), left_s)


def told_to_wait_s(error: Exception) -> float:
    """Give how long whoever refused asks to be left alone, in seconds."""
    return error.retry_after_s if isinstance(error, ServerRefused) else 0.0


async def patiently(call: Callable[[], Awaitable[T]], timing: Timing) -> T:
    """Give what ``call`` gives, tried again, where waiting may mend its failure, for ``timing.reach_s``.

    Raises:
        ServerUnreachable, ServerRefused: the last try's.
    """
    back_off = BackOff(timing)
    while True:
        try:
            return await call()
        except (ServerUnreachable, ServerRefused) as error:
            is_lasting = isinstance(error, ServerRefused) and not error.is_passing
            pause_s = None if is_lasting else back_off.failed(timing.reach_s, told_to_wait_s(error))
            if pause_s is None:
                raise
        await asyncio.sleep(pause_s)
