"""The chain on one machine: client, gateway, AgentCore's data plane, server, Bedrock; and every way it can break."""

import asyncio
import json
import logging
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send
from tests.interaction.test_cli_serve import free_port
from tests.support.agentcore import OWNER, SESSION, Answer, AwsError, Break, How, Late, Refuse, StandInAgentCore
from tests.support.aws import SECRETS, lead_aws_to, leave_aws_bare
from tests.support.bedrock import StandInBedrock
from tests.support.gatewaying import (
    KEY,
    QUESTION,
    TIMING,
    Gateway,
    chain,
    container,
    gateway,
    scripted_chain,
    scripted_container,
)
from tests.support.serving import NO_BUNDLE

from magisystem.application import open_application
from magisystem.client import MagiClient
from magisystem.config import read_configuration
from magisystem.gateway.asks import read_ask
from magisystem.gateway.calls import Call
from magisystem.gateway.patience import Timing
from magisystem.gateway.runtime import RuntimeStream
from magisystem.http.app import create_app
from magisystem.identity import Assertions, runtime_session_id
from magisystem.protocol.events import Complete
from magisystem.protocol.sse import KEEP_ALIVE, MAX_FRAME_BYTES, PRELUDE

DEADLINE_S = 30.0
BOTH_WAYS = pytest.mark.parametrize("auth", ["jwt", "sigv4"])


@pytest.fixture
async def bedrock(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncGenerator[StandInBedrock]:
    leave_aws_bare(monkeypatch, tmp_path)
    async with StandInBedrock() as standing_in:
        lead_aws_to(standing_in, monkeypatch)
        yield standing_in


@pytest.fixture
async def chained() -> AsyncGenerator[Gateway]:
    async with scripted_chain() as served:
        yield served


def frames(body: bytes) -> list[bytes]:
    return [frame for frame in body.split(b"\n\n") if frame.startswith(b"id: ")]


def deliberation_id(body: bytes) -> str:
    return json.loads(frames(body)[0].partition(b"data: ")[2])["deliberationId"]


async def log_of(served: Gateway, which: str) -> list[bytes]:
    """Give a deliberation's frames as the server itself sends them."""
    first = served.agentcore.calls[0]
    call = Call("local", None, first.headers[SESSION], {})
    ask = read_ask(json.dumps({"action": "resume", "deliberationId": which}).encode(), Headers())
    stream = await served.opened.runtime.invoke(call, ask.body(), is_streamed=True)
    assert isinstance(stream, RuntimeStream)
    received = b""
    while piece := await stream.read():
        received += piece
    stream.close()
    return frames(received)


async def cut(served: Gateway, on_piece: Callable[[], None] = lambda: None, *, key: str = "") -> bytes:
    """Give what comes of a stream whose body is never finished."""
    received = b""
    with pytest.raises(httpx2.RemoteProtocolError):  # noqa: PT012 - what came before the cut is what counts
        headers = {"idempotency-key": key} if key else {}
        async with served.http.stream("POST", "/invocations", json={"question": QUESTION}, headers=headers) as answer:
            async for piece in answer.aiter_bytes():
                received += piece
                on_piece()
    return received


async def followed(served: Gateway, timing: Any = None) -> tuple[list[bytes], Sequence[Any]]:
    """Ask by the Python client, which proves by the digest that it has every event; give them, and what it noticed."""
    async with (
        asyncio.timeout(DEADLINE_S),
        MagiClient(served.url, timing=timing) as magi,
        magi.deliberate(QUESTION) as following,
    ):
        bodies = [received.body async for received in following.received()]
    assert following.is_verified is True
    return bodies, following.notices


@BOTH_WAYS
async def test_the_events_are_those_of_the_server_to_the_byte(bedrock: StandInBedrock, auth: str) -> None:
    async with chain(runtime_auth=auth) as served:
        answer = await served.ask()
        assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert (answer.headers["cache-control"], answer.headers["x-accel-buffering"]) == (
            "no-cache, no-transform",
            "no",
        )
        assert answer.content.startswith(PRELUDE)
        assert not any(secret in answer.text for secret in SECRETS)
        assert frames(answer.content) == await log_of(served, deliberation_id(answer.content))
        assert len(frames(answer.content)) > 20
        assert len(bedrock.calls) == 4


@BOTH_WAYS
async def test_the_client_proves_by_the_digest_that_it_has_every_event(bedrock: StandInBedrock, auth: str) -> None:
    async with chain(runtime_auth=auth) as served:
        bodies, notices = await followed(served)
        assert (json.loads(bodies[-1])["type"], notices) == ("complete", ())
        n_before = len(served.agentcore.calls)
        assert n_before == 1


# One after the other: where each stream that the gateway gets breaks.
BROKEN: Mapping[str, Sequence[Break | Refuse | AwsError]] = {
    "before the first event": [Break(0)],
    "after the first event": [Break(1)],
    "within the first frame": [Break(0, beyond=9)],
    "within a frame": [Break(4, beyond=30)],
    "between the two ends of a frame": [Break(4, beyond=1)],
    "within the last frame": [Break(20, beyond=5)],
    "by a clean end": [Break(3, How.CLEAN_END)],
    "by a clean end within a frame": [Break(3, How.CLEAN_END, beyond=40)],
    "by a clean end before the first event": [Break(0, How.CLEAN_END)],
    "by silence": [Break(2, How.SILENCE)],
    "by silence within a frame": [Break(2, How.SILENCE, beyond=12)],
    "again and again": [
        Break(0),
        Break(1, beyond=3),
        Refuse.UNANSWERED,
        Break(0),
        AwsError(424),
        Break(2),
        AwsError(500),
    ],
    "and the session is busy": [Break(2), AwsError(409, "RetryableConflictException"), AwsError(429), AwsError(504)],
    "before it answers": [Refuse.UNANSWERED, Refuse.UNANSWERED],
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
async def test_a_stream_that_breaks_is_nothing_but_a_pause_for_the_client(
    broken: Sequence[Break | Refuse | AwsError],
) -> None:
    timing = Timing(head_s=0.5, back_off_s=0.01, longest_back_off_s=0.05, silence_s=0.6, give_up_s=10, retry_s=10)
    async with scripted_chain(timing=timing) as served:
        served.agentcore.script(*broken)
        bodies, notices = await followed(served)
        calls = served.agentcore.calls
        assert notices == ()
        assert [json.loads(body)["seq"] for body in bodies] == list(range(1, len(bodies) + 1))
        assert len(calls) > len(broken)
        assert len({call.headers[SESSION] for call in calls}) == 1
        assert bodies == [
            frame.partition(b"data: ")[2] for frame in await log_of(served, json.loads(bodies[0])["deliberationId"])
        ]


async def test_a_start_that_broke_before_its_first_event_is_repeated_under_one_key(chained: Gateway) -> None:
    chained.agentcore.script(Break(0), Refuse.UNANSWERED)
    answer = await chained.ask()
    sent = [call.json for call in chained.agentcore.calls]
    assert len(sent) == 3
    assert sent[0] == sent[1] == sent[2]
    assert sent[0]["idempotencyKey"].startswith("gateway-")
    assert frames(answer.content) == await log_of(chained, deliberation_id(answer.content))


async def test_what_broke_after_an_event_is_resumed_in_the_same_runtime_session(chained: Gateway) -> None:
    chained.agentcore.script(Break(3, beyond=10))
    answer = await chained.ask()
    first, second = chained.agentcore.calls
    assert second.json == {"action": "resume", "deliberationId": deliberation_id(answer.content), "after": 3}
    assert (first.path, first.query, first.headers[SESSION]) == (second.path, second.query, second.headers[SESSION])
    assert first.query == "qualifier=DEFAULT"


async def test_a_server_that_restarts_is_nothing_but_a_pause(bedrock: StandInBedrock) -> None:
    bedrock.pace(tokens_per_s=50)

    async def down(scope: Scope, receive: Receive, send: Send) -> None:
        raise ConnectionError

    agentcore = StandInAgentCore()
    async with (
        asyncio.timeout(DEADLINE_S),
        AsyncExitStack() as first,
        gateway(agentcore) as served,
        MagiClient(served.url) as magi,
        magi.deliberate(QUESTION) as following,
    ):
        app = agentcore.container = await first.enter_async_context(container())
        events = [await anext(following) for _ in range(6)]
        agentcore.container = down
        bedrock.pace(tokens_per_s=0)
        app.state.stopping.set()
        await first.aclose()
        await agentcore.called(3)
        configuration = read_configuration(environment={}, platform="agentcore", insecure=True, model="bedrock:a.model")
        async with open_application(configuration) as application:
            agentcore.container = create_app(application, NO_BUNDLE)
            await application.deliberations.recover()
            events += [event async for event in following]
    assert isinstance(events[-1], Complete)
    assert (following.is_verified, following.notices) == (True, ())


async def test_a_runtime_that_is_not_up_yet_is_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    port = free_port()
    agentcore = StandInAgentCore()
    async with scripted_container() as app, gateway(agentcore, endpoint=f"http://127.0.0.1:{port}") as served:
        agentcore.container = app
        asking = asyncio.create_task(served.ask())
        async with asyncio.timeout(DEADLINE_S):
            while "cannot be reached" not in caplog.text:  # noqa: ASYNC110 - a log tells of nothing by itself
                await asyncio.sleep(0.01)
        async with agentcore.serving(port):
            answer = await asking
    assert answer.status_code == 200
    assert json.loads(frames(answer.content)[-1].partition(b"data: ")[2])["type"] == "complete"


async def test_409_and_429_are_waited_out_as_long_as_the_runtime_asks(chained: Gateway) -> None:
    chained.agentcore.script(
        AwsError(409, "RetryableConflictException"),
        AwsError(429, "ThrottlingException", headers={"Retry-After": "1"}),
        Refuse.UNANSWERED,
    )
    began_s = time.monotonic()
    bodies, notices = await followed(chained)
    assert json.loads(bodies[-1])["type"] == "complete"
    assert (notices, len(chained.agentcore.calls)) == ((), 4)
    assert time.monotonic() - began_s >= 1.0


async def test_documents_and_their_refusals_come_through(chained: Gateway) -> None:
    answer = await chained.ask()
    which = deliberation_id(answer.content)
    state = await chained.ask({"action": "get", "deliberationId": which})
    assert (state.status_code, state.json()["complete"]["outcome"]) == (200, "decided")
    page = await chained.ask({"action": "resume", "deliberationId": which, "after": 5, "stream": False})
    assert page.json()["done"] is True
    whole = await chained.ask(headers={"accept": "application/json"})
    assert whole.json()["complete"]["outcome"] == "decided"
    chained.agentcore.passes_headers = True
    begun = await chained.ask(headers={"prefer": "respond-async"})
    chained.agentcore.passes_headers = False
    assert set(begun.json()) == {"deliberationId"}
    assert (begun.status_code, begun.headers["preference-applied"]) == (202, "respond-async")
    told = await chained.ask({"question": QUESTION, "detached": True})
    assert (told.status_code, "preference-applied" in told.headers) == (202, False)
    # There is no path of it here.
    assert "location" not in begun.headers
    missing = await chained.ask({"action": "get", "deliberationId": "none"})
    assert (missing.status_code, missing.json()["code"]) == (404, "deliberation_not_found")
    assert missing.headers["content-type"] == "application/problem+json"
    wrong = await chained.ask({"question": "Why?", "agents": {"gaspard": {}}})
    assert (wrong.status_code, wrong.json()["code"]) == (400, "unknown_agent")


async def test_a_stream_from_the_end_of_a_log_ends_at_once(chained: Gateway) -> None:
    answer = await chained.ask()
    last = len(frames(answer.content))
    again = await chained.ask({"action": "resume", "deliberationId": deliberation_id(answer.content), "after": last})
    assert again.content == PRELUDE
    assert len(chained.agentcore.calls) == 3


async def test_the_key_that_a_client_sends_in_a_header_goes_into_the_body(chained: Gateway) -> None:
    one, other = (
        await chained.ask(headers={"idempotency-key": "k-1"}),
        await chained.ask(headers={"idempotency-key": "k-1"}),
    )
    assert frames(one.content) == frames(other.content)
    assert [call.json["idempotencyKey"] for call in chained.agentcore.calls] == ["k-1", "k-1"]
    refused = await chained.ask(headers={"idempotency-key": "two words"})
    assert (refused.status_code, refused.json()["field"]) == (400, "Idempotency-Key")


async def test_the_deliberations_id_stands_in_the_head_where_the_runtime_says_it(chained: Gateway) -> None:
    chained.agentcore.passes_headers = True
    answer = await chained.ask()
    assert answer.headers["x-magi-deliberation-id"] == deliberation_id(answer.content)
    assert SESSION not in answer.headers


HOSTILE = {
    OWNER: "somebody.else.entirely",
    "x-amzn-bedrock-agentcore-runtime-custom-other": "1",
    "x-amzn-bedrock-agentcore-runtime-user-id": "somebody",
    "x-magi-owner": "somebody",
    "cookie": "session=1",
    "x-forwarded-for": "10.0.0.1",
    "te": "trailers",
    "proxy-authorization": "Basic eDp5",
    "x-amz-security-token": "mine",
    "x-amz-date": "20260101T000000Z",
    "x-amzn-lambda-context": '{"deadline": 1}',
    "x-amzn-trace-id": "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0",
    "baggage": "k=v" * 3000,
}
TRACED = {
    "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "tracestate": "vendor=1",
    "x-amzn-trace-id": "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1",
}


@BOTH_WAYS
async def test_of_a_clients_headers_only_what_is_meant_to_reaches_the_runtime(
    bedrock: StandInBedrock, auth: str
) -> None:
    async with chain(runtime_auth=auth) as served:
        assert (await served.ask({"action": "councils"}, HOSTILE)).status_code == 200
        assert (await served.ask({"action": "councils"}, {**TRACED, "baggage": "k=v"})).status_code == 200
        hostile, traced = (call.headers for call in served.agentcore.calls)
    own = {"host", "user-agent", "content-type", "content-length", "accept", "accept-encoding", SESSION}
    own |= {"authorization", "x-amz-date", "x-amz-security-token", OWNER} if auth == "sigv4" else set()
    assert set(hostile) == own
    assert not set(HOSTILE.values()) & set(hostile.values())
    assert {name: traced[name] for name in TRACED} == TRACED
    assert traced["baggage"] == "k=v"
    if auth == "sigv4":
        assert Assertions(KEY).owner(hostile[OWNER]) == "local"


async def test_a_client_may_have_several_runtime_sessions_and_none_of_them_is_what_it_names(chained: Gateway) -> None:
    for named in ("", "one", "one", "x" * 33):
        await chained.ask({"action": "councils"}, {SESSION: named} if named else {})
    seen = [call.headers[SESSION] for call in chained.agentcore.calls]
    assert seen == [runtime_session_id(KEY, "local", named) for named in ("", "one", "one", "x" * 33)]
    assert len(set(seen)) == 3
    refused = await chained.ask({"action": "councils"}, {SESSION: "x" * 257})
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_request")


async def test_a_bodys_own_session_does_not_choose_where_it_runs(chained: Gateway) -> None:
    for session in ("first", "second"):
        await chained.ask({"question": QUESTION, "sessionId": session})
    assert len({call.headers[SESSION] for call in chained.agentcore.calls}) == 1


PROBE = {"action": "probe", "seconds": 1.0, "intervalMs": 50, "bytes": 16}


async def test_a_probe_of_the_whole_way_is_resumed_on_its_own_schedule(chained: Gateway) -> None:
    chained.agentcore.script(Break(3, beyond=9), Break(2, How.CLEAN_END))
    answer = await chained.ask(PROBE)
    told = [json.loads(frame.partition(b"data: ")[2]) for frame in frames(answer.content)]
    assert [each["seq"] for each in told] == list(range(1, 22))
    assert (told[0]["type"], told[-1]["type"]) == ("probe_start", "probe_end")
    sent = [call.json for call in chained.agentcore.calls]
    began = {**PROBE, "startedAt": told[0]["startedAt"]}
    assert sent == [PROBE, {**began, "after": 3}, {**began, "after": 5}]


async def test_a_probe_from_the_gateway_itself_asks_the_runtime_nothing(chained: Gateway) -> None:
    answer = await chained.http.get("/probe", params={"seconds": 0.2, "intervalMs": 50})
    assert json.loads(frames(answer.content)[-1].partition(b"data: ")[2])["type"] == "probe_end"
    assert chained.agentcore.calls == []


# --- Silence, slowness, leaving -----------------------------------------------------------------------------------


async def test_the_head_comes_within_its_time_and_keep_alives_while_the_runtime_has_not_answered() -> None:
    until = asyncio.Event()
    async with scripted_chain(timing=Timing(head_s=0.05, keep_alive_s=0.05)) as served:
        served.agentcore.script(Late(until))
        received = b""
        async with (
            asyncio.timeout(DEADLINE_S),
            served.http.stream("POST", "/invocations", json={"question": QUESTION}) as answer,
        ):
            assert answer.status_code == 200
            async for piece in answer.aiter_bytes():
                received += piece
                if received.count(KEEP_ALIVE) >= 3:
                    until.set()
        assert received.startswith(PRELUDE + KEEP_ALIVE)
        assert frames(received) == await log_of(served, deliberation_id(received))


async def test_keep_alives_come_between_whole_frames_while_the_runtime_is_silent() -> None:
    async with scripted_chain(timing=Timing(keep_alive_s=0.05)) as served:
        served.agentcore.script(Break(2, How.SILENCE, beyond=11))
        received = b""
        async with (
            asyncio.timeout(DEADLINE_S),
            served.http.stream("POST", "/invocations", json={"question": QUESTION}) as answer,
        ):
            async for piece in answer.aiter_bytes():
                received += piece
                if received.count(KEEP_ALIVE) >= 3:
                    break
        events = received.removeprefix(PRELUDE).replace(KEEP_ALIVE, b"")
        assert len(frames(events)) == 2
        assert b"\n\n".join([*frames(events), b""]) == events


async def test_a_client_that_leaves_closes_the_upstream_and_the_deliberation_goes_on(chained: Gateway) -> None:
    chained.agentcore.script(Break(2, How.SILENCE))
    async with asyncio.timeout(DEADLINE_S):
        async with chained.http.stream("POST", "/invocations", json={"question": QUESTION}) as answer:
            received = b""
            async for piece in answer.aiter_bytes():
                received += piece
                if len(frames(received)) == 2:
                    break
        await (await chained.agentcore.called(1)).left.wait()
        log = await log_of(chained, deliberation_id(received))
    assert json.loads(log[-1].partition(b"data: ")[2])["type"] == "complete"


@pytest.mark.parametrize("body", [{"question": QUESTION}, {"action": "councils"}], ids=["a stream", "a document"])
async def test_a_client_that_leaves_before_the_runtime_answers_closes_the_upstream(
    chained: Gateway, body: dict[str, str]
) -> None:
    chained.agentcore.script(Late(asyncio.Event()))
    asking = asyncio.create_task(chained.ask(body))
    async with asyncio.timeout(DEADLINE_S):
        call = await chained.agentcore.called(1)
        asking.cancel()
        await call.left.wait()


async def test_a_slow_reader_holds_back_its_own_upstream_and_gets_every_frame() -> None:
    n_frames, filling = 700, "x" * 64_000
    is_held_back = asyncio.Event()
    n_sent = 0

    async def flood(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal n_sent
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
        for seq in range(1, n_frames + 1):
            kind = "complete" if seq == n_frames else "chunk"
            frame = f'id: {seq}\ndata: {{"type":"{kind}","seq":{seq},"content":"{filling}"}}\n\n'.encode()
            sending = asyncio.ensure_future(send({"type": "http.response.body", "body": frame, "more_body": True}))
            if not (await asyncio.wait({sending}, timeout=1.0))[0]:
                is_held_back.set()
            await sending
            n_sent = seq
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async with gateway(StandInAgentCore(flood)) as served, asyncio.timeout(DEADLINE_S):
        async with served.http.stream("POST", "/invocations", json={"question": QUESTION}) as answer:
            await is_held_back.wait()
            # What is under way lies in the sockets' buffers, which the kernel lets grow to some megabytes each.
            assert n_sent < n_frames // 2
            received = b"".join([piece async for piece in answer.aiter_bytes()])
        assert len(frames(received)) == n_frames


# --- Ends ---------------------------------------------------------------------------------------------------------


async def test_what_cannot_be_gone_on_with_is_aborted_and_never_ended(chained: Gateway) -> None:
    chained.agentcore.script(Break(3), AwsError(404, "ResourceNotFoundException"))
    received = await cut(chained)
    assert len(frames(received)) == 3
    assert received.endswith(b": cannot go on (runtime_not_found)\n\n")


async def test_a_stream_that_breaks_without_end_is_given_up() -> None:
    async with scripted_chain(timing=Timing(back_off_s=0.01, longest_back_off_s=0.01, give_up_s=0.3)) as served:
        served.agentcore.script(Break(3), *[Break(0)] * 1000)
        with pytest.raises(httpx2.RemoteProtocolError):
            await served.ask()
        assert 3 < len(served.agentcore.calls) < 1000


async def test_a_refusal_after_the_head_is_told_with_its_status_to_who_comes_back() -> None:
    until = asyncio.Event()
    async with scripted_chain(timing=Timing(head_s=0.05)) as served:
        served.agentcore.script(Late(until, AwsError(404, "ResourceNotFoundException")))
        received = await cut(served, until.set, key="k-1")
        assert received == PRELUDE + b": cannot go on (runtime_not_found)\n\n"
        told = await served.ask(headers={"idempotency-key": "k-1"})
        assert (told.status_code, told.json()["code"], len(served.agentcore.calls)) == (502, "runtime_not_found", 1)
        assert (await served.ask(headers={"idempotency-key": "k-1"})).status_code == 200


async def test_a_late_refusal_does_not_reach_who_asks_for_the_first_time() -> None:
    until = asyncio.Event()
    async with scripted_chain(timing=Timing(head_s=0.05)) as served:
        served.agentcore.script(Late(until, AwsError(404, "ResourceNotFoundException")))
        await cut(served, until.set)
        assert (await served.ask()).status_code == 200


UNREADABLE = {
    "nothing": b"",
    "comments alone": PRELUDE,
    "a frame without end": b"id: 1\ndata: " + b"x" * (MAX_FRAME_BYTES + 1),
    "what is no event": b'event: error\ndata: {"message": "no"}\n\n',
}


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE)
async def test_streams_that_bring_nothing_readable_are_given_up_soon_and_for_that_reason(
    body: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    timing = Timing(back_off_s=0.01, longest_back_off_s=0.01, unreadable_streams=3)
    async with scripted_chain(timing=timing) as served, asyncio.timeout(DEADLINE_S):
        served.agentcore.script(*[Answer(body, "text/event-stream")] * 1000)
        received = await cut(served, key="k-1")
        assert received == PRELUDE + b": cannot go on (runtime_unreadable)\n\n"
        assert len(served.agentcore.calls) == 3
        assert caplog.text.count("nothing readable") == 3
        told = await served.ask(headers={"idempotency-key": "k-1"})
        assert (told.status_code, told.json()["code"], len(served.agentcore.calls)) == (502, "runtime_unreadable", 3)


async def test_who_resumes_where_a_stream_could_not_be_gone_on_with_is_told_why() -> None:
    timing = Timing(back_off_s=0.01, longest_back_off_s=0.01, unreadable_streams=3)
    async with scripted_chain(timing=timing) as served:
        served.agentcore.script(Break(3), *[Answer(UNREADABLE["what is no event"], "text/event-stream")] * 3)
        received = await cut(served)
        resume = {"action": "resume", "deliberationId": deliberation_id(received), "after": 3}
        told = await served.ask(resume)
        assert (told.status_code, told.json()["code"], len(served.agentcore.calls)) == (502, "runtime_unreadable", 4)
        rest = await served.ask(resume)
        assert frames(received) + frames(rest.content) == await log_of(served, deliberation_id(received))


async def test_the_client_hears_of_a_late_refusal_what_it_is() -> None:
    until = asyncio.Event()
    problem = b'{"status":400,"code":"unknown_agent","detail":"There is none.","retryable":false}'
    async with scripted_chain(timing=Timing(head_s=0)) as served, MagiClient(served.url) as magi:
        served.agentcore.script(Late(until, Answer(problem, "application/problem+json")))
        following = magi.deliberate(QUESTION)
        waiting = asyncio.ensure_future(anext(following))
        async with asyncio.timeout(DEADLINE_S):
            await served.agentcore.called(1)
            until.set()
            with pytest.raises(Exception, match="There is none") as refused:
                await waiting
        assert getattr(refused.value, "refusal", "") == "unknown_agent"


async def test_before_lambdas_deadline_the_body_ends_whole_and_the_client_resumes() -> None:
    timing = Timing(head_s=5.0, spare_s=1.0)
    async with scripted_chain(timing=timing, platform="lambda", insecure="true") as served:
        served.agentcore.script(Break(2, How.SILENCE, beyond=20))
        context = json.dumps({"request_id": "r", "deadline": int((time.time() + 2.5) * 1000)})
        answer = await served.ask(headers={"x-amzn-lambda-context": context})
        assert len(frames(answer.content)) == 2
        assert answer.content.endswith(b"resume from the last id\n\n")
        which = deliberation_id(answer.content)
        rest = await served.ask({"action": "resume", "deliberationId": which, "after": 2})
        assert frames(answer.content) + frames(rest.content) == await log_of(served, which)


async def test_a_document_that_lambda_would_cut_is_refused_in_time() -> None:
    async with scripted_chain(timing=TIMING, platform="lambda", insecure="true") as served:
        served.agentcore.script(Late(asyncio.Event()))
        context = json.dumps({"deadline": int((time.time() + 0.6) * 1000)})
        answer = await served.ask({"action": "councils"}, {"x-amzn-lambda-context": context})
        assert (answer.status_code, answer.json()["code"]) == (504, "runtime_late")


async def test_a_gateway_that_stops_aborts_its_streams(chained: Gateway, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)
    chained.agentcore.script(Break(2, How.SILENCE))
    assert len(frames(await cut(chained, chained.stop))) <= 2
