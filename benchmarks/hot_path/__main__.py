"""Measure the systems side by side.

.venv/bin/python -m benchmarks.hot_path [--quick | --full] [--systems magi floor] [--at-once 1 10]
"""

import argparse
import asyncio
import os

from benchmarks.hot_path.measuring import LOAD_CORE, Plan, measured, standin
from benchmarks.hot_path.systems import SYSTEMS


async def main(options: argparse.Namespace) -> None:
    """Measure each system in turn."""
    plan = Plan(
        options.at_once,
        options.seconds,
        spread_s=options.spread_s,
        n_workers=options.workers,
        burst=options.burst,
    )
    if plan.is_pinned:
        os.sched_setaffinity(0, {LOAD_CORE})
    async with standin(is_pinned=plan.is_pinned) as bedrock:
        for name in options.systems:
            async for cell in measured(SYSTEMS[name], bedrock, plan):
                print(cell, flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--systems", nargs="+", default=list(SYSTEMS))
    parser.add_argument("--at-once", type=int, nargs="+", default=[1, 10, 50, 100])
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--spread-s", type=float, default=9)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--burst", type=int, default=0)
    asyncio.run(main(parser.parse_args()))
