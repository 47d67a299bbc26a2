"""How many requests an owner may make in a minute."""

import time
from collections.abc import Callable

from magisystem.errors import RateLimited

_WINDOW_S = 60.0
_MANY = 10_000


class Rates:
    """Counts the requests of each owner, as a leaky bucket that holds a minute's worth (GCRA).

    Nobody is counted where ``per_minute`` is ``None``. An owner costs one number, and that only while it counts.
    """

    def __init__(self, per_minute: int | None, now: Callable[[], float] = time.monotonic) -> None:
        self._per_minute = per_minute
        self._now = now
        # When each owner's bucket is empty again.
        self._empty_at: dict[str, float] = {}
        self._many = _MANY

    def take(self, owner: str) -> None:
        """Count a request.

        Raises:
            RateLimited: the owner has made as many as one may; nothing is counted.
        """
        if self._per_minute is None:
            return
        now = self._now()
        a_request_s = _WINDOW_S / self._per_minute
        empty_at = max(self._empty_at.get(owner, now), now) + a_request_s
        if (over_s := empty_at - now - _WINDOW_S) > a_request_s / 1_000:
            raise RateLimited(
                f"You have made more than {self._per_minute} requests in a minute. Go on more slowly.", over_s
            )
        self._empty_at[owner] = empty_at
        if len(self._empty_at) > self._many:
            self._empty_at = {each: at for each, at in self._empty_at.items() if at > now}
            # Twice what is left: where all of a crowd count, not each of its requests looks through the crowd.
            self._many = max(_MANY, 2 * len(self._empty_at))
