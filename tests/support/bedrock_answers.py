"""What the stand-in Bedrock says when nobody tells it what to say: sensible answers for a council, always the same.

Pure: the body of a ConverseStream request in, words and perhaps a tool call out.
"""

import re
import zlib
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call of a tool. An ``input`` that is a string is sent as it is, broken or not; anything else as JSON."""

    name: str
    input: Any


_VOTE_TEXT = {
    "en": "The benefit is clear and the risk is bounded. A trial in one place first would show whether the estimate "
    "holds.\n\nWhat I do not know is how much the change costs to undo; that should be settled before it is widened.",
    "ja": "効果は明らかで、危険は限られています。まず一か所で試し、見積もりが正しいかを確かめるべきです。\n\n"
    "元に戻す費用は分かりません。広げる前に確認してください。",
}
_VOTE_REASON = {"en": "The benefit outweighs a bounded risk.", "ja": "限られた危険を効果が上回ります。"}
_VERDICT_TEXT = {
    "en": "The sages agree on the aim and differ on the pace. The argument for a trial decides: it keeps the way back "
    "open, and it yields the figures that are missing.",
    "ja": "賢者たちは目的では一致し、速さで分かれています。試行を推す論が決め手です。戻る道を残し、"
    "足りない数字が得られます。",
}
_VERDICT_WORDS = {
    "en": ("Go ahead with a trial.", "The way back stays open.", "Start in one place and measure for a month."),
    "ja": ("試行として進めます。", "戻る道が残ります。", "一か所で始め、一か月測定してください。"),
}
_MARK_REASON = {"en": "Sound, but thin on figures.", "ja": "筋は通るが、数字が乏しい。"}
_CHAT_TEXT = {
    "en": "In short: yes, if it can be undone. Start small and look at the figures after a month.",
    "ja": "要するに、元に戻せるなら賛成です。小さく始め、一か月後に数字を見てください。",
}
_CLOSING_TEXT = {"en": "That is all.", "ja": "以上です。"}


def sensible_answer(body: dict[str, Any]) -> tuple[str, ToolCall | None]:
    """Give the words and the tool call that answer a ConverseStream request.

    A request with the tool ``cast_vote`` gets a vote, with ``give_verdict`` a verdict with a mark for every sage whose
    letter stands in the prompt, any other words only. A tool result that is an error gets a corrected call and no more
    words; one that is a success gets a closing sentence.
    """
    system = " ".join(block.get("text", "") for block in body.get("system", []))
    prompt = _prompt(body)
    language = _language(system, prompt)
    results = [block["toolResult"] for block in body["messages"][-1]["content"] if "toolResult" in block]
    if results and all(result.get("status") != "error" for result in results):
        return _CLOSING_TEXT[language], None
    for tool in body.get("toolConfig", {}).get("tools", []):
        name = tool.get("toolSpec", {}).get("name")
        if name == "cast_vote":
            return "" if results else _VOTE_TEXT[language], ToolCall(name, _vote(system + prompt, language))
        if name == "give_verdict":
            return "" if results else _VERDICT_TEXT[language], ToolCall(name, _verdict(prompt, language))
    return _CHAT_TEXT[language], None


def _prompt(body: dict[str, Any]) -> str:
    texts = [
        "\n".join(block["text"] for block in message["content"] if "text" in block)
        for message in body["messages"]
        if message["role"] == "user"
    ]
    return next((text for text in reversed(texts) if text), "")


def _language(system: str, prompt: str) -> str:
    if "Write in Japanese" in system:
        return "ja"
    if "Write in English" in system:
        return "en"
    return "ja" if re.search(r"[ぁ-んァ-ヶ一-龠]", prompt) else "en"


def _vote(matter: str, language: str) -> dict[str, Any]:
    drawn = zlib.crc32(matter.encode())
    return {
        "decision": "REJECTED" if drawn % 4 == 0 else "APPROVED",
        "confidence": 0.6 + drawn % 30 / 100,
        "reasoning": _VOTE_REASON[language],
    }


def _verdict(prompt: str, language: str) -> dict[str, Any]:
    # Quotes within a sage's own words are escaped in JSON, so only the letters that the prompt gives are found.
    letters = sorted(set(re.findall(r'"sage":\s*"([A-Z])"', prompt)))
    decisions = re.findall(r'"decision":\s*"([A-Z]+)"', prompt)
    summary, reasoning, recommendation = _VERDICT_WORDS[language]
    return {
        "decision": "REJECTED" if decisions.count("REJECTED") > decisions.count("APPROVED") else "APPROVED",
        "confidence": 0.8,
        "summary": summary,
        "reasoning": reasoning,
        "recommendation": recommendation,
        "scores": [
            {"sage": letter, "score": 80 - 5 * place, "reasoning": _MARK_REASON[language]}
            for place, letter in enumerate(letters)
        ],
    }
