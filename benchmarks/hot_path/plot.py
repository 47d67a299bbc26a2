"""The plot of a run: cost of a token and time to the first one against how many run at once, all systems."""

from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.hot_path.measuring import Cell
from benchmarks.hot_path.survival import Quantile
from benchmarks.hot_path.systems import SYSTEMS

# Text and lines as on GitHub's light and dark pages; the background is the page's own.
_THEMES = {
    "light": {"text": "#1f2328", "lines": "#d1d9e0"}
    | {
        "magi": "#0969da",
        "agentcore": "#bc4c00",
        "agentcore-as-guide": "#953800",
        "ai-sdk": "#8250df",
        "floor": "#59636e",
    },
    "dark": {"text": "#f0f6fc", "lines": "#3d444d"}
    | {
        "magi": "#4493f8",
        "agentcore": "#f0883e",
        "agentcore-as-guide": "#bd561d",
        "ai-sdk": "#ab7df8",
        "floor": "#9198a1",
    },
}
_MARKERS = {"magi": "o", "agentcore": "s", "agentcore-as-guide": "v", "ai-sdk": "^", "floor": "D"}
# The stand-in's own turns are a millisecond apart, so what is less is not told apart.
_LEAST_MS = 0.5

Value = Callable[[Cell], Quantile | None]


def draw(cells: Sequence[Cell], folder: Path) -> None:
    """Write ``plot-light.svg`` and ``plot-dark.svg``."""
    for theme, colours in _THEMES.items():
        _draw(cells, colours, folder / f"plot-{theme}.svg")


def _draw(cells: Sequence[Cell], colours: dict[str, str], path: Path) -> None:
    # In the group `bench` only; its types are known in part.
    pyplot: Any = import_module("matplotlib.pyplot")
    # Text stays text, and the same results give the same file.
    style = {"svg.fonttype": "none", "svg.hashsalt": "magisystem", "font.family": "sans-serif", "font.size": 10}
    style |= dict.fromkeys(("text.color", "axes.labelcolor", "xtick.color", "ytick.color"), colours["text"])
    style |= dict.fromkeys(("axes.edgecolor", "grid.color"), colours["lines"])
    with pyplot.rc_context(style):
        figure, (cost, first) = pyplot.subplots(1, 2, figsize=(10, 4.4), layout="constrained")
        _fill(cost, cells, colours, lambda cell: Quantile(cell.cpu_us))
        cost.set_title("processor time a token, µs")
        _fill(first, cells, colours, lambda cell: cell.first_p99)
        first.set_title("first token beyond the model's own, p99, ms")
        handles, labels = cost.get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False)
        figure.savefig(path, format="svg", transparent=True, metadata={"Date": None})
        pyplot.close(figure)


def _fill(axes: Any, cells: Sequence[Cell], colours: dict[str, str], value_of: Value) -> None:
    ticker: Any = import_module("matplotlib.ticker")
    at_once = sorted({cell.at_once for cell in cells})
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xticks(at_once, [str(n) for n in at_once])
    axes.yaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter("{x:,g}")
    axes.minorticks_off()
    axes.set_xlabel("deliberations at once, on one core")
    axes.grid(visible=True, linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    for name, system in SYSTEMS.items():
        points = [(cell.at_once, value) for cell in cells if cell.system == name and (value := value_of(cell))]
        numbers, heights = [n for n, _ in points], [max(value.ms, _LEAST_MS) for _, value in points]
        line = {"color": colours[name], "linewidth": 2.4 if name == "magi" else 1.4, "marker": _MARKERS[name]}
        if points:
            axes.plot(numbers, heights, markersize=5, label=system.title, **line)
        # An arrow for what is only known to be more.
        for n, height in ((n, value.ms) for n, value in points if value.is_at_least):
            arrow = {"arrowstyle": "->", "color": colours[name], "linewidth": 1.4}
            axes.annotate("", (0, 22), (n, height), textcoords="offset points", arrowprops=arrow, annotation_clip=False)
