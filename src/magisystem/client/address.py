"""Where a server is reached: at a URL of its own, or as a runtime of Amazon Bedrock AgentCore, by the runtime's ARN."""

import os
import re
from dataclasses import dataclass
from urllib.parse import urlsplit
from uuid import uuid4

import httpx2

from magisystem.client.errors import AddressInvalid
from magisystem.protocol.addresses import is_loopback
from magisystem.protocol.agentcore import (
    ARN_EXAMPLE,
    ENDPOINT_VARIABLE,
    SESSION_HEADER,
    RuntimeArn,
    data_plane,
    is_runtime_arn,
)

# Of `runtimeSessionId` of `InvokeAgentRuntime` and, narrower, of the shapes beside it.
_SESSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{32,99}")


@dataclass(frozen=True, slots=True)
class Address:
    """``name`` is how messages call the server, ``invocations`` the URL that every verb is posted to.

    ``runtime_session`` is the microVM that a runtime does it in; a gateway tells its owner's apart by it. ``ping`` is
    empty where the platform keeps that path to itself.
    """

    name: str
    invocations: str
    ping: str = ""
    runtime_session: str | None = None

    @property
    def headers(self) -> dict[str, str]:
        """What goes with every request there."""
        return {SESSION_HEADER: self.runtime_session} if self.runtime_session is not None else {}

    @property
    def is_here(self) -> bool:
        """Whether it is a server on this machine, which whoever asks can start."""
        return is_loopback(urlsplit(self.name).hostname or "")


def address_of(url: str, runtime_session: str | None = None) -> Address:
    """Read an address. Without ``runtime_session``, an ARN gets a new one: what runs in another is not seen there.

    Raises:
        AddressInvalid: it is neither an HTTP URL nor the ARN of a runtime, or ``runtime_session`` cannot be one.
    """
    if runtime_session is not None and not _SESSION.fullmatch(runtime_session):
        raise AddressInvalid(
            f"{runtime_session!r} is no runtime session: it must be 33 to 100 letters, digits, - and _, the first of "
            "them a letter or a digit."
        )
    url = checked_address(url)
    if not is_runtime(url):
        return Address(url, f"{url}/invocations", f"{url}/ping", runtime_session)
    arn = RuntimeArn.read(url)
    invocations = arn.invocations(_endpoint(arn.region))
    return Address(url, invocations, runtime_session=runtime_session or new_runtime_session())


def new_runtime_session() -> str:
    """Make the id of a runtime session that nobody has used."""
    return f"magi-{uuid4()}"


def is_runtime(url: str) -> bool:
    """Whether an address is the ARN of a runtime."""
    return is_runtime_arn(url)


def checked_address(url: str) -> str:
    """Give the address of a server, without a slash at its end.

    Raises:
        AddressInvalid: it is neither an HTTP URL nor the ARN of a runtime.
    """
    if url.startswith("arn:"):
        if not is_runtime(url):
            raise AddressInvalid(f"{url!r} is no ARN of a runtime; one looks like {ARN_EXAMPLE}.")
        return url
    if not _is_http(url):
        raise AddressInvalid(f"{url!r} is no address of a server; one looks like http://localhost:8080.")
    return url.rstrip("/")


def _endpoint(region: str) -> str:
    if given := os.environ.get(ENDPOINT_VARIABLE):
        if not _is_http(given):
            raise AddressInvalid(f"{ENDPOINT_VARIABLE} should be a URL such as http://localhost:8080; it is {given!r}.")
        return given.rstrip("/")
    return data_plane(region)


def _is_http(url: str) -> bool:
    try:
        parts = urlsplit(url)
        httpx2.URL(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 80) > 0
    except (ValueError, httpx2.InvalidURL):
        # A port out of range, half an IPv6 address, a character that no address has.
        return False
