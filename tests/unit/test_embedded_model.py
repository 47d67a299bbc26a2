"""The rule-based advisor as a Strands model: what leaves it, in which order, and at which pace."""

import asyncio
import json
import subprocess
import sys
from typing import Any

import pytest

from magisystem.council.briefs import Brief, Matter, chat_brief, sage_brief
from magisystem.council.presets import CASPAR, SOLOMON
from magisystem.errors import ModelError
from magisystem.models.embedded.advice import advise
from magisystem.models.embedded.model import EmbeddedModel, n_tokens, tokens

QUESTIONS = ("Should we move the billing service to Rust?", "週休3日制を導入すべきか？", "hello 😀\x00")


def specs(brief: Brief) -> list[Any]:
    assert brief.ballot is not None
    return [{"name": brief.ballot.tool, "description": "", "inputSchema": {"json": brief.ballot.schema}}]


async def events_of(brief: Brief, tool_specs: list[Any] | None, tokens_per_s: float = 0) -> list[Any]:
    model = EmbeddedModel(brief, tokens_per_s)
    try:
        return [event async for event in model.stream([], tool_specs, brief.system, tool_choice={"auto": {}}, other=1)]
    finally:
        await model.aclose()


def text_of(events: list[Any]) -> str:
    deltas = [event["contentBlockDelta"]["delta"] for event in events if "contentBlockDelta" in event]
    return "".join(delta["text"] for delta in deltas if "text" in delta)


@pytest.mark.parametrize("question", QUESTIONS)
async def test_the_deltas_join_to_the_prose_and_the_tool_input_to_the_casting(question: str) -> None:
    brief = sage_brief(CASPAR, Matter(question))
    events = await events_of(brief, specs(brief))
    advice = advise(brief)
    assert text_of(events) == advice.prose
    assert "messageStart" in events[0]
    [use] = [
        e["contentBlockStart"]["start"]["toolUse"]
        for e in events
        if "toolUse" in e.get("contentBlockStart", {}).get("start", {})
    ]
    fragments = [
        e["contentBlockDelta"]["delta"]["toolUse"]["input"]
        for e in events
        if "toolUse" in e.get("contentBlockDelta", {}).get("delta", {})
    ]
    assert use["name"] == "cast_vote"
    assert len(fragments) > 1
    assert json.loads("".join(fragments)) == advice.casting
    assert events[-2] == {"messageStop": {"stopReason": "tool_use"}}
    usage = events[-1]["metadata"]["usage"]
    assert usage["inputTokens"] > 0
    assert usage["outputTokens"] == n_tokens(advice.prose) + n_tokens("".join(fragments))


async def test_the_same_brief_streams_the_same_events() -> None:
    brief = sage_brief(CASPAR, Matter(QUESTIONS[0]))
    first, second = [await events_of(brief, specs(brief)) for _ in range(2)]
    assert first[:-1] == second[:-1]


@pytest.mark.parametrize("none", [None, []])
async def test_without_tools_nothing_is_cast(none: list[Any] | None) -> None:
    events = await events_of(sage_brief(CASPAR, Matter(QUESTIONS[0])), none)
    assert not any("toolUse" in str(event) for event in events)
    assert {"messageStop": {"stopReason": "end_turn"}} in events


async def test_a_chat_ends_its_turn_without_a_tool() -> None:
    events = await events_of(chat_brief(SOLOMON, Matter(QUESTIONS[0])), [{"name": "other"}])
    assert not any("toolUse" in str(event) for event in events)
    assert {"messageStop": {"stopReason": "end_turn"}} in events


async def test_pace_nought_never_waits_but_lets_others_run(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    sleep = asyncio.sleep

    async def noted(delay: float, *_: object) -> None:
        waits.append(delay)
        await sleep(0)

    monkeypatch.setattr(asyncio, "sleep", noted)
    await events_of(sage_brief(CASPAR, Matter(QUESTIONS[0])), None)
    assert waits
    assert set(waits) == {0}


async def test_a_pace_is_kept_without_drift(monkeypatch: pytest.MonkeyPatch) -> None:
    waited_s = 0.0
    started_s = asyncio.get_running_loop().time()

    def now(_: asyncio.AbstractEventLoop) -> float:
        return started_s + waited_s

    monkeypatch.setattr(type(asyncio.get_running_loop()), "time", now)

    async def passing(delay: float, *_: object) -> None:
        nonlocal waited_s
        waited_s += delay * 1.5  # every sleep lasts too long; the schedule makes up for it

    monkeypatch.setattr(asyncio, "sleep", passing)
    brief = sage_brief(CASPAR, Matter(QUESTIONS[0]))
    await events_of(brief, None, tokens_per_s=40)
    monkeypatch.undo()
    assert waited_s == pytest.approx((n_tokens(advise(brief).prose) - 1) / 40, abs=0.05)


def test_tokens_are_of_a_natural_size() -> None:
    japanese, english = (
        list(tokens(advise(sage_brief(CASPAR, Matter(q))).prose)) for q in (QUESTIONS[1], QUESTIONS[0])
    )
    assert max(map(len, japanese)) <= 9
    assert 1 < sum(map(len, japanese)) / len(japanese) < 3
    assert 3 < sum(map(len, english)) / len(english) < 7


def test_structured_output_is_refused() -> None:
    model = EmbeddedModel(sage_brief(CASPAR, Matter("x")), 0)
    with pytest.raises(ModelError):
        model.structured_output(dict, [])  # type: ignore[type-var]


def test_the_package_does_not_import_strands() -> None:
    code = "import sys, magisystem.models.embedded; sys.exit('strands' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0  # noqa: S603 -- our own interpreter
