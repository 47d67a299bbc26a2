"""Tokens to owners: what the server and the gateway ask of a request that brings a token."""

import logging
import re
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from magisystem.errors import NotAllowed, Unauthenticated
from magisystem.identity.issuer import Issuer
from magisystem.identity.tokens import OidcPolicy, Token, reason_of

if TYPE_CHECKING:
    import httpx2

_log = logging.getLogger(__name__)

# RFC 6750, 2.1; the name of the scheme in any case (RFC 9110, 11.1).
_BEARER = re.compile(r"bearer +([A-Za-z0-9._~+/-]+=*) *", re.IGNORECASE)


class Verifier:
    """Recognises the owners that one issuer vouches for.

    ``now_s`` (Unix time) and ``elapsed_s`` (a clock that only goes on) take the place of the machine's clocks in tests,
    ``transport`` that of the network.
    """

    def __init__(
        self,
        policy: OidcPolicy,
        *,
        now_s: Callable[[], float] = time.time,
        elapsed_s: Callable[[], float] = time.monotonic,
        transport: "httpx2.AsyncBaseTransport | None" = None,
    ) -> None:
        self._policy = policy
        self._now_s = now_s
        self._issuer = Issuer(policy.discovery_url, elapsed_s=elapsed_s, transport=transport)

    async def owner(self, token: str) -> str:
        """Give the owner whom ``token`` proves: its ``sub``, 1 to 255 printable ASCII characters.

        Why a token was refused is logged, without the token, and told to nobody.

        Raises:
            Unauthenticated: the token proves nothing.
            NotAllowed: it is a valid one of a client, for an audience or with scopes that have no business here.
            IdentityUnavailable: the issuer cannot be asked for the token's key now.
        """
        try:
            presented = Token(token)
            issuer, key = await self._issuer.find(presented.kid)
            return presented.owner(key, issuer, self._policy, self._now_s())
        except (Unauthenticated, NotAllowed) as refusal:
            _log.info("A token was refused: %s.", reason_of(refusal))
            raise

    async def aclose(self) -> None:
        """Close the connections to the issuer."""
        await self._issuer.aclose()


def bearer(authorization: str | None) -> str | None:
    """Give the token of an ``Authorization`` header; ``None`` where there is none, or no token."""
    found = _BEARER.fullmatch(authorization or "")
    return found[1] if found else None
