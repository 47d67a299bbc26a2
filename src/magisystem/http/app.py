"""The ASGI application: which path does what."""

import asyncio
import logging
from collections.abc import Coroutine, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import HTTPExceptionHandler
from starlette.websockets import WebSocket

from magisystem.application import Application
from magisystem.deliberation.ports import Page
from magisystem.errors import Fault, InvalidRequest, MagiError, RequestError
from magisystem.http.body import read_json_body
from magisystem.http.cors import cors
from magisystem.http.docs import documentation
from magisystem.http.entrance import Entrance
from magisystem.http.event_stream import EventStream
from magisystem.http.heads import cursor, idempotency_key, longest_wait_s, prefers_no_wait, wants_only_json
from magisystem.http.hosts import HostCheck, allowed_hosts
from magisystem.http.loading import Loading
from magisystem.http.places import Places
from magisystem.http.probe import Probes
from magisystem.http.problems import ServerStopping, answer_error, answer_http_error, answered_error
from magisystem.http.proposals import proposal
from magisystem.http.rates import Rates
from magisystem.http.runtime import (
    RuntimeEnvelope,
    RuntimeSessions,
    answer_fault_enveloped,
    in_runtime_session,
    is_enveloped,
    runtime_session,
)
from magisystem.http.socket import Socket, origin_refusal
from magisystem.http.streaming import Stopping
from magisystem.http.tracing import trace_continued
from magisystem.http.unwinding import Unwinding
from magisystem.http.verbs import Answer, Verbs
from magisystem.http.web import BUNDLE, PAGES, Web, wants_page
from magisystem.protocol.agentcore import REQUEST_HEADER
from magisystem.protocol.codec import encode_value
from magisystem.protocol.requests import (
    CouncilRequest,
    ListRequest,
    PageRequest,
    ProbeRequest,
    ResumeRequest,
    StartRequest,
    TitleRequest,
    parse_body,
    parse_identifier,
    parse_invocation,
    parse_query,
)
from magisystem.protocol.values import BODY_BYTES

_log = logging.getLogger(__name__)
SERVICE = "magisystem-backend"
T = TypeVar("T")
# Of what a stranger says, in the log. AgentCore's own ids are UUIDs.
_SHOWN = 64


def create_app(application: Application, bundle: Path = BUNDLE, *, loaded: asyncio.Event | None = None) -> Starlette:
    """Give the ASGI application in front of what was opened; whoever opened it closes it after the server has ended.

    ``app.state.stopping`` is an event; setting it aborts every open stream, so that their readers come back elsewhere.
    ``bundle`` is the folder of the web client. With ``loaded``, requests wait for it, but for ``/ping``.

    Raises:
        SettingsInvalid: the web client's configuration cannot be read, or a field of it is wrong.
    """
    stopping = Stopping()
    settings = application.settings
    web = Web.open(settings, bundle)
    entrance = Entrance(application.callers, Rates(settings.requests_per_minute), Places(settings.open_per_owner))
    probes = Probes(stopping, platform=settings.platform, version=version("magisystem"))
    routes = Routes(application, entrance, RuntimeSessions(), web, stopping, datetime.now(UTC), probes)
    app = Unwinding(
        routes=[*_routes(routes), *documentation(), *_pages(web)],
        exception_handlers={
            MagiError: answer_error,
            HTTPException: _refusals(web),
            Exception: answer_fault_enveloped,
        },
        middleware=[
            Middleware(HostCheck, allowed=allowed_hosts(settings.host, settings.allowed_hosts)),
            *([Middleware(Loading, loaded=loaded)] if loaded else []),
            Middleware(RuntimeEnvelope, is_platform=settings.platform == "agentcore"),
            cors(settings.cors_origins, ("GET", "POST", "PUT", "PATCH", "DELETE")),
        ],
    )
    # A redirect would be made of the request's own Host, and be http behind whatever ends TLS.
    app.router.redirect_slashes = False
    app.state.stopping = stopping
    return app


def _routes(routes: "Routes") -> list[BaseRoute]:
    return [
        Route("/invocations", routes.invoke, methods=["POST"]),
        # The path of AgentCore's data plane. The ARN has slashes, which come percent-encoded and arrive decoded.
        Route("/runtimes/{arn:path}/invocations", routes.invoke, methods=["POST"]),
        Route("/ping", routes.ping),
        Route("/probe", routes.probe),
        Route("/councils", routes.councils),
        Route("/councils/{council_id}", routes.council),
        Route("/councils/{council_id}", routes.put_council, methods=["PUT"]),
        Route("/councils/{council_id}", routes.delete_council, methods=["DELETE"]),
        Route("/models", routes.models),
        Route("/sessions", routes.sessions),
        Route("/sessions/{session_id}", routes.session),
        Route("/deliberations", routes.past),
        Route("/deliberations/{deliberation_id}", routes.state),
        Route("/deliberations/{deliberation_id}", routes.rename, methods=["PATCH"]),
        Route("/deliberations/{deliberation_id}", routes.forget, methods=["DELETE"]),
        Route("/deliberations/{deliberation_id}/events", routes.events),
        Route("/deliberations/{deliberation_id}/cancel", routes.cancel, methods=["POST"]),
        WebSocketRoute("/ws", routes.socket),
        WebSocketRoute("/runtimes/{arn:path}/ws", routes.socket),
    ]


def _refusals(web: Web) -> HTTPExceptionHandler:
    async def answer(request: Request, error: Exception) -> Response:
        is_of_nobody = isinstance(error, HTTPException) and error.status_code == HTTPStatus.NOT_FOUND
        is_page_wanted = request.method in {"GET", "HEAD"} and wants_page(request)
        page = await web.page_of_nothing(request) if is_of_nobody and is_page_wanted else None
        return page or await answer_http_error(request, error)

    return answer


def _pages(web: Web) -> list[BaseRoute]:
    return [
        *(Route(path, web.page) for path in PAGES),
        Route("/assets/{name:path}", web.asset),
        Route("/{stem}.{kind}", web.other),
    ]


@dataclass(frozen=True, slots=True)
class Routes:
    """What the paths do."""

    application: Application
    entrance: Entrance
    runtime_sessions: RuntimeSessions
    web: Web
    stopping: Stopping
    started_at: datetime
    probes: Probes

    async def ping(self, _: Request) -> Response:
        """Say that the server lives; to AgentCore in its own words, whether work runs that must not be put to sleep."""
        deliberations = self.application.deliberations
        if self.application.settings.platform == "agentcore":
            status, since = "HealthyBusy" if deliberations.is_busy else "Healthy", deliberations.turned_at
        else:
            status, since = "healthy", self.started_at
        return _json(
            {
                "status": status,
                "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                "service": SERVICE,
                "version": version("magisystem"),
                # When the status last changed, never "now", with which AgentCore would keep the session for ever.
                "time_of_last_update": int(since.timestamp()),
            }
        )

    async def invoke(self, request: Request) -> Response:
        """Start a deliberation, or do what ``action`` says."""
        verbs = await self._verbs(request)
        match parse_invocation(await read_json_body(request, BODY_BYTES)):
            case StartRequest() as start:
                return await self._start(verbs, start, request)
            case ResumeRequest() as resume:
                is_polled = not resume.stream or wants_only_json(request.headers)
                wait_s = resume.wait if is_polled else None
                return await self._follow(verbs.owner, resume.deliberation_id, resume.after, wait_s)
            case ProbeRequest() as asked:
                is_polled = not asked.stream or wants_only_json(request.headers)
                wait_s = asked.wait if is_polled else None
                return await self.probes.answer(asked.probe, verbs.owner, request.headers, wait_s)
            case verb:
                return _answered(await verbs.perform(verb))

    async def probe(self, request: Request) -> Response:
        """Stream a probe."""
        verbs = await self._verbs(request)
        return await self.probes.get(request, verbs.owner)

    async def past(self, request: Request) -> Response:
        """Give a page of the deliberations of the past."""
        verbs = await self._verbs(request)
        return _answered(await verbs.past(parse_query(request.query_params, ListRequest)))

    async def sessions(self, request: Request) -> Response:
        """Give a page of the sessions."""
        verbs = await self._verbs(request)
        return _answered(await verbs.sessions(parse_query(request.query_params, PageRequest)))

    async def session(self, request: Request) -> Response:
        """Give a page of a session's turns."""
        verbs = await self._verbs(request)
        page = parse_query(request.query_params, PageRequest)
        return _answered(await verbs.session(request.path_params["session_id"], page))

    async def state(self, request: Request) -> Response:
        """Give a deliberation's folded state."""
        verbs = await self._verbs(request)
        return _answered(await verbs.state(_id(request)))

    async def events(self, request: Request) -> Response:
        """Follow a deliberation from ``Last-Event-ID``, or ``?after=``, or its beginning."""
        verbs = await self._verbs(request)
        is_polled = wants_only_json(request.headers) or "wait" in request.query_params
        wait_s = longest_wait_s(request) if is_polled else None
        return await self._follow(verbs.owner, _id(request), cursor(request), wait_s)

    async def rename(self, request: Request) -> Response:
        """Give a deliberation a title, or take it away."""
        verbs = await self._verbs(request)
        wanted = parse_body(await read_json_body(request, BODY_BYTES), TitleRequest)
        return _answered(await verbs.rename(_id(request), wanted.title))

    async def forget(self, request: Request) -> Response:
        """Stop a deliberation if it runs, and delete it."""
        verbs = await self._verbs(request)
        return _answered(await verbs.forget(_id(request)))

    async def cancel(self, request: Request) -> Response:
        """Stop a deliberation."""
        verbs = await self._verbs(request)
        return _answered(await verbs.cancel(_id(request)))

    async def councils(self, request: Request) -> Response:
        """Give the councils there are; to a browser that asks for a page, the page about them."""
        page = await self.web.page_if_built(request) if wants_page(request) else None
        answer = page or _answered(await (await self._verbs(request)).councils())
        answer.headers.add_vary_header("Accept")
        return answer

    async def council(self, request: Request) -> Response:
        """Give a council."""
        verbs = await self._verbs(request)
        return _answered(await verbs.council(request.path_params["council_id"]))

    async def put_council(self, request: Request) -> Response:
        """Keep a council."""
        verbs = await self._verbs(request)
        council_id = parse_identifier(request.path_params["council_id"], field="id")
        council = parse_body(await read_json_body(request, BODY_BYTES), CouncilRequest)
        with _body_is_the("council"):
            return _answered(await verbs.put_council(council_id, council))

    async def delete_council(self, request: Request) -> Response:
        """Delete a council that is kept."""
        verbs = await self._verbs(request)
        return _answered(await verbs.delete_council(request.path_params["council_id"]))

    async def models(self, request: Request) -> Response:
        """Tell which models can be used here."""
        verbs = await self._verbs(request)
        return _answered(await verbs.models())

    async def socket(self, websocket: WebSocket) -> None:
        """Serve a socket, if whoever opens it may."""
        refusal = origin_refusal(websocket, self.application.settings.cors_origins)
        if refusal is None:
            try:
                verbs = await self._verbs(websocket)
                self.entrance.places.check(verbs.owner)
            except MagiError as error:
                refusal = answered_error(error)
            else:
                with self.entrance.places.taken(verbs.owner):
                    await Socket(websocket, verbs, self.entrance.rates, self.stopping, self.probes).serve()
                return
        await websocket.send_denial_response(refusal)

    async def _verbs(self, connection: HTTPConnection) -> Verbs:
        """Give what whoever is at the other end can do."""
        owner = await self.entrance.owner(connection.headers)
        self.runtime_sessions.enter(runtime_session(connection.scope), owner)
        return Verbs(self.application, owner)

    async def _start(self, verbs: Verbs, start: StartRequest, request: Request) -> Response:
        key = start.idempotency_key or idempotency_key(request.headers)
        deliberations, owner = self.application.deliberations, verbs.owner
        start = in_runtime_session(start, request.scope)
        is_preferred = prefers_no_wait(request.headers)
        is_detached = start.detached or is_preferred
        is_streamed = not is_detached and start.stream and not wants_only_json(request.headers)
        if is_streamed:
            self.entrance.places.check(owner)
        propose = partial(proposal, start, self.application.councils, owner)
        with trace_continued(request.headers):
            deliberation_id = await deliberations.start(propose, owner, key)
        if (request_id := request.headers.get(REQUEST_HEADER)) is not None and is_enveloped(request.scope):
            _log.info("deliberation %s: runtime request %s", deliberation_id, request_id[:_SHOWN])
        if is_detached:
            return _begun(deliberation_id, is_preferred=is_preferred)
        if is_streamed:
            return self._stream(owner, deliberation_id, 0)
        state = await self._unless_stopping(deliberations.outcome(deliberation_id, owner))
        return Response(encode_value(state), media_type="application/json")

    async def _follow(self, owner: str, deliberation_id: str, after: int, wait_s: float | None) -> Response:
        """Stream from a cursor; or, with ``wait_s``, give what there is after it, waiting so long for something."""
        deliberations = self.application.deliberations
        if wait_s is not None:
            return _page(await self._unless_stopping(deliberations.poll(deliberation_id, owner, after, wait_s)), after)
        # What cannot be followed must be refused before the stream begins.
        await deliberations.read(deliberation_id, owner, after, limit=0)
        self.entrance.places.check(owner)
        return self._stream(owner, deliberation_id, after)

    async def _unless_stopping(self, waiting: Coroutine[Any, Any, T]) -> T:
        """Wait for what is to be answered with one document; the server's end would break it off without a word.

        Raises:
            ServerStopping: the server stops first.
        """
        tasks = answer, _ = asyncio.create_task(waiting), asyncio.create_task(self.stopping.wait())
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if answer.done():
                return answer.result()
            raise ServerStopping
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _stream(self, owner: str, deliberation_id: str, after: int) -> EventStream:
        following = self.application.deliberations.follow(deliberation_id, owner, after)
        return EventStream(self.entrance.places.held(owner, following), deliberation_id, self.stopping)


@contextmanager
def _body_is_the(part: str) -> Generator[None]:
    """Name what is at fault as who sent the body knows it: the body is what stands in the field ``part`` elsewhere."""

    def bare(text: str) -> str:
        return text.removeprefix(f"{part}.")

    try:
        yield
    except RequestError as error:
        error.message = error.message.replace(f"`{part}.", "`")
        error.field = bare(error.field)
        if isinstance(error, InvalidRequest):
            error.faults = tuple(
                Fault(bare(fault.field), fault.message.replace(f"`{part}.", "`")) for fault in error.faults
            )
        raise


def _id(request: Request) -> str:
    return request.path_params["deliberation_id"]


def _begun(deliberation_id: str, *, is_preferred: bool) -> Response:
    headers = {"location": f"/deliberations/{deliberation_id}"}
    if is_preferred:
        headers["preference-applied"] = "respond-async"
    body = msgspec.json.encode({"deliberationId": deliberation_id})
    return Response(body, status_code=202, media_type="application/json", headers=headers)


def _answered(answer: Answer) -> Response:
    return Response(answer.body, answer.status, media_type="application/json" if answer.body else None)


def _page(page: Page, after: int) -> Response:
    cursor = page.records[-1].seq if page.records else after
    events = b",".join(record.body for record in page.records)
    done = b"true" if page.is_done else b"false"
    body = b'{"events":[%b],"cursor":%d,"done":%b}' % (events, cursor, done)
    return Response(body, media_type="application/json", headers={"cache-control": "no-store"})


def _json(body: dict[str, Any]) -> Response:
    return Response(msgspec.json.encode(body), media_type="application/json")
