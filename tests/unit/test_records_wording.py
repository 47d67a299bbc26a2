"""Texts and queries come to one form, so that they find each other in any database."""

from hypothesis import given
from hypothesis import strategies as st

from magisystem.records.wording import searchable, storable, words_of

anything = st.text(st.characters(exclude_categories=()))


@given(anything)
def test_the_form_of_a_form_is_itself(text: str) -> None:
    assert searchable(searchable(text)) == searchable(text)


@given(anything)
def test_what_is_stored_is_what_every_database_takes(text: str) -> None:
    for form in (storable(text), searchable(text)):
        assert "\0" not in form
        assert form.encode().decode() == form


@given(anything)
def test_the_words_of_a_text_occur_in_it(text: str) -> None:
    words = words_of(text)
    assert all(word in searchable(text) for word in words)
    assert len(words) == len(set(words))
    assert "" not in words


def test_case_and_width_make_no_difference() -> None:
    assert words_of("ＲＵＳＴ　Rust rust ｻｰﾋﾞｽ サービス ㍿") == ["rust", "サービス", "株式会社"]
