"""The rule-based advisor over anything at all: its ballots are always accepted, and its time is bounded."""

import time

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from magisystem.council import outcome
from magisystem.council.ballots import Verdict, Vote
from magisystem.council.briefs import Criteria, Matter, Message, chat_brief, judge_brief, sage_brief
from magisystem.council.presets import MAGI, SOLOMON
from magisystem.models.embedded.advice import advise
from magisystem.protocol.values import Decision

_FRAGMENTS = st.sampled_from(
    [
        "Should we ", "すべきか？", "risk ", "コスト", "を", "やめる", "か、それとも", " or ", "not ", "because ",
        "save 60k", "“", "」", "{p}", "{q}", "\n", "\x00", "\u202e", "😀", "?", "。", "…", "安全", "移行",
        "without ", "the ", "(?", "\\1",
    ]
)  # fmt: skip
TEXTS = st.one_of(st.text(max_size=300), st.lists(_FRAGMENTS, max_size=40).map("".join))
HOSTILE = {
    "spaces": " " * 32_000,
    "letters": "a" * 32_000,
    "words": "risk " * 6_400,
    "Japanese": "リスク" * 10_600,
    "one clause": "should we move the risky cost " * 1_060,
    "JA clause": "費用が高いのでリスクを減らすべきか" * 1_800,
    "dots": ". " * 16_000,
    "digits": "1,2." * 8_000,
    "question marks": "?" * 32_000,
    "quotes": "“「" * 16_000,
    "or": " or" * 10_000,
    "to": "か、" * 16_000,
    "which": "AとBの" * 8_000,
    "newlines": "\n" * 32_000,
    "emoji": "👩‍👩‍👧" * 6_400,
    "leads": "should we " * 3_200,
    "hyphens": "risk-" * 6_400,
}


def deliberate(matter: Matter) -> None:
    testimonies: list[outcome.Testimony] = []
    for agent in MAGI.sages:
        brief = sage_brief(agent, matter)
        assert brief.ballot is not None
        advice = advise(brief)
        cast = brief.ballot.read(advice.casting)
        assert isinstance(cast, Vote)
        assert cast.confidence <= 0.9
        msgspec.json.encode(advice.prose)
        testimonies.append(outcome.Testimony(agent.id, advice.prose, cast))
    brief = judge_brief(MAGI, SOLOMON, matter, testimonies, "seed")
    assert brief.ballot is not None
    assert isinstance(brief.ballot.read(advise(brief).casting), Verdict)
    assert "MAGI_MODEL" in advise(chat_brief(SOLOMON, matter)).prose


@settings(deadline=None, max_examples=150)
@given(TEXTS, TEXTS, TEXTS, st.lists(TEXTS, max_size=3), st.sampled_from([None, "ja", "en", "de"]))
def test_whatever_is_asked_the_ballots_are_accepted(
    question: str, approve_if: str, reject_if: str, said: list[str], language: str | None
) -> None:
    history = tuple(Message("user", text) for text in said)
    deliberate(Matter(question, history, Criteria(approve_if, reject_if), language))


@settings(deadline=None, max_examples=100)
@given(
    st.lists(
        st.tuples(TEXTS, st.one_of(st.none(), st.tuples(st.sampled_from(Decision), st.floats(0, 1), TEXTS))),
        min_size=3,
        max_size=3,
    )
)
def test_whatever_the_sages_wrote_the_verdict_is_accepted(
    said: list[tuple[str, tuple[Decision, float, str] | None]],
) -> None:
    testimonies = [
        outcome.Testimony(agent.id, text, Vote(*cast) if cast else None)
        for agent, (text, cast) in zip(MAGI.sages, said, strict=True)
    ]
    brief = judge_brief(MAGI, SOLOMON, Matter("Should we move to Rust?"), testimonies, "seed")
    assert brief.ballot is not None
    verdict = brief.ballot.read(advise(brief).casting)
    assert isinstance(verdict, Verdict)
    assert len(verdict.marks) == sum(bool(text or cast) for text, cast in said)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_text_made_to_be_slow_is_read_in_bounded_time(name: str) -> None:
    matter = Matter(HOSTILE[name], (Message("user", HOSTILE[name]),), Criteria(HOSTILE[name], HOSTILE[name]))
    started_s = time.process_time()
    deliberate(matter)
    # Five advices take about a second together; one quadratic pattern takes minutes.
    assert time.process_time() - started_s < 15
