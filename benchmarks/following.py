"""What reading costs: a long log replayed, and many readers of one deliberation, which speaks or is silent.

The server is `magi serve`, its models the hot path's stand-in. What a reader costs while a deliberation speaks is the
server's processor time with many readers less that with one.

    .venv/bin/python -m benchmarks.following [--events 10000] [--followers 1000]
"""

import argparse
import asyncio
import time
from asyncio.subprocess import Process
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import cast

from benchmarks.hot_path.load import QUESTION, request
from benchmarks.hot_path.measuring import standin
from benchmarks.hot_path.standin import BE_SHORT
from benchmarks.hot_path.systems import environment
from benchmarks.processes import MAGI, allow_connections, free_port, process, processor_s, ready, resident_kb
from magisystem.deliberation.ports import Record, Repeated
from magisystem.logs import SqliteEventLog

N_REPLAYS = 5
_EVENT = b"\nid: "
# Longer than a deliberation's readers take to be there and be weighed.
_SILENT_S = 25.0
_MOST_S = 60.0
# Memory that grows by no more in this time is taken to stand still.
_SETTLED_KB = 64.0
_SETTLED_S = 1.0


@dataclass(frozen=True)
class Replay:
    """A log of ``n_events`` read from its beginning: the medians of several readings."""

    n_events: int
    first_ms: float
    all_ms: float
    events_per_s: float


@dataclass(frozen=True)
class FanOut:
    """What one event costs for one of ``n_followers``, and the memory (kB) of one that waits."""

    n_followers: int
    n_events: int
    cpu_us: float
    idle_kb: float


class Follower(asyncio.Protocol):
    """Reads one response to its end, and counts its events.

    Attributes:
        begun: done when the first bytes have come.
        over: done when all have; fails where the response is cut.
        first_s: when the first event came.
    """

    def __init__(self, request: bytes) -> None:
        loop = asyncio.get_running_loop()
        self.n_events = 0
        self.first_s = 0.0
        self.head = b""
        self.begun: asyncio.Future[None] = loop.create_future()
        self.over: asyncio.Future[None] = loop.create_future()
        self._request = request
        self._end = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Count."""
        if not self.begun.done():
            self.head = data
            self.begun.set_result(None)
        # Too short to hold a mark that has been counted.
        text = self._end[1 - len(_EVENT) :] + data
        self.n_events += text.count(_EVENT)
        if self.n_events and not self.first_s:
            self.first_s = time.monotonic()
        self._end = (self._end + data)[-8:]
        if self._end.endswith(b"\r\n0\r\n\r\n") and not self.over.done():
            self.over.set_result(None)
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail, if that was not the end."""
        for awaited in (self.begun, self.over):
            if not awaited.done():
                awaited.set_exception(ConnectionError("the response was cut"))
                awaited.exception()

    def leave(self) -> None:
        """Go away."""
        self._transport.abort()


async def write_log(folder: Path, n_events: int) -> None:
    """Write a log of ``n_events`` events, as a deliberation of short tokens leaves it."""
    chunk = b'{"type":"chunk","seq":%d,"timestamp":"2026-01-01T00:00:00.000Z","agentId":"caspar","content":"token "}'
    end = (
        b'{"type":"error","seq":%d,"timestamp":"2026-01-01T00:00:00.000Z","error":"interrupted",'
        b'"message":"A log for a measurement.","retryable":true}'
    )
    async with SqliteEventLog.open(folder) as log:
        writer = await log.create("long", "local")
        assert not isinstance(writer, Repeated)
        records = [Record(seq, chunk % seq, is_terminal=False) for seq in range(1, n_events)]
        await writer.append([*records, Record(n_events, end % n_events, is_terminal=True)])


@asynccontextmanager
async def serving(folder: Path, *standin_options: str) -> AsyncGenerator[tuple[int, Process]]:
    """Run stand-in and server; give the server's port and process."""
    port = free_port()
    async with standin(*standin_options, is_pinned=False) as bedrock:
        settings = environment(bedrock.url, str(folder))
        errors = folder / "stderr.log"
        async with process(MAGI, "serve", "--port", str(port), environment=settings, errors=errors) as server:
            await ready(port, server)
            yield port, server


async def reading(port: int, asked: bytes) -> Follower:
    """Open one connection, and ask."""
    _, follower = await asyncio.get_running_loop().create_connection(lambda: Follower(asked), "127.0.0.1", port)
    return follower


def following(deliberation_id: str) -> bytes:
    """Give the request that follows a deliberation from its beginning."""
    return f"GET /deliberations/{deliberation_id}/events HTTP/1.1\r\nhost: localhost\r\n\r\n".encode()


async def begun(port: int, question: str) -> str:
    """Begin a deliberation, leave its answer, and give its id."""
    asking = await reading(port, request(question))
    await asking.begun
    asking.leave()
    return asking.head.lower().partition(b"x-magi-deliberation-id: ")[2].partition(b"\r\n")[0].decode()


async def followers(port: int, deliberation_id: str, n: int) -> Sequence[Follower]:
    """Have ``n`` follow; they are there when this returns."""
    asked = following(deliberation_id)
    reading_now = [await reading(port, asked) for _ in range(n)]
    await asyncio.gather(*(follower.begun for follower in reading_now))
    return reading_now


async def replayed(n_events: int) -> Replay:
    """Measure how fast a long log is replayed to one reader."""
    firsts_ms, alls_ms = list[float](), list[float]()
    with TemporaryDirectory(prefix="bench-") as folder:
        await write_log(Path(folder), n_events)
        async with serving(Path(folder)) as (port, _):
            for _ in range(N_REPLAYS + 1):
                asked_s = time.monotonic()
                reader = await reading(port, following("long"))
                await reader.over
                assert reader.n_events == n_events, reader.n_events
                firsts_ms.append(1000 * (reader.first_s - asked_s))
                alls_ms.append(1000 * (time.monotonic() - asked_s))
    # The first one warms up.
    all_ms = median(alls_ms[1:])
    return Replay(n_events, median(firsts_ms[1:]), all_ms, 1000 * n_events / all_ms)


async def fanned_out(n_followers: int, *, is_short: bool = False) -> FanOut:
    """Measure what readers of one deliberation cost, while it speaks and while it is silent."""
    question = f"{QUESTION} {BE_SHORT}" if is_short else QUESTION
    with TemporaryDirectory(prefix="bench-") as folder:
        async with serving(Path(folder)) as (port, server):
            await _followed(port, server, f"{QUESTION} {BE_SHORT}", 1)
            alone_s, _ = await _followed(port, server, question, 1)
            together_s, n_read = await _followed(port, server, question, n_followers)
    cpu_us = 1e6 * (together_s - alone_s) / n_read * n_followers / (n_followers - 1)
    return FanOut(n_followers, n_read // n_followers, cpu_us, await idle_kb(n_followers))


async def _followed(port: int, server: Process, question: str, n: int) -> tuple[float, int]:
    """Have ``n`` follow a deliberation; give the processor time from when all are there, and the events read then."""
    reading_now = await followers(port, await begun(port, question), n)
    before_s, n_before = processor_s(server.pid), sum(follower.n_events for follower in reading_now)
    async with asyncio.timeout(_MOST_S):
        await asyncio.gather(*(follower.over for follower in reading_now))
    assert len({follower.n_events for follower in reading_now}) == 1, "followers saw different numbers of events"
    return processor_s(server.pid) - before_s, sum(follower.n_events for follower in reading_now) - n_before


async def idle_kb(n_followers: int) -> float:
    """Give the memory of a follower of a deliberation whose models have not begun to speak."""
    with TemporaryDirectory(prefix="bench-") as folder:
        async with serving(Path(folder), "--first-token-s", str(_SILENT_S)) as (port, server):
            deliberation_id = await begun(port, QUESTION)
            first = await followers(port, deliberation_id, 10)
            before_kb = await _settled_kb(server)
            rest = await followers(port, deliberation_id, n_followers)
            more_kb = await _settled_kb(server) - before_kb
            for follower in (*first, *rest):
                follower.leave()
    return more_kb / n_followers


async def _settled_kb(server: Process) -> float:
    """Give the memory once it grows no more: what the first deliberation loads, 25 MB, is no follower's."""
    before_kb, now_kb = 0.0, resident_kb(server.pid)
    async with asyncio.timeout(_SILENT_S / 3):
        while now_kb - before_kb > _SETTLED_KB:
            await asyncio.sleep(_SETTLED_S)
            before_kb, now_kb = now_kb, resident_kb(server.pid)
    return now_kb


def table(replay: Replay, fan_out: FanOut) -> str:
    """Give the table in Markdown."""
    rows = ["| reading | |", "|---|---:|"]
    rows.append(f"| a log of {replay.n_events:,} events from its beginning: first event | {replay.first_ms:.1f} ms |")
    rows.append(f"| … all | {replay.all_ms:.0f} ms |")
    rows.append(f"| … events a second | {replay.events_per_s:,.0f} |")
    rows.append(f"| processor time an event for each of {fan_out.n_followers:,} followers | {fan_out.cpu_us:.1f} µs |")
    rows.append(f"| memory of each of {fan_out.n_followers:,} that wait | {fan_out.idle_kb:.0f} kB |")
    return "\n".join(rows)


async def measure(n_events: int, n_followers: int) -> None:
    """Print what was measured."""
    print(table(await replayed(n_events), await fanned_out(n_followers)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=10_000)
    parser.add_argument("--followers", type=int, default=1_000)
    options = parser.parse_args()
    allow_connections()
    asyncio.run(measure(options.events, options.followers))
