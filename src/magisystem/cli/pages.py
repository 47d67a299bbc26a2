"""A Markdown page drawn on a terminal, calm in colour, and with lines that break as everywhere else here."""

from collections.abc import Iterator
from typing import ClassVar

from rich.console import Console, ConsoleOptions, RenderResult
from rich.markdown import BlockQuote, Heading, Markdown, MarkdownContext, MarkdownElement, Paragraph
from rich.segment import Segment
from rich.text import Text
from rich.theme import Theme

from magisystem.cli.boxes import EMPHASIS, IDLE, SECONDARY
from magisystem.cli.wrapping import wrap

# Longer lines are hard to read.
_PAGE_CELLS = 100
_BAR = "▌ "
_THEME = Theme(
    {
        "markdown.h1": EMPHASIS,
        "markdown.h2": EMPHASIS,
        "markdown.h3": SECONDARY,
        "markdown.block_quote": "none",
        "markdown.item.bullet": SECONDARY,
        "markdown.table.header": SECONDARY,
        "markdown.table.border": IDLE,
    }
)


def draw(page: str, console: Console) -> None:
    """Draw a page. Links are shown as they are written: nothing hides where it leads."""
    with console.use_theme(_THEME):
        # The terminal's own colours for code, and no background of ours.
        drawn = _Page(page, hyperlinks=False, code_theme="ansi_dark")
        console.print(drawn, width=min(console.width, _PAGE_CELLS))


class _Heading(Heading):
    LEVEL_ALIGN: ClassVar = {**Heading.LEVEL_ALIGN, "h1": "left"}


class _Paragraph(Paragraph):
    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for line in _broken(self.text, options.max_width):
            line.no_wrap = True
            yield line


class _Quote(BlockQuote):
    def __init__(self) -> None:
        super().__init__()
        self._blocks: list[MarkdownElement] = []

    def on_child_close(self, context: MarkdownContext, child: MarkdownElement) -> bool:
        self._blocks.append(child)
        return super().on_child_close(context, child)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        bar = Segment(_BAR, console.get_style(IDLE))
        within = options.update(width=max(options.max_width - len(_BAR), 1))
        for number, block in enumerate(self._blocks):
            if number:
                yield from (bar, Segment("\n"))
            for line in console.render_lines(block, within, style=self.style, pad=False):
                yield bar
                yield from line
                yield Segment("\n")


class _Page(Markdown):
    elements: ClassVar[dict[str, type[MarkdownElement]]] = {
        **Markdown.elements,
        "heading_open": _Heading,
        "paragraph_open": _Paragraph,
        "blockquote_open": _Quote,
    }


def _broken(text: Text, width: int) -> Iterator[Text]:
    """Give ``text`` line by line, its styles kept; where a line ends is for `wrap` to say."""
    start = 0
    for line in wrap(text.plain, width):
        words = line.strip()
        start = text.plain.index(words, start)
        yield text[start : start + len(words)]
        start += len(words)
