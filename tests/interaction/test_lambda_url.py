"""What a client sees of a Lambda Function URL that streams: preflight, bodies, and what Lambda does to them."""

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from enum import Enum
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from starlette.types import ASGIApp
from tests.interaction.test_cli_serve import free_port
from tests.support.agentcore import ARN, AwsError, Break, StandInAgentCore
from tests.support.cli import COMMAND, environment
from tests.support.gatewaying import KEY, TIMING
from tests.support.issuer import CLIENT, Issuer, serving_issuer
from tests.support.lambda_adapter import Start as StartServer
from tests.support.lambda_adapter import WebServer, adapted, as_process, in_process
from tests.support.lambda_function import Function
from tests.support.lambda_url import Cors, FunctionUrl
from tests.support.proxies import Proxy, Treatment, cut_after, cut_within, untouched
from tests.support.serving import Server, events_of, scripted_server

from magisystem.client import Following, MagiClient, NoticeKind, ServerRefused, Timing
from magisystem.council.briefs import Brief
from magisystem.gateway.app import Awaited, create_gateway
from magisystem.gateway.opening import open_gateway
from magisystem.gateway.settings import read_settings
from magisystem.protocol.events import AnyEvent, Chunk, Complete, Start
from magisystem.testing.scripted import Script, ScriptedModel, Step, Wait, approval, speech

QUESTION = "課金サービスを Rust に移すべきか? 🦀"
ORIGIN = "https://magi.example.com"
DEADLINE_S = 20.0
PATIENT = Timing(first_byte_s=60, silence_s=60, back_off_s=0.001, longest_back_off_s=0.01)
# As the deployment sets it (deploy/Dockerfile).
ENVIRON = {
    "AWS_LWA_PORT": "8080",
    "AWS_LWA_READINESS_CHECK_PATH": "/ping",
    "AWS_LWA_INVOKE_MODE": "response_stream",
}


class Via(Enum):
    """What runs in the function: the server itself, or the gateway to it in AgentCore Runtime."""

    SERVER = "server"
    GATEWAY = "gateway"


BOTH = pytest.mark.parametrize("via", list(Via), ids=lambda via: via.value)


@dataclass(frozen=True)
class Deployment:
    """A Function URL, what is behind it, and the deliberations behind that; ``http`` and ``magi`` are a person's."""

    url: str
    http: httpx2.AsyncClient
    magi: MagiClient
    front: FunctionUrl
    function: Function
    server: Server
    agentcore: StandInAgentCore


def served_at(url: str) -> StartServer:
    """Let every environment serve what is served at ``url``; killing one cuts its connections."""

    @asynccontextmanager
    async def start() -> AsyncGenerator[WebServer]:
        yield WebServer(urlsplit(url).netloc)

    return start


def gateway_to(data_plane: str, issuer: Issuer) -> StartServer:
    """Let every environment serve a gateway of its own, set as the stacks set it."""
    settings = read_settings(gateway_environment(data_plane, issuer))

    @asynccontextmanager
    async def app() -> AsyncGenerator[ASGIApp]:
        awaited = Awaited()
        async with open_gateway(settings, TIMING) as opened:
            awaited.give(opened)
            yield create_gateway(settings, awaited)

    return in_process(app)


def gateway_environment(data_plane: str, issuer: Issuer) -> dict[str, str]:
    return {
        "MAGI_PLATFORM": "lambda",
        "MAGI_AUTH": "oidc",
        "MAGI_OIDC_DISCOVERY_URL": issuer.discovery_url,
        "MAGI_OIDC_CLIENTS": CLIENT,
        "MAGI_GATEWAY_KEY": KEY,
        "MAGI_RUNTIME_ARN": ARN,
        "MAGI_RUNTIME_ENDPOINT": data_plane,
    }


@asynccontextmanager
async def deployed(
    via: Via = Via.SERVER,
    model: ScriptedModel | None = None,
    *,
    timeout_s: float = 900.0,
    ends_clean: bool = False,
    treatments: Sequence[Treatment] = (untouched,),
) -> AsyncGenerator[Deployment]:
    """``treatments`` are of the streams between the adapter and the server, in turn."""
    async with serving_issuer() as issuer, AsyncExitStack() as opened:
        server = await opened.enter_async_context(
            scripted_server(
                model or ScriptedModel(),
                platform="agentcore" if via is Via.GATEWAY else "lambda",
                auth="oidc",
                oidc_discovery_url=issuer.discovery_url,
                oidc_clients=CLIENT,
            )
        )
        agentcore = StandInAgentCore(server.app)
        if via is Via.GATEWAY:
            start = gateway_to(await opened.enter_async_context(agentcore.serving()), issuer)
        else:
            proxy = await opened.enter_async_context(Proxy(server.url, treatments).serving())
            start = served_at(proxy.url)
        function = Function(adapted(start, ENVIRON), timeout_s=timeout_s)
        front = FunctionUrl(function, cors=Cors((ORIGIN,)), ends_clean=ends_clean)
        url = await opened.enter_async_context(front.serving())
        token = issuer.access_token()
        bearer = {"authorization": f"Bearer {token}"}
        http = await opened.enter_async_context(httpx2.AsyncClient(base_url=url, timeout=DEADLINE_S, headers=bearer))
        magi = await opened.enter_async_context(MagiClient(url, token=token, timing=PATIENT))
        yield Deployment(url, http, magi, front, function, server, agentcore)


def hanging(until: asyncio.Event) -> dict[str, list[Script]]:
    """Give scripts in which CASPAR speaks, then waits, then votes."""

    def script(brief: Brief) -> Sequence[Step]:
        return [*speech("私は考える。"), Wait(until.wait), *approval(brief)]

    return {"caspar": [script]}


async def all_of(following: Following) -> list[AnyEvent]:
    async with asyncio.timeout(DEADLINE_S):
        return [event async for event in following]


@BOTH
async def test_a_browsers_preflight_is_answered_without_the_function(via: Via) -> None:
    async with deployed(via) as lambda_:
        preflight = await lambda_.http.options(
            "/invocations",
            headers={
                "origin": ORIGIN,
                "access-control-request-method": "POST",
                "access-control-request-headers": "authorization,content-type",
            },
        )
        assert lambda_.function.invocations == []
    assert (preflight.status_code, lambda_.front.n_preflights) == (200, 1)
    assert preflight.headers.get_list("access-control-allow-origin") == [ORIGIN]
    assert {"authorization", "content-type"} <= set(preflight.headers["access-control-allow-headers"].split(","))


@BOTH
async def test_cors_is_in_one_place_only(via: Via) -> None:
    async with deployed(via) as lambda_:
        answer = await lambda_.http.post("/invocations", json={"action": "councils"}, headers={"origin": ORIGIN})
        refusal = await lambda_.http.post("/invocations", json={"action": "no"}, headers={"origin": ORIGIN})
    assert (answer.status_code, refusal.status_code) == (200, 400)
    assert answer.headers.get_list("access-control-allow-origin") == [ORIGIN]
    assert refusal.headers.get_list("access-control-allow-origin") == [ORIGIN]


@BOTH
async def test_frames_arrive_while_the_deliberation_runs(via: Via) -> None:
    until = asyncio.Event()
    async with deployed(via, ScriptedModel(hanging(until))) as lambda_:
        following = lambda_.magi.deliberate(QUESTION)
        async with asyncio.timeout(DEADLINE_S):
            async for event in following:
                if isinstance(event, Chunk) and event.agent_id == "caspar":
                    assert event.content == "私は考える。"
                    break
            # Nothing more can come before this: what has come is not the whole body at its end.
            until.set()
            rest = [event async for event in following]
    assert isinstance(rest[-1], Complete)
    assert following.state.start is not None
    assert following.state.start.question == QUESTION
    assert (following.transport, following.notices, following.is_verified) == ("stream", (), True)


@BOTH
@pytest.mark.parametrize("ends_clean", [False, True], ids=["reset", "clean end"])
async def test_at_the_deadline_of_lambda_nothing_is_lost(
    via: Via,
    ends_clean: bool,  # noqa: FBT001 - what is tried out
) -> None:
    until = asyncio.Event()
    model = ScriptedModel(hanging(until))
    async with deployed(via, model, timeout_s=0.5, ends_clean=ends_clean) as lambda_:
        following = lambda_.magi.deliberate(QUESTION)
        reading = asyncio.create_task(all_of(following))
        async with asyncio.timeout(DEADLINE_S):
            await lambda_.function.invoked(3)
        until.set()
        events = await reading
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert {notice.kind for notice in following.notices} <= {NoticeKind.RESUMED}
    assert (following.transport, following.is_verified) == ("stream", True)
    assert len(model.speeches) == 4
    # The gateway knows its deadline and ends before it; the server has none, and is killed.
    assert (lambda_.function.killed.qsize() == 0) == (via is Via.GATEWAY)


async def test_a_body_that_the_server_aborts_is_a_drop_for_the_client_and_the_trailers_text_is_no_event() -> None:
    async with deployed(treatments=[cut_after(3), cut_within(2), untouched]) as lambda_:
        events = await all_of(following := lambda_.magi.deliberate(QUESTION))
        first, second, third = lambda_.function.invocations
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert [(notice.kind, notice.cursor) for notice in following.notices] == [
        (NoticeKind.RESUMED, 3),
        (NoticeKind.RESUMED, 5),
    ]
    assert (following.is_verified, following.transport) == (True, "stream")
    # To Lambda all three went well: the adapter has written the error into the body.
    assert (first.error, second.error, third.error) == (None, None, None)


async def test_a_body_that_the_gateway_aborts_is_gone_on_with_by_the_client() -> None:
    async with deployed(Via.GATEWAY) as lambda_:
        # The upstream breaks in the middle of a frame, and the runtime then refuses for good.
        lambda_.agentcore.script(Break(3, beyond=20), AwsError(400, "ValidationException"))
        events = await all_of(following := lambda_.magi.deliberate(QUESTION))
        invocations = lambda_.function.invocations
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert [(notice.kind, notice.cursor) for notice in following.notices] == [(NoticeKind.RESUMED, 3)]
    assert following.is_verified
    assert [invocation.error for invocation in invocations] == [None, None]


async def test_an_upstream_that_breaks_behind_the_gateway_is_not_even_a_drop() -> None:
    async with deployed(Via.GATEWAY) as lambda_:
        lambda_.agentcore.script(Break(3, beyond=20), Break(2))
        events = await all_of(following := lambda_.magi.deliberate(QUESTION))
        assert len(lambda_.function.invocations) == 1
    assert isinstance(events[-1], Complete)
    assert (following.notices, following.is_verified) == ((), True)


@BOTH
async def test_a_body_that_is_no_text_to_lambda_arrives_whole(via: Via) -> None:
    body = json.dumps({"question": QUESTION, "stream": False}, ensure_ascii=False).encode()
    async with deployed(via) as lambda_:
        answer = await lambda_.http.post(
            "/invocations", content=body, headers={"content-type": "application/vnd.magi+json"}
        )
        assert json.loads(lambda_.function.invocations[0].event)["isBase64Encoded"]
    assert answer.json()["start"]["question"] == QUESTION


@BOTH
async def test_cookies_change_nothing(via: Via) -> None:
    async with deployed(via) as lambda_:
        headers = {b"cookie": "a=1; b=賛成".encode(), b"origin": ORIGIN.encode()}
        answer = await lambda_.http.post("/invocations", json={"question": QUESTION}, headers=headers)
    events = events_of(answer.content)
    assert isinstance(events[0], Start)
    assert isinstance(events[-1], Complete)
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache, no-transform"
    assert "set-cookie" not in answer.headers


@BOTH
@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"question": "a" * 1024 * 1024}, 413, "body_too_large"),
        ({"question": "賛" * 300_000}, 400, "invalid_request"),
        ({"question": ""}, 400, "invalid_request"),
        ({"action": "get", "deliberationId": "d-none"}, 404, "deliberation_not_found"),
        ({"action": "resume", "deliberationId": "d-none", "after": 0}, 404, "deliberation_not_found"),
    ],
    ids=["1 MiB", "900 kB", "empty", "get", "resume"],
)
async def test_a_refusal_comes_with_its_status_and_its_code(
    via: Via, body: dict[str, Any], status: int, code: str
) -> None:
    async with deployed(via) as lambda_:
        answer = await lambda_.http.post("/invocations", json=body)
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status_code, answer.json()["code"]) == (status, code)


@BOTH
async def test_a_stranger_is_refused_and_told_nothing(via: Via) -> None:
    async with deployed(via) as lambda_:
        answer = await lambda_.http.post(
            "/invocations", json={"action": "councils"}, headers={"authorization": "Bearer not.a.token"}
        )
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
        assert lambda_.agentcore.calls == []


@BOTH
async def test_what_is_not_there_is_not_found(via: Via) -> None:
    async with deployed(via) as lambda_:
        answer = await lambda_.http.get("/nowhere")
        health = await lambda_.http.get("/ping")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert health.status_code == 200


@BOTH
async def test_a_client_that_leaves_stops_nothing_and_comes_back_to_all_of_it(via: Via) -> None:
    until = asyncio.Event()
    async with deployed(via, ScriptedModel(hanging(until))) as lambda_:
        following = lambda_.magi.deliberate(QUESTION)
        async with asyncio.timeout(DEADLINE_S):
            await anext(following)
        await following.aclose()
        until.set()
        events = await all_of(lambda_.magi.follow(following.deliberation_id))
        with pytest.raises(ServerRefused) as refused:
            await lambda_.magi.get("d-none")
    assert isinstance(events[0], Start)
    assert isinstance(events[-1], Complete)
    assert (refused.value.status, refused.value.refusal) == (404, "deliberation_not_found")


async def test_magi_gateway_as_a_process_serves_between_one_freezing_and_the_next() -> None:
    async with (
        serving_issuer() as issuer,
        scripted_server(
            ScriptedModel(),
            platform="agentcore",
            auth="oidc",
            oidc_discovery_url=issuer.discovery_url,
            oidc_clients=CLIENT,
        ) as server,
        (agentcore := StandInAgentCore(server.app)).serving() as data_plane,
    ):
        port = free_port()
        environ = environment(**gateway_environment(data_plane, issuer), MAGI_PORT=str(port))
        function = Function(adapted(as_process([*COMMAND, "gateway"], environ, port), ENVIRON))
        async with (
            FunctionUrl(function).serving() as url,
            MagiClient(url, token=issuer.access_token(), timing=PATIENT) as magi,
        ):
            assert await magi.councils()
            await function.environments[0].idle.wait()
            events = await all_of(following := magi.deliberate(QUESTION))
        assert isinstance(events[-1], Complete)
        assert (following.notices, following.is_verified) == ((), True)
        assert len(agentcore.calls) == 2
