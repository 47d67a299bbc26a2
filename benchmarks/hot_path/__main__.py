"""Measures this server beside its alternatives, and what else costs anybody's time: start, readers, gateway.

    .venv/bin/python -m benchmarks.hot_path [--full] [--systems magi floor] [--at-once 1 10 50] [--only]

Quick, it asks 10 and 100 at once, in windows of one deliberation, and writes into ``build/bench``. With ``--full`` it
asks 1 to 400 at once, in longer windows, 100 in one instant, and 400 of two workers, and writes into
``benchmarks/results``.
"""

import argparse
import asyncio
import os
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks import cold_start, following, gateway
from benchmarks.hot_path import report
from benchmarks.hot_path.measuring import LOAD_CORE, Cell, Plan, measured, standin
from benchmarks.hot_path.provenance import provenance
from benchmarks.hot_path.results import Results
from benchmarks.hot_path.standin import FIRST_TOKEN_S, JUDGE_TOKENS, SAGE_TOKENS, TOKEN_MS
from benchmarks.hot_path.systems import SYSTEMS, USUAL
from benchmarks.processes import allow_connections

# A deliberation of this server takes 9.2 s, of a rival that asks for no votes 7.4 s.
_WHOLE_S = 9.5
_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Scope:
    """How much is measured."""

    plan: Plan
    n_burst: int
    n_on_two_cores: int
    n_starts: int
    n_followers: int
    n_pairs: int
    relay_s: float
    are_readings_short: bool
    folder: Path


QUICK = Scope(
    plan=Plan(at_once=(10, 100), seconds=_WHOLE_S, spread_s=3),
    n_burst=0,
    n_on_two_cores=0,
    n_starts=2,
    n_followers=300,
    n_pairs=100,
    relay_s=3,
    are_readings_short=True,
    folder=_ROOT / "build" / "bench",
)
FULL = Scope(
    plan=Plan(at_once=(1, 10, 50, 100, 200, 400), seconds=20, spread_s=_WHOLE_S, n_warm_up=3),
    n_burst=100,
    n_on_two_cores=400,
    n_starts=7,
    n_followers=1000,
    n_pairs=400,
    relay_s=5,
    are_readings_short=False,
    folder=_ROOT / "benchmarks" / "results",
)


async def measure(scope: Scope, systems: Sequence[str], *, only_hot_path: bool) -> Results:
    """Measure all that is in the scope; what cannot be measured is told of in the results."""
    plan = scope.plan
    results = Results(provenance(), _settings(scope))
    where = results.workers if plan.n_workers > 1 else results.hot_path
    await _hot_path(results, where, systems, plan)
    if scope.n_burst:
        await _hot_path(results, results.burst, systems, replace(plan, burst=scope.n_burst))
    if scope.n_on_two_cores and "magi" in systems:
        two = replace(plan, at_once=(scope.n_on_two_cores,), n_workers=2)
        await _hot_path(results, results.workers, ["magi"], two)
    if not only_hot_path:
        say("cold starts")
        results.starts = await cold_start.starts(scope.n_starts, systems)
        say("readers")
        results.replay = await following.replayed(10_000)
        results.fan_out = await following.fanned_out(scope.n_followers, is_short=scope.are_readings_short)
        say("gateway")
        results.first_bytes, results.relay = await gateway.measured(scope.n_pairs, 50, scope.relay_s)
    return results


async def _hot_path(results: Results, cells: list[Cell], systems: Sequence[str], plan: Plan) -> None:
    everywhere = os.sched_getaffinity(0)
    if plan.is_pinned:
        os.sched_setaffinity(0, {LOAD_CORE})
    try:
        for name in systems:
            async with standin(is_pinned=plan.is_pinned) as bedrock:
                try:
                    async with aclosing(measured(SYSTEMS[name], bedrock, plan)) as measuring:
                        async for cell in measuring:
                            cells.append(cell)
                            say(f"{name}, {cell.at_once} at once: {cell.cpu_us:.0f} µs a token")
                except (RuntimeError, OSError, TimeoutError) as error:
                    results.broken.append(str(error))
                    say(f"{name}: {error}")
    finally:
        os.sched_setaffinity(0, everywhere)


def say(what: str) -> None:
    """Tell the person who waits how far it is."""
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {what}\n")


def _settings(scope: Scope) -> dict[str, str]:
    plan = scope.plan
    return {
        "models": f"first token after {FIRST_TOKEN_S:g} s, then {1000 // TOKEN_MS} tokens a second; {SAGE_TOKENS} "
        f"tokens of prose a sage, {JUDGE_TOKENS} the judge",
        "at once": f"{', '.join(map(str, plan.at_once))}; each asks again as soon as it has been answered; windows of "
        f"{plan.seconds:g} s, begun when all have asked, over {plan.spread_s:g} s",
        "bound": "none in reach (this server would refuse, by default, what one process cannot carry at full pace)",
        "cores": "the system on one, stand-in and generator on another" if plan.is_pinned else "shared by all",
    }


async def main(options: argparse.Namespace) -> int:
    """Measure, print the page, and write the files; give what the process ends with."""
    # So that a terminated run ends its processes as an interrupted one does.
    current = asyncio.current_task()
    assert current is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, current.cancel)
    allow_connections()
    scope = FULL if options.full else QUICK
    chosen = {"at_once": options.at_once, "seconds": options.seconds, "n_workers": options.workers}
    plan = replace(scope.plan, **{name: value for name, value in chosen.items() if value is not None})
    scope = replace(scope, plan=plan)
    results = await measure(scope, options.systems, only_hot_path=options.only)
    folder = options.output or scope.folder
    report.write(results, folder)
    print(report.markdown(results))
    say(f"written to {folder}")
    return 1 if results.broken else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--systems", nargs="+", default=list(USUAL), choices=list(SYSTEMS))
    parser.add_argument("--at-once", type=int, nargs="+", help="in rising order")
    parser.add_argument("--seconds", type=float, help="the window of each number at once")
    parser.add_argument("--workers", type=int, help="processes of this server; with more than one, no core is reserved")
    parser.add_argument("--only", action="store_true", help="the hot path alone")
    parser.add_argument("--output", type=Path, help="the folder that is written to")
    try:
        sys.exit(asyncio.run(main(parser.parse_args())))
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.exit("stopped; nothing was written")
