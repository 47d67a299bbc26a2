"""Three times as many visitors as the server holds: what runs keeps its pace, the rest are refused, and all ends well.

::

    .venv/bin/python -m benchmarks.overload [--running 200] [--seconds 300]

At 1x as many visitors as there is room for ask again and again; then three times as many, who come back when they are
told to. One second after they have stopped asking, somebody asks anew.
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
from benchmarks.visited import Visited, keep, visited, warmed_up
from benchmarks.visitors import Crowd, Tally

_FACTOR = 3
_LAST_S = 60.0
_GOOD = frozenset({"decided"})


@dataclass(frozen=True)
class Window:
    """What was seen with so many visitors for so long. Times in ms."""

    name: str
    n_visitors: int
    seconds: float
    accepted: int
    refused: int
    ends: dict[str, int]
    faults: dict[str, int]
    first_p50: float | None
    first_p99: float | None
    delay_p50: float | None
    delay_p99: float | None
    refused_p50: float | None
    refused_p99: float | None
    busy: float


async def look(crowd: Crowd, server: Visited, name: str, seconds: float) -> Window:
    """Open a window on a crowd, and say what was seen."""
    crowd.open_window()
    before = server.weight()
    await asyncio.sleep(seconds)
    after, tally = server.weight(), crowd.tally
    return Window(
        name,
        len(crowd.visitors),
        seconds,
        tally.n_accepted,
        len(tally.refused_s),
        dict(tally.ends),
        dict(tally.faults),
        *_percentiles(tally.seen.first_s),
        *_percentiles(tally.seen.delay_s),
        *_percentiles(tally.refused_s),
        busy=(after.cpu_s - before.cpu_s) / (after.at_s - before.at_s),
    )


def _percentiles(times_s: list[float]) -> tuple[float | None, float | None]:
    found = [quantile(times_s, (), share) for share in (0.5, 0.99)]
    p50, p99 = (None if each is None else round(each.ms, 1) for each in found)
    return p50, p99


async def one_more(port: int) -> dict[str, Any]:
    """Ask once, as somebody new, and say how that went."""
    crowd = Crowd(port)
    (visitor,) = crowd.add(1, spread_s=0)
    await crowd.until(lambda: bool(crowd.tally.seen.first_s or crowd.tally.refused_s), _LAST_S)
    refused = len(crowd.tally.refused_s)
    await crowd.until_quiet(_LAST_S)
    first_p50, _ = _percentiles(crowd.tally.seen.first_s)
    return {"accepted": not refused, "first_ms": first_p50, "ended": visitor.n_ended, "ends": dict(crowd.tally.ends)}


def merged(*tallies: Tally) -> tuple[int, dict[str, int]]:
    """Give how many were accepted, and how those ended."""
    ends: dict[str, int] = {}
    for tally in tallies:
        for end, n in tally.ends.items():
            ends[end] = ends.get(end, 0) + n
    return sum(tally.n_accepted for tally in tallies), ends


async def measured(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Run all of it."""
    async with visited(folder, options.running) as server:
        took_s = await warmed_up(server.port)
        crowd = Crowd(server.port)
        tallies = [crowd.tally]

        async def phase(name: str, n: int, seconds: float) -> Window:
            crowd.add(n, spread_s=took_s)
            await asyncio.sleep(took_s)
            tallies.append(crowd.tally)
            window = await look(crowd, server, name, seconds)
            tallies.append(crowd.tally)
            crowd.open_window()
            tallies.append(crowd.tally)
            show(window)
            return window

        windows = [
            await phase("1x", options.running, options.calm_seconds),
            await phase(f"{_FACTOR}x", (_FACTOR - 1) * options.running, options.seconds),
        ]
        crowd.is_leaving = True
        await asyncio.sleep(1)
        after = await one_more(server.port)
        await crowd.until_quiet(_LAST_S)
        n_accepted, ends = merged(*{id(tally): tally for tally in tallies}.values())
    logs = await verified(folder)
    return {
        "running": options.running,
        "deliberation_s": round(took_s, 2),
        "windows": [vars(window) for window in windows],
        "a_second_after": after,
        "accepted": n_accepted,
        "ends": ends,
        "logs": vars(logs),
    }


def show(window: Window) -> None:
    """Print a row."""
    sys.stdout.write(
        f"{window.name:>3} {window.n_visitors:>5} visitors, {window.seconds:g} s: accepted {window.accepted}, "
        f"refused {window.refused}; first token p50 {window.first_p50} p99 {window.first_p99} ms, token delay p50 "
        f"{window.delay_p50} p99 {window.delay_p99} ms; a refusal p50 {window.refused_p50} p99 {window.refused_p99} "
        f"ms; busy {window.busy:.0%}; ends {window.ends}; faults {window.faults}\n"
    )
    sys.stdout.flush()


def faults_of(result: dict[str, Any]) -> list[str]:
    """Say what did not go as it should."""
    after, ends, windows = result["a_second_after"], result["ends"], result["windows"]
    wrong = {
        "somebody was not answered as one should be": any(window["faults"] for window in windows),
        "a deliberation that was accepted was not decided": not set(ends) <= _GOOD
        or sum(ends.values()) != result["accepted"],
        "nobody was refused": not windows[-1]["refused"],
        "a second after the load a start was refused": not after["accepted"],
        "the logs are not whole": bool(result["logs"]["faults"]),
    }
    return [what for what, is_so in wrong.items() if is_so]


async def main(options: argparse.Namespace) -> int:
    """Measure, say and keep it."""
    with TemporaryDirectory(prefix="bench-") as folder:
        result = await measured(Path(folder), options)
    faults = faults_of(result)
    path = keep("overload", result | {"faults": faults})
    sys.stdout.write(
        f"accepted {result['accepted']}, ended {result['ends']}; a second after: {result['a_second_after']}; logs: "
        f"{result['logs']}\n{'; '.join(faults) or 'all is well'}\n{path}\n"
    )
    return bool(faults)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--running", type=int, default=200, help="as many as the server is told to hold")
    parser.add_argument("--seconds", type=float, default=300, help="how long three times as many come")
    parser.add_argument("--calm-seconds", type=float, default=30, help="how long as many as there is room for come")
    sys.exit(uvloop.run(main(parser.parse_args())))
