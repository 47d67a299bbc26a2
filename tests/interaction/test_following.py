"""Every way of reading shows the same events, however the reader comes, goes and comes back."""

import asyncio
import json
import socket
from collections.abc import AsyncGenerator
from pathlib import Path

import httpx2
import pytest
from tests.interaction.test_http import hanging
from tests.support.serving import Server, scripted_server

from magisystem.deliberation.ports import Repeated
from magisystem.logs.sqlite import SqliteEventLog
from magisystem.protocol.sse import FrameDecoder
from magisystem.testing.event_log import records
from magisystem.testing.scripted import Script, ScriptedModel, Wait, approval, speech

QUESTION = {"question": "Should we move the billing service to Rust?"}
JSON = {"accept": "application/json"}


@pytest.fixture
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Server]:
    folder = tmp_path_factory.mktemp("log")
    async with SqliteEventLog.open(folder) as log, scripted_server(ScriptedModel(), log=log) as running:
        yield running


def bodies(content: bytes) -> list[str]:
    return [frame.data for frame in FrameDecoder().feed(content)]


async def ended(server: Server) -> tuple[str, list[str]]:
    """Run a deliberation to its end; give its id and its events."""
    answer = await server.http.post("/invocations", json=QUESTION)
    return answer.headers["x-magi-deliberation-id"], bodies(answer.content)


async def cut_after(http: httpx2.AsyncClient, path: str, after: int, n: int) -> list[str]:
    """Follow from ``after`` until ``n`` events have come, then drop the connection."""
    seen: list[str] = []
    decoder = FrameDecoder()
    async with http.stream("GET", path, params={"after": str(after)}) as answer:
        async for piece in answer.aiter_bytes():
            seen += [frame.data for frame in decoder.feed(piece)]
            if len(seen) >= n:
                break
    return seen[:n]


async def test_cut_at_every_event_in_turn_the_resumed_whole_is_the_log(server: Server) -> None:
    deliberation_id, whole = await ended(server)
    path = f"/deliberations/{deliberation_id}/events"
    n_speeches = len(server.model.speeches)
    for n in range(1, len(whole)):
        before = await cut_after(server.http, path, 0, n)
        rest = bodies((await server.http.get(path, headers={"last-event-id": str(n)})).content)
        assert before + rest == whole
    assert len(server.model.speeches) == n_speeches


async def test_stream_replay_resume_and_poll_show_the_same_bytes(server: Server) -> None:
    deliberation_id, streamed = await ended(server)
    path = f"/deliberations/{deliberation_id}/events"
    replayed = bodies((await server.http.get(path)).content)
    action = {"action": "resume", "deliberationId": deliberation_id}
    resumed = bodies((await server.http.post("/invocations", json=action)).content)
    polled = (await server.http.get(path, headers=JSON)).text
    assert streamed == replayed == resumed
    assert polled == f'{{"events":[{",".join(streamed)}],"cursor":{len(streamed)},"done":true}}'


async def test_polling_waits_for_what_is_not_there_yet_and_no_longer_than_asked() -> None:
    until = asyncio.Event()
    script: Script = lambda brief: [*speech("I think. "), Wait(until.wait), *approval(brief)]  # noqa: E731
    async with scripted_server(ScriptedModel({"caspar": [script]})) as server:
        async with server.http.stream("POST", "/invocations", json=QUESTION) as answer:
            deliberation_id = answer.headers["x-magi-deliberation-id"]
        path = f"/deliberations/{deliberation_id}/events"
        cursor, seen = 0, list[int]()
        while True:
            page = (await server.http.get(path, params={"after": cursor, "wait": 0.05}, headers=JSON)).json()
            seen += [event["seq"] for event in page["events"]]
            cursor = page["cursor"]
            if not page["events"]:
                break
        assert page == {"events": [], "cursor": cursor, "done": False}
        waiting = asyncio.create_task(server.http.get(path, params={"after": cursor, "wait": 20}, headers=JSON))
        until.set()
        while not page["done"]:
            page = (await waiting).json()
            assert page["events"]
            seen += [event["seq"] for event in page["events"]]
            waiting = asyncio.create_task(
                server.http.get(path, params={"after": page["cursor"], "wait": 20}, headers=JSON)
            )
        assert (await waiting).json()["done"]
        assert seen == list(range(1, len(seen) + 1))


@pytest.mark.parametrize("wait", ["26", "-1", "soon", "nan", "inf"])
async def test_a_wait_out_of_range_is_refused(server: Server, wait: str) -> None:
    deliberation_id, _ = await ended(server)
    answer = await server.http.get(f"/deliberations/{deliberation_id}/events", params={"wait": wait}, headers=JSON)
    assert (answer.status_code, answer.json()["field"]) == (400, "wait")


async def test_a_repeated_start_attaches_and_runs_nothing_twice(server: Server) -> None:
    by_header = await server.http.post("/invocations", json=QUESTION, headers={"idempotency-key": "a-key"})
    by_field = await server.http.post("/invocations", json={**QUESTION, "idempotencyKey": "a-key"})
    assert bodies(by_header.content) == bodies(by_field.content)
    assert len(server.model.speeches) == 4


async def test_the_same_key_with_another_question_is_a_conflict(server: Server) -> None:
    await server.http.post("/invocations", json=QUESTION, headers={"idempotency-key": "a-key"})
    other = await server.http.post("/invocations", json={"question": "And?"}, headers={"idempotency-key": "a-key"})
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_conflict")


@pytest.mark.parametrize("key", ["", " ", "a b", "ü", "x" * 256])
async def test_a_key_that_is_none_is_refused(server: Server, key: str) -> None:
    answer = await server.http.post("/invocations", json={**QUESTION, "idempotencyKey": key})
    assert (answer.status_code, answer.json()["field"]) == (400, "idempotencyKey")


async def test_a_deleted_deliberation_is_gone_for_everybody(server: Server) -> None:
    deliberation_id, _ = await ended(server)
    path = f"/deliberations/{deliberation_id}"
    assert (await server.http.delete(path)).status_code == 204
    for answer in (
        await server.http.get(path),
        await server.http.get(f"{path}/events"),
        await server.http.delete(path),
        await server.http.post("/invocations", json={"action": "resume", "deliberationId": deliberation_id}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "deliberation_not_found")


async def test_deleting_what_runs_stops_it_first() -> None:
    never = asyncio.Event()
    script: Script = lambda _: [*speech("I think. "), Wait(never.wait)]  # noqa: E731
    async with scripted_server(ScriptedModel({"caspar": [script]})) as server:
        async with server.http.stream("POST", "/invocations", json=QUESTION) as answer:
            deliberation_id = answer.headers["x-magi-deliberation-id"]
        answer = await server.http.post("/invocations", json={"action": "delete", "deliberationId": deliberation_id})
        assert answer.status_code == 204
        assert (server.model.n_open, server.deliberations.n_running) == (0, 0)


async def test_a_thousand_followers_each_get_every_event() -> None:
    until = asyncio.Event()
    script: Script = lambda brief: [*speech(*(["word "] * 20)), Wait(until.wait), *approval(brief)]  # noqa: E731
    model = ScriptedModel({"caspar": [script]})
    async with scripted_server(model) as server:
        async with server.http.stream("POST", "/invocations", json=QUESTION) as answer:
            deliberation_id = answer.headers["x-magi-deliberation-id"]
        limits = httpx2.Limits(max_connections=None)
        async with httpx2.AsyncClient(base_url=server.url, timeout=50, limits=limits) as many:
            n_begun = 0
            all_begun = asyncio.Event()

            async def follow() -> list[int]:
                nonlocal n_begun
                decoder, seen = FrameDecoder(), list[int]()
                async with many.stream("GET", f"/deliberations/{deliberation_id}/events") as answer:
                    async for piece in answer.aiter_bytes():
                        if not seen:
                            n_begun += 1
                            if n_begun == 1_000:
                                all_begun.set()
                        seen += [json.loads(frame.data)["seq"] for frame in decoder.feed(piece)]
                return seen

            followers = [asyncio.create_task(follow()) for _ in range(1_000)]
            await all_begun.wait()
            until.set()
            sequences = await asyncio.gather(*followers)
    whole = list(range(1, len(sequences[0]) + 1))
    assert all(seen == whole for seen in sequences)


async def test_a_reader_that_reads_nothing_stops_nobody_and_loses_nothing() -> None:
    text = "A sentence of some length that fills the buffers on the way. " * 8_000
    model = ScriptedModel({"caspar": [lambda brief: [*speech(text), *approval(brief)]]})
    async with scripted_server(model) as server:
        address = httpx2.URL(server.url)
        idle = socket.socket()
        # A small window, so that what is not read stays with the server, as it does for a reader far away.
        idle.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        idle.settimeout(0)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(idle, (address.host, address.port))
        body = json.dumps(QUESTION).encode()
        head = ("POST /invocations HTTP/1.0", "host: localhost", "content-type: application/json")
        head = "\r\n".join((*head, f"content-length: {len(body)}", "", ""))
        await loop.sock_sendall(idle, head.encode() + body)
        first = await loop.sock_recv(idle, 2_048)
        deliberation_id = first.split(b"x-magi-deliberation-id: ")[1].split(b"\r\n")[0].decode()
        brisk = bodies((await server.http.get(f"/deliberations/{deliberation_id}/events")).content)
        assert json.loads(brisk[-1])["type"] == "complete"
        received = first
        while piece := await loop.sock_recv(idle, 65_536):
            received += piece
        idle.close()
        assert bodies(received.split(b"\r\n\r\n", 1)[1]) == brisk


async def test_ten_thousand_events_are_replayed_whole(tmp_path: Path) -> None:
    async with SqliteEventLog.open(tmp_path) as log:
        writer = await log.create("long", "local")
        assert not isinstance(writer, Repeated)
        await writer.append(records(1, 10_000, ends=True))
        async with scripted_server(ScriptedModel(), log=log) as server:
            answer = await server.http.get("/deliberations/long/events")
    assert [json.loads(body)["seq"] for body in bodies(answer.content)] == list(range(1, 10_001))


async def test_the_head_of_a_stream_leaves_its_connection_to_the_next_request() -> None:
    async with scripted_server(ScriptedModel(hanging(asyncio.Event()))) as server:
        begun = await server.http.post("/invocations", json={**QUESTION, "detached": True})
        limits = httpx2.Limits(max_connections=1)
        async with httpx2.AsyncClient(base_url=server.url, timeout=10, limits=limits) as http:
            head = await http.head(f"{begun.headers['location']}/events")
            assert head.headers["content-type"].startswith("text/event-stream")
            assert (await http.get("/ping")).status_code == 200
