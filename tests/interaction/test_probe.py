"""The probe stream as a reader gets it: by a GET, as an action, as a poll, over a socket, and cut in the middle."""

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Message
from tests.support.serving import Server, listening, scripted_server
from websockets.asyncio.client import connect

from magisystem.errors import MagiError
from magisystem.http.probe import ProbeLimits, Probes, TooManyProbes
from magisystem.http.problems import answer_error
from magisystem.http.streaming import Stopping
from magisystem.http.unwinding import Unwinding
from magisystem.protocol.probe import Frame, Probe, ProbeEnded, ProbeStarted, read_frame
from magisystem.protocol.sse import KEEP_ALIVE, FrameDecoder
from magisystem.testing.scripted import ScriptedModel

QUICK = {"seconds": 0.2, "intervalMs": 20}
# As long as one may be: nobody waits for its end.
LONG = {"seconds": 300, "intervalMs": 10}
DEADLINE_S = 20.0

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server() -> AsyncGenerator[Server]:
    async with scripted_server(ScriptedModel()) as served:
        yield served


def frames_of(body: bytes) -> list[Frame]:
    frames = list(FrameDecoder().feed(body))
    read = [read_frame(frame.data) for frame in frames]
    assert [frame.id for frame in frames] == [str(frame.seq) for frame in read]
    return read


async def test_a_probe_streams_its_frames_in_the_head_and_form_of_a_deliberation(server: Server) -> None:
    answer = await server.http.get("/probe", params=QUICK, headers={"authorization": "Bearer x.y.z", "cookie": "a=b"})
    deliberation = await server.http.post("/invocations", json={"question": "Should we?"})
    for name in ("content-type", "cache-control", "x-accel-buffering"):
        assert answer.headers[name] == deliberation.headers[name]
    assert answer.content.split(b"\n\n")[0] == deliberation.content.split(b"\n\n")[0]
    first, *rest, last = frames_of(answer.content)
    assert isinstance(first, ProbeStarted)
    assert isinstance(last, ProbeEnded)
    assert [frame.seq for frame in (first, *rest, last)] == list(range(1, 12))
    assert [one.sent_at <= other.sent_at for one, other in pairwise(rest)] == [True] * 8
    assert last.sent_at - first.started_at >= 200
    assert (first.platform, first.headers["authorization"], first.headers["cookie"]) == ("local", True, True)
    assert "x.y.z" not in answer.text


async def test_keep_alives_come_while_there_is_nothing_to_send(server: Server) -> None:
    answer = await server.http.get("/probe", params={"seconds": 0.4, "quietMs": 400, "keepAliveMs": 100})
    assert [frame.seq for frame in frames_of(answer.content)] == [1, 2]
    assert answer.content.count(KEEP_ALIVE) in {3, 4}


@pytest.mark.parametrize(
    "resumed",
    [
        {"params": QUICK | {"after": 4}},
        {"params": QUICK, "headers": {"last-event-id": "4"}},
        {"params": QUICK | {"after": 1, "startedAt": 1}, "headers": {"last-event-id": "4"}},
    ],
)
async def test_a_probe_goes_on_behind_the_last_frame_received(server: Server, resumed: Any) -> None:
    rest = frames_of((await server.http.get("/probe", **resumed)).content)
    assert [frame.seq for frame in rest] == list(range(5, 12))


async def test_a_probe_goes_on_at_another_server_on_its_own_schedule(server: Server) -> None:
    async with scripted_server(ScriptedModel()) as other:
        first = frames_of((await server.http.get("/probe", params=QUICK)).content)[0]
        assert isinstance(first, ProbeStarted)
        body = {"action": "probe", **QUICK, "after": 3, "startedAt": first.started_at}
        rest = frames_of((await other.http.post("/invocations", json=body)).content)
    assert [frame.seq for frame in rest] == list(range(4, 12))
    # All of it was due already: none of it waited.
    assert rest[-1].sent_at - rest[0].sent_at < 200


async def test_a_probe_is_read_by_long_polls_to_its_end(server: Server) -> None:
    cursor, seen, is_done, started_at = 0, list[int](), False, None
    async with asyncio.timeout(DEADLINE_S):
        while not is_done:
            body = {"action": "probe", **QUICK, "after": cursor, "startedAt": started_at, "stream": False, "wait": 5}
            page = (await server.http.post("/invocations", json=body)).json()
            assert page["events"]
            started_at = started_at or page["events"][0]["startedAt"]
            seen += [event["seq"] for event in page["events"]]
            cursor, is_done = page["cursor"], page["done"]
    assert seen == list(range(1, 12))


async def test_a_poll_that_may_not_wait_answers_at_once(server: Server) -> None:
    by_query = (await server.http.get("/probe", params=LONG | {"wait": 0})).json()
    by_accept = (await server.http.get("/probe", params=LONG, headers={"accept": "application/json"})).json()
    for page in (by_query, by_accept):
        assert ([event["type"] for event in page["events"]], page["cursor"], page["done"]) == (
            ["probe_start"],
            1,
            False,
        )
    nothing = (await server.http.get("/probe", params={"intervalMs": 10_000, "after": 1, "wait": 0})).json()
    assert nothing == {"events": [], "cursor": 1, "done": False}


@pytest.mark.parametrize(
    ("query", "faults"),
    [
        ({"seconds": "soon"}, ["seconds"]),
        ({"seconds": "nan"}, ["seconds"]),
        ({"seconds": "301"}, ["seconds"]),
        ({"intervalMs": "1.5", "bytes": "-1"}, ["intervalMs", "bytes"]),
        ({"wait": "26"}, ["wait"]),
        ({"speed": "1"}, ["speed"]),
        ({"after": "9999"}, ["after"]),
    ],
)
async def test_what_is_wrong_with_a_query_is_named(server: Server, query: dict[str, str], faults: list[str]) -> None:
    problem = (await server.http.get("/probe", params=query)).json()
    assert (problem["status"], problem["code"]) == (400, "invalid_request")
    assert [fault["field"] for fault in problem.get("faults", [problem])] == faults
    assert all(f"`{name}`" in str(problem) for name in faults)


@pytest.mark.parametrize(
    ("fields", "fault"),
    [({"seconds": 301}, "seconds"), ({"quietMs": 99_000}, "quietMs"), ({"bytes": "1"}, "bytes"), ({"a": 1}, "a")],
)
async def test_what_is_wrong_with_the_action_is_named(server: Server, fields: dict[str, Any], fault: str) -> None:
    problem = (await server.http.post("/invocations", json={"action": "probe", **fields})).json()
    assert (problem["status"], problem["field"]) == (400, fault)


async def test_a_cursor_that_a_header_says_wrongly_is_named_after_the_header(server: Server) -> None:
    problem = (await server.http.get("/probe", headers={"last-event-id": "x"})).json()
    assert (problem["status"], problem["field"]) == (400, "Last-Event-ID")


@dataclass(frozen=True)
class Alone:
    """The probes of a process without anything else, as the gateway mounts them."""

    http: httpx2.AsyncClient
    stopping: Stopping


@asynccontextmanager
async def alone(limits: ProbeLimits, made_of: type[Starlette] = Starlette) -> AsyncGenerator[Alone]:
    stopping = Stopping()
    probes = Probes(stopping, platform="lambda", version="1", limits=limits)

    async def probe(request: Request) -> Response:
        return await probes.get(request, request.headers.get("x-owner", "one"))

    app = made_of(routes=[Route("/probe", probe)], exception_handlers={MagiError: answer_error})
    async with listening(app) as url, httpx2.AsyncClient(base_url=url, timeout=DEADLINE_S) as http:
        yield Alone(http, stopping)


@pytest.mark.parametrize("made_of", [Starlette, Unwinding])
async def test_beyond_its_number_a_probe_is_refused_until_one_has_ended(made_of: type[Starlette]) -> None:
    async with alone(ProbeLimits(an_owner=1, a_process=2), made_of) as server:
        async with server.http.stream("GET", "/probe", params=LONG) as first:
            first_pieces = first.aiter_bytes()
            await anext(first_pieces)
            refused = await server.http.get("/probe", params=QUICK)
            assert (refused.status_code, refused.json()["code"]) == (429, "too_many_probes")
            # Without the time that a reader who is slow may take beyond it.
            assert 290 <= int(refused.headers["retry-after"]) == refused.json()["retryAfter"] <= 300
            async with server.http.stream("GET", "/probe", params=LONG, headers={"x-owner": "two"}) as second:
                second_pieces = second.aiter_bytes()
                await anext(second_pieces)
                third = await server.http.get("/probe", params=QUICK, headers={"x-owner": "three"})
                assert third.status_code == 429
        async with asyncio.timeout(DEADLINE_S):
            while (await server.http.get("/probe", params=QUICK)).status_code == 429:
                pass  # the server hears of a reader that has left a moment later


async def test_a_place_is_free_when_the_body_ends_and_not_a_moment_later() -> None:
    probes = Probes(Stopping(), platform="lambda", version="1", limits=ProbeLimits(an_owner=1))
    probe = Probe(seconds=0.1, interval_ms=50)
    is_free_at_the_end: list[bool] = []

    async def receive() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Message) -> None:
        if message["type"] == "http.response.body":
            try:
                with probes.place("one", probe):
                    is_free_at_the_end.append(True)
            except TooManyProbes:
                is_free_at_the_end.append(False)

    answer = await probes.answer(probe, "one", Headers())
    await answer({"type": "http", "method": "GET"}, receive, send)
    assert (is_free_at_the_end[0], is_free_at_the_end[-1]) == (False, True)


async def test_a_place_is_given_back_where_not_even_the_head_can_be_sent() -> None:
    probes = Probes(Stopping(), platform="lambda", version="1", limits=ProbeLimits(an_owner=1))

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(_: Message) -> None:
        raise OSError("the reader has left")

    answer = await probes.answer(Probe(), "one", Headers())
    with pytest.raises(OSError, match="left"):
        await answer({"type": "http", "method": "GET"}, receive, send)
    with probes.place("one", Probe()):
        pass


async def test_a_probe_that_goes_on_keeps_others_waiting_no_longer_than_it_still_lasts() -> None:
    probes = Probes(Stopping(), platform="lambda", version="1", limits=ProbeLimits(an_owner=1))
    began_ms = int(time.time() * 1000) - 280_000
    with (
        probes.place("one", Probe(seconds=300, after=10, started_at=began_ms)),
        pytest.raises(TooManyProbes) as refused,
    ):
        probes.place("one", Probe()).__enter__()
    assert 15 <= refused.value.retry_after_s <= 20


async def test_a_poll_gives_its_place_back() -> None:
    async with alone(ProbeLimits(an_owner=1)) as server:
        for _ in range(3):
            assert (await server.http.get("/probe", params=QUICK | {"wait": 0})).status_code == 200
        for _ in range(2):
            assert (await server.http.get("/probe", params=QUICK | {"after": 99})).status_code == 400


async def test_a_server_that_stops_aborts_a_probe() -> None:
    async with alone(ProbeLimits()) as server, server.http.stream("GET", "/probe", params=LONG) as answer:
        pieces = answer.aiter_bytes()
        await anext(pieces)
        server.stopping.set()
        async with asyncio.timeout(DEADLINE_S):
            with pytest.raises(httpx2.RemoteProtocolError):
                await anext(piece async for piece in pieces if b"probe_end" in piece)


async def said(url: str, *requests: dict[str, Any]) -> list[dict[str, Any]]:
    async with connect(f"{url.replace('http', 'ws')}/ws") as socket, asyncio.timeout(DEADLINE_S):
        for request in requests:
            await socket.send(json.dumps(request))
        heard: list[dict[str, Any]] = []
        async for message in socket:
            heard.append(json.loads(message))
            if heard[-1]["type"] in {"probe_end", "error"}:
                return heard
    raise AssertionError("the socket was closed")


async def test_a_socket_carries_a_probe(server: Server) -> None:
    heard = await said(server.url, {"action": "probe", **QUICK, "requestId": 'a"b'})
    assert kinds(heard) == ["probe_start", *["probe"] * 9, "probe_end"]
    assert [message["seq"] for message in heard] == list(range(1, 12))
    assert {message["requestId"] for message in heard} == {'a"b'}


@pytest.mark.parametrize("wrong", [{"stream": False}, {"seconds": 0}, {"after": 999}])
async def test_a_socket_says_what_is_wrong_with_a_probe(server: Server, wrong: dict[str, Any]) -> None:
    (heard,) = await said(server.url, {"action": "probe", **wrong, "requestId": "r"})
    assert (heard["type"], heard["error"]["field"], heard["requestId"]) == ("error", next(iter(wrong)), "r")


async def test_a_frame_too_long_for_a_message_comes_in_parts(server: Server) -> None:
    heard = await said(server.url, {"action": "probe", **QUICK, "intervalMs": 100, "bytes": 40_000})
    assert kinds(heard) == ["probe_start", "part", "part", "probe_end"]


def kinds(heard: Sequence[dict[str, Any]]) -> list[str]:
    return [message["type"] for message in heard]


async def test_the_documentation_has_the_probe(server: Server) -> None:
    document = (await server.http.get("/openapi.json")).json()
    probe = document["paths"]["/probe"]
    names = {parameter["name"] for parameter in probe["parameters"]}
    assert names == {
        *("seconds", "intervalMs", "bytes", "quietMs", "keepAliveMs", "startedAt"),
        *("after", "Last-Event-ID", "wait"),
    }
    assert set(probe["get"]["responses"]) >= {"200", "400", "429"}
    schemas = document["components"]["schemas"]
    for part in schemas["ProbeFrame"]["oneOf"]:
        assert schemas[part["$ref"].rpartition("/")[2]]["properties"]["sentAt"]["type"] == "integer"
    assert "ProbeRequest" in schemas
