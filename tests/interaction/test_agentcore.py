"""Behind Amazon Bedrock AgentCore Runtime: its words, its clock, its headers; and boto3's own client."""

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import boto3
import httpx2
import pytest
from opentelemetry import trace
from tests.interaction.test_http import QUESTION, hanging
from tests.interaction.test_socket import talking
from tests.support.failing_log import FailingLog
from tests.support.serving import Server, scripted_server, until_idle
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from magisystem.council.briefs import Brief
from magisystem.errors import SessionNotYours, Unauthenticated
from magisystem.http.runtime import RuntimeSessions
from magisystem.identity import Callers
from magisystem.protocol.codec import decode
from magisystem.protocol.events import AnyEvent, Cancelled, Complete, Start
from magisystem.protocol.sse import FrameDecoder
from magisystem.testing.scripted import ScriptedModel, Step, approval, speech

ARN = "arn:aws:bedrock-agentcore:us-east-1:123456789012:runtime/magi-AbCdEfGhIj"
DATA_PLANE = f"/runtimes/{ARN.replace(':', '%3A').replace('/', '%2F')}/invocations"
SESSION = "X-Amzn-Bedrock-AgentCore-Runtime-Session-Id"
SESSION_ID = "a-session-of-one-person-0123456789ab"
OTHER_ID = "a-session-of-another-0123456789abcdef"


class Names:
    """Takes a name for a token."""

    async def owner(self, token: str) -> str:
        if token == "forged":
            raise Unauthenticated
        return token


@asynccontextmanager
async def runtime(model: ScriptedModel | None = None, **options: Any) -> AsyncGenerator[Server]:
    """Serve as in AgentCore's container."""
    async with scripted_server(model or ScriptedModel(), platform="agentcore", host="127.0.0.1", **options) as server:
        yield server


def hung() -> ScriptedModel:
    """Give a model whose CASPAR never ends."""
    return ScriptedModel(hanging(asyncio.Event()))


def client(server: Server) -> Any:
    make: Any = boto3.client  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - boto3 has no types
    return make(
        "bedrock-agentcore",
        endpoint_url=server.url,
        region_name="us-east-1",
        aws_access_key_id="AKIDEXAMPLE",
        aws_secret_access_key="secret",
    )


def invoked(agentcore: Any, body: object, session_id: str = SESSION_ID) -> dict[str, Any]:
    answer = agentcore.invoke_agent_runtime(
        agentRuntimeArn=ARN,
        runtimeSessionId=session_id,
        contentType="application/json",
        accept="text/event-stream, application/json",
        payload=json.dumps(body).encode(),
    )
    return {**answer, "body": answer["response"].read()}


def events(body: bytes) -> list[AnyEvent]:
    return [decode(frame.data.encode()) for frame in FrameDecoder().feed(body)]


# --- boto3 ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("platform", ["local", "agentcore"])
async def test_boto3_streams_resumes_and_gets(platform: str) -> None:
    async with scripted_server(ScriptedModel(), platform=platform, host="127.0.0.1") as server:
        agentcore = await asyncio.to_thread(client, server)
        started = await asyncio.to_thread(invoked, agentcore, {"prompt": "Should we?"})
        assert (started["statusCode"], started["runtimeSessionId"]) == (200, SESSION_ID)
        assert started["contentType"].startswith("text/event-stream")
        first, *_, last = seen = events(started["body"])
        assert isinstance(first, Start)
        assert isinstance(last, Complete)
        it = {"deliberationId": first.deliberation_id}
        resumed = await asyncio.to_thread(invoked, agentcore, {"action": "resume", "after": 3, **it})
        assert events(resumed["body"]) == seen[3:]
        state = await asyncio.to_thread(invoked, agentcore, {"action": "get", **it})
        assert json.loads(state["body"])["status"] == "complete"


async def test_boto3_reads_live_and_cancels() -> None:
    async with runtime(hung()) as server:
        agentcore = await asyncio.to_thread(client, server)
        begun = await asyncio.to_thread(invoked, agentcore, {"prompt": "Should we?", "detached": True})
        deliberation_id = json.loads(begun["body"])["deliberationId"]
        answer = await asyncio.to_thread(
            agentcore.invoke_agent_runtime,
            agentRuntimeArn=ARN,
            runtimeSessionId=SESSION_ID,
            payload=json.dumps({"action": "resume", "deliberationId": deliberation_id}).encode(),
        )
        # botocore gives nothing before a chunk is full; AWS's own examples take 10 bytes.
        lines = answer["response"].iter_lines(chunk_size=10)
        # While it runs: the body of a deliberation that hangs gives its first events.
        while b'"agent_start"' not in await asyncio.to_thread(next, lines, b'"agent_start"'):
            pass
        cancelled = await asyncio.to_thread(invoked, agentcore, {"action": "cancel", "deliberationId": deliberation_id})
        assert json.loads(cancelled["body"])["status"] == "cancelled"
        rest = [line async for line in _lines(lines)]
        last = decode(next(line for line in reversed(rest) if line.startswith(b"data: ")).removeprefix(b"data: "))
        assert isinstance(last, Cancelled)


async def _lines(lines: Any) -> AsyncGenerator[bytes]:
    while (line := await asyncio.to_thread(next, lines, None)) is not None:
        yield line


# --- Ping -------------------------------------------------------------------------------------------------------------


async def test_ping_is_busy_while_a_detached_deliberation_runs_and_its_clock_moves_on_a_change_alone() -> None:
    async with runtime(hung()) as server:
        resting = await _ping(server)
        assert resting["status"] == "Healthy"
        begun = await server.http.post("/invocations", json={**QUESTION, "detached": True})
        busy = [await _ping(server) for _ in range(3)]
        assert {each["status"] for each in busy} == {"HealthyBusy"}
        turned_at = int(server.deliberations.turned_at.timestamp())
        assert {each["time_of_last_update"] for each in busy} == {turned_at}
        await server.http.post("/invocations", json={"action": "cancel", **begun.json()})
        await until_idle(server)
        assert (await _ping(server))["status"] == "Healthy"


async def test_what_waits_for_a_full_disk_keeps_no_session_from_its_rest() -> None:
    async with runtime(log=FailingLog(b"{")) as server:
        await server.http.post("/invocations", json={**QUESTION, "detached": True})
        async with asyncio.timeout(10):
            while (resting := await _ping(server))["status"] != "Healthy":
                pass
        assert server.deliberations.n_running == 1
        assert resting["time_of_last_update"] == int(server.deliberations.turned_at.timestamp())


async def test_elsewhere_ping_knows_one_word() -> None:
    async with scripted_server(hung()) as server:
        await server.http.post("/invocations", json={**QUESTION, "detached": True})
        assert (await _ping(server))["status"] == "healthy"


async def _ping(server: Server) -> dict[str, Any]:
    return (await server.http.get("/ping")).json()


# --- Problems in-band -------------------------------------------------------------------------------------------------

REFUSED: list[tuple[dict[str, Any], int, str]] = [
    ({"question": ""}, 400, "invalid_request"),
    ({"action": "get", "deliberationId": "0" * 32}, 404, "deliberation_not_found"),
    ({"action": "put_council", "councilId": "magi", "council": {"agents": []}}, 400, "invalid_request"),
]


@pytest.mark.parametrize(("body", "status", "code"), REFUSED)
async def test_what_is_refused_is_answered_with_200_and_says_its_status(body: object, status: int, code: str) -> None:
    async with runtime() as server, scripted_server(ScriptedModel()) as local:
        for answer in (
            await server.http.post("/invocations", json=body),
            await local.http.post(DATA_PLANE, json=body),
        ):
            assert (answer.status_code, answer.headers["content-type"]) == (200, "application/problem+json")
            assert (answer.json()["status"], answer.json()["code"]) == (status, code)
        elsewhere = await local.http.post("/invocations", json=body)
        assert (elsewhere.status_code, elsewhere.json()["status"]) == (status, status)
        assert SESSION not in elsewhere.headers


async def test_what_is_done_is_answered_with_200_whatever_it_is_elsewhere() -> None:
    async with runtime() as server:
        begun = await server.http.post("/invocations", json={**QUESTION, "detached": True})
        deleted = await server.http.post("/invocations", json={"action": "delete", **begun.json()})
        assert (begun.status_code, deleted.status_code, deleted.content) == (200, 200, b"")


async def test_a_fault_is_answered_in_band_as_well() -> None:
    async with runtime() as server:
        server.deliberations.start = None  # pyright: ignore[reportAttributeAccessIssue] - a fault of ours
        answer = await server.http.post("/invocations", json=QUESTION)
        assert (answer.status_code, answer.json()["status"], answer.json()["code"]) == (200, 500, "internal")


# --- Sessions ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "expected"),
    [({}, SESSION_ID), ({"sessionId": "mine"}, "mine"), ({"sessionId": None}, None)],
)
async def test_a_start_is_a_turn_of_the_runtime_session_unless_it_says_otherwise(
    said: dict[str, object], expected: str | None
) -> None:
    async with runtime() as server:
        answer = await _start(server, said)
        assert answer.headers[SESSION] == SESSION_ID
        given = answer.json()["start"]["sessionId"]
        assert given == expected if expected else given not in {SESSION_ID, "mine"}


async def test_a_runtime_session_that_no_session_of_ours_may_look_like_is_one_all_the_same() -> None:
    async with runtime() as server:
        odd = "~" * 200
        first, second = [(await _start(server, {}, odd)).json()["start"]["sessionId"] for _ in range(2)]
        assert first == second != odd


async def test_the_data_plane_makes_a_session_where_none_is_named_and_refuses_what_it_would() -> None:
    async with scripted_server(ScriptedModel()) as server:
        made = [(await server.http.post(DATA_PLANE, json=QUESTION)).headers[SESSION] for _ in range(2)]
        assert len(set(made)) == 2
        short = await server.http.post(DATA_PLANE, json=QUESTION, headers={SESSION: "short"})
        assert (short.json()["code"], short.json()["field"]) == ("invalid_request", SESSION.lower())


async def test_a_session_belongs_to_the_owner_who_first_used_it() -> None:
    async with runtime(callers=Callers(Names())) as server:
        alice, bob = {"authorization": "Bearer alice"}, {"authorization": "Bearer bob"}
        assert (await _start(server, {}, headers=alice)).json()["status"] == "complete"
        for body in (QUESTION, {"action": "list"}, {"action": "models"}):
            refused = await server.http.post("/invocations", json=body, headers={**bob, SESSION: SESSION_ID})
            assert (refused.json()["status"], refused.json()["code"]) == (403, "session_not_yours")
        # Nor under another runtime session, by its name in the body.
        refused = await _start(server, {"sessionId": SESSION_ID}, OTHER_ID, headers=bob)
        assert refused.json()["code"] == "session_not_yours"
        assert (await _start(server, {}, headers=alice)).json()["status"] == "complete"
        forged = await _start(server, {}, headers={"authorization": "Bearer forged"})
        assert (forged.status_code, forged.json()["status"]) == (200, 401)


async def _start(
    server: Server,
    said: dict[str, object],
    session_id: str = SESSION_ID,
    headers: dict[str, str] | None = None,
) -> httpx2.Response:
    return await server.http.post(
        "/invocations", json={**QUESTION, "stream": False, **said}, headers={SESSION: session_id, **(headers or {})}
    )


async def test_a_session_in_use_is_not_forgotten_for_a_crowd_of_others() -> None:
    sessions = RuntimeSessions()
    sessions.enter(SESSION_ID, "alice")
    for n in range(20_000):
        sessions.enter(f"{n}", "bob")
        if n % 1_000 == 0:
            sessions.enter(SESSION_ID, "alice")
    with pytest.raises(SessionNotYours):
        sessions.enter(SESSION_ID, "bob")


@pytest.mark.parametrize("path", ["/runtimes//invocations", f"{DATA_PLANE}%0A"])
async def test_no_spelling_of_the_data_planes_path_gets_around_its_sessions(path: str) -> None:
    async with scripted_server(ScriptedModel(), callers=Callers(Names())) as server:
        asked: dict[str, Any] = {"json": {"action": "list"}}
        alice, bob = ({"authorization": f"Bearer {name}", SESSION: SESSION_ID} for name in ("alice", "bob"))
        assert (await server.http.post(DATA_PLANE, headers=alice, **asked)).status_code == 200
        assert (await server.http.post(path, headers=bob, **asked)).json()["code"] == "session_not_yours"


async def test_a_slash_too_many_leads_nowhere() -> None:
    async with scripted_server(ScriptedModel(), platform="container") as server:
        answer = await server.http.post("/invocations/", json=QUESTION, headers={"host": "evil.example.com"})
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_a_start_on_a_socket_is_a_turn_of_its_runtime_session() -> None:
    async with runtime() as server, talking(server.url, additional_headers={SESSION: SESSION_ID}) as talk:
        await talk.ask(QUESTION)
        start = (await talk.hear_until("events"))["events"][0]
        assert start["sessionId"] == SESSION_ID


async def test_a_socket_in_what_is_no_runtime_session_is_refused() -> None:
    async with runtime() as server:
        with pytest.raises(InvalidStatus) as refused:
            await connect(server.url.replace("http:", "ws:") + "/ws", additional_headers={SESSION: "short"})
        assert refused.value.response.status_code == 400


# --- Traces -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
        ("X-Amzn-Trace-Id", "Root=1-4bf92f35-77b34da6a3ce929d0e0e4736;Parent=00f067aa0ba902b7;Sampled=1"),
    ],
)
async def test_a_trace_goes_on_in_the_agents(header: str, value: str) -> None:
    seen: set[int] = set()

    def look(brief: Brief) -> Sequence[Step]:
        seen.add(trace.get_current_span().get_span_context().trace_id)
        return [*speech("Well."), *approval(brief)]

    async with runtime(ScriptedModel({"caspar": [look], "melchior": [look]})) as server:
        await server.http.post("/invocations", json={**QUESTION, "stream": False}, headers={header: value})
    assert seen == {0x4BF92F3577B34DA6A3CE929D0E0E4736}


async def test_a_request_cannot_flood_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "magisystem")
    trace = {
        "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "baggage": ",".join(f'k{n}=%FF"' for n in range(170)),
        "X-Amzn-Bedrock-AgentCore-Runtime-Request-Id": "x" * 50_000,
    }
    async with runtime() as server:
        await server.http.post("/invocations", json={**QUESTION, "stream": False}, headers=trace)
    assert len(caplog.text) < 1_000
