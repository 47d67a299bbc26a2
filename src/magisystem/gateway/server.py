"""Running the gateway under uvicorn."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

import uvicorn
from starlette.types import ASGIApp

from magisystem.errors import MagiError
from magisystem.gateway.app import Awaited, create_gateway
from magisystem.gateway.patience import Timing
from magisystem.gateway.settings import GatewaySettings
from magisystem.http.bounded import BoundedHttp
from magisystem.http.running import GRACE_S, Server, log_to_stderr, run

if TYPE_CHECKING:
    from magisystem.gateway.opening import Opened

_log = logging.getLogger(__name__)


def serve(settings: GatewaySettings, on_listening: Callable[[], None]) -> None:
    """Serve until told to stop; ``on_listening`` is called once the port is open."""
    log_to_stderr()
    # A client that tries a socket first is told by a 404; uvicorn would tell the operator to install a library.
    logging.getLogger("uvicorn.error").addFilter(
        lambda record: "upgrade" not in record.msg and "WebSocket" not in record.msg
    )
    run(_serve(settings, on_listening))


async def _serve(settings: GatewaySettings, on_listening: Callable[[], None]) -> list[int]:
    awaited = Awaited()
    app = create_gateway(settings, awaited)
    server = Server(uvicorn_config(app, settings), on_listening, app.state.stopping)
    opening = asyncio.create_task(_open(settings, server, awaited))
    try:
        await server.serve()
    finally:
        opening.cancel()
        await asyncio.wait([opening])
    if not opening.cancelled():
        opening.result()
    return server.signals


def uvicorn_config(app: ASGIApp, settings: GatewaySettings) -> uvicorn.Config:
    """Give how the application is served."""
    return uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=GRACE_S,
        server_header=False,
        lifespan="off",
        http=BoundedHttp,
        ws="none",
    )


async def _open(settings: GatewaySettings, server: Server, awaited: Awaited) -> None:
    """Load and open what requests wait for once the server listens, and keep it until the server has ended."""
    await server.listening.wait()
    try:
        # On a thread, so that `/ping` is answered meanwhile.
        open_gateway = await asyncio.to_thread(_load)
        async with open_gateway(settings, Timing()) as opened:
            awaited.give(opened)
            try:
                await opened.runtime.warm()
            except MagiError as error:
                # A role may come later; every request looks for it again.
                _log.error("%s (%s)", error.message, error.code)
            await asyncio.Event().wait()
    except Exception:
        # Without these parts it would answer `/ping` and nothing else.
        server.should_exit = True
        raise


def _load() -> Callable[[GatewaySettings, Timing], AbstractAsyncContextManager["Opened"]]:
    from magisystem.gateway.opening import open_gateway

    return open_gateway
