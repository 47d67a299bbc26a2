"""One issuer: where it describes itself, and the keys it signs with.

Keys are kept by their ``kid``. One fetch is under way at a time, and whoever needs it waits for the same one. HTTP and
cryptography are loaded with the first fetch, on a thread, so that a process that is started on demand is up sooner.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from magisystem.errors import IdentityUnavailable
from magisystem.identity.keys import NotAKeySet, read_keys
from magisystem.identity.tokens import WELL_KNOWN, is_local, is_safe, refused

if TYPE_CHECKING:
    import httpx2
    from jwt import PyJWK

_log = logging.getLogger(__name__)

# How often keys that are not known are looked for, whatever comes: tokens with made-up keys cost the issuer nothing.
UNKNOWN_KEY_S = 30.0
# How long keys are used before they are read again, so that one the issuer has taken back is soon taken back here.
REFRESH_S = 3600.0
# Both documents together. Whoever is waiting for them has a person waiting behind.
FETCH_S = 5.0
# Entra ID's keys, with their certificates, come to about 20 KiB.
DOCUMENT_BYTES = 256 * 1024
_FIRST_PAUSE_S = 1.0


class _Unfit(Exception):
    """What the issuer answers cannot be used; says why."""


class _Discovery(msgspec.Struct, frozen=True):
    issuer: str
    jwks_uri: str


@dataclass(frozen=True, slots=True)
class _Known:
    """What the issuer said of itself, ``at_s`` seconds on our own clock."""

    issuer: str
    keys: Mapping[str, "PyJWK"]
    at_s: float


class Issuer:
    """An issuer's name and keys.

    ``elapsed_s`` is a clock that only goes on; ``transport`` takes the place of the network in tests.
    """

    def __init__(
        self,
        discovery_url: str,
        *,
        elapsed_s: Callable[[], float] = time.monotonic,
        transport: "httpx2.AsyncBaseTransport | None" = None,
    ) -> None:
        self._discovery_url = discovery_url
        self._elapsed_s = elapsed_s
        self._transport = transport
        self._http: httpx2.AsyncClient | None = None
        self._known: _Known | None = None
        self._fetching: asyncio.Task[None] | None = None
        self._tried_s: float | None = None
        # How many fetches in a row came to nothing.
        self._failures = 0

    async def find(self, kid: str) -> tuple[str, "PyJWK"]:
        """Give the issuer's name, which its tokens bear, and its key of that ``kid``.

        A key that is known is given at once, though the issuer be out of reach and its keys due to be read again. For
        one that is not known they are read again, but at most once in 30 s.

        Raises:
            Unauthenticated: the issuer has no such key.
            IdentityUnavailable: it cannot be asked now.
        """
        if found := self._look_up(kid):
            if self._is_old():
                self._try()
            return found
        self._try()
        if self._fetching is not None:
            # Whoever leaves meanwhile leaves the fetch to the others.
            fetching = self._fetching
            await asyncio.wait({fetching})
            if not fetching.cancelled():
                fetching.result()
        if found := self._look_up(kid):
            return found
        if self._failures or self._known is None:
            raise IdentityUnavailable
        raise refused("its issuer has no such key")

    async def aclose(self) -> None:
        """Close the connections; who is waiting for the issuer learns that it cannot be asked."""
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.wait({self._fetching})
        if self._http is not None:
            await self._http.aclose()
            self._http = None

    def _look_up(self, kid: str) -> tuple[str, "PyJWK"] | None:
        if self._known is None or kid not in self._known.keys:
            return None
        return self._known.issuer, self._known.keys[kid]

    def _is_old(self) -> bool:
        return self._known is not None and self._elapsed_s() - self._known.at_s >= REFRESH_S

    def _try(self) -> None:
        """Begin a fetch, unless one is under way or it is too soon.

        Without any key the pauses are shorter at first, so that a short outage at a start stays short.
        """
        if self._fetching is not None:
            return
        if self._tried_s is not None:
            first_pauses_s = min(UNKNOWN_KEY_S, _FIRST_PAUSE_S * 2 ** min(self._failures - 1, 5))
            pause_s = first_pauses_s if self._known is None else UNKNOWN_KEY_S
            if self._elapsed_s() - self._tried_s < pause_s:
                return
        self._tried_s = self._elapsed_s()
        self._fetching = asyncio.create_task(self._fetch(), name="read the issuer's keys")

    async def _fetch(self) -> None:
        try:
            http = self._http = self._http or await asyncio.to_thread(_open_http, self._transport)
            async with asyncio.timeout(FETCH_S):
                self._known = await self._read(http)
            self._failures = 0
        except (TimeoutError, _Unfit) as error:
            self._failures += 1
            reason = str(error) or f"no answer within {FETCH_S:g} s"
            kept = "; the keys that are known are used on" if self._known else ""
            _log.warning("The issuer's keys cannot be read (%s): %s%s.", self._discovery_url, reason, kept)
        finally:
            self._tried_s = self._elapsed_s()
            self._fetching = None

    async def _read(self, http: "httpx2.AsyncClient") -> _Known:
        described = _decoded(await _document(http, self._discovery_url), self._discovery_url)
        # OpenID Connect Discovery 1.0, 4.3. On this machine itself, stand-ins and forwarded ports go by other names.
        if described.issuer.removesuffix("/") + WELL_KNOWN != self._discovery_url and not is_local(self._discovery_url):
            raise _Unfit(f"the document is that of another issuer, {described.issuer!r}; use that issuer's own URL")
        if not is_safe(described.jwks_uri) or (is_local(described.jwks_uri) and not is_local(self._discovery_url)):
            raise _Unfit(f"its jwks_uri, {described.jwks_uri!r}, is not HTTPS")
        try:
            keys = read_keys(await _document(http, described.jwks_uri))
        except NotAKeySet as error:
            raise _Unfit(f"{described.jwks_uri} is no JWK Set") from error
        if not keys:
            raise _Unfit(f"{described.jwks_uri} has no key for RS256 or ES256")
        return _Known(described.issuer, keys, self._elapsed_s())


def _open_http(transport: "httpx2.AsyncBaseTransport | None") -> "httpx2.AsyncClient":
    import httpx2

    return httpx2.AsyncClient(transport=transport, timeout=FETCH_S, follow_redirects=False)


def _decoded(document: bytes, url: str) -> _Discovery:
    try:
        return msgspec.json.decode(document, type=_Discovery)
    except (ValueError, RecursionError) as error:
        raise _Unfit(f"{url} is no discovery document with an issuer and a jwks_uri") from error


async def _document(http: "httpx2.AsyncClient", url: str) -> bytes:
    """Give what ``url`` answers, of at most 256 KiB, and from there alone."""
    import httpx2

    # Raw and without an encoding: a few bytes, unpacked, can be very many.
    headers = {"accept": "application/json", "accept-encoding": "identity"}
    body = bytearray()
    try:
        async with http.stream("GET", url, headers=headers) as response:
            if response.status_code != 200:
                moved = "; redirects are not followed" if response.is_redirect else ""
                raise _Unfit(f"{url} answered {response.status_code}{moved}")
            if response.headers.get("content-encoding", "identity") != "identity":
                raise _Unfit(f"{url} answered with an encoding that was not asked for")
            async for piece in response.aiter_raw():
                body += piece
                if len(body) > DOCUMENT_BYTES:
                    raise _Unfit(f"{url} answered with more than {DOCUMENT_BYTES:,} bytes")
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise _Unfit(f"{url}: {error or type(error).__name__}") from error
    return bytes(body)
