"""How long a server takes from the start of its process until ``GET /ping`` is answered with 200.

`magi serve` on a new data folder and on one it knows, `magi gateway`, and beside them, in turn, an application of
FastAPI and uvicorn that can do nothing but answer. The least of several runs is what the start costs; the median is
what the machine, with whatever else it does, made of it.

    .venv/bin/python -m benchmarks.cold_start [--runs 7]
"""

import argparse
import asyncio
import socket
import sys
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.first_token import process

MAGI = str(Path(sys.executable).with_name("magi"))
BARE = """\
import sys
import uvicorn
from fastapi import FastAPI

app = FastAPI()


@app.get("/ping")
async def ping() -> dict[str, str]:
    return {"status": "healthy"}


uvicorn.run(app, port=int(sys.argv[1]), log_level="warning")
"""
GATEWAY = {
    "MAGI_GATEWAY_KEY": "0123456789abcdef0123456789abcdef",
    "MAGI_RUNTIME_ARN": "arn:aws:bedrock-agentcore:us-east-1:123456789012:runtime/magi-0123456789",
    "MAGI_RUNTIME_ENDPOINT": "http://127.0.0.1:9",
}
_POLL_S = 0.005
_MOST_POLLS = 6_000


async def answers_ping(port: int) -> bool:
    """Ask once, without a library whose own time would count."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionError:
        return False
    writer.write(b"GET /ping HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    status = await reader.readline()
    writer.close()
    return b" 200 " in status


async def start(*command: str, data_dir: str, **settings: str) -> float:
    """Start a server, give the seconds until it answers, and stop it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    began = time.perf_counter()
    async with process(*command, str(port), MAGI_DATA_DIR=data_dir, **settings):
        for _ in range(_MOST_POLLS):
            if await answers_ping(port):
                return time.perf_counter() - began
            await asyncio.sleep(_POLL_S)
    raise RuntimeError("the server did not start")


async def measure(n_runs: int) -> None:
    """Print one row for each kind of start."""
    serve = (MAGI, "serve", "--port")
    relay = (MAGI, "gateway", "--port")
    kinds = ("first start", "later start", "gateway", "bare FastAPI and uvicorn")
    took_s: dict[str, list[float]] = {kind: [] for kind in kinds}
    for _ in range(n_runs):
        with TemporaryDirectory() as folder:
            data_dir = str(Path(folder) / "data")
            took_s["first start"].append(await start(*serve, data_dir=data_dir))
            took_s["later start"].append(await start(*serve, data_dir=data_dir))
            took_s["gateway"].append(await start(*relay, data_dir=data_dir, **GATEWAY))
            took_s["bare FastAPI and uvicorn"].append(await start(sys.executable, "-c", BARE, data_dir=data_dir))
    print("| until `/ping` answers | least | median |")
    print("|---|---|---|")
    for kind, times in took_s.items():
        print(f"| {kind} | {min(times):.2f} s | {median(times):.2f} s |")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7)
    asyncio.run(measure(parser.parse_args().runs))
