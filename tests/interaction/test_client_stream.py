"""The client, and `magi ask --url` over it, against a server that answers as it is told to."""

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
from tests.support.tcp import tcp_server

from magisystem.client import (
    AddressInvalid,
    MagiClient,
    NoticeKind,
    ServerRefused,
    ServerUnreachable,
    StreamCut,
    Timing,
)
from magisystem.council.briefs import Brief, Matter
from magisystem.deliberation.deliberations import Deliberations, ModelChoice, Proposal
from magisystem.logs import MemoryEventLog
from magisystem.protocol.sse import PRELUDE, frame
from magisystem.protocol.values import Decision
from magisystem.testing.scripted import ScriptedModel, Step, approval, speech

DELIBERATION_ID = "d-17"
# What is tried again is tried at once, and given up soon.
BRISK = Timing(first_byte_s=60, silence_s=60, back_off_s=0.001, longest_back_off_s=0.01, give_up_s=0.1, reach_s=0.1)


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


Answer = Callable[[StreamWriter], Awaitable[None]]


@dataclass(slots=True)
class LogServer:
    """Answers each request as the next of ``answers`` writes it, the last one all further; keeps what was asked.

    ``is_cancelled`` is set by the verb, which is answered by itself.
    """

    answers: Sequence[Answer]
    requests: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    heads: list[str] = field(default_factory=list[str])
    is_cancelled: asyncio.Event = field(default_factory=asyncio.Event)
    url: str = ""

    @asynccontextmanager
    async def serving(self) -> AsyncGenerator["LogServer"]:
        async with tcp_server(self._serve) as port:
            self.url = f"http://127.0.0.1:{port}"
            yield self

    @property
    def starts(self) -> list[dict[str, Any]]:
        """The requests that started something, without the key that each has."""
        fields = [{**request} for request in self.requests if "action" not in request]
        assert all(request.pop("idempotencyKey") for request in fields)
        return fields

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
        request = json.loads(await reader.readexactly(length))
        self.heads.append(head)
        if request.get("action") == "cancel":
            self.requests.append(request)
            self.is_cancelled.set()
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}")
        else:
            answer = self.answers[min(len(self.requests), len(self.answers) - 1)]
            self.requests.append(request)
            await answer(writer)
        await writer.drain()


def begin(writer: StreamWriter) -> None:
    """Begin a chunked event stream, as a server does that has more to say."""
    head = f"content-type: text/event-stream; charset=utf-8\r\nx-magi-deliberation-id: {DELIBERATION_ID}\r\n"
    writer.write(f"HTTP/1.1 200 OK\r\n{head}transfer-encoding: chunked\r\n\r\n".encode())
    send(writer, PRELUDE)


def send(writer: StreamWriter, piece: bytes) -> None:
    writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))


def streaming(bodies: Sequence[bytes], *, ends_cleanly: bool = True, piece_bytes: int = 1 << 20) -> Answer:
    """Stream ``bodies`` and then end the response, or break it off."""

    async def answer(writer: StreamWriter) -> None:
        begin(writer)
        text = b"".join(frame(json.loads(body)["seq"], body) for body in bodies)
        for start in range(0, len(text), piece_bytes):
            send(writer, text[start : start + piece_bytes])
            await writer.drain()
        if ends_cleanly:
            writer.write(b"0\r\n\r\n")

    return answer


def answering(status: int, body: bytes, media_type: str = "application/problem+json") -> Answer:
    async def answer(writer: StreamWriter) -> None:
        head = f"HTTP/1.1 {status} X\r\ncontent-type: {media_type}\r\ncontent-length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)

    return answer


def polled(bodies: Sequence[bytes], *, is_done: bool = False) -> Answer:
    page = b'{"events":[%b],"cursor":0,"done":%b}' % (b",".join(bodies), b"true" if is_done else b"false")
    return answering(200, page, "application/json")


async def received(server: LogServer, into: list[bytes] | None = None) -> list[bytes]:
    """Ask, and give what comes; ``into`` holds it, too, should it break off."""
    bodies = [] if into is None else into
    async with MagiClient(server.url, timing=BRISK) as magi, asyncio.timeout(DEADLINE_S):
        async for each in magi.deliberate("Should we?").received():
            bodies.append(each.body)
    return bodies


@pytest.mark.parametrize("piece_bytes", [1, 7, 1 << 20])
async def test_the_bytes_received_are_the_log_s_own(piece_bytes: int) -> None:
    bodies = await log()
    async with LogServer([streaming(bodies, piece_bytes=piece_bytes)]).serving() as server:
        assert await received(server) == bodies
    assert server.starts == [{"question": "Should we?"}]
    # Compressed, it would be held back until a block is full.
    assert "\r\naccept-encoding: identity\r\n" in server.heads[0]


FAULTS: dict[str, Callable[[Sequence[bytes]], Answer]] = {
    "a clean end without a terminal event": lambda bodies: streaming(bodies[:5]),
    "an end in the middle of the body": lambda bodies: streaming(bodies[:5], ends_cleanly=False),
    "a missing event": lambda bodies: streaming([*bodies[:5], *bodies[6:]]),
    "what is no event": lambda bodies: streaming([*bodies[:5], b'{"seq":6}', *bodies[5:]]),
    "a repeated event": lambda bodies: streaming([*bodies[:5], *bodies[2:5]]),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_what_is_wrong_with_a_stream_is_a_drop_and_resumed_from(fault: str) -> None:
    bodies = await log()
    async with LogServer([FAULTS[fault](bodies), streaming(bodies[5:])]).serving() as server:
        assert await received(server) == bodies
    assert server.requests[1:] == [{"action": "resume", "deliberationId": DELIBERATION_ID, "after": 5}]


@pytest.mark.parametrize("fault", FAULTS)
async def test_what_is_wrong_again_and_again_is_given_up_with_where_to_go_on(fault: str) -> None:
    bodies = await log()
    seen: list[bytes] = []
    async with LogServer([FAULTS[fault](bodies)]).serving() as server:
        with pytest.raises(StreamCut) as caught:
            await received(server, seen)
    assert seen == bodies[:5]
    assert (caught.value.deliberation_id, caught.value.cursor) == (DELIBERATION_ID, 5)
    assert caught.value.retryable
    assert len(server.requests) > 2


async def test_repeated_events_are_passed_over_and_nothing_comes_after_the_terminal_one() -> None:
    bodies = await log()
    async with LogServer([streaming([*bodies[:3], *bodies[1:], *bodies])]).serving() as server:
        assert await received(server) == bodies
    assert len(server.requests) == 1


async def test_events_that_are_not_those_of_the_digest_are_told_of() -> None:
    bodies = await log()
    altered = [body.replace("費用は高い。".encode(), "費用は安い。".encode()) for body in bodies]
    assert altered != bodies
    async with (
        LogServer([streaming(altered)]).serving() as server,
        MagiClient(server.url, timing=BRISK) as magi,
    ):
        following = magi.deliberate("Should we?")
        assert [each.body async for each in following.received()] == altered
    assert following.is_verified is False
    assert [(notice.kind, notice.cursor) for notice in following.notices] == [(NoticeKind.UNPROVED, len(bodies))]


async def test_a_problem_body_comes_as_its_code_its_field_and_its_status_at_once() -> None:
    problem = b'{"title":"Bad Request","status":400,"code":"unknown_agent","detail":"No.","field":"agents.x","more":1}'
    async with LogServer([answering(400, problem)]).serving() as server:
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
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [200, 302, 404])
async def test_what_is_no_such_server_is_refused_by_its_status(status: int) -> None:
    async with LogServer([answering(status, b"<html>welcome</html>", "text/html")]).serving() as server:
        with pytest.raises(ServerRefused) as caught:
            await received(server)
    assert caught.value.refusal == f"http_{status}"
    assert len(server.requests) == 1


LOG_UNAVAILABLE = answering(503, b'{"code":"log_unavailable","detail":"Not now.","retryable":true}')
PASSING = [LOG_UNAVAILABLE, answering(502, b"<html>Bad Gateway</html>", "text/html"), answering(429, b"")]


async def test_what_waiting_may_mend_is_tried_again() -> None:
    bodies = await log()
    answers = [*PASSING, streaming(bodies[:4]), *PASSING, streaming(bodies[4:])]
    async with LogServer(answers).serving() as server:
        assert await received(server) == bodies
    assert len({request["idempotencyKey"] for request in server.requests[:4]}) == 1
    assert [request["after"] for request in server.requests[4:]] == [4] * 4


async def test_what_waiting_does_not_mend_is_given_up() -> None:
    async with LogServer([LOG_UNAVAILABLE]).serving() as server:
        with pytest.raises(StreamCut) as caught:
            await received(server)
    assert isinstance(caught.value.__cause__, ServerRefused)
    assert caught.value.__cause__.refusal == "log_unavailable"
    assert (caught.value.deliberation_id, caught.value.cursor) == ("", 0)


async def test_polls_are_read_as_streams_are() -> None:
    bodies = await log()

    async def silence(_: StreamWriter) -> None:
        await asyncio.Event().wait()

    begun = answering(202, b'{"deliberationId":"d-17"}', "application/json")
    answers = [
        silence,
        begun,
        polled(bodies[:4]),
        polled([]),
        polled(bodies[2:6]),
        polled([bodies[6], bodies[8]]),
        polled([b'{"seq":8}']),
        *PASSING,
        polled(bodies[7:], is_done=True),
    ]
    timing = Timing(first_byte_s=0.1, back_off_s=0.001, poll_wait_s=7)
    async with (
        LogServer(answers).serving() as server,
        MagiClient(server.url, timing=timing) as magi,
        asyncio.timeout(DEADLINE_S),
    ):
        following = magi.deliberate("Should we?")
        assert [each.body async for each in following.received()] == bodies
    assert (following.transport, following.is_verified) == ("poll", True)
    start, again, *polls = server.requests
    assert again == {**start, "detached": True}
    assert [poll["after"] for poll in polls] == [0, 4, 4, 6, 7, 7, 7, 7, 7]
    assert all((poll["action"], poll["stream"], poll["wait"]) == ("resume", False, 7) for poll in polls)
    kinds = [notice.kind for notice in following.notices]
    assert kinds == [NoticeKind.POLLING, NoticeKind.RESUMED]


@pytest.mark.parametrize(
    "url", ["localhost:8080", "ftp://localhost", "http://", "http://localhost:99999", "http://[::1"]
)
def test_what_is_no_address_is_refused_before_anything_is_sent(url: str) -> None:
    with pytest.raises(AddressInvalid):
        MagiClient(url)


async def test_a_server_that_is_down_is_unreachable() -> None:
    async with LogServer([]).serving() as server:
        pass
    with pytest.raises(ServerUnreachable):
        await received(server)


@pytest.mark.parametrize(
    ("decision", "code"), [(Decision.APPROVED, 0), (Decision.REJECTED, 10), (Decision.ABSTAINED, 20)]
)
async def test_magi_ask_url_shows_the_log_as_it_is_and_ends_as_it_did(decision: Decision, code: int) -> None:
    bodies = await log(decision)
    async with LogServer([streaming(bodies)]).serving() as server:
        returned, out, err = await magi("ask", "--json", "--url", f"{server.url}/", "Should we?")
    assert (returned, out, err) == (code, "".join(f"{body.decode()}\n" for body in bodies), "")
    assert server.starts == [{"question": "Should we?"}]


async def test_magi_ask_url_sends_the_options_and_nothing_else() -> None:
    options = ["--model", "embedded", "--agent-model", "caspar=ollama:q", "--approve-if", "A", "--language", "en"]
    async with LogServer([streaming(await log())]).serving() as server:
        await magi("ask", "--url", server.url, *options, "--mode", "chat", "Should we?")
    assert server.starts == [
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


async def test_magi_ask_url_resumes_by_itself() -> None:
    bodies = await log()
    answers = [streaming(bodies[:9], ends_cleanly=False), streaming(bodies[9:])]
    async with LogServer(answers).serving() as server:
        code, out, err = await magi("ask", "--json", "--url", server.url, "Should we?")
    assert (code, out) == (0, "".join(f"{body.decode()}\n" for body in bodies))
    assert err.startswith("note: resumed after event 9")
    assert err.count("\n") == 1


async def test_magi_ask_url_tells_a_server_s_refusal_from_a_server_that_is_down() -> None:
    problem = b'{"code":"unknown_agent","detail":"No agent \\u001b[31m.","field":"agents.x","retryable":false}'
    async with LogServer([answering(400, problem)]).serving() as server:
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

    server = LogServer([answer])
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
    assert server.requests[1:] == [{"action": "cancel", "deliberationId": DELIBERATION_ID}]
