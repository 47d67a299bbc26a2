"""Patience with a provider that throttles: one limiter a model a process.

One lane that is refused makes every lane of that model wait, because they share the quota it ran into. The wait grows
from one refusal to the next and is drawn at random below its bound ("full jitter", AWS Architecture Blog, "Exponential
Backoff And Jitter"), so that the lanes do not come back in step. A call that is accepted afterwards starts it anew.
"""

import asyncio
import random

_FIRST_S = 1.0
_MOST_S = 20.0
# 2 ** 5 is beyond `_MOST_S` already; an unbounded exponent would one day be beyond what a float holds.
_MOST_DOUBLINGS = 5


# Beyond the longest sage's deadline nobody waits anyway.
_LONGEST_S = 60.0


class Limiter:
    """Holds back calls to one model while its provider throttles."""

    def __init__(self) -> None:
        self._n_refusals = 0
        self._closed_until = 0.0

    def refused(self, retry_after_s: float | None = None) -> float:
        """Take note of a refusal and give the seconds to wait before the next try; the provider's wish has its way."""
        now = asyncio.get_running_loop().time()
        # Lanes refused together are one refusal: only one that was let through since then raises the bound.
        if now >= self._closed_until:
            self._n_refusals += 1
        # A provider's wish has its way up to a bound: one answer must not shut a model for a process for a day.
        wait_s = min(retry_after_s, _LONGEST_S) if retry_after_s is not None else self._bound_s * random.random()
        self._closed_until = max(self._closed_until, now + wait_s)
        return self._closed_until - now + self._jitter_s()

    def accepted(self) -> None:
        """Take note that the provider took a call; one that was under way when others were refused proves nothing."""
        if asyncio.get_running_loop().time() >= self._closed_until:
            self._n_refusals = 0

    @property
    def wait_s(self) -> float:
        """The seconds to wait before a call, with a jitter of their own each time; 0 while nothing is throttled."""
        left_s = self._closed_until - asyncio.get_running_loop().time()
        return left_s + self._jitter_s() if left_s > 0 else 0.0

    def _jitter_s(self) -> float:
        # Also what is left of the wait where a provider asks for none.
        return 0.1 * self._bound_s * random.random()

    @property
    def _bound_s(self) -> float:
        return min(_MOST_S, _FIRST_S * 2 ** min(max(0, self._n_refusals - 1), _MOST_DOUBLINGS))
