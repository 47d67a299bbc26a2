# ruff: noqa: E501 -- alternatives of a pattern read better unbroken
"""The judge's ruling by rule: the balance, the marks, the considerations. Pure.

What the sages wrote is data: the ruling follows from votes, confidences and the question alone. A statement is only
quoted, searched for the question's words, and marked down where it addresses the judge; nothing in it can add to a mark
but the question's own words, and nothing in it can move the balance.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from magisystem.council.ballots import (
    REASONING_CHARS,
    RECOMMENDATION_CHARS,
    SCORE_REASONING_CHARS,
    SUMMARY_CHARS,
    Vote,
)
from magisystem.council.briefs import Quoted
from magisystem.models.embedded.phrasebook import Phrasebook
from magisystem.models.embedded.proposals import QUOTE_CHARS, quotable, sentences
from magisystem.models.embedded.reading import READ_CHARS, Reading, content_words
from magisystem.models.embedded.weighing import MOST_CONFIDENT, Weighed
from magisystem.models.embedded.writing import BOOKS, emptiness, fill, joined, named, strongest_quote
from magisystem.protocol.values import Decision

OWN_SHARE = 0.5
"""How much the question's own words count beside one fully confident vote."""
EVEN = 0.06
"""A balance nearer to nought than this decides nothing."""
_SIGN = {Decision.APPROVED: 1, Decision.REJECTED: -1, Decision.ABSTAINED: 0}
_ADDRESS = re.compile(
    r"\b(?:score|rate|mark|grade|give|award) (?:me|us|this|my)\b|\b(?:ignore|disregard) (?:the |all |any |every |previous |other )"
    r"|\b(?:dear |to the )?judge ?[,:]|\bas (?:the )?(?:judge|system|administrator)\b|\b100 ?(?:points|/ ?100)\b|\bsystem prompt\b"
    r"|満点|100点|１００点|無視(?:し|せよ|すること)|採点(?:し|せよ)|評価してください|裁判官へ|審判へ|ソロモンへ|指示に従",
    re.IGNORECASE,
)

# By such words a sentence is chosen for quoting; they count for nothing else.
_DECISIVE = re.compile(
    r"\b(?:most|heaviest|largest|decid\w{1,4}|therefore|because)\b|最も|いちばん|一番|中でも|決め手|最大|重要"
)
_CONCEDING = re.compile(
    r"\b(?:if|would|although|however|against that|other side|beside it)\b|もし|逆の側|反対側|一方|とはいえ|ものの|があれば|これに",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Ruling:
    """What the judge concludes. ``marks`` has one for every sage quoted: letter, points from 0 to 100, why."""

    decision: Decision
    confidence: float
    balance: float
    considerations: str
    summary: str
    reasoning: str
    recommendation: str
    marks: tuple[tuple[str, int, str], ...]

    @property
    def casting(self) -> dict[str, Any]:
        """Give the ruling as the input of the judge's ballot."""
        return {
            "decision": str(self.decision),
            "confidence": self.confidence,
            "summary": self.summary[:SUMMARY_CHARS],
            "reasoning": self.reasoning[:REASONING_CHARS],
            "recommendation": self.recommendation[:RECOMMENDATION_CHARS],
            "scores": [
                {"sage": label, "score": points, "reasoning": why[:SCORE_REASONING_CHARS]}
                for label, points, why in self.marks
            ],
        }


def rule_on(reading: Reading, weighed: Weighed, sages: Sequence[Quoted]) -> Ruling:
    """Rule on what the sages brought; ``weighed`` is the balanced view of the question itself."""
    balance, decision = _balance(reading, weighed, sages)
    confidence = _confidence(balance, decision, weighed, sages)
    writer = _Writer(reading, weighed, sages)
    return Ruling(
        decision=decision,
        confidence=confidence,
        balance=balance,
        considerations=writer.considerations(balance, decision, confidence),
        summary=writer.summary(decision),
        reasoning=writer.reasoning(balance, decision),
        recommendation=writer.recommendation(decision),
        marks=tuple((item.label, *_mark(reading, weighed, item)) for item in sages),
    )


def _votes(sages: Sequence[Quoted]) -> list[Vote]:
    return [item.testimony.vote for item in sages if item.testimony.vote is not None]


def _balance(reading: Reading, weighed: Weighed, sages: Sequence[Quoted]) -> tuple[float, Decision]:
    votes = _votes(sages)
    total = sum(_SIGN[vote.decision] * vote.confidence for vote in votes) + OWN_SHARE * weighed.score
    balance = round(total / (len(votes) + OWN_SHARE), 2) + 0.0
    is_sided = any(_SIGN[vote.decision] for vote in votes)
    if reading.proposal is None or not is_sided or abs(balance) < EVEN:
        return balance, Decision.ABSTAINED
    return balance, Decision.APPROVED if balance > 0 else Decision.REJECTED


def _confidence(balance: float, decision: Decision, weighed: Weighed, sages: Sequence[Quoted]) -> float:
    if decision is Decision.ABSTAINED:
        return 0.15 if not any(_SIGN[vote.decision] for vote in _votes(sages)) else 0.3
    sides = {vote.decision for vote in _votes(sages)} - {Decision.ABSTAINED}
    agreement = 0.08 if len(sides) == 1 and len(_votes(sages)) > 1 else 0.0
    own = 0.05 if weighed.score * balance > 0 else -0.05
    return round(max(0.2, min(MOST_CONFIDENT, 0.4 + 0.45 * abs(balance) + agreement + own)), 2)


def _mark(reading: Reading, weighed: Weighed, item: Quoted) -> tuple[int, str]:
    """Mark a statement: how its vote fits the question, how fitting its confidence, how much of the question it takes up."""
    book, statement = BOOKS[reading.language], item.testimony.statement[:READ_CHARS]
    words = content_words(reading.question[:2_000])
    share = len(words & content_words(statement)) / len(words) if words else 0.0
    specific = min(1.0, share / 0.7)
    is_address = _ADDRESS.search(statement) is not None
    more = "more_address" if is_address else "more_specific" if share >= 0.35 else "more_vague"
    penalty = 15 if is_address else 0
    vote = item.testimony.vote
    if vote is None:
        return max(0, round(5 + 15 * specific) - penalty), book.ruling["mark_no_vote"]
    # Where nothing leans, abstaining is coherent; where much does, siding with it is.
    fit = 1.0 - abs(weighed.score - 0.7 * _SIGN[vote.decision]) / 1.7
    deserved = 0.3 + 0.5 * abs(weighed.score)
    calibrated = 1.0 - min(1.0, abs(vote.confidence - deserved))
    points = round(10 + 40 * fit + 20 * calibrated + 25 * specific) - penalty
    agreement = weighed.score * _SIGN[vote.decision]
    key = (
        "mark_abstained"
        if vote.decision is Decision.ABSTAINED
        else "mark_neutral"
        if abs(weighed.score) < 0.1
        else "mark_with"
        if agreement > 0
        else "mark_against"
    )
    return max(0, min(100, points)), fill(book, book.ruling[key], more=book.ruling[more])


def _spoken(item: Quoted, book: Phrasebook) -> list[str]:
    """Give the sentences of a statement, or of its vote's reasoning where there is none, as far as they are read."""
    vote = item.testimony.vote
    statement = item.testimony.statement
    source = (statement or (vote.reasoning if vote else ""))[: READ_CHARS // 8].replace(book.label, "")
    spoken = [source[start:end].strip() for start, end in sentences(source)[:60]]
    # A sentence that ends within a quotation is none.
    whole = [sentence for sentence in spoken if all(sentence.count(a) == sentence.count(b) for a, b in ("“”", "「」"))]
    return whole or spoken


class _Writer:
    """What the judge says, in the language of the reading."""

    def __init__(self, reading: Reading, weighed: Weighed, sages: Sequence[Quoted]) -> None:
        self._reading, self._weighed, self._sages = reading, weighed, sages
        self._book: Phrasebook = BOOKS[reading.language]
        self._phrases = self._book.ruling
        self._words = {item.label: content_words(" ".join(_spoken(item, self._book))) for item in sages}

    def considerations(self, balance: float, decision: Decision, confidence: float) -> str:
        """Write the judge's prose: what each sage brought, where they agree, what decides."""
        gap = self._book.sentence_gap
        named = self._reading.proposal.phrase if self._reading.proposal else ""
        opening = fill(self._book, self._phrases["opening" if named else "opening_none"], p=named)
        key = "decide_none" if emptiness(self._reading, self._weighed) and decision is Decision.ABSTAINED else "decide"
        verdict = self._fill(key, b=f"{balance:+.2f}", d=self._book.decisions[decision], c=f"{confidence:.2f}")
        paragraphs = (
            f"{self._book.label}{gap}{opening}",
            gap.join(self._testimony(item) for item in self._sages),
            gap.join(filter(None, (self._comparison(), self._own(), self._overruling(decision, balance)))),
            verdict,
        )
        return "\n\n".join(filter(None, paragraphs))

    def summary(self, decision: Decision) -> str:
        """Write the ruling in a sentence."""
        if self._reading.proposal is None:
            return self._phrases["summary_none"]
        n_sided = sum(_SIGN[vote.decision] != 0 for vote in _votes(self._sages))
        votes = self._fill("names_n" if n_sided > 1 else f"names_{n_sided}", n=str(n_sided))
        return fill(self._book, self._phrases["summary"][decision], p=self._reading.proposal.phrase, n=votes)

    def reasoning(self, balance: float, decision: Decision) -> str:
        """Write what decided and what spoke against."""
        if kind := emptiness(self._reading, self._weighed):
            phrase = self._reading.proposal.phrase if self._reading.proposal else ""
            return fill(self._book, self._book.reasons[f"reason_{kind}"], q=phrase)
        side = 1 if balance >= 0 else -1
        sentences: list[str] = []
        first = "one_side" if decision is Decision.ABSTAINED else "for_side"
        for key, sign in ((first, side), ("against_side", -side)):
            weight = next((weight for weight in self._weighed.weights if weight.pull * sign > 0), None)
            if weight is not None:
                sentences.append(self._factor(key, weight))
        return self._fill("reasoning", b=f"{balance:+.2f}", x=self._book.sentence_gap.join(sentences)).rstrip()

    def recommendation(self, decision: Decision) -> str:
        """Write the next step, drawn from the weightiest concern: what pulls most against, else what is not mentioned."""
        if emptiness(self._reading, self._weighed):
            return self._phrases["recommend_none"]
        against = next((weight.factor for weight in self._weighed.weights if weight.pull < 0), None)
        factor = against or self._weighed.missing[0]
        return fill(self._book, self._phrases["recommend"][decision], step=self._book.steps[factor])

    def _fill(self, key: str, **values: str) -> str:
        return fill(self._book, self._phrases[key], **values)

    def _factor(self, key: str, weight: Any) -> str:
        return self._fill(key, f=named(self._book, weight), q=strongest_quote(self._book, weight))

    def _name(self, item: Quoted) -> str:
        return fill(self._book, self._book.words["sage"], l=item.label)

    def _testimony(self, item: Quoted) -> str:
        vote, name = item.testimony.vote, self._name(item)
        passage = self._passage(item)
        if not passage:
            return self._fill("silent", s=name)
        if vote is None:
            text = self._fill("no_vote", s=name, q=passage)
        else:
            key = "vote_abstained" if vote.decision is Decision.ABSTAINED else "vote"
            decision = self._book.decisions[vote.decision]
            text = self._fill(key, s=name, d=decision, c=f"{vote.confidence:.2f}", q=passage)
        if _ADDRESS.search(item.testimony.statement[:READ_CHARS]):
            text += self._book.sentence_gap + self._fill("address", s=name)
        return text

    def _passage(self, item: Quoted) -> str:
        """Give the sentence of a statement that is most its own: with words the other statements do not have."""
        limit = round(1.5 * QUOTE_CHARS[self._reading.language])
        others = {word for other in self._sages if other is not item for word in self._words[other.label]}
        wanted = content_words(self._reading.question[:2_000])
        asked = self._reading.proposal.phrase if self._reading.proposal else ""
        best, most = "", float("-inf")
        for sentence in _spoken(item, self._book):
            words = content_words(sentence)
            n_named = len(
                {
                    name
                    for book_names in (self._book.pros, self._book.cons)
                    for name in book_names.values()
                    if name in sentence
                }
            )
            # A sentence about one factor is the likeliest to say what decided it.
            worth = (4 if n_named == 1 else 2 if n_named else 0) + 2 * min(1, len(sentence) / limit)
            worth += 0.6 * min(6, len(words - others)) + 0.2 * len(words & wanted) - (4 if len(sentence) > limit else 0)
            worth += 3 * (_DECISIVE.search(sentence) is not None) - 3 * (_CONCEDING.search(sentence) is not None)
            # That a sage names what was asked says nothing about what it makes of it.
            worth -= 6 if asked and asked in sentence else 0
            if worth > most:
                best, most = sentence, worth
        return quotable(best, limit).rstrip("。.")

    def _comparison(self) -> str:
        by_side: dict[Decision, list[str]] = {decision: [] for decision in Decision}
        for item in self._sages:
            if item.testimony.vote is not None:
                by_side[item.testimony.vote.decision].append(self._name(item))
        approving, rejecting = by_side[Decision.APPROVED], by_side[Decision.REJECTED]
        if approving and rejecting:
            text = self._fill("differ", x=joined(self._book, approving), y=joined(self._book, rejecting))
        elif approving or rejecting:
            decision = Decision.APPROVED if approving else Decision.REJECTED
            text = self._fill("agree_all", d=self._book.decisions[decision])
        else:
            return self._phrases["none"]
        if by_side[Decision.ABSTAINED]:
            text += self._book.sentence_gap + self._fill("abstained", x=joined(self._book, by_side[Decision.ABSTAINED]))
        return text

    def _own(self) -> str:
        leading = next((w for w in self._weighed.weights if w.pull * self._weighed.score > 0), None)
        if emptiness(self._reading, self._weighed):
            return ""
        if leading is None or abs(self._weighed.score) < 0.1:
            return self._phrases["own_even"]
        decision = Decision.APPROVED if self._weighed.score > 0 else Decision.REJECTED
        return fill(
            self._book,
            self._phrases["own"],
            d=self._book.decisions[decision],
            f=named(self._book, leading),
            q=strongest_quote(self._book, leading),
        )

    def _overruling(self, decision: Decision, balance: float) -> str:
        count = sum(_SIGN[vote.decision] for vote in _votes(self._sages))
        if decision is Decision.ABSTAINED:
            is_split = any(_SIGN[vote.decision] for vote in _votes(self._sages))
            return self._phrases["even"] if is_split and abs(balance) < EVEN else ""
        return self._phrases["overrule"] if count * _SIGN[decision] < 0 else ""
