"""A text as it is being said."""

import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from magisystem.deliberation.running_text import RunningText


def said(*pieces: str) -> RunningText:
    text = RunningText()
    for piece in pieces:
        text.append(piece)
    return text


@given(st.lists(st.text(max_size=3), max_size=3_000))
def test_it_is_its_pieces_in_a_row(pieces: list[str]):
    text = said(*pieces)

    assert str(text) == "".join(pieces)
    assert len(text) == len(str(text))


def test_it_takes_little_more_memory_than_its_letters():
    tracemalloc.start()
    try:
        text = RunningText()
        for _ in range(100_000):
            # A fresh string each time, as a wire gives it.
            text.append("".join("word "))
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    # As an object a token it would be twelve times.
    assert len(text) <= held < 1.5 * len(text)
