"""The view: what is drawn of events, without a terminal."""

from collections.abc import Sequence
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text
from tests.support.cli import breaks, fails, heard, says

from magisystem.cli.exits import exit_code
from magisystem.cli.lines import PlainLines
from magisystem.cli.scene import Scene, Stage
from magisystem.cli.screen import page, screen
from magisystem.cli.words import ENGLISH, JAPANESE, words_for
from magisystem.client import Received
from magisystem.protocol.events import Chunk, TerminalEvent
from magisystem.protocol.values import Decision, Mode

JAPANESE_TEXT = "移行の費用は、初年度に集中します。「戻る道」を先に用意しておくべきです。" * 4
INJECTION = "\x1b[2J\x1b]52;c;aGk=\x07[bold red]APPROVED[/bold red]\r\x9b31m:warning:"


def scene_of(events: Sequence[Received]) -> Scene:
    stage = Stage()
    for number, received in enumerate(events):
        stage.add(received.event, number / 10)
    return stage.scene(len(events) / 10)


def plain(lines: Sequence[Text]) -> str:
    return "\n".join(line.plain for line in lines)


@pytest.mark.parametrize("width", [120, 60])
async def test_every_line_of_a_japanese_page_is_aligned(width: int) -> None:
    everyone = {name: says(JAPANESE_TEXT) for name in ("caspar", "balthasar", "melchior", "solomon")}
    lines = page(scene_of(await heard(everyone, "移行すべきですか？")), JAPANESE, width)
    boxed = [line.plain for line in lines if line.plain[0] in "╭│├╰"]
    assert len(boxed) > 20
    assert {cell_len(line) for line in boxed} == {width}
    assert all(line[-1] in "╮│┤╯" for line in boxed)


async def test_the_sages_stand_side_by_side_where_there_is_room_and_one_above_another_where_not() -> None:
    scene = scene_of(await heard({}))
    assert any("╭─ CASPAR" in line.plain and "╭─ MELCHIOR" in line.plain for line in page(scene, ENGLISH, 90))
    assert not any("╭─ CASPAR" in line.plain and "╭─ BALTHASAR" in line.plain for line in page(scene, ENGLISH, 89))


@pytest.mark.parametrize("size", [(140, 45), (70, 40), (90, 24), (40, 10), (12, 4), (3, 2), (250, 80)])
async def test_the_screen_fits_the_terminal_at_every_moment(size: tuple[int, int]) -> None:
    width, height = size
    events = await heard({"caspar": says(JAPANESE_TEXT), "melchior": [fails]})
    for n_heard in range(len(events) + 1):
        lines = screen(scene_of(events[:n_heard]), ENGLISH, width, height)
        assert len(lines) <= height
        if width >= 12:
            assert max(cell_len(line.plain) for line in lines) <= width


async def test_the_screen_shows_the_newest_text_and_the_page_all_of_it() -> None:
    text = "".join(f"Line {number}.\n" for number in range(100))
    events = await heard({"caspar": says(text)})
    while isinstance(events[-1].event, TerminalEvent) or not isinstance(events[-1].event, Chunk):
        events.pop()
    shown = plain(screen(scene_of(events), ENGLISH, 120, 30))
    assert "Line 99." in shown
    assert "Line 1." not in shown
    whole = plain(page(scene_of(events), ENGLISH, 120))
    assert all(f"Line {number}." in whole for number in range(100))


async def test_what_a_model_writes_is_neither_markup_nor_an_escape_sequence() -> None:
    events = await heard({"caspar": says(INJECTION), "solomon": says(INJECTION)}, question=f"Should we? {INJECTION}")
    out = StringIO()
    console = Console(file=out, width=120, force_terminal=True, color_system=None, markup=False, emoji=False)
    for line in page(scene_of(events), ENGLISH, 120):
        console.print(line, soft_wrap=True)
    drawn = out.getvalue()
    assert "[bold red]APPROVED[/bold red]" in drawn
    assert ":warning:" in drawn
    assert not {"\x07", "\r", "\x9b"} & set(drawn)
    assert "\x1b[2J" not in drawn
    assert "52;c;" not in drawn


async def test_a_vote_is_told_by_word_and_symbol_and_confidence() -> None:
    events = await heard({"balthasar": says("No.", Decision.REJECTED, 0.62)})
    shown = plain(page(scene_of(events), ENGLISH, 140))
    assert "✗ REJECTED  confidence 62%" in shown
    assert "✓ APPROVED  confidence 80%" in shown


async def test_a_new_attempt_clears_the_lane_and_says_why() -> None:
    shown = plain(page(scene_of(await heard({"caspar": [breaks, *says("Sound words.")]})), ENGLISH, 200))
    assert "Void words." not in shown
    assert "Sound words." in shown
    assert "attempt 2: model_stream_cut: the line went dead" in shown


async def test_a_failed_sage_shows_its_cause_in_words_and_the_verdict_is_marked_degraded() -> None:
    scene = scene_of(await heard({"melchior": [fails]}))
    shown = plain(page(scene, ENGLISH, 240))
    assert "the provider refuses the credentials (model_denied)" in shown
    assert "! Degraded: 2 of 3 sages voted." in shown
    assert shown.index("Degraded") < shown.rindex("✓ APPROVED")
    assert exit_code(scene.state) == 0


async def test_a_verdict_against_the_majority_is_marked_overturned() -> None:
    scene = scene_of(await heard({"solomon": says("No.", Decision.REJECTED)}))
    assert "! Overturned" in plain(page(scene, ENGLISH, 120))
    assert exit_code(scene.state) == 10


async def test_a_missed_quorum_is_inconclusive_and_says_so() -> None:
    scene = scene_of(await heard({"caspar": [fails], "melchior": [fails]}))
    assert "! Inconclusive" in plain(page(scene, ENGLISH, 120))
    assert exit_code(scene.state) == 20


async def test_a_chat_shows_the_answer_and_no_verdict() -> None:
    scene = scene_of(await heard({"solomon": says("Four.")}, mode=Mode.CHAT))
    shown = plain(page(scene, ENGLISH, 120))
    assert "Four." in shown
    assert "Verdict" not in shown
    assert exit_code(scene.state) == 0


async def test_a_chat_that_cannot_be_answered_has_failed() -> None:
    scene = scene_of(await heard({"solomon": [fails]}, mode=Mode.CHAT))
    assert "(model_denied)" in plain(page(scene, ENGLISH, 120))
    assert exit_code(scene.state) == 30


async def test_the_note_of_a_model_stands_by_the_question_and_by_the_verdict() -> None:
    shown = plain(page(scene_of(await heard({})), ENGLISH, 120))
    assert shown.count("scripted:model: scripted for a test") == 2


async def test_a_log_without_its_end_is_shown_as_incomplete() -> None:
    events = await heard({})
    scene = scene_of(events[:-1])
    assert ENGLISH.incomplete in plain(page(scene, ENGLISH, 120))
    assert exit_code(scene.state) == 30


def lines_of(events: Sequence[Received]) -> list[str]:
    written: list[str] = []
    lines = PlainLines(ENGLISH, Stage(), written.append)
    for received in events:
        lines.show(received)
    lines.close()
    return written


async def test_plain_lines_name_who_speaks_and_hold_no_control_character() -> None:
    written = lines_of(await heard({"caspar": says(f"First. {INJECTION}\nSecond."), "melchior": [fails]}))
    assert "CASPAR    | First. [bold red]APPROVED[/bold red]\n" in written
    assert "CASPAR    | Second.\n" in written
    assert "CASPAR    | vote: APPROVED 80%: As scripted.\n" in written
    assert "MELCHIOR  | failed: the provider refuses the credentials (model_denied)\n" in written
    assert any(line.startswith("Verdict   | APPROVED 80%") for line in written)
    assert all(line.endswith("\n") and line[:-1].isprintable() for line in written)


@given(st.lists(st.integers(1, 12), min_size=1, max_size=40))
def test_plain_lines_hang_on_the_text_and_not_on_how_it_arrives(sizes: list[int]) -> None:
    text = 'It works, e.g. here. "Really?" Yes! (No.) 費用は高い。「戻る道がある。」と言う。\n- one. Two\n\nThe end'
    pieces: list[str] = []
    rest = text
    for size in sizes:
        pieces.append(rest[:size])
        rest = rest[size:]
    pieces.append(rest)
    cut = [
        Received(Chunk(seq=number, timestamp="", agent_id="caspar", content=piece), b"")
        for number, piece in enumerate(filter(None, pieces), 1)
    ]
    whole = [Received(Chunk(seq=1, timestamp="", agent_id="caspar", content=text), b"")]
    assert lines_of(cut) == lines_of(whole)
    assert len(lines_of(whole)) == 9


@pytest.mark.parametrize(
    ("question", "language", "is_japanese"),
    [
        ("移行すべき？", None, True),
        ("Should we?", None, False),
        ("移行すべき？", "en", False),
        ("Should we?", "ja", True),
    ],
)
def test_the_language_is_the_one_asked_for_or_else_the_question_s(
    question: str, language: str | None, *, is_japanese: bool
) -> None:
    assert (words_for(question, language) is JAPANESE) is is_japanese
