"""What the runtime answers that is not what was asked for, as errors of ours. Pure.

AgentCore's own errors (https://docs.aws.amazon.com/bedrock-agentcore/latest/APIReference/API_InvokeAgentRuntime.html)
name accounts, roles and containers, so nothing of their text goes further than the log. What the application in the
runtime refuses is a problem body of ours and goes to the client as it is, with the status that it names: through
AgentCore every answer of a container has to be a 200 to be seen.
"""

from collections.abc import Mapping
from typing import Annotated

import msgspec

from magisystem.errors import (
    MagiError,
    NotAllowed,
    RuntimeBusy,
    RuntimeDenied,
    RuntimeFailed,
    RuntimeLate,
    RuntimeNotFound,
    RuntimeQuotaExceeded,
    RuntimeRejected,
    RuntimeThrottled,
    RuntimeUnavailable,
    RuntimeUnreadable,
    Unauthenticated,
    UpstreamError,
)
from magisystem.gateway.settings import RuntimeAuth

_PROBLEM = "application/problem+json"
# Longer waits are nobody's who stands before a screen; the client hears of them and decides.
_LONGEST_RETRY_AFTER_S = 3600.0

_BY_TYPE: Mapping[str, type[UpstreamError]] = {
    "ValidationException": RuntimeRejected,
    "UnauthorizedException": RuntimeDenied,
    "AccessDeniedException": RuntimeDenied,
    "ServiceQuotaExceededException": RuntimeQuotaExceeded,
    "ResourceNotFoundException": RuntimeNotFound,
    "ConflictException": RuntimeBusy,
    "RetryableConflictException": RuntimeBusy,
    "RuntimeClientError": RuntimeFailed,
    "ThrottlingException": RuntimeThrottled,
    "InternalServerException": RuntimeUnavailable,
}
# Where what stands before the service answers in its place, without a name.
_BY_STATUS: Mapping[int, type[UpstreamError]] = {
    400: RuntimeRejected,
    401: RuntimeDenied,
    402: RuntimeQuotaExceeded,
    403: RuntimeDenied,
    404: RuntimeNotFound,
    408: RuntimeLate,
    409: RuntimeBusy,
    424: RuntimeFailed,
    429: RuntimeThrottled,
    504: RuntimeLate,
}


class Problem(msgspec.Struct, frozen=True, rename="camel"):
    """What is read of a problem body of the application in the runtime."""

    status: Annotated[int, msgspec.Meta(ge=400, le=599)]
    code: Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{0,63}\Z")]
    detail: str
    retryable: bool = False
    retry_after: Annotated[float, msgspec.Meta(ge=0)] | None = None


class RefusedByRuntime(Exception):
    """The application in the runtime refuses what was asked; ``body`` is its own problem body, for the client."""

    def __init__(self, problem: Problem, body: bytes) -> None:
        super().__init__(problem.code)
        self.problem = problem
        self.body = body


Refusal = MagiError | RefusedByRuntime


def problem_in(media_type: str, status: int, body: bytes) -> Problem | None:
    """Give the problem that an answer is, whatever the status it came with; ``None`` where it is none.

    Raises:
        RuntimeUnreadable: it says that it is one, and cannot be read.
    """
    if media_type != _PROBLEM and not (status == 200 and media_type == "application/json"):
        return None
    try:
        return msgspec.json.decode(body, type=Problem)
    except (msgspec.DecodeError, UnicodeError) as error:
        if media_type == _PROBLEM:
            raise RuntimeUnreadable from error
        return None


def error_of(status: int, error_type: str, retry_after: str, auth: RuntimeAuth) -> MagiError:
    """Give what a refusal of AgentCore's own comes to.

    ``error_type`` is its header ``x-amzn-ErrorType``, which may have more behind a colon, and ``retry_after`` that of
    the name. With ``auth`` "jwt" the token that the runtime refuses is the client's own, so the client has to sign in.
    """
    if auth == "jwt" and status == 401:
        return Unauthenticated()
    if auth == "jwt" and status == 403:
        return NotAllowed()
    otherwise = RuntimeUnavailable if status >= 500 else RuntimeUnreadable
    kind = _BY_TYPE.get(error_type.partition(":")[0]) or _BY_STATUS.get(status, otherwise)
    return kind(retry_after_s=_seconds(retry_after))


def _seconds(retry_after: str) -> float | None:
    """Give a number of seconds; a date, which AWS does not send, is passed over."""
    is_number = retry_after.isascii() and retry_after.isdigit() and len(retry_after) < 6
    return min(float(retry_after), _LONGEST_RETRY_AFTER_S) if is_number else None
