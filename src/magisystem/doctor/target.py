"""Where a server is examined: the addresses of its one path and of what lies beside it."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from magisystem.client import AddressInvalid, new_runtime_session
from magisystem.client.address import address_of
from magisystem.protocol.agentcore import SESSION_HEADER

_DATA_PLANE = re.compile(r"(?P<base>.*/runtimes/[^/]+)(?:/invocations|/ws)?")


@dataclass(frozen=True, slots=True)
class Target:
    """A server's addresses.

    ``base`` is ``None`` where one path is all there is, as on AgentCore's data plane; then ``session_id`` chooses the
    runtime session, one for the whole examination.
    """

    shown: str
    invocations: str
    socket: str
    base: str | None
    session_id: str = ""

    @classmethod
    def of(cls, given: str) -> "Target":
        """Read a server's URL, a URL of AgentCore's data plane, or a runtime's ARN.

        Raises:
            AddressInvalid: it is none of them.
        """
        address = address_of(given)
        parts = urlsplit(address.invocations)
        if address.runtime_session is not None:
            return cls._on_data_plane(address.name, address.invocations, address.runtime_session)
        given_parts = urlsplit(address.name)
        if found := _DATA_PLANE.fullmatch(given_parts.path):
            query = given_parts.query or "qualifier=DEFAULT"
            invocations = urlunsplit((parts.scheme, parts.netloc, f"{found['base']}/invocations", query, ""))
            return cls._on_data_plane(address.name, invocations, new_runtime_session())
        if given_parts.query or given_parts.fragment:
            raise AddressInvalid(f"{given!r} has a query; the address of a server has none.")
        base = address.name.removesuffix("/invocations")
        return cls(address.name, f"{base}/invocations", f"{_as_socket(base)}/ws", base)

    @classmethod
    def _on_data_plane(cls, shown: str, invocations: str, session_id: str) -> "Target":
        socket = _as_socket(invocations).replace("/invocations?", "/ws?")
        return cls(shown, invocations, socket, None, session_id)

    @property
    def host(self) -> str:
        """The name of the host, in lower case."""
        return urlsplit(self.invocations).hostname or ""

    @property
    def headers(self) -> dict[str, str]:
        """What every request to it carries."""
        return {SESSION_HEADER: self.session_id} if self.session_id else {}


def _as_socket(url: str) -> str:
    return f"ws{url.removeprefix('http')}"
