# ruff: noqa: E501 -- lists of words read better unbroken
"""Which of the text's own words are quoted for a term: the compound or phrase it stands in, never more than a line. Pure."""

import re

from magisystem.models.embedded.lexicon import EN_WORD, words
from magisystem.models.embedded.proposals import QUOTE_CHARS, quotable

EN_FLIPS = words(
    "no not never without less fewer lower lowers lowering reduce reduces reduced reducing cut cuts cutting avoid avoids avoiding "
    "prevent prevents preventing minimal little eliminate eliminates eliminating decrease decreases lacks lack lacking hardly "
    "isn't aren't won't doesn't don't can't cannot wasn't nothing zero low against"
)
EN_MORE = words("very huge major serious severe significantly massive high big large greatly enormous real only")
EN_LESS = words("slight slightly small minor some somewhat modest marginal")
_EN_BREAKS = words(
    "keep keeps shows show to because since if but and or so while when whenever by with without for although though even unless until that which who "
    "is are was were has have had will would than before after as we i it they however instead rather"
)
_EN_NUMBERS = words("one two three four five six seven eight nine ten twelve")
_EN_DANGLING = words("a an the of in on at from into our my your their its this that these those more very per not no")
_EN_BEFORE = (EN_FLIPS | EN_MORE | EN_LESS | {"our", "my", "your", "of", "a", "the"}) - {"against"}
_JA_NOUN = re.compile(r"[\u4e00-\u9fff々ァ-ヺーA-Za-z0-9０-９]")
JA_FLIP = re.compile(
    r"(?:[をがはもの]|では|でも)?(?:大幅に|少し|かなり|ほとんど|全く)?(?:[0-9０-９]{1,4}(?:[%％割件]|パーセント)?)?(?:減|下が|下げ|抑え|抑制|削減|低減|軽減|なく|ない|無い|無し|なし|少な|低い|低く|低下|ゼロ|消え|小さい|小さく)"
)
JA_FLIP_BAD = re.compile(r"[をがはもの]?(?:改善|解消|回避|避け|防|排除|克服|対策)")


def english_quote(text: str, bounds: tuple[int, int], term: tuple[int, int], *, is_main: bool) -> str:
    """Give the term with the words that belong to it: flip or emphasis before; after it one word, after a verb four."""
    low, high = term
    for word, start, _ in english_words(text, max(bounds[0], low - 24), low)[::-1]:
        if (start > bounds[0] and text[start - 1].isalnum()) or word not in _EN_BEFORE:
            break
        low = start
    n_more, reach = (4 if is_main else 2), high
    for word, start, end in english_words(text, high, min(bounds[1], high + 60)):
        is_cut = end < len(text) and text[end].isalnum()
        if n_more == 0 or is_cut or word in _EN_BREAKS or text[reach:start].strip(" -'’"):
            break
        reach = end
        if word not in _EN_DANGLING | _EN_NUMBERS:
            n_more -= 1
            high = end
    lead = re.match(r"(?:(?:of|a|the)\s+)*", text[low : term[0]], re.IGNORECASE)
    return quotable(text[low + (lead.end() if lead else 0) : high], QUOTE_CHARS["en"] // 2)


def english_words(text: str, start: int, end: int) -> list[tuple[str, int, int]]:
    """Give the English words between two places, in lower case, each with where it begins and ends."""
    return [(m[0].lower().replace("’", "'"), m.start(), m.end()) for m in EN_WORD.finditer(text, start, end)]


def japanese_quote(text: str, bounds: tuple[int, int], term: tuple[int, int], *, is_main: bool) -> str:
    """Give the term with the compound it stands in and the flip after it; a main verb with its objects."""
    low, high = term
    if is_main:
        return _japanese_act(text, bounds, term)
    while low > max(bounds[0], term[0] - 12) and (_JA_NOUN.match(text[low - 1]) or text[low - 1] == "の"):
        low -= 1
    while high < min(bounds[1], term[1] + 8) and _JA_NOUN.match(text[high]) and not _is_kana(text[term[1] - 1]):
        high += 1
    if (flip := JA_FLIP.match(text, high) or JA_FLIP_BAD.match(text, high)) and flip.end() <= bounds[1]:
        high = flip.end()
        while high < min(bounds[1], flip.end() + 3) and _is_kana(text[high]) and text[high] not in "をがはにでとかの":
            high += 1
    return quotable(text[low:high].lstrip("の"), QUOTE_CHARS["ja"] // 2)


def _japanese_act(text: str, bounds: tuple[int, int], term: tuple[int, int]) -> str:
    room = QUOTE_CHARS["ja"] // 2
    high = term[1]
    while high < min(bounds[1], term[1] + 4) and _is_kana(text[high]) and text[high] not in "をがはにでとかの":
        high += 1
    low = max(bounds[0], high - room)
    if low > bounds[0]:  # begin after a particle, not within a word
        particle = re.search(r"[をへにはがで]", text[low : term[0] - 1])
        low = low + particle.end() if particle else term[0]
    return quotable(text[low:high], room + 2)


def _is_kana(character: str) -> bool:
    return "ぁ" <= character <= "ゖ"
