"""Half an hour at part of the capacity, with drops, resumptions and cancellations mixed in: does anything grow?

::

    .venv/bin/python -m benchmarks.soak [--running 200] [--share 0.6] [--minutes 30] [--seed 1] 2>server.log

A row a minute: what the server weighs, its file handles and threads, first tokens and token delays. At the end every
log in the file is looked at. A log of half an hour takes some gigabytes; ``--folder`` says where.
"""

import argparse
import asyncio
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import uvloop

from benchmarks.hot_path.survival import quantile
from benchmarks.kept_logs import verified
from benchmarks.visited import Visited, Weight, keep, visited, warmed_up
from benchmarks.visitors import Crowd, Habits

_LAST_S = 60.0
_SAMPLE_S = 5.0
_HEADING = (
    f"{'at s':>6} {'MB':>7} {'handles':>7} {'threads':>7} {'busy':>5} {'accepted':>8} {'refused':>7} {'dropped':>7} "
    f"{'cancelled':>9} {'first p50':>9} {'p99':>7} {'delay p50':>9} {'p99':>7}"
)


@dataclass(frozen=True)
class Spell:
    """What was seen in one spell, a minute of it if it was not the last. Times in ms, weights at their highest."""

    at_s: float
    resident_mb: float
    n_handles: int
    n_threads: int
    busy: float
    accepted: int
    refused: int
    dropped: int
    cancelled: int
    first_p50: float | None
    first_p99: float | None
    delay_p50: float | None
    delay_p99: float | None
    ends: dict[str, int]
    faults: dict[str, int]


async def spell(crowd: Crowd, server: Visited, seconds: float, began_s: float) -> Spell:
    """Look on for a while."""
    crowd.open_window()
    weights = [server.weight()]
    while (left_s := weights[0].at_s + seconds - weights[-1].at_s) > 0:
        await asyncio.sleep(min(_SAMPLE_S, left_s))
        weights.append(server.weight())
    tally = crowd.tally
    return Spell(
        round(weights[-1].at_s - began_s, 1),
        round(max(each.resident_mb for each in weights), 1),
        max(each.n_handles for each in weights),
        max(each.n_threads for each in weights),
        round(_busy(weights), 3),
        tally.n_accepted,
        len(tally.refused_s),
        tally.n_dropped,
        tally.n_cancelled,
        _ms(tally.seen.first_s, 0.5),
        _ms(tally.seen.first_s, 0.99),
        _ms(tally.seen.delay_s, 0.5),
        _ms(tally.seen.delay_s, 0.99),
        dict(tally.ends),
        dict(tally.faults),
    )


def _busy(weights: list[Weight]) -> float:
    first, last = weights[0], weights[-1]
    return (last.cpu_s - first.cpu_s) / (last.at_s - first.at_s)


def _ms(times_s: list[float], share: float) -> float | None:
    found = quantile(times_s, (), share)
    return None if found is None else round(found.ms, 1)


def show(seen: Spell) -> None:
    """Print a row."""
    sys.stdout.write(
        f"{seen.at_s:>6} {seen.resident_mb:>7} {seen.n_handles:>7} {seen.n_threads:>7} {seen.busy:>5.0%} "
        f"{seen.accepted:>8} {seen.refused:>7} {seen.dropped:>7} {seen.cancelled:>9} {seen.first_p50!s:>9} "
        f"{seen.first_p99!s:>7} {seen.delay_p50!s:>9} {seen.delay_p99!s:>7}"
        f"{'  ' + str(seen.faults) if seen.faults else ''}\n"
    )
    sys.stdout.flush()


async def measured(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Run all of it."""
    n = max(1, round(options.share * options.running))
    spells: list[Spell] = []
    async with visited(folder, options.running) as server:
        took_s = await warmed_up(server.port)
        idle = server.weight()
        crowd = Crowd(server.port, Habits(options.drops, options.cancels, took_s), options.seed)
        crowd.add(n, spread_s=took_s)
        await asyncio.sleep(took_s)
        began_s, total_s = server.weight().at_s, 60 * options.minutes
        sys.stdout.write(f"{n} visitors; at rest {idle.resident_mb:.1f} MB, {idle.n_handles} handles\n{_HEADING}\n")
        while (left_s := began_s + total_s - server.weight().at_s) > 0:
            spells.append(await spell(crowd, server, min(60, left_s), began_s))
            show(spells[-1])
        await crowd.until_quiet(_LAST_S)
        rest = server.weight()
    logs = await verified(folder)
    return {
        "running": options.running,
        "visitors": n,
        "minutes": options.minutes,
        "seed": options.seed,
        "habits": vars(crowd.habits),
        "idle": vars(idle),
        "rest": vars(rest),
        "spells": [vars(each) for each in spells],
        "logs": vars(logs),
    }


def faults_of(result: dict[str, Any]) -> list[str]:
    """Say what did not go as it should. What is flat or steady is for whoever reads the rows to see."""
    ends = {end for each in result["spells"] for end in each["ends"]}
    wrong = {
        "somebody was not answered as one should be": any(each["faults"] for each in result["spells"]),
        "a deliberation ended neither decided nor cancelled": not ends <= {"decided", "cancelled"},
        "the logs are not whole": bool(result["logs"]["faults"]),
    }
    return [what for what, is_so in wrong.items() if is_so]


async def main(options: argparse.Namespace) -> int:
    """Measure, say and keep it."""
    with TemporaryDirectory(prefix="bench-", dir=options.folder) as folder:
        result = await measured(Path(folder), options)
    faults = faults_of(result)
    path = keep("soak", result | {"faults": faults})
    rest, logs = result["rest"], result["logs"]
    sys.stdout.write(
        f"at rest again: {rest['resident_mb']:.1f} MB, {rest['n_handles']} handles, {rest['n_threads']} threads; "
        f"{logs['n_logs']} logs of {logs['n_events']} events looked at, faults: {logs['faults'][:5] or 'none'}\n"
        f"{'; '.join(faults) or 'all is well'}\n{path}\n"
    )
    return bool(faults)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--running", type=int, default=200, help="as many as the server is told to hold")
    parser.add_argument("--share", type=float, default=0.6, help="of that, as many visitors as ask all the time")
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--drops", type=float, default=0.3, help="chance that a visitor's connection is reset")
    parser.add_argument("--cancels", type=float, default=0.1, help="chance that a visitor cancels")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=None, help="where the log lies meanwhile")
    sys.exit(uvloop.run(main(parser.parse_args())))
