"""What the head of a request says beside its path: from where, for how long, under which key, in which form.

Loads no more than Starlette's requests: the gateway, which has to start at once, reads heads by it too.
"""

import re

from starlette.datastructures import Headers
from starlette.requests import Request

from magisystem.errors import InvalidRequest
from magisystem.protocol.values import LONGEST_WAIT_S


def cursor(request: Request) -> int:
    """Give the event after which to follow: ``Last-Event-ID``, or ``?after=``, or the beginning.

    Raises:
        InvalidRequest: it is none.
    """
    for name, given in (
        ("Last-Event-ID", request.headers.get("last-event-id")),
        ("after", request.query_params.get("after")),
    ):
        if given:
            if not given.isascii() or not given.isdigit() or len(given) > 15:
                raise InvalidRequest(f"`{name}` must be the seq of an event, a whole number from 0.", field=name)
            return int(given)
    return 0


def longest_wait_s(request: Request) -> float:
    """Give how long a long-poll may wait for something, in seconds.

    Raises:
        InvalidRequest: it is none.
    """
    given = request.query_params.get("wait", "0")
    try:
        wait_s = float(given)
    except ValueError:
        wait_s = -1.0
    if not 0 <= wait_s <= LONGEST_WAIT_S:
        raise InvalidRequest(f"`wait` must be a number of seconds from 0 to {LONGEST_WAIT_S:g}.", field="wait")
    return wait_s


def idempotency_key(headers: Headers) -> str | None:
    """Give the key under which a start is made at most once.

    Raises:
        InvalidRequest: it is none.
    """
    key = headers.get("idempotency-key")
    if key is not None and not re.fullmatch(r"[!-~]{1,255}", key):
        raise InvalidRequest(
            "`Idempotency-Key`: It must be 1 to 255 visible ASCII characters without spaces.", field="Idempotency-Key"
        )
    return key


def wants_only_json(headers: Headers) -> bool:
    """Whether one document is asked for, and no stream."""
    accepted = {item.partition(";")[0].strip().lower() for item in headers.get("accept", "").split(",")}
    return accepted == {"application/json"}


def prefers_no_wait(headers: Headers) -> bool:
    """Whether only the id is asked for (RFC 7240): by a reader whom no stream reaches, so that it can poll."""
    preferences = ",".join(headers.getlist("prefer")).split(",")
    return any(item.partition(";")[0].strip().lower() == "respond-async" for item in preferences)
