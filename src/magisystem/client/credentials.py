"""What a client shows to be let in: an access token, kept until the server refuses it."""

import asyncio
import re
from collections.abc import Awaitable, Callable

from magisystem.client.errors import TokenInvalid

TokenSource = Callable[[], Awaitable[str]]

# What a header can hold. https://www.rfc-editor.org/rfc/rfc6750#section-2.1
_TOKEN = re.compile(r"[!-~]+")


class Credentials:
    """Gives the token: always the same, or what a source gives, which is asked anew when that was refused."""

    def __init__(self, token: str | TokenSource | None) -> None:
        self._source = token if callable(token) else None
        self._token = _checked(token) if isinstance(token, str) else None
        self._asking = asyncio.Lock()

    async def token(self) -> str | None:
        """Give the token to show; ``None`` where none is needed.

        Raises:
            TokenInvalid: what the source gave can be no token. What the source itself raises passes through.
        """
        return self._token if self._source is None else await self._other_than(None)

    async def renewed(self, refused: str | None) -> str | None:
        """Give another token than the one that was ``refused``; ``None`` where no other is to be had.

        Raises:
            TokenInvalid: see `token`.
        """
        if self._source is None:
            return None
        renewed = await self._other_than(refused)
        return None if renewed == refused else renewed

    async def _other_than(self, refused: str | None) -> str:
        async with self._asking:
            # Whoever was refused with it at the same time may have it renewed already.
            if self._token is None or self._token == refused:
                assert self._source is not None  # noqa: S101 - both callers have seen it
                self._token = _checked(await self._source())
            return self._token


def checked_token(given: str | None) -> str | None:
    """Give a token as a header can hold it; ``None`` where none is given.

    Raises:
        TokenInvalid: it can be no token.
    """
    return None if given is None else _checked(given)


def _checked(token: str) -> str:
    token = token.strip()
    if not _TOKEN.fullmatch(token):
        raise TokenInvalid
    return token
