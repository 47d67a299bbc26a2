"""What providers raise, as errors of ours.

Adapters of our own (``bedrock``) raise our errors already. The others come through Strands from SDKs that share a
habit: an HTTP failure carries ``status_code``; a failure of the connection is an error of httpx or a subclass of the
SDK's ``APIConnectionError``; a failure within a stream carries the provider's word for it in ``body``. That habit is
what is read here, so that no SDK has to be imported to name its classes.

What is passed on of a failure's own text: where the request itself is at fault (HTTP 400, 404, 413, 422) the provider's
message, because "HTTP 400" alone helps nobody, while "temperature is not supported by this model" is mended in a
minute. It is the message field of the provider's answer, never the SDK's text, which holds requests and headers; it is
cut short, and whatever looks like a key is taken out. For every other failure the status says enough; what refuses a
key (401, 403) tends to quote it, so of that nothing is passed on.
"""

import re
from collections.abc import Generator, Iterator, Set
from contextlib import contextmanager
from typing import Any, cast

from magisystem.errors import (
    MagiError,
    ModelDenied,
    ModelError,
    ModelFailed,
    ModelFrameCorrupt,
    ModelNotFound,
    ModelOverloaded,
    ModelRejected,
    ModelSilent,
    ModelStreamCut,
    ModelThrottled,
    ModelUnavailable,
    ModelUnreachable,
)

_BY_STATUS: dict[int, type[ModelError]] = {
    400: ModelRejected,
    401: ModelDenied,
    402: ModelDenied,
    403: ModelDenied,
    404: ModelNotFound,
    408: ModelOverloaded,
    413: ModelRejected,
    422: ModelRejected,
    429: ModelThrottled,
}
_STATUS_SAYS: dict[type[ModelError], str] = {
    ModelOverloaded: "the provider failed",
    ModelThrottled: "the provider throttles",
}
# Within a stream there is no status, only the provider's word; the first three are also what a status does not tell.
# https://docs.claude.com/en/api/errors, https://platform.openai.com/docs/guides/error-codes
_BY_WORD: dict[str, tuple[type[ModelError], str]] = {
    "insufficient_quota": (ModelDenied, "the account has no quota left; its plan or its billing has to be changed"),
    "billing_error": (ModelDenied, "the account has no credit left; its billing has to be changed"),
    "context_length_exceeded": (ModelRejected, "the conversation does not fit the model's context window"),
    "rate_limit_error": (ModelThrottled, "the provider throttles"),
    "rate_limit_exceeded": (ModelThrottled, "the provider throttles"),
    "overloaded_error": (ModelOverloaded, "the provider is overloaded"),
    "server_error": (ModelOverloaded, "the provider failed"),
    "api_error": (ModelOverloaded, "the provider failed"),
    "timeout_error": (ModelOverloaded, "the provider took too long"),
    "authentication_error": (ModelDenied, "the provider refuses the key"),
    "permission_error": (ModelDenied, "the provider refuses this key this model"),
    "not_found_error": (ModelNotFound, "the provider has no such model"),
    "invalid_request_error": (ModelRejected, "the provider refused the request"),
    "request_too_large": (ModelRejected, "the request is too large"),
}
_BEFORE_STATUS = frozenset({"insufficient_quota", "billing_error", "context_length_exceeded"})
_BY_CLASS: dict[str, type[ModelError]] = {
    "ContextWindowOverflowException": ModelRejected,
    "ModelThrottledException": ModelThrottled,
    "ConnectTimeout": ModelUnreachable,
    "PoolTimeout": ModelUnreachable,
    "ConnectError": ModelUnreachable,
    "ReadTimeout": ModelSilent,
    "WriteTimeout": ModelUnreachable,
    "RemoteProtocolError": ModelStreamCut,
    "ReadError": ModelStreamCut,
    "IncompleteRead": ModelStreamCut,
    "JSONDecodeError": ModelFrameCorrupt,
    "APITimeoutError": ModelSilent,
    "APIConnectionError": ModelUnreachable,
    "ConnectionError": ModelUnreachable,
    "ImportError": ModelUnavailable,
}
_VAGUE = frozenset({"APIConnectionError", "APITimeoutError"})
_CLASS_SAYS: dict[type[ModelError], str] = {
    ModelRejected: "the conversation does not fit the model's context window",
    ModelThrottled: "the provider throttles",
    ModelUnreachable: "no connection to the provider could be made",
    ModelSilent: "the provider sent nothing for too long",
    ModelStreamCut: "the connection to the provider broke",
    ModelFrameCorrupt: "the provider sent what is no JSON",
    ModelUnavailable: "a package it needs cannot be loaded",
}
_MOST_BEHIND = 6

_QUOTED_CHARS = 300
_SECRETS = re.compile(
    r"(?i:bearer\s+|(?:api[-_ ]?key|token|secret|password|authorization)['\"]?\s*[:=]\s*['\"]?)\S+"
    r"|(?<=://)[^\s/@]+@"
    r"|\b(?:sk|pk|rk|gsk|xai|hf|ghp|key|AIza|AKIA|ASIA|eyJ)[-_]?[\w\-*.]{8,}"
    r"|(?=\w*\d)\w{24,}"
)


@contextmanager
def translated(model: str) -> Generator[None]:
    """Let nothing but errors of ours out of the block; the original stays as the cause."""
    try:
        yield
    except MagiError:
        raise
    except Exception as error:
        found = _unwrapped(error)
        if isinstance(found, MagiError):
            # Strands only wrapped it. The wrapper as its cause would be a circle, so it keeps the cause it has.
            raise found from found.__cause__
        raise _translation(model, (*_behind(found), *_behind(error))) from error


def _unwrapped(error: BaseException) -> BaseException:
    """Take off what Strands and LiteLLM wrap around a failure, as ``original_exception``."""
    while (inner := getattr(error, "original_exception", None)) is not None:
        error = inner
    return error


# A failure, then everything it was made of: SDKs and Strands put new errors in place of those that hold the facts.
_Chain = tuple[BaseException, ...]


def _behind(error: BaseException) -> Iterator[BaseException]:
    """Give the error and what it was raised from, at most a few."""
    behind: BaseException | None = error
    for _ in range(_MOST_BEHIND):
        if behind is None:
            return
        yield behind
        behind = behind.__cause__ or behind.__context__


def _translation(model: str, chain: _Chain) -> ModelError:
    kind, why = _kind(chain)
    if kind in (ModelRejected, ModelNotFound) and (quoted := _quoted(chain)):
        why = f"{why}: {quoted}"
    if kind is ModelThrottled:
        return ModelThrottled(f"{model}: {why}", retry_after_s=_retry_after_s(chain))
    return kind(f"{model}: {why}")


def _kind(chain: _Chain) -> tuple[type[ModelError], str]:
    return (
        _by_word(chain, _BEFORE_STATUS)
        or _by_status(chain)
        or _by_word(chain, _BY_WORD.keys())
        or _by_class(chain)
        or (ModelFailed, f"it failed ({type(chain[0]).__name__})")
    )


def _by_word(chain: _Chain, words: Set[str]) -> tuple[type[ModelError], str] | None:
    return next((_BY_WORD[word] for word in _words(chain) if word in words), None)


def _by_status(chain: _Chain) -> tuple[type[ModelError], str] | None:
    status = _status(chain)
    if status is None:
        return None
    kind = ModelOverloaded if status >= 500 else _BY_STATUS.get(status, ModelFailed)
    return kind, f"{_STATUS_SAYS.get(kind, 'the provider refused the call')} (HTTP {status})"


def _by_class(chain: _Chain) -> tuple[type[ModelError], str] | None:
    known = [name for error in chain for name in _class_names(error) if name in _BY_CLASS]
    # What an SDK only calls a failed connection, httpx's own error behind it tells more of.
    for name in [name for name in known if name not in _VAGUE] or known:
        kind = _BY_CLASS[name]
        return kind, f"{_CLASS_SAYS[kind]} ({name})"
    return None


def _class_names(error: BaseException) -> list[str]:
    return [kind.__name__ for kind in type(error).__mro__]


def _status(chain: _Chain) -> int | None:
    """Give the status the provider refused with, if it did.

    A failure within a stream has the status with which the stream began, or, with Ollama, -1. LiteLLM gives a failure
    of the connection a status that nobody sent.
    """
    if any("APIConnectionError" in _class_names(error) for error in chain):
        return None
    for error in chain:
        status = getattr(error, "status_code", None)
        if isinstance(status, int) and status >= 400:
            return status
    return None


def _words(chain: _Chain) -> list[str]:
    """Give the provider's words for the failure: ``code`` and ``type`` of its answer."""
    described = _described(chain)
    found = [described.get("code"), described.get("type")]
    return [word for word in found if isinstance(word, str)]


def _described(chain: _Chain) -> dict[str, Any]:
    """Give the error object in the provider's answer: OpenAI's SDK gives it alone, Anthropic's within the answer."""
    for error in chain:
        body = getattr(error, "body", None)
        if isinstance(body, dict) and body:
            answer = cast("dict[str, Any]", body)
            inner = answer.get("error")
            return cast("dict[str, Any]", inner) if isinstance(inner, dict) else answer
    return {}


def _quoted(chain: _Chain) -> str:
    """Give what the provider says of a request it refuses, fit to be shown."""
    said = [_described(chain).get("message")]
    for error in chain:
        # Ollama's SDK has the message in `error`, LiteLLM's errors in `message`, after their own names for it.
        said.append(getattr(error, "error", None) if type(error).__name__ == "ResponseError" else None)
        said.append(getattr(error, "message", None) if hasattr(error, "llm_provider") else None)
    return next((_without_secrets(text) for text in said if isinstance(text, str) and text), "")


def _without_secrets(text: str) -> str:
    line = " ".join(_SECRETS.sub("…", text).split())
    return line if len(line) <= _QUOTED_CHARS else f"{line[: _QUOTED_CHARS - 1]}…"


def _retry_after_s(chain: _Chain) -> float | None:
    """Read ``Retry-After`` in seconds (a date is not read: no provider here sends one) or OpenAI's own in ms."""
    for error in chain:
        headers = getattr(getattr(error, "response", None), "headers", None)
        for name, unit_s in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
            try:
                wait_s = float(headers.get(name, "")) * unit_s if headers is not None else -1.0
            except (TypeError, ValueError):
                continue
            if 0 <= wait_s < float("inf"):
                return wait_s
    return None
