"""What ends a socket, what it may cost, and that nobody else pays: under the very server of `magi serve`."""

import asyncio
import json
import logging
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import uvicorn
from hypothesis import example, given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket
from tests.interaction.test_http import QUESTION, hanging
from tests.interaction.test_socket import DEADLINE_S, Talk, talking
from tests.support.serving import NO_BUNDLE, listening
from websockets.asyncio.client import connect
from websockets.client import ClientProtocol
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Close, Frame, Opcode
from websockets.protocol import State
from websockets.uri import parse_uri

from magisystem.application import Application, open_catalogue
from magisystem.config import read_configuration
from magisystem.deliberation import Deliberations, ModelChoice
from magisystem.http.app import create_app
from magisystem.http.draining import DrainingWebSocket
from magisystem.http.probe import Probes
from magisystem.http.rates import Rates
from magisystem.http.server import uvicorn_config
from magisystem.http.socket import Socket, SocketLimits
from magisystem.http.socket_messages import FRAME_BYTES, frames, opened
from magisystem.http.streaming import Stopping
from magisystem.http.verbs import Verbs
from magisystem.logs import MemoryEventLog
from magisystem.protocol.fold import DeliberationState
from magisystem.protocol.values import BODY_BYTES
from magisystem.testing.scripted import Script, ScriptedModel, Wait, approval, speech

# The transport's high-water mark, one frame above it, and the farewell.
MOST_BUFFERED_BYTES = 64 * 1024 + FRAME_BYTES + 4_096
# More than the transport and both kernel buffers, made small below, take.
LONG: Script = lambda brief: [*speech(*["x" * 4_000] * 200), *approval(brief)]  # noqa: E731


class _Watched(DrainingWebSocket):
    """The server's own protocol, in haste, and what it has buffered at most."""

    peak_bytes = 0
    lost = asyncio.Event()
    farewell = asyncio.Event()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.close_timeout = 0.2

    async def send(self, message: Any) -> None:
        sending = asyncio.ensure_future(super().send(message))
        await asyncio.sleep(0)
        type(self).peak_bytes = max(self.peak_bytes, self.transport.get_write_buffer_size())
        if "slow_reader" in message.get("text", ""):
            self.farewell.set()
        await sending

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.lost.set()


@dataclass
class Served:
    url: str
    port: int
    deliberations: Deliberations
    stopping: Stopping
    server: uvicorn.Server
    # Set when the task group of a socket has ended, and every task of it.
    finished: asyncio.Event = field(default_factory=asyncio.Event)


async def test_a_refused_origin_is_told_why_and_is_no_error_of_the_server(caplog: pytest.LogCaptureFixture) -> None:
    settings = read_configuration(environment={}).settings
    async with Deliberations(MemoryEventLog(), ScriptedModel(), ModelChoice("scripted:model")) as deliberations:
        app = create_app(Application(settings, deliberations, open_catalogue(settings)), NO_BUNDLE)
        async with listening(app, uvicorn_config(app, host="127.0.0.1", port=0)) as url:
            for origin in ("https://evil.example.com", "null"):
                with pytest.raises(InvalidStatus) as refused:
                    await connect(f"{url.replace('http', 'ws')}/ws", origin=origin)  # type: ignore[arg-type]
                assert refused.value.response.status_code == 403
                assert json.loads(refused.value.response.body)["code"] == "origin_not_allowed"
            # One that goes before it has heard anything.
            port = int(url.rpartition(":")[2])
            for _ in range(20):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(
                    b"GET /ws HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
                    b"sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\norigin: null\r\n\r\n"
                )
                writer.transport.abort()
    assert [record.message for record in caplog.records if record.levelno >= logging.WARNING] == []


@asynccontextmanager
async def serving(model: ScriptedModel, limits: SocketLimits | None = None, **options: Any) -> AsyncGenerator[Served]:
    """Serve ``/ws`` with such limits, on a port whose kernel buffers are small."""
    stopping = Stopping()
    settings = read_configuration(environment={}).settings
    async with Deliberations(MemoryEventLog(), model, ModelChoice("scripted:model")) as deliberations:
        verbs = Verbs(Application(settings, deliberations, open_catalogue(settings)), "local")

        async def serve(websocket: WebSocket) -> None:
            try:
                probes = Probes(stopping, platform="local", version="1")
                await Socket(websocket, verbs, Rates(None), stopping, probes, limits).serve()
            finally:
                served.finished.set()

        app = Starlette(routes=[WebSocketRoute("/ws", serve)])
        config = uvicorn_config(app, host="127.0.0.1", port=0)
        for name, value in options.items():
            assert hasattr(config, name)
            setattr(config, name, value)
        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4_096)
            listener.bind(("127.0.0.1", 0))
            port = listener.getsockname()[1]
            served = Served(f"http://127.0.0.1:{port}", port, deliberations, stopping, uvicorn.Server(config))
            running = asyncio.create_task(served.server.serve(sockets=[listener]))
            while not served.server.started:  # noqa: ASYNC110 - uvicorn tells it in no other way
                await asyncio.sleep(0)
            try:
                yield served
            finally:
                served.server.should_exit = True
                await running


@dataclass
class RawClient:
    """A client that reads only when it is told to, into a receive buffer as small as there is."""

    connection: socket.socket
    protocol: ClientProtocol
    texts: list[bytes] = field(default_factory=list[bytes])

    async def flush(self) -> None:
        for data in self.protocol.data_to_send():
            if data:
                await asyncio.get_running_loop().sock_sendall(self.connection, data)

    async def say(self, message: dict[str, Any]) -> None:
        self.protocol.send_text(json.dumps(message).encode())
        await self.flush()

    async def read(self) -> list[Frame] | None:
        """Read what has come and give the frames it completes; ``None`` where the connection has ended."""
        try:
            data = await asyncio.get_running_loop().sock_recv(self.connection, 65_536)
        except ConnectionResetError:
            data = b""
        if not data:
            return None
        self.protocol.receive_data(data)
        return [event for event in self.protocol.events_received() if isinstance(event, Frame)]

    async def read_message(self) -> dict[str, Any] | None:
        """Give the next message; ``None`` where the connection ends or a close frame has come."""
        while not self.texts and self.protocol.close_rcvd is None and (events := await self.read()) is not None:
            self.texts += [bytes(event.data) for event in events if event.opcode is Opcode.TEXT]
        return json.loads(self.texts.pop(0)) if self.texts else None

    async def read_to_the_end(self) -> tuple[list[dict[str, Any]], Close | None]:
        """Read until the connection ends: the messages, and the close frame, if one came."""
        messages: list[dict[str, Any]] = []
        while (message := await self.read_message()) is not None:
            messages.append(message)
        return messages, self.protocol.close_rcvd


@asynccontextmanager
async def raw_client(served: Served) -> AsyncGenerator[RawClient]:
    protocol = ClientProtocol(parse_uri(served.url.replace("http:", "ws:") + "/ws"))
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        connection.setblocking(False)  # noqa: FBT003 - the signature of the standard library
        async with asyncio.timeout(DEADLINE_S):
            await asyncio.get_running_loop().sock_connect(connection, ("127.0.0.1", served.port))
            client = RawClient(connection, protocol)
            protocol.send_request(protocol.connect())
            await client.flush()
            while protocol.state is State.CONNECTING:
                assert await client.read() is not None
            assert protocol.handshake_exc is None
            yield client


async def test_a_slow_reader_is_ended_with_the_exact_cursor_to_resume_from() -> None:
    _Watched.peak_bytes = 0
    limits = SocketLimits(send_deadline_s=0.1, farewell_s=0.05)
    async with serving(ScriptedModel({"caspar": [LONG]}), limits, ws=_Watched) as served:
        async with raw_client(served) as slow:
            await slow.say(QUESTION)
            await served.finished.wait()
            messages, close = await slow.read_to_the_end()
        started, *events, farewell = messages
        deliberation_id = started["deliberationId"]
        seqs = [event["seq"] for message in events for event in message["events"]]
        cursor = len(seqs)
        assert seqs == list(range(1, cursor + 1))
        assert (farewell["error"]["code"], farewell["error"]["retryable"]) == ("slow_reader", True)
        assert farewell["cursors"] == {deliberation_id: cursor}
        assert close is not None
        assert close.code == 1013
        assert 64 * 1024 < _Watched.peak_bytes <= MOST_BUFFERED_BYTES
        async with talking(served.url) as talk:
            await talk.ask({"action": "resume", "deliberationId": deliberation_id, "after": cursor})
            end = (await talk.hear_until("ended"))["cursor"]
        assert talk.seqs(deliberation_id) == list(range(cursor + 1, end + 1))
        assert json.loads(talk.events[deliberation_id][-1])["type"] == "complete"


async def test_a_farewell_never_counts_a_message_that_was_sent_in_part() -> None:
    limits = SocketLimits(send_deadline_s=0.1, farewell_s=0.05)
    question = "\x01" * 31_999 + "?"
    async with serving(ScriptedModel(), limits) as served, raw_client(served) as slow:
        await slow.say({"question": question})
        await served.finished.wait()
        (started, *parts, farewell), _ = await slow.read_to_the_end()
    assert 0 < len(parts) < parts[0]["of"]
    assert [part["index"] for part in parts] == list(range(len(parts)))
    assert farewell["cursors"] == {started["deliberationId"]: 0}


async def test_nothing_is_said_after_a_farewell_even_to_a_reader_that_reads_on() -> None:
    _Watched.farewell = asyncio.Event()
    limits = SocketLimits(send_deadline_s=0.05, farewell_s=DEADLINE_S)
    async with serving(ScriptedModel({"caspar": [LONG]}), limits, ws=_Watched) as served, raw_client(served) as slow:
        await slow.say(QUESTION)
        await _Watched.farewell.wait()
        (started, *events, farewell), close = await slow.read_to_the_end()
    n_events = sum(len(message["events"]) for message in events)
    assert farewell["cursors"] == {started["deliberationId"]: n_events}
    assert close is not None
    assert close.code == 1013


async def test_a_slow_reader_holds_up_nobody_else() -> None:
    until = asyncio.Event()
    scripts: list[Script] = [lambda brief: [Wait(until.wait), *LONG(brief)]]
    limits = SocketLimits(send_deadline_s=3_600)
    async with serving(ScriptedModel({"caspar": scripts}), limits) as served, raw_client(served) as slow:
        async with talking(served.url) as talk:
            deliberation_id = (await talk.ask(QUESTION))["deliberationId"]
            await slow.say({"action": "resume", "deliberationId": deliberation_id})
            until.set()
            end = (await talk.hear_until("ended"))["cursor"]
            assert talk.seqs(deliberation_id) == list(range(1, end + 1))
        # The slow one still has it all before it.
        seqs: list[int] = []
        while (message := await slow.read_message()) is not None and message["type"] != "ended":
            seqs += [event["seq"] for event in message.get("events", [])]
    assert seqs == list(range(1, end + 1))


async def test_a_reader_that_never_reads_is_got_rid_of() -> None:
    _Watched.lost = asyncio.Event()
    limits = SocketLimits(send_deadline_s=0.05, farewell_s=0.05)
    async with serving(ScriptedModel({"caspar": [LONG]}), limits, ws=_Watched) as served:
        async with raw_client(served) as slow:
            await slow.say(QUESTION)
            await _Watched.lost.wait()
            _, close = await slow.read_to_the_end()
            assert close is None
        assert not served.server.server_state.connections


async def test_a_socket_ends_with_every_task_of_it_and_the_deliberation_goes_on() -> None:
    until = asyncio.Event()
    async with serving(ScriptedModel(hanging(until))) as served:
        async with talking(served.url) as talk:
            for _ in range(3):
                await talk.ask(QUESTION)
        async with asyncio.timeout(DEADLINE_S):
            await served.finished.wait()
        assert served.deliberations.n_running == 3


async def _by_the_application(served: Served) -> None:
    served.stopping.set()
    await served.finished.wait()


async def _by_the_server(served: Served) -> None:
    served.server.should_exit = True


@pytest.mark.parametrize("stop", [_by_the_application, _by_the_server])
async def test_a_server_that_stops_sends_its_readers_to_come_back(
    stop: Callable[[Served], Awaitable[None]],
) -> None:
    async with serving(ScriptedModel(hanging(asyncio.Event()))) as served, talking(served.url) as talk:
        await talk.ask(QUESTION)
        await stop(served)
        with pytest.raises(ConnectionClosed) as closed:
            await talk.hear_until("ended")
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1012
        await served.finished.wait()


async def test_a_socket_follows_so_many_deliberations_and_no_more() -> None:
    until = asyncio.Event()
    async with (
        serving(ScriptedModel(hanging(until)), SocketLimits(most_followed=2)) as served,
        talking(served.url) as talk,
    ):
        first, second = [(await talk.ask(QUESTION))["deliberationId"] for _ in range(2)]
        refused = await talk.ask(QUESTION)
        assert (refused["error"]["code"], refused["error"]["retryable"]) == ("socket_busy", True)
        assert served.deliberations.n_running == 2
        # What is followed already may be resumed, and the other verbs are as free as ever.
        assert (await talk.ask({"action": "resume", "deliberationId": first}))["type"] == "resumed"
        assert (await talk.ask({"action": "cancel", "deliberationId": second}))["type"] == "state"
        until.set()
        await talk.hear_until("ended")
        assert (await _ask_until_free(talk))["type"] == "started"


async def _ask_until_free(talk: Talk) -> dict[str, Any]:
    while (answer := await talk.ask(QUESTION))["type"] == "error":
        pass
    return answer


async def test_requests_beyond_the_bound_wait_and_are_all_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    async with (
        serving(ScriptedModel(), SocketLimits(most_requests=2)) as served,
        talking(served.url) as talk,
        talking(served.url) as another,
    ):
        n_open: list[int] = [0]
        until = asyncio.Event()
        truth = served.deliberations.state

        async def state(deliberation_id: str, owner: str) -> DeliberationState:
            n_open.append(n_open[-1] + 1)
            await until.wait()
            n_open.append(n_open[-1] - 1)
            return await truth(deliberation_id, owner)

        monkeypatch.setattr(served.deliberations, "state", state)
        for index in range(20):
            await talk.say({"action": "get", "deliberationId": "none", "requestId": str(index)})
        # Time enough for the server to read all of them, if it would.
        for _ in range(20):
            assert (await another.ask({"action": "resume", "deliberationId": "none"}))["type"] == "error"
        until.set()
        answers = [await talk.hear() for _ in range(20)]
    assert {answer["requestId"] for answer in answers} == {str(index) for index in range(20)}
    assert max(n_open) == 2


async def test_a_message_over_the_bound_ends_the_socket_and_one_below_it_is_read() -> None:
    async with serving(ScriptedModel()) as served, talking(served.url) as talk:
        padding = " " * (BODY_BYTES - 1_000)
        await talk.websocket.send('{"action": "get", "deliberationId": "none"}' + padding)
        assert (await talk.hear())["error"]["code"] == "deliberation_not_found"
        await talk.websocket.send(padding + " " * 1_001)
        with pytest.raises(ConnectionClosed) as closed:
            await talk.hear()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1009


async def test_the_server_pings_and_ends_a_socket_that_does_not_answer() -> None:
    async with serving(ScriptedModel(), ws_ping_interval=0.01, ws_ping_timeout=0.05) as served:
        async with raw_client(served) as client:
            assert [event.opcode for event in await client.read() or ()] == [Opcode.PING]
            _, close = await client.read_to_the_end()
        assert close is not None
        assert close.code == 1011


def test_pings_are_sent_before_a_platform_takes_the_socket_for_idle() -> None:
    config = uvicorn_config(Starlette(), host="127.0.0.1", port=0)
    assert config.ws_ping_interval is not None
    assert config.ws_ping_timeout is not None
    assert config.ws_ping_interval <= 20
    # A slow reader is told its cursor before it is taken for dead.
    assert config.ws_ping_timeout > SocketLimits().send_deadline_s


@given(st.text(alphabet=st.sampled_from('"\\a審\x01\N{GRINNING FACE}\u2028'), min_size=1), st.integers(1, 60_000))
@example("\\", 60_000)
@example('"', 60_000)
def test_parts_are_within_the_limit_and_joined_they_are_the_message(text: str, n: int) -> None:
    message = json.dumps({"text": (text * n)[:60_000]}, ensure_ascii=False).encode()
    cut = frames(message)
    assert all(len(frame.encode()) <= FRAME_BYTES for frame in cut)
    if len(message) <= FRAME_BYTES:
        assert [frame.encode() for frame in cut] == [message]
        return
    parts = [json.loads(frame) for frame in cut]
    assert [(part["index"], part["of"]) for part in parts] == [(index, len(cut)) for index in range(len(cut))]
    assert "".join(part["text"] for part in parts).encode() == message


@given(st.dictionaries(st.text(), st.floats() | st.integers() | st.text() | st.none()), st.text(max_size=128))
def test_taking_the_request_id_out_changes_nothing_else(fields: dict[str, Any], request_id: str) -> None:
    fields.pop("requestId", None)
    body, taken = opened(json.dumps({**fields, "requestId": request_id}))
    assert taken == request_id
    assert repr(json.loads(body)) == repr(fields)


async def test_a_socket_that_is_as_old_as_it_may_get_is_closed_and_what_it_began_goes_on() -> None:
    model = ScriptedModel(hanging(asyncio.Event()))
    async with serving(model, SocketLimits(life_s=0.5)) as served, talking(served.url) as talk:
        await talk.ask(QUESTION)
        with pytest.raises(ConnectionClosed) as closed:
            await talk.hear_until("ended")
        assert closed.value.rcvd == Close(1012, "connect again")
        assert served.deliberations.n_running == 1
