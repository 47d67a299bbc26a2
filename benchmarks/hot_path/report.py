"""The results as a page of Markdown, as a JSON document, and as files of both."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks import cold_start, following, gateway
from benchmarks.hot_path.bounds import bounds
from benchmarks.hot_path.measuring import Cell
from benchmarks.hot_path.plot import draw
from benchmarks.hot_path.results import Results
from benchmarks.hot_path.survival import Quantile
from benchmarks.hot_path.systems import SYSTEMS

# Beyond this, it is told that the stand-in was late, or that other processes took part of the machine.
_LATE_MS = 5.0
_BUSY = 0.1

_COLUMNS = (
    "at once", "system", "CPU a token", "first token p50", "p99", "later tokens p50", "p99",
    "whole p50", "memory each", "loop p50", "p99", "core used", "failed",
)  # fmt: skip
_LEGEND = """\
- *CPU a token*: processor time of the system's processes, over all tokens that the models said in the window.
- *first token*: from the question to each sage's first token, less the 0.2 s that the model takes itself.
- *later tokens*: from a token's sending by the model to its arrival at the reader.
- *whole*: from the question to the end. This server's models also cast votes, by tool calls that the rivals do not \
ask for; so its deliberations are longer.
- *memory each*: beyond the idle server's, for each deliberation at once.
- *loop*: how long `GET /ping` takes meanwhile, which no model is needed for.
- *failed*: questions that were refused, or whose answers were cut, incomplete or wrong; the remarks say how many were \
not.
- *×*: times this server's value. *>*: not over when the window was closed, after so long."""


def write(results: Results, folder: Path) -> None:
    """Write the results into ``folder``, under their date and commit and as the latest, and the plot beside them."""
    folder.mkdir(parents=True, exist_ok=True)
    page, document = markdown(results), json.dumps(asdict(results), indent=1) + "\n"
    name = f"{results.provenance.at[:10]}-{results.provenance.commit.replace('+', '-modified')}"
    for stem in (name, "latest"):
        (folder / f"{stem}.md").write_text(page, encoding="utf-8")
        (folder / f"{stem}.json").write_text(document, encoding="utf-8")
    if results.hot_path:
        draw(results.hot_path, folder)


def markdown(results: Results) -> str:
    """Give the page."""
    return "\n\n".join(part for part in _parts(results) if part) + "\n"


def _parts(results: Results) -> Iterator[str]:
    origin = results.provenance
    yield f"# What it costs: {origin.at[:10]}, commit {origin.commit.replace('+', ' (modified)')}"
    yield (
        f"{origin.cpu}, {origin.n_cores} cores, {origin.memory_gb:g} GB, {origin.kernel}; load {origin.load_before:g} "
        f"before the run.\n{', '.join(f'{name} {number}' for name, number in origin.versions.items())}."
    )
    yield "\n".join(f"- {name}: {value}" for name, value in results.settings.items())
    if results.broken:
        yield "\n".join(["**Not measured:**", "", *(f"- {reason}" for reason in results.broken)])
    if rows := bounds(results):
        yield "\n".join(["## The bounds", "", "| bound | | measured | |", "|---|---:|---:|---|", *map(str, rows)])
    if results.hot_path:
        yield f"## The hot path, a core for each system\n\n{table(results.hot_path)}\n\n{_LEGEND}"
    if results.burst:
        yield f"## All in the same instant, once\n\n{table(results.burst)}"
    if results.workers:
        yield f"## This server with several workers, on all cores, as is the load\n\n{table(results.workers)}"
    if remarks := "\n".join(_remarks(results)):
        yield f"## Remarks\n\n{remarks}"
    if results.starts:
        yield f"## Cold start\n\n{cold_start.table(results.starts)}"
    if results.replay and results.fan_out:
        yield f"## Readers\n\n{following.table(results.replay, results.fan_out)}"
    if results.relay:
        yield f"## Gateway\n\n{gateway.table(results.first_bytes, results.relay)}"


def table(cells: Sequence[Cell]) -> str:
    """Give the cells as rows, each number at once together."""
    rows = [f"| {' | '.join(_COLUMNS)} |", "|---:|---|" + "---:|" * (len(_COLUMNS) - 2)]
    for n in sorted({cell.at_once for cell in cells}):
        same = [cell for cell in cells if cell.at_once == n]
        magi = next((cell for cell in same if cell.system == "magi"), None)
        rows += [_row(cell, magi) for cell in same]
    return "\n".join(rows)


def _row(cell: Cell, magi: Cell | None) -> str:
    def ratio(of: Callable[[Cell], float]) -> str:
        is_known = magi is not None and magi is not cell and of(magi) > 0 and of(cell) > 0
        return f" ({times(of(cell) / of(magi))})" if magi is not None and is_known else ""

    def quantile(of: Callable[[Cell], Quantile | None]) -> str:
        return milliseconds(of(cell)) + ratio(lambda one: (of(one) or Quantile(0)).ms)

    fields = (
        str(cell.at_once),
        SYSTEMS[cell.system].title,
        f"{cell.cpu_us:.0f} µs{ratio(lambda one: one.cpu_us)}",
        quantile(lambda one: one.first_p50),
        quantile(lambda one: one.first_p99),
        milliseconds(cell.delay_p50),
        quantile(lambda one: one.delay_p99),
        _seconds(cell.took_p50),
        f"{cell.memory_kb:,.0f} kB{ratio(lambda one: one.memory_kb)}",
        milliseconds(cell.ping_p50),
        quantile(lambda one: one.ping_p99),
        f"{cell.busy:.0%}",
        f"**{sum(cell.failures.values())}**" if cell.failures else "0",
    )
    return f"| {' | '.join(fields)} |"


def times(ratio: float) -> str:
    """Give a ratio with two digits, or all that stand before the point."""
    if ratio >= 10:
        return f"{ratio:,.0f} ×"
    return f"{ratio:.1f} ×" if ratio >= 1 else f"{ratio:.2g} ×"


def milliseconds(quantile: Quantile | None) -> str:
    """Give a quantile in words: in seconds from one second on, with a mark where it is only known to be more."""
    if quantile is None:
        return "–"
    if quantile.ms >= 1000:
        return _seconds(quantile)
    mark = "> " if quantile.is_at_least else ""
    return f"{mark}{quantile.ms:.1f} ms"


def _seconds(quantile: Quantile | None) -> str:
    if quantile is None:
        return "–"
    mark = "> " if quantile.is_at_least else ""
    return f"{mark}{quantile.ms / 1000:.1f} s"


def _remarks(results: Results) -> Iterator[str]:
    cells = (*results.hot_path, *results.burst, *results.workers)
    for cell in cells:
        where = f"{SYSTEMS[cell.system].title}, {cell.at_once} at once"
        if cell.failures:
            told = ", ".join(f"{what}: {n}" for what, n in cell.failures.items())
            yield f"- {where}: failures ({told}), beside {cell.n_ended} that ended well."
        if cell.n_ended < cell.at_once:
            yield f"- {where}: {cell.n_ended} ended in the window, fewer than ran."
    if late := [cell for cell in cells if cell.standin_late_p99_ms > _LATE_MS]:
        worst = max(late, key=lambda cell: cell.standin_late_p99_ms)
        yield (
            f"- The stand-in itself was late in {len(late)} of {len(cells)} windows, at worst by "
            f"{worst.standin_late_p99_ms:.0f} ms (p99)."
        )
    if busy := [cell.others_busy for cell in cells if cell.others_busy > _BUSY]:
        yield (
            f"- Other processes used the machine in {len(busy)} of {len(cells)} windows, at most {max(busy):.1f} of "
            "its cores: such times are upper bounds."
        )
