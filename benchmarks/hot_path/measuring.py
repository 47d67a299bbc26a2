"""One system after the other: started, warmed up, asked by so many at once, weighed, stopped."""

import asyncio
import json
import sys
import time
from asyncio.subprocess import Process
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any
from urllib.request import urlopen

from benchmarks.hot_path.survival import Quantile
from benchmarks.hot_path.systems import System, environment
from benchmarks.processes import free_port, machine_s, process, processor_s, ready, resident_kb

SYSTEM_CORE = 0
LOAD_CORE = 1
_WEIGH_EVERY_S = 0.25
_REST_S = 1.0
# Whatever is being measured, the generator speaks at least this often: its own bounds are 120 s and a window.
_MOST_SILENCE_S = 180.0


@dataclass(frozen=True)
class Plan:
    """How a system is measured.

    Attributes:
        at_once: numbers of deliberations at once, in rising order.
        seconds: the window of each.
        spread_s: the time in which clients that join begin.
        n_warm_up: questions of each of the clients that warm up.
        n_workers: processes of this server; with more than one, nothing has a core of its own.
        burst: instead of all that, so many once, in the same instant.
    """

    at_once: Sequence[int]
    seconds: float
    spread_s: float
    n_warm_up: int = 1
    n_workers: int = 1
    burst: int = 0

    @property
    def is_pinned(self) -> bool:
        """Whether the system has a core, and stand-in and generator another one."""
        return self.n_workers == 1


@dataclass(frozen=True)
class Cell:
    """One system with so many at once. Quantiles are ``None`` where nothing was seen.

    Attributes:
        cpu_us: processor time a token that a model said, of the system's whole tree of processes.
        busy: processor time a second; so are ``standin_busy`` and ``load_busy`` of what it was measured with.
        memory_kb: beyond the idle system's ``idle_kb``, for each at once.
        standin_late_p99_ms: how late the stand-in's own turns were, which no system can help.
        others_busy: what all other processes of the machine took; what is measured beside much of it says little.
        ping_p50: what a question that needs no model waits for.
        n_read: whole answers that were read event by event, and found as promised or counted in ``failures``.
    """

    system: str
    at_once: int
    cpu_us: float
    busy: float
    tokens_per_s: float
    memory_kb: float
    idle_kb: float
    standin_late_p99_ms: float
    standin_busy: float
    load_busy: float
    others_busy: float
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


class StandInProcess:
    """The running stand-in."""

    def __init__(self, running: Process, url: str) -> None:
        self.pid = running.pid
        self.url = url

    async def stats(self) -> dict[str, Any]:
        """Ask for its counts; those of its lateness begin anew."""
        return await asyncio.to_thread(self._stats)

    def _stats(self) -> dict[str, Any]:
        with urlopen(f"{self.url}/stats", timeout=10) as answer:  # noqa: S310 - the stand-in's own URL
            return json.load(answer)


@asynccontextmanager
async def standin(*options: str, is_pinned: bool = True) -> AsyncGenerator[StandInProcess]:
    """Run the stand-in."""
    cores = (LOAD_CORE,) if is_pinned else ()
    async with process(sys.executable, "-m", "benchmarks.hot_path.standin", *options, cores=cores) as running:
        assert running.stdout is not None
        yield StandInProcess(running, (await running.stdout.readline()).decode().strip())


@dataclass(frozen=True)
class Moment:
    """What the clocks and counters say at one moment."""

    at_s: float
    system_s: float
    standin_s: float
    load_s: float
    machine_s: float
    n_tokens: int
    late_p99_ms: float


class Observed:
    """A running system, its load and the stand-in, looked at from outside."""

    def __init__(self, server: Process, load: Process, bedrock: StandInProcess) -> None:
        self._server = server
        self._load = load
        self._bedrock = bedrock
        self._weights_kb: list[float] = []

    async def moment(self) -> Moment:
        """Read clocks and counters."""
        stats = await self._bedrock.stats()
        return Moment(
            at_s=time.monotonic(),
            system_s=processor_s(self._server.pid),
            standin_s=processor_s(self._bedrock.pid),
            load_s=processor_s(self._load.pid),
            machine_s=machine_s(),
            n_tokens=stats["tokens"],
            late_p99_ms=stats["late_p99_ms"],
        )

    def weight_kb(self) -> float:
        """Give the middle of the weights since this was last asked."""
        weights_kb, self._weights_kb = self._weights_kb, []
        return median(weights_kb or [resident_kb(self._server.pid)])

    async def weigh(self) -> None:
        """Weigh the system until cancelled."""
        while True:
            self._weights_kb.append(resident_kb(self._server.pid))
            await asyncio.sleep(_WEIGH_EVERY_S)


async def measured(system: System, bedrock: StandInProcess, plan: Plan) -> AsyncGenerator[Cell]:
    """Start a system anew and measure it by the plan: a cell for each number at once.

    Raises:
        RuntimeError: the system does not start, or the generator fails or falls silent.
    """
    port = free_port()
    command = [*system.command, "--port", str(port)]
    if plan.n_workers > 1 and system.name == "magi":
        command += ["--workers", str(plan.n_workers)]
    core, load_core = ((SYSTEM_CORE,), (LOAD_CORE,)) if plan.is_pinned else ((), ())
    with TemporaryDirectory(prefix="bench-") as folder:
        log = Path(folder) / "stderr.log"
        told = environment(bedrock.url, str(Path(folder) / "data"))
        async with process(*command, environment=told, cores=core, errors=log) as server:
            try:
                await ready(port, server)
                async with (
                    process(*_generator(system, port, plan), cores=load_core) as load,
                    aclosing(_cells(system, load, Observed(server, load, bedrock))) as cells,
                ):
                    async for cell in cells:
                        yield cell
            except RuntimeError as error:
                last_words = log.read_text(encoding="utf-8", errors="replace").strip().rpartition("\n")[2]
                raise RuntimeError(f"{system.name}: {error}; its last words: {last_words[:500]}") from error


async def _cells(system: System, load: Process, observed: Observed) -> AsyncGenerator[Cell]:
    weighing = asyncio.create_task(observed.weigh())
    try:
        before, idle_kb = await observed.moment(), observed.weight_kb()
        async for told in _told(load):
            match told.pop("event"):
                case "warm":
                    observed.weight_kb()
                    await asyncio.sleep(_REST_S / 2)
                    idle_kb = observed.weight_kb()
                case "open":
                    before, _ = await observed.moment(), observed.weight_kb()
                case _:
                    after = await observed.moment()
                    yield _cell(system, before, after, idle_kb=idle_kb, full_kb=observed.weight_kb(), **told)
    finally:
        weighing.cancel()


def _generator(system: System, port: int, plan: Plan) -> list[str]:
    command = [sys.executable, "-m", "benchmarks.hot_path.load", "--port", str(port)]
    command += ["--last-words", system.last_words, *(["--magi"] if system.name == "magi" else [])]
    command += ["--warm-up", str(plan.n_warm_up), "--rest-s", str(_REST_S)]
    if plan.burst:
        return [*command, "--burst", str(plan.burst)]
    command += ["--seconds", str(plan.seconds), "--spread-s", str(plan.spread_s)]
    return [*command, "--at-once", *map(str, plan.at_once)]


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
    seconds, n_tokens = after.at_s - before.at_s, after.n_tokens - before.n_tokens
    system_s = after.system_s - before.system_s
    standin_s, load_s = after.standin_s - before.standin_s, after.load_s - before.load_s
    others_s = after.machine_s - before.machine_s - system_s - standin_s - load_s
    for name in [name for name in told if name.endswith(("_p50", "_p99"))]:
        told[name] = told[name] and Quantile(**told[name])
    return Cell(
        system=system.name,
        cpu_us=1e6 * system_s / max(1, n_tokens),
        busy=system_s / seconds,
        tokens_per_s=n_tokens / seconds,
        memory_kb=(full_kb - idle_kb) / told["at_once"],
        idle_kb=idle_kb,
        standin_late_p99_ms=after.late_p99_ms,
        standin_busy=standin_s / seconds,
        load_busy=load_s / seconds,
        others_busy=max(0.0, others_s / seconds),
        **told,
    )
