# ruff: noqa: E501 -- alternatives of a pattern and lists of words read better unbroken
"""What stands in a question: its proposal, the factors that bear on it, figures, criteria. Pure; linear in the text.

Nothing here weighs or decides (`weighing`) and nothing is known that the text does not say. English and Japanese are
read alike whatever language the answer is in, because questions mix them.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from magisystem.council.briefs import Matter
from magisystem.models.embedded.findings import Finding, findings_of, terms
from magisystem.models.embedded.lexicon import EN_WORD, words
from magisystem.models.embedded.proposals import (
    Language,
    Proposal,
    find_proposal,
    is_greeting,
    is_open_question,
    language_of,
    proposal,
    quotable,
    sentences,
    stated,
)

READ_CHARS = 32_000
"""How much of a question is read: the longest the system takes."""
ASIDE_CHARS = 8_000
"""How much is read of a condition, and of what was said before, the newest part."""
EARLIER_SHARE = 0.5
"""How much what was said before counts beside the question itself."""

_AMOUNT = re.compile(
    r"(?:[$€£¥￥]\s?\d[\d,.]{0,15}\s?(?:k|m|bn|million|billion|thousand)?\b"
    r"|\d[\d,.]{0,15}\s?(?:k|million|billion|thousand|dollars|euros|yen|usd|eur|jpy|percent|per cent|%)(?![a-z])"
    r"(?:\s(?:a|per)\s(?:year|month|week|day))?"
    r"|[0-9０-９][0-9０-９,.]{0,15}\s?(?:円|万円|億円|兆円|ドル|ユーロ|万|億|割|%|％|倍|人月|人|名|社|件|時間|分|kg|トン)"
    r"|\d[\d,.]{0,15}\s(?:people|users|customers|employees|engineers|hours|minutes|times|teams|jobs)\b)",
    re.IGNORECASE,
)
_DEADLINE = re.compile(
    r"(?:\b(?:within|in|by|before|until)\s(?:the\s)?(?:next\s|end of\s(?:the\s)?)?(?:\d{1,3}|two|three|four|six|twelve|a)?\s?"
    r"(?:days?|weeks?|months?|years?|monday|tuesday|wednesday|thursday|friday|january|february|march|april|june|july|august|"
    r"september|october|november|december|quarter|christmas)\b|\b(?:next|this)\s(?:week|month|quarter|friday|monday|year)\b|\btomorrow\b"
    r"|[0-9０-９]{1,3}\s?(?:日|週間|か月|ヶ月|カ月|ヵ月|月|年|年度)(?:末)?(?:まで|以内|中に|後)に?|(?:来週|来月|今週|今月|年内|年度内|来年|今年|明日)"
    r"(?:中|まで|末|から|度)?に?)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Criterion:
    """A condition the asker set. ``met`` from -1 (the question speaks against it) to 1 (it is met), 0 for unknown."""

    text: str
    met: float


@dataclass(frozen=True, slots=True)
class Reading:
    """Everything found. ``findings`` in the order of the text, the question's before those of the history.

    ``amounts`` and ``deadlines`` are quotes. ``is_open`` says that the question asks what or how instead of whether.
    """

    language: Language
    question: str
    proposal: Proposal | None
    is_greeting: bool
    is_open: bool
    findings: tuple[Finding, ...]
    amounts: tuple[str, ...]
    deadlines: tuple[str, ...]
    approve_if: Criterion | None
    reject_if: Criterion | None
    n_earlier: int


def read(matter: Matter) -> Reading:
    """Read ``matter``."""
    question = matter.question[:READ_CHARS]
    earlier = _earlier(matter)
    is_only_greeting = is_greeting(question)
    proposed = None if is_only_greeting else _proposed(question)
    is_open = proposed is None and is_open_question(question)
    if proposed is None and not is_only_greeting:
        proposed = next((replace(p, is_earlier=True) for text in reversed(earlier) if (p := _proposed(text))), None)
    here = proposed if proposed and not proposed.is_earlier else None
    findings = (*findings_of(question, here), *_earlier_findings(earlier, proposed))
    heard = "\n".join((question, *earlier))
    return Reading(
        language=language_of(question, matter.language),
        question=question,
        proposal=proposed,
        is_greeting=is_only_greeting,
        is_open=is_open,
        findings=findings,
        amounts=_quotes(_AMOUNT, question),
        deadlines=_quotes(_DEADLINE, question),
        approve_if=_criterion(matter.criteria.approve_if, findings, heard),
        reject_if=_criterion(matter.criteria.reject_if, findings, heard),
        n_earlier=len(earlier),
    )


def _earlier(matter: Matter) -> list[str]:
    """Give what the person said before, oldest first. What the system answered is no evidence and is left out."""
    texts: list[str] = []
    room = ASIDE_CHARS
    for message in reversed(matter.history):
        if message.role == "user" and room > 0:
            texts.append(message.content[-room:])
            room -= len(message.content)
    return texts[::-1]


def _earlier_findings(earlier: Sequence[str], proposed: Proposal | None) -> Iterator[Finding]:
    for text in earlier:
        theirs = _proposed(text) if proposed and proposed.is_earlier else None
        for finding in findings_of(text, theirs):
            yield replace(finding, lean=finding.lean * EARLIER_SHARE, is_earlier=True)


def _proposed(text: str) -> Proposal | None:
    found = find_proposal(text)
    if found is not None:
        return _without_actor(found) if found.names_actor else found
    if is_open_question(text):
        return None
    for start, end in sentences(text):
        if any(effect.is_action for _, _, effects in terms(text[start:end]) for effect in effects):
            return stated(text, start, end)
    return None


def _without_actor(found: Proposal) -> Proposal:
    """Let "the city ban cars" begin at its verb, where the verb is one we know and stands near the beginning."""
    for start, _, effects in terms(found.text[:80]):
        if start and any(effect.is_action for effect in effects):
            return proposal(found.text[start:], found.start + start, found.sentence, rival=found.rival)
    return found


def _quotes(pattern: re.Pattern[str], text: str) -> tuple[str, ...]:
    """Give up to three different places of ``text`` that fit ``pattern``."""
    found: dict[str, None] = {}
    for match in pattern.finditer(text):
        found.setdefault(quotable(match[0], 40))
        if len(found) == 3:
            break
    return tuple(found)


# --- Criteria -----------------------------------------------------------------------------------------------------


def _criterion(text: str, findings: Sequence[Finding], heard: str) -> Criterion | None:
    """Compare a condition with what was found: by factor where it names some, else by its words."""
    text = text[:ASIDE_CHARS]
    if not text.strip():
        return None
    theirs = [finding for finding in findings_of(text, None) if finding.lean]
    degrees: list[float] = []
    for wanted in theirs:
        lean = sum(finding.lean for finding in findings if finding.factor is wanted.factor)
        if lean:
            degrees.append(1.0 if lean * wanted.lean > 0 else -1.0)
    met = sum(degrees) / len(theirs) if theirs else _overlap(text, heard)
    return Criterion(quotable(text, 60), max(-1.0, min(1.0, met)))


def _overlap(text: str, heard: str) -> float:
    wanted = content_words(text)
    share = len(wanted & content_words(heard)) / len(wanted) if wanted else 0.0
    return 1.0 if share >= 0.6 else 0.0


def content_words(text: str) -> set[str]:
    """Give the words of ``text`` that carry meaning: English words from four letters on, Japanese pairs of characters."""
    english = {
        match[0].lower().rstrip("s") for match in EN_WORD.finditer(text) if len(match[0]) > 3 or match[0][0].isdigit()
    }
    japanese = re.findall(r"(?=([\u4e00-\u9fffァ-ヺー]{2}))", text)
    return english.difference(_EN_STOPWORDS).union(japanese)


_EN_STOPWORDS = words(
    "should would could that this with from have been they their there what when which will does about into than then also "
    "more most some only just very your ours yes"
)
