"""`magi serve`: the server, and one line that says what to do next."""

import socket
import sys
from typing import Any

from magisystem.cli.exits import PORT_TAKEN
from magisystem.config import read_configuration

_ANYWHERE = {"0.0.0.0", "::", ""}  # noqa: S104 - recognised, not bound
_LOOPBACK = {"127.0.0.1", "::1"}


def run_server(host: str | None, port: int | None, *, is_insecure: bool = False) -> int:
    """Serve until told to stop, and give the exit code.

    Raises:
        SettingsInvalid: a setting is wrong, or nobody is asked who they are where others can come.
    """
    options = (("host", host), ("port", port), ("insecure", is_insecure or None))
    given: dict[str, Any] = {name: value for name, value in options if value is not None}
    configuration = read_configuration(**given)
    settings = configuration.settings
    settings.check_exposure()
    if reason := _reason_not_free(settings.host, settings.port):
        sys.stderr.write(f"error: {reason}\n")
        return PORT_TAKEN

    from magisystem.http.server import serve

    serve(configuration, lambda: _announce(address(settings.host, settings.port)))
    return 0


def address(host: str, port: int) -> str:
    """Give the URL under which a server that listens on ``host`` is reached from this machine."""
    if host in _ANYWHERE or host in _LOOPBACK:
        host = "localhost"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _announce(url: str) -> None:
    sys.stdout.write(
        f"MAGISystem listens on {url}. Open it in a browser; or ask in a terminal: "
        f'make ask Q="Should we …?", or magi ask --url {url} "…". API: {url}/docs\n'
    )
    sys.stdout.flush()


def _reason_not_free(host: str, port: int) -> str | None:
    """Tell why ``port`` cannot be opened; asked before the server is built, which would answer with its own log."""
    try:
        found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        return f"{host!r} is no address of this machine: {error}. (host_unknown)"
    family, kind, protocol, _, target = found[0]
    with socket.socket(family, kind, protocol) as probe:
        # As asyncio does on POSIX: a port that is only waiting out its old connections is free.
        if sys.platform != "win32":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(target)
        except PermissionError:
            return f"Port {port} needs rights this user does not have. Choose another: --port 8080. (port_denied)"
        except OSError as error:
            other = port + 1 if port < 65_535 else port - 1
            return (
                f"Port {port} of {host} cannot be opened ({error.strerror}). "
                f"Is a server running already? Choose another: --port {other}. (port_taken)"
            )
    return None
