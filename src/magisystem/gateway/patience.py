"""How long the gateway waits for what, and how it goes about trying again."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """The gateway's times, in seconds, and one number.

    ``head_s``: for the runtime to answer, before a stream's head goes out without it (decision 0018). ``keep_alive_s``:
    without a byte to the reader, before a comment is sent. ``connect_s``: for a connection to come about.
    ``answer_s``: for the runtime's head; a session that has to be started takes its time. ``document_s``: for an answer
    that is no stream; AgentCore ends those after 15 min. ``silence_s``: without a byte from the runtime, before its
    stream counts as broken; a server of ours is never silent for more than 10 s, but what stands between may keep
    comments to itself, so it is above the 30 s after which a silent model is given up.

    ``retry_s``: how long what was refused for the moment is tried again before the first byte. ``give_up_s``: how long
    a stream that broke is tried for without any progress. ``steady_s``: how long a stream has to have lasted to count
    as progress though nothing came. ``unreadable_streams``: how many of them in a row may open and bring nothing that
    can be read; asking for more of the same mends nothing, and a large frame costs each time. ``back_off_s``,
    ``longest_back_off_s``: the bounds of the first pause and the last.

    ``spare_s``: how long before the platform's own deadline a body is ended. ``last_words_s``: for its end to be taken.
    """

    head_s: float = 1.0
    keep_alive_s: float = 10.0
    connect_s: float = 5.0
    answer_s: float = 60.0
    document_s: float = 900.0
    silence_s: float = 45.0
    retry_s: float = 20.0
    give_up_s: float = 60.0
    steady_s: float = 10.0
    unreadable_streams: int = 5
    back_off_s: float = 0.2
    longest_back_off_s: float = 5.0
    spare_s: float = 5.0
    last_words_s: float = 1.0


class BackOff:
    """Pauses that grow, with full jitter, from one failure to the next, until something succeeds.

    Full jitter, because a runtime that comes back has everybody coming back:
    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """

    def __init__(self, timing: Timing, limit_s: float, *, now: Callable[[], float] = time.monotonic) -> None:
        self._timing = timing
        self._limit_s = limit_s
        self._now = now
        self._n_failures = 0
        self._failing_since_s = 0.0

    def succeeded(self) -> None:
        """Begin anew."""
        self._n_failures = 0

    def failed(self, at_least_s: float = 0.0) -> float | None:
        """Give the pause before the next try in seconds, never less than the other side asks for.

        ``None`` where all tries have failed for the limit, or would have by the end of what the other side asks for.
        """
        now = self._now()
        if self._n_failures == 0:
            self._failing_since_s = now
        left_s = self._failing_since_s + self._limit_s - now
        if left_s <= at_least_s:
            return None
        # The exponent is bounded: a float of 2 overflows at 1024.
        longest_s = min(self._timing.longest_back_off_s, self._timing.back_off_s * 2 ** min(self._n_failures, 30))
        self._n_failures += 1
        return min(at_least_s + random.uniform(0, longest_s), left_s)
