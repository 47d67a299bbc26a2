"""The client, and `magi ask --url` over it, against a server that streams a given log in a given way."""

import asyncio
import json
import signal
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from tests.interaction.test_cli_ask import DEADLINE_S, magi, running

from magisystem.client import ServerRefused, ServerUnreachable, StreamCut, cancel, stream
from magisystem.council.briefs import Brief, Matter
from magisystem.deliberation.deliberations import Deliberations, ModelChoice, Proposal
from magisystem.logs import MemoryEventLog
from magisystem.protocol.sse import PRELUDE, frame
from magisystem.protocol.values import Decision
from magisystem.testing.scripted import ScriptedModel, Step, approval, speech

DELIBERATION_ID = "d-17"


async def log(decision: Decision = Decision.APPROVED) -> list[bytes]:
    """Give the events of a deliberation that comes to ``decision``."""

    def script(brief: Brief) -> Sequence[Step]:
        return [*speech("費用は高い。\n", "It is so."), *approval(brief, decision)]

    model = ScriptedModel({agent: [script] for agent in ("caspar", "balthasar", "melchior", "solomon")})
    async with Deliberations(MemoryEventLog(), model, ModelChoice("scripted:model")) as deliberations:
        deliberation_id = await deliberations.start(Proposal(Matter("Should we?")), "tester")
        await deliberations.outcome(deliberation_id, "tester")
        page = await deliberations.read(deliberation_id, "tester")
        return [record.body for record in page.records]


@dataclass(slots=True)
class LogServer:
    """Answers the first request as ``answer`` writes it; keeps what was asked. ``is_cancelled`` is set by the verb."""

    answer: Callable[[StreamWriter], Awaitable[None]]
    requests: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    is_cancelled: asyncio.Event = field(default_factory=asyncio.Event)
    url: str = ""

    @asynccontextmanager
    async def serving(self) -> AsyncGenerator["LogServer"]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with server:
            yield self

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
        self.requests.append(json.loads(await reader.readexactly(length)))
        try:
            if self.requests[-1].get("action") == "cancel":
                self.is_cancelled.set()
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}")
            else:
                await self.answer(writer)
            await writer.drain()
        finally:
            writer.close()


def begin(writer: StreamWriter) -> None:
    """Begin a chunked event stream, as a server does that has more to say."""
    head = f"content-type: text/event-stream; charset=utf-8\r\nx-magi-deliberation-id: {DELIBERATION_ID}\r\n"
    writer.write(f"HTTP/1.1 200 OK\r\n{head}transfer-encoding: chunked\r\n\r\n".encode())
    send(writer, PRELUDE)


def send(writer: StreamWriter, piece: bytes) -> None:
    writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))


def streaming(bodies: Sequence[bytes], *, ends_cleanly: bool = True, piece_bytes: int = 1 << 20) -> LogServer:
    """Give a server that streams ``bodies`` and then ends the response, or breaks it off."""

    async def answer(writer: StreamWriter) -> None:
        begin(writer)
        text = b"".join(frame(json.loads(body)["seq"], body) for body in bodies)
        for start in range(0, len(text), piece_bytes):
            send(writer, text[start : start + piece_bytes])
            await writer.drain()
        if ends_cleanly:
            writer.write(b"0\r\n\r\n")

    return LogServer(answer)


def answering(status: int, body: bytes, media_type: str = "application/problem+json") -> LogServer:
    async def answer(writer: StreamWriter) -> None:
        head = f"HTTP/1.1 {status} X\r\ncontent-type: {media_type}\r\ncontent-length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)

    return LogServer(answer)


async def received(server: LogServer, into: list[bytes] | None = None) -> list[bytes]:
    """Ask, and give what comes; ``into`` holds it, too, should it break off."""
    bodies = [] if into is None else into
    async with stream(server.url, {"question": "Should we?"}) as events:
        async for event in events:
            bodies.append(event.body)
    return bodies


@pytest.mark.parametrize("piece_bytes", [1, 7, 1 << 20])
async def test_the_bytes_received_are_the_log_s_own(piece_bytes: int) -> None:
    bodies = await log()
    async with streaming(bodies, piece_bytes=piece_bytes).serving() as server:
        assert await received(server) == bodies
    assert server.requests == [{"question": "Should we?"}]


@pytest.mark.parametrize("ends_cleanly", [True, False])
async def test_an_end_without_a_terminal_event_is_a_cut_that_knows_where_to_go_on(*, ends_cleanly: bool) -> None:
    bodies = (await log())[:5]
    seen: list[bytes] = []
    async with streaming(bodies, ends_cleanly=ends_cleanly).serving() as server:
        with pytest.raises(StreamCut) as caught:
            await received(server, seen)
    assert seen == bodies
    assert (caught.value.deliberation_id, caught.value.cursor) == (DELIBERATION_ID, 5)
    assert caught.value.retryable


async def test_a_missing_event_is_a_cut_and_a_repeated_one_is_passed_over() -> None:
    bodies = await log()
    async with streaming([*bodies[:3], *bodies[1:]]).serving() as server:
        assert await received(server) == bodies
    async with streaming([*bodies[:3], *bodies[4:]]).serving() as server:
        with pytest.raises(StreamCut) as caught:
            await received(server)
    assert caught.value.cursor == 3


async def test_what_is_no_event_is_a_cut() -> None:
    bodies = await log()
    async with streaming([*bodies[:2], b'{"seq":3}']).serving() as server:
        with pytest.raises(StreamCut) as caught:
            await received(server)
    assert caught.value.cursor == 2


async def test_a_problem_body_comes_as_its_code_its_field_and_its_status() -> None:
    problem = b'{"title":"Bad Request","status":400,"code":"unknown_agent","detail":"No.","field":"agents.x","more":1}'
    async with answering(400, problem).serving() as server:
        with pytest.raises(ServerRefused) as caught:
            await received(server)
    refused = caught.value
    assert (refused.refusal, refused.message, refused.field, refused.status, refused.is_retryable) == (
        "unknown_agent",
        "No.",
        "agents.x",
        400,
        False,
    )


@pytest.mark.parametrize("status", [200, 302, 404, 502])
async def test_what_is_no_such_server_is_refused_by_its_status(status: int) -> None:
    async with answering(status, b"<html>welcome</html>", "text/html").serving() as server:
        with pytest.raises(ServerRefused) as caught:
            await received(server)
    assert caught.value.refusal == f"http_{status}"


async def test_a_server_that_is_down_is_unreachable() -> None:
    async with streaming([]).serving() as server:
        pass
    with pytest.raises(ServerUnreachable):
        await received(server)
    with pytest.raises(ServerUnreachable):
        await cancel(server.url, DELIBERATION_ID)


@pytest.mark.parametrize(
    ("decision", "code"), [(Decision.APPROVED, 0), (Decision.REJECTED, 10), (Decision.ABSTAINED, 20)]
)
async def test_magi_ask_url_shows_the_log_as_it_is_and_ends_as_it_did(decision: Decision, code: int) -> None:
    bodies = await log(decision)
    async with streaming(bodies).serving() as server:
        returned, out, err = await magi("ask", "--json", "--url", f"{server.url}/", "Should we?")
    assert (returned, out, err) == (code, "".join(f"{body.decode()}\n" for body in bodies), "")
    assert server.requests == [{"question": "Should we?"}]


async def test_magi_ask_url_sends_the_options_and_nothing_else() -> None:
    options = ["--model", "embedded", "--agent-model", "caspar=ollama:q", "--approve-if", "A", "--language", "en"]
    async with streaming(await log()).serving() as server:
        await magi("ask", "--url", server.url, *options, "--mode", "chat", "Should we?")
    assert server.requests == [
        {
            "question": "Should we?",
            "agents": {
                "caspar": {"model": "ollama:q"},
                "balthasar": {"model": "embedded"},
                "melchior": {"model": "embedded"},
                "solomon": {"model": "embedded"},
            },
            "criteria": {"approveIf": "A"},
            "language": "en",
            "mode": "chat",
        }
    ]


async def test_magi_ask_url_says_where_a_stream_broke_and_fails() -> None:
    async with streaming((await log())[:9], ends_cleanly=False).serving() as server:
        code, out, err = await magi("ask", "--url", server.url, "Should we?")
    assert code == 30
    assert "CASPAR    | 費用は高い。" in out
    assert err.startswith("error: ")
    assert err.endswith("(stream_cut)\n")
    assert DELIBERATION_ID in err


async def test_magi_ask_url_tells_a_server_s_refusal_from_a_server_that_is_down() -> None:
    problem = b'{"code":"unknown_agent","detail":"No agent \\u001b[31m.","field":"agents.x","retryable":false}'
    async with answering(400, problem).serving() as server:
        assert await magi("ask", "--url", server.url, "Why?") == (2, "", "error: No agent . (unknown_agent)\n")
    code, out, err = await magi("ask", "--url", server.url, "Why?")
    assert (code, out) == (30, "")
    assert err.endswith("(server_unreachable)\n")


async def test_ctrl_c_over_a_url_cancels_on_the_server_and_waits_for_its_word() -> None:
    bodies = (await log())[:4]
    cancelled = b'{"type":"cancelled","seq":5,"timestamp":"","by":"local","receipt":{"agents":[]}}'

    async def answer(writer: StreamWriter) -> None:
        begin(writer)
        for number, body in enumerate(bodies, 1):
            send(writer, frame(number, body))
        await server.is_cancelled.wait()
        send(writer, frame(5, cancelled))
        writer.write(b"0\r\n\r\n")

    server = LogServer(answer)
    async with (
        server.serving(),
        running("ask", "--json", "--url", server.url, "Should we?") as process,
        asyncio.timeout(DEADLINE_S),
    ):
        assert process.stdout is not None
        for body in bodies:
            assert await process.stdout.readline() == body + b"\n"
        process.send_signal(signal.SIGINT)
        assert await process.stdout.read() == cancelled + b"\n"
        assert await process.wait() == 130
    start = json.loads(bodies[0])
    assert server.requests[1:] == [{"action": "cancel", "deliberationId": start["deliberationId"]}]
