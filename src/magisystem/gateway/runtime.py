"""AgentCore's data plane: one call of ``InvokeAgentRuntime`` at a time, and what came of it.

POST {endpoint}/runtimes/{ARN, percent-encoded whole}/invocations?qualifier=…, either with the client's own bearer token
or signed, with the gateway's word on whose the request is. Trying again is not done here (attempts.py).
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from importlib.metadata import version
from typing import TYPE_CHECKING, Self

import aiohttp
import msgspec
from yarl import URL

from magisystem.errors import RuntimeDenied, RuntimeLate, RuntimeUnreachable, RuntimeUnreadable
from magisystem.gateway.calls import Call
from magisystem.gateway.patience import Timing
from magisystem.gateway.refusals import RefusedByRuntime, error_of, problem_in
from magisystem.gateway.settings import GatewaySettings, RuntimeAuth
from magisystem.identity import Assertions
from magisystem.protocol.agentcore import ASSERTION_HEADER, SESSION_HEADER

if TYPE_CHECKING:
    from magisystem.gateway.signing import Signer

DELIBERATION_ID = "x-magi-deliberation-id"

# Far above any answer that is no stream: a page of 100 deliberations, or 128 events of a log.
DOCUMENT_BYTES = 32 * 1024 * 1024
# Waits here for the reader to take it; beyond twice that, the socket is not read.
_BUFFER_BYTES = 64 * 1024
_SHOWN_CHARACTERS = 500
# Not `location`: the runtime names a path that the gateway does not have. Nor `preference-applied`: the runtime is told
# by the body what the client prefers.
_PASSED_ON = (DELIBERATION_ID, "cache-control")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Document:
    """An answer that is no stream, whole."""

    status: int
    media_type: str
    body: bytes
    headers: Mapping[str, str]

    @property
    def is_last_page(self) -> bool:
        """Whether it is a page of a log that has nothing on it, and after which nothing comes."""
        try:
            page = msgspec.json.decode(self.body, type=_Page)
        except (msgspec.DecodeError, UnicodeError):
            return False
        return page.done and not page.events


class _Page(msgspec.Struct, frozen=True):
    events: list[msgspec.Raw]
    done: bool


class StreamBroke(Exception):
    """The runtime's stream broke; the text says how, for the log."""


class RuntimeStream:
    """An answer that streams; whoever has it closes it."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.deliberation_id: str = response.headers.get(DELIBERATION_ID, "")
        self._response = response

    async def read(self) -> bytes:
        """Give what has arrived, as soon as there is something; nothing at a clean end.

        May be cancelled, and asked again. Fails at once where `close` is called meanwhile.

        Raises:
            StreamBroke: the connection failed.
        """
        try:
            return await self._response.content.readany()
        except (aiohttp.ClientError, OSError) as error:
            raise StreamBroke(str(error) or type(error).__name__) from error

    def close(self) -> None:
        """Close the connection at once."""
        self._response.close()


class Runtime:
    """One runtime, called over ``http``: signed with ``signer`` and ``assertions``, or with the client's own token."""

    def __init__(
        self,
        settings: GatewaySettings,
        timing: Timing,
        http: aiohttp.ClientSession,
        signer: "Signer | None" = None,
        assertions: Assertions | None = None,
    ) -> None:
        self._url = settings.invocations
        self._auth: RuntimeAuth = settings.runtime_auth
        self._timing = timing
        self._http = http
        self._signer = signer
        self._assertions = assertions

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: GatewaySettings, timing: Timing) -> AsyncGenerator[Self]:
        """Open what calls need; the connections themselves come with the calls."""
        signer = assertions = None
        if settings.runtime_auth == "sigv4":
            # botocore takes a quarter of a second to load, and nothing else here needs it.
            from magisystem.gateway.signing import Signer

            signer, assertions = Signer(settings.region), Assertions(settings.gateway_key)
        http = aiohttp.ClientSession(
            # As many as there are readers: whom the gateway serves, its own server bounds.
            connector=aiohttp.TCPConnector(limit=0),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=timing.connect_s, connect=None),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            read_bufsize=_BUFFER_BYTES,
            headers={"user-agent": f"magisystem-gateway/{version('magisystem')}"},
        )
        async with http:
            try:
                yield cls(settings, timing, http, signer, assertions)
            finally:
                if signer is not None:
                    await signer.aclose()

    async def warm(self) -> None:
        """Find what the first call needs: the credentials.

        Raises:
            CredentialsMissing: there are none.
        """
        if self._signer is not None:
            await self._signer.credentials()

    async def invoke(self, call: Call, body: bytes, *, is_streamed: bool) -> RuntimeStream | Document:
        """Send a request once, and give what it is answered with.

        Raises:
            UpstreamError: the runtime cannot be used; the leaf says why.
            Unauthenticated, NotAllowed: it refuses the client's token.
            RefusedByRuntime: the application in it refuses what was asked.
        """
        headers = await self._headers(call, body)
        limit_s = self._timing.answer_s if is_streamed else self._timing.document_s
        try:
            async with asyncio.timeout(limit_s):
                response = await self._http.post(
                    URL(self._url, encoded=True), data=body, headers=headers, allow_redirects=False
                )
                try:
                    return await self._answer(response)
                except BaseException:
                    response.close()
                    raise
        except aiohttp.ServerTimeoutError as error:
            raise _unreachable(error) from error
        except TimeoutError as error:
            raise RuntimeLate from error
        except (aiohttp.ClientError, OSError) as error:
            raise _unreachable(error) from error

    async def _headers(self, call: Call, body: bytes) -> Mapping[str, str]:
        headers = {
            "content-type": "application/json",
            "accept": "text/event-stream, application/json",
            # What compresses a stream holds it back until a block is full.
            "accept-encoding": "identity",
            SESSION_HEADER: call.runtime_session_id,
            **call.traces,
        }
        if self._signer is None or self._assertions is None:
            return {**headers, "authorization": f"Bearer {call.token}"} if call.token else headers
        headers[ASSERTION_HEADER] = self._assertions.sign(call.owner)
        return await self._signer.signed(self._url, headers, body)

    async def _answer(self, response: aiohttp.ClientResponse) -> RuntimeStream | Document:
        media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        encoding = response.headers.get("content-encoding", "identity").strip().lower()
        if response.status == 200 and media_type == "text/event-stream" and encoding == "identity":
            return RuntimeStream(response)
        body = await _whole(response)
        if problem := problem_in(media_type, response.status, body):
            if problem.status == HTTPStatus.UNAUTHORIZED and self._assertions is not None:
                # The client's token was good; signing in again would mend nothing.
                _log.error("The runtime does not take this gateway's word: is MAGI_GATEWAY_KEY the same for both?")
                raise RuntimeDenied
            raise RefusedByRuntime(problem, body)
        if not 200 <= response.status < 300:
            raise self._refused(response, body)
        is_nothing = response.status == HTTPStatus.NO_CONTENT and not body
        if not is_nothing and (encoding != "identity" or media_type != "application/json" or not _is_json(body)):
            _log.error(
                "The runtime answered %d with %d bytes of %r, encoded as %r, which is no answer of this system.",
                response.status,
                len(body),
                media_type,
                encoding,
            )
            raise RuntimeUnreadable
        passed_on = {name: response.headers[name] for name in _PASSED_ON if name in response.headers}
        return Document(response.status, media_type, body, passed_on)

    def _refused(self, response: aiohttp.ClientResponse, body: bytes) -> Exception:
        error_type = response.headers.get("x-amzn-errortype", "")
        shown = body.decode("utf-8", "replace")[:_SHOWN_CHARACTERS]
        _log.warning("The runtime answered %d %s: %s", response.status, error_type or "without a type", shown)
        return error_of(response.status, error_type, response.headers.get("retry-after", ""), self._auth)


def _is_json(body: bytes) -> bool:
    try:
        msgspec.json.decode(body, type=msgspec.Raw)
    except (msgspec.DecodeError, UnicodeError):
        return False
    return True


async def _whole(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    while piece := await response.content.readany():
        body += piece
        if len(body) > DOCUMENT_BYTES:
            _log.error("The runtime answered with more than %d bytes.", DOCUMENT_BYTES)
            raise RuntimeUnreadable
    return bytes(body)


def _unreachable(error: Exception) -> RuntimeUnreachable:
    _log.warning("The runtime cannot be reached: %s", str(error) or type(error).__name__)
    return RuntimeUnreachable()
