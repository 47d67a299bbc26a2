"""What a client sees of a Lambda Function URL that streams: preflight, bodies, and what Lambda does to them."""

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from tests.support.lambda_adapter import Start as StartServer
from tests.support.lambda_adapter import WebServer, adapted
from tests.support.lambda_function import Function
from tests.support.lambda_url import Cors, FunctionUrl
from tests.support.proxies import Proxy, Treatment, cut_after, cut_within, untouched
from tests.support.serving import Server, events_of, scripted_server

from magisystem.client import Following, MagiClient, NoticeKind, ServerRefused, Timing
from magisystem.council.briefs import Brief
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


@dataclass(frozen=True)
class Deployment:
    """A Function URL, what is behind it, and the deliberations behind that."""

    url: str
    http: httpx2.AsyncClient
    front: FunctionUrl
    function: Function
    server: Server


def served_at(url: str) -> StartServer:
    """Let every environment serve what is served at ``url``; killing one cuts its connections."""

    @asynccontextmanager
    async def start() -> AsyncGenerator[WebServer]:
        yield WebServer(urlsplit(url).netloc)

    return start


@asynccontextmanager
async def deployed(
    model: ScriptedModel | None = None,
    *,
    timeout_s: float = 900.0,
    ends_clean: bool = False,
    treatments: Sequence[Treatment] = (untouched,),
) -> AsyncGenerator[Deployment]:
    """``treatments`` are of the streams between the adapter and the server, in turn."""
    async with (
        scripted_server(model or ScriptedModel(), allowed_hosts=["*"]) as server,
        Proxy(server.url, treatments).serving() as inside,
    ):
        function = Function(adapted(served_at(inside.url), ENVIRON), timeout_s=timeout_s)
        front = FunctionUrl(function, cors=Cors((ORIGIN,)), ends_clean=ends_clean)
        async with front.serving() as url, httpx2.AsyncClient(base_url=url, timeout=DEADLINE_S) as http:
            yield Deployment(url, http, front, function, server)


def hanging(until: asyncio.Event) -> dict[str, list[Script]]:
    """Give scripts in which CASPAR speaks, then waits, then votes."""

    def script(brief: Brief) -> Sequence[Step]:
        return [*speech("私は考える。"), Wait(until.wait), *approval(brief)]

    return {"caspar": [script]}


async def all_of(following: Following) -> list[AnyEvent]:
    async with asyncio.timeout(DEADLINE_S):
        return [event async for event in following]


async def test_a_browsers_preflight_is_answered_without_the_function() -> None:
    async with deployed() as lambda_:
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


async def test_cors_is_in_one_place_only() -> None:
    async with deployed() as lambda_:
        answer = await lambda_.http.post("/invocations", json={"action": "councils"}, headers={"origin": ORIGIN})
        refusal = await lambda_.http.post("/invocations", json={"action": "no"}, headers={"origin": ORIGIN})
    assert (answer.status_code, refusal.status_code) == (200, 400)
    assert answer.headers.get_list("access-control-allow-origin") == [ORIGIN]
    assert refusal.headers.get_list("access-control-allow-origin") == [ORIGIN]


async def test_frames_arrive_while_the_deliberation_runs() -> None:
    until = asyncio.Event()
    async with deployed(ScriptedModel(hanging(until))) as lambda_, MagiClient(lambda_.url, timing=PATIENT) as magi:
        following = magi.deliberate(QUESTION)
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


@pytest.mark.parametrize("ends_clean", [False, True], ids=["reset", "clean end"])
async def test_at_the_deadline_of_lambda_nothing_is_lost(
    ends_clean: bool,  # noqa: FBT001 - what is tried out
) -> None:
    until = asyncio.Event()
    model = ScriptedModel(hanging(until))
    async with (
        deployed(model, timeout_s=0.5, ends_clean=ends_clean) as lambda_,
        MagiClient(lambda_.url, timing=PATIENT) as magi,
    ):
        following = magi.deliberate(QUESTION)
        reading = asyncio.create_task(all_of(following))
        async with asyncio.timeout(DEADLINE_S):
            for _ in range(2):
                await lambda_.function.killed.get()
        until.set()
        events = await reading
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert {notice.kind for notice in following.notices} <= {NoticeKind.RESUMED}
    assert (following.transport, following.is_verified) == ("stream", True)
    assert len(model.speeches) == 4


async def test_a_body_that_the_server_aborts_is_a_drop_for_the_client_and_the_trailers_text_is_no_event() -> None:
    async with (
        deployed(treatments=[cut_after(3), cut_within(2), untouched]) as lambda_,
        MagiClient(lambda_.url, timing=PATIENT) as magi,
    ):
        events = await all_of(following := magi.deliberate(QUESTION))
        first, second, third = lambda_.function.invocations
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert [(notice.kind, notice.cursor) for notice in following.notices] == [
        (NoticeKind.RESUMED, 3),
        (NoticeKind.RESUMED, 5),
    ]
    assert (following.is_verified, following.transport) == (True, "stream")
    # To Lambda all three went well: the adapter has written the error into the body.
    assert (first.error, second.error, third.error) == (None, None, None)


async def test_a_body_that_is_no_text_to_lambda_arrives_whole() -> None:
    body = json.dumps({"question": QUESTION, "stream": False}, ensure_ascii=False).encode()
    async with deployed() as lambda_:
        answer = await lambda_.http.post(
            "/invocations", content=body, headers={"content-type": "application/vnd.magi+json"}
        )
        assert json.loads(lambda_.function.invocations[0].event)["isBase64Encoded"]
    assert answer.json()["start"]["question"] == QUESTION


async def test_cookies_change_nothing() -> None:
    async with deployed() as lambda_:
        headers = {b"cookie": "a=1; b=賛成".encode(), b"origin": ORIGIN.encode()}
        answer = await lambda_.http.post("/invocations", json={"question": QUESTION}, headers=headers)
    events = events_of(answer.content)
    assert isinstance(events[0], Start)
    assert isinstance(events[-1], Complete)
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache, no-transform"
    assert "set-cookie" not in answer.headers


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
async def test_a_refusal_comes_with_its_status_and_its_code(body: dict[str, Any], status: int, code: str) -> None:
    async with deployed() as lambda_:
        answer = await lambda_.http.post("/invocations", json=body)
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_what_is_not_there_is_not_found() -> None:
    async with deployed() as lambda_:
        answer = await lambda_.http.get("/nowhere")
        health = await lambda_.http.get("/ping")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert health.status_code == 200


async def test_a_client_that_leaves_stops_nothing_and_comes_back_to_all_of_it() -> None:
    until = asyncio.Event()
    async with deployed(ScriptedModel(hanging(until))) as lambda_:
        async with MagiClient(lambda_.url, timing=PATIENT) as magi:
            following = magi.deliberate(QUESTION)
            async with asyncio.timeout(DEADLINE_S):
                await anext(following)
        until.set()
        async with MagiClient(lambda_.url, timing=PATIENT) as magi:
            events = await all_of(magi.follow(following.deliberation_id))
            with pytest.raises(ServerRefused) as refused:
                await magi.get("d-none")
    assert isinstance(events[0], Start)
    assert isinstance(events[-1], Complete)
    assert (refused.value.status, refused.value.refusal) == (404, "deliberation_not_found")
