"""From votes and verdict to an outcome: the rules, in code, never in a model.

Pure: the same testimonies give the same conclusion wherever and whenever they are weighed, so `magi` can derive a
recorded outcome again from recorded votes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum

from magisystem.council.ballots import Verdict, Vote
from magisystem.protocol.values import Authority, Decision, Missing, Outcome, Rule, Tally

QUORUM_MISSED = "quorum_missed"


@dataclass(frozen=True, slots=True)
class Testimony:
    """What one sage brought: its statement, and its vote or the stable code of why there is none.

    ``has_failed`` tells a lane that broke from one that spoke and cast no readable vote (an abstention with its cause).
    A deliberate ABSTAINED is a vote like any other and has no cause.
    """

    agent_id: str
    statement: str
    vote: Vote | None
    cause: str | None = None
    has_failed: bool = False


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What the code concludes. ``decision`` and ``confidence`` are ``None`` where nothing was decided."""

    outcome: Outcome
    decision: Decision | None
    confidence: float | None
    tally: Tally
    authority: Authority


def has_quorum(testimonies: Sequence[Testimony]) -> bool:
    """Tell whether more than half of the sages cast a vote that could be read."""
    return 2 * sum(testimony.vote is not None for testimony in testimonies) > len(testimonies)


def majority(testimonies: Sequence[Testimony]) -> Decision | None:
    """Give what most votes say, of those that are APPROVED or REJECTED; ``None`` for a tie or none at all."""
    approved, rejected = _count(testimonies, Decision.APPROVED), _count(testimonies, Decision.REJECTED)
    if approved == rejected:
        return None
    return Decision.APPROVED if approved > rejected else Decision.REJECTED


def conclude(
    rule: Rule, testimonies: Sequence[Testimony], verdict: Verdict | None, judge_missing: Missing | None
) -> Conclusion:
    """Weigh votes and verdict by ``rule``.

    Args:
        rule: how the council decides.
        testimonies: one a sage, in the council's order.
        verdict: the judge's, where it ruled.
        judge_missing: why the judge did not rule, where the council has one and it did not.
    """
    missing = [
        Missing(agent_id=testimony.agent_id, cause=testimony.cause)
        for testimony in testimonies
        if testimony.cause is not None
    ]
    if judge_missing is not None:
        missing.append(judge_missing)
    decision = _decision(rule, testimonies, verdict) if has_quorum(testimonies) else None
    voted = majority(testimonies)
    return Conclusion(
        outcome=_outcome(decision, is_degraded=bool(missing) or (rule is Rule.JUDGE and verdict is None)),
        decision=decision,
        confidence=_confidence(decision, rule, testimonies, verdict),
        tally=_tally(testimonies),
        authority=Authority(
            voters_expected=len(testimonies),
            voters_valid=sum(testimony.vote is not None for testimony in testimonies),
            judge="primary" if verdict is not None else "none",
            rule=rule,
            overturned=decision is not None and voted is not None and decision is not voted,
            missing=tuple(missing),
        ),
    )


def answered(rule: Rule) -> Conclusion:
    """Conclude a chat, in which nothing was put to a vote."""
    return Conclusion(
        outcome=Outcome.ANSWERED,
        decision=None,
        confidence=None,
        tally=Tally(approved=0, rejected=0, abstained=0, failed=0),
        authority=Authority(
            voters_expected=0, voters_valid=0, judge="primary", rule=rule, overturned=False, missing=()
        ),
    )


def _decision(rule: Rule, testimonies: Sequence[Testimony], verdict: Verdict | None) -> Decision | None:
    voted = majority(testimonies)
    match rule:
        case Rule.JUDGE if verdict is not None:
            # A judge that abstains leaves the matter open; the majority does not rule in its stead.
            return None if verdict.decision is Decision.ABSTAINED else verdict.decision
        case Rule.JUDGE | Rule.MAJORITY:
            return voted
        case Rule.UNANIMOUS:
            against = Decision.REJECTED if voted is Decision.APPROVED else Decision.APPROVED
            return voted if _count(testimonies, against) == 0 else None


def _outcome(decision: Decision | None, *, is_degraded: bool) -> Outcome:
    if decision is None:
        return Outcome.INCONCLUSIVE
    return Outcome.DECIDED_DEGRADED if is_degraded else Outcome.DECIDED


def _confidence(
    decision: Decision | None, rule: Rule, testimonies: Sequence[Testimony], verdict: Verdict | None
) -> float | None:
    """Give the judge's confidence where the judge decided, else the mean of those who voted for the decision."""
    if decision is None:
        return None
    if rule is Rule.JUDGE and verdict is not None:
        return verdict.confidence
    votes = [testimony.vote for testimony in testimonies if testimony.vote and testimony.vote.decision is decision]
    # fsum: the mean must not hang on the order in which the sages sit.
    return round(fsum(vote.confidence for vote in votes) / len(votes), 4)


def _tally(testimonies: Sequence[Testimony]) -> Tally:
    # A lane that broke after its vote was read has voted: it counts once, so that the four add up.
    failed = sum(testimony.has_failed and testimony.vote is None for testimony in testimonies)
    approved, rejected = _count(testimonies, Decision.APPROVED), _count(testimonies, Decision.REJECTED)
    return Tally(
        approved=approved,
        rejected=rejected,
        abstained=len(testimonies) - approved - rejected - failed,
        failed=failed,
    )


def _count(testimonies: Sequence[Testimony], decision: Decision) -> int:
    return sum(testimony.vote is not None and testimony.vote.decision is decision for testimony in testimonies)
