"""Running the application under uvicorn."""

import asyncio
import logging
import socket
from collections.abc import Callable

import uvicorn

from magisystem.config import Configuration
from magisystem.http.app import create_app

# What still streams when the server is told to stop is given this long, then its connections are dropped.
_GRACE_S = 3


class _Server(uvicorn.Server):
    """Uvicorn, with a word when it listens."""

    def __init__(self, config: uvicorn.Config, on_listening: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_listening = on_listening

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Open the port, and say so."""
        await super().startup(sockets)
        if self.started:
            self._on_listening()


def serve(configuration: Configuration, on_listening: Callable[[], None]) -> None:
    """Serve until told to stop; ``on_listening`` is called once the port is open."""
    settings = configuration.settings
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("magisystem").setLevel(logging.INFO)
    config = uvicorn.Config(
        create_app(configuration),
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=_GRACE_S,
        server_header=False,
    )
    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(_Server(config, on_listening).serve())
