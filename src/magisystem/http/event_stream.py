"""A deliberation as a server-sent event stream: one follower of the log, with nothing kept for it.

A slow reader holds back its own follower alone (the log keeps what it has not read). A reader that leaves ends its
follower and nothing else. Where the log fails, or the server stops, before the terminal event, the body is aborted, not
closed: a clean end would read as success.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager

from magisystem.deliberation.ports import Record
from magisystem.http.live_body import LiveBody
from magisystem.http.streaming import KEEP_ALIVE_S, Stopping
from magisystem.protocol.sse import frame

Following = AbstractAsyncContextManager[AsyncIterator[Sequence[Record]]]


class EventStream(LiveBody[Sequence[Record]]):
    """A response that follows a log to its end."""

    def __init__(
        self,
        following: Following,
        deliberation_id: str,
        stopping: Stopping,
        *,
        keep_alive_s: float = KEEP_ALIVE_S,
    ) -> None:
        headers = ((b"x-magi-deliberation-id", deliberation_id.encode()),)
        super().__init__(following, _framed, stopping, headers, keep_alive_s=keep_alive_s)


def _framed(batch: Sequence[Record]) -> bytes:
    return b"".join([frame(record.seq, record.body) for record in batch])
