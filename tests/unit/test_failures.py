"""What SDKs raise, as errors of ours: the right leaf, and a message that helps and holds no secret."""

import json
from typing import Any

import anthropic
import httpx
import ollama
import openai
import pytest
from strands.types.exceptions import ContextWindowOverflowException, EventLoopException, ModelThrottledException

from magisystem.errors import (
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
from magisystem.models.failures import translated
from magisystem.models.litellm_stream import litellm

REQUEST = httpx.Request("POST", "https://api.example.com/v1/chat/completions")
KEY = "sk-proj-abcdefghijklmnopqrstuvwxyz0123456789"


def translation(error: Exception) -> ModelError:
    with pytest.raises(ModelError) as raised, translated("a:model"):
        raise error
    return raised.value


def openai_error(status: int, message: str = "No.", code: str | None = None, **headers: str) -> openai.APIStatusError:
    body = {"message": message, "type": "error", "code": code}
    response = httpx.Response(status, headers=headers, request=REQUEST)
    return openai.APIStatusError(f"Error code: {status} - {body}", response=response, body=body)


def anthropic_error(status: int, kind: str, message: str = "No.") -> anthropic.APIStatusError:
    body = {"type": "error", "error": {"type": kind, "message": message}}
    return anthropic.APIStatusError(str(body), response=httpx.Response(status, request=REQUEST), body=body)


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


TABLE: list[tuple[Exception, type[ModelError]]] = [
    (openai_error(400), ModelRejected),
    (openai_error(401), ModelDenied),
    (openai_error(402), ModelDenied),
    (openai_error(403), ModelDenied),
    (openai_error(404), ModelNotFound),
    (openai_error(408), ModelOverloaded),
    (openai_error(413), ModelRejected),
    (openai_error(418), ModelFailed),
    (openai_error(422), ModelRejected),
    (openai_error(429), ModelThrottled),
    (openai_error(429, code="insufficient_quota"), ModelDenied),
    (openai_error(500), ModelOverloaded),
    (openai_error(503), ModelOverloaded),
    (anthropic_error(529, "overloaded_error"), ModelOverloaded),
    # Within a stream, which began with 200.
    (anthropic_error(200, "rate_limit_error"), ModelThrottled),
    (anthropic_error(200, "overloaded_error"), ModelOverloaded),
    (anthropic_error(200, "invalid_request_error"), ModelRejected),
    (anthropic_error(200, "a_word_to_come"), ModelFailed),
    (openai.APIError("No.", REQUEST, body={"message": "No.", "code": "server_error"}), ModelOverloaded),
    (ollama.ResponseError("No."), ModelFailed),
    (ollama.ResponseError("No such model.", 404), ModelNotFound),
    # Connections.
    (openai.APIConnectionError(request=REQUEST), ModelUnreachable),
    (openai.APITimeoutError(REQUEST), ModelSilent),
    (caused(openai.APITimeoutError(REQUEST), httpx.ConnectTimeout("")), ModelUnreachable),
    (caused(openai.APITimeoutError(REQUEST), httpx.ReadTimeout("")), ModelSilent),
    (litellm.exceptions.APIConnectionError("No.", "openai", "a-model"), ModelUnreachable),
    (httpx.ConnectError(""), ModelUnreachable),
    (httpx.ReadError(""), ModelStreamCut),
    (httpx.RemoteProtocolError(""), ModelStreamCut),
    (httpx.ReadTimeout(""), ModelSilent),
    (ConnectionResetError(), ModelUnreachable),
    (json.JSONDecodeError("", "{", 1), ModelFrameCorrupt),
    (ModuleNotFoundError("No module named 'x'"), ModelUnavailable),
    # What Strands puts in place of an SDK's error, and around any.
    (caused(ModelThrottledException("No."), openai_error(429)), ModelThrottled),
    (ModelThrottledException("No."), ModelThrottled),
    (caused(ModelThrottledException("No."), openai_error(429, code="insufficient_quota")), ModelDenied),
    (caused(ContextWindowOverflowException("No."), openai_error(400)), ModelRejected),
    (EventLoopException(openai_error(403)), ModelDenied),
    (EventLoopException(EventLoopException(httpx.ReadError(""))), ModelStreamCut),
    (EventLoopException(ModelSilent("No.")), ModelSilent),
    (ZeroDivisionError(), ModelFailed),
]


@pytest.mark.parametrize(("error", "leaf"), TABLE, ids=[f"{type(e).__name__}-{n}" for n, (e, _) in enumerate(TABLE)])
def test_what_an_sdk_raises_becomes_its_leaf(error: Exception, leaf: type[ModelError]) -> None:
    assert type(translation(error)) is leaf


def test_an_error_of_ours_leaves_as_it_is() -> None:
    ours = ModelSilent("Nothing came.")
    assert translation(ours) is ours
    assert translation(EventLoopException(ours)) is ours


ODD_WAITS = ("soon", "-1", "nan", "inf", "Wed, 21 Oct 2026 07:28:00 GMT", "")
WAITS: list[tuple[dict[str, str], float | None]] = [
    ({"retry-after": "7"}, 7.0),
    ({"retry-after-ms": "250", "retry-after": "1"}, 0.25),
    ({}, None),
    *(({"retry-after": odd}, None) for odd in ODD_WAITS),
]


@pytest.mark.parametrize(("headers", "wait_s"), WAITS)
def test_the_providers_wish_for_a_wait_is_read(headers: dict[str, str], wait_s: float | None) -> None:
    refused = openai_error(429, **headers)
    for error in (refused, EventLoopException(caused(ModelThrottledException("No."), refused))):
        found = translation(error)
        assert isinstance(found, ModelThrottled)
        assert found.retry_after_s == wait_s


@pytest.mark.parametrize(
    "error",
    [
        openai_error(400, "'temperature' is not supported with this model."),
        anthropic_error(400, "invalid_request_error", "'temperature' is not supported with this model."),
        ollama.ResponseError("'temperature' is not supported with this model.", 400),
        litellm.exceptions.BadRequestError("'temperature' is not supported with this model.", "a-model", "openai"),
    ],
)
def test_a_refused_request_says_what_the_provider_says_of_it(error: Exception) -> None:
    assert "'temperature' is not supported with this model." in translation(error).message


@pytest.mark.parametrize("status", [401, 403, 429, 500])
def test_of_any_other_refusal_nothing_is_passed_on_but_the_status(status: int) -> None:
    message = translation(openai_error(status, "Incorrect key provided: abc")).message
    assert "Incorrect" not in message
    assert str(status) in message


@pytest.mark.parametrize(
    "secret",
    [
        KEY,
        f"Bearer {KEY}",
        "Bearer short",
        "api_key=hunter2",
        '"token": "hunter2"',
        "https://me:hunter2@example.com",
        "AIzaSyA1234567890abcdefghijklmnopqrstuv",
        "0123456789abcdef0123456789abcdef",
        "sk-ant-api03-xyz_XYZ-0123",
    ],
)
def test_what_looks_like_a_key_is_taken_out(secret: str) -> None:
    message = translation(openai_error(400, f"The header {secret} is wrong for the model.")).message
    assert not any(part in message for part in ("hunter2", "short", "0123", "abcdefghij", "AIza"))
    assert "is wrong for the model." in message


@pytest.mark.parametrize("name", ["meta-llama/Llama-4-Maverick-17B-128E-Instruct-FP8", "claude-haiku-4-5-20251001"])
def test_the_name_of_a_model_is_no_key(name: str) -> None:
    assert name in translation(openai_error(404, f"The model {name} does not exist.")).message


def test_a_long_message_is_cut_and_stands_on_one_line() -> None:
    message = translation(openai_error(400, "word\n" * 1_000)).message
    assert len(message) < 400
    assert "\n" not in message


@pytest.mark.parametrize("body", [None, "text", [], {}, {"error": None}, {"error": "text"}, {"message": 5, "code": 5}])
def test_an_answer_of_any_form_is_taken(body: Any) -> None:
    error = openai.APIStatusError("No.", response=httpx.Response(400, request=REQUEST), body=body)
    assert isinstance(translation(error), ModelRejected)
