"""The address that a command listens on: what to call it, and whether it can be had."""

from magisystem.http.ports import HostUnknown, PortDenied, why_not_free

_ANYWHERE = {"0.0.0.0", "::", ""}  # noqa: S104 - recognised, not bound
_LOOPBACK = {"127.0.0.1", "::1"}


def address(host: str, port: int) -> str:
    """Give the URL under which a server that listens on ``host`` is reached from this machine."""
    if host in _ANYWHERE or host in _LOOPBACK:
        host = "localhost"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def reason_not_free(host: str, port: int) -> str | None:
    """Tell why ``port`` cannot be opened; asked before the server is built, which would answer with its own log."""
    match why_not_free(host, port):
        case None:
            return None
        case HostUnknown() as error:
            return f"{host!r} is no address of this machine: {error}. (host_unknown)"
        case PortDenied():
            return f"Port {port} needs rights this user does not have. Choose another: --port 8080. (port_denied)"
        case error:
            other = port + 1 if port < 65_535 else port - 1
            return (
                f"Port {port} of {host} cannot be opened ({error.strerror}). "
                f"Is a server running already? Choose another: --port {other}. (port_taken)"
            )
