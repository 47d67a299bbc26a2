"""What the gateway refuses, and what it makes of the runtime's refusals: named, with the mend, and nothing internal."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from botocore.credentials import Credentials
from tests.interaction.test_cli_serve import free_port
from tests.support.agentcore import OWNER, SESSION, Answer, AwsError, StandInAgentCore
from tests.support.aws import leave_aws_bare
from tests.support.gatewaying import CREDENTIALS, KEY, QUESTION, SIGNED_BY, Gateway, container, gateway, oidc
from tests.support.issuer import Issuer, serving_issuer

from magisystem.gateway.patience import Timing
from magisystem.identity import Assertions, runtime_session_id
from magisystem.protocol.values import BODY_BYTES

COUNCILS = {"action": "councils"}
QUICK = Timing(back_off_s=0.01, longest_back_off_s=0.01, retry_s=0.05)
DOCUMENT = Answer(b'{"items":[]}')
SECRET = "very-internal"


@pytest.fixture
async def served() -> AsyncGenerator[Gateway]:
    async with gateway(StandInAgentCore(), timing=QUICK) as serving:
        yield serving


@pytest.fixture
def signing_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, str]:
    leave_aws_bare(monkeypatch, tmp_path)
    for name, value in zip(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"), SIGNED_BY, strict=True):
        monkeypatch.setenv(name, value)
    return {"runtime_auth": "sigv4"}


@pytest.fixture
async def signing(signing_settings: dict[str, str]) -> AsyncGenerator[Gateway]:
    async with gateway(StandInAgentCore(credentials=CREDENTIALS), signing_settings, timing=QUICK) as serving:
        yield serving


# What AgentCore says (PLATFORMS, 1.7), and what comes of it with a client's token and with the gateway's signature.
REFUSED = [
    (400, "ValidationException", (502, "runtime_rejected"), (502, "runtime_rejected")),
    (401, "UnauthorizedException", (401, "unauthenticated"), (502, "runtime_denied")),
    (402, "ServiceQuotaExceededException", (503, "runtime_quota_exceeded"), (503, "runtime_quota_exceeded")),
    (403, "AccessDeniedException", (403, "not_allowed"), (502, "runtime_denied")),
    (404, "ResourceNotFoundException", (502, "runtime_not_found"), (502, "runtime_not_found")),
    (409, "ConflictException", (409, "runtime_busy"), (409, "runtime_busy")),
    (409, "RetryableConflictException", (409, "runtime_busy"), (409, "runtime_busy")),
    (424, "RuntimeClientError", (502, "runtime_failed"), (502, "runtime_failed")),
    (429, "ThrottlingException", (429, "runtime_throttled"), (429, "runtime_throttled")),
    (500, "InternalServerException", (502, "runtime_unavailable"), (502, "runtime_unavailable")),
    (504, "", (504, "runtime_late"), (504, "runtime_late")),
    # What stands before the service says nothing of what it is; newer errors have names that are not known here.
    (403, "", (403, "not_allowed"), (502, "runtime_denied")),
    (502, "", (502, "runtime_unavailable"), (502, "runtime_unavailable")),
    (503, "SomethingNewException", (502, "runtime_unavailable"), (502, "runtime_unavailable")),
    (418, "SomethingNewException", (502, "runtime_unreadable"), (502, "runtime_unreadable")),
    (400, "ValidationException:http://internal.amazon.com/", (502, "runtime_rejected"), (502, "runtime_rejected")),
]


async def test_every_refusal_of_agentcores_has_a_code_of_ours_and_gives_nothing_internal_away(
    served: Gateway, signing: Gateway
) -> None:
    for status, kind, with_token, signed in REFUSED:
        for serving, expected in ((served, with_token), (signing, signed)):
            serving.agentcore.script(*[AwsError(status, kind)] * 100)
            for body in (COUNCILS, {"question": QUESTION}):
                answer = await serving.ask(body)
                problem = answer.json()
                assert (answer.status_code, problem["status"], problem["code"]) == (expected[0], *expected), (
                    kind,
                    body,
                )
                assert answer.headers["content-type"] == "application/problem+json"
                assert problem["detail"].endswith(".")
                assert SECRET not in answer.text
                assert "123456789012" not in answer.text
                assert ("www-authenticate" in answer.headers) == (answer.status_code == 401)


async def test_what_passes_is_tried_again_within_a_bound_and_nothing_else_is(served: Gateway) -> None:
    for status, is_tried_again in ((409, True), (429, True), (404, False), (424, False), (500, False), (400, False)):
        before = len(served.agentcore.calls)
        served.agentcore.script(*[AwsError(status)] * 100)
        await served.ask(COUNCILS)
        assert (len(served.agentcore.calls) - before > 1) == is_tried_again


async def test_a_wait_that_is_too_long_is_the_clients_to_decide(served: Gateway) -> None:
    served.agentcore.script(AwsError(429, "ThrottlingException", headers={"Retry-After": "7"}))
    answer = await served.ask(COUNCILS)
    assert (answer.status_code, answer.headers["retry-after"], answer.json()["retryAfter"]) == (429, "7", 7)
    assert len(served.agentcore.calls) == 1


@pytest.mark.parametrize(
    ("retry_after", "told", "words"),
    [
        ({"Retry-After": "99999"}, 3600, "Try again in 60 minutes."),
        ({"Retry-After": "90"}, 90, "Try again in 90 seconds."),
        ({}, 2, "Try again in a few seconds."),
    ],
)
async def test_what_is_said_of_a_wait_is_what_its_number_says(
    served: Gateway, retry_after: dict[str, str], told: int, words: str
) -> None:
    served.agentcore.script(*[AwsError(429, "ThrottlingException", headers=retry_after)] * 100)
    problem = (await served.ask(COUNCILS)).json()
    assert problem["retryAfter"] == told
    assert problem["detail"].endswith(words)


@pytest.mark.parametrize("status", [200, 424])
async def test_a_problem_of_the_application_gets_its_own_status_back(served: Gateway, status: int) -> None:
    body = b'{"title":"T","status":429,"code":"rate_limited","detail":"Slower.","retryable":true,"retryAfter":3.2}'
    served.agentcore.script(Answer(body, "application/problem+json", status))
    answer = await served.ask({"question": QUESTION})
    assert (answer.status_code, answer.content, answer.headers["retry-after"]) == (429, body, "4")
    assert len(served.agentcore.calls) == 1


@pytest.mark.parametrize(
    "answer",
    [
        Answer(b"<html>", "text/html"),
        Answer(b"{", "application/problem+json"),
        Answer(b'{"status":200,"code":"x","detail":"d"}', "application/problem+json"),
        Answer(b'{"status":400,"code":"A\\nB","detail":"d"}', "application/problem+json"),
        Answer(b" " * (32 * 1024 * 1024 + 1)),
        Answer(b""),
        Answer(b'{"councils":'),
        Answer(b'{"councils":[]}', encoding="gzip"),
    ],
    ids=[
        "a page",
        "half a problem",
        "a problem without a fault",
        "a code that is none",
        "too large",
        "nothing",
        "half a document",
        "a document that is compressed",
    ],
)
async def test_an_answer_that_cannot_be_read_is_said_to_be_so(served: Gateway, answer: Answer) -> None:
    served.agentcore.script(answer)
    told = await served.ask(COUNCILS)
    assert (told.status_code, told.json()["code"]) == (502, "runtime_unreadable")


async def test_a_stream_that_is_compressed_is_refused_at_once(served: Gateway) -> None:
    served.agentcore.script(Answer(b"\x1f\x8b", "text/event-stream", encoding="gzip"))
    told = await served.ask()
    assert (told.status_code, told.json()["code"]) == (502, "runtime_unreadable")
    assert len(served.agentcore.calls) == 1


async def test_json_that_only_looks_like_a_problem_is_an_answer(served: Gateway) -> None:
    served.agentcore.script(Answer(b'{"status":"done","code":7}'))
    assert (await served.ask(COUNCILS)).json() == {"status": "done", "code": 7}


async def test_a_runtime_that_is_nowhere_is_said_to_be_so() -> None:
    endpoint = f"http://127.0.0.1:{free_port()}"
    async with gateway(StandInAgentCore(), timing=QUICK, endpoint=endpoint) as served:
        answer = await served.ask()
    assert (answer.status_code, answer.json()["code"]) == (503, "runtime_unreachable")
    assert answer.headers["retry-after"].isdigit()
    assert endpoint not in answer.text


BAD = {
    "no JSON": (b"{", "application/json", 400, "invalid_request"),
    "no object": (b"[1]", "application/json", 400, "invalid_request"),
    "nested without end": (b"[" * 100_000, "application/json", 400, "invalid_request"),
    "a form": (b"question=why", "application/x-www-form-urlencoded", 415, "unsupported_media_type"),
    "too large": (b" " * (BODY_BYTES + 1), "application/json", 413, "body_too_large"),
}


@pytest.mark.parametrize(("body", "media_type", "status", "code"), BAD.values(), ids=BAD)
async def test_what_cannot_be_relayed_is_refused_at_once(
    served: Gateway, body: bytes, media_type: str, status: int, code: str
) -> None:
    answer = await served.http.post("/invocations", content=body, headers={"content-type": media_type})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert served.agentcore.calls == []


async def test_another_path_or_host_is_refused_in_words_of_what_there_is(served: Gateway) -> None:
    missing = await served.http.get("/deliberations")
    assert (missing.status_code, "POST /invocations" in missing.json()["detail"]) == (404, True)
    assert (await served.http.get("/invocations")).status_code == 405
    foreign = await served.http.get("/ping", headers={"host": "evil.example.com"})
    assert (foreign.status_code, foreign.json()["code"]) == (421, "host_not_allowed")


async def test_other_origins_are_answered_only_where_they_are_named(served: Gateway) -> None:
    preflight = {"origin": "https://app.example.com", "access-control-request-method": "POST"}
    plain = await served.http.options("/invocations", headers=preflight)
    assert not any(name.startswith("access-control") for name in plain.headers)
    async with gateway(StandInAgentCore(), {"cors_origins": "https://app.example.com"}) as named:
        allowed = await named.http.options("/invocations", headers=preflight)
        assert allowed.headers["access-control-allow-origin"] == "https://app.example.com"
        other = await named.http.options("/invocations", headers={**preflight, "origin": "https://evil.example.com"})
        assert "access-control-allow-origin" not in other.headers


# --- Who asks -----------------------------------------------------------------------------------------------------


async def test_two_owners_have_their_own_runtime_sessions_and_their_tokens_go_on() -> None:
    async with serving_issuer() as issuer, gateway(StandInAgentCore(), oidc(issuer)) as served:
        served.agentcore.script(*[DOCUMENT] * 4)
        tokens = [issuer.access_token(person) for person in ("ann", "bob", "ann", "ann")]
        for token, named in zip(tokens, ("", "", "", "other"), strict=True):
            named_session = {SESSION: named} if named else {}
            answer = await served.ask(COUNCILS, {"authorization": f"Bearer {token}", **named_session})
            assert answer.status_code == 200
        calls = served.agentcore.calls
        assert [call.headers["authorization"] for call in calls] == [f"Bearer {token}" for token in tokens]
        ann, bob, ann_again, ann_elsewhere = (call.headers[SESSION] for call in calls)
        assert ann == ann_again == runtime_session_id(KEY, "ann", "")
        assert len({ann, bob, ann_elsewhere}) == 3


async def test_whoever_is_not_known_reaches_nothing_but_ping() -> None:
    async with serving_issuer() as issuer, gateway(StandInAgentCore(), oidc(issuer)) as served:
        refused = [
            {},
            {"authorization": "Basic eDp5"},
            {"authorization": f"Bearer {issuer.access_token(exp=1)}"},
            {"authorization": f"Bearer {Issuer(url=issuer.url, keys=[issuer.key]).access_token(iss='x')}"},
            {OWNER: Assertions(KEY).sign("ann")},
        ]
        for headers in refused:
            answer = await served.ask(COUNCILS, headers)
            assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
            assert answer.headers["www-authenticate"] == "Bearer"
        other = await served.ask(COUNCILS, {"authorization": f"Bearer {issuer.access_token(client_id='other')}"})
        assert (other.status_code, other.json()["code"]) == (403, "not_allowed")
        assert (await served.http.get("/probe")).status_code == 401
        assert (await served.http.get("/ping")).json()["status"] == "healthy"
        assert served.agentcore.calls == []


async def test_a_signed_call_says_whose_it_is_and_keeps_the_token_to_itself(signing_settings: dict[str, str]) -> None:
    async with serving_issuer() as issuer:
        settings = {**signing_settings, **oidc(issuer)}
        async with gateway(StandInAgentCore(credentials=CREDENTIALS), settings) as served:
            served.agentcore.script(DOCUMENT)
            token = issuer.access_token("ann")
            assert (await served.ask(COUNCILS, {"authorization": f"Bearer {token}"})).status_code == 200
            (call,) = served.agentcore.calls
    assert Assertions(KEY).owner(call.headers[OWNER]) == "ann"
    assert not any(token in value for value in call.headers.values())


async def test_a_runtime_with_another_key_sends_nobody_to_sign_in(signing_settings: dict[str, str]) -> None:
    other = "fedcba9876543210fedcba9876543210"
    async with (
        container(gateway_key=other) as app,
        gateway(StandInAgentCore(app, credentials=CREDENTIALS), signing_settings) as served,
    ):
        answer = await served.ask(COUNCILS)
    assert (answer.status_code, answer.json()["code"]) == (502, "runtime_denied")
    assert "MAGI_GATEWAY_KEY" in answer.json()["detail"]


async def test_a_signature_is_made_anew_for_each_attempt_over_the_very_body(signing_settings: dict[str, str]) -> None:
    async with gateway(StandInAgentCore(credentials=CREDENTIALS), signing_settings) as served:
        served.agentcore.script(AwsError(409), AwsError(429), DOCUMENT)
        assert (await served.ask({**COUNCILS, "ignored": "日本語 \u0000"})).status_code == 200
        # The stand-in has checked every one of them; that it would notice is shown here.
        assert len(served.agentcore.calls) == 3
        served.agentcore.credentials = Credentials(SIGNED_BY[0], "another", SIGNED_BY[2])
        served.agentcore.script(DOCUMENT)
        assert (await served.ask(COUNCILS)).status_code == 502


async def test_without_credentials_the_mend_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    leave_aws_bare(monkeypatch, tmp_path)
    async with gateway(StandInAgentCore(), {"runtime_auth": "sigv4"}, timing=QUICK) as served:
        answer = await served.ask(COUNCILS)
        assert (answer.status_code, answer.json()["code"]) == (502, "credentials_missing")
        assert "AWS_ACCESS_KEY_ID" in answer.json()["detail"]
        # A role that comes later is found.
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", SIGNED_BY[0])
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SIGNED_BY[1])
        served.agentcore.script(DOCUMENT)
        assert (await served.ask(COUNCILS)).status_code == 200
