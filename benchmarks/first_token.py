"""How long the first token of every sage takes, beyond the model's own, with many deliberations at once.

Three processes: a stand-in for Amazon Bedrock (its first token after 0.200 s, then 50 tokens a second), the server as
`magi serve` runs it, and this one, which asks and reads. On two cores they share, so the figures hold an upper bound.

    .venv/bin/python -m benchmarks.first_token [--at-once 1 10 20 50]
"""

import argparse
import asyncio
import os
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory

import httpx2

from magisystem.protocol.codec import decode
from magisystem.protocol.events import Chunk, Complete
from magisystem.protocol.sse import FrameDecoder

MODEL_FIRST_TOKEN_S = 0.2
TOKENS_PER_S = 50
QUESTION = {"question": "Should we move the billing service to Rust?"}


@asynccontextmanager
async def process(*command: str, **environment: str) -> AsyncGenerator[Process]:
    """Run a command until the block is left."""
    running = await asyncio.create_subprocess_exec(*command, stdout=PIPE, env=os.environ | environment)
    try:
        yield running
    finally:
        running.terminate()
        await running.wait()


async def first_tokens(http: httpx2.AsyncClient) -> list[float]:
    """Ask once; give, for each sage, the seconds to its first token."""
    loop = asyncio.get_running_loop()
    asked = loop.time()
    first: dict[str, float] = {}
    decoder = FrameDecoder()
    outcome = ""
    async with http.stream("POST", "/invocations", json=QUESTION) as answer:
        async for piece in answer.aiter_bytes():
            for frame in decoder.feed(piece):
                event = decode(frame.data)
                if isinstance(event, Chunk) and event.agent_id != "solomon":
                    first.setdefault(event.agent_id, loop.time() - asked)
                elif isinstance(event, Complete):
                    outcome = event.outcome
    if outcome != "decided" or len(first) != 3:
        raise RuntimeError(f"a deliberation ended {outcome or 'without an outcome'}")
    return list(first.values())


def resident_mib(pid: int) -> float:
    """Give a process's resident memory (Linux)."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


async def measure(at_once: list[int]) -> None:
    """Print one row for each number of deliberations at once."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    pace = ("--first-token-s", str(MODEL_FIRST_TOKEN_S), "--tokens-per-s", str(TOKENS_PER_S))
    with TemporaryDirectory() as data_dir:
        await measure_with(at_once, port, data_dir, pace)


async def measure_with(at_once: list[int], port: str, data_dir: str, pace: tuple[str, ...]) -> None:
    """Run the three processes, and measure."""
    async with process(sys.executable, "-m", "tests.support.bedrock", *pace) as bedrock:
        assert bedrock.stdout is not None
        url = (await bedrock.stdout.readline()).decode().strip()
        aws = {
            "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": url,
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "bench",
            "AWS_SECRET_ACCESS_KEY": "bench",
        }
        serve = (str(Path(sys.executable).with_name("magi")), "serve", "--port", port)
        async with (
            process(*serve, MAGI_MODEL="bedrock:a.model", MAGI_DATA_DIR=data_dir, **aws) as server,
            httpx2.AsyncClient(
                base_url=f"http://127.0.0.1:{port}",
                timeout=120,
                limits=httpx2.Limits(max_connections=None),
            ) as http,
        ):
            await ready(http)
            await first_tokens(http)
            print("| at once | first token beyond the model's: p50 | p99 | server memory |")
            print("|---|---|---|---|")
            for n in at_once:
                seen = await asyncio.gather(*(first_tokens(http) for _ in range(n)))
                beyond = [1000 * (time - MODEL_FIRST_TOKEN_S) for times in seen for time in times]
                p99 = quantiles(beyond, n=100)[98]
                memory = resident_mib(server.pid)
                print(f"| {n} | {median(beyond):.0f} ms | {p99:.0f} ms | {memory:.0f} MiB |", flush=True)


async def ready(http: httpx2.AsyncClient) -> None:
    """Wait until the server answers."""
    for _ in range(200):
        try:
            await http.get("/ping")
        except httpx2.TransportError:
            await asyncio.sleep(0.05)
        else:
            return
    raise RuntimeError("the server did not start")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--at-once", type=int, nargs="+", default=[1, 10, 20, 50])
    asyncio.run(measure(parser.parse_args().at_once))
