"""What every response that streams has in common: its headers, its pieces, and how it learns that nobody reads it.

It loads nothing but the types of ASGI: the gateway, which has to start at once, streams by it too.
"""

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


def piece(body: bytes) -> Message:
    """Give the message that sends the next bytes of a body."""
    return {"type": "http.response.body", "body": body, "more_body": True}


async def gone(receive: Receive) -> None:
    """Wait until the reader has left."""
    while (await receive())["type"] != "http.disconnect":
        pass
