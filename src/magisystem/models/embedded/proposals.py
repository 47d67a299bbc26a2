# ruff: noqa: E501 -- alternatives of a pattern read better unbroken
"""What is proposed in a question: the sentence that asks, the act it asks about, the option set against it.

Pure and linear: every pattern is anchored or bounded, because a question may be 32,000 characters of anything. Called
by `reading`; knows nothing of factors.
"""

import re
from dataclasses import dataclass
from typing import Literal

Language = Literal["ja", "en"]
QUOTE_CHARS: dict[Language, int] = {"en": 90, "ja": 48}

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]+")
_KANA = re.compile(r"[ぁ-ゖァ-ヺー]")
_HAN = re.compile(r"[\u4e00-\u9fff々]")
_LATIN = re.compile(r"[A-Za-z]")
_CHINESE = re.compile(r"[们吗应该这为么还没说过你]")
_SENTENCE = re.compile(r"[^。！？!?\n.]*(?:\.(?=\S)[^。！？!?\n.]*)*[。！？!?\n.]*")

_GREETING = re.compile(
    r"\W*(?:hello|hi|hey|good (?:morning|afternoon|evening|night)|thanks|thank you|bye|goodbye|ok|okay|yes|no|test|ping|"
    r"how are you|こんにちは|こんばんは|おはよう(?:ございます)?|はじめまして|ありがとう(?:ございます)?|どうも|やあ|もしもし|テスト|さようなら|"
    r"はい|いいえ|よろしく(?:お願いします)?)(?:[ ,、]*(?:there|all|everyone|magi|sages|みなさん|皆さん))?\W*",
    re.IGNORECASE,
)

_EN_LEAD = re.compile(
    r"\b(?:(?:should|shall|must|may|might|ought|can|could)(?:n['’]t)?[ ]+(?P<subject>we|i|they|he|she|it|one|there)\b(?:[ ]+to\b)?"
    r"|(?:should|shall|must|ought)(?:n['’]t)?\b"
    r"|(?:we|i|they|he|she|it|one)[ ]+(?:should|must|ought to|shall)\b"
    r"|is it (?:also |really |ever )?(?:wise|worth|right|wrong|time|ok|okay|reasonable|sensible|fair|ethical|safe|better|smart|"
    r"acceptable|a good idea|a bad idea|worthwhile|worth it)(?: for (?:us|me|them))?(?: to)?\b"
    r"|whether (?:or not )?(?:to|we should|i should|we|i)\b"
    r"|do (?:you think )?(?:we|i) (?:need|have|want|dare) to\b|do you think (?:we|i) should\b"
    r"|let['’]?s\b|why (?:not|don['’]t we|don['’]t i)\b|(?:how|what) about\b|what if (?:we|i)\b"
    r"|(?:we|i)(?:['’]d| would)? (?:want|plan|intend|like|propose|are planning|am planning|are going|am going) to\b"
    r"|(?:thinking|thought) (?:of|about)\b|consider(?:ing)?\b|proposal ?:|propos(?:e|al|ing)(?: to| that we| is to)?\b)"
    r"[ ]*(?:(?:also|really|now|just|still|ever|perhaps|therefore)[ ]+)?",
    re.IGNORECASE,
)
_EN_JUDGED = re.compile(
    r"^\W*(?:is|are|would|was)[ ]+(?P<phrase>.{3,300}?)[ ]+(?:be )?(?:a good idea|a bad idea|worth it|worth|worthwhile|wise|sensible|"
    r"fair|ethical|right|justified|acceptable|the right (?:choice|move|thing))\b",
    re.IGNORECASE,
)
_EN_OPEN = re.compile(r"\W*(?:(?:and|so|but|then)[ ,]+)?(?:what|how|which|who|whom|when|where|why)\b", re.IGNORECASE)
_EN_WHICH = re.compile(
    r"\bwhich (?:one )?(?:is|would be|should (?:we|i) (?:choose|pick|use|prefer|take))(?: better| best)?[^,:]{0,40}[,:][ ]*"
    r"(?P<a>[^?]{1,100}?) or (?P<b>[^?]{1,100})",
    re.IGNORECASE,
)
_EN_NOT = re.compile(r"^not[ ]+(?:to[ ]+)?(?!only\b)", re.IGNORECASE)
_EN_STOP = re.compile(
    r"^(?:stop|quit|end|cancel|abandon|discontinue|drop|remove|close|scrap|abolish|retire|get rid of|phase out|withdraw|leave|"
    r"ban|forbid|prohibit|restrict|refrain from|give up|delete|shut down)\b",
    re.IGNORECASE,
)
_EN_REPLACE = re.compile(
    r"^(?:replace|rewrite|modernise|modernize|rebuild|redesign|move away from|get off|overhaul|refactor)\b",
    re.IGNORECASE,
)
_EN_RIVAL = re.compile(
    r",?[ ]{1,3}(?:(?:rather than|instead of|as opposed to|versus|vs\.?)[ ]+|or(?: (?:should|shall) (?:we|i)| rather| else)?[ ]+(?!not\b|no\b|so\b|more\b|less\b|"
    r"else\b|otherwise\b))",
    re.IGNORECASE,
)
_EN_TAIL = re.compile(r"(?:[ ,]+(?:or not|too|please|yet|then|now|as well|at all))*[ ,.!?;:…]*$", re.IGNORECASE)

_JA_ASK = re.compile(
    r"(?:す|する|と?いう)?べき|(?:し)?た(?:ほう|方)が(?:よ|良|い)|(?:し)?ても?(?:よい|いい|良い|よろしい|大丈夫|構わない|かまわない|問題ない)"
    r"|(?:する|という)?(?:の|こと|案)?(?:は|って)(?:妥当|適切|必要|得策|有効|賢明|正しい|正当|よい|良い|いい|どう|有り|あり|倫理的|許される|賢い|価値)"
    r"|しよう(?=か|と|かと)|ましょう|ませんか|(?:する)?か(?:否か|どうか|いなか)|した(?:い|く)|(?:を|する(?:こと|の)?を)?(?:検討|提案|計画)(?:し|中|です)"
    r"|(?:の)?是非"
)
_JA_OPEN = re.compile(
    r"何(?![かもが人年月日度回千百十])|なに(?!か)|なぜ|どうして|どうやって|どうすれ|誰(?!か|も)|いつ(?!か|も|で)|どこ(?!か|も)|どの(?!くらい)|どれ(?!か)|"
    r"どんな|どのよう|いくら(?!か)"
)
_JA_STOP = re.compile(
    r"(?:やめ|辞め|止め|中止|廃止|撤退|終了|停止|打ち切|解約|撤去|取りやめ|禁止|制限|控え|避け|削除|廃棄|取り壊|閉鎖|なく)[ぁ-ん]{0,3}$"
)
_JA_REPLACE = re.compile(r"(?:刷新|置き換え|書き換え|書き直|作り直|再構築|建て替え|見直)[ぁ-ん]{0,3}$")
_JA_NOT = re.compile(r"(?:し)?ない$")
_JA_RIVAL = re.compile(
    r"(?:(?:す|する)?べき)?か、?(?:それとも|あるいは|または|もしくは)、?|、?(?:それとも|あるいは|もしくは)、?"
)
_JA_RATHER = re.compile(r"(?:ではなく|じゃなく|よりも?)(?:て)?、?")
_JA_WHICH = re.compile(r"(?P<a>[^、。と]{1,60})と(?P<b>[^、。と]{1,60}?)(?:の|は|なら|では)、?(?:どちら|どっち)")
_JA_WHICH_OF = re.compile(r"(?P<a>[^、。か]{1,60})か、?(?P<b>[^、。か]{1,60})か、?(?:どちら|どっち)")
_JA_EITHER = re.compile(r"(?P<a>[^、。]{1,60}?)か、?(?P<b>[^、。か]{1,60})か$")


@dataclass(frozen=True, slots=True)
class Proposal:
    """The act a question asks about, in its own words.

    Shapes: ``text`` is the whole act as it stands in the question and lies at ``start`` of the text it was found in;
    ``phrase`` is ``text`` fit for quoting. ``rival`` is the option set against it, as it stands in
    the text, or empty. ``sentence`` bounds the
    sentence that asks. ``is_stop``: the act ends or forbids something; ``is_replacement``: it puts something in its place. ``is_negated``: the question asks about *not*
    acting. ``is_earlier``: it comes from what was said before. ``names_actor``: ``text`` may begin with who is to act.
    """

    text: str
    start: int
    sentence: tuple[int, int]
    phrase: str
    rival: str = ""
    is_stop: bool = False
    is_replacement: bool = False
    is_negated: bool = False
    is_earlier: bool = False
    names_actor: bool = False


def language_of(text: str, wanted: str | None) -> Language:
    """Give the language to answer in: the wanted one, else the one ``text`` is written in; English for all others."""
    if wanted:
        return "ja" if wanted.lower().startswith("ja") else "en"
    kana, han = len(_KANA.findall(text)), len(_HAN.findall(text))
    if kana == 0 and (han == 0 or _CHINESE.search(text)):
        return "en"
    # A Japanese character carries about as much as three Latin letters.
    return "ja" if 3 * (kana + han) >= len(_LATIN.findall(text)) else "en"


def quotable(text: str, limit: int) -> str:
    """Give ``text`` on one line, without control characters, cut at ``limit`` characters where a word ends."""
    clean = " ".join(_CONTROL.sub(" ", text[: 4 * limit]).split())
    if len(clean) <= limit:
        return clean
    cut = clean[: limit - 1]
    space = cut.rfind(" ")
    return (cut[:space] if space > limit // 2 else cut).rstrip(" ,、;:・") + "…"


def is_greeting(text: str) -> bool:
    """Tell whether ``text`` only greets, thanks or tests the line."""
    return len(text) < 80 and _GREETING.fullmatch(text) is not None


def sentences(text: str) -> list[tuple[int, int]]:
    """Give the bounds of the sentences of ``text``, in order, without those that hold nothing."""
    return [found.span() for found in _SENTENCE.finditer(text) if found[0].strip()]


def is_open_question(text: str) -> bool:
    """Tell whether ``text`` asks what, how or why, and so names no single act to decide on."""
    return any(
        (_EN_OPEN.match(text, start, end) and not _EN_LEAD.match(text[start:end].lstrip()))
        or (_is_japanese(text[start:end]) and _JA_OPEN.search(text, start, end))
        for start, end in sentences(text)
    )


def find_proposal(text: str) -> Proposal | None:
    """Find what ``text`` proposes: in the last sentence that asks, or ``None``."""
    for start, end in reversed(sentences(text)):
        sentence = text[start:end]
        found = _japanese(sentence) if _is_japanese(sentence) else _english(sentence)
        if found is not None and len(found.act.strip()) >= 2:
            act = found.act.lstrip()
            at = start + found.at + len(found.act) - len(act)
            return proposal(act.rstrip(), at, (start, end), rival=found.rival, names_actor=found.names_actor)
    return None


def stated(text: str, start: int, end: int) -> Proposal:
    """Take a sentence that asks nothing, but speaks of an act, as the proposal."""
    act = text[start:end].strip(" \t\r\n\u3000.。!！?？")
    return proposal(act, text.index(act, start), (start, end))


def proposal(
    act: str, start: int, sentence: tuple[int, int], *, rival: str = "", names_actor: bool = False
) -> Proposal:
    """Give the proposal to do ``act``, which stands at ``start``."""
    is_japanese = _is_japanese(act)
    limit = QUOTE_CHARS["ja" if is_japanese else "en"]
    is_negated = bool(_JA_NOT.search(act[-12:]) if is_japanese else _EN_NOT.match(act))
    bare = act if is_japanese else _EN_NOT.sub("", act, count=1)
    return Proposal(
        text=act,
        start=start,
        sentence=sentence,
        phrase=quotable(act, limit),
        rival=rival.strip(),
        is_stop=bool(_JA_STOP.search(act[-16:]) if is_japanese else _EN_STOP.match(bare)),
        is_replacement=bool(_JA_REPLACE.search(act[-16:]) if is_japanese else _EN_REPLACE.match(bare)),
        is_negated=is_negated,
        names_actor=names_actor,
    )


@dataclass(frozen=True, slots=True)
class _Found:
    """An act within a sentence, at ``at`` of it."""

    at: int
    act: str
    rival: str = ""
    names_actor: bool = False


def _is_japanese(text: str) -> bool:
    return _KANA.search(text) is not None or (_HAN.search(text) is not None and not _LATIN.search(text))


def _english(sentence: str) -> _Found | None:
    if which := _EN_WHICH.search(sentence):
        return _Found(which.start("a"), which["a"], which["b"].rstrip(" .!?"))
    lead = _EN_LEAD.search(sentence)
    if lead is None:
        judged = _EN_JUDGED.match(sentence)
        return _Found(judged.start("phrase"), judged["phrase"]) if judged else None
    if _EN_OPEN.match(sentence) and not _EN_LEAD.match(sentence.lstrip()):
        return None
    act = _without_tail(sentence[lead.end() :])
    names_actor = re.fullmatch(r"(?:should|shall|must|ought)(?:n['’]t)?[ ]*", lead[0], re.IGNORECASE) is not None
    if rival := _EN_RIVAL.search(act):
        return _Found(lead.end(), act[: rival.start()], act[rival.end() :], names_actor)
    return _Found(lead.end(), act, names_actor=names_actor)


def _without_tail(act: str) -> str:
    # Only the last characters are looked at: a search for an end over 32,000 spaces would take quadratic time.
    head, last = act[:-200], act[-200:]
    tail = _EN_TAIL.search(last)
    return head + (last[: tail.start()] if tail else last)


def _japanese(sentence: str) -> _Found | None:
    body = sentence.rstrip("。！？!? \u3000\n.")
    if which := _JA_WHICH_OF.search(body) or _JA_WHICH.search(body):
        return _Found(which.start("a"), which["a"], which["b"])
    asks = list(_JA_ASK.finditer(body))
    if not asks or _JA_OPEN.search(body):
        return None
    end = asks[-1].start()
    for ask in reversed(asks):
        end = ask.start() if ask.end() >= end else end  # 「導入|すべき|か否か」 asks twice
    return _two_options(body) or _rather(body[:end])


def _two_options(body: str) -> _Found | None:
    rival = _JA_RIVAL.search(body)
    if rival and rival.start() > 1:
        return _Found(0, _before_asking(body[: rival.start()]), _before_asking(body[rival.end() :]))
    if len(body) <= 150 and (either := _JA_EITHER.match(body)) and not re.match("否|どう", either["b"]):
        return _Found(0, _before_asking(either["a"]), _before_asking(either["b"]))
    return None


def _before_asking(clause: str) -> str:
    ask = _JA_ASK.search(clause)
    return clause[: ask.start()] if ask else clause


def _rather(act: str) -> _Found:
    rather = _JA_RATHER.search(act)
    if rather and rather.start() > 1 and rather.end() < len(act) - 1:
        return _Found(rather.end(), act[rather.end() :], act[: rather.start()])
    return _Found(0, act)
