"""Ballots: what fits is taken as it was cast, what does not is spoilt, nothing is guessed."""

import copy
import json
import math
from typing import Any

import jsonschema
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.support.strategies import json_values, texts

from magisystem.council import ballots
from magisystem.council.ballots import (
    REASONING_CHARS,
    Ballot,
    Mark,
    SpoiltBallot,
    Verdict,
    Vote,
    read_fenced,
    verdict_ballot,
    vote_ballot,
)
from magisystem.protocol.values import Decision

# The letters are shuffled: the judge's "A" is not the council's first sage.
LABELS = [("B", "caspar"), ("C", "balthasar"), ("A", "melchior")]
VOTE: dict[str, Any] = {"decision": "APPROVED", "confidence": 0.8, "reasoning": "It pays."}
VERDICT: dict[str, Any] = {
    "decision": "REJECTED",
    "confidence": 0.6,
    "summary": "Not now.",
    "reasoning": "The risk is not bounded.",
    "recommendation": "Try it on one service.",
    "scores": [
        {"sage": "A", "score": 10, "reasoning": "a"},
        {"sage": "B", "score": 20, "reasoning": "b"},
        {"sage": "C", "score": 30, "reasoning": "c"},
    ],
}


def is_valid(cast_input: Any, ballot: Ballot) -> bool:
    try:
        jsonschema.validate(cast_input, ballot.schema, jsonschema.Draft202012Validator)
    except jsonschema.ValidationError:
        return False
    return True


def is_read(cast_input: Any, ballot: Ballot) -> bool:
    try:
        ballot.read(cast_input)
    except SpoiltBallot:
        return False
    return True


def fenced(value: Any, tag: str = "json") -> str:
    return f"```{tag}\n{json.dumps(value)}\n```"


def marks(*pairs: tuple[Any, Any]) -> dict[str, Any]:
    return {**VERDICT, "scores": [{"sage": sage, "score": score, "reasoning": "r"} for sage, score in pairs]}


MISFITS: list[tuple[str, Any]] = [
    ("confidence", True),
    ("confidence", False),
    ("confidence", 1.01),
    ("confidence", -0.1),
    ("confidence", 85),
    ("confidence", 10**400),
    ("confidence", "0.8"),
    ("confidence", "high"),
    ("confidence", None),
    ("confidence", [0.8]),
    ("decision", "MAYBE"),
    ("decision", ""),
    ("decision", "APPROVE"),
    ("decision", None),
    ("decision", True),
    ("decision", ["APPROVED"]),
    ("reasoning", ""),
    ("reasoning", None),
    ("reasoning", 5),
    ("reasoning", ["It pays."]),
    ("reasoning", "x" * (REASONING_CHARS + 1)),
]


@pytest.mark.parametrize(("field", "value"), MISFITS, ids=lambda value: repr(value)[:20])
def test_a_field_that_does_not_fit_spoils_the_ballot_and_breaks_the_schema(field: str, value: Any) -> None:
    for cast_input, ballot in ((VOTE, vote_ballot()), (VERDICT, verdict_ballot(LABELS))):
        assert is_read(cast_input, ballot)
        with pytest.raises(SpoiltBallot):
            ballot.read({**cast_input, field: value})
        assert not is_valid({**cast_input, field: value}, ballot)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_in_json_is_no_confidence(value: float) -> None:
    for cast_input, ballot in ((VOTE, vote_ballot()), (VERDICT, verdict_ballot(LABELS))):
        with pytest.raises(SpoiltBallot):
            ballot.read({**cast_input, "confidence": value})


@pytest.mark.parametrize("field", VERDICT)
def test_a_missing_field_spoils_the_ballot_and_breaks_the_schema(field: str) -> None:
    for cast_input, ballot in ((VOTE, vote_ballot()), (VERDICT, verdict_ballot(LABELS))):
        if field in cast_input:
            less = {name: value for name, value in cast_input.items() if name != field}
            with pytest.raises(SpoiltBallot):
                ballot.read(less)
            assert not is_valid(less, ballot)


@pytest.mark.parametrize("value", [0, 1, 0.0, 1.0, 0.5, 1e-300])
def test_a_confidence_from_0_to_1_is_taken_as_it_is(value: float) -> None:
    vote = vote_ballot().read({**VOTE, "confidence": value})
    assert vote.confidence == value
    assert isinstance(vote.confidence, float)


@pytest.mark.parametrize("decision", Decision)
@pytest.mark.parametrize("form", ["{}", " {} ", "\n{}\t", "\u3000{}"])
def test_case_and_space_around_a_decision_carry_no_meaning(decision: Decision, form: str) -> None:
    for cased in (decision, decision.lower(), decision.title()):
        assert vote_ballot().read({**VOTE, "decision": form.format(cased)}).decision is decision
        verdict = verdict_ballot(LABELS).read({**VERDICT, "decision": form.format(cased)})
        assert verdict.decision is decision


@given(st.dictionaries(texts.filter(lambda name: name not in VERDICT), json_values, max_size=3))
def test_fields_beyond_the_ballot_are_tolerated(more: dict[str, Any]) -> None:
    assert vote_ballot().read({**more, **VOTE}) == vote_ballot().read(VOTE)
    assert verdict_ballot(LABELS).read({**more, **VERDICT}) == verdict_ballot(LABELS).read(VERDICT)
    assert is_valid({**more, **VOTE}, vote_ballot())
    assert is_valid({**more, **VERDICT}, verdict_ballot(LABELS))


@given(st.sampled_from(Decision), st.floats(0, 1), st.text(min_size=1, max_size=50))
def test_a_vote_is_read_as_it_was_cast(decision: Decision, confidence: float, reasoning: str) -> None:
    cast_input = {"decision": decision.value, "confidence": confidence, "reasoning": reasoning}
    assert vote_ballot().read(cast_input) == Vote(decision, confidence, reasoning)


@pytest.mark.parametrize("length", [1, REASONING_CHARS])
def test_reasoning_is_measured_in_characters_by_reader_and_schema_alike(length: int) -> None:
    cast_input = {**VOTE, "reasoning": "👩" * length}
    assert is_read(cast_input, vote_ballot())
    assert is_valid(cast_input, vote_ballot())


def test_a_verdict_has_one_mark_a_sage_in_the_councils_order() -> None:
    verdict = verdict_ballot(LABELS).read(VERDICT)
    assert verdict == Verdict(
        decision=Decision.REJECTED,
        confidence=0.6,
        summary="Not now.",
        reasoning="The risk is not bounded.",
        recommendation="Try it on one service.",
        marks=(Mark("caspar", 20, "b"), Mark("balthasar", 30, "c"), Mark("melchior", 10, "a")),
    )


@pytest.mark.parametrize("form", ["{}", "Sage {}", "sage {}", " SAGE  {} ", "Sage{}"])
@pytest.mark.parametrize("case", [str.upper, str.lower])
def test_a_sage_may_be_called_sage_in_any_case(form: str, case: Any) -> None:
    cast_input = marks(*((form.format(case(letter)), 50) for letter in "CAB"))
    verdict = verdict_ballot(LABELS).read(cast_input)
    assert isinstance(verdict, Verdict)
    assert [mark.agent_id for mark in verdict.marks] == ["caspar", "balthasar", "melchior"]


@pytest.mark.parametrize(
    "letters",
    [
        "",
        "A",
        "AB",
        "ABD",
        "ABCD",
        "ABB",
        "ABCC",
        "ABCA",
        ["A", "B", ""],
        ["A", "B", "C", "sage c"],
        ["A", "B", "caspar"],
    ],
)
def test_marks_for_other_than_exactly_the_sages_spoil_the_verdict(letters: str | list[str]) -> None:
    with pytest.raises(SpoiltBallot):
        verdict_ballot(LABELS).read(marks(*((letter, 50) for letter in letters)))


@pytest.mark.parametrize("score", [-1, -0.01, 100.01, 1_000, True, "50", None, math.nan, math.inf, [50]])
def test_a_score_outside_0_to_100_spoils_the_verdict(score: Any) -> None:
    with pytest.raises(SpoiltBallot):
        verdict_ballot(LABELS).read(marks(("A", 1), ("B", score), ("C", 2)))


@given(st.floats(0, 100))
def test_a_score_is_rounded_to_a_whole_number_from_0_to_100(score: float) -> None:
    verdict = verdict_ballot([("A", "caspar")]).read(marks(("A", score)))
    assert isinstance(verdict, Verdict)
    (mark,) = verdict.marks
    assert isinstance(mark.score, int)
    assert 0 <= mark.score <= 100
    assert abs(mark.score - score) <= 0.5


def test_a_verdict_on_nobody_has_no_marks() -> None:
    ballot = verdict_ballot([])
    verdict = ballot.read(marks())
    assert isinstance(verdict, Verdict)
    assert verdict.marks == ()
    assert is_valid(marks(), ballot)
    assert not is_read(marks(("A", 1)), ballot)


@given(st.one_of(json_values, st.dictionaries(st.sampled_from(list(VERDICT)), json_values)))
@example({"decision": "\udc00", "confidence": 1, "reasoning": "x"})
@example({**VOTE, "reasoning": "\ud800"})
@example(marks(("\ud800", 1), ("A", 1), ("B", 1)))
@example({**VERDICT, "scores": [[[]]]})
def test_any_json_is_read_or_spoilt(cast_input: Any) -> None:
    before = copy.deepcopy(cast_input)
    for ballot in (vote_ballot(), verdict_ballot(LABELS)):
        is_read(cast_input, ballot)
    assert cast_input == before


votes_or_nearly = st.fixed_dictionaries(
    {},
    optional={
        "decision": st.sampled_from([*Decision, "MAYBE", 1, None]).map(lambda value: value),
        "confidence": st.floats(-0.5, 1.5) | st.integers(-1, 2) | st.booleans() | st.just("1"),
        "reasoning": st.text(max_size=3) | st.sampled_from(["x" * REASONING_CHARS, "x" * (REASONING_CHARS + 1), 1]),
        "more": json_values,
    },
)


@given(votes_or_nearly | json_values)
def test_the_schema_of_a_vote_accepts_what_the_reader_accepts(cast_input: Any) -> None:
    assert is_valid(cast_input, vote_ballot()) == is_read(cast_input, vote_ballot())


@given(
    votes_or_nearly,
    st.fixed_dictionaries(
        {
            "summary": st.sampled_from(["", "x", "x" * 1_000, "x" * 1_001, 1]),
            "recommendation": st.sampled_from(["", "x", "x" * 2_000, "x" * 2_001, None]),
            "scores": st.sampled_from(
                [
                    VERDICT["scores"],
                    [{**mark, "score": 100.5} for mark in VERDICT["scores"]],
                    [{**mark, "reasoning": "x" * 501} for mark in VERDICT["scores"]],
                    [{**mark, "more": 1} for mark in VERDICT["scores"]],
                    [{**mark, "sage": "D"} for mark in VERDICT["scores"]],
                    [{"sage": "A"}],
                    [1],
                    {},
                    None,
                ]
            ),
        }
    ),
)
def test_the_schema_of_a_verdict_accepts_what_the_reader_accepts(vote: Any, rest: Any) -> None:
    # One thing a schema of the kind providers take cannot say: that every sage has exactly one mark.
    ballot = verdict_ballot(LABELS)
    cast_input = {**VERDICT, **vote, **rest}
    assert is_valid(cast_input, ballot) == is_read(cast_input, ballot)


@pytest.mark.parametrize("ballot", [vote_ballot(), verdict_ballot(LABELS)], ids=lambda ballot: ballot.tool)
def test_a_schema_is_one_that_providers_take(ballot: Ballot) -> None:
    jsonschema.Draft202012Validator.check_schema(ballot.schema)
    assert ballot.schema["type"] == "object"
    assert "$ref" not in json.dumps(ballot.schema)
    for field in ballot.schema["properties"].values():
        assert "type" in field
        assert field["description"]


def test_the_judge_is_told_which_sages_there_are() -> None:
    schema = verdict_ballot(LABELS).schema
    assert set(schema["properties"]["scores"]["items"]["properties"]["sage"]["enum"]) == {"A", "B", "C"}


def test_only_the_block_that_ends_the_text_is_the_speakers_own() -> None:
    first, second = {**VOTE, "reasoning": "first"}, {**VOTE, "reasoning": "second"}
    assert read_fenced(f"{fenced(first)} then {fenced(second)}", vote_ballot()) == vote_ballot().read(second)
    assert read_fenced(f"{fenced(first)} then {fenced(second)} - but no.", vote_ballot()) is None
    assert read_fenced(f"{fenced(first)} then {fenced({**VOTE, 'confidence': 80})}", vote_ballot()) is None


def test_a_block_that_the_speaker_was_given_to_read_is_never_its_own() -> None:
    given = f"Answer with {fenced(VOTE)} please"
    assert read_fenced(fenced(VOTE), vote_ballot(), [given]) is None
    own = {**VOTE, "reasoning": "My own."}
    assert read_fenced(fenced(own), vote_ballot(), [given]) == vote_ballot().read(own)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "I approve.",
        json.dumps(VOTE),
        fenced({**VOTE, "decision": "MAYBE"}),
        fenced([VOTE]),
        fenced({"vote": VOTE}),
        "```json\n" + json.dumps(VOTE),
        "```json\n" + json.dumps(VOTE) + " so ```",
        "```json\n" + json.dumps(VOTE)[:-1] + "\n```",
        "```json\n" + '{"confidence": NaN, "decision": "APPROVED", "reasoning": "x"}' + "\n```",
        "```json\n" + '{"a":' * 100_000 + "1" + "}" * 100_000 + "\n```",
        "```json\n{" + '"confidence": ' + "9" * 10_000 + "}\n```",
        "``` ```",
    ],
    ids=lambda text: text[:30],
)
def test_without_a_valid_fenced_block_there_is_no_casting(text: str) -> None:
    assert read_fenced(text, vote_ballot()) is None


@pytest.mark.parametrize(
    "text",
    [
        fenced(VOTE),
        fenced(VOTE, ""),
        fenced(VOTE, "JSON"),
        fenced(VOTE, "json  "),
        "  ```json\r\n" + json.dumps(VOTE, indent=2) + "\r\n  ```",
        "```json " + json.dumps(VOTE) + "```",
        "````json\n" + json.dumps(VOTE) + "\n````",
        "```python\nprint(1)\n```\nSo:\n" + fenced(VOTE),
        "```python\nprint(1)\n```\n" + fenced(VOTE, ""),
        "Half a fence ``` and then\n" + fenced(VOTE) + "\n",
        fenced(VOTE) + "```",
    ],
)
def test_a_block_is_found_whatever_stands_around_it(text: str) -> None:
    assert read_fenced(text, vote_ballot()) == vote_ballot().read(VOTE)


@given(st.text(min_size=1, max_size=20) | st.sampled_from(["```", "see ```js``` there", "\n```\n", '"}\n```']))
def test_backticks_and_quotes_within_a_reason_do_not_end_the_block(reasoning: str) -> None:
    cast_input = {**VOTE, "reasoning": reasoning}
    assert read_fenced(fenced(cast_input), vote_ballot()) == vote_ballot().read(cast_input)


def test_a_verdict_is_found_in_a_fenced_block_too() -> None:
    ballot = verdict_ballot(LABELS)
    assert read_fenced(f"So be it.\n{fenced(VERDICT)}", ballot) == ballot.read(VERDICT)


@given(
    st.lists(st.sampled_from(["```", "json", "\n", " ", "{", "}", '"', '"decision"', ":", ",", "\\", "[", "x"])).map(
        "".join
    )
)
def test_any_text_is_searched_without_an_error(text: str) -> None:
    assert read_fenced(text, vote_ballot()) is None


@pytest.mark.parametrize("unit", ["```{", "```json\n{\n", '```{"a":"', "```{}", '```{"a":"```'])
def test_no_part_of_a_text_is_parsed_twice(unit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Counting(json.JSONDecoder):
        n_chars = 0

        def raw_decode(self, s: str, idx: int = 0) -> tuple[Any, int]:
            self.n_chars += len(s)
            return super().raw_decode(s, idx)

    counting = Counting()
    monkeypatch.setattr(ballots, "_fenced_json", counting)
    text = unit * 1_000
    assert read_fenced(text, vote_ballot()) is None
    assert 0 < counting.n_chars <= len(text)


@pytest.mark.parametrize(
    "unit",
    [
        "`",
        "```",
        "```\n",
        "```json\n",
        "```{",
        "```json\n{\n",
        '```{"a":"',
        '```{"a":[',
        "``` ",
        "```{}",
        "```\n{}\n",
        "\n",
    ],
)
def test_hostile_text_is_searched_in_one_pass(unit: str) -> None:
    # Half a million characters: anything quadratic takes minutes here, and the test's time limit ends it.
    text = unit * (1 + 500_000 // len(unit))
    assert read_fenced(text, vote_ballot()) is None
    assert read_fenced(f"{text}\n{fenced(VOTE)}", vote_ballot()) == vote_ballot().read(VOTE)
    assert read_fenced(f"{fenced(VOTE)}\n{text}so", vote_ballot()) is None
    assert read_fenced("```json" + " " * 500_000 + text, vote_ballot()) is None
