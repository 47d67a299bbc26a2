"""Lets requests wait while the last libraries load, after the port is open.

What can be wrong with settings, log and records has been seen by then, so ``/ping`` may already say that the server is
well: whatever else is asked is answered, a moment later. Without the wait a turn could begin without the earlier turns
of its session, because the history waits for its records no longer than `start` may (deliberation/history.py).
"""

import asyncio

from starlette.types import ASGIApp, Receive, Scope, Send


class Loading:
    """Passes ``/ping`` on at once, and everything else when ``loaded`` is set."""

    def __init__(self, app: ASGIApp, loaded: asyncio.Event) -> None:
        self._app = app
        self._loaded = loaded

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "lifespan" and scope["path"] != "/ping":
            await self._loaded.wait()
        await self._app(scope, receive, send)
