"""The whole picture: as a screen that shows the newest of everything, and as the page that stays when it is over."""

from collections.abc import Sequence
from itertools import repeat

from rich.text import Text

from magisystem.cli import boxes
from magisystem.cli.conclusion import conclusion_box, notes
from magisystem.cli.lanes import newest_box, whole_box
from magisystem.cli.plain_text import clean
from magisystem.cli.scene import Scene, Seat
from magisystem.cli.words import Words
from magisystem.cli.wrapping import wrap

# Below this, three columns are too narrow to read.
STACKED_BELOW_CELLS = 90
_COLUMN_CELLS = 29
_LEAST_LINES = 3
_QUESTION_LINES = 3


def screen(scene: Scene, words: Words, width: int, height: int) -> list[Text]:
    """Give at most ``height`` lines, each of ``width`` cells at the most, with the newest of every lane."""
    head = _head(scene, words, width, _QUESTION_LINES)
    foot = [_foot(scene, words, width)]
    room = height - len(head) - len(foot)
    judge_lines = _judge_lines(scene, room)
    lines = [*head, *_newest_sages(scene, words, width, room - judge_lines)]
    if scene.judge is not None:
        lines += newest_box(scene.judge, scene, words, width, judge_lines)
    return [*lines[: height - 1], *foot]


def page(scene: Scene, words: Words, width: int) -> list[Text]:
    """Give everything there is, each line of ``width`` cells at the most."""
    lines = [*_head(scene, words, width, None)]
    for row in _grid(scene.sages, width):
        widths = _widths(len(row), width)
        tallest = max(len(whole_box(seat, scene, words, each)) for seat, each in zip(row, widths, strict=True))
        lines += boxes.beside(
            [whole_box(seat, scene, words, each, tallest) for seat, each in zip(row, widths, strict=True)], widths
        )
    if scene.judge is not None and (scene.judge.lane.attempt or not scene.sages):
        lines += whole_box(scene.judge, scene, words, width)
    return [*lines, *conclusion_box(scene, words, width)]


def _head(scene: Scene, words: Words, width: int, n_lines: int | None) -> list[Text]:
    start = scene.state.start
    if start is None:
        return [Text(words.waiting, boxes.SECONDARY)]
    question = wrap(clean(start.question).strip(), width - 2)
    if n_lines is not None and len(question) > n_lines:
        question = [*question[: n_lines - 1], f"{question[n_lines - 1]} …"]
    lines = [Text(f" {line}", boxes.EMPHASIS) for line in question]
    for note in notes(scene, words):
        lines += [Text(f" {line}", "yellow") for line in wrap(f"{words.note}: {note}", width - 2)]
    return lines


def _foot(scene: Scene, words: Words, width: int) -> Text:
    hint = Text(f" {words.stopping if scene.is_stopping else words.stop_hint}", boxes.SECONDARY)
    elapsed = Text(f"{words.seconds.format(s=f'{scene.elapsed_s:.1f}')} ", boxes.SECONDARY)
    return boxes.spread(hint, elapsed, width)


def _judge_lines(scene: Scene, room: int) -> int:
    if scene.judge is None:
        return 0
    if not scene.sages:
        return max(room, _LEAST_LINES)
    return max(room * 2 // 5, _LEAST_LINES) if scene.judge.lane.attempt else _LEAST_LINES


def _newest_sages(scene: Scene, words: Words, width: int, room: int) -> list[Text]:
    rows = _grid(scene.sages, width)
    lines: list[Text] = []
    for row, height in zip(rows, _shares(room, len(rows)), strict=True):
        widths = _widths(len(row), width)
        blocks = [newest_box(seat, scene, words, each, height) for seat, each in zip(row, widths, strict=True)]
        lines += boxes.beside(blocks, widths)
    return lines


def _grid(sages: Sequence[Seat], width: int) -> list[tuple[Seat, ...]]:
    n_columns = 1 if width < STACKED_BELOW_CELLS else max(width // _COLUMN_CELLS, 1)
    n_rows = -(-len(sages) // n_columns)
    # Rows as even as can be: five sages are three and two, not four and one.
    n_columns = -(-len(sages) // max(n_rows, 1))
    return [tuple(sages[first : first + n_columns]) for first in range(0, len(sages), max(n_columns, 1))]


def _widths(n_columns: int, width: int) -> list[int]:
    return _split(width - (n_columns - 1), n_columns)


def _shares(room: int, n_rows: int) -> list[int]:
    return [max(share, _LEAST_LINES) for share in _split(max(room, 0), n_rows)]


def _split(whole: int, n_parts: int) -> list[int]:
    if not n_parts:
        return []
    part, rest = divmod(whole, n_parts)
    return [*repeat(part + 1, rest), *repeat(part, n_parts - rest)]
