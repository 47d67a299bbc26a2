"""What every response that streams has in common: its headers, its pieces, and how it learns that nobody reads it.

It loads nothing but asyncio and the types of ASGI: the gateway, which has to start at once, streams by it too.
"""

import asyncio
from collections.abc import Callable

from starlette.types import Message, Receive

KEEP_ALIVE_S = 10.0

HEADERS = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache, no-transform"),
    # nginx and what is built on it buffer responses unless told not to.
    (b"x-accel-buffering", b"no"),
)


class Aborted(Exception):
    """Raised out of a stream so that its body is aborted, not closed: a clean end would read as success."""


class ServerStops(Aborted):
    """The server stops. The reader comes back to resume."""


class Stopping(asyncio.Event):
    """Set once, when the server is told to stop. Whoever would need a task to wait for that can be called instead."""

    def __init__(self) -> None:
        super().__init__()
        # In the order in which they came.
        self._to_call: dict[Callable[[], object], None] = {}

    def set(self) -> None:
        """Let those go on that wait, and call those that are to be called."""
        super().set()
        to_call, self._to_call = self._to_call, {}
        for each in to_call:
            each()

    def call(self, each: Callable[[], object]) -> None:
        """Have it called, once, when the server is told to stop; at once, if it has been."""
        if self.is_set():
            each()
        else:
            self._to_call[each] = None

    def call_no_more(self, each: Callable[[], object]) -> None:
        """Forget what `call` was given."""
        self._to_call.pop(each, None)


def piece(body: bytes) -> Message:
    """Give the message that sends the next bytes of a body."""
    return {"type": "http.response.body", "body": body, "more_body": True}


async def gone(receive: Receive) -> None:
    """Wait until the reader has left."""
    while (await receive())["type"] != "http.disconnect":
        pass
