"""Running the application under uvicorn."""

import asyncio
import logging
import socket
from collections.abc import Callable

import uvicorn

from magisystem.application import Application, open_application
from magisystem.config import Configuration
from magisystem.errors import MagiError
from magisystem.http.app import create_app
from magisystem.http.event_stream import ServerStops

# What still streams when the server is told to stop is given this long, then its connections are dropped.
_GRACE_S = 3
_log = logging.getLogger(__name__)


class _Server(uvicorn.Server):
    """Uvicorn, with a word when it listens, and streams that end when it is told to stop."""

    def __init__(self, config: uvicorn.Config, on_listening: Callable[[], None], stopping: asyncio.Event) -> None:
        super().__init__(config)
        self._on_listening = on_listening
        self._stopping = stopping

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Open the port, and say so."""
        await super().startup(sockets)
        if self.started:
            self._on_listening()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Abort the streams, which would not end by themselves, then close as uvicorn does."""
        self._stopping.set()
        await super().shutdown(sockets)


def serve(configuration: Configuration, on_listening: Callable[[], None]) -> None:
    """Serve until told to stop; ``on_listening`` is called once the port is open.

    Raises:
        LogUnavailable: the log cannot be used; the message says what to do.
    """
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("magisystem").setLevel(logging.INFO)
    # uvicorn reports an aborted body as a fault of the application; here it is how a stream is cut on purpose.
    logging.getLogger("uvicorn.error").addFilter(_is_no_abortion)
    factory = uvicorn.Config("", loop="auto", log_config=None).get_loop_factory()
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(_serve(configuration, on_listening))


async def _serve(configuration: Configuration, on_listening: Callable[[], None]) -> None:
    settings = configuration.settings
    async with open_application(configuration) as application:
        app = create_app(application)
        config = uvicorn.Config(
            app,
            host=settings.host,
            port=settings.port,
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=_GRACE_S,
            server_header=False,
            lifespan="off",
        )
        beginning = asyncio.create_task(_begin(application))
        try:
            await _Server(config, on_listening, app.state.stopping).serve()
        finally:
            await asyncio.wait([beginning])


async def _begin(application: Application) -> None:
    """Go on with what a former process left, and load what the first speech needs; meanwhile the server answers."""
    try:
        if recovered := await application.deliberations.recover():
            _log.info("went on with %d unfinished deliberations", len(recovered))
        # The agents' libraries take a second and more to import.
        await application.catalogue.warm(application.settings.model)
        await application.catalogue.find(application.settings.model, field="MAGI_MODEL")
    except MagiError as error:
        _log.error("%s (%s)", error.message, error.code)


def _is_no_abortion(record: logging.LogRecord) -> bool:
    return not (record.exc_info and isinstance(record.exc_info[1], ServerStops))
