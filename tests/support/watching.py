"""What a person does and sees on the pages of the web client, by role and accessible name; and what is to be seen."""

import asyncio
import re
from collections.abc import Sequence
from typing import Any

import httpx2
from playwright.async_api import Locator, Page, expect

from magisystem.council.briefs import Brief
from magisystem.deliberation.ports import MODEL_CALL, Noted, Said
from magisystem.protocol.codec import decode
from magisystem.protocol.events import AnyEvent, Start
from magisystem.protocol.fold import DeliberationState, fold
from magisystem.protocol.sse import FrameDecoder
from magisystem.protocol.values import Decision
from magisystem.testing.scripted import Script, Step, Wait, approval

SAGES = ("CASPAR", "BALTHASAR", "MELCHIOR")
QUESTION = "Should we move the billing service to Rust?"


def telling(
    *parts: str | asyncio.Event, decision: Decision = Decision.APPROVED, confidence: float = 0.8
) -> list[Script]:
    """Give an agent that says each text in turn, waits at each event, and then votes."""
    return [lambda brief: _steps(parts, brief, decision, confidence)]


def _steps(parts: Sequence[str | asyncio.Event], brief: Brief, decision: Decision, confidence: float) -> list[Step]:
    spoken = [Wait(part.wait) if isinstance(part, asyncio.Event) else Said(part) for part in parts]
    return [Noted(MODEL_CALL, "scripted"), *spoken, *approval(brief, decision, confidence)]


# --- The server's side ----------------------------------------------------------------------------------------------


async def begun(http: httpx2.AsyncClient, question: str = QUESTION, **fields: Any) -> str:
    """Start a deliberation and give its id."""
    answer = await http.post("/invocations", json={"question": question, "detached": True, **fields})
    answer.raise_for_status()
    return str(answer.json()["deliberationId"])


async def decided(http: httpx2.AsyncClient, question: str = QUESTION, **fields: Any) -> str:
    """Deliberate to the end and give the id."""
    answer = await http.post("/invocations", json={"question": question, "stream": False, **fields})
    answer.raise_for_status()
    return str(answer.json()["start"]["deliberationId"])


async def log_of(http: httpx2.AsyncClient, deliberation_id: str) -> list[AnyEvent]:
    """Give the events of a log, waiting for its end."""
    answer = await http.get(f"/deliberations/{deliberation_id}/events")
    answer.raise_for_status()
    return [decode(frame.data) for frame in FrameDecoder().feed(answer.content)]


async def state_of(http: httpx2.AsyncClient, deliberation_id: str) -> DeliberationState:
    """Give what a whole log comes to."""
    return fold(await log_of(http, deliberation_id))


def start_of(log: Sequence[AnyEvent]) -> Start:
    """Give the first event of a log."""
    start = log[0]
    assert isinstance(start, Start)
    return start


# --- The page's side ------------------------------------------------------------------------------------------------


async def ask(page: Page, question: str = QUESTION) -> str:
    """Ask on the first page, and give the id of the deliberation that it leads to."""
    await page.get_by_role("textbox", name="Your question").fill(question)
    await page.get_by_role("button", name="Ask", exact=True).click()
    return await shown(page)


async def shown(page: Page) -> str:
    """Wait for the page of a deliberation, and give its id."""
    await page.wait_for_url("**/d/*")
    return page.url.split("/d/")[1].split("#")[0]


def said(page: Page, name: str) -> Locator:
    """Find what an agent says."""
    return page.get_by_role("log", name=f"What {name} says")


def vote(page: Page, name: str) -> Locator:
    """Find the vote of a sage."""
    return page.get_by_role("region", name=f"Vote of {name}")


def judge(page: Page) -> Locator:
    """Find the part of the page where the judge speaks and the outcome stands."""
    return page.get_by_role("region", name="SOLOMON", exact=True)


def standing(page: Page) -> Locator:
    """Find how the deliberation stands."""
    return page.get_by_test_id("state")


async def expect_as_logged(page: Page, state: DeliberationState) -> None:
    """Expect that each lane shows the very text of the log, all of it and once."""
    names = {card.agent_id: card.name for card in state.start.council.agents} if state.start else {}
    for lane in (lane for lane in state.lanes if lane.attempt > 0):
        await expect(said(page, names[lane.agent_id])).to_have_text(_spaced_as_may_be(lane.text))


def _spaced_as_may_be(text: str) -> re.Pattern[str]:
    """Match a text whose paragraphs stand in elements of their own."""
    words = (re.escape(word) for word in text.split())
    return re.compile(r"^\s*" + r"\s*".join(words) + r"\s*$")


async def expect_above(upper: Locator, lower: Locator) -> None:
    """Expect that one thing stands above another on the page."""
    await expect(upper).to_be_visible()
    await expect(lower).to_be_visible()
    above, below = await upper.bounding_box(), await lower.bounding_box()
    assert above is not None
    assert below is not None
    assert above["y"] + above["height"] <= below["y"]


async def width_beyond_the_screen(page: Page) -> int:
    """Give by how many pixels the page is wider than the window; 0 where it is not."""
    return int(await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))
