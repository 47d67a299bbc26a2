"""`magi serve`: the server, and one line that says what to do next."""

import sys
from typing import Any

from magisystem.cli.exits import PORT_TAKEN
from magisystem.cli.listening import address, reason_not_free
from magisystem.config import read_configuration


def run_server(host: str | None, port: int | None, workers: int | None, *, is_insecure: bool = False) -> int:
    """Serve until told to stop, and give the exit code.

    Raises:
        SettingsInvalid: a setting is wrong, or nobody is asked who they are where others can come.
    """
    options = (("host", host), ("port", port), ("workers", workers), ("insecure", is_insecure or None))
    given: dict[str, Any] = {name: value for name, value in options if value is not None}
    configuration = read_configuration(**given)
    settings = configuration.settings
    settings.check_exposure()
    if reason := reason_not_free(settings.host, settings.port):
        sys.stderr.write(f"error: {reason}\n")
        return PORT_TAKEN

    if settings.workers > 1:
        from magisystem.http.workers import serve_together as serve
    else:
        from magisystem.http.server import serve

    serve(configuration, lambda: _announce(address(settings.host, settings.port)))
    return 0


def _announce(url: str) -> None:
    sys.stdout.write(
        f"MAGISystem listens on {url}. Open it in a browser; or ask in a terminal: "
        f'make ask Q="Should we …?", or magi ask --url {url} "…". API: {url}/docs\n'
    )
    sys.stdout.flush()
