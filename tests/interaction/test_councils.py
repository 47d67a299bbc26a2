"""Councils that are kept on the server: edited, listed, refused, and convened by their ids."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
from tests.interaction.test_socket import talking
from tests.support.recording import recording_server
from tests.support.serving import Server, real_server, scripted_server

from magisystem.client import MagiClient
from magisystem.deliberation.ports import MOST_COUNCILS
from magisystem.testing.scripted import ScriptedModel

QUESTION = {"question": "Should we move the billing service to Rust?", "stream": False}


def seat(agent_id: str, role: str = "sage", **fields: Any) -> dict[str, Any]:
    persona = f"You are {agent_id}."
    return {"agentId": agent_id, "name": agent_id.title(), "role": role, "systemPrompt": persona, **fields}


BOARD: dict[str, Any] = {
    "name": "The board",
    "rule": "judge",
    "agents": [
        seat("ada", model="embedded", temperature=0.5, topP=0.9, topK=10, maxTokens=500),
        seat("bob"),
        seat("eve", enabled=False),
        seat("judy", "judge"),
    ],
    "limits": {"sageS": 20.0},
}


@pytest.fixture
async def server(tmp_path: Path) -> AsyncGenerator[Server]:
    async with recording_server(tmp_path) as server:
        yield server


async def test_a_council_is_kept_changed_and_deleted(server: Server) -> None:
    made = await server.http.put("/councils/board", json=BOARD)
    item = made.json()
    assert made.status_code == 201
    assert item == {"id": "board", **BOARD, "preset": False, "updatedAt": item["updatedAt"]}
    assert item["updatedAt"].endswith("Z")
    assert (await server.http.get("/councils/board")).json() == item
    magi, listed = (await server.http.get("/councils")).json()["items"]
    assert listed == item
    assert (magi["id"], magi["preset"], magi["updatedAt"]) == ("magi", True, None)
    assert (await server.http.get("/councils/magi")).json() == magi

    changed = await server.http.put("/councils/board", json=item | {"rule": "majority"})
    assert (changed.status_code, changed.json()["rule"]) == (200, "majority")
    deleted = await server.http.delete("/councils/board")
    assert (deleted.status_code, deleted.content) == (204, b"")
    for answer in (await server.http.get("/councils/board"), await server.http.delete("/councils/board")):
        assert (answer.status_code, answer.json()["code"]) == (404, "council_not_found")


async def test_a_copy_of_the_preset_can_be_kept_and_convened(server: Server) -> None:
    magi = (await server.http.get("/councils/magi")).json()
    assert (await server.http.put("/councils/my-magi", json=magi | {"id": "my-magi"})).status_code == 201
    state = (await server.http.post("/invocations", json={**QUESTION, "council": "my-magi"})).json()
    assert state["start"]["council"]["id"] == "my-magi"
    assert state["complete"]["outcome"] == "decided"
    assert (await server.http.get("/deliberations")).json()["items"][0]["council"] == "my-magi"


async def test_a_kept_council_deliberates_without_those_who_sit_out(server: Server) -> None:
    seats = [seat for seat in BOARD["agents"] if seat["agentId"] != "ada"]
    await server.http.put("/councils/board", json=BOARD | {"agents": seats})
    state = (await server.http.post("/invocations", json={**QUESTION, "council": "board"})).json()
    assert [lane["agentId"] for lane in state["lanes"]] == ["bob", "judy"]
    assert server.model.speeches[0].agent.persona == "You are bob."
    body = {**QUESTION, "council": "board", "agents": {"bob": {"systemPrompt": "You are changed."}}}
    await server.http.post("/invocations", json=body)
    assert server.model.speeches[2].agent.persona == "You are changed."


async def test_a_council_that_is_deleted_is_unknown_to_a_start(server: Server) -> None:
    await server.http.put("/councils/board", json=BOARD)
    await server.http.delete("/councils/board")
    answer = await server.http.post("/invocations", json={**QUESTION, "council": "board"})
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["field"]) == (400, "unknown_council", "council")
    assert "magi" in problem["detail"]


BAD_COUNCILS: list[tuple[Any, str, str]] = [
    ([], "", "invalid_request"),
    ({}, "agents", "invalid_request"),
    (BOARD | {"agents": []}, "agents", "invalid_request"),
    (BOARD | {"agents": [seat("judy", "judge")]}, "agents", "invalid_request"),
    (BOARD | {"agents": [seat("a", enabled=False), seat("judy", "judge")]}, "agents", "invalid_request"),
    (BOARD | {"agents": [seat("a"), seat("a"), seat("judy", "judge")]}, "agents", "invalid_request"),
    (BOARD | {"agents": [seat("a"), seat("a", enabled=False), seat("j", "judge")]}, "agents", "invalid_request"),
    (BOARD | {"agents": [seat("a"), seat("j", "judge"), seat("k", "judge")]}, "agents", "invalid_request"),
    (BOARD | {"agents": [seat("a")]}, "rule", "invalid_request"),
    (BOARD | {"agents": [seat("a"), seat("j", "judge", enabled=False)]}, "rule", "invalid_request"),
    (BOARD | {"rule": "dice"}, "rule", "invalid_request"),
    (BOARD | {"agents": [seat("A"), seat("j", "judge")]}, "agents.0.agentId", "invalid_request"),
    (BOARD | {"agents": [seat("a", temperature=2), seat("j", "judge")]}, "agents.0.temperature", "invalid_request"),
    (BOARD | {"agents": [seat("a", model="x:y"), seat("j", "judge")]}, "agents.0.model", "unknown_model"),
    (BOARD | {"agents": [seat(f"a{n}") for n in range(11)]}, "agents", "invalid_request"),
    (BOARD | {"limits": {"sageS": 0}}, "limits.sageS", "invalid_request"),
    (BOARD | {"limits": {"sageS": 90.5}}, "limits.sageS", "invalid_request"),
    (BOARD | {"name": ""}, "name", "invalid_request"),
    (BOARD | {"name": "x" * 65}, "name", "invalid_request"),
    (BOARD | {"id": "other"}, "id", "invalid_request"),
    (BOARD | {"id": "NO"}, "id", "invalid_request"),
    (BOARD | {"colour": "red"}, "colour", "invalid_request"),
]


@pytest.mark.parametrize(("body", "field", "code"), BAD_COUNCILS)
async def test_what_cannot_be_convened_is_not_kept_and_its_field_is_named(
    server: Server, body: Any, field: str, code: str
) -> None:
    answer = await server.http.put("/councils/board", json=body)
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem.get("field", "")) == (400, code, field)
    assert "council." not in problem["detail"]
    if body != []:
        verb = {"action": "put_council", "councilId": "board", "council": body}
        problem = (await server.http.post("/invocations", json=verb)).json()
        assert (problem["code"], problem["field"]) == (code, f"council.{field}")
    assert len((await server.http.get("/councils")).json()["items"]) == 1


@pytest.mark.parametrize("council_id", ["Board", "1st", "a b", "x" * 33, "%C3%A9"])
async def test_an_id_that_is_none_is_refused_by_name(server: Server, council_id: str) -> None:
    answer = await server.http.put(f"/councils/{council_id}", json=BOARD)
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (400, "invalid_request", "id")
    assert (await server.http.get(f"/councils/{council_id}")).json()["code"] == "council_not_found"


async def test_the_preset_stays_as_it_is(server: Server) -> None:
    verbs = [
        {"action": "put_council", "councilId": "magi", "council": BOARD},
        {"action": "delete_council", "councilId": "magi"},
    ]
    for answer in (
        await server.http.put("/councils/magi", json=BOARD),
        await server.http.delete("/councils/magi"),
        *[await server.http.post("/invocations", json=verb) for verb in verbs],
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "council_read_only")
        assert "another id" in answer.json()["detail"]
    assert [item["id"] for item in (await server.http.get("/councils")).json()["items"]] == ["magi"]


async def test_one_council_too_many_is_a_named_error(server: Server) -> None:
    for n in range(MOST_COUNCILS):
        assert (await server.http.put(f"/councils/c{n}", json=BOARD)).status_code == 201
    answer = await server.http.put("/councils/another", json=BOARD)
    assert (answer.status_code, answer.json()["code"]) == (409, "councils_full")
    assert (await server.http.put("/councils/c0", json=BOARD)).status_code == 200


async def test_a_body_that_is_not_json_keeps_nothing(server: Server) -> None:
    answer = await server.http.put("/councils/board", content=b"{}", headers={"content-type": "text/plain"})
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


async def test_every_verb_about_councils_and_sessions_goes_through_the_one_path(server: Server) -> None:
    async def do(action: str, **fields: Any) -> Any:
        answer = await server.http.post("/invocations", json={"action": action, **fields})
        assert answer.is_success, answer.text
        return answer.json() if answer.content else answer.status_code

    put = await do("put_council", councilId="board", council=BOARD)
    assert put == await do("get_council", councilId="board")
    assert await do("councils") == (await server.http.get("/councils")).json()
    await server.http.post("/invocations", json={**QUESTION, "sessionId": "s-1"})
    assert await do("sessions", limit=5) == (await server.http.get("/sessions")).json()
    assert await do("session", sessionId="s-1") == (await server.http.get("/sessions/s-1")).json()
    assert await do("delete_council", councilId="board") == 204


async def test_every_verb_about_councils_and_sessions_goes_over_a_socket(server: Server) -> None:
    async with talking(server.url) as talk:
        put = await talk.ask({"action": "put_council", "councilId": "board", "council": BOARD})
        assert (put["type"], put["council"]["name"]) == ("council", "The board")
        assert (await talk.ask({"action": "get_council", "councilId": "board"}))["council"] == put["council"]
        listed = await talk.ask({"action": "councils"})
        assert (listed["type"], len(listed["councils"]["items"])) == ("councils", 2)
        await talk.ask({"question": "Should we?", "council": "board", "sessionId": "s-1"})
        await talk.hear_until("ended")
        assert len((await talk.ask({"action": "sessions"}))["page"]["items"]) == 1
        assert len((await talk.ask({"action": "session", "sessionId": "s-1"}))["page"]["items"]) == 1
        deleted = await talk.ask({"action": "delete_council", "councilId": "board"})
        assert deleted == {"type": "deleted", "councilId": "board", "requestId": "asked"}
        refused = await talk.ask({"action": "get_council", "councilId": "board"})
        assert refused["error"]["code"] == "council_not_found"
        refused = await talk.ask({"action": "session", "sessionId": "s-2"})
        assert refused["error"]["code"] == "session_not_found"
        models = await talk.ask({"action": "models"})
        assert (models["type"], models["models"]["items"][0]["prefix"]) == ("models", "embedded")


async def test_the_client_finds_kept_councils_and_can_give_one_back(server: Server) -> None:
    seats = [seat("bob"), seat("eve", enabled=False), seat("judy", "judge")]
    await server.http.put("/councils/board", json=BOARD | {"agents": seats})
    async with MagiClient(server.url) as magi:
        _, board = await magi.councils()
        assert (board.id, board.name, board.limits) == ("board", "The board", {"sageS": 20.0})
        following = magi.deliberate("Should we?", council=board)
        async for _ in following:
            pass
    assert [lane.agent_id for lane in following.state.lanes] == ["bob", "judy"]


async def test_a_kept_council_outlives_the_server(tmp_path: Path) -> None:
    async with real_server(data_dir=tmp_path) as http:
        await http.put("/councils/board", json=BOARD)
    async with real_server(data_dir=tmp_path, embedded_tokens_per_s=0) as http:
        state = (await http.post("/invocations", json={**QUESTION, "council": "board"})).json()
    assert [lane["agentId"] for lane in state["lanes"]] == ["ada", "bob", "judy"]
    assert state["complete"]["outcome"]


async def test_where_nothing_can_be_kept_the_presets_still_serve() -> None:
    async with scripted_server(ScriptedModel()) as server:
        answer = await server.http.put("/councils/board", json=BOARD)
        assert (answer.status_code, answer.json()["code"]) == (503, "records_unavailable")
        assert [item["id"] for item in (await server.http.get("/councils")).json()["items"]] == ["magi"]
        assert (await server.http.post("/invocations", json=QUESTION)).json()["status"] == "complete"
