"""Several processes on one port: whichever of them a request reaches, the answer is the same."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from tests.support.cli import magi
from tests.support.workers import DEADLINE_S, Workers, gone, locks_in, serving_together

from magisystem.config import read_configuration
from magisystem.errors import SettingsInvalid
from magisystem.http.workers import serve_together
from magisystem.logs import SqliteEventLog
from magisystem.protocol.codec import decode
from magisystem.protocol.events import AgentStart, AnyEvent, Complete
from magisystem.protocol.sse import FrameDecoder

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(sys.platform != "linux", reason="the kernel spreads connections on Linux alone"),
]

# Slow enough for a deliberation to be met while it runs.
SETTINGS = {"MAGI_EMBEDDED_TOKENS_PER_S": "400", "MAGI_OWNER_RUNNING": "3"}
QUESTION = {"question": "Should we move the billing service to Rust?"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def workers(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Workers]:
    async with serving_together(tmp_path_factory.mktemp("workers"), SETTINGS) as workers:
        yield workers


@pytest_asyncio.fixture(loop_scope="module")
async def here(workers: Workers) -> AsyncGenerator[httpx2.AsyncClient]:
    """A client of one worker."""
    async with workers.client_of(workers.pids[0]) as client:
        yield client


@pytest_asyncio.fixture(loop_scope="module")
async def there(workers: Workers) -> AsyncGenerator[httpx2.AsyncClient]:
    """A client of the other one."""
    async with workers.client_of(workers.pids[1]) as client:
        yield client


async def begun(http: httpx2.AsyncClient, **more: Any) -> str:
    """Begin a deliberation and give its path."""
    answer = await http.post("/invocations", json={**QUESTION, **more, "detached": True})
    assert answer.status_code == 202, answer.text
    return answer.headers["location"]


async def followed(http: httpx2.AsyncClient, path: str) -> list[str]:
    """Follow to the end and give each event's JSON."""
    async with asyncio.timeout(DEADLINE_S):
        answer = await http.get(f"{path}/events")
    return [frame.data for frame in FrameDecoder().feed(answer.content)]


async def polled(http: httpx2.AsyncClient, path: str) -> list[dict[str, Any]]:
    """Long-poll to the end and give the events."""
    events: list[dict[str, Any]] = []
    async with asyncio.timeout(DEADLINE_S):
        while True:
            params = {"after": len(events), "wait": 20}
            page = (await http.get(f"{path}/events", params=params, headers={"accept": "application/json"})).json()
            events += page["events"]
            if page["done"]:
                return events


async def cancelled(http: httpx2.AsyncClient, path: str) -> None:
    answer = await http.post(f"{path}/cancel")
    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled"), answer.text


async def test_the_address_is_said_once_when_all_listen(workers: Workers) -> None:
    assert workers.said.startswith("MAGISystem listens on http://localhost:")
    assert len(workers.pids) == 2
    for pid in workers.pids:
        async with workers.client_of(pid) as client:
            assert (await client.get("/ping")).json()["status"] == "healthy"


async def test_every_worker_streams_and_polls_the_same_events(
    workers: Workers, here: httpx2.AsyncClient, there: httpx2.AsyncClient
) -> None:
    path = await begun(here)
    async with workers.client_of(workers.pids[1]) as another:
        first, second, events = await asyncio.gather(followed(here, path), followed(there, path), polled(another, path))
    assert first == second
    assert [json.loads(each) for each in first] == events
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert events[-1]["type"] == "complete"
    states = [(await http.get(path)).json() for http in (here, there)]
    assert states[0] == states[1]


async def test_what_begins_and_ends_at_one_worker_is_listed_by_the_other_at_once(
    here: httpx2.AsyncClient, there: httpx2.AsyncClient
) -> None:
    path = await begun(here)
    deliberation_id = path.rpartition("/")[2]

    async def listed() -> dict[str, Any]:
        return (await there.get("/deliberations")).json()["items"][0]

    assert (listing := await listed())["deliberationId"] == deliberation_id
    assert listing["status"] == "running"
    await cancelled(here, path)
    assert (listing := await listed())["deliberationId"] == deliberation_id
    assert listing["status"] == "cancelled"


async def test_what_one_worker_runs_the_other_cancels_and_deletes(
    workers: Workers, here: httpx2.AsyncClient, there: httpx2.AsyncClient
) -> None:
    path = await begun(here)
    async with workers.client_of(workers.pids[0]) as reader:
        reading = asyncio.create_task(followed(reader, path))
        await cancelled(there, path)
        assert json.loads((await reading)[-1])["type"] == "cancelled"

    path = await begun(here)
    assert (await there.delete(path)).status_code == 204
    for http in (here, there):
        assert (await http.get(path)).status_code == 404
        items = (await http.get("/deliberations")).json()["items"]
        assert path.rpartition("/")[2] not in {item["deliberationId"] for item in items}


async def test_a_socket_follows_and_cancels_what_another_worker_runs(
    workers: Workers, here: httpx2.AsyncClient
) -> None:
    path = await begun(here)
    deliberation_id = path.rpartition("/")[2]
    async with asyncio.timeout(DEADLINE_S), workers.socket_of(workers.pids[1]) as websocket:
        for action in ("resume", "cancel"):
            await websocket.send(json.dumps({"action": action, "requestId": action, "deliberationId": deliberation_id}))
        seqs: list[int] = []
        last = None
        while last != "cancelled":
            message = json.loads(await websocket.recv())
            assert message["type"] != "error", message
            for event in message.get("events", ()):
                seqs.append(event["seq"])
                last = event["type"]
    assert seqs == list(range(1, len(seqs) + 1))


async def test_a_start_repeated_at_another_worker_begins_nothing(
    here: httpx2.AsyncClient, there: httpx2.AsyncClient
) -> None:
    paths = await asyncio.gather(*(begun(http, idempotencyKey="once") for http in (here, there)))
    assert paths[0] == paths[1]
    await cancelled(there, paths[0])


async def test_what_an_owner_runs_counts_at_every_worker(here: httpx2.AsyncClient, there: httpx2.AsyncClient) -> None:
    paths = [await begun(http) for http in (here, there, here)]
    for http in (here, there):
        refused = await http.post("/invocations", json=QUESTION)
        assert (refused.status_code, refused.json()["code"]) == (429, "too_many_running")
    for path in paths:
        await cancelled(there, path)
    await cancelled(here, await begun(there))


async def test_nobody_notices_that_a_worker_was_killed_and_another_one_takes_its_place(
    workers: Workers, here: httpx2.AsyncClient, there: httpx2.AsyncClient
) -> None:
    killed, left = workers.pids
    path = await begun(here)
    following = asyncio.create_task(followed(there, path))
    async with workers.client_of(left) as another, asyncio.timeout(DEADLINE_S):
        await another.get(f"{path}/events", params={"wait": 20, "after": 20}, headers={"accept": "application/json"})
        os.kill(killed, signal.SIGKILL)
        events: list[AnyEvent] = [decode(each.encode()) for each in await following]
        while not workers.has_workers:  # noqa: ASYNC110 - the parent says nothing of it
            await asyncio.sleep(0.02)
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert isinstance(events[-1], Complete)
    assert any(isinstance(event, AgentStart) and event.attempt == 2 for event in events)
    (new,) = set(workers.pids) - {left}
    assert new != killed
    async with workers.client_of(new) as successor:
        assert [decode(each.encode()) for each in await followed(successor, path)] == events


async def test_told_to_stop_they_abort_streams_and_leave_what_runs_to_be_recovered(tmp_path: Path) -> None:
    async with serving_together(tmp_path, SETTINGS) as workers, asyncio.timeout(DEADLINE_S):
        pids = workers.pids
        async with workers.client_of(pids[0]) as http, workers.client_of(pids[1]) as reader:
            path = await begun(http)
            reading = asyncio.create_task(followed(reader, path))
            await http.get(f"{path}/events", params={"wait": 20}, headers={"accept": "application/json"})
            workers.parent.terminate()
            with pytest.raises(httpx2.TransportError):
                await reading
        assert await workers.parent.wait() == -signal.SIGTERM
    await gone(pids)
    # Each closed what it held: its lock is let go of last.
    assert not locks_in(tmp_path)
    async with SqliteEventLog.open(tmp_path) as log:
        assert await log.running("local") == [path.rpartition("/")[2]]


async def test_workers_end_with_their_parent(tmp_path: Path) -> None:
    async with serving_together(tmp_path, {}) as workers, asyncio.timeout(DEADLINE_S):
        pids = workers.pids
        workers.parent.kill()
        await gone(pids)
    assert not locks_in(tmp_path)


async def test_what_keeps_them_from_starting_is_said_once(tmp_path: Path) -> None:
    (tmp_path / "magi.sqlite").write_bytes(b"this is not a database at all" * 100)
    code, out, err = await magi("serve", "--port", "18080", "--workers", "2", MAGI_DATA_DIR=str(tmp_path))
    assert (code, out) == (30, "")
    assert err.count("\n") == 1
    assert err.endswith("(log_unavailable)\n")


async def test_where_the_kernel_does_not_spread_connections_more_than_one_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(SettingsInvalid, match="MAGI_WORKERS"):
        serve_together(read_configuration(workers=2), lambda: None)
