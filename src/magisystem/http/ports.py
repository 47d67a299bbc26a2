"""Whether a port can be listened on, asked before a server is built, which would answer with its own log."""

import socket
import sys


class PortDenied(OSError):
    """The port needs rights that this user does not have."""


class HostUnknown(OSError):
    """The host is no address of this machine."""


def why_not_free(host: str, port: int) -> OSError | None:
    """Give why ``port`` cannot be opened, ``None`` where it can. Told apart: `HostUnknown`, `PortDenied`, any other."""
    try:
        found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        return HostUnknown(str(error))
    family, kind, protocol, _, target = found[0]
    with socket.socket(family, kind, protocol) as probe:
        # As asyncio does on POSIX: a port that is only waiting out its old connections is free.
        if sys.platform != "win32":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(target)
        except PermissionError as error:
            return PortDenied(str(error))
        except OSError as error:
            return error
    return None
