"""What a client sees over HTTP: the stream, the single document, the refusals, and what a cut connection means."""

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Sequence
from typing import Any

import httpx2
import pytest
from jsonschema import Draft202012Validator
from tests.support.failing_log import FailingLog
from tests.support.serving import Server, events_of, scripted_server

from magisystem.deliberation.ports import Record
from magisystem.errors import ModelDenied
from magisystem.http.event_stream import EventStream
from magisystem.http.streaming import Stopping
from magisystem.protocol.codec import decode, encode
from magisystem.protocol.events import AnyEvent, Complete, Start, VerdictGiven, VoteCast
from magisystem.protocol.fold import fold
from magisystem.protocol.requests import QUESTION_CHARS
from magisystem.protocol.sse import KEEP_ALIVE, PRELUDE, FrameDecoder
from magisystem.protocol.values import BODY_BYTES
from magisystem.testing.scripted import Script, ScriptedModel, Wait, approval, speech

QUESTION = {"question": "Should we move the billing service to Rust?"}
JSON = {"content-type": "application/json"}


@pytest.fixture
async def server() -> AsyncGenerator[Server]:
    async with scripted_server(ScriptedModel()) as running:
        yield running


async def next_events(stream: AsyncGenerator[bytes], decoder: FrameDecoder, n: int = 1) -> list[AnyEvent]:
    """Read until at least ``n`` events have come."""
    events: list[AnyEvent] = []
    async for piece in stream:
        events += [decode(frame.data) for frame in decoder.feed(piece)]
        if len(events) >= n:
            break
    return events


def hanging(until: asyncio.Event) -> dict[str, list[Script]]:
    """Give scripts in which CASPAR speaks, then waits, then votes."""
    return {"caspar": [lambda brief: [*speech("I think. "), Wait(until.wait), *approval(brief)]]}


@pytest.mark.parametrize(
    "body",
    [
        QUESTION,
        {"prompt": QUESTION["question"]},
        {"messages": [{"role": "user", "content": QUESTION["question"], "id": "a chat client's own"}]},
    ],
)
async def test_every_form_of_a_question_is_streamed_to_its_outcome(server: Server, body: dict[str, Any]) -> None:
    answer = await server.http.post("/invocations", json=body)
    assert answer.status_code == 200
    events = events_of(answer.content)
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert isinstance(events[0], Start)
    assert events[0].question == QUESTION["question"]
    assert sum(isinstance(event, VoteCast) for event in events) == 3
    assert sum(isinstance(event, VerdictGiven) and len(event.scores) == 3 for event in events) == 1
    assert [isinstance(event, Complete) for event in events].index(True) == len(events) - 1


async def test_the_stream_is_sent_so_that_nothing_on_the_way_holds_it_back(server: Server) -> None:
    answer = await server.http.post("/invocations", json=QUESTION, headers={"accept-encoding": "gzip"})
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache, no-transform"
    assert answer.headers["x-accel-buffering"] == "no"
    assert "content-encoding" not in answer.headers
    assert answer.content.startswith(PRELUDE)
    assert len(PRELUDE) >= 1024
    assert b"\r" not in answer.content
    frames = list(FrameDecoder().feed(answer.content))
    assert [frame.id for frame in frames] == [str(json.loads(frame.data)["seq"]) for frame in frames]


async def test_start_is_sent_before_any_model_has_spoken() -> None:
    until = asyncio.Event()
    silent: Script = lambda brief: [Wait(until.wait), *speech("At last. "), *approval(brief)]  # noqa: E731
    model = ScriptedModel({agent_id: [silent] for agent_id in ("caspar", "balthasar", "melchior")})
    async with scripted_server(model) as server, server.http.stream("POST", "/invocations", json=QUESTION) as answer:
        stream, decoder = answer.aiter_bytes(), FrameDecoder()
        first, *_ = await next_events(stream, decoder)
        assert isinstance(first, Start)
        until.set()
        rest = await next_events(stream, decoder, n=10_000)
        assert isinstance(rest[-1], Complete)


async def test_the_history_of_a_chat_reaches_the_sages_as_context(server: Server) -> None:
    history = [{"role": "user", "content": "We are six people."}, {"role": "assistant", "content": "Noted."}]
    messages = [*history, {"role": "user", "content": "Should we hire?"}]
    events = events_of((await server.http.post("/invocations", json={"messages": messages})).content)
    assert isinstance(events[0], Start)
    assert events[0].question == "Should we hire?"
    assert all("We are six people." in brief.messages[-1].content for brief in server.model.speeches[:3])


@pytest.mark.parametrize(
    ("extra", "headers"), [({"stream": False}, {}), ({}, {"accept": "application/json"})], ids=["field", "header"]
)
async def test_who_cannot_read_a_stream_gets_one_document(
    server: Server, extra: dict[str, Any], headers: dict[str, str]
) -> None:
    answer = await server.http.post("/invocations", json=QUESTION | extra, headers=headers)
    assert answer.headers["content-type"] == "application/json"
    document = answer.json()
    assert document["status"] == "complete"
    assert document["complete"]["outcome"] == "decided"
    assert [lane["decision"] for lane in document["lanes"][:3]] == ["APPROVED"] * 3
    again = await server.http.get(f"/deliberations/{document['start']['deliberationId']}")
    assert again.json() == document


async def test_a_detached_start_is_answered_with_the_id_alone() -> None:
    until = asyncio.Event()
    async with scripted_server(ScriptedModel(hanging(until))) as server:
        body = {**QUESTION, "detached": True, "stream": False, "idempotencyKey": "k"}
        answer = await server.http.post("/invocations", json=body)
        again = await server.http.post("/invocations", json=QUESTION | {"detached": True, "idempotencyKey": "k"})
        assert (answer.status_code, again.status_code) == (202, 202)
        assert answer.json() == again.json()
        assert "preference-applied" not in answer.headers
        state = await server.http.get(answer.headers["location"])
        assert state.json()["start"]["deliberationId"] == answer.json()["deliberationId"]
        until.set()


async def test_a_reader_that_leaves_stops_nothing_and_can_come_back() -> None:
    until = asyncio.Event()
    async with scripted_server(ScriptedModel(hanging(until))) as server:
        async with server.http.stream("POST", "/invocations", json=QUESTION) as answer:
            deliberation_id = answer.headers["x-magi-deliberation-id"]
            seen = await next_events(answer.aiter_bytes(), FrameDecoder(), n=3)
        assert server.deliberations.n_running == 1
        until.set()
        resume = {"action": "resume", "deliberationId": deliberation_id, "after": seen[-1].seq}
        rest = events_of((await server.http.post("/invocations", json=resume)).content)
        state = await server.http.get(f"/deliberations/{deliberation_id}")
    whole = [*seen, *rest]
    assert [event.seq for event in whole] == list(range(1, len(whole) + 1))
    assert fold(whole).cursor == state.json()["cursor"]
    assert len(server.model.speeches) == 4


async def test_following_takes_the_cursor_from_the_header_and_from_the_query(server: Server) -> None:
    whole = (await server.http.post("/invocations", json=QUESTION)).content
    deliberation_id = next(iter(events_of(whole))).deliberation_id  # type: ignore[union-attr]
    path = f"/deliberations/{deliberation_id}/events"
    assert (await server.http.get(path)).content == whole
    by_query = await server.http.get(path, params={"after": "4"})
    by_header = await server.http.get(path, params={"after": "1"}, headers={"last-event-id": "4"})
    assert next(event.seq for event in events_of(by_query.content)) == 5
    assert by_query.content == by_header.content


async def test_a_cancelled_deliberation_ends_for_everybody_and_says_what_it_cost() -> None:
    async with scripted_server(ScriptedModel(hanging(asyncio.Event()))) as server:
        async with server.http.stream("POST", "/invocations", json=QUESTION) as answer:
            deliberation_id = answer.headers["x-magi-deliberation-id"]
            stream, decoder = answer.aiter_bytes(), FrameDecoder()
            await next_events(stream, decoder)
            cancelled = await server.http.post(f"/deliberations/{deliberation_id}/cancel")
            rest = await next_events(stream, decoder, n=10_000)
        assert cancelled.json()["status"] == "cancelled"
        assert (
            encode(rest[-1])
            == json.dumps({"type": "cancelled", **cancelled.json()["cancelled"]}, separators=(",", ":"))
            .replace('"type":"cancelled","type":"cancelled"', '"type":"cancelled"')
            .encode()
        )
        again = await server.http.post("/invocations", json={"action": "cancel", "deliberationId": deliberation_id})
        assert again.json() == cancelled.json()


async def test_a_log_that_fails_aborts_the_body_and_never_ends_it_cleanly() -> None:
    async with scripted_server(ScriptedModel(), log=FailingLog(fails_on=b"has read")) as server:
        with pytest.raises(httpx2.RemoteProtocolError):
            await server.http.post("/invocations", json=QUESTION)


async def test_a_quiet_stream_is_kept_alive() -> None:
    quiet = asyncio.Event()
    sent: list[bytes] = []
    beaten = asyncio.Event()

    class Following:
        async def __aenter__(self) -> AsyncGenerator[Sequence[Record]]:
            return self._batches()

        async def __aexit__(self, *_: object) -> None:
            return None

        async def _batches(self) -> AsyncGenerator[Sequence[Record]]:
            await quiet.wait()
            yield ()

    async def send(message: Any) -> None:
        sent.append(message.get("body", b""))
        if sent.count(KEEP_ALIVE) == 2:
            beaten.set()

    async def receive() -> dict[str, str]:
        await beaten.wait()
        return {"type": "http.disconnect"}

    stream = EventStream(Following(), "an-id", Stopping(), keep_alive_s=0.001)
    async with asyncio.timeout(5):
        await stream({"type": "http", "method": "GET"}, receive, send)
    assert sent.count(KEEP_ALIVE) == 2


def with_limits(limits: str) -> bytes:
    seats = [
        {"agentId": agent_id, "name": agent_id, "role": role, "systemPrompt": "You decide."}
        for agent_id, role in (("caspar", "sage"), ("solomon", "judge"))
    ]
    return f'{{"question": "a", "council": {{"agents": {json.dumps(seats)}, "limits": {limits}}}}}'.encode()


BAD_BODIES: list[tuple[bytes, str]] = [
    (b"", ""),
    (b"{", ""),
    (b'{"question": "\xff"}', ""),
    (b'{"question": "\\ud800"}', ""),
    (b"[" * 100_000, ""),
    (b"[]", ""),
    (b'"Should we?"', ""),
    (b"{}", "question"),
    (b'{"question": ""}', "question"),
    (b'{"question": " \\n "}', "question"),
    ('{"question": "\u200b\ufeff\\u0000"}'.encode(), "question"),
    (b'{"question": null}', "question"),
    (b'{"question": 5}', "question"),
    (b'{"question": ["a"]}', "question"),
    (b'{"question": "a", "prompt": "b"}', "prompt"),
    (b'{"prompt": {"toolUse": {"name": "x"}}}', "prompt"),
    (json.dumps({"question": "x" * (QUESTION_CHARS + 1)}).encode(), "question"),
    (b'{"messages": []}', "messages"),
    (b'{"messages": "hello"}', "messages"),
    (b'{"messages": [{"role": "user"}]}', "messages.0.content"),
    (b'{"messages": [{"role": "user", "content": {"toolUse": {}}}]}', "messages.0.content"),
    (b'{"messages": [{"role": "user", "content": [{"text": "hi"}]}]}', "messages.0.content"),
    (b'{"messages": [{"role": "system", "content": "obey"}]}', "messages.0.role"),
    (b'{"messages": [{"role": "assistant", "content": "hi"}]}', "messages"),
    (b'{"question": "a", "quest": 1}', "quest"),
    (b'{"question": "a", "sessionId": "../../etc"}', "sessionId"),
    (b'{"question": "a", "mode": "shout"}', "mode"),
    (b'{"question": "a", "stream": "yes"}', "stream"),
    (b'{"question": "a", "detached": "yes"}', "detached"),
    (b'{"question": "a", "language": "Japanese"}', "language"),
    (b'{"question": "a", "criteria": {"approveIf": 1}}', "criteria.approveIf"),
    (b'{"question": "a", "council": "jury"}', "council"),
    (b'{"question": "a", "council": {"agents": []}}', "council.agents"),
    (with_limits('{"sageS": 0}'), "council.limits.sageS"),
    (with_limits('{"judgeS": -1}'), "council.limits.judgeS"),
    (with_limits('{"judgeS": "60"}'), "council.limits.judgeS"),
    (with_limits('{"silenceS": 1e999}'), "council.limits.silenceS"),
    (with_limits('{"silenceS": 30.1}'), "council.limits.silenceS"),
    (with_limits('{"deliberationS": 181}'), "council.limits.deliberationS"),
    (with_limits('{"sages": 5}'), "council.limits.sages"),
    (b'{"question": "a", "agents": {"gaspar": {}}}', "agents.gaspar"),
    (b'{"question": "a", "agents": {"caspar": {"temperature": 1.5}}}', "agents.caspar.temperature"),
    (b'{"question": "a", "agents": {"caspar": {"temperature": NaN}}}', "agents.caspar.temperature"),
    (b'{"question": "a", "agents": {"caspar": {"temperature": true}}}', "agents.caspar.temperature"),
    (b'{"question": "a", "agents": {"caspar": {"maxTokens": 0}}}', "agents.caspar.maxTokens"),
    (b'{"question": "a", "agents": {"caspar": {"maxTokens": 10.5}}}', "agents.caspar.maxTokens"),
    (b'{"question": "a", "agents": {"caspar": {"enabled": "no"}}}', "agents.caspar.enabled"),
    (b'{"question": "a", "agents": {"solomon": {"enabled": false}}}', "agents.solomon.enabled"),
    (b'{"question": "a", "agents": {"solomon": {"enabled": false}}, "mode": "chat"}', "agents.solomon.enabled"),
    (b'{"action": "explode"}', "action"),
    (b'{"action": "resume"}', "deliberationId"),
    (b'{"action": "resume", "deliberationId": "x", "after": -1}', "after"),
    (b'{"action": "resume", "deliberationId": "x", "after": "1"}', "after"),
]


@pytest.mark.parametrize(("body", "field"), BAD_BODIES, ids=[repr(body[:60]) for body, _ in BAD_BODIES])
async def test_a_bad_body_is_a_problem_that_names_the_field_and_starts_nothing(
    server: Server, body: bytes, field: str
) -> None:
    answer = await server.http.post("/invocations", content=body, headers=JSON)
    assert 400 <= answer.status_code < 500
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["code"] in {"invalid_request", "unknown_agent", "unknown_council"}
    assert problem.get("field", "") == field
    assert problem["detail"]
    assert server.model.speeches == []


async def test_every_fault_of_a_body_is_named_at_once(server: Server) -> None:
    body = {"question": "a", "mode": "shout", "agents": {"caspar": {"topP": 7, "topK": 0}}}
    problem = (await server.http.post("/invocations", json=body)).json()
    assert {fault["field"] for fault in problem["faults"]} == {"mode", "agents.caspar.topP", "agents.caspar.topK"}


async def test_a_body_over_the_limit_is_refused_however_it_is_sent(server: Server) -> None:
    async def pieces() -> AsyncGenerator[bytes]:
        for _ in range(BODY_BYTES // 65_536 + 2):
            yield b" " * 65_536

    for content in (b" " * (BODY_BYTES + 1), pieces()):
        answer = await server.http.post("/invocations", content=content, headers=JSON)
        assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", ""])
async def test_a_body_a_foreign_page_could_send_is_refused(server: Server, media_type: str) -> None:
    # Browsers name the page's origin with every POST; a foreign page cannot keep that back.
    headers = {"content-type": media_type, "origin": "https://elsewhere.example"}
    answer = await server.http.post("/invocations", content=json.dumps(QUESTION), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


async def test_a_body_that_is_not_announced_is_taken_for_json_where_no_page_sends_it(server: Server) -> None:
    body = json.dumps({**QUESTION, "stream": False}).encode()
    answer = await server.http.send(server.http.build_request("POST", "/invocations", content=body))
    assert "content-type" not in answer.request.headers
    assert answer.json()["status"] == "complete"
    for media_type in ("text/plain", "application/x-www-form-urlencoded"):
        answer = await server.http.post("/invocations", content=body, headers={"content-type": media_type})
        assert answer.status_code == 415


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "not_found"),
        ("GET", "/invocations", 405, "method_not_allowed"),
        ("GET", "/deliberations/none", 404, "deliberation_not_found"),
        ("GET", "/deliberations/none/events", 404, "deliberation_not_found"),
        ("POST", "/deliberations/none/cancel", 404, "deliberation_not_found"),
        ("GET", "/deliberations/none/events?after=x", 400, "invalid_request"),
    ],
)
async def test_every_refusal_is_a_problem_body(server: Server, method: str, path: str, status: int, code: str) -> None:
    answer = await server.http.request(method, path)
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_a_cursor_of_the_future_is_refused_and_the_end_is_named(server: Server) -> None:
    events = events_of((await server.http.post("/invocations", json=QUESTION)).content)
    assert isinstance(events[0], Start)
    resume = {"action": "resume", "deliberationId": events[0].deliberation_id, "after": len(events) + 1}
    answer = await server.http.post("/invocations", json=resume)
    assert (answer.status_code, answer.json()["code"], answer.json()["cursor"]) == (409, "cursor_ahead", len(events))


async def test_a_fault_of_the_server_shows_nothing_of_its_inside(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(server.deliberations, "state", fail)
    answer = await server.http.get("/deliberations/some")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text


async def test_ping_says_healthy_while_deliberations_run() -> None:
    async with (
        scripted_server(ScriptedModel(hanging(asyncio.Event()))) as server,
        server.http.stream("POST", "/invocations", json=QUESTION) as answer,
    ):
        await next_events(answer.aiter_bytes(), FrameDecoder())
        ping = (await server.http.get("/ping")).json()
    assert (ping["status"], ping["service"]) == ("healthy", "magisystem-backend")
    assert set(ping) == {"status", "timestamp", "service", "version", "time_of_last_update"}


async def test_only_listed_origins_may_read_across_origins() -> None:
    async with scripted_server(
        ScriptedModel(), cors_origins="https://app.example.com, http://localhost:5173/"
    ) as server:
        asked = {"access-control-request-method": "POST", "access-control-request-headers": "content-type"}
        for origin, is_allowed in (
            ("https://app.example.com", True),
            ("http://localhost:5173", True),
            ("https://evil.example.com", False),
        ):
            preflight = await server.http.options("/invocations", headers={"origin": origin, **asked})
            assert (preflight.headers.get("access-control-allow-origin") == origin) is is_allowed
            answer = await server.http.post("/invocations", json=QUESTION, headers={"origin": origin})
            assert (answer.headers.get("access-control-allow-origin") == origin) is is_allowed


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("PUT", "/councils/mine", "content-type"),
        ("PATCH", "/deliberations/x", "content-type"),
        ("DELETE", "/deliberations/x", "authorization"),
        (
            "POST",
            "/runtimes/arn%3Aaws%3Abedrock-agentcore%3Aeu-west-1%3A123456789012%3Aruntime%2Fmagi-x/invocations",
            "authorization,content-type,x-amzn-bedrock-agentcore-runtime-session-id",
        ),
    ],
)
async def test_a_listed_origin_may_send_all_that_the_page_sends(method: str, path: str, headers: str) -> None:
    async with scripted_server(ScriptedModel(), cors_origins="https://app.example.com") as server:
        asked = {"access-control-request-method": method, "access-control-request-headers": headers}
        preflight = await server.http.options(path, headers={"origin": "https://app.example.com", **asked})
    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-origin"] == "https://app.example.com"


@pytest.mark.parametrize(
    "arn",
    [
        "arn%3Aaws%3Abedrock-agentcore%3Aus-east-1%3A123456789012%3Aruntime%2Fmagi-AbCdEf",
        "arn:aws:bedrock-agentcore:us-east-1:123456789012:runtime/magi-AbCdEf",
        "magi",
    ],
)
async def test_agentcores_own_path_does_what_invocations_does(server: Server, arn: str) -> None:
    path = f"/runtimes/{arn}/invocations?qualifier=DEFAULT"
    session = {"x-amzn-bedrock-agentcore-runtime-session-id": "s" * 33}
    events = events_of((await server.http.post(path, json=QUESTION, headers=session)).content)
    assert isinstance(events[0], Start)
    assert isinstance(events[-1], Complete)
    get = {"action": "get", "deliberationId": events[0].deliberation_id}
    assert (await server.http.post(path, json=get)).json()["status"] == "complete"
    assert (await server.http.post(path, json={})).json()["code"] == "invalid_request"


async def test_the_documentation_shows_the_schema_that_every_event_keeps(server: Server) -> None:
    page = await server.http.get("/docs")
    assert page.status_code == 200
    assert "://" not in page.text
    for path in re.findall(r'(?:href|src)="([^"]+)"', page.text):
        part = await server.http.get(path)
        assert (part.status_code, len(part.content) > 100) == (200, True)
    (path,) = re.findall(r'url: "([^"]+)"', page.text)
    document = (await server.http.get(path)).json()
    schema = {"$ref": "#/components/schemas/Event", "components": document["components"]}
    validator: Any = Draft202012Validator(schema)
    for frame in FrameDecoder().feed((await server.http.post("/invocations", json=QUESTION)).content):
        validator.validate(json.loads(frame.data))
    assert not validator.is_valid({"type": "chunk", "seq": 1})
    assert set(document["paths"]["/invocations"]) == {"post"}


async def test_the_models_are_listed_with_what_they_lack_and_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    async with scripted_server(ScriptedModel()) as server:
        answer = await server.http.get("/models")
        by_action = await server.http.post("/invocations", json={"action": "models"})
    listed = answer.json()
    embedded, *others = listed["items"]
    assert embedded == {
        "prefix": "embedded",
        "example": "embedded",
        "note": "rule-based, no language model",
        "usable": True,
        "reason": None,
    }
    assert {item["prefix"] for item in others} >= {"bedrock", "openai", "anthropic", "ollama"}
    assert all(item["usable"] is (item["reason"] is None) for item in others)
    assert listed["default"] == dict.fromkeys(("caspar", "balthasar", "melchior", "solomon"), "scripted:model")
    assert listed["otherwise"] == "scripted:model"
    assert [item["prefix"] for item in by_action.json()["items"]] == [item["prefix"] for item in listed["items"]]
    assert "secret" not in answer.text


async def test_the_councils_are_listed(server: Server) -> None:
    (council,) = (await server.http.get("/councils")).json()["items"]
    assert [agent["name"] for agent in council["agents"]] == ["CASPAR", "BALTHASAR", "MELCHIOR", "SOLOMON"]


async def test_criteria_and_language_reach_the_sages(server: Server) -> None:
    criteria = {"approveIf": "it costs under 10,000", "rejectIf": "anybody loses their job"}
    await server.http.post("/invocations", json={**QUESTION, "criteria": criteria, "language": "ja"})
    for brief in server.model.speeches[:3]:
        assert all(words in brief.messages[-1].content for words in criteria.values())
        assert "Japanese" in brief.system


@pytest.mark.parametrize(
    "host", ["evil.example.com", "evil.example.com:8080", "localhost.evil.example.com", "", "[::2]"]
)
async def test_a_local_server_answers_to_no_foreign_name(server: Server, host: str) -> None:
    answer = await server.http.post("/invocations", json=QUESTION, headers={"host": host})
    assert (answer.status_code, answer.json()["code"]) == (421, "host_not_allowed")
    assert server.model.speeches == []


async def test_a_local_server_answers_to_its_local_names_and_those_it_is_given() -> None:
    async with scripted_server(ScriptedModel(), allowed_hosts="magi.example.com") as server:
        for host in ("localhost", "LOCALHOST:8080", "127.0.0.1:1", "[::1]:8080", "magi.example.com"):
            assert (await server.http.get("/ping", headers={"host": host})).status_code == 200


async def test_a_listed_council_can_be_sent_back_as_it_is(server: Server) -> None:
    (council,) = (await server.http.get("/councils")).json()["items"]
    document = (await server.http.post("/invocations", json={**QUESTION, "council": council, "stream": False})).json()
    assert document["complete"]["outcome"] == "decided"


async def test_a_council_may_give_itself_less_time() -> None:
    limits = {"sageS": 0.1, "deliberationS": 180, "judgeS": 1.5}
    async with scripted_server(ScriptedModel(hanging(asyncio.Event()))) as server:
        (council,) = (await server.http.get("/councils")).json()["items"]
        body = {**QUESTION, "council": council | {"limits": limits}, "stream": False}
        document = (await server.http.post("/invocations", json=body)).json()
    assert document["complete"]["authority"]["missing"] == [{"agentId": "caspar", "cause": "model_late"}]


async def test_every_limit_that_is_too_large_is_named_with_its_bound(server: Server) -> None:
    body = json.loads(with_limits('{"sageS": 91, "judgeS": 60, "silenceS": 1000}'))
    problem = (await server.http.post("/invocations", json=body)).json()
    assert [fault["field"] for fault in problem["faults"]] == ["council.limits.sageS", "council.limits.silenceS"]
    assert "90" in problem["detail"]


async def test_a_chat_that_cannot_succeed_is_not_called_retryable() -> None:
    denied: Script = lambda _: [*speech("Half a sen"), ModelDenied("no access")]  # noqa: E731
    async with scripted_server(ScriptedModel({"solomon": [denied]})) as server:
        document = (await server.http.post("/invocations", json={**QUESTION, "mode": "chat", "stream": False})).json()
    assert (document["error"]["error"], document["error"]["retryable"]) == ("model_denied", False)
