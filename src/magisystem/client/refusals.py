"""What an answer that is not what was asked for comes to, whoever gave it: the server, or what stands before it."""

import httpx2
import msgspec

from magisystem.client.errors import ServerRefused

PROBLEM = "application/problem+json"

# Far above any problem body; what else answers with an error may be of any size.
_PROBLEM_BYTES = 64 * 1024


class _Problem(msgspec.Struct, frozen=True, rename="camel"):
    """What is read of an RFC 9457 problem body."""

    detail: str
    code: str
    status: int = 0
    field: str = ""
    retryable: bool = False
    retry_after: float = 0.0


class _Said(msgspec.Struct, frozen=True):
    """How AWS's own services say what is wrong, before anything of ours is asked. Cases of letters differ."""

    message: str = ""
    other: str = msgspec.field(default="", name="Message")


async def refusal_of(response: httpx2.Response) -> ServerRefused:
    """Give what an answer that is not what was asked for comes to."""
    body = bytearray()
    try:
        async for piece in response.aiter_bytes():
            body += piece
            if len(body) > _PROBLEM_BYTES:
                break
    except httpx2.HTTPError:
        return no_such_server(response)
    return (
        refused_by_body(response, bytes(body))
        or _refused_by_platform(response, bytes(body))
        or no_such_server(response)
    )


def refused_by_body(response: httpx2.Response, body: bytes) -> ServerRefused | None:
    """Give the refusal that a problem body is, whatever status a platform has put on it; ``None`` where it is none."""
    try:
        problem = msgspec.json.decode(body, type=_Problem)
    except (msgspec.DecodeError, UnicodeError):
        return None
    status = problem.status or response.status_code
    if status < 400:
        return None
    return ServerRefused(
        problem.detail,
        status=status,
        refusal=problem.code,
        field=problem.field,
        is_retryable=problem.retryable,
        retry_after_s=max(_retry_after_s(response), problem.retry_after),
    )


def _refused_by_platform(response: httpx2.Response, body: bytes) -> ServerRefused | None:
    """Give the refusal of what stands before the server, where it says a word on it."""
    try:
        said = msgspec.json.decode(body, type=_Said)
    except (msgspec.DecodeError, UnicodeError):
        return None
    if response.is_success or not (message := said.message or said.other):
        return None
    status = response.status_code
    return ServerRefused(
        f"{response.url.host} answered {status}: {message}",
        status=status,
        refusal=f"http_{status}",
        retry_after_s=_retry_after_s(response),
    )


def _retry_after_s(response: httpx2.Response) -> float:
    """Give how long to wait, of the header's two forms the one in seconds; the other is a date, and clocks differ."""
    given = response.headers.get("retry-after", "").strip()
    return float(given) if given.isascii() and given.isdigit() and len(given) < 10 else 0.0


def no_such_server(response: httpx2.Response) -> ServerRefused:
    """Give the refusal that an answer is which no server of ours gave."""
    what = media_type(response) or "nothing readable"
    return ServerRefused(
        f"{response.url} answered {response.status_code} with {what}; is that a MAGISystem server?",
        status=response.status_code,
        refusal=f"http_{response.status_code}",
        retry_after_s=_retry_after_s(response),
    )


def media_type(response: httpx2.Response) -> str:
    """Give an answer's media type without its parameters, empty where it has none."""
    return response.headers.get("content-type", "").partition(";")[0].strip().lower()
