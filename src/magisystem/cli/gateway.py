"""`magi gateway`: the relay to AgentCore Runtime, and one line that says what to do next."""

import sys

from magisystem.cli.exits import PORT_TAKEN
from magisystem.cli.listening import address, reason_not_free
from magisystem.gateway.settings import GatewaySettings, read_settings


def run_gateway(host: str | None, port: int | None, *, insecure: bool | None) -> int:
    """Serve until told to stop, and give the exit code.

    Raises:
        SettingsInvalid: a setting is wrong.
    """
    settings = read_settings(host=host, port=port, insecure=insecure)
    if reason := reason_not_free(settings.host, settings.port):
        sys.stderr.write(f"error: {reason}\n")
        return PORT_TAKEN

    from magisystem.gateway.server import serve

    serve(settings, lambda: _announce(settings))
    return 0


def _announce(settings: GatewaySettings) -> None:
    url = address(settings.host, settings.port)
    whom = "whoever comes (MAGI_AUTH=none)" if settings.oidc is None else "who has a token"
    sys.stdout.write(
        f"MAGISystem's gateway listens on {url} for {whom}, in front of {settings.runtime_arn} at "
        f'{settings.runtime_endpoint}. Ask in a terminal: magi ask --url {url} "…"\n'
    )
    sys.stdout.flush()
