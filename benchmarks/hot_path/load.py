"""The load generator: so many clients at once, each of which asks again as soon as its deliberation has ended.

A process of its own, on the stand-in's core::

    python -m benchmarks.hot_path.load --port 8080 --at-once 1 10 50 --seconds 20

What it sees goes to standard output, a line of JSON each: ``warm`` after the warm-up, then for every number of clients
``open`` and ``closed``, the latter with what was measured between the two. Clients go on asking when more join them;
those begin spread over about the time that a deliberation takes, so that beginnings and ends mix. With ``--burst`` all
ask once, in the same instant.
"""

import argparse
import asyncio
import json
import re
import sys
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import Any, cast

import uvloop

from benchmarks.hot_path.reading import Answer, Seen, wrong_with
from benchmarks.hot_path.standin import BE_SHORT, FIRST_TOKEN_S
from benchmarks.hot_path.survival import quantile

QUESTION = "Should we move the billing service to Rust?"
PING_EVERY_S = 0.05
RETRY_S = 0.5
N_WARMING = 8
_MOST_WARM_UP_S = 120.0
_MOST_BURST_S = 60.0
# One whole body in so many is kept, and read when the window is closed.
_SAMPLED = 20
_MOST_SAMPLES = 20


class Load:
    """All clients of one system, and what they see in the window that is open."""

    def __init__(self, port: int, last_words: bytes, *, is_magi: bool) -> None:
        self.port = port
        self._last_words = re.compile(last_words)
        self._is_magi = is_magi
        self.seen = Seen()
        self.clients: list[Client] = []
        self.samples: list[list[bytes]] = []
        self.n_asked = 0
        self._connecting: set[asyncio.Task[None]] = set()
        self._has_moved = asyncio.Event()

    def add(self, n: int, *, spread_s: float, question: str = QUESTION, n_questions: int | None = None) -> None:
        """Have ``n`` more clients begin, evenly over ``spread_s``; each asks ``n_questions`` times, or for ever."""
        for place in range(n):
            client = Client(self, request(question), n_questions)
            self.clients.append(client)
            asyncio.get_running_loop().call_later(spread_s * place / n, client.begin)

    def begin(self, connecting: Coroutine[Any, Any, None]) -> None:
        """Run an attempt to connect."""
        task = asyncio.get_running_loop().create_task(connecting)
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)

    def next_answer(self) -> Answer:
        """Give what reads the answer to the question that is sent now."""
        self.n_asked += 1
        self._has_moved.set()
        is_kept = self._is_magi and self.n_asked % _SAMPLED == 1 and len(self.samples) < _MOST_SAMPLES
        return Answer(time.monotonic(), last_words=self._last_words, is_kept=is_kept)

    def ended(self, answer: Answer) -> None:
        """Note how a deliberation ended."""
        self._has_moved.set()
        if answer.failure:
            self.seen.failures[answer.failure] += 1
            return
        self.seen.took_s.append(time.monotonic() - answer.sent_s)
        if answer.body:
            self.samples.append(answer.body)

    async def until(self, is_so: Callable[["Client"], bool]) -> None:
        """Wait until something is so of every client."""
        while not all(map(is_so, self.clients)):
            self._has_moved.clear()
            await self._has_moved.wait()

    def leave(self) -> None:
        """Cut every connection."""
        for client in self.clients:
            client.leave()
        self.clients.clear()

    def result(self) -> dict[str, Any]:
        """Give what has been seen, as it is written; what still runs counts as what it is: not over yet."""
        now_s, seen = time.monotonic(), self.seen
        running = [client.answer for client in self.clients if client.answer is not None]
        waiting_s = [now_s - answer.sent_s - FIRST_TOKEN_S for answer in running for _ in range(answer.n_silent())]
        running_s = [now_s - answer.sent_s for answer in running]
        for sample in self.samples:
            if wrong := wrong_with(sample):
                seen.failures[wrong] += 1
        n_read, self.samples = len(self.samples), []
        return {
            "first_p50": quantile(seen.first_s, waiting_s, 0.5),
            "first_p99": quantile(seen.first_s, waiting_s, 0.99),
            "delay_p50": quantile(seen.delay_s, (), 0.5),
            "delay_p99": quantile(seen.delay_s, (), 0.99),
            "took_p50": quantile(seen.took_s, running_s, 0.5),
            "ping_p50": quantile(seen.ping_s, (), 0.5),
            "ping_p99": quantile(seen.ping_s, (), 0.99),
            "n_first": len(seen.first_s),
            "n_ended": len(seen.took_s),
            "n_read": n_read,
            "failures": dict(seen.failures),
        }


class Client(asyncio.Protocol):
    """One client. It keeps its connection where the server does."""

    def __init__(self, load: Load, request: bytes, n_questions: int | None) -> None:
        self.answer: Answer | None = None
        self.has_asked = False
        self._load = load
        self._request = request
        self._n_left = n_questions
        self._transport: asyncio.Transport | None = None

    @property
    def is_done(self) -> bool:
        """Whether it has asked all that it was to ask, and been answered."""
        return self._n_left == 0 and self.answer is None

    def begin(self) -> None:
        """Ask, on a new connection if there is none."""
        if self._n_left == 0:
            return
        if self._transport is None:
            self._load.begin(self._connect())
            return
        self.has_asked = True
        if self._n_left is not None:
            self._n_left -= 1
        self.answer = self._load.next_answer()
        self._transport.write(self._request)

    def leave(self) -> None:
        """Cut the connection, and ask no more."""
        self._n_left = 0
        self.answer = None
        if self._transport is not None:
            self._transport.abort()

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.create_connection(lambda: self, "127.0.0.1", self._load.port)
        except OSError as error:
            self._load.seen.failures[type(error).__name__] += 1
            loop.call_later(RETRY_S, self.begin)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask."""
        self._transport = cast(asyncio.Transport, transport)
        self.begin()

    def connection_lost(self, exc: Exception | None) -> None:
        """End what was being read."""
        self._transport = None
        if self.answer is not None:
            self.answer.closed()
            self._end(self.answer)

    def data_received(self, data: bytes) -> None:
        """Read on."""
        if self.answer is not None:
            self.answer.feed(data, time.monotonic(), self._load.seen)
            if self.answer.is_over:
                self._end(self.answer)

    def _end(self, answer: Answer) -> None:
        self.answer = None
        self._load.ended(answer)
        if self._transport is not None and not answer.is_connection_kept:
            self._transport.abort()
            self._transport = None
        asyncio.get_running_loop().call_later(RETRY_S if answer.failure else 0, self.begin)


class Probe(asyncio.Protocol):
    """Asks ``GET /ping`` at a fixed pace on a connection of its own: how long the system's loop lets anybody wait."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._asked_s = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to ask."""
        self._transport = cast(asyncio.Transport, transport)
        self._turn(time.monotonic())

    def connection_lost(self, exc: Exception | None) -> None:
        """Count it: nothing more is known of the loop from here on."""
        self._load.seen.failures["probe cut off"] += 1

    def data_received(self, data: bytes) -> None:
        """Note the time of an answer, which comes in one piece or begins with its first."""
        if not self._asked_s:
            return
        took_s, self._asked_s = time.monotonic() - self._asked_s, 0.0
        # A question that waits keeps others from being asked; they would have waited, too.
        while took_s > 0:
            self._load.seen.ping_s.append(took_s)
            took_s -= PING_EVERY_S

    def _turn(self, due_s: float) -> None:
        if self._transport.is_closing():
            return
        if not self._asked_s:
            self._asked_s = time.monotonic()
            self._transport.write(b"GET /ping HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n")
        due_s += PING_EVERY_S
        asyncio.get_running_loop().call_later(max(0.0, due_s - time.monotonic()), self._turn, due_s)


def request(question: str) -> bytes:
    """Give the whole request that asks it."""
    body = json.dumps({"question": question}).encode()
    return (
        b"POST /invocations HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
        b"accept: text/event-stream\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)
    )


def tell(what: str, **facts: Any) -> None:
    """Write one line."""
    sys.stdout.write(json.dumps({"event": what, **facts}, default=asdict) + "\n")
    sys.stdout.flush()


async def warm_up(load: Load, n_rounds: int) -> None:
    """Have a few clients ask for short answers."""
    load.add(N_WARMING, spread_s=0, question=f"{QUESTION} {BE_SHORT}", n_questions=n_rounds)
    async with asyncio.timeout(_MOST_WARM_UP_S):
        await load.until(lambda client: client.is_done)
    if not load.seen.took_s:
        sys.exit(f"no deliberation of the warm-up ended well: {dict(load.seen.failures)}")
    load.leave()


async def run(load: Load, at_once: Sequence[int], seconds: float, spread_s: float) -> None:
    """Measure with each number of clients."""
    for n in at_once:
        load.add(n - len(load.clients), spread_s=spread_s if n > 1 else 0)
        await load.until(lambda client: client.has_asked)
        load.seen, load.samples = Seen(), []
        tell("open", at_once=n)
        await asyncio.sleep(seconds)
        tell("closed", at_once=n, **load.result())
    load.leave()


async def burst(load: Load, n: int) -> None:
    """Measure with ``n`` that ask in the same instant, once."""
    load.seen, load.samples = Seen(), []
    tell("open", at_once=n)
    load.add(n, spread_s=0, n_questions=1)
    with suppress(TimeoutError):
        async with asyncio.timeout(_MOST_BURST_S):
            await load.until(lambda client: client.is_done)
    tell("closed", at_once=n, **load.result())
    load.leave()


async def main(options: argparse.Namespace) -> None:
    """Warm up, then measure as asked."""
    load = Load(options.port, options.last_words.encode(), is_magi=options.magi)
    await asyncio.get_running_loop().create_connection(lambda: Probe(load), "127.0.0.1", options.port)
    await warm_up(load, options.warm_up)
    tell("warm")
    await asyncio.sleep(options.rest_s)
    if options.burst:
        await burst(load, options.burst)
    else:
        await run(load, options.at_once, options.seconds, options.spread_s)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument(
        "--magi", action="store_true", help="read some answers whole: are they what this server promises?"
    )
    parser.add_argument("--at-once", type=int, nargs="+", default=[1])
    parser.add_argument("--burst", type=int, default=0, help="so many at once, each once, in the same instant")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--spread-s", type=float, default=9, help="the time in which those that join begin")
    parser.add_argument("--last-words", default="", help="what the end of a whole answer has in it, as an expression")
    parser.add_argument("--warm-up", type=int, default=1, help="questions of each of the clients that warm up")
    parser.add_argument("--rest-s", type=float, default=1, help="how long nothing is asked after the warm-up")
    uvloop.run(main(parser.parse_args()))
