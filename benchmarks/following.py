"""What reading costs: a long log replayed from its beginning, and a thousand readers of one that runs.

Two processes: the server as `magi serve` runs it, with the embedded advisor, and this one, which reads. The open files
of a process must allow the connections: `ulimit -n 4096`.

    .venv/bin/python -m benchmarks.following [--events 10000] [--followers 1000]
"""

import argparse
import asyncio
import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import httpx2

from benchmarks.first_token import process, ready, resident_mib
from magisystem.deliberation.ports import Record, Repeated
from magisystem.logs import SqliteEventLog
from magisystem.protocol.sse import FrameDecoder

QUESTION = {"question": "Should we move the billing service to Rust?"}
PORT = "8179"


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


async def replay(http: httpx2.AsyncClient) -> tuple[float, float, int]:
    """Follow the long log; give milliseconds to the first event and to the last, and how many came."""
    loop = asyncio.get_running_loop()
    asked = loop.time()
    first_ms, n_events, decoder = 0.0, 0, FrameDecoder()
    async with http.stream("GET", "/deliberations/long/events") as answer:
        async for piece in answer.aiter_bytes():
            n_new = len(list(decoder.feed(piece)))
            if n_new and not n_events:
                first_ms = 1000 * (loop.time() - asked)
            n_events += n_new
    return first_ms, 1000 * (loop.time() - asked), n_events


async def follow(http: httpx2.AsyncClient, deliberation_id: str) -> int:
    """Follow a deliberation to its end; give how many events came."""
    decoder, n_events = FrameDecoder(), 0
    async with http.stream("GET", f"/deliberations/{deliberation_id}/events") as answer:
        async for piece in answer.aiter_bytes():
            n_events += len(list(decoder.feed(piece)))
    return n_events


async def measure(n_events: int, n_followers: int) -> None:
    """Print both measurements."""
    with TemporaryDirectory() as folder:
        await write_log(Path(folder), n_events)
        serve = (str(Path(sys.executable).with_name("magi")), "serve", "--port", PORT)
        settings = {"MAGI_DATA_DIR": folder, "MAGI_EMBEDDED_TOKENS_PER_S": "20"}
        async with (
            process(*serve, **settings) as server,
            httpx2.AsyncClient(
                base_url=f"http://127.0.0.1:{PORT}", timeout=120, limits=httpx2.Limits(max_connections=None)
            ) as http,
        ):
            await ready(http)
            async with http.stream("POST", "/invocations", json=QUESTION) as answer:
                await answer.aread()
            replays = [await replay(http) for _ in range(5)]
            first_ms, all_ms = median(times[0] for times in replays), median(times[1] for times in replays)
            n_seen = replays[0][2]
            print(f"{n_events:,} events replayed: first after {first_ms:.1f} ms, all {n_seen:,} after {all_ms:.1f} ms")

            async with http.stream("POST", "/invocations", json=QUESTION) as answer:
                deliberation_id = answer.headers["x-magi-deliberation-id"]
            before_mib = peak_mib = resident_mib(server.pid)
            followers = [asyncio.create_task(follow(http, deliberation_id)) for _ in range(n_followers)]
            while not all(follower.done() for follower in followers):
                await asyncio.sleep(0.25)
                peak_mib = max(peak_mib, resident_mib(server.pid))
            seen = {follower.result() for follower in followers}
            more_mib = peak_mib - before_mib
            print(f"{n_followers:,} followers of one deliberation: server +{more_mib:.0f} MiB, events seen {seen}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=10_000)
    parser.add_argument("--followers", type=int, default=1_000)
    options = parser.parse_args()
    asyncio.run(measure(options.events, options.followers))
