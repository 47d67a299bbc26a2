"""Running the application under uvicorn."""

import asyncio
import gc
import logging
import socket
import sys
from collections.abc import Awaitable, Callable, Sequence

import uvicorn
from starlette.types import ASGIApp

from magisystem.application import Application, open_application
from magisystem.config import Configuration
from magisystem.errors import MagiError
from magisystem.http.app import create_app
from magisystem.http.bounded import BoundedHttp
from magisystem.http.draining import DrainingWebSocket
from magisystem.http.running import GRACE_S, Server, log_to_stderr, run
from magisystem.protocol.values import BODY_BYTES

# How soon a running server takes up what one that died beside it has left.
_RECOVERY_S = 5.0
_PING_INTERVAL_S = 20.0
# Above `SocketLimits.send_deadline_s`: a pong waits behind what a slow reader has not read yet.
_PING_TIMEOUT_S = 60.0
_log = logging.getLogger(__name__)


def serve(configuration: Configuration, on_listening: Callable[[], None]) -> None:
    """Serve until told to stop; ``on_listening`` is called once the port is open.

    Raises:
        LogUnavailable: the log cannot be used; the message says what to do.
    """
    prepare()
    run(serving(configuration, on_listening))


def prepare() -> None:
    """Set what the process logs, and what of Python is set for the whole process; forked ones have it from theirs."""
    log_to_stderr()
    _tune_interpreter()
    # Strands logs what a model wrote where it is no JSON; its failures are in our traces.
    logging.getLogger("strands").setLevel(logging.ERROR)


def _tune_interpreter() -> None:
    """Set what Python leaves to its programs, for one that streams: both figures are measured (decision 0023)."""
    # Young objects are looked through far less often than after every 700 new ones; few of ours are part of a circle.
    gc.set_threshold(10_000, 20, 20)
    # How long a thread that wants Python's lock, as the log's does after each statement, waits for the loop's to give
    # it up. By default 5 ms, which every commit would pay several times.
    sys.setswitchinterval(0.0005)


async def serving(
    configuration: Configuration, on_listening: Callable[[], None], sockets: Sequence[socket.socket] | None = None
) -> list[int]:
    """Serve until told to stop, on ``sockets`` where they are given, and give the signals that said so."""
    settings = configuration.settings
    async with open_application(configuration) as application:
        loaded = asyncio.Event()
        app = create_app(application, loaded=loaded)
        config = uvicorn_config(app, host=settings.host, port=settings.port)
        server = Server(config, on_listening, app.state.stopping)
        # A library that loads takes the processor from whatever else the process does, so the port is opened first.
        working = asyncio.create_task(_work(application, server.listening, loaded))
        try:
            await server.serve(list(sockets) if sockets is not None else None)
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
        timeout_graceful_shutdown=GRACE_S,
        server_header=False,
        lifespan="off",
        http=BoundedHttp,
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
