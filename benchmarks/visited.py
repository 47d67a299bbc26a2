"""A server that visitors come to, `magi serve` as it is, before a stand-in for Bedrock; and what it weighs."""

import json
import os
import platform
import subprocess
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.hot_path.measuring import LOAD_CORE, SYSTEM_CORE, standin
from benchmarks.hot_path.systems import environment
from benchmarks.processes import MAGI, free_port, process, processor_s, ready, resident_kb
from benchmarks.visitors import Crowd

RESULTS = Path(__file__).parent / "results"
_WARM_UP_S = 60.0
_N_WARMING = 4


@dataclass(frozen=True)
class Weight:
    """A process at one moment, its children included where they can be."""

    at_s: float
    resident_mb: float
    n_handles: int
    n_threads: int
    cpu_s: float


@dataclass(frozen=True)
class Visited:
    """A running server."""

    port: int
    pid: int

    def weight(self) -> Weight:
        """Weigh it."""
        process_files = Path(f"/proc/{self.pid}")
        return Weight(
            time.monotonic(),
            resident_kb(self.pid) / 1000,
            sum(1 for _ in (process_files / "fd").iterdir()),
            sum(1 for _ in (process_files / "task").iterdir()),
            processor_s(self.pid),
        )


@asynccontextmanager
async def visited(folder: Path, running: int) -> AsyncGenerator[Visited]:
    """Serve with room for so many deliberations: the server on one core, the stand-in and this process on another."""
    os.sched_setaffinity(0, {LOAD_CORE})
    async with standin() as bedrock:
        port = free_port()
        settings = environment(bedrock.url, str(folder)) | {"MAGI_RUNNING": str(running)}
        async with process(MAGI, "serve", "--port", str(port), environment=settings, cores=(SYSTEM_CORE,)) as server:
            await ready(port, server)
            yield Visited(port, server.pid)


async def warmed_up(port: int) -> float:
    """Have a few ask once or more; give the seconds that a deliberation takes.

    Raises:
        TimeoutError: they are not answered.
    """
    crowd = Crowd(port)
    visitors = crowd.add(_N_WARMING, spread_s=0)
    began_s = time.monotonic()
    await crowd.until(lambda: all(visitor.n_ended for visitor in visitors), _WARM_UP_S)
    took_s = time.monotonic() - began_s
    await crowd.until_quiet(_WARM_UP_S)
    return took_s


def machine() -> dict[str, Any]:
    """Give what a figure was measured on, and of what."""
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)  # noqa: S607 - the developer's own
    models = {
        line.partition(": ")[2] for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line
    }
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit.stdout.strip(),
        "version": version("magisystem"),
        "python": platform.python_version(),
        "system": platform.platform(),
        "processor": ", ".join(sorted(models)),
        "cores": os.cpu_count(),
    }


def keep(name: str, result: Mapping[str, Any]) -> Path:
    """Write a result with what it was measured on."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps({"machine": machine(), **result}, indent=2) + "\n", encoding="utf-8")
    return path
