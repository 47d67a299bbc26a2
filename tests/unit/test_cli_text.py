"""What keeps foreign text from doing harm on a terminal, and what breaks it into lines."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from magisystem.cli.plain_text import clean, clean_line
from magisystem.cli.wrapping import tail, wrap

# Everything a hostile text is made of, in far higher density than chance would give.
HOSTILE = st.lists(
    st.one_of(
        st.sampled_from(["\x1b", "[", "]", "31m", "2J", "52;c;", "\x07", "\\", "\x9b", "\r", "\n", "\u202e", "P", "q"]),
        st.text(max_size=4),
    ),
    max_size=30,
).map("".join)
MIXED = st.text(st.sampled_from("ab c、。「」漢字かなアイウ()　\n-1.é👍"), max_size=120)


@pytest.mark.parametrize(
    ("given_text", "shown"),
    [
        ("a\x1b[31mred\x1b[0m b", "ared b"),
        ("a\x1b[2J\x1b[1;1Hb", "ab"),
        ("a\x1b]52;c;c2VjcmV0\x07b", "ab"),
        ("a\x1b]8;;https://evil.example\x1b\\link\x1b]8;;\x1b\\", "alink"),
        ("a\x1bPq#0\x1b\\b", "ab"),
        ("a\x9b31mb", "ab"),
        ("APPROVED\rREJECTED", "APPROVED\nREJECTED"),
        ("a\bb\x00c\x7fd", "abcd"),
        ("a\u202egnp.exe", "agnp.exe"),
        ("a\tb", "a  b"),
        ("[bold red]x[/]", "[bold red]x[/]"),
    ],
)
def test_escape_sequences_and_controls_are_taken_out_and_brackets_are_kept(given_text: str, shown: str) -> None:
    assert clean(given_text) == shown


@given(HOSTILE)
def test_no_control_character_is_left_of_any_text(text: str) -> None:
    shown = clean(text)
    assert all(char == "\n" or unicodedata.category(char) not in {"Cc", "Cs"} for char in shown)
    assert clean(shown) == shown


@given(HOSTILE)
def test_a_cleaned_line_is_one_line(text: str) -> None:
    assert len(clean_line(text).splitlines()) <= 1


@given(MIXED, st.integers(2, 40))
def test_no_line_is_wider_than_asked_for_and_no_character_is_lost(text: str, width: int) -> None:
    lines = wrap(text, width)
    assert all(cell_len(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


@given(MIXED, st.integers(2, 40), st.integers(1, 8))
def test_the_tail_is_the_end_of_the_whole(text: str, width: int, n_lines: int) -> None:
    lines = tail(text, width, n_lines)
    assert len(lines) <= n_lines
    assert lines == wrap(text.rstrip(), width)[-len(lines) :] if lines else not text.strip()


def test_japanese_breaks_between_characters_and_not_before_a_closing_mark() -> None:
    assert wrap("これは試験です。次へ進む", 14) == ["これは試験で", "す。次へ進む"]


def test_brackets_stay_with_what_they_hold() -> None:
    assert wrap("承認（0.70）で「Rust」へ", 10) == ["承認", "（0.70）で", "「Rust」へ"]


def test_words_of_latin_script_stay_whole_within_japanese() -> None:
    assert wrap("請求をRustへ移行", 8) == ["請求を", "Rustへ移", "行"]


def test_the_further_lines_of_a_list_item_stand_under_its_first_word() -> None:
    assert wrap("- one two three", 10) == ["- one two", "  three"]
