"""Running the application under uvicorn."""

import asyncio
import logging
import signal
import socket
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from magisystem.application import Application, open_application
from magisystem.config import Configuration
from magisystem.errors import MagiError
from magisystem.http.app import create_app
from magisystem.http.draining import DrainingWebSocket
from magisystem.http.event_stream import ServerStops
from magisystem.protocol.requests import BODY_BYTES

# What still streams when the server is told to stop is given this long, then its connections are dropped.
_GRACE_S = 1
# How soon a running server takes up what one that died beside it has left.
_RECOVERY_S = 5.0
_PING_INTERVAL_S = 20.0
# Above `SocketLimits.send_deadline_s`: a pong waits behind what a slow reader has not read yet.
_PING_TIMEOUT_S = 60.0
_log = logging.getLogger(__name__)


class _OneLine(logging.Formatter):
    """Keeps what others wrote from speaking to the operator's terminal: control characters are shown, not sent."""

    def format(self, record: logging.LogRecord) -> str:
        """Give a record's text; only a trace has more than one line."""
        text = super().format(record)
        return "".join(char if char.isprintable() or char in "\n\t" else repr(char)[1:-1] for char in text)


class _Server(uvicorn.Server):
    """Uvicorn, with a word when it listens, and streams that end when it is told to stop."""

    def __init__(self, config: uvicorn.Config, on_listening: Callable[[], None], stopping: asyncio.Event) -> None:
        super().__init__(config)
        self._on_listening = on_listening
        self._stopping = stopping
        self.listening = asyncio.Event()
        self.signals: list[int] = []

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Keep the signals that came for later.

        uvicorn raises them again as soon as it is done, which ends the process before what it holds is closed.
        """
        with super().capture_signals():
            yield
            self.signals, self._captured_signals = self._captured_signals, []

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Open the port, and say so."""
        await super().startup(sockets)
        if self.started:
            self._on_listening()
            self.listening.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Abort the streams, which would not end by themselves, then close as uvicorn does."""
        self._stopping.set()
        await super().shutdown(sockets)


def serve(configuration: Configuration, on_listening: Callable[[], None]) -> None:
    """Serve until told to stop; ``on_listening`` is called once the port is open.

    Raises:
        LogUnavailable: the log cannot be used; the message says what to do.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(_OneLine("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    # Strands logs what a model wrote where it is no JSON; its failures are in our traces.
    logging.getLogger("strands").setLevel(logging.ERROR)
    logging.getLogger("magisystem").setLevel(logging.INFO)
    # uvicorn reports an aborted body as a fault of the application; here it is how a stream is cut on purpose.
    logging.getLogger("uvicorn.error").addFilter(_is_no_abortion)
    factory = uvicorn.Config("", loop="auto", log_config=None).get_loop_factory()
    with asyncio.Runner(loop_factory=factory) as runner:
        signals = runner.run(_serve(configuration, on_listening))
    # Everything is closed: now the process may end as whoever sent the signal expects.
    for received in signals:
        signal.raise_signal(received)


async def _serve(configuration: Configuration, on_listening: Callable[[], None]) -> list[int]:
    settings = configuration.settings
    async with open_application(configuration) as application:
        loaded = asyncio.Event()
        app = create_app(application, loaded=loaded)
        config = uvicorn_config(app, host=settings.host, port=settings.port)
        server = _Server(config, on_listening, app.state.stopping)
        # A library that loads takes the processor from whatever else the process does, so the port is opened first.
        working = asyncio.create_task(_work(application, server.listening, loaded))
        try:
            await server.serve()
        finally:
            working.cancel()
            await asyncio.wait([working])
    return server.signals


def uvicorn_config(app: ASGIApp, *, host: str, port: int) -> uvicorn.Config:
    """Give how the application is served."""
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=_GRACE_S,
        server_header=False,
        lifespan="off",
        ws=DrainingWebSocket,
        ws_max_size=BODY_BYTES,
        ws_ping_interval=_PING_INTERVAL_S,
        ws_ping_timeout=_PING_TIMEOUT_S,
        # Events are small and want to be early; deflating each costs more processor time than all else done with it.
        ws_per_message_deflate=False,
    )


async def _work(application: Application, listening: asyncio.Event, loaded: asyncio.Event) -> None:
    """Do what a server does beside answering once it listens: load what answers need, go on with what was left."""
    await listening.wait()
    try:
        await _supervised("what answers need cannot be loaded", application.load)
    finally:
        loaded.set()
    async with asyncio.TaskGroup() as group:
        group.create_task(_warm(application))
        group.create_task(_keep_recovering(application))


async def _keep_recovering(application: Application) -> None:
    """Go on with what dead processes left, now and as long as the server runs: another one may die beside it."""

    async def recover() -> None:
        if recovered := await application.deliberations.recover():
            _log.info("went on with what another process left unfinished: %s", ", ".join(recovered))

    while True:
        await _supervised("recovery failed", recover)
        await asyncio.sleep(_RECOVERY_S)


async def _warm(application: Application) -> None:
    """Load what the first speech needs, which takes a second and more; meanwhile the server answers."""

    async def warm() -> None:
        await application.catalogue.warm(application.settings.model)
        await application.catalogue.find(application.settings.model, field="MAGI_MODEL")

    await _supervised("the default model cannot be loaded", warm)


async def _supervised(fault: str, do: Callable[[], Awaitable[None]]) -> None:
    """Do something beside the server, which goes on whatever becomes of it."""
    try:
        await do()
    except MagiError as error:
        _log.error("%s (%s)", error.message, error.code)
    except Exception:  # noqa: BLE001 - the supervisor of what a server does beside answering
        _log.exception("%s", fault)


def _is_no_abortion(record: logging.LogRecord) -> bool:
    return not (record.exc_info and isinstance(record.exc_info[1], ServerStops))
