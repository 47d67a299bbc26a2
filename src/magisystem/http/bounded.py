"""Uvicorn's HTTP protocol, with bounds on what a connection may cost before anybody is asked who they are.

httptools has none: the head of a request may go on for ever, and is kept; so is a trailer. Uvicorn waits without end
for a head that does not come, and for a body that nobody reads any more. http/server.py and the gateway serve with this
one.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from magisystem.protocol.values import BODY_BYTES

# A body that is refused by its head may come on, whole, before its sender reads why; heads need far less.
UNHEARD_BYTES = 2 * BODY_BYTES
# As long as nginx gives a head by default (client_header_timeout).
HEAD_S = 60.0


class BoundedHttp(HttpToolsProtocol):
    """Drops a connection that sends more than `UNHEARD_BYTES` of what no application will hear.

    So it does with one that brings no whole head within ``head_s`` s, counted from its beginning, and again from what
    comes first after an answer.
    """

    # Beyond 30 attributes an instance has a table of their names of its own, 1 kB; uvicorn's has 28.
    __slots__ = ("_is_in_head", "_late", "_n_unheard")
    head_s = HEAD_S

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # What came since an application was last given something.
        self._n_unheard = 0
        self._is_in_head = True
        self._late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for a head."""
        super().connection_made(transport)  # pyright: ignore[reportArgumentType] - uvicorn narrows what asyncio gives
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came."""
        self._n_unheard += len(data)
        super().data_received(data)
        if self._n_unheard > UNHEARD_BYTES:
            self.transport.abort()
        elif self._late is None and (not self.cycle or self.cycle.response_complete) and self._n_unheard:
            self._await_head()

    def on_message_begin(self) -> None:
        """Begin a head."""
        self._is_in_head = True
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header; not a trailer, which would come beside the headers that were judged already."""
        if self._is_in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """End a head: somebody hears it."""
        self._n_unheard = 0
        self._is_in_head = False
        self._stop_waiting()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Pass a piece of a body on, if somebody still hears it."""
        if self.cycle and not self.cycle.response_complete:
            self._n_unheard = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End a message, be it heard or not."""
        self._n_unheard = 0
        super().on_message_complete()

    def _await_head(self) -> None:
        self._late = self.loop.call_later(self.head_s, self.transport.abort)

    def _stop_waiting(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None
