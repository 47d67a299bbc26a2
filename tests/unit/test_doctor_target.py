import pytest

from magisystem.cli.doctoring import run_doctor_of_path
from magisystem.client import AddressInvalid, TokenInvalid
from magisystem.doctor import Target, Wanted

ARN = "arn:aws:bedrock-agentcore:eu-west-1:123456789012:runtime/magi-0123456789"
QUOTED = "arn%3Aaws%3Abedrock-agentcore%3Aeu-west-1%3A123456789012%3Aruntime%2Fmagi-0123456789"
DATA_PLANE = "https://bedrock-agentcore.eu-west-1.amazonaws.com"


@pytest.mark.parametrize(
    "given", ["http://localhost:8080", "http://localhost:8080/", "http://localhost:8080/invocations"]
)
def test_a_server_has_all_its_paths(given: str) -> None:
    target = Target.of(given)
    assert (target.base, target.invocations, target.socket) == (
        "http://localhost:8080",
        "http://localhost:8080/invocations",
        "ws://localhost:8080/ws",
    )
    assert target.headers == {}


@pytest.mark.parametrize(
    "given",
    [
        ARN,
        f"{DATA_PLANE}/runtimes/{QUOTED}",
        f"{DATA_PLANE}/runtimes/{QUOTED}/invocations",
        f"{DATA_PLANE}/runtimes/{QUOTED}/invocations?qualifier=DEFAULT",
    ],
)
def test_a_runtime_has_one_path_and_one_session(given: str) -> None:
    target = Target.of(given)
    assert target.base is None
    assert target.invocations == f"{DATA_PLANE}/runtimes/{QUOTED}/invocations?qualifier=DEFAULT"
    assert target.socket == f"wss{DATA_PLANE.removeprefix('https')}/runtimes/{QUOTED}/ws?qualifier=DEFAULT"
    (session_id,) = target.headers.values()
    # https://docs.aws.amazon.com/bedrock-agentcore/latest/APIReference/API_InvokeAgentRuntime.html
    assert 33 <= len(session_id) <= 256


def test_a_runtime_is_reached_at_another_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_AGENTCORE", "http://localhost:8080")
    target = Target.of(ARN)
    assert target.invocations == f"http://localhost:8080/runtimes/{QUOTED}/invocations?qualifier=DEFAULT"


@pytest.mark.parametrize("given", ["localhost:8080", "http://localhost/?a=b", "arn:aws:s3:::bucket", "http://", ""])
def test_what_is_no_address_is_refused(given: str) -> None:
    with pytest.raises(AddressInvalid):
        Target.of(given)


@pytest.mark.parametrize("token", ["two words", "bell\a", "名"])
def test_a_token_that_no_header_can_hold_is_refused_without_being_shown(
    token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAGI_TOKEN", token)
    with pytest.raises(TokenInvalid) as caught:
        run_doctor_of_path("http://127.0.0.1:1", Wanted(), is_json=False)
    assert token not in caught.value.message
