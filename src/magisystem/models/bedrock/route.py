"""The way to an endpoint: its addresses, TLS, and the proxy that the environment names, as botocore takes them.

Opens connections; what is sent over them is no matter here. Loads botocore, and reads certificates, when a route is
found, which is done off the loop.
"""

import asyncio
import base64
import re
import socket
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, cast
from urllib.parse import SplitResult, unquote, urlsplit

import aiohappyeyeballs

from magisystem.errors import ModelUnavailable
from magisystem.models.bedrock.wire import MAX_HEAD_BYTES, NotConnected

# How long the addresses of a name are believed: many streams open at once, and each look takes a thread.
_ADDRESSES_FOR_S = 10.0
# What an address is given before the next is tried beside it. https://www.rfc-editor.org/rfc/rfc8305#section-5
_NEXT_ADDRESS_S = 0.25

_AddressInfo: TypeAlias = tuple[int, int, int, str, tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class _Stop:
    """A host on the way, and the TLS spoken with it, if any."""

    host: str
    port: int
    tls: ssl.SSLContext | None

    @property
    def authority(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


@dataclass(slots=True)
class Route:
    """The way to one endpoint, through ``_proxy`` where there is one."""

    _endpoint: _Stop
    _proxy: _Stop | None
    _authorization: str = field(repr=False)
    _addresses: Sequence[_AddressInfo] = ()
    _addresses_until_s: float = 0.0
    _looking: asyncio.Lock = field(default_factory=asyncio.Lock)

    @classmethod
    def find(cls, endpoint_url: str, ca_bundle: str | None) -> "Route":
        """Find the way to ``endpoint_url``. Blocks.

        Args:
            endpoint_url: with http or https.
            ca_bundle: the file with the certificates to be trusted, where it is another than botocore's usual one.

        Raises:
            ModelUnavailable: the proxy or the certificates that the environment names cannot be used.
        """
        from botocore import utils

        url = urlsplit(endpoint_url)
        # The environment's, less what NO_PROXY excepts.
        proxy_url: str = cast("Any", utils).get_environ_proxies(endpoint_url).get(url.scheme, "")
        proxy = urlsplit(proxy_url if "//" in proxy_url else f"//{proxy_url}", "http") if proxy_url else None
        tls = None
        if url.scheme == "https" or (proxy and proxy.scheme == "https"):
            tls = _trust(ca_bundle)
        if proxy is None:
            return cls(_stop(url, tls), None, "")
        try:
            return cls(_stop(url, tls), _stop(proxy, tls), _authorization(proxy))
        except ValueError as error:
            raise ModelUnavailable("The proxy in HTTPS_PROXY or HTTP_PROXY is not the URL of an HTTP proxy.") from error

    @property
    def is_forwarded(self) -> bool:
        """Whether a proxy is sent the requests themselves, which then name the whole URL, and not just the bytes."""
        return self._proxy is not None and self._endpoint.tls is None

    @property
    def headers(self) -> Mapping[str, str]:
        """What every request must have more on this way."""
        return {"proxy-authorization": self._authorization} if self.is_forwarded and self._authorization else {}

    async def connect(self, protocol: asyncio.Protocol, timeout_s: float) -> None:
        """Open a connection and give it to ``protocol``. Cancelling leaves none behind.

        Raises:
            NotConnected: it could not be opened within ``timeout_s``.
        """
        try:
            async with asyncio.timeout(timeout_s):
                await self._connect(protocol)
        except TimeoutError as error:
            raise NotConnected(f"not within {timeout_s:g} s") from error
        except ssl.SSLCertVerificationError as error:
            raise NotConnected(f"its certificate is not trusted: {error.verify_message}") from error
        except socket.gaierror as error:
            raise NotConnected(f"{(self._proxy or self._endpoint).host} has no address") from error
        except OSError as error:
            raise NotConnected(type(error).__name__) from error

    async def _connect(self, protocol: asyncio.Protocol) -> None:
        if self._proxy is None:
            await self._open(self._endpoint, protocol)
        elif self._endpoint.tls is None:
            await self._open(self._proxy, protocol)
        else:
            await self._tunnel(self._proxy, self._endpoint.tls, protocol)

    async def _tunnel(self, proxy: _Stop, tls: ssl.SSLContext, protocol: asyncio.Protocol) -> None:
        """Have the proxy pass bytes on, and speak TLS with the endpoint through it."""
        asking = _Asking(self._endpoint.authority, self._authorization)
        transport = await self._open(proxy, asking)
        try:
            await asking.agreed
            tunnel = await asyncio.get_running_loop().start_tls(
                transport, protocol, tls, server_hostname=self._endpoint.host
            )
        except BaseException:
            transport.abort()
            raise
        if tunnel is None:
            raise NotConnected("the proxy closed it")
        protocol.connection_made(tunnel)

    async def _open(self, stop: _Stop, protocol: asyncio.Protocol) -> asyncio.WriteTransport:
        loop = asyncio.get_running_loop()
        found = await self._found_addresses(stop)
        taken: socket.socket = await cast("Any", aiohappyeyeballs).start_connection(
            found, happy_eyeballs_delay=_NEXT_ADDRESS_S, interleave=1, loop=loop
        )
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        server_hostname = stop.host if stop.tls else None
        transport, _ = await loop.create_connection(
            lambda: protocol, sock=taken, ssl=stop.tls, server_hostname=server_hostname
        )
        return transport

    async def _found_addresses(self, stop: _Stop) -> Sequence[_AddressInfo]:
        """Give the addresses of the first stop, which is the same for every connection."""
        loop = asyncio.get_running_loop()
        async with self._looking:
            if loop.time() >= self._addresses_until_s:
                self._addresses = await loop.getaddrinfo(stop.host, stop.port, type=socket.SOCK_STREAM)
                self._addresses_until_s = loop.time() + _ADDRESSES_FOR_S
            return self._addresses


class _Asking(asyncio.Protocol):
    """Asks a proxy to pass bytes on to ``authority``. ``agreed`` is done when it does, or fails."""

    def __init__(self, authority: str, authorization: str) -> None:
        self.agreed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        credentials = f"proxy-authorization: {authorization}\r\n" if authorization else ""
        self._request = f"CONNECT {authority} HTTP/1.1\r\nhost: {authority}\r\n{credentials}\r\n"
        self._head = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.BaseProtocol`."""
        cast("asyncio.WriteTransport", transport).write(self._request.encode("ascii"))

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        self._head += data
        if b"\r\n\r\n" not in self._head:
            if len(self._head) > MAX_HEAD_BYTES:
                self._settle(NotConnected(f"the proxy answered with a head of more than {MAX_HEAD_BYTES} bytes"))
            return
        answer = re.match(rb"HTTP/1\.[01] (\d{3})[ \r]", self._head)
        status = answer[1].decode() if answer else "no HTTP"
        if status.startswith("2"):
            self._settle(None)
        else:
            self._settle(NotConnected(f"the proxy answered {status}"))

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.BaseProtocol`."""
        self._settle(NotConnected("the proxy closed it"))

    def _settle(self, failure: NotConnected | None) -> None:
        if self.agreed.done():
            return
        if failure is None:
            self.agreed.set_result(None)
        else:
            self.agreed.set_exception(failure)


def _stop(url: SplitResult, tls: ssl.SSLContext | None) -> _Stop:
    if url.scheme not in ("http", "https") or not url.hostname:
        raise ValueError(url.scheme)
    if url.scheme == "https":
        return _Stop(url.hostname, url.port or 443, tls)
    return _Stop(url.hostname, url.port or 80, None)


def _authorization(proxy: SplitResult) -> str:
    """Give the header for a proxy that wants to know who asks."""
    if proxy.username is None:
        return ""
    pair = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


def _trust(ca_bundle: str | None) -> ssl.SSLContext:
    """Give TLS as botocore speaks it: its context, and its certificates unless others are named."""
    from botocore import httpsession

    certificates = ca_bundle or cast("Any", httpsession).get_cert_path(verify=True)
    context: ssl.SSLContext = cast("Any", httpsession).create_urllib3_context()
    # botocore compares names itself, so its context does not.
    context.check_hostname = True
    try:
        context.load_verify_locations(certificates)
    except (OSError, ssl.SSLError) as error:
        raise ModelUnavailable(
            f"The certificates in {certificates} cannot be read. Mend AWS_CA_BUNDLE, or ca_bundle in the AWS profile."
        ) from error
    return context
