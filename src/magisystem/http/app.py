"""The ASGI application: which path does what."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import msgspec
from fastapi import FastAPI
from fastapi_swagger import patch_fastapi
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response

from magisystem.application import Application, open_application
from magisystem.config import Configuration
from magisystem.council.presets import PRESETS
from magisystem.errors import InvalidRequest, MagiError
from magisystem.http.body import read_json_body
from magisystem.http.event_stream import EventStream
from magisystem.http.openapi import DESCRIPTION, describe
from magisystem.http.problems import answer_error, answer_fault, answer_http_error
from magisystem.http.proposals import proposal
from magisystem.protocol.codec import encode_value
from magisystem.protocol.fold import DeliberationState
from magisystem.protocol.requests import (
    BODY_BYTES,
    CancelRequest,
    GetRequest,
    ResumeRequest,
    StartRequest,
    parse_invocation,
)

SERVICE = "magisystem-backend"
# Without an identity provider there is one owner: whoever reaches this server.
LOCAL_OWNER = "local"


def create_app(
    configuration: Configuration,
    opening: Callable[[Configuration], AbstractAsyncContextManager[Application]] = open_application,
) -> FastAPI:
    """Give the ASGI application; ``opening`` is entered when the server starts and left when the server ends."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        async with opening(configuration) as application:
            app.state.routes.application = application
            # The agents' libraries take a second and more to import; meanwhile the server answers already.
            warming = asyncio.create_task(application.catalogue.warm(configuration.settings.model))
            try:
                yield
            finally:
                await asyncio.wait([warming])

    app = FastAPI(
        title="MAGISystem",
        version=version("magisystem"),
        description=DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        swagger_ui_oauth2_redirect_url=None,
    )
    patch_fastapi(app)
    app.state.routes = routes = Routes()
    app.add_exception_handler(MagiError, answer_error)
    app.add_exception_handler(HTTPException, answer_http_error)
    app.add_exception_handler(Exception, answer_fault)
    app.add_middleware(
        CORSMiddleware,
        allow_origins=configuration.settings.cors_origins,
        allow_methods=["GET", "POST", "DELETE"],
        allow_headers=["authorization", "content-type", "idempotency-key", "last-event-id"],
        expose_headers=["x-magi-deliberation-id"],
    )
    for path, method, endpoint in (
        ("/invocations", "POST", routes.invoke),
        ("/ping", "GET", routes.ping),
        ("/councils", "GET", routes.councils),
        ("/deliberations/{deliberation_id}", "GET", routes.state),
        ("/deliberations/{deliberation_id}/events", "GET", routes.events),
        ("/deliberations/{deliberation_id}/cancel", "POST", routes.cancel),
    ):
        app.add_route(path, endpoint, methods=[method], include_in_schema=False)
    describe(app)
    return app


class Routes:
    """What the paths do. ``application`` is set while the server runs."""

    application: Application

    async def ping(self, _: Request) -> Response:
        """Say that the server lives."""
        now = datetime.now(UTC)
        return _json(
            {
                "status": "healthy",
                "timestamp": now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                "service": SERVICE,
                "version": version("magisystem"),
                "time_of_last_update": int(now.timestamp()),
            }
        )

    async def invoke(self, request: Request) -> Response:
        """Start a deliberation, or do what ``action`` says."""
        body = await read_json_body(request, BODY_BYTES)
        deliberations = self.application.deliberations
        match parse_invocation(body):
            case StartRequest() as start:
                deliberation_id = await deliberations.start(proposal(start), LOCAL_OWNER)
                if start.stream and not _wants_only_json(request):
                    return self._stream(deliberation_id, 0)
                return _state(await deliberations.outcome(deliberation_id, LOCAL_OWNER))
            case ResumeRequest(deliberation_id=deliberation_id, after=after):
                await deliberations.read(deliberation_id, LOCAL_OWNER, after)
                return self._stream(deliberation_id, after)
            case CancelRequest(deliberation_id=deliberation_id):
                return _state(await deliberations.cancel(deliberation_id, LOCAL_OWNER))
            case GetRequest(deliberation_id=deliberation_id):
                return _state(await deliberations.state(deliberation_id, LOCAL_OWNER))

    async def state(self, request: Request) -> Response:
        """Give a deliberation's folded state."""
        return _state(await self.application.deliberations.state(_id(request), LOCAL_OWNER))

    async def events(self, request: Request) -> Response:
        """Follow a deliberation from ``Last-Event-ID``, or ``?after=``, or its beginning."""
        deliberation_id, after = _id(request), _cursor(request)
        await self.application.deliberations.read(deliberation_id, LOCAL_OWNER, after)
        return self._stream(deliberation_id, after)

    async def cancel(self, request: Request) -> Response:
        """Stop a deliberation."""
        return _state(await self.application.deliberations.cancel(_id(request), LOCAL_OWNER))

    async def councils(self, _: Request) -> Response:
        """Give the councils that come with the system."""
        return _json({"items": [msgspec.to_builtins(council) for council in PRESETS.values()]})

    def _stream(self, deliberation_id: str, after: int) -> EventStream:
        return EventStream(self.application.deliberations.follow(deliberation_id, LOCAL_OWNER, after), deliberation_id)


def _id(request: Request) -> str:
    return request.path_params["deliberation_id"]


def _cursor(request: Request) -> int:
    for name, given in (
        ("Last-Event-ID", request.headers.get("last-event-id")),
        ("after", request.query_params.get("after")),
    ):
        if given:
            if not given.isascii() or not given.isdigit() or len(given) > 15:
                raise InvalidRequest(f"`{name}` must be the seq of an event, a whole number from 0.", field=name)
            return int(given)
    return 0


def _wants_only_json(request: Request) -> bool:
    accepted = {item.partition(";")[0].strip().lower() for item in request.headers.get("accept", "").split(",")}
    return accepted == {"application/json"}


def _state(state: DeliberationState) -> Response:
    return Response(encode_value(state), media_type="application/json")


def _json(body: dict[str, Any]) -> Response:
    return Response(msgspec.json.encode(body), media_type="application/json")
