"""Errors as RFC 9457 problem bodies: what happened, in which field, and what mends it. Never a stack trace.

The table of statuses stands here and nowhere else; an error's ``code`` is the same on every way it can reach a person.
"""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from math import ceil
from typing import Any

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from magisystem.errors import (
    BodyTooLarge,
    CouncilNotFound,
    CouncilReadOnly,
    CouncilsFull,
    CursorAhead,
    DeliberationExists,
    DeliberationNotFound,
    IdempotencyConflict,
    IdentityUnavailable,
    InvalidRequest,
    LimitError,
    LogUnavailable,
    MagiError,
    ModelUnavailable,
    NotAllowed,
    Overloaded,
    RecordsUnavailable,
    RequestError,
    RunsElsewhere,
    RuntimeBusy,
    RuntimeLate,
    RuntimeQuotaExceeded,
    RuntimeThrottled,
    RuntimeUnreachable,
    SessionNotFound,
    SessionNotYours,
    Unauthenticated,
    UpstreamError,
)

_log = logging.getLogger(__name__)
MEDIA_TYPE = "application/problem+json"
# After which it is worth asking again where nothing more exact is known.
_UNAVAILABLE_S = 2.0
_PASSING = (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS)

_STATUSES: Mapping[type[MagiError], HTTPStatus] = {
    Unauthenticated: HTTPStatus.UNAUTHORIZED,
    NotAllowed: HTTPStatus.FORBIDDEN,
    IdentityUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    LimitError: HTTPStatus.TOO_MANY_REQUESTS,
    Overloaded: HTTPStatus.SERVICE_UNAVAILABLE,
    BodyTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    RequestError: HTTPStatus.BAD_REQUEST,
    # The caller named a model that this server cannot use: nothing the same request will get over by itself.
    ModelUnavailable: HTTPStatus.BAD_REQUEST,
    DeliberationNotFound: HTTPStatus.NOT_FOUND,
    SessionNotFound: HTTPStatus.NOT_FOUND,
    CouncilNotFound: HTTPStatus.NOT_FOUND,
    CouncilReadOnly: HTTPStatus.CONFLICT,
    CouncilsFull: HTTPStatus.CONFLICT,
    DeliberationExists: HTTPStatus.CONFLICT,
    IdempotencyConflict: HTTPStatus.CONFLICT,
    RunsElsewhere: HTTPStatus.CONFLICT,
    SessionNotYours: HTTPStatus.FORBIDDEN,
    CursorAhead: HTTPStatus.CONFLICT,
    LogUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    RecordsUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    UpstreamError: HTTPStatus.BAD_GATEWAY,
    RuntimeUnreachable: HTTPStatus.SERVICE_UNAVAILABLE,
    RuntimeQuotaExceeded: HTTPStatus.SERVICE_UNAVAILABLE,
    RuntimeBusy: HTTPStatus.CONFLICT,
    RuntimeThrottled: HTTPStatus.TOO_MANY_REQUESTS,
    RuntimeLate: HTTPStatus.GATEWAY_TIMEOUT,
}


class UnsupportedMediaType(RequestError):
    """The body is not announced as JSON."""

    code = "unsupported_media_type"


class BodyLate(RequestError):
    """The body did not come whole in time."""

    code = "body_late"
    retryable = True


class ServerStopping(MagiError):
    """The server stops before what was waited for has come; what runs goes on with its next process."""

    code = "server_stopping"
    retryable = True

    def __init__(self) -> None:
        super().__init__("The server stops. Ask again in a moment.")


def status_of(error: MagiError) -> HTTPStatus:
    """Give the HTTP status of an error of ours."""
    if isinstance(error, UnsupportedMediaType):
        return HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    if isinstance(error, BodyLate):
        return HTTPStatus.REQUEST_TIMEOUT
    if isinstance(error, ServerStopping):
        return HTTPStatus.SERVICE_UNAVAILABLE
    found = next((kind for kind in type(error).__mro__ if kind in _STATUSES), None)
    return _STATUSES[found] if found else HTTPStatus.INTERNAL_SERVER_ERROR  # pyright: ignore[reportArgumentType] - in the table


def retry_after(error: MagiError) -> int | None:
    """Give after how many seconds it is worth asking again; ``None`` where waiting mends nothing."""
    otherwise_s = _UNAVAILABLE_S if status_of(error) in _PASSING else None
    wait_s: float | None = getattr(error, "retry_after_s", None) or otherwise_s
    return None if wait_s is None else ceil(wait_s)


def problem(status: HTTPStatus, code: str, detail: str, **members: Any) -> Response:
    """Give a problem body. ``type`` is left at its default, ``about:blank``: the code says more than a page could."""
    body = {"title": status.phrase, "status": int(status), "code": code, "detail": detail, **members}
    return Response(msgspec.json.encode(body), status_code=int(status), media_type=MEDIA_TYPE)


async def answer_error(_: Request, error: Exception) -> Response:
    """Answer an error of ours."""
    assert isinstance(error, MagiError)  # noqa: S101 - registered for it alone
    return answered_error(error)


def answered_error(error: MagiError) -> Response:
    """Give the answer that an error of ours is."""
    members: dict[str, Any] = {"retryable": error.retryable}
    if field := getattr(error, "field", ""):
        members["field"] = field
    if isinstance(error, InvalidRequest) and len(error.faults) > 1:
        members["faults"] = [{"field": fault.field, "message": fault.message} for fault in error.faults]
    if isinstance(error, CursorAhead):
        members["cursor"] = error.last_seq
    if error.told != error.message:
        _log.warning("%s (%s)", error.message, error.code)
    status = status_of(error)
    wait_s = retry_after(error)
    if wait_s is not None:
        # In the body as well, for whom the headers do not reach.
        members["retryAfter"] = wait_s
    answer = problem(status, error.code, error.told, **members)
    if wait_s is not None:
        answer.headers["retry-after"] = str(wait_s)
    if status is HTTPStatus.UNAUTHORIZED:
        # RFC 6750, 3: with no word on what was wrong with a token, which would help who forges one.
        answer.headers["www-authenticate"] = "Bearer"
    return answer


async def answer_http_error(request: Request, error: Exception) -> Response:
    """Answer what the router refuses: an unknown path, a wrong method."""
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for it alone
    status = HTTPStatus(error.status_code)
    code = status.name.lower()
    detail = {
        HTTPStatus.NOT_FOUND: f"There is nothing at {request.url.path}. GET /docs shows what there is.",
        HTTPStatus.METHOD_NOT_ALLOWED: f"{request.method} is not possible at {request.url.path}.",
    }.get(status, str(error.detail))
    answer = problem(status, code, detail, retryable=False)
    for name, value in (error.headers or {}).items():
        answer.headers[name] = value
    return answer


async def answer_fault(_: Request, error: Exception) -> Response:
    """Answer a fault of ours; what it was stands in the server's log only."""
    return problem(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "internal",
        "The server made a mistake. Its log has the details.",
        retryable=True,
    )
