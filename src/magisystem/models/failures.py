"""What providers raise, as errors of ours.

Adapters of our own (``bedrock``) raise our errors already. The others come through Strands from SDKs that share a
habit: an HTTP failure carries ``status_code``; a failure of the connection is an error of httpx or a subclass of the
SDK's ``APIConnectionError``. That habit is what is read here, so that no SDK has to be imported to name its classes.
"""

from collections.abc import Generator
from contextlib import contextmanager

from magisystem.errors import (
    MagiError,
    ModelDenied,
    ModelError,
    ModelFailed,
    ModelNotFound,
    ModelOverloaded,
    ModelRejected,
    ModelSilent,
    ModelStreamCut,
    ModelThrottled,
    ModelUnreachable,
)

_BY_STATUS: dict[int, type[ModelError]] = {
    400: ModelRejected,
    401: ModelDenied,
    403: ModelDenied,
    404: ModelNotFound,
    413: ModelRejected,
    422: ModelRejected,
}
_BY_CLASS: dict[str, type[ModelError]] = {
    "ContextWindowOverflowException": ModelRejected,
    "ModelThrottledException": ModelThrottled,
    "APITimeoutError": ModelSilent,
    "ReadTimeout": ModelSilent,
    "APIConnectionError": ModelUnreachable,
    "ConnectError": ModelUnreachable,
    "ConnectTimeout": ModelUnreachable,
    "ConnectionError": ModelUnreachable,
    "RemoteProtocolError": ModelStreamCut,
    "ReadError": ModelStreamCut,
    "IncompleteRead": ModelStreamCut,
}


@contextmanager
def translated(model: str) -> Generator[None]:
    """Let nothing but errors of ours out of the block; the original stays as the cause.

    The original's text is not passed on: SDKs put request bodies and, at times, keys into it.
    """
    try:
        yield
    except MagiError:
        raise
    except Exception as error:
        found = _unwrapped(error)
        if isinstance(found, MagiError):
            raise found from error
        kind, why = _kind(found)
        raise kind(f"{model}: {why}") from error


def _unwrapped(error: BaseException) -> BaseException:
    """Take off what Strands wraps around a failure (`EventLoopException.original_exception`)."""
    while (inner := getattr(error, "original_exception", None)) is not None:
        error = inner
    return error


def _kind(error: BaseException) -> tuple[type[ModelError], str]:
    status = getattr(error, "status_code", None)
    if isinstance(status, int):
        if status == 429:
            return ModelThrottled, "the provider throttles (HTTP 429)"
        if status >= 500:
            return ModelOverloaded, f"the provider failed (HTTP {status})"
        return _BY_STATUS.get(status, ModelFailed), f"the provider refused the call (HTTP {status})"
    names = [kind.__name__ for kind in type(error).__mro__]
    for name in names:
        if name in _BY_CLASS:
            return _BY_CLASS[name], names[0]
    return ModelFailed, names[0]
