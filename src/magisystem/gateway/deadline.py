"""When the platform will end a request, whatever it is doing."""

import time
from collections.abc import Callable

import msgspec
from starlette.datastructures import Headers

from magisystem.gateway.patience import Timing
from magisystem.gateway.settings import Platform

# What the Lambda Web Adapter says of the invocation; it takes away a header of this name that came from outside
# (https://github.com/aws/aws-lambda-web-adapter). Elsewhere anybody can send it, so it is read on Lambda alone.
_CONTEXT = "x-amzn-lambda-context"


class _Context(msgspec.Struct, frozen=True):
    # Unix time in milliseconds.
    deadline: int


def time_left_s(
    platform: Platform, headers: Headers, timing: Timing, *, now_s: Callable[[], float] = time.time
) -> float | None:
    """Give after how many seconds an answer has to be over; ``None`` where there is no deadline.

    Some time is spared for the last words to get out: `Timing.spare_s`, or half of what there is where that is less.
    """
    if platform != "lambda":
        return None
    try:
        deadline = msgspec.json.decode(headers.get(_CONTEXT, ""), type=_Context).deadline
    except (msgspec.DecodeError, UnicodeError):
        return None
    left_s = max(0.0, deadline / 1000 - now_s())
    return left_s - min(timing.spare_s, left_s / 2)
