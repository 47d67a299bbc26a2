"""What this server holds itself to, and whether it does. Figures of this machine; others differ."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.hot_path.measuring import Cell
from benchmarks.hot_path.results import Results
from benchmarks.hot_path.survival import Quantile

_MOST_CPU_US = 40.0
_MOST_MEMORY_KB = 250.0
_MOST_IDLE_KB = 30.0
_MOST_FIRST_MS = {100: 10.0, 200: 50.0}
_MOST_START_S = {"magi serve, first start": 1.0, "magi gateway": 0.5}
_TWO_CORES = 400


@dataclass(frozen=True)
class Bound:
    """One bound: what it is of, the most that is allowed, and what was measured, in the same unit."""

    of: str
    most: float
    measured: float
    unit: str
    is_at_least: bool = False

    def __str__(self) -> str:
        """Give its row of the table."""
        is_held = self.measured <= self.most and not self.is_at_least
        mark = "> " if self.is_at_least else ""
        measured = f"{self.measured:.2f}" if self.unit == "s" else f"{self.measured:.1f}"
        verdict = "held" if is_held else "missed"
        return f"| {self.of} | ≤ {self.most:g} {self.unit} | {mark}{measured} {self.unit} | {verdict} |"


def bounds(results: Results) -> list[Bound]:
    """Give the bounds of which something was measured."""
    magi = [cell for cell in results.hot_path if cell.system == "magi"]
    return [*_hot_path(magi), *_workers(results.workers), *_rest(results)]


def _hot_path(cells: Sequence[Cell]) -> Iterator[Bound]:
    for cell in cells:
        if cell.at_once in _MOST_FIRST_MS:
            yield Bound(f"CPU a token, {cell.at_once} at once on one core", _MOST_CPU_US, cell.cpu_us, "µs")
            yield _first(cell, _MOST_FIRST_MS[cell.at_once], f"{cell.at_once} at once on one core")
    if cells:
        most = max(cells, key=lambda cell: cell.memory_kb)
        yield Bound(
            f"memory of a deliberation, at most ({most.at_once} at once)", _MOST_MEMORY_KB, most.memory_kb, "kB"
        )


def _first(cell: Cell, most_ms: float, where: str) -> Bound:
    p99 = cell.first_p99 or Quantile(0.0, is_at_least=True)
    return Bound(f"first token p99, {where}", most_ms, p99.ms, "ms", p99.is_at_least)


def _workers(cells: Sequence[Cell]) -> Iterator[Bound]:
    for cell in cells:
        if cell.at_once == _TWO_CORES:
            yield _first(cell, _MOST_FIRST_MS[200], f"{_TWO_CORES} at once on two cores, load included")


def _rest(results: Results) -> Iterator[Bound]:
    if results.fan_out:
        yield Bound("memory of a follower that waits", _MOST_IDLE_KB, results.fan_out.idle_kb, "kB")
    for start in results.starts:
        if start.kind in _MOST_START_S:
            yield Bound(f"{start.kind}, to `/ping`", _MOST_START_S[start.kind], min(start.ping_s), "s")
