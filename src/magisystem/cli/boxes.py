"""Drawing boxes line by line, each line exactly as wide as asked for in terminal cells.

Nothing here reads Rich's markup: every text is a `Text`, so brackets that a model writes stay brackets.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from magisystem.protocol.values import Decision

SECONDARY = "dim"
EMPHASIS = "bold"
ALARM = "bold yellow"
SPEAKING = "cyan"
IDLE = "bright_black"
FAILED = "magenta"
STYLES = {Decision.APPROVED: "green", Decision.REJECTED: "red", Decision.ABSTAINED: "yellow"}
# Told apart without colour, too, and one cell wide in every terminal (none is of ambiguous width).
SYMBOLS = {Decision.APPROVED: "✓", Decision.REJECTED: "✗", Decision.ABSTAINED: "∅"}
ALARM_SYMBOL = "!"

# The border and a space on either side.
FRAME_CELLS = 4


@dataclass(frozen=True, slots=True)
class Divider:
    """A line across the box, with a label in it."""

    label: Text


Row = Text | Divider


def box(title: Text, aside: str, rows: Sequence[Row], width: int, style: str) -> list[Text]:
    """Give the lines of a box: ``title`` at the left of its upper edge, ``aside`` at the right."""
    lines = [_edge("╭", title, aside, "╮", width, style)]
    for row in rows:
        if isinstance(row, Divider):
            lines.append(_edge("├", row.label, "", "┤", width, style))
        else:
            lines.append(Text.assemble(("│ ", style), fitted(row, width - FRAME_CELLS), (" │", style)))
    lines.append(_edge("╰", Text(), "", "╯", width, style))
    return lines


def fitted(row: Text, width: int) -> Text:
    """Give ``row`` cut or padded to ``width`` cells; what is cut shows as an ellipsis."""
    size = cell_len(row.plain)
    if size > width:
        row = row.copy()
        row.truncate(width, overflow="ellipsis")
        size = cell_len(row.plain)
    return Text.assemble(row, " " * (width - size))


def spread(left: Text, right: Text, width: int) -> Text:
    """Give ``left`` and ``right`` at the two ends of a line; ``left`` is cut first."""
    room = width - cell_len(right.plain)
    return Text.assemble(fitted(left, max(room - 1, 0)), " " if room > 0 else "", right) if right.plain else left


def beside(blocks: Sequence[Sequence[Text]], widths: Sequence[int]) -> list[Text]:
    """Give blocks of lines side by side, a cell between them; the shorter ones are filled up with blanks."""
    height = max((len(block) for block in blocks), default=0)
    return [
        Text(" ").join(
            block[number] if number < len(block) else Text(" " * width)
            for block, width in zip(blocks, widths, strict=True)
        )
        for number in range(height)
    ]


def _edge(start: str, label: Text, aside: str, end: str, width: int, style: str) -> Text:
    right = f" {aside} ─" if aside and cell_len(aside) + 8 < width else "─"
    room = width - cell_len(right) - 5
    left = Text.assemble(("─ ", style), _cut(label, room), " ") if label.plain and room > 0 else Text("─", style)
    fill = width - 2 - cell_len(left.plain) - cell_len(right)
    if fill < 0:
        return Text(set_cell_size(f"{start}{'─' * (width - 2)}{end}", width), style)
    return Text.assemble((start, style), left, ("─" * fill, style), (right, style), (end, style))


def _cut(label: Text, width: int) -> Text:
    if cell_len(label.plain) <= width:
        return label
    label = label.copy()
    label.truncate(width, overflow="ellipsis")
    return label
