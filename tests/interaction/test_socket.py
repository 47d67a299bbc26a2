"""What a client sees on ``/ws``: the same events as over HTTP, several deliberations at once, and every refusal."""

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest
from tests.interaction.test_http import BAD_BODIES, QUESTION, hanging
from tests.support.failing_log import FailingLog
from tests.support.serving import Server, scripted_server
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from magisystem.http.socket_messages import FRAME_BYTES, REQUEST_ID_CHARS
from magisystem.protocol.requests import QUESTION_CHARS
from magisystem.protocol.sse import FrameDecoder
from magisystem.testing.scripted import ScriptedModel

DEADLINE_S = 20


class EventsMessage(msgspec.Struct):
    """A message of events, each left as the bytes it came in."""

    deliberationId: str  # noqa: N815 - its name on the wire
    events: list[msgspec.Raw]


@dataclass
class Talk:
    """A client's side of a socket, as the documentation describes it: every frame is measured, parts are joined."""

    websocket: ClientConnection
    # By deliberation: the very text of each event.
    events: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    n_parts: int = 0

    async def say(self, message: dict[str, Any]) -> None:
        await self.websocket.send(json.dumps(message))

    async def hear(self) -> dict[str, Any]:
        """Give the next message; an event's is kept as it came, too."""
        joined = ""
        while True:
            frame = await self.websocket.recv()
            assert isinstance(frame, str)
            assert len(frame.encode()) <= FRAME_BYTES
            message = json.loads(frame)
            if message["type"] != "part":
                assert not joined, "another frame among the parts of a message"
                break
            self.n_parts += 1
            joined = joined * (message["index"] > 0) + message["text"]
            if message["index"] == message["of"] - 1:
                frame, message = joined, json.loads(joined)
                break
        if message["type"] == "events":
            raw = msgspec.json.decode(frame, type=EventsMessage)
            self.events[raw.deliberationId] += [bytes(event).decode() for event in raw.events]
        return message

    async def hear_until(self, kind: str, n: int = 1) -> dict[str, Any]:
        """Read until the ``n``-th message of that type from here, and give it."""
        while True:
            message = await self.hear()
            n -= message["type"] == kind
            if not n:
                return message

    async def ask(self, message: dict[str, Any]) -> dict[str, Any]:
        """Send a request and give its answer."""
        await self.say({"requestId": "asked", **message})
        async for answer in self:
            if answer.get("requestId") == "asked":
                return answer
        raise AssertionError("the socket was closed without an answer")

    async def __aiter__(self) -> AsyncIterator[dict[str, Any]]:
        while True:
            yield await self.hear()

    def seqs(self, deliberation_id: str) -> list[int]:
        return [json.loads(event)["seq"] for event in self.events[deliberation_id]]


@asynccontextmanager
async def talking(url: str, **options: Any) -> AsyncGenerator[Talk]:
    async with (
        asyncio.timeout(DEADLINE_S),
        connect(url.replace("http:", "ws:") + "/ws", max_size=FRAME_BYTES, **options) as websocket,
    ):
        yield Talk(websocket)


async def log_of(server: Server, deliberation_id: str) -> list[str]:
    """Give a deliberation's events as HTTP sends them."""
    body = (await server.http.get(f"/deliberations/{deliberation_id}/events")).content
    return [frame.data for frame in FrameDecoder().feed(body)]


@pytest.fixture
async def server() -> AsyncGenerator[Server]:
    async with scripted_server(ScriptedModel()) as running:
        yield running


async def test_the_events_of_a_start_are_the_logs_own_bytes_to_its_end(server: Server) -> None:
    async with talking(server.url) as talk:
        started = await talk.ask(QUESTION)
        assert started == {"type": "started", "deliberationId": started["deliberationId"], "requestId": "asked"}
        ended = await talk.hear_until("ended")
    deliberation_id = started["deliberationId"]
    log = await log_of(server, deliberation_id)
    assert json.loads(log[-1])["type"] == "complete"
    assert talk.events == {deliberation_id: log}
    assert ended == {"type": "ended", "deliberationId": deliberation_id, "cursor": len(log)}


async def test_three_deliberations_share_a_socket_and_each_comes_whole_and_in_order() -> None:
    until = asyncio.Event()
    async with scripted_server(ScriptedModel(hanging(until))) as server, talking(server.url) as talk:
        started = [await talk.ask(QUESTION) for _ in range(3)]
        ids = [answer["deliberationId"] for answer in started]
        assert server.deliberations.n_running == 3
        until.set()
        await talk.hear_until("ended", n=3)
        assert len(set(ids)) == 3
        assert talk.events == {deliberation_id: await log_of(server, deliberation_id) for deliberation_id in ids}


async def test_a_reader_that_leaves_stops_nothing_and_resumes_where_it_was() -> None:
    until = asyncio.Event()
    async with scripted_server(ScriptedModel(hanging(until))) as server:
        async with talking(server.url) as before:
            deliberation_id = (await before.ask(QUESTION))["deliberationId"]
            cursor = (await before.hear_until("events"))["events"][-1]["seq"]
        assert server.deliberations.n_running == 1
        until.set()
        async with talking(server.url) as after:
            resume = {"action": "resume", "deliberationId": deliberation_id, "after": cursor}
            resumed = await after.ask(resume)
            assert (resumed["type"], resumed["after"]) == ("resumed", cursor)
            await after.hear_until("ended")
        whole = before.events[deliberation_id] + after.events[deliberation_id]
        assert whole == await log_of(server, deliberation_id)
    assert len(server.model.speeches) == 4


async def test_a_second_resume_replaces_the_first_following() -> None:
    until = asyncio.Event()
    async with scripted_server(ScriptedModel(hanging(until))) as server, talking(server.url) as talk:
        deliberation_id = (await talk.ask(QUESTION))["deliberationId"]
        await talk.hear_until("events")
        resumed = await talk.ask({"action": "resume", "deliberationId": deliberation_id, "after": 2})
        assert resumed == {"type": "resumed", "deliberationId": deliberation_id, "after": 2, "requestId": "asked"}
        talk.events.clear()
        until.set()
        await talk.hear_until("ended")
        assert talk.events[deliberation_id] == (await log_of(server, deliberation_id))[2:]


async def test_resuming_what_has_ended_says_so_at_once(server: Server) -> None:
    async with talking(server.url) as talk:
        await talk.say(QUESTION)
        ended = await talk.hear_until("ended")
        end = {"deliberationId": ended["deliberationId"], "after": ended["cursor"]}
        assert (await talk.ask({"action": "resume", **end}))["type"] == "resumed"
        assert await talk.hear() == ended
        ahead = await talk.ask({"action": "resume", **end, "after": ended["cursor"] + 1})
    assert (ahead["error"]["code"], ahead["error"]["cursor"]) == ("cursor_ahead", ended["cursor"])


async def test_cancel_stops_the_work_and_answers_with_the_state() -> None:
    async with (
        scripted_server(ScriptedModel(hanging(asyncio.Event()))) as server,
        talking(server.url) as talk,
    ):
        deliberation_id = (await talk.ask(QUESTION))["deliberationId"]
        await talk.hear_until("events")
        of_it = {"deliberationId": deliberation_id}
        # In one go, so that the answer and the end of the following may come in either order.
        await talk.say({"action": "cancel", "requestId": "stop", **of_it})
        heard = [message async for message in until_both(talk, "state", "ended")]
        (state,) = [message for message in heard if message["type"] == "state"]
        assert (state["requestId"], state["deliberationId"]) == ("stop", deliberation_id)
        assert state["state"]["status"] == "cancelled"
        assert json.loads(talk.events[deliberation_id][-1])["type"] == "cancelled"
        assert talk.events[deliberation_id] == await log_of(server, deliberation_id)
        assert server.deliberations.n_running == 0
        again = await talk.ask({"action": "get", **of_it})
        assert again["state"] == (await server.http.get(f"/deliberations/{deliberation_id}")).json()


async def until_both(talk: Talk, *kinds: str) -> AsyncIterator[dict[str, Any]]:
    missing = set(kinds)
    async for message in talk:
        yield message
        missing.discard(message["type"])
        if not missing:
            return


async def test_what_is_deleted_is_gone_for_its_follower_too() -> None:
    async with (
        scripted_server(ScriptedModel(hanging(asyncio.Event()))) as server,
        talking(server.url) as talk,
    ):
        deliberation_id = (await talk.ask(QUESTION))["deliberationId"]
        of_it = {"deliberationId": deliberation_id}
        assert await talk.ask({"action": "delete", **of_it}) == {"type": "deleted", **of_it, "requestId": "asked"}
        refused = await talk.ask({"action": "get", **of_it})
        assert (refused["error"]["code"], refused["deliberationId"]) == ("deliberation_not_found", deliberation_id)


async def test_the_past_is_listed_as_over_http(server: Server) -> None:
    async with talking(server.url) as talk:
        page = await talk.ask({"action": "list", "limit": 5})
        assert page == {"type": "page", "page": (await server.http.get("/deliberations")).json(), "requestId": "asked"}
        refused = await talk.ask({"action": "list", "limit": 0})
        assert (refused["type"], refused["error"]["field"]) == ("error", "limit")


async def test_a_repeated_start_attaches_to_the_first(server: Server) -> None:
    async with talking(server.url) as talk:
        keyed = {**QUESTION, "idempotencyKey": "once"}
        first = await talk.ask(keyed)
        await talk.hear_until("ended")
        again = await talk.ask(keyed)
        await talk.hear_until("ended")
        assert first == again
        log = await log_of(server, first["deliberationId"])
        assert talk.events == {first["deliberationId"]: log + log}
    assert len(server.model.speeches) == 4


@pytest.mark.parametrize(
    "question",
    ["審議" * (QUESTION_CHARS // 2), "\x01" * (QUESTION_CHARS - 1) + "?", '"\\' * (QUESTION_CHARS // 2)],
    ids=["japanese", "control characters", "quotes and backslashes"],
)
async def test_no_frame_is_over_the_limit_however_long_the_question(server: Server, question: str) -> None:
    async with talking(server.url) as talk:
        deliberation_id = (await talk.ask({"question": question}))["deliberationId"]
        await talk.hear_until("ended")
        assert talk.events[deliberation_id] == await log_of(server, deliberation_id)
        n_parts_of_start = talk.n_parts
        assert n_parts_of_start >= 2
        state = await talk.ask({"action": "get", "deliberationId": deliberation_id})
        assert state["state"]["start"]["question"] == question
        assert talk.n_parts >= 2 * n_parts_of_start


async def test_every_bad_message_is_answered_and_the_socket_stays(server: Server) -> None:
    async with talking(server.url) as talk:
        for body, field_name in BAD_BODIES:
            if (text := readable(body)) is None:
                continue
            await talk.websocket.send(text)
            refused = await talk.hear()
            assert (refused["type"], refused["error"].get("field", "")) == ("error", field_name), text[:80]
            assert refused["error"]["code"] in {"invalid_request", "unknown_agent", "unknown_council"}
            assert refused["error"]["message"]
            assert refused["error"]["retryable"] is False
        await talk.websocket.send(b'{"question": "in a binary frame"}')
        assert (await talk.hear())["error"]["code"] == "invalid_request"
        assert server.model.speeches == []
        await talk.say(QUESTION)
        await talk.hear_until("ended")


def readable(body: bytes) -> str | None:
    try:
        return body.decode()
    except UnicodeDecodeError:
        return None


@pytest.mark.parametrize(
    ("fields", "field_name", "is_echoed"),
    [
        ({"question": ""}, "question", True),
        ({"question": "a", "agents": {"caspar": {"temperature": float("nan")}}}, "agents.caspar.temperature", True),
        ({"question": "a", "stream": False}, "stream", True),
        ({"question": "a", "detached": True}, "detached", True),
        ({"action": "resume", "deliberationId": "x", "stream": False}, "stream", True),
        ({"action": "get", "deliberationId": "x", "requestId": 5}, "requestId", False),
        ({"action": "get", "deliberationId": "x", "requestId": "x" * (REQUEST_ID_CHARS + 1)}, "requestId", False),
    ],
)
async def test_a_refusal_repeats_the_requests_id_where_it_has_one(
    server: Server, fields: dict[str, Any], field_name: str, *, is_echoed: bool
) -> None:
    async with talking(server.url) as talk:
        await talk.say({"requestId": "質問 1", **fields})
        refused = await talk.hear()
    assert (refused["error"]["code"], refused["error"]["field"]) == ("invalid_request", field_name)
    assert (refused.get("requestId") == "質問 1") is is_echoed
    assert server.model.speeches == []


async def test_every_fault_of_a_message_is_named_at_once(server: Server) -> None:
    async with talking(server.url) as talk:
        refused = await talk.ask({"question": "a", "mode": "shout", "agents": {"caspar": {"topP": 7, "topK": 0}}})
    faults = {fault["field"] for fault in refused["error"]["faults"]}
    assert faults == {"mode", "agents.caspar.topP", "agents.caspar.topK"}


async def test_a_title_is_given_over_a_socket(server: Server) -> None:
    async with talking(server.url) as talk:
        started = await talk.ask(QUESTION)
        await talk.hear_until("ended")
        verb = {"action": "rename", "deliberationId": started["deliberationId"], "title": "Billing"}
        renamed = await talk.ask(verb)
    assert renamed == {
        "type": "renamed",
        "deliberationId": started["deliberationId"],
        "requestId": "asked",
        "title": "Billing",
    }


@pytest.mark.parametrize("action", ["resume", "cancel", "get", "delete"])
async def test_what_does_not_exist_is_an_error_of_that_deliberation(server: Server, action: str) -> None:
    async with talking(server.url) as talk:
        refused = await talk.ask({"action": action, "deliberationId": 'no"ne'})
        assert refused["error"]["code"] == "deliberation_not_found"
        assert refused["deliberationId"] == 'no"ne'
        assert (await talk.ask(QUESTION))["type"] == "started"


async def test_text_that_is_not_utf8_ends_the_socket_as_its_protocol_asks(server: Server) -> None:
    async with talking(server.url) as talk:
        await talk.websocket.send(b'{"question": "\xff"}', text=True)
        with pytest.raises(ConnectionClosed) as closed:
            await talk.hear()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1007


async def test_a_log_that_fails_ends_one_following_and_not_the_socket() -> None:
    log = FailingLog(fails_on=b"has read")
    async with scripted_server(ScriptedModel(), log=log) as server, talking(server.url) as talk:
        deliberation_id = (await talk.ask(QUESTION))["deliberationId"]
        failed = await talk.hear_until("error")
        assert (failed["error"]["code"], failed["error"]["retryable"]) == ("log_unavailable", True)
        assert failed["deliberationId"] == deliberation_id
        seen = talk.seqs(deliberation_id)
        assert seen == list(range(1, len(seen) + 1))
        answer = await talk.ask({"action": "get", "deliberationId": deliberation_id})
        assert answer["state"]["status"] in {"running", "error"}


async def test_a_fault_of_the_server_shows_nothing_of_its_inside(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("secret")

    async with talking(server.url) as talk:
        with monkeypatch.context() as patched:
            patched.setattr(server.deliberations, "state", fail)
            faulty = await talk.ask({"action": "get", "deliberationId": "some"})
        assert faulty["error"]["code"] == "internal"
        assert "secret" not in json.dumps(faulty)
        assert (await talk.ask(QUESTION))["type"] == "started"


@pytest.mark.parametrize(
    ("origin", "is_welcome"),
    [
        (None, True),
        ("<own>", True),
        ("https://app.example.com", True),
        ("https://evil.example.com", False),
        ("http://localhost:1", False),
        ("null", False),
        ("http://[", False),
    ],
)
async def test_a_foreign_page_cannot_open_a_socket(origin: Any, *, is_welcome: bool) -> None:
    async with scripted_server(ScriptedModel(), cors_origins="https://app.example.com") as server:
        if origin == "<own>":
            origin = server.url
        if is_welcome:
            async with talking(server.url, origin=origin) as talk:
                assert (await talk.ask(QUESTION))["type"] == "started"
            return
        with pytest.raises(InvalidStatus) as refused:
            async with talking(server.url, origin=origin):
                pass
    assert refused.value.response.status_code == 403
    assert json.loads(refused.value.response.body)["code"] == "origin_not_allowed"


async def test_every_origin_is_welcome_where_the_settings_say_so() -> None:
    async with (
        scripted_server(ScriptedModel(), cors_origins="*") as server,
        talking(server.url, origin="https://evil.example.com") as talk,  # type: ignore[arg-type]
    ):
        assert (await talk.ask(QUESTION))["type"] == "started"
