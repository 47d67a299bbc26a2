"""Text that would like to be more than text: it neither runs, nor reaches out, nor breaks the page around it."""

import asyncio
import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect
from tests.support.recording import recording_server
from tests.support.visiting import DESKTOP, PHONE, Visit, visiting
from tests.support.watching import begun, decided, said, telling, vote, width_beyond_the_screen

from magisystem.council.briefs import Brief
from magisystem.deliberation.ports import Cast, Noted, Said, Spent, Thought
from magisystem.http.web import BUNDLE
from magisystem.protocol.values import Decision, Usage
from magisystem.testing.scripted import ScriptedModel, Step, Wait, speech

MARKUP = """\
<script>window.pwned = 1</script>
<img src=x onerror="window.pwned = 2"> <img src="https://evil.example/a.png">
<svg onload="window.pwned = 3"></svg> <svg><script>window.pwned = 4</script></svg>
<iframe srcdoc="<script>parent.pwned = 5</script>"></iframe> <iframe src="https://evil.example/"></iframe>
<style>@import url(https://evil.example/b.css); body { display: none }</style>
<base href="https://evil.example/"><meta http-equiv="refresh" content="0;url=https://evil.example/">
<details open ontoggle="window.pwned = 6">a</details> <a href="javascript:window.pwned = 7">bait</a>

[bait](javascript:window.pwned=8) [bait](  JaVaScRiPt:window.pwned=9) [bait](java&#115;cript:window.pwned=10)
[bait](data:text/html,<script>window.pwned=11</script>) [bait](vbscript:x) <javascript:window.pwned=12>
![](https://evil.example/c.png) ![bait](javascript:window.pwned=13) [bait][1]

[1]: javascript:window.pwned=14
"""
# At most 64 characters, as the names of agents are.
NAME = "<img src=x onerror=window.pwned=20>"

OVERSIZED: Mapping[str, str] = {
    "a table of 2,000 rows": "| a " * 20 + "|\n" + "| - " * 20 + "|\n" + ("| cell " * 20 + "|\n") * 2_000,
    "200 KB without a space": "x" * 200_000,
    "200 KB of code without a space": "```\n" + "x" * 200_000,
    "5,000 nested quotes": ">" * 5_000 + " deep",
    "quotes within quotes": "\n".join(">" * n + " a" for n in range(1, 640)),
    "5,000 nested lists": "- " * 5_000 + "deep",
    "lists within lists": "\n".join("  " * n + "- a" for n in range(400)),
    "50,000 asterisks": "*a **b " * 7_000,
    "50,000 brackets": "[" * 25_000 + "](" * 12_000,
    "a fence that is never closed": "Before.\n\n```python\n" + "print('x')\n" * 20_000,
    "writing from right to left": "\u202e\u2067 abc \u202d def " * 2_000 + "مرحبا بالعالم",
    "combining and invisible characters": ("Z" + "\u0300\u0489" * 20) * 500 + "\u200b\u200d\ufeff\u2060" * 5_000,
    "the colours of a terminal": "\x1b[31;1mred\x1b[0m\x07\x08\x7f\r\n" * 2_000,
    "20,000 lines": "a\n" * 20_000,
}


@asynccontextmanager
async def untouched(browser: Browser, url: str) -> AsyncGenerator[Visit]:
    """Visit, and fail where anything ran or another origin was asked for anything."""
    async with visiting(browser, url) as visit:
        asked: list[str] = []
        visit.context.on("request", lambda request: asked.append(request.url))
        yield visit
        assert [address for address in asked if not re.match(f"{re.escape(url)}/|blob:|data:", address)] == []


async def expect_sound(page: Page) -> None:
    """Expect that nothing ran, no link leads astray, and the page is no wider than its window."""
    assert await page.evaluate("window.pwned") is None
    protocols = set(await page.evaluate("[...document.links].map(({ protocol }) => protocol)"))
    assert protocols <= {"http:", "https:", "mailto:"}
    assert await page.locator("main :is(script, iframe, style, base, meta, object, embed, form[action])").count() == 0
    assert await page.locator("main img").count() == 0
    for size in (PHONE, DESKTOP):
        await page.set_viewport_size(size)
        assert await width_beyond_the_screen(page) == 0


def hostile(brief: Brief) -> Sequence[Step]:
    """Give markup wherever an agent can put a text."""
    fields: dict[str, object] = {"decision": Decision.APPROVED, "confidence": 0.5, "reasoning": MARKUP}
    if brief.quoted:
        scores = [{"sage": item.label, "score": 50, "reasoning": MARKUP[:400]} for item in brief.quoted]
        fields |= {"summary": MARKUP[:900], "recommendation": MARKUP, "scores": scores}
    ballot = [] if brief.ballot is None else [Cast(brief.ballot.read(fields))]
    notes = [Noted("model_call", MARKUP), Noted("retry", MARKUP), Noted(NAME, MARKUP)]
    return [*notes, Thought(MARKUP), Said(MARKUP), *ballot, Spent(Usage(input_tokens=1, output_tokens=1))]


async def test_markup_in_every_place_is_shown_as_text(browser: Browser, tmp_path: Path) -> None:
    agents = ("one", "two", "three", "last")
    seats = [
        {"agentId": agent, "name": f"{agent} {NAME}", "role": "sage", "systemPrompt": MARKUP} for agent in agents[:3]
    ] + [{"agentId": "last", "name": f"last {NAME}", "role": "judge", "systemPrompt": MARKUP}]
    model = ScriptedModel({agent: [hostile] for agent in agents})
    async with (
        recording_server(tmp_path, model, bundle=BUNDLE) as server,
        untouched(browser, server.url) as visit,
    ):
        http = server.http
        council = {"name": NAME, "rule": "judge", "agents": seats}
        (await http.put("/councils/trap", json=council)).raise_for_status()
        first = await decided(http, MARKUP, council="trap")
        second = await decided(http, MARKUP, council="trap")
        (await http.patch(f"/deliberations/{first}", json={"title": MARKUP[:190]})).raise_for_status()

        page = await visit.open(f"/d/{first}")
        await expect(page.get_by_role("heading", name="Verdict")).to_be_visible()
        await expect(vote(page, f"one {NAME}")).to_contain_text("<script>window.pwned = 1</script>")
        await said(page, f"one {NAME}").get_by_text("Thinking, ").click()
        await page.get_by_role("button", name="Show the whole question").click()
        await expect(said(page, f"one {NAME}").get_by_text("<style>@import").first).to_be_visible()
        await page.get_by_role("button", name="Trace").click()
        for tab in ("Timeline", "Figures", "Events"):
            await page.get_by_role("tab", name=tab).click()
            await expect_sound(page)
        await page.get_by_role("button", name="Close the trace").click()
        for bait in await page.get_by_text("bait", exact=True).all():
            await bait.dispatch_event("click")
        assert page.url == f"{server.url}/d/{first}"
        for path, seen in (
            ("/", "Recent deliberations"),
            ("/history", "Search"),
            (f"/compare?a={first}&b={second}", "Figures"),
            ("/councils?id=trap", "Point of view"),
            ("/councils?edit=trap", "Save council"),
        ):
            await visit.open(path)
            await expect(page.get_by_text(seen, exact=True).first).to_be_visible()
            await expect_sound(page)


def unending(_: Brief) -> Sequence[Step]:
    """Speak, and be silent until it is stopped."""
    return [*speech("Still speaking."), Wait(asyncio.Event().wait)]


@pytest.mark.parametrize("text", OVERSIZED.values(), ids=OVERSIZED)
async def test_a_text_beyond_measure_leaves_the_page_in_order(browser: Browser, tmp_path: Path, text: str) -> None:
    third = len(text) // 3 + 1
    pieces = [text[at : at + third] for at in range(0, len(text), third)]
    model = ScriptedModel({"caspar": telling(*pieces), "melchior": telling("Plain words."), "balthasar": [unending]})
    async with (
        recording_server(tmp_path, model, bundle=BUNDLE) as server,
        untouched(browser, server.url) as visit,
    ):
        page = await visit.open(f"/d/{await begun(server.http)}")
        await expect(vote(page, "CASPAR")).to_be_visible()
        await expect(said(page, "MELCHIOR")).to_have_text("Plain words.")
        await expect(said(page, "BALTHASAR")).to_have_text("Still speaking.")
        # What cannot be broken into lines scrolls by itself; the lane does not.
        assert await said(page, "CASPAR").evaluate("(lane) => lane.scrollWidth - lane.clientWidth") <= 1
        box = await said(page, "MELCHIOR").bounding_box()
        assert box is not None
        assert box["x"] + box["width"] <= DESKTOP["width"]
        assert box["width"] > 200
        await page.get_by_role("button", name="Trace").click(timeout=3_000)
        await expect(page.get_by_role("tab", name="Timeline")).to_be_visible(timeout=3_000)
        await page.get_by_role("button", name="Close the trace").click(timeout=3_000)
        await expect_sound(page)
        await page.get_by_role("button", name="Stop").click(timeout=3_000)
        await expect(page.get_by_test_id("state")).to_have_text("Stopped")

        await page.reload()
        await expect(vote(page, "CASPAR")).to_be_visible()
        await page.get_by_role("button", name="Trace").click(timeout=3_000)
        await expect(page.get_by_role("tab", name="Timeline")).to_be_visible(timeout=3_000)
        await expect_sound(page)
