"""Patience with a provider that throttles: one limiter a model a process.

One lane that is refused makes every lane of that model wait, because they share the quota it ran into. The wait grows
from one refusal to the next and is drawn at random below its bound ("full jitter", AWS Architecture Blog, "Exponential
Backoff And Jitter"), so that the lanes do not come back in step. A call that is accepted ends it.
"""

import asyncio
import random

_FIRST_S = 1.0
_MOST_S = 20.0


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
        bound_s = min(_MOST_S, _FIRST_S * 2 ** (self._n_refusals - 1))
        wait_s = retry_after_s if retry_after_s is not None else bound_s * random.random()
        self._closed_until = max(self._closed_until, now + wait_s)
        return self._closed_until - now + 0.1 * bound_s * random.random()

    def accepted(self) -> None:
        """Take note that the provider took a call."""
        self._n_refusals = 0

    @property
    def wait_s(self) -> float:
        """The seconds to wait before a call; 0 while nothing is throttled."""
        return max(0.0, self._closed_until - asyncio.get_running_loop().time())
