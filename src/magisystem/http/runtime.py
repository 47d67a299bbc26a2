"""What Amazon Bedrock AgentCore Runtime asks of a container beyond the routes, and its data plane's own path.

AgentCore turns a container's 4xx and 5xx into 424 and may hide the body. So what is refused behind it is answered with
200: the media type says that it is a problem, and the body's ``status`` which.
https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/runtime-troubleshooting.html
"""

import hashlib
import re
import uuid
from collections.abc import MutableMapping
from http import HTTPStatus
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from magisystem.errors import InvalidRequest, SessionNotYours
from magisystem.http.problems import MEDIA_TYPE, answer_fault, answered_error
from magisystem.protocol.agentcore import SESSION_HEADER
from magisystem.protocol.requests import SESSION_ID, StartRequest

# Of InvokeAgentRuntime; botocore's service model says so, too.
_SESSION = re.compile(r"[!-~]{33,256}")
# As the router has it: of any ARN, an empty one too, and with a line's end after it (http/app.py).
_DATA_PLANE = re.compile(r"^/runtimes/.*/invocations$")
_SCOPE = "magi.runtime_session"
_MANY = 10_000


class RuntimeEnvelope:
    """Answers as a container behind AgentCore has to: problems in-band, and the session's id with every answer.

    Where the platform is another one, only the data plane's own path is answered so, as AgentCore itself would with
    this server behind it; a session's id that the caller leaves out is made there.
    """

    def __init__(self, app: ASGIApp, *, is_platform: bool) -> None:
        self._app = app
        self._is_platform = is_platform

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and its answer back as it has to be."""
        is_data_plane = scope["type"] == "http" and _DATA_PLANE.match(scope["path"]) is not None
        if scope["type"] not in {"http", "websocket"} or not (self._is_platform or is_data_plane):
            await self._app(scope, receive, send)
            return
        session_id = Headers(scope=scope).get(SESSION_HEADER) or (str(uuid.uuid4()) if is_data_plane else None)
        scope[_SCOPE] = session_id

        async def send_enveloped(message: Message) -> None:
            if message["type"] == "http.response.start":
                put_in_band(message)
                if session_id is not None and session_id.isascii():
                    MutableHeaders(raw=message["headers"])[SESSION_HEADER] = session_id
            await send(message)

        if session_id is not None and not _SESSION.fullmatch(session_id):
            refusal = InvalidRequest(
                f"`{SESSION_HEADER}`: It must be 33 to 256 visible ASCII characters.", field=SESSION_HEADER
            )
            session_id = None
            await answered_error(refusal)(scope, receive, send_enveloped)
        else:
            await self._app(scope, receive, send_enveloped)


def put_in_band(start: MutableMapping[str, Any]) -> None:
    """Give a response's start that begins a problem the status 200; and any success, as AWS's own servers do."""
    start["headers"] = list(start.get("headers", []))
    is_problem = start["status"] >= 400 and Headers(raw=start["headers"]).get("content-type") == MEDIA_TYPE
    if is_problem or 200 < start["status"] < 300:
        start["status"] = 200


async def answer_fault_enveloped(request: Request, error: Exception) -> Response:
    """Answer a fault of ours. Starlette does that outside of all middleware, so what an envelope does is done here."""
    answer = await answer_fault(request, error)
    if is_enveloped(request.scope):
        answer.status_code = HTTPStatus.OK
    return answer


def is_enveloped(scope: Scope) -> bool:
    """Whether a request came through AgentCore, or as through it."""
    return _SCOPE in scope


def runtime_session(scope: Scope) -> str | None:
    """Give the id of the runtime session that a request came in, where it came through AgentCore."""
    return scope.get(_SCOPE)


def in_runtime_session(start: StartRequest, scope: Scope) -> StartRequest:
    """Give a start that says nothing of a session as one in AgentCore's, in which it came."""
    session_id = runtime_session(scope)
    if session_id is None or "session_id" in start.model_fields_set:
        return start
    # Its id is ours where ours may look so.
    is_fit = re.fullmatch(SESSION_ID, session_id) is not None
    ours = session_id if is_fit else f"runtime-{hashlib.sha256(session_id.encode()).hexdigest()}"
    return start.model_copy(update={"session_id": ours})


class RuntimeSessions:
    """To whom the runtime sessions of this process belong: to each one's first owner.

    AgentCore keeps the requests of one session with one container, and leaves it to the container whose they are. Of
    more than `_MANY` the one that was used least lately is forgotten.
    """

    def __init__(self) -> None:
        self._owners: dict[str, str] = {}

    def enter(self, session_id: str | None, owner: str) -> None:
        """Use a session as ``owner``.

        Raises:
            SessionNotYours: another owner used it first.
        """
        if session_id is None:
            return
        if self._owners.get(session_id, owner) != owner:
            raise SessionNotYours
        # A dict is in the order in which its keys came.
        self._owners.pop(session_id, None)
        self._owners[session_id] = owner
        if len(self._owners) > _MANY:
            del self._owners[next(iter(self._owners))]
