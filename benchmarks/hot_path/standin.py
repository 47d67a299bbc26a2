"""A stand-in for Amazon Bedrock's ConverseStream that costs as little as it can: it shares a core with the generator.

It says what `tests.support.bedrock` says, in frames as that one encodes them, but longer, and at one pace: the first
token 0.200 s after the request has been read, then 50 tokens a second a call. One timer serves every call; frames are
encoded once for each kind of answer. The first text token of a call and every 25th after it carries a stamp,
``[t:<lane>:<µs>]``, with a number unique to the call and CLOCK_MONOTONIC at sending; only those are encoded anew.

A question that says ``(Be short.)`` gets a tenth of the words: a warm-up need not last.

    .venv/bin/python -m benchmarks.hot_path.standin [--port 9000]

The first line that it writes is its URL. ``GET /stats`` says what it has sent, and how late it was.
"""

import argparse
import asyncio
import itertools
import json
import struct
import sys
import time
import zlib
from collections import defaultdict, deque
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeAlias, TypeGuard, cast

import httptools
from tests.support.bedrock import event_frame, tokens
from tests.support.bedrock_answers import ToolCall, sensible_answer

FIRST_TOKEN_S = 0.2
TOKEN_MS = 20
STAMP_EVERY = 25
SAGE_TOKENS = 200
JUDGE_TOKENS = 150
BE_SHORT = "(Be short.)"

_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/vnd.amazon.eventstream\r\n"
    b"x-amzn-requestid: 00000000-0000-4000-8000-%012x\r\ntransfer-encoding: chunked\r\n\r\n"
)
_LAST_CHUNK = b"0\r\n\r\n"
_MOST_TICKS = 100_000


def now_us() -> int:
    """Give CLOCK_MONOTONIC, which every process of the machine reads alike."""
    return time.monotonic_ns() // 1000


# --- Answers --------------------------------------------------------------------------------------------------------

# What belongs together is one chunk of the response: bytes, or made for the call when it is sent.
Piece: TypeAlias = "bytes | Callable[[Lane], bytes]"
Step: TypeAlias = "bytes | tuple[Piece, ...]"


def chunk(content: bytes) -> bytes:
    """Frame a piece of a chunked body."""
    return b"%x\r\n%b\r\n" % (len(content), content)


def _delta_headers() -> bytes:
    whole = event_frame("contentBlockDelta", {})
    return whole[12 : 12 + int.from_bytes(whole[4:8], "big")]


_DELTA_HEADERS = _delta_headers()


def delta_frame(text: str) -> bytes:
    """Encode one delta of text, several times faster than `event_frame`."""
    payload = b'{"contentBlockIndex":0,"delta":{"text":%b},"p":"abcdefghijklmn"}' % json.dumps(text).encode()
    prelude = struct.pack("!II", 16 + len(_DELTA_HEADERS) + len(payload), len(_DELTA_HEADERS))
    message = prelude + struct.pack("!I", zlib.crc32(prelude)) + _DELTA_HEADERS + payload
    return message + struct.pack("!I", zlib.crc32(message))


def prose(text: str, n_tokens: int) -> list[str]:
    """Give ``text``, said again and again, in so many tokens."""
    pieces = tokens(text + "\n\n")
    return list(itertools.islice(itertools.cycle(pieces), n_tokens))


def steps_of(words: Sequence[str], call: ToolCall | None) -> list[Step]:
    """Encode an answer: one step a token, with whatever the service sends right before and after it."""
    steps: list[list[Piece]] = []
    for place, word in enumerate(words):
        if place % STAMP_EVERY == 0:
            steps.append([_stamped(word)])
        else:
            steps.append([event_frame("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": word}})])
    if steps:
        steps[-1].append(event_frame("contentBlockStop", {"contentBlockIndex": 0}))
    if call is not None:
        steps += _call_steps(call, index=1 if steps else 0)
    reason = "tool_use" if call else "end_turn"
    n_tokens = len(steps)
    steps[-1] += [event_frame("messageStop", {"stopReason": reason}), _metadata(n_tokens)]
    return [chunk(b"".join(step)) if _is_ready(step) else tuple(step) for step in steps]


def _stamped(word: str) -> Piece:
    def stamped(lane: "Lane") -> bytes:
        return delta_frame(f"[t:{lane.number}:{now_us()}]{word}")

    return stamped


def _is_ready(step: Sequence[Piece]) -> TypeGuard[Sequence[bytes]]:
    return all(isinstance(piece, bytes) for piece in step)


def _call_steps(call: ToolCall, index: int) -> list[list[Piece]]:
    def start(lane: "Lane") -> bytes:
        use = {"toolUseId": f"tooluse_standin{lane.number:015d}", "name": call.name}
        return event_frame("contentBlockStart", {"contentBlockIndex": index, "start": {"toolUse": use}})

    steps: list[list[Piece]] = [
        [event_frame("contentBlockDelta", {"contentBlockIndex": index, "delta": {"toolUse": {"input": part}}})]
        for part in tokens(json.dumps(call.input))
    ]
    steps[0].insert(0, start)
    steps[-1].append(event_frame("contentBlockStop", {"contentBlockIndex": index}))
    return steps


def _metadata(n_tokens: int) -> Piece:
    def metadata(lane: "Lane") -> bytes:
        n_input = lane.n_input_tokens
        usage = {"inputTokens": n_input, "outputTokens": n_tokens, "totalTokens": n_input + n_tokens}
        return event_frame("metadata", {"usage": usage, "metrics": {"latencyMs": 100}})

    return metadata


class Answers:
    """Every kind of answer given so far, encoded. ``n_sage`` and ``n_judge`` are the tokens of their prose."""

    def __init__(self, n_sage: int, n_judge: int) -> None:
        self._n_sage = n_sage
        self._n_judge = n_judge
        self._known: dict[tuple[str, str, int], list[Step]] = {}

    def to(self, body: bytes) -> list[Step]:
        """Give the answer to a ConverseStream request."""
        content: dict[str, Any] = json.loads(body)
        text, call = sensible_answer(content)
        # Whoever is shown a statement, which has stamps in it, is the judge, with or without a tool to rule by.
        n_tokens = self._n_judge if b"[t:" in body else self._n_sage
        if BE_SHORT.encode() in body:
            n_tokens //= 10
        if not text or _is_told_a_result(content):
            n_tokens = len(tokens(text))
        kind = (text, repr(call), n_tokens)
        if kind not in self._known:
            self._known[kind] = steps_of(prose(text, n_tokens), call)
        return self._known[kind]


def _is_told_a_result(content: dict[str, Any]) -> bool:
    return any("toolResult" in block for block in content["messages"][-1]["content"])


# --- The pace -------------------------------------------------------------------------------------------------------


class Lane:
    """One call that is being answered."""

    __slots__ = ("_at", "_steps", "_transport", "is_over", "n_input_tokens", "number")

    def __init__(self, number: int, transport: asyncio.Transport, steps: list[Step], n_input_tokens: int) -> None:
        self.number = number
        self.n_input_tokens = n_input_tokens
        self.is_over = False
        self._transport = transport
        self._steps = steps
        self._at = 0

    def say(self) -> None:
        """Send the next token; with the last one, the end."""
        step = self._steps[self._at]
        if not isinstance(step, bytes):
            step = chunk(b"".join([piece if isinstance(piece, bytes) else piece(self) for piece in step]))
        self._at += 1
        if self._at == len(self._steps):
            self.is_over = True
            step += _LAST_CHUNK
        self._transport.write(step)


class Wheel:
    """The turns of all lanes: a slot for each millisecond of a token's time, and one timer for all of them.

    ``first_token_s`` is the time from a lane's beginning to its first token.
    A lane stays in the slot that its first token fell into. A late turn makes up for every slot it missed.
    """

    def __init__(self, first_token_s: float) -> None:
        self.n_tokens = 0
        self._first_token_s = first_token_s
        self.late_ms: deque[float] = deque(maxlen=_MOST_TICKS)
        self._slots: list[list[Lane]] = [[] for _ in range(TOKEN_MS)]
        self._beginning: defaultdict[int, list[Lane]] = defaultdict(list)
        self._at_ms = int(1000 * time.monotonic())
        self._next: asyncio.TimerHandle | None = None

    def begin(self, lane: Lane) -> None:
        """Have ``lane`` speak."""
        # Rounded down: a turn comes half a millisecond late on average, which this makes up for.
        due_ms = int(1000 * (time.monotonic() + self._first_token_s))
        self._beginning[max(due_ms, self._at_ms + 1)].append(lane)

    def turn(self) -> None:
        """Serve every slot that is due, and go on turning."""
        self._next = asyncio.get_running_loop().call_later(0.001, self.turn)
        until = int(1000 * time.monotonic())
        while self._at_ms < until:
            self._at_ms += 1
            slot = self._slots[self._at_ms % TOKEN_MS]
            slot += self._beginning.pop(self._at_ms, ())
            if slot:
                self._serve(slot)

    def stop(self) -> None:
        """Turn no more."""
        if self._next is not None:
            self._next.cancel()

    def _serve(self, slot: list[Lane]) -> None:
        self.late_ms.append(1000 * time.monotonic() - self._at_ms)
        has_gone = False
        for lane in slot:
            if not lane.is_over:
                lane.say()
                self.n_tokens += 1
            has_gone |= lane.is_over
        if has_gone:
            slot[:] = [lane for lane in slot if not lane.is_over]


# --- The server -----------------------------------------------------------------------------------------------------


class StandIn:
    """What all connections share."""

    def __init__(self, answers: Answers, first_token_s: float) -> None:
        self.answers = answers
        self.wheel = Wheel(first_token_s)
        self.n_begun = 0
        self.open: set[Lane] = set()
        self.connections: set[asyncio.Transport] = set()

    @asynccontextmanager
    async def serving(self, port: int = 0) -> AsyncGenerator[str]:
        """Serve on 127.0.0.1 until the block is left; give the URL."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Connection(self), "127.0.0.1", port, backlog=4096)
        self.wheel.turn()
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        finally:
            server.close()
            self.wheel.stop()
            for transport in self.connections:
                transport.abort()

    def stats(self) -> dict[str, float]:
        """Give the counts so far, and how late the turns since the last asking were."""
        self.open = {lane for lane in self.open if not lane.is_over}
        late = sorted(self.wheel.late_ms)
        self.wheel.late_ms.clear()
        late_p99_ms = late[int(0.99 * len(late))] if late else 0.0
        return {
            "tokens": self.wheel.n_tokens,
            "open": len(self.open),
            "begun": self.n_begun,
            "late_p99_ms": round(late_p99_ms, 3),
        }


class Connection(asyncio.Protocol):
    """One connection, which is kept after an answer. A client that closes it hears no more."""

    def __init__(self, standin: StandIn) -> None:
        self._standin = standin
        self._parser = httptools.HttpRequestParser(self)
        self._path = b""
        self._body: list[bytes] = []
        self._lane: Lane | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what is written to."""
        self._transport = cast(asyncio.Transport, transport)
        self._standin.connections.add(self._transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop talking."""
        self._standin.connections.discard(self._transport)
        if self._lane is not None:
            self._lane.is_over = True

    def data_received(self, data: bytes) -> None:
        """Read on."""
        self._parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        """Note the path (httptools)."""
        self._path += url

    def on_body(self, body: bytes) -> None:
        """Note a piece of the body (httptools)."""
        self._body.append(body)

    def on_message_complete(self) -> None:
        """Answer (httptools)."""
        path, body = self._path, b"".join(self._body)
        self._path = b""
        self._body.clear()
        if path.endswith(b"/converse-stream"):
            self._converse(body)
        elif path == b"/stats":
            self._reply(b"200 OK", self._standin.stats())
        else:
            self._reply(b"404 Not Found", {"message": "This stand-in knows ConverseStream and /stats."})

    def _converse(self, body: bytes) -> None:
        standin = self._standin
        standin.n_begun += 1
        steps = standin.answers.to(body)
        self._lane = lane = Lane(standin.n_begun, self._transport, steps, len(body) // 4)
        standin.open.add(lane)
        standin.wheel.begin(lane)
        self._transport.write(_HEAD % lane.number + chunk(event_frame("messageStart", {"role": "assistant"})))

    def _reply(self, status: bytes, content: dict[str, Any]) -> None:
        body = json.dumps(content).encode()
        head = b"HTTP/1.1 %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
        self._transport.write(head % (status, len(body)) + body)


async def serve(port: int, standin: StandIn) -> None:
    """Serve until killed; the first line written is the URL."""
    async with standin.serving(port) as url:
        sys.stdout.write(f"{url}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    import uvloop

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--first-token-s", type=float, default=FIRST_TOKEN_S)
    parser.add_argument("--sage-tokens", type=int, default=SAGE_TOKENS)
    parser.add_argument("--judge-tokens", type=int, default=JUDGE_TOKENS)
    options = parser.parse_args()
    answers = Answers(options.sage_tokens, options.judge_tokens)
    uvloop.run(serve(options.port, StandIn(answers, options.first_token_s)))
