"""Who comes in, by the head of a request: the owner in whose name everything is done that it asks for."""

import base64
import binascii
from dataclasses import dataclass

from starlette.datastructures import Headers

from magisystem.http.places import Places
from magisystem.http.rates import Rates
from magisystem.identity import Callers, bearer
from magisystem.protocol.agentcore import ASSERTION_HEADER, SOCKET_PROTOCOL


@dataclass(frozen=True, slots=True)
class Entrance:
    """Knows callers and counts what they ask for."""

    callers: Callers
    rates: Rates
    places: Places

    async def owner(self, headers: Headers) -> str:
        """Give whose request it is.

        Raises:
            IdentityError: it is nobody's who may.
            RateLimited: the owner asks for too much.
        """
        owner = await self.callers.owner(_token(headers), headers.get(ASSERTION_HEADER))
        self.rates.take(owner)
        return owner


def socket_protocol(headers: Headers) -> str | None:
    """Give the subprotocol to accept a socket with: the one under which a token was given."""
    return SOCKET_PROTOCOL if SOCKET_PROTOCOL in _protocols(headers) else None


def _token(headers: Headers) -> str | None:
    if (token := bearer(headers.get("authorization"))) is not None:
        return token
    encoded = next((each for each in _protocols(headers) if each.startswith(f"{SOCKET_PROTOCOL}.")), None)
    if encoded is None:
        return None
    encoded = encoded.removeprefix(f"{SOCKET_PROTOCOL}.")
    try:
        return base64.b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        return None


def _protocols(headers: Headers) -> list[str]:
    return [each.strip() for each in headers.get("sec-websocket-protocol", "").split(",")]
