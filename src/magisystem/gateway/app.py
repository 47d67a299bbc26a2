"""The gateway as an ASGI application: one path for all verbs, and health."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from importlib.metadata import version
from math import ceil
from typing import TYPE_CHECKING

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from magisystem.errors import MagiError
from magisystem.gateway.asks import read_ask, read_session
from magisystem.gateway.calls import Call, traces
from magisystem.gateway.deadline import time_left_s
from magisystem.gateway.refusals import RefusedByRuntime
from magisystem.gateway.settings import GatewaySettings
from magisystem.http.body import read_json_body
from magisystem.http.hosts import HostCheck, allowed_hosts
from magisystem.http.probe import Probes
from magisystem.http.problems import MEDIA_TYPE, answer_error, answer_fault, answer_http_error, problem
from magisystem.http.streaming import Stopping
from magisystem.identity import bearer, runtime_session_id
from magisystem.protocol.values import BODY_BYTES

if TYPE_CHECKING:
    from magisystem.gateway.opening import Opened

SERVICE = "magisystem-gateway"


@dataclass(slots=True)
class Awaited:
    """What requests wait for: the heavy parts, which load after the port is open."""

    _is_there: asyncio.Event = field(default_factory=asyncio.Event)
    _opened: "Opened | None" = None

    def give(self, opened: "Opened") -> None:
        """Let the requests that wait go on."""
        self._opened = opened
        self._is_there.set()

    async def get(self) -> "Opened":
        """Wait until it is there."""
        while self._opened is None:
            await self._is_there.wait()
        return self._opened


def create_gateway(settings: GatewaySettings, awaited: Awaited) -> Starlette:
    """Give the ASGI application; whoever gives ``awaited`` what requests wait for closes it after the server has ended.

    ``app.state.stopping`` is an event; setting it aborts every open stream, so that their readers come back elsewhere.
    """
    stopping = Stopping()
    probes = Probes(stopping, platform=settings.platform, version=version("magisystem"))
    routes = Routes(settings, awaited, stopping, int(datetime.now(UTC).timestamp()), probes)
    app = Starlette(
        routes=[
            Route("/invocations", routes.invoke, methods=["POST"]),
            Route("/ping", routes.ping),
            Route("/probe", routes.probe),
        ],
        exception_handlers={
            MagiError: answer_error,
            RefusedByRuntime: _answer_refusal,
            HTTPException: _answer_http_error,
            Exception: answer_fault,
        },
        middleware=[
            Middleware(HostCheck, allowed=allowed_hosts(settings.host, settings.allowed_hosts)),
            *_cors(settings.cors_origins),
        ],
    )
    app.state.stopping = routes.stopping
    return app


@dataclass(frozen=True, slots=True)
class Routes:
    """What the paths do."""

    settings: GatewaySettings
    awaited: Awaited
    stopping: Stopping
    # Unix second.
    started_at: int
    probes: Probes

    async def ping(self, _: Request) -> Response:
        """Say that the gateway lives; of the runtime it says nothing."""
        now = datetime.now(UTC)
        body = {
            "status": "healthy",
            "timestamp": now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "service": SERVICE,
            "version": version("magisystem"),
            "time_of_last_update": self.started_at,
        }
        return Response(msgspec.json.encode(body), media_type="application/json")

    async def probe(self, request: Request) -> Response:
        """Stream a probe from here: what it meets is on the way to the gateway, and not behind it."""
        opened = await self.awaited.get()
        owner = await opened.callers.owner(bearer(request.headers.get("authorization")))
        return await self.probes.get(request, owner)

    async def invoke(self, request: Request) -> Response:
        """Relay a verb to the runtime."""
        opened = await self.awaited.get()
        token = bearer(request.headers.get("authorization"))
        owner = await opened.callers.owner(token)
        session = read_session(request.headers)
        body = await read_json_body(request, BODY_BYTES)
        ask = read_ask(body, request.headers)
        session_id = runtime_session_id(self.settings.gateway_key, owner, session)
        left_s = time_left_s(self.settings.platform, request.headers, opened.timing)
        return opened.relay(Call(owner, token, session_id, traces(request.headers)), ask, self.stopping, left_s)


async def _answer_http_error(request: Request, error: Exception) -> Response:
    """Answer what the router refuses, in the words of what there is here."""
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for it alone
    if error.status_code != HTTPStatus.NOT_FOUND:
        return await answer_http_error(request, error)
    there_is = "POST /invocations for every verb, GET /ping and GET /probe"
    detail = f"There is nothing at {request.url.path}. The gateway has {there_is}."
    return problem(HTTPStatus.NOT_FOUND, "not_found", detail, retryable=False)


async def _answer_refusal(_: Request, error: Exception) -> Response:
    """Answer what the application in the runtime refuses, in its own words, with the status that they name."""
    assert isinstance(error, RefusedByRuntime)  # noqa: S101 - registered for it alone
    answer = Response(error.body, error.problem.status, media_type=MEDIA_TYPE)
    if error.problem.retry_after is not None:
        answer.headers["retry-after"] = str(ceil(error.problem.retry_after))
    if error.problem.status == 401:
        answer.headers["www-authenticate"] = "Bearer"
    return answer


def _cors(origins: tuple[str, ...]) -> list[Middleware]:
    """Give what answers other origins, if any: behind a Function URL that does, a second answer would break both."""
    if not origins:
        return []
    from magisystem.http.cors import cors

    return [cors(origins, ("GET", "POST"))]
