"""Whose request it is, by what it carries: a person's token, our own gateway's word, or nothing."""

import logging
from typing import Protocol

from magisystem.errors import NotAllowed, Unauthenticated

# Where nobody is told apart there is one owner: whoever reaches the server.
LOCAL_OWNER = "local"


_log = logging.getLogger(__name__)


class TokenVerifier(Protocol):
    """What knows the owner of a token."""

    async def owner(self, token: str) -> str:
        """Give the token's owner.

        Raises:
            IdentityError: it proves nothing, may not be used here, or cannot be checked now.
        """
        ...


class AssertionReader(Protocol):
    """What knows whom the gateway speaks for."""

    def owner(self, assertion: str) -> str:
        """Give the owner that is asserted.

        Raises:
            Unauthenticated: it is not the gateway's, or is over.
        """
        ...


class Callers:
    """Tells callers apart, as far as there is something to tell them by; without that they are all the same owner.

    Not those of whom a gateway says whose they are: a word that cannot be checked is nobody's leave to be everybody.
    """

    def __init__(self, tokens: TokenVerifier | None = None, assertions: AssertionReader | None = None) -> None:
        self._tokens = tokens
        self._assertions = assertions
        self._has_told = False

    async def owner(self, token: str | None, assertion: str | None = None) -> str:
        """Give whose request it is that carries ``token`` and ``assertion``. The gateway's word goes first.

        Raises:
            IdentityError: it is nobody's, nobody's who may, or that cannot be told now.
        """
        if assertion is not None and self._assertions is None:
            self._tell_of_missing_key()
            if self._tokens is None:
                raise Unauthenticated
        if self._tokens is None and self._assertions is None:
            return LOCAL_OWNER
        if self._assertions is not None and assertion is not None:
            return self._assertions.owner(assertion)
        if self._tokens is not None and token is not None:
            owner = await self._tokens.owner(token)
            # What was kept while nobody was told apart is nobody's to claim by such a name.
            if owner == LOCAL_OWNER:
                raise NotAllowed
            return owner
        raise Unauthenticated

    def _tell_of_missing_key(self) -> None:
        if self._has_told:
            return
        self._has_told = True
        _log.error("A gateway says whose a request is, and MAGI_GATEWAY_KEY is not set: its word cannot be checked.")
