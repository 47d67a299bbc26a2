# ruff: noqa: E501 -- alternatives of a pattern read better unbroken
"""The places of a text that bear on a factor, and which way each points in its sentence. Pure; linear in the text.

Called by `reading` for questions, conditions and what was said before, and by `weighing` for personas. Which words are
quoted for a place is decided in `quotes`.
"""

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from magisystem.models.embedded.lexicon import EN_LONGEST, EN_WORD, ENGLISH, JA_INDEX, JAPANESE, Effect, Factor, words
from magisystem.models.embedded.proposals import Proposal
from magisystem.models.embedded.quotes import (
    EN_FLIPS,
    EN_LESS,
    EN_MORE,
    JA_FLIP,
    JA_FLIP_BAD,
    english_quote,
    japanese_quote,
)

MOST_PLACES = 400
"""After so many places more of them change no score; it bounds the time a text made to be slow can take."""
# A lean nearer to nought than this comes from a word that only calls for care.
_DELICATE = -0.2
_EN_FLIPS_AFTER = words("free drops drop falls fall fell decreases shrinks disappears vanishes low fails")
_EN_REASON = re.compile(r"\b(?:because|since|due to|given that|in order to|so that)\b", re.IGNORECASE)
_EN_TREND = re.compile(
    r"\b(?:is|are|keep|keeps|kept) [a-z]{2,20}ing\b|\b(?:has|have) (?:risen|grown|doubled|increased|become|fallen|been)\b"
    r"|\bevery (?:day|week|month)\b|\b(?:was|were) found\b",
    re.IGNORECASE,
)
_EN_STATE = re.compile(r"\b(?:is|are|feel|feels)\b", re.IGNORECASE)
_EN_SUPPOSED = re.compile(
    r"\b(?:it|this|that|would|will|could|might|may|worry|worried|afraid|fear|concern|concerned)\b", re.IGNORECASE
)
_JA_STATE = re.compile(
    r"て(?:い(?:る|ます)|きた|きています|しまった)|まし?た$|(?:った|した|んだ|いた)[。！]*$|ました[。！]*$"
)
_JA_SUPPOSED = re.compile(r"心配|懸念|恐れ|おそれ|不安|かもしれ|だろう|でしょう|なりそう|と思")
_EN_PRESENT = re.compile(
    r"\b(?:current|currently|existing|present|today|nowadays|already|right now|so far|has been|have been|keeps|is getting|are getting)\b",
    re.IGNORECASE,
)
_JA_FLIP_GOOD = re.compile(r"[をがはもの]?(?:不足|失|損な|悪化|落ち|阻害|妨げ|犠牲|欠)")
_JA_MORE = re.compile(r"大幅|大き[なく]|非常|かなり|重大|深刻|高い?$|極めて|とても|もっと")
_JA_LESS = re.compile(r"少し|わずか|多少|小さ|軽微|若干")
_JA_REASON = re.compile(r"ので|ため(?!の)|から(?=、)|(?<=[いただる])から(?!は|の|も)|ように(?=、)")
_JA_PRESENT = re.compile(r"現在|現行|既存|今の|現状|いまの|これまで|ている(?:が|ので|ため|から)|従来")
_CLAUSE = re.compile(r"[^,;、。！？!?\n]*[,;、。！？!?\n]*")


@dataclass(frozen=True, slots=True)
class Finding:
    """One place in the text that bears on a factor: ``lean`` from -1 (against the proposal) to 1 (for it), 0 for neither."""

    factor: Factor
    lean: float
    quote: str
    is_action: bool = False
    is_earlier: bool = False


def findings_of(text: str, proposed: Proposal | None) -> list[Finding]:
    """Find what bears on a decision in ``text``; verbs of action count only as the main verb of ``proposed``."""
    found: list[Finding] = []
    clauses = list(_clauses(text))
    places = list(itertools.islice(terms(text), MOST_PLACES))
    main = _main_action(places, proposed)
    act = (proposed.start, proposed.start + len(proposed.text)) if proposed else (0, 0)
    rival = _rival(text, proposed)
    ended = _object(proposed)
    if proposed and proposed.is_negated and proposed.text[:3].lower() == "not":
        act = (act[0] + 4, act[1])  # the "not" is the proposal's, and turns no word of it a second time
    at = 0
    for start, end, effects in places:
        while at + 1 < len(clauses) and clauses[at].end <= start:
            at += 1
        bounds = (clauses[at].start, clauses[at].end)
        if act[0] <= start < act[1]:
            bounds = (max(bounds[0], act[0]), min(bounds[1], act[1]))
        is_main = start == main
        is_japanese = not text[start].isascii()
        sign, force = (_japanese_turn if is_japanese else _english_turn)(text, bounds, start, end)
        quote = (japanese_quote if is_japanese else english_quote)(text, bounds, (start, end), is_main=is_main)
        for effect in effects:
            lean = effect.lean if effect.is_action else max(-0.9, min(0.9, effect.lean * sign * force))
            finding = Finding(effect.factor, lean, quote, effect.is_action)
            if effect.is_action and is_main and proposed:
                found.append(replace(finding, lean=-lean) if proposed.is_negated else finding)
            elif not effect.is_action and rival[0] <= start < rival[1]:
                found.append(replace(finding, lean=-lean))
            elif not effect.is_action:
                found.append(replace(finding, lean=_turned(finding, start, clauses[at], ended, act)))
    return _distinct(found)


def _distinct(findings: Sequence[Finding]) -> list[Finding]:
    """Let the same words count once for a factor; two terms of one compound (実測データ) are one finding."""
    kept: dict[tuple[Factor, str], Finding] = {}
    for finding in findings:
        known = kept.get((finding.factor, finding.quote))
        if known is None or abs(finding.lean) > abs(known.lean):
            kept[finding.factor, finding.quote] = finding
    return list(kept.values())


def _rival(text: str, proposed: Proposal | None) -> tuple[int, int]:
    """Give the bounds of the option set against ``proposed``: what speaks for it speaks against the proposal."""
    if proposed is None or not proposed.rival:
        return (0, 0)
    start = text.find(proposed.rival, *proposed.sentence)
    return (start, start + len(proposed.rival)) if start >= 0 else (0, 0)


def terms(text: str) -> Iterator[tuple[int, int, tuple[Effect, ...]]]:
    """Give the terms of ``text`` in order, the longest where several begin, none within another."""
    return iter(sorted((*_english_terms(text), *_japanese_terms(text))))


def _english_terms(text: str) -> Iterator[tuple[int, int, tuple[Effect, ...]]]:
    words = [(match[0].lower().replace("’", "'"), match.start(), match.end()) for match in EN_WORD.finditer(text)]
    place = 0
    while place < len(words):
        reach = 1
        while reach < EN_LONGEST and place + reach < len(words) and _joined(text, words, place + reach):
            reach += 1
        for n_words in range(reach, 0, -1):
            effects = ENGLISH.get(" ".join(word for word, _, _ in words[place : place + n_words]))
            if effects is not None:
                yield words[place][1], words[place + n_words - 1][2], effects
                place += n_words - 1
                break
        place += 1


def _joined(text: str, words: Sequence[tuple[str, int, int]], place: int) -> bool:
    gap = text[words[place - 1][2] : words[place][1]]
    return gap in {" ", "-", "\N{NON-BREAKING HYPHEN}", "/"}


def _japanese_terms(text: str) -> Iterator[tuple[int, int, tuple[Effect, ...]]]:
    place = 0
    while place < len(text):
        for term in JA_INDEX.get(text[place], ()):
            if text.startswith(term, place):
                # ASCII terms of the Japanese table (GDPR, CO2) are read by the English table where it has them.
                if JAPANESE[term] and not (term.isascii() and term.lower() in ENGLISH):
                    yield place, place + len(term), JAPANESE[term]
                place += len(term) - 1
                break
        place += 1


def _main_action(places: Iterable[tuple[int, int, tuple[Effect, ...]]], proposed: Proposal | None) -> int | None:
    """Give where the main verb of ``proposed`` stands: in English its first known verb, in Japanese its last."""
    if proposed is None or (
        proposed.rival and not any(e.is_action for _, _, found in terms(proposed.rival) for e in found)
    ):
        return None  # "use A or B": the verb is common to both options and tells nothing between them
    end = proposed.start + len(proposed.text) + 2  # the verb may reach into 「べき」: 使う|べき, 採用す|べき
    verbs = [
        start
        for start, _, effects in places
        if proposed.start <= start < end and any(effect.is_action for effect in effects)
    ]
    if not verbs:
        return None
    return verbs[0] if proposed.text[0].isascii() and proposed.text[-1].isascii() else verbs[-1]


@dataclass(frozen=True, slots=True)
class _Clause:
    """A stretch between commas or stops, and what it is. Worked out once a clause: a clause can be the whole text."""

    start: int
    end: int
    reason_from: int
    grounds_until: int
    is_about_today: bool
    shows_trend: bool
    shows_state: bool


def _clauses(text: str) -> Iterator[_Clause]:
    for match in _CLAUSE.finditer(text):
        words = match[0]
        if not words:
            continue
        reason = _EN_REASON.search(words)
        grounds = max((found.start() for found in _JA_REASON.finditer(words)), default=-1)
        yield _Clause(
            match.start(),
            match.end(),
            reason_from=match.start() + reason.start() if reason else match.end(),
            grounds_until=match.start() + grounds,
            is_about_today=(_EN_PRESENT.search(words) or _JA_PRESENT.search(words)) is not None,
            shows_trend=not _EN_SUPPOSED.search(words)
            and not _JA_SUPPOSED.search(words)
            and (_EN_TREND.search(words) or _JA_STATE.search(words)) is not None,
            shows_state=not _EN_SUPPOSED.search(words) and _EN_STATE.search(words) is not None,
        )


def _object(proposed: Proposal | None) -> tuple[int, int]:
    """Give the bounds of what ``proposed`` would end or replace; empty where it does neither.

    What is to be stopped speaks by its faults for the stopping and by its merits against; what comes after "to" or
    「を」 is the asker's purpose or the new thing, and is left as it is.
    """
    if proposed is None or proposed.is_negated == (proposed.is_stop or proposed.is_replacement):
        return (0, 0)
    purpose = re.search(r"\b(?:to|so|with|into|in favou?r of)\b|を(?!.*を)", proposed.text)
    return proposed.start, proposed.start + (purpose.start() if purpose else len(proposed.text))


def _turned(finding: Finding, at: int, clause: _Clause, ended: tuple[int, int], span: tuple[int, int]) -> float:
    """Turn a lean by where it stands: a reason given, the state of today, or what the proposal would end.

    ``span`` bounds the sentence that asks, ``ended`` what its act would end.
    """
    lean = finding.lean
    if _DELICATE < lean < 0:
        return lean  # what is delicate stays so, whatever is done to it
    if lean < 0 and (at > clause.reason_from or at < clause.grounds_until):
        return -lean  # "because it is expensive", コストが高いので: what is bad today speaks for the change
    if ended[0] <= at < ended[1]:
        # How it is to be done ("in stages") is no property of what is ended.
        return lean if finding.factor in {Factor.REVERSIBILITY, Factor.URGENCY} else -lean
    if span[0] <= at < span[1]:
        return lean
    if clause.is_about_today:
        return -lean
    is_ill_today = clause.shows_trend or (clause.shows_state and finding.factor is Factor.PEOPLE)
    return -lean if lean < 0 and is_ill_today else lean


def _english_turn(text: str, clause: tuple[int, int], start: int, end: int) -> tuple[int, float]:
    before = [
        match[0].lower().replace("’", "'") for match in EN_WORD.finditer(text, max(clause[0], start - 48), start)
    ][-4:]
    after = [match[0].lower() for match in EN_WORD.finditer(text, end, min(clause[1], end + 24))][:2]
    flips = sum(word in EN_FLIPS for word in before) + (after[:1] != [] and after[0] in _EN_FLIPS_AFTER)
    if "only" in before and "not" in before:
        flips = 0
    near = before[-2:]
    force = 1.4 if any(word in EN_MORE for word in near) else 0.6 if any(word in EN_LESS for word in near) else 1.0
    return (-1 if flips % 2 else 1), force


def _japanese_turn(text: str, clause: tuple[int, int], start: int, end: int) -> tuple[int, float]:
    before = text[max(clause[0], start - 6) : start]
    bad = any(effect.lean < 0 for effect in JAPANESE.get(text[start:end], ()))
    flips = JA_FLIP.match(text, end) or (JA_FLIP_BAD if bad else _JA_FLIP_GOOD).match(text, end)
    is_flipped = (flips is not None and flips.end() <= clause[1] + 1) != before.endswith(("低", "無", "非", "ノー"))
    near = before + text[end : min(clause[1], end + 5)]
    force = 1.4 if _JA_MORE.search(near) else 0.6 if _JA_LESS.search(near) else 1.0
    return (-1 if is_flipped else 1), force
