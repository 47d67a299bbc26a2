"""How long a server takes, from the start of its process, to answer ``GET /ping`` and to have a first token.

`magi serve` on a new data folder and on one it knows, `magi gateway`, an application of FastAPI and uvicorn that can do
nothing but answer, and the rivals. The least of several runs is what the start costs; the median is what the machine,
with whatever else it does, made of it. The first token is that of a question asked as soon as ``/ping`` is answered,
from the start of the process, without the 0.2 s that the model itself takes.

    .venv/bin/python -m benchmarks.cold_start [--runs 7]
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.hot_path.load import QUESTION, request
from benchmarks.hot_path.measuring import standin
from benchmarks.hot_path.standin import FIRST_TOKEN_S
from benchmarks.hot_path.systems import SYSTEMS, USUAL, environment
from benchmarks.processes import MAGI, free_port, process, ready

BARE = """\
import sys
import uvicorn
from fastapi import FastAPI

app = FastAPI()


@app.get("/ping")
async def ping() -> dict[str, str]:
    return {"status": "healthy"}


uvicorn.run(app, port=int(sys.argv[2]), log_level="warning")
"""
GATEWAY = {
    "MAGI_GATEWAY_KEY": "0123456789abcdef0123456789abcdef",
    "MAGI_RUNTIME_ARN": "arn:aws:bedrock-agentcore:us-east-1:123456789012:runtime/magi-0123456789",
    "MAGI_RUNTIME_ENDPOINT": "http://127.0.0.1:9",
}
_MOST_FIRST_TOKEN_S = 30.0


@dataclass(frozen=True)
class Start:
    """The starts of one kind of server, in seconds; ``token_s`` is empty for what answers no question."""

    kind: str
    ping_s: list[float] = field(default_factory=list[float])
    token_s: list[float] = field(default_factory=list[float])


async def start(seen: Start, command: Sequence[str], settings: dict[str, str], *, asks: bool = True) -> None:
    """Start a server, note the seconds until it answers, and stop it."""
    port = free_port()
    began_s = time.monotonic()
    errors = Path(settings["MAGI_DATA_DIR"]).with_suffix(".log")
    async with process(*command, "--port", str(port), environment=settings, errors=errors) as running:
        await ready(port, running)
        seen.ping_s.append(time.monotonic() - began_s)
        if asks:
            async with asyncio.timeout(_MOST_FIRST_TOKEN_S):
                await first_token(port)
            seen.token_s.append(time.monotonic() - began_s - FIRST_TOKEN_S)


async def first_token(port: int) -> None:
    """Ask, and wait for a model's first token."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request(QUESTION))
    await reader.readuntil(b"[t:")
    writer.transport.abort()


async def starts(n_runs: int, systems: Sequence[str] = USUAL) -> list[Start]:
    """Start every kind of server ``n_runs`` times, in turn."""
    new, known = Start("magi serve, first start"), Start("magi serve, later start")
    gateway, bare = Start("magi gateway"), Start("bare FastAPI and uvicorn")
    rivals = {name: Start(SYSTEMS[name].title) for name in systems if name != "magi"}
    async with standin(is_pinned=False) as bedrock:
        for _ in range(n_runs):
            with TemporaryDirectory(prefix="bench-") as folder:
                settings = environment(bedrock.url, str(Path(folder) / "data"))
                await start(new, (MAGI, "serve"), settings)
                await start(known, (MAGI, "serve"), settings)
                await start(gateway, (MAGI, "gateway"), settings | GATEWAY, asks=False)
                await start(bare, (sys.executable, "-c", BARE), settings, asks=False)
                for name, seen in rivals.items():
                    await start(seen, SYSTEMS[name].command, settings)
    return [new, known, gateway, bare, *rivals.values()]


def table(seen: Sequence[Start]) -> str:
    """Give the table in Markdown."""
    rows = ["| from the start of the process | `/ping`: least | median | first token: least | median |"]
    rows.append("|---|---:|---:|---:|---:|")
    for one in seen:
        times = [
            f"{measure(times_s):.2f} s" for times_s in (one.ping_s, one.token_s) if times_s for measure in (min, median)
        ]
        rows.append(f"| {one.kind} | {' | '.join([*times, '–', '–'][:4])} |")
    return "\n".join(rows)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--systems", nargs="+", default=list(USUAL), choices=list(SYSTEMS))
    options = parser.parse_args()
    print(table(asyncio.run(starts(options.runs, options.systems))))
