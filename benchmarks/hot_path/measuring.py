"""One system after the other: started, warmed up, asked by so many at once, weighed, stopped."""

import asyncio
import json
import sys
import time
from asyncio.subprocess import Process
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any
from urllib.request import urlopen

from benchmarks.hot_path.survival import Quantile
from benchmarks.hot_path.systems import System, environment
from benchmarks.processes import free_port, process, processor_s, ready, resident_kb

SYSTEM_CORE = 0
LOAD_CORE = 1
_WEIGH_EVERY_S = 0.25
_REST_S = 1.0
# Whatever a window, its beginnings and the warm-up take, the generator speaks at least this often.
_MOST_SILENCE_S = 150.0


@dataclass(frozen=True)
class Plan:
    """How a system is measured; ``most_spread_s`` bounds the time in which clients begin."""

    at_once: Sequence[int]
    seconds: float
    most_spread_s: float = 60.0
    n_warm_up: int = 1
    n_workers: int = 1
    burst: int = 0

    @property
    def is_pinned(self) -> bool:
        """Whether system and load have a core each."""
        return self.n_workers == 1


@dataclass(frozen=True)
class Cell:
    """One system with so many at once. Times are ms, as `Quantile`; ``None`` where nothing was seen.

    Attributes:
        cpu_us: processor time a token, of the tree of processes, over all tokens that the models said in the window.
        busy: processor time a second.
        memory_kb: beyond the idle system's, for each that runs.
        standin_late_p99_ms: how late the stand-in itself was; what it adds is nobody's fault.
    """

    system: str
    at_once: int
    cpu_us: float
    busy: float
    tokens_per_s: float
    memory_kb: float
    idle_kb: float
    standin_late_p99_ms: float
    first_p50: Quantile | None
    first_p99: Quantile | None
    delay_p50: Quantile | None
    delay_p99: Quantile | None
    took_p50: Quantile | None
    ping_p50: Quantile | None
    ping_p99: Quantile | None
    n_first: int
    n_ended: int
    n_read: int
    failures: dict[str, int] = field(default_factory=dict[str, int])


@dataclass(frozen=True)
class Moment:
    """What the counters say at one moment."""

    at_s: float
    cpu_s: float
    n_tokens: int
    late_p99_ms: float


class Weighed:
    """A running system, looked at from outside."""

    def __init__(self, server: Process, bedrock_url: str) -> None:
        self._server = server
        self._bedrock_url = bedrock_url
        self._weights_kb: list[float] = []

    async def moment(self) -> Moment:
        """Read the counters."""
        stats = await asyncio.to_thread(_stats, self._bedrock_url)
        return Moment(time.monotonic(), processor_s(self._server.pid), stats["tokens"], stats["late_p99_ms"])

    def weight_kb(self) -> float:
        """Give the middle of the weights since this was last asked."""
        middle = median(self._weights_kb) if self._weights_kb else resident_kb(self._server.pid)
        self._weights_kb.clear()
        return middle

    async def weigh(self) -> None:
        """Weigh until cancelled."""
        while True:
            self._weights_kb.append(resident_kb(self._server.pid))
            await asyncio.sleep(_WEIGH_EVERY_S)


def _stats(bedrock_url: str) -> dict[str, Any]:
    with urlopen(f"{bedrock_url}/stats", timeout=10) as answer:  # noqa: S310 - our own stand-in's URL
        return json.load(answer)


@asynccontextmanager
async def standin(*options: str, is_pinned: bool = True) -> AsyncGenerator[str]:
    """Run the stand-in; give its URL."""
    cores = (LOAD_CORE,) if is_pinned else ()
    async with process(sys.executable, "-m", "benchmarks.hot_path.standin", *options, cores=cores) as running:
        assert running.stdout is not None
        yield (await running.stdout.readline()).decode().strip()


async def measured(system: System, bedrock_url: str, plan: Plan) -> AsyncGenerator[Cell]:
    """Measure one system by a plan: a cell for each number at once.

    Raises:
        RuntimeError: it does not start, or ends, or the generator falls silent.
    """
    port = free_port()
    command = (*system.command(plan.n_workers), "--port", str(port))
    cores = (SYSTEM_CORE,) if plan.is_pinned else ()
    with TemporaryDirectory(prefix="bench-") as folder:
        async with process(*command, cores=cores, **environment(bedrock_url, folder)) as server:
            await ready(port, server)
            async for cell in _loaded(system, Weighed(server, bedrock_url), port, plan):
                yield cell


async def _loaded(system: System, weighed: Weighed, port: int, plan: Plan) -> AsyncGenerator[Cell]:
    cores = (LOAD_CORE,) if plan.is_pinned else ()
    async with process(*_generator(system, port, plan), cores=cores) as load:
        weighing = asyncio.create_task(weighed.weigh())
        try:
            before, idle_kb = await weighed.moment(), weighed.weight_kb()
            async for told in _told(load):
                now = await weighed.moment()
                match told.pop("event"):
                    case "warm":
                        weighed.weight_kb()
                        await asyncio.sleep(_REST_S / 2)
                        idle_kb = weighed.weight_kb()
                    case "open":
                        before, _ = now, weighed.weight_kb()
                    case _:
                        yield _cell(system, before, now, idle_kb=idle_kb, full_kb=weighed.weight_kb(), **told)
        finally:
            weighing.cancel()


def _generator(system: System, port: int, plan: Plan) -> list[str]:
    command = [sys.executable, "-m", "benchmarks.hot_path.load", "--port", str(port)]
    command += ["--seconds", str(plan.seconds), "--most-spread-s", str(plan.most_spread_s)]
    command += ["--warm-up", str(plan.n_warm_up), "--rest-s", str(_REST_S), "--burst", str(plan.burst)]
    command += ["--at-once", *map(str, plan.at_once)]
    return [*command, "--magi"] if system.name == "magi" else command


async def _told(load: Process) -> AsyncGenerator[dict[str, Any]]:
    assert load.stdout is not None
    while True:
        try:
            async with asyncio.timeout(_MOST_SILENCE_S):
                line = await load.stdout.readline()
        except TimeoutError:
            raise RuntimeError(f"the generator has said nothing for {_MOST_SILENCE_S:g} s") from None
        if not line:
            break
        yield json.loads(line)
    if code := await load.wait():
        raise RuntimeError(f"the generator ended with {code}")


def _cell(system: System, before: Moment, after: Moment, *, idle_kb: float, full_kb: float, **told: Any) -> Cell:
    seconds, cpu_s = after.at_s - before.at_s, after.cpu_s - before.cpu_s
    n_tokens = after.n_tokens - before.n_tokens
    quantiles = {
        name: Quantile(*told.pop(name)) if told[name] else told.pop(name) for name in list(told) if "_p" in name
    }
    return Cell(
        system=system.name,
        cpu_us=1e6 * cpu_s / n_tokens if n_tokens else float("nan"),
        busy=cpu_s / seconds,
        tokens_per_s=n_tokens / seconds,
        memory_kb=(full_kb - idle_kb) / told["at_once"],
        idle_kb=idle_kb,
        standin_late_p99_ms=after.late_p99_ms,
        **quantiles,
        **told,
    )
