"""The outcome: what the rules of the council make of votes and verdict, case by case."""

from collections.abc import Iterator, Sequence
from itertools import product
from random import Random
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.strategies import confidences

from magisystem.council.ballots import Verdict, Vote
from magisystem.council.outcome import Conclusion, conclude, has_quorum, majority
from magisystem.council.outcome import Testimony as SageTestimony  # a name that begins with Test is taken for a test
from magisystem.protocol.values import Decision, Missing, Outcome, Rule

A, R, O = Decision.APPROVED, Decision.REJECTED, Decision.ABSTAINED  # noqa: E741 - O as on a slip of paper
UNREADABLE, FAILED = "vote_unreadable", "model_late"
STATES: tuple[Decision | str, ...] = (A, R, O, UNREADABLE, FAILED)
VERDICTS: tuple[Decision | None, ...] = (A, R, O, None)
JUDGE_DOWN = Missing(agent_id="solomon", cause="model_silent")

State = Decision | str
states = st.sampled_from(STATES)
rules = st.sampled_from(Rule)
rulings = st.sampled_from(VERDICTS)


def sage(place: int, state: State, confidence: float = 0.5) -> SageTestimony:
    agent_id = f"sage{place}"
    if isinstance(state, Decision):
        return SageTestimony(agent_id, "text", Vote(state, confidence, "why"))
    return SageTestimony(agent_id, "te", None, cause=state, has_failed=state == FAILED)


def sages_of(case: Sequence[State]) -> list[SageTestimony]:
    return [sage(place, state, confidence=place / 10) for place, state in enumerate(case, 1)]


def verdict_of(ruling: Decision | None) -> Verdict | None:
    return Verdict(ruling, 0.9, "s", "r", "r", ()) if ruling else None


def concluded(rule: Rule, case: Sequence[State], ruling: Decision | None, *, has_judge: bool = True) -> Conclusion:
    judge_missing = JUDGE_DOWN if has_judge and ruling is None else None
    return conclude(rule, sages_of(case), verdict_of(ruling), judge_missing)


def table() -> Iterator[tuple[tuple[State, ...], Conclusion]]:
    """Every case of three sages, under every rule, with every ruling of the judge."""
    for case, rule, ruling in product(product(STATES, repeat=3), Rule, VERDICTS):
        yield case, concluded(rule, case, ruling)


def is_down(state: State) -> bool:
    return state in (UNREADABLE, FAILED)


def decision_by_the_book(rule: Rule, case: Sequence[State], ruling: Decision | None) -> Decision | None:
    """Say DESIGN.md §5 once more, as a list of cases rather than as code would be written."""
    readable = [state for state in case if not is_down(state)]
    if len(readable) <= len(case) / 2:
        return None
    pro, con = readable.count(A), readable.count(R)
    by_majority = A if pro > con else R if con > pro else None
    if rule is Rule.MAJORITY or (rule is Rule.JUDGE and ruling is None):
        return by_majority
    if rule is Rule.JUDGE:
        return ruling if ruling in (A, R) else None
    return by_majority if 0 in (pro, con) else None


@pytest.mark.parametrize("rule", Rule)
@pytest.mark.parametrize("ruling", VERDICTS)
@pytest.mark.parametrize("n_sages", [1, 2, 3, 4])
def test_the_decision_is_the_one_the_rules_give(rule: Rule, ruling: Decision | None, n_sages: int) -> None:
    for case in product(STATES, repeat=n_sages):
        assert concluded(rule, case, ruling).decision is decision_by_the_book(rule, case, ruling), case


@pytest.mark.parametrize("rule", Rule)
@pytest.mark.parametrize("ruling", VERDICTS)
def test_three_votes_alike_decide_unless_the_judge_says_otherwise(rule: Rule, ruling: Decision | None) -> None:
    for vote in (A, R):
        expected = vote if rule is not Rule.JUDGE or ruling is None else ruling if ruling is not O else None
        assert concluded(rule, [vote] * 3, ruling).decision is expected


def test_with_two_of_three_down_nothing_is_decided() -> None:
    met = 0
    for case, conclusion in table():
        if sum(map(is_down, case)) >= 2:
            met += 1
            assert conclusion.outcome is Outcome.INCONCLUSIVE
            assert conclusion.decision is None
    assert met


def test_with_one_of_three_down_a_decision_is_degraded_and_the_one_is_named() -> None:
    met = 0
    for case, conclusion in table():
        named = {missing.agent_id: missing.cause for missing in conclusion.authority.missing}
        for place, state in enumerate(case, 1):
            assert named.get(f"sage{place}") == (state if is_down(state) else None)
        if sum(map(is_down, case)) == 1 and conclusion.decision is not None:
            met += 1
            assert conclusion.outcome is Outcome.DECIDED_DEGRADED
    assert met


def test_a_decision_is_not_degraded_where_everybody_contributed_and_an_abstention_is_a_contribution() -> None:
    for case, conclusion in table():
        is_whole = not any(map(is_down, case)) and conclusion.authority.judge == "primary"
        if conclusion.decision is not None:
            assert (conclusion.outcome is Outcome.DECIDED) == is_whole
        assert (conclusion.authority.missing == ()) == is_whole


def test_without_a_verdict_the_judge_counts_for_nothing_and_is_named() -> None:
    for rule in Rule:
        for case in product(STATES, repeat=3):
            authority = concluded(rule, case, None).authority
            assert authority.judge == "none"
            assert authority.missing[-1] == JUDGE_DOWN
            assert not authority.overturned
            assert concluded(rule, case, A).authority.judge == "primary"


def test_under_the_rule_judge_a_decision_without_a_verdict_is_degraded_even_where_nobody_says_why() -> None:
    conclusion = concluded(Rule.JUDGE, [A, A, R], None, has_judge=False)
    assert (conclusion.outcome, conclusion.decision) == (Outcome.DECIDED_DEGRADED, A)


@pytest.mark.parametrize("rule", [Rule.MAJORITY, Rule.UNANIMOUS])
def test_a_council_without_a_judge_decides_whole(rule: Rule) -> None:
    conclusion = concluded(rule, [A, A, O], None, has_judge=False)
    assert (conclusion.outcome, conclusion.decision, conclusion.authority.judge) == (Outcome.DECIDED, A, "none")


def test_a_ruling_is_overturning_only_against_the_majority() -> None:
    met = 0
    for case, conclusion in table():
        pro, con = case.count(A), case.count(R)
        against = (conclusion.decision is A and con > pro) or (conclusion.decision is R and pro > con)
        met += against
        assert conclusion.authority.overturned == against
        if against:
            assert conclusion.authority.rule is Rule.JUDGE
            assert conclusion.authority.judge == "primary"
    assert met


def test_a_judge_that_breaks_a_tie_overturns_nothing() -> None:
    conclusion = concluded(Rule.JUDGE, [A, R, O], R)
    assert (conclusion.outcome, conclusion.decision, conclusion.authority.overturned) == (Outcome.DECIDED, R, False)


def test_a_judge_that_abstains_leaves_the_matter_open() -> None:
    conclusion = concluded(Rule.JUDGE, [A, A, A], O)
    assert (conclusion.outcome, conclusion.decision) == (Outcome.INCONCLUSIVE, None)


def test_the_judges_verdict_does_not_decide_under_the_other_rules() -> None:
    for case, ruling in product(product(STATES, repeat=3), VERDICTS):
        for rule in (Rule.MAJORITY, Rule.UNANIMOUS):
            assert concluded(rule, case, ruling).decision is concluded(rule, case, A).decision


def test_one_vote_against_breaks_unanimity_and_an_abstention_does_not() -> None:
    assert concluded(Rule.UNANIMOUS, [A, A, R], A).decision is None
    assert concluded(Rule.UNANIMOUS, [A, A, O], A).decision is A
    assert concluded(Rule.UNANIMOUS, [R, O, O], A).decision is R
    assert concluded(Rule.UNANIMOUS, [O, O, O], A).decision is None


# Councils of every size, with any votes.
cases = st.integers(1, 9).flatmap(lambda n_sages: st.lists(states, min_size=n_sages, max_size=n_sages))


@given(cases, rules, rulings)
def test_the_decision_is_the_one_the_rules_give_in_councils_of_any_size(
    case: list[State], rule: Rule, ruling: Decision | None
) -> None:
    assert concluded(rule, case, ruling).decision is decision_by_the_book(rule, case, ruling)


@given(cases, rules, rulings)
def test_the_tally_adds_up_and_counts_each_sage_once(case: list[State], rule: Rule, ruling: Decision | None) -> None:
    conclusion = concluded(rule, case, ruling)
    tally, authority = conclusion.tally, conclusion.authority
    assert (tally.approved, tally.rejected) == (case.count(A), case.count(R))
    assert (tally.abstained, tally.failed) == (case.count(O) + case.count(UNREADABLE), case.count(FAILED))
    assert tally.approved + tally.rejected + tally.abstained + tally.failed == len(case) == authority.voters_expected
    assert authority.voters_valid == len([state for state in case if not is_down(state)])
    assert authority.rule is rule


@given(cases, rules, rulings)
def test_there_is_a_decision_exactly_where_the_matter_is_not_inconclusive(
    case: list[State], rule: Rule, ruling: Decision | None
) -> None:
    conclusion = concluded(rule, case, ruling)
    assert (conclusion.decision is None) == (conclusion.outcome is Outcome.INCONCLUSIVE)
    assert (conclusion.confidence is None) == (conclusion.decision is None)
    assert conclusion.decision in (A, R, None)
    assert conclusion.outcome is not Outcome.ANSWERED


@given(st.lists(st.tuples(states, confidences), min_size=1, max_size=9), rules, rulings)
def test_confidence_is_the_judges_where_the_judge_decided_and_the_mean_of_the_winners_else(
    case: list[tuple[State, float]], rule: Rule, ruling: Decision | None
) -> None:
    sages = [sage(place, state, confidence) for place, (state, confidence) in enumerate(case)]
    conclusion = conclude(rule, sages, verdict_of(ruling), None)
    if conclusion.decision is None:
        assert conclusion.confidence is None
        return
    assert conclusion.confidence is not None
    assert 0 <= conclusion.confidence <= 1
    if rule is Rule.JUDGE and ruling is not None:
        assert conclusion.confidence == 0.9
    else:
        winners = [confidence for state, confidence in case if state is conclusion.decision]
        assert conclusion.confidence == pytest.approx(fmean(winners), abs=1e-4)


@given(st.lists(st.tuples(states, confidences), min_size=1, max_size=9), rules, rulings, st.randoms())
def test_the_order_of_the_sages_changes_nothing_but_the_order_of_the_missing(
    case: list[tuple[State, float]], rule: Rule, ruling: Decision | None, pick: Random
) -> None:
    sages = [sage(place, state, confidence) for place, (state, confidence) in enumerate(case)]
    moved = pick.sample(sages, len(sages))
    one, other = (conclude(rule, order, verdict_of(ruling), None) for order in (sages, moved))
    assert (one.outcome, one.decision, one.confidence, one.tally) == (
        other.outcome,
        other.decision,
        other.confidence,
        other.tally,
    )
    assert {missing.agent_id for missing in one.authority.missing} == {
        missing.agent_id for missing in other.authority.missing
    }
    assert [missing.agent_id for missing in other.authority.missing] == [
        testimony.agent_id for testimony in moved if testimony.vote is None
    ]


def test_the_order_of_the_sages_does_not_tip_the_rounding_of_their_confidence() -> None:
    # Added up from the left, these give 0.3599 one way and 0.36 the other.
    votes = [sage(place, A, confidence) for place, confidence in enumerate([0.0904, 0.4688, 0.119, 0.7616])]
    one, other = (conclude(Rule.MAJORITY, order, None, None) for order in (votes, votes[::-1]))
    assert one.confidence == other.confidence


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        ([A], True),
        ([FAILED], False),
        ([A, FAILED], False),
        ([A, O], True),
        ([A, R, UNREADABLE], True),
        ([O, FAILED, UNREADABLE], False),
        ([A, A, FAILED, FAILED], False),
        ([A, A, O, FAILED], True),
        ([A] * 5 + [FAILED] * 4, True),
        ([A] * 4 + [FAILED] * 5, False),
        ([], False),
    ],
)
def test_a_quorum_is_more_than_half_of_the_sages(case: list[State], expected: bool) -> None:  # noqa: FBT001 - a table
    assert has_quorum(sages_of(case)) is expected


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        ([A, R], None),
        ([A, A, R, R], None),
        ([O, O, O], None),
        ([A, O, O], A),
        ([R, FAILED, UNREADABLE], R),
        ([A] * 4 + [R] * 5, R),
        ([], None),
    ],
)
def test_a_majority_is_of_the_votes_for_and_against(case: list[State], expected: Decision | None) -> None:
    assert majority(sages_of(case)) is expected


def test_a_lane_that_broke_after_its_vote_counts_as_a_vote() -> None:
    broken = SageTestimony("sage1", "text", Vote(A, 0.5, "why"), cause=FAILED, has_failed=True)
    conclusion = conclude(Rule.MAJORITY, [broken, sage(2, A), sage(3, R)], None, None)
    assert (conclusion.tally.approved, conclusion.tally.abstained, conclusion.tally.failed) == (2, 0, 0)
    assert (conclusion.decision, conclusion.outcome) == (A, Outcome.DECIDED_DEGRADED)
