"""ConverseStream's requests as bytes: signed and written as botocore does it, and refused where they cannot be sent."""

import json
from typing import Any, cast

import boto3
import pytest
from botocore.config import Config
from botocore.credentials import ReadOnlyCredentials

from magisystem.errors import ModelRejected, ModelUnavailable
from magisystem.models.bedrock.requests import Requests

ENDPOINT = "https://bedrock-runtime.us-east-1.amazonaws.com/base/"
CREDENTIALS: Any = ReadOnlyCredentials("AKIDEXAMPLE", "very-secret", "session-secret")
FIELDS: dict[str, Any] = {
    "messages": [
        {"role": "user", "content": [{"text": "移転?"}, {"reasoningContent": {"redactedContent": b"\x00\x01"}}]}
    ],
    "inferenceConfig": {"temperature": 0.2, "maxTokens": 9},
}
MODELS = ["a.model", "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc", "a~b c/ü%2F+"]


class Sent(Exception):
    """What boto3 would have sent."""

    def __init__(self, request: Any) -> None:
        self.request = request


def sent_by_boto3(model_id: str) -> Any:
    client = cast("Any", boto3).client(
        "bedrock-runtime",
        region_name="us-east-1",
        endpoint_url=ENDPOINT,
        aws_access_key_id=CREDENTIALS.access_key,
        aws_secret_access_key=CREDENTIALS.secret_key,
        aws_session_token=CREDENTIALS.token,
        config=Config(retries={"total_max_attempts": 1}),
    )

    def stop(request: Any, **_: Any) -> None:
        raise Sent(request)

    client.meta.events.register("before-send.bedrock-runtime.ConverseStream", stop)
    with pytest.raises(Sent) as raised:
        client.converse_stream(modelId=model_id, **FIELDS)
    return raised.value.request


def parts(message: bytes) -> tuple[str, dict[str, str], bytes]:
    head, _, body = message.partition(b"\r\n\r\n")
    line, *headers = head.decode("ascii").split("\r\n")
    return line, {name.lower(): value for name, value in (header.split(": ", 1) for header in headers)}, body


def requests(**options: Any) -> Requests:
    return Requests(ENDPOINT, "us-east-1", "an-agent/1", **options)


@pytest.fixture(autouse=True)
def stopped_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """One time for both, since it is signed."""
    from botocore import auth
    from botocore.compat import get_current_datetime

    now = cast("Any", get_current_datetime)()
    monkeypatch.setattr(auth, "get_current_datetime", lambda: now)


@pytest.mark.parametrize("model_id", MODELS)
def test_it_is_what_boto3_sends(model_id: str):
    line, headers, body = parts(requests().signed({"modelId": model_id, **FIELDS}, CREDENTIALS))
    theirs = sent_by_boto3(model_id)
    their_headers = {name.lower(): value for name, value in theirs.headers.items()}

    assert line == f"POST {theirs.url.removeprefix('https://bedrock-runtime.us-east-1.amazonaws.com')} HTTP/1.1"
    assert json.loads(body) == json.loads(theirs.body)
    assert headers["content-length"] == str(len(body))
    for name in ("content-type", "x-amz-date", "x-amz-security-token"):
        assert headers[name] == their_headers[name].decode()


def test_the_signature_is_of_what_is_sent():
    _, headers, body = parts(requests().signed({"modelId": MODELS[2], **FIELDS}, CREDENTIALS))
    signed = headers["authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")

    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest

    theirs = sent_by_boto3(MODELS[2])
    again: Any = cast("Any", AWSRequest)(
        "POST", theirs.url, headers={name: headers[name] for name in ("host", "content-type")}, data=body
    )
    cast("Any", SigV4Auth)(CREDENTIALS, "bedrock", "us-east-1").add_auth(again)

    assert signed == ["content-type", "host", "x-amz-date", "x-amz-security-token"]
    assert again.headers["authorization"] == headers["authorization"]


def test_a_token_needs_no_signature():
    _, headers, body = parts(requests().with_token({"modelId": "a.model", **FIELDS}, "bearer-secret"))

    assert headers["authorization"] == "Bearer bearer-secret"
    assert "x-amz-date" not in headers
    assert json.loads(body)["inferenceConfig"] == FIELDS["inferenceConfig"]


def test_a_proxy_is_told_the_whole_url():
    options = {"is_forwarded": True, "further_headers": {"proxy-authorization": "Basic a"}}
    line, headers, _ = parts(requests(**options).with_token({"modelId": "a.model"}, "t"))

    assert line == f"POST {ENDPOINT}model/a.model/converse-stream HTTP/1.1"
    assert headers["proxy-authorization"] == "Basic a"


@pytest.mark.parametrize("token", ["two\r\nlines: 1", "tökén", "a\0b"])
def test_credentials_that_no_header_can_hold_are_not_sent_and_not_shown(token: str):
    with pytest.raises(ModelUnavailable) as bearer:
        requests().with_token({"modelId": "a.model"}, token)
    with pytest.raises(ModelUnavailable) as signed:
        requests().signed({"modelId": "a.model"}, ReadOnlyCredentials("AKIDEXAMPLE", "very-secret", token))

    assert token not in bearer.value.message + signed.value.message


@pytest.mark.parametrize("odd", [object(), "\ud800"])
def test_what_is_no_json_is_rejected(odd: object):
    with pytest.raises(ModelRejected):
        requests().with_token({"modelId": "a.model", "messages": [odd]}, "t")
