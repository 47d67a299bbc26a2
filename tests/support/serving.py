"""A real server on a real port, in the test's own event loop."""

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import uvicorn
from starlette.types import ASGIApp

from magisystem.application import Application, open_application, open_catalogue, opened_callers
from magisystem.config import read_configuration
from magisystem.deliberation import Deliberations, Limits, ModelChoice
from magisystem.deliberation.admission import Capacity
from magisystem.deliberation.ports import EventLog
from magisystem.http.app import create_app
from magisystem.identity import Callers
from magisystem.logs import MemoryEventLog
from magisystem.protocol.codec import decode
from magisystem.protocol.events import AnyEvent
from magisystem.protocol.sse import FrameDecoder
from magisystem.testing.scripted import ScriptedModel

# The web client is built or not; tests do not depend on it.
NO_BUNDLE = Path("/nowhere")


@asynccontextmanager
async def listening(app: ASGIApp, config: uvicorn.Config | None = None, *, port: int = 0) -> AsyncGenerator[str]:
    """Serve ``app`` and give its URL."""
    config = config or uvicorn.Config(app, log_config=None, timeout_graceful_shutdown=1, lifespan="off")
    server = uvicorn.Server(config)
    # With its protocol: asyncio turns Nagle's algorithm off only where a socket says that it is TCP's, and a head and a
    # body that are sent apart would come 40 ms apart.
    with socket.socket(proto=socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", port))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started:
            if serving.done():
                await serving
            await asyncio.sleep(0)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await serving


@dataclass(frozen=True)
class Server:
    """A server whose council is scripted, and the inside of it."""

    http: httpx2.AsyncClient
    url: str
    deliberations: Deliberations
    model: ScriptedModel
    app: ASGIApp


@asynccontextmanager
async def scripted_server(
    model: ScriptedModel,
    *,
    log: EventLog | None = None,
    limits: Limits | None = None,
    bundle: Path = NO_BUNDLE,
    callers: Callers | None = None,
    capacity: Capacity | None = None,
    **settings: object,
) -> AsyncGenerator[Server]:
    """Serve with ``model`` for every agent."""
    configuration = read_configuration(environment={}, **settings)
    settings_read = configuration.settings
    choice, most_running = ModelChoice("scripted:model"), settings_read.running_per_owner
    async with (
        Deliberations(
            log or MemoryEventLog(), model, choice, limits=limits, most_running=most_running, capacity=capacity
        ) as running,
        opened_callers(settings_read) as told_apart,
    ):
        catalogue = open_catalogue(settings_read)
        application = Application(settings_read, running, catalogue, callers=callers or told_apart)
        async with (
            listening(app := create_app(application, bundle)) as url,
            httpx2.AsyncClient(base_url=url, timeout=20) as http,
        ):
            yield Server(http, url, running, model, app)


async def until_idle(server: Server) -> None:
    """Wait until nothing runs."""
    while server.deliberations.n_running:  # noqa: ASYNC110 - the end of a detached task has no event of its own
        await asyncio.sleep(0)


@asynccontextmanager
async def real_server(**settings: object) -> AsyncGenerator[httpx2.AsyncClient]:
    """Serve as `magi serve` does, with the models that the settings name."""
    async with (
        open_application(read_configuration(environment={}, **settings)) as application,
        listening(create_app(application)) as url,
        httpx2.AsyncClient(base_url=url, timeout=30) as http,
    ):
        yield http


def events_of(body: bytes) -> list[AnyEvent]:
    """Read the events of a whole SSE body."""
    return [decode(frame.data) for frame in FrameDecoder().feed(body)]
