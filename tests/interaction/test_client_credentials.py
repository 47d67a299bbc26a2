"""How the client is let in: tokens, their renewal, refusals wherever they stand, and runtimes by their ARN."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from tests.support.cli import magi
from tests.support.issuer import CLIENT, Issuer, serving_issuer
from tests.support.proxies import Proxy, cut_after, kept_for_ever, untouched
from tests.support.serving import Server, listening, scripted_server

from magisystem.client import (
    AddressInvalid,
    Following,
    MagiClient,
    ServerRefused,
    Timing,
    TokenInvalid,
    new_runtime_session,
)
from magisystem.identity import Callers, OidcPolicy, Verifier
from magisystem.protocol.events import AnyEvent, Complete
from magisystem.testing.scripted import ScriptedModel

QUESTION = "Should we move the billing service to Rust?"
ARN = "arn:aws:bedrock-agentcore:us-east-1:123456789012:runtime/magi-AbCdEf1234"
DEADLINE_S = 20.0
PATIENT = Timing(first_byte_s=60, silence_s=60, back_off_s=0.001, longest_back_off_s=0.01)


@dataclass(frozen=True)
class Guarded:
    """A server that tells owners apart by the tokens of ``issuer``."""

    server: Server
    issuer: Issuer

    @property
    def url(self) -> str:
        return self.server.url


@asynccontextmanager
async def guarded(**settings: Any) -> AsyncGenerator[Guarded]:
    async with serving_issuer() as issuer:
        verifier = Verifier(OidcPolicy(issuer.discovery_url, clients=(CLIENT,)))
        try:
            async with scripted_server(ScriptedModel(), callers=Callers(verifier), **settings) as server:
                yield Guarded(server, issuer)
        finally:
            await verifier.aclose()


@pytest.fixture(autouse=True)
def runtime_is_here(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.delenv("AWS_ENDPOINT_URL_BEDROCK_AGENTCORE", raising=False)
    monkeypatch.delenv("MAGI_TOKEN", raising=False)
    return monkeypatch


async def all_of(following: Following) -> list[AnyEvent]:
    async with asyncio.timeout(DEADLINE_S):
        return [event async for event in following]


class Tokens:
    """Gives ``tokens`` in turn, the last one for ever."""

    def __init__(self, *tokens: str) -> None:
        self.n_asked = 0
        self.tokens = tokens

    async def __call__(self) -> str:
        self.n_asked += 1
        return self.tokens[min(self.n_asked, len(self.tokens)) - 1]


async def test_a_token_opens_every_verb_and_none_opens_nothing() -> None:
    async with guarded() as there, MagiClient(there.url, token=there.issuer.access_token(), timing=PATIENT) as ann:
        events = await all_of(following := ann.deliberate(QUESTION))
        assert isinstance(events[-1], Complete)
        assert (await ann.get(following.deliberation_id)).status == "complete"
        assert await all_of(ann.follow(following.deliberation_id)) == events
        assert [council.id for council in await ann.councils()][:1] == ["magi"]
        async with MagiClient(there.url, token=there.issuer.access_token("bob"), timing=PATIENT) as bob:
            with pytest.raises(ServerRefused) as refused:
                await bob.get(following.deliberation_id)
            assert (refused.value.status, refused.value.refusal) == (404, "deliberation_not_found")
        async with MagiClient(there.url, timing=PATIENT) as nobody:
            for asking in (all_of(nobody.deliberate(QUESTION)), nobody.councils(), nobody.cancel("d-1")):
                with pytest.raises(ServerRefused) as refused:
                    await asking
                assert (refused.value.status, refused.value.refusal) == (401, "unauthenticated")
            assert (await nobody.ping()).status == "healthy"


async def test_a_refused_token_is_renewed_once_and_kept() -> None:
    async with guarded() as there:
        tokens = Tokens(there.issuer.access_token(exp=1_000_000_000), there.issuer.access_token())
        async with MagiClient(there.url, token=tokens, timing=PATIENT) as ann:
            # At once: whoever was refused together asks for one new token together.
            councils, events = await asyncio.gather(ann.councils(), all_of(ann.deliberate(QUESTION)))
            assert councils
            assert isinstance(events[-1], Complete)
            assert tokens.n_asked == 2
        expired = Tokens(there.issuer.access_token(exp=1_000_000_000))
        async with MagiClient(there.url, token=expired, timing=PATIENT) as late:
            with pytest.raises(ServerRefused) as refused:
                await late.councils()
        assert (refused.value.status, expired.n_asked) == (401, 2)


async def test_a_stream_that_outlives_its_token_is_resumed_with_another() -> None:
    async with guarded() as there:
        expiring = there.issuer.access_token()
        tokens = Tokens(expiring, there.issuer.access_token())

        async with (
            Proxy(there.url, [cut_after(3), untouched]).serving() as proxy,
            MagiClient(proxy.url, token=tokens, timing=PATIENT) as ann,
        ):
            following = ann.deliberate(QUESTION)
            async with asyncio.timeout(DEADLINE_S):
                first = await anext(following)
                # The issuer's keys change, and what the old one signed is worth nothing any more.
                there.issuer.rotate(keep_old=False)
                tokens.tokens = (expiring, there.issuer.access_token())
                rest = [event async for event in following]
    assert [event.seq for event in [first, *rest]] == list(range(1, len(rest) + 2))
    assert following.is_verified


@pytest.mark.parametrize("token", ["", "a b", "a\nb", "トークン"])
async def test_what_can_be_no_token_is_never_sent_nor_told(token: str) -> None:
    with pytest.raises(TokenInvalid) as refused:
        MagiClient("http://localhost:1", token=token)
    assert not token or token not in refused.value.message
    async with MagiClient("http://localhost:1", token=Tokens(token)) as magi_client:
        with pytest.raises(TokenInvalid):
            await magi_client.councils()


async def test_what_the_source_of_tokens_raises_comes_out() -> None:
    async def source() -> str:
        raise LookupError("signed out")

    async with MagiClient("http://localhost:1", token=source) as magi_client:
        with pytest.raises(LookupError, match="signed out"):
            await all_of(magi_client.deliberate(QUESTION))


# --- Runtimes -------------------------------------------------------------------------------------------------------


async def test_a_runtime_is_reached_by_its_arn_and_its_refusals_are_read_in_band(
    runtime_is_here: pytest.MonkeyPatch,
) -> None:
    async with guarded(platform="agentcore", allowed_hosts=["*"]) as there:
        async with Proxy(there.url, [cut_after(3), untouched]).serving() as proxy:
            runtime_is_here.setenv("AWS_ENDPOINT_URL_BEDROCK_AGENTCORE", proxy.url)
            async with MagiClient(ARN, token=there.issuer.access_token(), timing=PATIENT) as ann:
                events = await all_of(following := ann.deliberate(QUESTION))
                assert following.is_verified
                assert [notice.cursor for notice in following.notices] == [3]
                with pytest.raises(ServerRefused) as refused:
                    await all_of(ann.follow("d-none"))
                assert (refused.value.status, refused.value.refusal) == (404, "deliberation_not_found")
                with pytest.raises(ServerRefused) as refused:
                    await ann.delete("d-none")
                assert refused.value.status == 404
                with pytest.raises(ServerRefused) as refused:
                    await ann.ping()
                assert refused.value.refusal == "no_ping"
            assert {body.get("sessionId") for body in proxy.bodies} == {None}
        runtime_is_here.setenv("AWS_ENDPOINT_URL_BEDROCK_AGENTCORE", there.url)
        # In-band with status 200, and so is a token's.
        tokens = Tokens(there.issuer.access_token(exp=1_000_000_000), there.issuer.access_token())
        session = new_runtime_session()
        async with MagiClient(ARN, token=tokens, runtime_session=session, timing=PATIENT) as again:
            assert await all_of(again.follow(following.deliberation_id)) == events
            assert tokens.n_asked == 2
        async with MagiClient(ARN, token=there.issuer.access_token("bob"), runtime_session=session) as bob:
            with pytest.raises(ServerRefused) as refused:
                await bob.councils()
            assert (refused.value.status, refused.value.refusal) == (403, "session_not_yours")


async def test_a_runtime_is_polled_where_its_stream_is_held_back(runtime_is_here: pytest.MonkeyPatch) -> None:
    timing = Timing(first_byte_s=0.05, back_off_s=0.001, longest_back_off_s=0.01)
    async with (
        guarded(platform="agentcore", allowed_hosts=["*"]) as there,
        Proxy(there.url, [kept_for_ever]).serving() as proxy,
    ):
        runtime_is_here.setenv("AWS_ENDPOINT_URL_BEDROCK_AGENTCORE", proxy.url)
        async with MagiClient(ARN, token=there.issuer.access_token(), timing=timing) as ann:
            events = await all_of(following := ann.deliberate(QUESTION))
    assert isinstance(events[-1], Complete)
    assert (following.transport, following.is_verified) == ("poll", True)


@dataclass
class Asked:
    """What was asked of a data plane, which answers ``status`` and ``body``."""

    status: int
    body: dict[str, object]
    headers: dict[str, str]
    requests: list[tuple[str, dict[str, str]]]

    async def __call__(self, request: Request) -> Response:
        raw: bytes = request.scope["raw_path"] + b"?" + request.scope["query_string"]
        self.requests.append((raw.decode(), dict(request.headers)))
        return JSONResponse(self.body, self.status, self.headers)


@asynccontextmanager
async def answering(
    status: int, body: dict[str, object], headers: dict[str, str] | None = None
) -> AsyncGenerator[tuple[str, Asked]]:
    asked = Asked(status, body, headers or {}, [])
    app = Starlette(routes=[Route("/{path:path}", asked.__call__, methods=["POST"])])
    async with listening(app) as url:
        yield url, asked


@pytest.mark.parametrize(
    ("arn", "qualifier"),
    [(ARN, "DEFAULT"), (f"{ARN}/runtime-endpoint/staging", "staging")],
    ids=["runtime", "endpoint"],
)
async def test_an_arn_comes_to_the_data_planes_path_with_one_session(
    runtime_is_here: pytest.MonkeyPatch, arn: str, qualifier: str
) -> None:
    async with answering(200, {"items": []}) as (url, asked):
        runtime_is_here.setenv("AWS_ENDPOINT_URL_BEDROCK_AGENTCORE", f"{url}/")
        async with MagiClient(arn, token="t", timing=PATIENT) as ann:
            await ann.councils()
            await ann.councils()
    path = f"/runtimes/{ARN.replace(':', '%3A').replace('/', '%2F')}/invocations?qualifier={qualifier}"
    assert [path for path, _ in asked.requests] == [path] * 2
    sessions = {headers["x-amzn-bedrock-agentcore-runtime-session-id"] for _, headers in asked.requests}
    assert [len(session) for session in sessions] == [41]
    assert {headers["authorization"] for _, headers in asked.requests} == {"Bearer t"}


@pytest.mark.parametrize(
    ("url", "session"),
    [
        ("arn:aws:bedrock-agentcore:us-east-1:123456789012:memory/m-1", None),
        ("arn:aws:bedrock-agentcore:us-east-1:12:runtime/magi-AbCdEf1234", None),
        (ARN, "too-short"),
        (ARN, "-" * 40),
        (ARN, "x" * 101),
    ],
)
async def test_what_is_no_runtime_or_no_session_is_said_at_once(url: str, session: str | None) -> None:
    with pytest.raises(AddressInvalid):
        MagiClient(url, runtime_session=session)


async def test_an_endpoint_that_is_none_is_said_at_once(runtime_is_here: pytest.MonkeyPatch) -> None:
    runtime_is_here.setenv("AWS_ENDPOINT_URL_BEDROCK_AGENTCORE", "localhost")
    with pytest.raises(AddressInvalid, match="AWS_ENDPOINT_URL_BEDROCK_AGENTCORE"):
        MagiClient(ARN)


# --- Refusals -------------------------------------------------------------------------------------------------------


async def refused_by(status: int, body: dict[str, object], headers: dict[str, str] | None = None) -> ServerRefused:
    async with answering(status, body, headers) as (url, asked), MagiClient(url, timing=Timing(reach_s=1)) as client:
        with pytest.raises(ServerRefused) as refused:
            await client.councils()
        assert len(asked.requests) == 1
    return refused.value


PROBLEM: dict[str, object] = {"title": "", "status": 429, "code": "rate_limited", "detail": "Too many."}


@pytest.mark.parametrize("status", [200, 424, 429])
async def test_a_problem_is_a_refusal_with_its_own_status_whatever_the_platform_made_of_it(status: int) -> None:
    refused = await refused_by(status, PROBLEM | {"retryable": True, "retryAfter": 30})
    assert (refused.status, refused.refusal, refused.message) == (429, "rate_limited", "Too many.")
    # Longer than there is patience: it is not waited for, and whoever asked is told.
    assert (refused.is_retryable, refused.retry_after_s) == (True, 30)


async def test_what_stands_before_the_server_is_quoted() -> None:
    refused = await refused_by(424, {"message": "Received error (500) from runtime."})
    assert (refused.status, refused.refusal) == (424, "http_424")
    assert "Received error (500) from runtime." in refused.message
    refused = await refused_by(429, {"Message": "Rate Exceeded."}, {"retry-after": "7"})
    assert (refused.retry_after_s, refused.is_passing) == (7, True)
    refused = await refused_by(403, {"message": "no"}, {"retry-after": "Fri, 20 Nov 2026 07:28:00 GMT"})
    assert refused.retry_after_s == 0


async def test_the_time_to_wait_is_waited() -> None:
    n_asked = 0
    refused_at_s = 0.0

    async def once_a_second(_: Request) -> Response:
        nonlocal n_asked, refused_at_s
        n_asked += 1
        now_s = asyncio.get_running_loop().time()
        refused_at_s = refused_at_s or now_s
        if now_s < refused_at_s + 1:
            return JSONResponse(PROBLEM | {"retryable": True, "retryAfter": 1}, 200)
        return JSONResponse({"items": []})

    app = Starlette(routes=[Route("/invocations", once_a_second, methods=["POST"])])
    timing = Timing(reach_s=10, back_off_s=0.001, longest_back_off_s=0.001)
    async with listening(app) as url, MagiClient(url, timing=timing) as client:
        assert await client.councils() == ()
    # By its own back-off alone it would have asked hundreds of times.
    assert n_asked == 2


# --- Commands -------------------------------------------------------------------------------------------------------


async def test_a_command_is_let_in_by_the_environment_and_otherwise_says_what_would(data_dir: Path) -> None:
    async with guarded(platform="agentcore", allowed_hosts=["*"]) as there:
        token = there.issuer.access_token()
        runtime = {"AWS_ENDPOINT_URL_BEDROCK_AGENTCORE": there.url}
        code, out, err = await magi("ask", QUESTION, "--url", ARN, "--json", MAGI_TOKEN=token, stdin=b"", **runtime)
        assert (code, err) == (0, "")
        deliberation_id = json.loads(out.splitlines()[0])["deliberationId"]
        kept = json.loads((data_dir / "runtime-sessions.json").read_text())
        assert list(kept) == [ARN]
        # Another command comes to the same runtime session, or it would find nothing there.
        code, out, _ = await magi("show", deliberation_id, "--url", ARN, stdin=b"", MAGI_TOKEN=token, **runtime)
        assert (code, QUESTION in out) == (0, True)
        assert json.loads((data_dir / "runtime-sessions.json").read_text()) == kept
        code, _, err = await magi("ask", QUESTION, "--url", there.url, stdin=b"", **runtime)
        assert code == 2
        assert "(unauthenticated) Set MAGI_TOKEN to an access token that is valid now." in err
        stranger = there.issuer.access_token(client_id="another")
        code, _, err = await magi("list", "--url", there.url, MAGI_TOKEN=stranger)
        assert code == 2
        assert "(not_allowed) Set MAGI_TOKEN" in err
        assert stranger not in err
