"""Breaking text into lines by the cells it takes on a terminal, Latin between words and Japanese between characters.

Rich breaks between words alone: of Japanese, which sets no spaces, it would take a whole sentence for one.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

from rich.cells import cell_len, chop_cells

# What may not begin a line, and what may not end one (JIS X 4051).
_NO_LINE_START = (
    "、。，．・：；！？」』）］｝〕〉》】〙〗’”ーぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶ々ゝゞ…‥!?,.:;)]}%％"
)
_NO_LINE_END = "「『（［｛〔〈《【〘〖‘“"
_WIDE = r"\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6"
# What stays together: one wide character or a run of narrow ones, with the opening marks before it and the closing and
# combining ones after it.
_UNIT = re.compile(
    rf"[{_NO_LINE_END}]*(?:(?![{_NO_LINE_END}])[{_WIDE}]|[^\s{_WIDE}]+)"
    rf"[{re.escape(_NO_LINE_START)}\u0300-\u036f\u3099\u309a\ufe0f]*"
    rf"|[{_NO_LINE_END}]+"
    r"|\s+"
)


def wrap(text: str, width: int) -> list[str]:
    """Give the lines of ``text``, none of them over ``width`` cells. Its own line feeds stay; empty text has no lines.

    A list item's further lines stand under its first word.
    """
    return [line for paragraph in text.split("\n") for line in _wrap_paragraph(paragraph, width)] if text else []


def tail(text: str, width: int, n_lines: int) -> list[str]:
    """Give the last ``n_lines`` lines of `wrap`, without breaking what comes before them."""
    lines: list[str] = []
    for paragraph in reversed(text.rstrip().split("\n")):
        lines = [*_wrap_paragraph(paragraph, width), *lines]
        if len(lines) >= n_lines:
            break
    newest = lines[-n_lines:] if n_lines > 0 and text.strip() else []
    return newest[1:] if newest and not newest[0] else newest


_ITEM = re.compile(r"\s*(?:[-*+•・]|\d{1,2}[.)])\s+")


# Complete paragraphs are asked for again with every picture; 1,024 are several deliberations' worth.
@lru_cache(maxsize=1024)
def _wrap_paragraph(paragraph: str, width: int) -> tuple[str, ...]:
    width = max(width, 2)
    item = _ITEM.match(paragraph)
    indent = " " * cell_len(item[0]) if item and cell_len(item[0]) < width // 2 else ""
    lines: list[str] = []
    line, used = "", 0
    for unit in _units(paragraph.rstrip(), width - len(indent)):
        size = cell_len(unit)
        if used + size > width and line:
            lines.append(line.rstrip())
            line, used = indent, len(indent)
            if unit.isspace():
                continue
        if line == indent and lines and unit.isspace():
            continue
        line, used = line + unit, used + size
    lines.append(line.rstrip())
    return tuple(lines)


def _units(paragraph: str, width: int) -> Iterator[str]:
    for found in _UNIT.finditer(paragraph):
        unit = found[0]
        if cell_len(unit) > width:
            yield from chop_cells(unit, width)
        else:
            yield unit
