"""What the gateway costs: the time it adds to a stream's first byte, and its processor time a relayed frame.

Three processes: `magi serve` as it runs in AgentCore Runtime, `magi gateway` in front of it, and this one. The first
byte is that of a finished deliberation that is followed again, so that no model's time is in it: asked for directly and
through the gateway in turn, a pair at a time; what is added is the difference within a pair. Frames are relayed from a
server in this process, one a write, as slowly as models speak.

    .venv/bin/python -m benchmarks.gateway [--pairs 400] [--streams 50] [--seconds 5]
"""

import argparse
import asyncio
import json
import time
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from urllib.parse import quote

from benchmarks.processes import MAGI, free_port, process, processor_s, ready

ARN = "arn:aws:bedrock-agentcore:us-east-1:123456789012:runtime/magi-0123456789"
PATH = f"/runtimes/{quote(ARN, safe='')}/invocations?qualifier=DEFAULT"
SESSION = "bench-0123456789abcdef0123456789abcdef"
KEY = "0123456789abcdef0123456789abcdef"
FRAMES_PER_S = 50
_CONTENT = "a token or two "


@dataclass(frozen=True)
class FirstByte:
    """The milliseconds to the first byte of one way: directly, through the gateway, or what that adds within a pair."""

    way: str
    p50_ms: float
    p99_ms: float


@dataclass(frozen=True)
class Relay:
    """The gateway's processor time a relayed frame, with so many streams at once."""

    n_streams: int
    n_frames: int
    cpu_us: float


class Connection:
    """A connection that is kept, and read without a library whose own time would count."""

    def __init__(self, port: int, path: str) -> None:
        self._port = port
        self._path = path
        self._streams: tuple[StreamReader, StreamWriter] | None = None

    async def post(self, body: bytes) -> tuple[float, bytes]:
        """Ask for a stream; give the seconds to the first byte of its body, and the body, still in chunks."""
        self._streams = self._streams or await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        head = f"POST {self._path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        session = f"X-Amzn-Bedrock-AgentCore-Runtime-Session-Id: {SESSION}\r\n"
        asked = time.perf_counter()
        writer.write(f"{head}{session}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        status = await reader.readuntil(b"\r\n\r\n")
        first = await reader.readexactly(1)
        took = time.perf_counter() - asked
        assert b" 200 " in status, status
        return took, first + await reader.readuntil(b"\r\n0\r\n\r\n")


@asynccontextmanager
async def gateway(upstream: str, data_dir: str) -> AsyncGenerator[tuple[int, int]]:
    """Run a gateway; give its port and its process's id."""
    port = free_port()
    settings = {"MAGI_GATEWAY_KEY": KEY, "MAGI_RUNTIME_ARN": ARN, "MAGI_RUNTIME_ENDPOINT": upstream}
    settings |= {"MAGI_DATA_DIR": data_dir}
    async with process(MAGI, "gateway", "--port", str(port), environment=settings) as running:
        await ready(port, running)
        yield port, running.pid


async def first_bytes(n_pairs: int, data_dir: str) -> list[FirstByte]:
    """Measure what the gateway adds to the first byte."""
    port = free_port()
    serve = (MAGI, "serve", "--port", str(port))
    settings = {"MAGI_PLATFORM": "agentcore", "MAGI_HOST": "127.0.0.1", "MAGI_DATA_DIR": data_dir}
    settings |= {"MAGI_EMBEDDED_TOKENS_PER_S": "0"}
    async with (
        process(*serve, environment=settings),
        gateway(f"http://127.0.0.1:{port}", data_dir) as (relaying, _),
    ):
        await ready(port)
        direct, through = Connection(port, PATH), Connection(relaying, "/invocations")
        _, told = await direct.post(json.dumps({"question": "Should we move billing to Rust?"}).encode())
        which = told.partition(b'"deliberationId":"')[2].partition(b'"')[0].decode()
        # A stranger's runtime session is another one, so the gateway is asked to follow by the same server's log.
        body = json.dumps({"action": "resume", "deliberationId": which}).encode()
        for _ in range(20):
            await direct.post(body)
            await through.post(body)
        pairs = [((await direct.post(body))[0], (await through.post(body))[0]) for _ in range(n_pairs)]
    added = [1000 * (relayed - plain) for plain, relayed in pairs]
    plain, relayed = [1000 * plain for plain, _ in pairs], [1000 * relayed for _, relayed in pairs]
    ways = {"direct": plain, "gateway": relayed, "added, within a pair": added}
    return [FirstByte(way, median(took), quantiles(took, n=100)[98]) for way, took in ways.items()]


async def speak(reader: StreamReader, writer: StreamWriter, seconds: float) -> None:
    """Answer one request with frames at a model's pace, one a write."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
    n_frames = round(seconds * FRAMES_PER_S)
    due = time.perf_counter()
    for seq in range(1, n_frames + 1):
        kind = "complete" if seq == n_frames else "chunk"
        event = {"type": kind, "seq": seq, "timestamp": "2026-11-20T00:00:00.000Z", "agentId": "caspar",
                 "content": _CONTENT}  # fmt: skip
        frame = b"id: %d\ndata: %b\n\n" % (seq, json.dumps(event, separators=(",", ":")).encode())
        writer.write(b"%x\r\n%b\r\n" % (len(frame), frame))
        due += 1 / FRAMES_PER_S
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
    writer.write(b"0\r\n\r\n")
    await writer.drain()
    writer.close()


async def relayed_frames(n_streams: int, seconds: float, data_dir: str) -> Relay:
    """Measure the processor time that a relayed frame takes."""
    server = await asyncio.start_server(lambda r, w: speak(r, w, seconds), "127.0.0.1", 0, backlog=1024)
    async with server, gateway(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", data_dir) as (port, pid):
        body = b'{"question":"Why?"}'
        await Connection(port, "/invocations").post(body)
        before = processor_s(pid)
        answers = await asyncio.gather(*(Connection(port, "/invocations").post(body) for _ in range(n_streams)))
        took_s = processor_s(pid) - before
    n_frames = sum(answer.count(b"id: ") for _, answer in answers)
    assert n_frames == n_streams * round(seconds * FRAMES_PER_S), n_frames
    return Relay(n_streams, n_frames, 1e6 * took_s / n_frames)


def table(first: Sequence[FirstByte], relay: Relay) -> str:
    """Give the tables in Markdown."""
    rows = ["| first byte | p50 | p99 |", "|---|---:|---:|"]
    rows += [f"| {one.way} | {one.p50_ms:.2f} ms | {one.p99_ms:.2f} ms |" for one in first]
    rows += ["", "| streams at once | frames | processor time a frame |", "|---:|---:|---:|"]
    rows.append(f"| {relay.n_streams} | {relay.n_frames:,} | {relay.cpu_us:.0f} µs |")
    return "\n".join(rows)


async def measured(n_pairs: int, n_streams: int, seconds: float) -> tuple[list[FirstByte], Relay]:
    """Measure both."""
    with TemporaryDirectory(prefix="bench-") as data_dir:
        return await first_bytes(n_pairs, data_dir), await relayed_frames(n_streams, seconds, data_dir)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=400)
    parser.add_argument("--streams", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=5.0)
    options = parser.parse_args()
    print(table(*asyncio.run(measured(options.pairs, options.streams, options.seconds))))
