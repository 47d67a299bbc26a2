"""Uvicorn's WebSocket protocol, so that a reader that takes nothing can be told so, and be got rid of.

Uvicorn's own waits *before* it writes, a close too: where the reader has stopped reading, neither a last message nor
the close frame could ever be handed over. And it closes transports without a bound: what is buffered for a reader that
never takes it would keep the connection for ever. http/server.py serves with this one.
"""

import asyncio
from typing import Any

from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

# Of 8 KiB a line and 128 headers (websockets/http11.py); uvicorn's HTTP parser has found nothing else wrong with it.
_HEAD_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class DrainingWebSocket(WebSocketsSansIOProtocol):
    """Writes, then waits until the transport has taken it; a connection is gone ``close_timeout`` s after its end.

    Cancelling a send takes nothing back: what was given has been written.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._drained = asyncio.Event()
        self._drained.set()

    def data_received(self, data: bytes) -> None:
        """Take what came; refuse a head over the library's bounds, of which uvicorn would say nothing, for ever."""
        super().data_received(data)
        if self.conn.handshake_exc is not None and not self.handshake_initiated:
            self.handshake_initiated = True
            self.transport.write(_HEAD_TOO_LARGE)
            self.transport.close()

    def pause_writing(self) -> None:
        """Hold back whoever sends from now on; uvicorn's own flag stays up, so that it never waits before it writes."""
        self._drained.clear()

    def resume_writing(self) -> None:
        """Let senders go on."""
        self._drained.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let senders go on, to learn that nobody is there."""
        super().connection_lost(exc)
        self._drained.set()

    # Typed as ASGI's callers type it; uvicorn's own unions are private to it.
    async def send(self, message: Any) -> None:
        """Write a message; wait until the transport has room again, unless it is the last one."""
        if self.handshake_complete and self.close_sent:
            # The library has closed it (a bad frame, a ping unanswered); uvicorn would take the send for a mistake.
            raise ClientDisconnected
        await super().send(message)
        if message["type"] == "websocket.send":
            await self._drained.wait()
        elif message["type"] == "websocket.http.response.body" and not message.get("more_body", False):
            # A refusal that was said to its end. Uvicorn would log it as an application that forgot to answer.
            self.handshake_complete = True

    async def run_asgi(self) -> None:
        """Run the application; whatever it leaves unread is dropped in the end."""
        await super().run_asgi()
        if not self.disconnected:
            self._abort_later()

    def keepalive_timeout(self) -> None:
        """Close, because no pong has come."""
        super().keepalive_timeout()
        if not self.disconnected:
            self._abort_later()

    def _abort_later(self) -> None:
        if self.close_timer is not None:
            self.close_timer.cancel()
        self.close_timer = self.loop.call_later(self.close_timeout, self.transport.abort)
