"""Which names a server answers to.

A server on the loopback interface is reached by its local names only. A foreign page can make its own name point there
(DNS rebinding), and would then be of the same origin as this server for the browser; its requests carry that name.
"""

import re
from collections.abc import Collection
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from magisystem.http.problems import problem
from magisystem.protocol.addresses import is_loopback

_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


def allowed_hosts(listens_on: str, named: Collection[str]) -> frozenset[str] | None:
    """Give the names the server answers to, in lower case and without a port; ``None`` for any."""
    if "*" in named or (not named and not is_loopback(listens_on)):
        return None
    return _LOCAL | {listens_on.lower()} | set(named)


class HostCheck:
    """Refuses requests for a host that is not this one, before anything else is done with them."""

    def __init__(self, app: ASGIApp, allowed: frozenset[str] | None) -> None:
        self._app = app
        self._allowed = allowed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] == "lifespan" or self._allowed is None or self._name(scope) in self._allowed:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            answer = problem(
                HTTPStatus.MISDIRECTED_REQUEST,
                "host_not_allowed",
                f"This server does not answer to the host {self._name(scope)!r}. If it should, name it in "
                "MAGI_ALLOWED_HOSTS.",
                retryable=False,
            )
            await answer(scope, receive, send)

    def _name(self, scope: Scope) -> str:
        host = Headers(scope=scope).get("host", "").lower()
        found = re.fullmatch(r"\[([0-9a-f:.]+)\](?::\d+)?|([^:]*)(?::\d+)?", host)
        return (found[1] or found[2] or "") if found else ""
