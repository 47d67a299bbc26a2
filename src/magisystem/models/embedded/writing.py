"""The advisor's prose: a sage's statement and vote, and what the judge answers in a chat. Pure.

Sentences come from a phrasebook and differ by voice (the agent's id) and by what the question holds; where a phrase has
variants, the question's checksum chooses, so that one question always reads the same. `ruling` writes the judge's.
"""

import re
import zlib
from collections.abc import Callable, Collection, Iterable, Sequence

from magisystem.council.ballots import REASONING_CHARS
from magisystem.models.embedded.findings import Finding
from magisystem.models.embedded.lexicon import Factor
from magisystem.models.embedded.phrasebook import Phrasebook
from magisystem.models.embedded.phrases_en import ENGLISH_BOOK
from magisystem.models.embedded.phrases_ja import JAPANESE_BOOK
from magisystem.models.embedded.proposals import QUOTE_CHARS, Language, quotable
from magisystem.models.embedded.reading import Criterion, Reading
from magisystem.models.embedded.weighing import Weighed, Weight, is_unproven
from magisystem.protocol.values import Decision

BOOKS: dict[Language, Phrasebook] = {"en": ENGLISH_BOOK, "ja": JAPANESE_BOOK}
_PLACE = re.compile(r"\{(\w+)\}")
# In which order a voice says what; a part without anything to say falls away. Inner tuples are paragraphs.
_PLANS: dict[str, tuple[tuple[str, ...], ...]] = {
    "caspar": (
        ("opening", "earlier", "rival", "stop", "negated"),
        ("con", "pro", "top", "counter"),
        ("amounts", "deadlines", "criteria", "missing"),
        ("change", "vote"),
    ),
    "balthasar": (
        ("opening", "earlier", "rival", "stop", "negated"),
        ("pro", "con", "top", "counter"),
        ("criteria", "amounts", "deadlines", "missing", "change"),
        ("vote",),
    ),
    "melchior": (
        ("opening", "earlier", "rival", "stop", "negated"),
        ("pro", "con", "amounts", "deadlines", "top", "counter"),
        ("missing", "criteria"),
        ("change", "vote"),
    ),
}
_PLANS[""] = _PLANS["melchior"]


def statement(reading: Reading, weighed: Weighed, voice: str) -> str:
    """Write a sage's statement in ``voice``, the agent's id."""
    book = BOOKS[reading.language]
    voice = voice if voice in book.lenses else ""
    if kind := emptiness(reading, weighed):
        return _abstention(reading, weighed, voice, kind)
    said = _Said(reading, weighed, voice)
    paragraphs = [
        book.sentence_gap.join(filter(None, (said.part(name) for name in paragraph))) for paragraph in _PLANS[voice]
    ]
    paragraphs[0] = f"{book.label}{book.sentence_gap}{paragraphs[0]}"
    return "\n\n".join(filter(None, paragraphs))


def reasoning(reading: Reading, weighed: Weighed) -> str:
    """Write what decided a sage's vote, within the ballot's limit."""
    book = BOOKS[reading.language]
    kind = emptiness(reading, weighed)
    if kind:
        phrase = reading.proposal.phrase if reading.proposal else ""
        return fill(book, book.reasons[f"reason_{kind}"], q=phrase)[:REASONING_CHARS]
    leading = _leading(weighed)
    if leading is None:
        return book.reasons["criteria"]
    text = fill(book, book.reasons[weighed.decision], f=named(book, leading), q=strongest_quote(book, leading))
    return text[:REASONING_CHARS]


def answer(reading: Reading, weighed: Weighed) -> str:
    """Write what the judge says in a chat: what the rules find, and that a real answer needs a language model."""
    book, phrases = BOOKS[reading.language], BOOKS[reading.language].chat
    asked = quotable(reading.question, QUOTE_CHARS[reading.language])
    bearing = [weight for weight in weighed.weights if weight.pro or weight.con]
    sentences: list[str] = []
    if reading.is_greeting:
        sentences.append(fill(book, phrases["greeting"], q=asked))
    elif reading.proposal and bearing:
        sentences.append(
            fill(book, phrases["found"], p=reading.proposal.phrase, x=listed(book, bearing[:3], 0, _told(reading)))
        )
        lean = phrases["even"] if abs(weighed.score) < 0.1 else phrases["lean"]
        decision = Decision.APPROVED if weighed.score > 0 else Decision.REJECTED
        sentences.append(fill(book, lean, d=book.decisions[decision], b=f"{weighed.score:+.2f}"))
        sentences.append(_missing(book, phrases["missing"], weighed.missing))
    else:
        sentences.append(fill(book, phrases["open" if reading.is_open else "nothing"], q=asked))
    if reading.n_earlier:
        uses_earlier = any(finding.is_earlier for finding in reading.findings)
        sentences.append(phrases["earlier" if uses_earlier else "earlier_none"])
    body = book.sentence_gap.join((book.label, *filter(None, sentences)))
    return f"{body}\n\n{phrases['close']}"


def emptiness(reading: Reading, weighed: Weighed) -> str | None:
    """Tell why there is nothing to weigh: ``greeting``, ``open``, ``nothing``, ``bare``; ``None`` where there is."""
    if reading.is_greeting:
        return "greeting"
    if reading.proposal is None:
        return "open" if reading.is_open else "nothing"
    has_criteria = any(criterion and criterion.met for criterion in (reading.approve_if, reading.reject_if))
    return None if has_criteria or any(w.pro or w.con for w in weighed.weights) else "bare"


def fill(book: Phrasebook, phrase: str, **values: str) -> str:
    """Fill the placeholders of ``phrase``; quotation marks within a quotation become the inner ones.

    A placeholder in capitals takes its value with a capital first letter. What fills a place is never filled again.
    """

    def place(found: re.Match[str]) -> str:
        name = found[1]
        value = values.get(name) or values.get(name.lower(), "")
        if found.string[: found.start()].endswith(book.quote[0]):
            value = nested(book, value)
        return value[:1].upper() + value[1:] if name.isupper() else value

    return _PLACE.sub(place, phrase)


def nested(book: Phrasebook, text: str) -> str:
    """Give ``text`` as it stands within quotation marks."""
    marks = dict(zip((*book.quote, '"'), (*book.inner, book.inner[1]), strict=True))
    return "".join(marks.get(character, character) for character in text)


def quoted(book: Phrasebook, text: str) -> str:
    """Give ``text`` in quotation marks."""
    return f"{book.quote[0]}{nested(book, text)}{book.quote[1]}"


def listed(book: Phrasebook, weights: Sequence[Weight], side: int, told: Collection[str] = ()) -> str:
    """List factors with the words they stand on; factors that rest on the same words are named together.

    Args:
        book: the language.
        weights: the factors.
        side: 1 for what speaks for the proposal, -1 for what speaks against it, 0 for both.
        told: words that need not be quoted again.
    """
    by_finding: dict[tuple[str, bool], list[str]] = {}
    for weight in weights:
        leans = [finding for finding in weight.findings if finding.lean and finding.lean * side >= 0]
        strongest = max(leans, key=_telling, default=None)
        key = (strongest.quote, strongest.is_action) if strongest else ("", False)
        by_finding.setdefault(key, []).append(named(book, weight, side))
    items: list[str] = []
    # What comes with the act stands last, where "inherent in" cannot be read on to the next factor.
    for (quote, is_action), names in sorted(by_finding.items(), key=lambda item: item[0][1]):
        form = ("act_itself" if quote in told else "and_act") if is_action else "and_figure"
        together = joined(book, names)
        items.append(fill(book, book.words[form], f=together, q=quoted(book, quote)) if quote else together)
    *head, last = items
    return f"{book.list_comma.join(head)}{book.words['and_next']}{last}" if head else last


def named(book: Phrasebook, weight: Weight, side: int = 0) -> str:
    """Name a factor as it speaks on ``side`` (1 for, -1 against), or on the side it pulls to."""
    return (book.pros if (side or weight.pull) > 0 else book.cons)[weight.factor]


def joined(book: Phrasebook, items: Iterable[str]) -> str:
    """Join items as the language does in a sentence."""
    *head, last = items
    return f"{book.list_comma.join(head)}{book.list_and}{last}" if head else last


def strongest_quote(book: Phrasebook, weight: Weight) -> str:
    """Give the words, in quotation marks, that bear most on the factor's side, or a phrase for none."""
    leans = [f for f in weight.findings if f.lean * weight.pull > 0] or [f for f in weight.findings if f.lean]
    if not leans:
        return book.words["no_quote"]
    return quoted(book, max(leans, key=_telling).quote)


def _telling(finding: Finding) -> tuple[bool, float]:
    """Rank findings for quoting: the asker's own description of the matter says more than the verb of the act."""
    return not finding.is_action, abs(finding.lean)


def lens_of(book: Phrasebook, voice: str, factor: Factor) -> str:
    """Give the voice's own principle on a factor, else the common one."""
    return book.lenses.get(voice, {}).get(factor) or book.principles[factor]


def choice(variants: Sequence[str], seed: str) -> str:
    """Choose a variant by ``seed``."""
    return variants[zlib.crc32(seed.encode("utf-8", "replace")) % len(variants)]


def _leading(weighed: Weighed) -> Weight | None:
    """Give the factor that pulls most towards the decision; in an abstention, the one that pulls most."""
    sign = {Decision.APPROVED: 1, Decision.REJECTED: -1}.get(weighed.decision, 0)
    for weight in weighed.weights:
        if weight.pull * sign > 0 or (sign == 0 and (weight.pro or weight.con)):
            return weight
    return None


def _missing(book: Phrasebook, phrase: str, factors: Sequence[Factor]) -> str:
    return fill(book, phrase, a=book.asks[factors[0]], b=book.asks[factors[1]]) if len(factors) > 1 else ""


def _abstention(reading: Reading, weighed: Weighed, voice: str, kind: str) -> str:
    book = BOOKS[reading.language]
    said = reading.proposal.phrase if reading.proposal else reading.question
    opening = fill(book, book.abstentions[kind][voice], q=quotable(said, QUOTE_CHARS[reading.language]))
    asks = [book.asks[factor] for factor in weighed.missing]
    advice = fill(book, book.abstentions["advice"], **dict(zip("abc", asks, strict=False)))
    vote = fill(book, book.abstentions["vote"], c=f"{weighed.confidence:.2f}")
    said_parts = _Said(reading, weighed, voice)
    extra = book.sentence_gap.join(filter(None, (said_parts.part("rival"), said_parts.part("criteria"))))
    opening = book.sentence_gap.join(filter(None, (book.label, opening, extra)))
    return f"{opening}\n\n{advice}\n\n{vote}"


def _told(reading: Reading) -> set[str]:
    """Give the words of findings that say again nearly all of the proposal, which is quoted in the opening."""
    length = 0.6 * len(reading.proposal.phrase) if reading.proposal else 0.0
    return {finding.quote for finding in reading.findings if finding.is_action and len(finding.quote) >= length}


class _Said:
    """The parts of one statement, each written on demand; an empty string where there is nothing to say."""

    def __init__(self, reading: Reading, weighed: Weighed, voice: str) -> None:
        self._reading, self._weighed, self._voice = reading, weighed, voice
        self._book = BOOKS[reading.language]
        self._leading = _leading(weighed)
        self._told = _told(reading)

    def part(self, name: str) -> str:
        """Write one part."""
        writers: dict[str, Callable[[str], str]] = {
            "opening": self._opening,
            "rival": self._rival,
            "pro": self._side,
            "con": self._side,
            "top": self._top,
            "counter": self._counter,
            "amounts": self._figures,
            "deadlines": self._figures,
            "criteria": self._criteria,
            "missing": self._missing,
            "change": self._change,
            "vote": self._vote,
        }
        return writers.get(name, self._remark)(name)

    def _opening(self, name: str) -> str:
        return self._phrase(name, p=self._reading.proposal.phrase if self._reading.proposal else "")

    def _rival(self, name: str) -> str:
        rival = quotable(self._reading.proposal.rival, 60) if self._reading.proposal else ""
        return self._phrase(name, r=rival) if rival else ""

    def _remark(self, name: str) -> str:
        """Say what is special about the proposal: that it is an earlier one, ends something, or is negated."""
        proposal = self._reading.proposal
        applies = proposal is not None and {
            "earlier": proposal.is_earlier,
            "stop": proposal.is_stop,
            "negated": proposal.is_negated,
        }.get(name, False)
        return self._phrase(name) if applies else ""

    def _missing(self, name: str) -> str:
        return _missing(self._book, self._variant(name), self._weighed.missing)

    def _vote(self, name: str) -> str:
        variants = self._book.parts[name][self._weighed.decision]
        return fill(self._book, choice(variants, self._seed(name)), c=f"{self._weighed.confidence:.2f}")

    def _seed(self, name: str) -> str:
        return f"{self._voice}/{name}/{self._reading.question[:1000]}"

    def _variant(self, name: str) -> str:
        part = self._book.parts[name]
        return choice(part.get(self._voice) or part.get("") or ("",), self._seed(name))

    def _phrase(self, name: str, **values: str) -> str:
        return fill(self._book, self._variant(name), **values)

    def _side(self, name: str) -> str:
        is_pro = name == "pro"
        weights = [w for w in self._weighed.weights if (w.pro if is_pro else w.con) > 0]
        weights.sort(key=lambda w: -w.weight * (w.pro if is_pro else w.con))
        if not weights:
            return self._phrase(f"no_{name}")
        text = self._phrase(name, x=listed(self._book, weights[:4], 1 if is_pro else -1, self._told))
        self._told.update(finding.quote for weight in weights for finding in weight.findings if finding.is_action)
        return text

    def _top(self, name: str) -> str:
        if self._leading is None:
            return ""
        lens = lens_of(self._book, self._voice, self._leading.factor)
        return self._phrase(name, f=named(self._book, self._leading), lens=lens)

    def _counter(self, name: str) -> str:
        if self._leading is None:
            return ""
        side = 1 if self._leading.pull > 0 else -1
        against = next((w for w in self._weighed.weights if w.pull * side < 0), None)
        is_open = self._weighed.decision is Decision.ABSTAINED
        if against is None:
            return self._phrase("thin") if is_open else ""
        values = {"f": named(self._book, against), "principle": self._book.principles[against.factor]}
        return self._phrase("balance" if is_open else name, **values)

    def _figures(self, name: str) -> str:
        found = self._reading.amounts if name == "amounts" else self._reading.deadlines
        if found:
            return self._phrase(name, x=joined(self._book, (quoted(self._book, quote) for quote in found)))
        is_told = name == "amounts" and self._voice == "melchior" and is_unproven(self._reading)
        return self._phrase("no_amounts") if is_told else ""

    def _criteria(self, name: str) -> str:
        sentences: list[str] = []
        for side, criterion in (("approve", self._reading.approve_if), ("reject", self._reading.reject_if)):
            if criterion is not None:
                sentences.append(fill(self._book, self._book.criteria[side, _degree(criterion)], x=criterion.text))
        return self._book.sentence_gap.join(sentences)

    def _change(self, name: str) -> str:
        """Write what would change the vote: about the heaviest factor against it, or the heaviest not mentioned."""
        decision, weights = self._weighed.decision, self._weighed.weights
        if decision is Decision.APPROVED:
            against = next((w.factor for w in weights if w.pull < 0), None) or self._weighed.missing[0]
            return self._phrase("to_reject", t=self._book.threats[against], m=self._book.mends[against])
        worst = next((w.factor for w in weights if w.pull < 0), None) or self._weighed.missing[0]
        return self._phrase("to_approve" if decision is Decision.REJECTED else "to_decide", m=self._book.mends[worst])


def _degree(criterion: Criterion) -> int:
    return (criterion.met > 0) - (criterion.met < 0)
