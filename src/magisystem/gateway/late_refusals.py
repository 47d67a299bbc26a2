"""Refusals that came after the head of their stream had to go out, kept for whoever asks again.

Such a stream is aborted, so its client comes back: with the rest of what it read, or with the same start under the same
idempotency key. It is told then what is wrong, with the status, instead of waiting for the same again. Each is told
once: the request after that goes to the runtime. A start without a key of its own is always a new one, so nothing is
kept for it: whoever runs a script again, when the runtime is well again, would be told what is over.
"""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable

from magisystem.errors import MagiError
from magisystem.gateway.asks import Ask, Reached
from magisystem.gateway.calls import Call
from magisystem.gateway.refusals import RefusedByRuntime

# Longer than a client that tries again waits between two tries.
_KEPT_S = 30.0
_MOST = 256


class LateRefusals:
    """At most 256 of them, the latest, each for 30 s."""

    def __init__(self, *, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._kept: OrderedDict[bytes, tuple[float, MagiError | RefusedByRuntime]] = OrderedDict()

    def keep(self, key: bytes | None, refusal: MagiError | RefusedByRuntime) -> None:
        """Keep what is to be told to whoever comes back, and nothing of how it came about.

        Nothing is kept without a ``key``.

        An error's traceback, and those of its causes, hold the frames it came through, and with them the whole request.
        """
        refusal.__traceback__ = refusal.__cause__ = refusal.__context__ = None
        if key is None:
            return
        self._kept.pop(key, None)
        self._kept[key] = (self._now() + _KEPT_S, refusal)
        while len(self._kept) > _MOST:
            self._kept.popitem(last=False)

    def raise_kept(self, key: bytes | None) -> None:
        """Tell what was kept, if anything, and keep it no longer.

        Raises:
            MagiError, RefusedByRuntime: what was kept.
        """
        until_s, refusal = self._kept.pop(key, (0.0, None)) if key is not None else (0.0, None)
        if refusal is not None and self._now() < until_s:
            raise refusal


def key_of(call: Call, ask: Ask, reached: Reached) -> bytes | None:
    """Give by what a client is known that got as far as ``reached`` and comes back: whose it is, and what it asks."""
    comeback = ask.comeback(reached)
    return None if comeback is None else hashlib.sha256(call.runtime_session_id.encode() + b"\0" + comeback).digest()
