"""For everyone: in Japanese, on a phone, by the keyboard alone."""

import asyncio
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Browser, Locator, Page, expect
from tests.support.recording import recording_server
from tests.support.serving import Server
from tests.support.visiting import PHONE, Look, Visit, visiting
from tests.support.watching import (
    QUESTION,
    SAGES,
    begun,
    decided,
    expect_as_logged,
    judge,
    said,
    shown,
    standing,
    state_of,
    telling,
    vote,
    width_beyond_the_screen,
)

from magisystem.http.web import BUNDLE
from magisystem.protocol.values import Decision
from magisystem.testing.scripted import ScriptedModel

JAPANESE = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")


@asynccontextmanager
async def visited(
    browser: Browser, folder: Path, look: Look | None = None, model: ScriptedModel | None = None
) -> AsyncGenerator[tuple[Visit, Server]]:
    async with (
        recording_server(folder, model, bundle=BUNDLE) as server,
        visiting(browser, server.url, look) as visit,
    ):
        yield visit, server


# --- Japanese -------------------------------------------------------------------------------------------------------


async def test_a_japanese_browser_sees_the_whole_way_to_the_verdict_in_japanese(
    browser: Browser, tmp_path: Path
) -> None:
    question = "決済システムをRustへ移行すべきか？"
    async with visited(browser, tmp_path, Look("ja")) as (visit, server):
        page = await visit.open()
        await expect(page.locator("html")).to_have_attribute("lang", "ja")
        await page.get_by_role("textbox", name="質問").fill(question)
        await page.get_by_role("textbox", name="質問").press("Control+Enter")
        deliberation_id = await shown(page)
        await expect(page.get_by_role("heading", level=1)).to_have_text(question)
        for name in SAGES:
            lane = page.get_by_role("article", name=name)
            await expect(lane.get_by_role("region", name=f"{name} の投票")).to_contain_text("承認")
        await expect(standing(page)).to_contain_text("承認")
        for name in SAGES:
            await expect(judge(page).get_by_role("meter", name=f"{name} の評点")).to_be_visible()
        assert "in the language of the question" in server.model.speeches[0].system
        state = await state_of(server.http, deliberation_id)
        for lane in state.lanes:
            await expect(page.get_by_role("log").filter(has_text=lane.text.strip())).to_have_count(1)


async def words_of(page: Page) -> set[str]:
    """Give the lines of the page that have letters."""
    text = await page.evaluate("document.body.innerText")
    return {line.strip() for line in text.splitlines() if re.search(r"[^\W\d_]", line)}


async def names_of(page: Page) -> set[str]:
    """Give the accessible names of what can be operated on the page."""
    names = await page.evaluate(
        "[...document.querySelectorAll('button, a, select, input, textarea, [role]')]"
        ".map((each) => each.ariaLabel ?? each.innerText ?? '')"
    )
    return {line.strip() for name in names for line in name.splitlines() if re.search(r"[^\W\d_]", line)}


# What reads the same in every language: names, what people and models wrote, and figures with their units.
SAME = re.compile(
    r"MAGISystem|English|日本語|CASPAR|BALTHASAR|MELCHIOR|SOLOMON|magi|scripted:model.*|Model|JSON|Markdown"
    r"|[AB→\s]+|Ctrl \+ Enter|[×\d.,: $]+s?"
)


async def test_the_switch_in_the_header_changes_every_text_of_every_page_and_is_kept(
    browser: Browser, tmp_path: Path
) -> None:
    async with visited(browser, tmp_path) as (visit, server):
        deliberation_id = await decided(server.http)
        wrote = [QUESTION, "As scripted.", "Scripted.", "Go on.", "has read the question", "You are "]
        page = visit.page
        pages = {
            "/": "All of them",
            f"/d/{deliberation_id}": "Complete, digest verified",
            "/history": "Select to compare",
            "/councils": "Copy and change",
            f"/compare?a={deliberation_id}&b={deliberation_id}": "Time, tokens and cost",
        }
        for path, there in pages.items():
            await visit.open(path)
            await page.get_by_role("combobox", name="Language").select_option("English")
            await expect(page.get_by_role("heading", level=1)).not_to_have_text(JAPANESE)
            await expect(page.get_by_text(there).or_(page.get_by_label(there)).first).to_be_visible()
            english = await words_of(page) | await names_of(page)
            await page.get_by_role("combobox", name="Language").select_option("日本語")
            await expect(page.get_by_role("link", name="履歴")).to_be_visible()
            japanese = await words_of(page) | await names_of(page)
            left = {
                line
                for line in english & japanese
                if not SAME.fullmatch(line) and not any(text in line for text in wrote)
            }
            assert left == set(), path
            await expect(page.locator("html")).to_have_attribute("lang", "ja")
            await page.reload()
            await expect(page.get_by_role("link", name="履歴")).to_be_visible()
            await page.get_by_role("combobox", name="言語").select_option("English")
            # The words come first, and only then is the choice kept for the next page.
            await expect(page.locator("html")).to_have_attribute("lang", "en")


# --- On a phone -----------------------------------------------------------------------------------------------------


async def test_no_page_is_wider_than_a_phone(browser: Browser, tmp_path: Path) -> None:
    async with visited(browser, tmp_path, Look(size=PHONE)) as (visit, server):
        long = "Should we " + "really " * 40 + "move_everything_at_once_to_" * 8 + "?"
        ids = [await decided(server.http, question) for question in (QUESTION, long)]
        pages = {
            "/": "All of them",
            f"/d/{ids[0]}": "Complete, digest verified",
            f"/d/{ids[1]}": "Complete, digest verified",
            f"/d/{ids[0]}#seq=6": "You see the state at event 6",
            "/history": QUESTION,
            f"/compare?a={ids[0]}&b={ids[1]}": "Time, tokens and cost",
            "/compare": "Older ones",
            "/councils": "Copy and change",
            "/councils?id=magi": "Point of view",
            "/councils?copy=magi": "Save council",
        }
        for path, there in pages.items():
            # Not by its fragment alone, which would not load a page.
            await visit.page.goto("about:blank")
            page = await visit.open(path)
            await expect(page.get_by_text(there).first).to_be_attached()
            assert await width_beyond_the_screen(page) == 0, path


async def test_on_a_phone_one_lane_is_shown_and_tabs_show_how_the_others_stand(
    browser: Browser, tmp_path: Path
) -> None:
    falls = asyncio.Event()
    model = ScriptedModel(
        {
            "caspar": telling("CASPAR speaks.", falls),
            "balthasar": telling("BALTHASAR speaks.", decision=Decision.REJECTED),
            "melchior": telling("MELCHIOR speaks.", falls),
        }
    )
    async with visited(browser, tmp_path, Look(size=PHONE), model) as (visit, server):
        page = await visit.open(f"/d/{await begun(server.http)}")
        lanes = page.get_by_role("tablist", name="Lanes")
        await expect(lanes.get_by_role("tab", name="CASPAR")).to_have_attribute("aria-selected", "true")
        await expect(said(page, "CASPAR")).to_have_text("CASPAR speaks.")
        await expect(page.get_by_role("log")).to_have_count(1)
        await expect(lanes.get_by_role("tab", name="BALTHASAR")).to_contain_text("Rejected")
        await expect(lanes.get_by_role("tab", name="MELCHIOR")).to_contain_text("Writing")
        await lanes.get_by_role("tab", name="BALTHASAR").tap()
        await expect(said(page, "BALTHASAR")).to_have_text("BALTHASAR speaks.")
        await expect(vote(page, "BALTHASAR")).to_contain_text("Rejected")
        await expect(said(page, "CASPAR")).to_have_count(0)
        await page.keyboard.press("ArrowRight")
        await expect(said(page, "MELCHIOR")).to_be_visible()
        falls.set()
        await expect(lanes.get_by_role("tab", name="CASPAR")).to_contain_text("Approved")
        await expect(judge(page).get_by_role("heading", name="Verdict")).to_be_visible()
        assert await width_beyond_the_screen(page) == 0


# --- By the keyboard ------------------------------------------------------------------------------------------------


async def tab_to(page: Page, target: Locator) -> None:
    """Press Tab until the target has the focus."""
    for _ in range(60):
        await page.keyboard.press("Tab")
        if await target.evaluate("(element) => element === document.activeElement"):
            return
    raise AssertionError(f"{target} is not reached by Tab")


async def scrolls(scroller: Locator, *, to_its_end: bool) -> None:
    """Wait until the end of what scrolls is in view, or no longer is."""
    at_end = "element.scrollTop + element.clientHeight >= element.scrollHeight - 1"
    element = await scroller.element_handle()
    await scroller.page.wait_for_function(f"(element) => ({at_end}) === {str(to_its_end).lower()}", arg=element)


async def test_the_whole_way_is_gone_without_a_mouse(browser: Browser, tmp_path: Path) -> None:
    long = "\n\n".join(f"Paragraph {n} of what is to be said." for n in range(60))
    model = ScriptedModel({"caspar": telling(long)})
    async with visited(browser, tmp_path, model=model) as (visit, server):
        page = await visit.open()
        # The question waits for its words; the way to it past the header is one link long.
        await expect(page.get_by_role("textbox", name="Your question")).to_be_focused()
        await page.keyboard.type(QUESTION)
        await tab_to(page, page.get_by_role("combobox", name="Council"))
        await tab_to(page, page.get_by_role("button", name="Ask", exact=True))
        await page.keyboard.press("Enter")
        deliberation_id = await shown(page)
        await expect(standing(page)).to_contain_text("Approved")

        trace = page.get_by_role("button", name="Trace")
        await tab_to(page, trace)
        await page.keyboard.press("Enter")
        drawer = page.get_by_role("complementary", name="What happens underneath")
        await expect(drawer.get_by_role("heading", level=2)).to_be_focused()
        await page.keyboard.press("Tab")
        await page.keyboard.press("Escape")
        await expect(drawer).to_have_count(0)
        await expect(trace).to_be_focused()

        lane = said(page, "CASPAR")
        await tab_to(page, lane)
        await page.keyboard.press("End")
        await scrolls(lane, to_its_end=True)
        await page.keyboard.press("PageUp")
        await scrolls(lane, to_its_end=False)
        await expect(vote(page, "CASPAR")).to_contain_text("Approved")

        await tab_to(page, page.get_by_role("textbox", name="Your next question"))
        await page.keyboard.type("And then?")
        await page.keyboard.press("Control+Enter")
        await page.wait_for_url(lambda url: deliberation_id not in url)
        await expect(page.get_by_role("heading", level=1, name="And then?")).to_be_visible()
        await expect_as_logged(page, await state_of(server.http, await shown(page)))


async def test_the_header_is_skipped_and_a_finished_one_leads_to_its_verdict(browser: Browser, tmp_path: Path) -> None:
    async with visited(browser, tmp_path) as (visit, server):
        page = await visit.open(f"/d/{await decided(server.http)}")
        await expect(standing(page)).to_contain_text("Approved")
        await page.keyboard.press("Tab")
        skip = page.get_by_role("link", name="Skip to the content")
        await expect(skip).to_be_focused()
        await expect(skip).to_be_in_viewport()
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("main")).to_be_focused()
        await tab_to(page, page.get_by_role("button", name="To the verdict"))
        await page.keyboard.press("Enter")
        await expect(judge(page).get_by_role("heading", name="Verdict")).to_be_in_viewport()
        await page.keyboard.press("Tab")
        assert await judge(page).evaluate("(element) => element.contains(document.activeElement)") is False


async def test_a_menu_opens_and_closes_by_the_keyboard_with_the_focus_kept(browser: Browser, tmp_path: Path) -> None:
    async with visited(browser, tmp_path) as (visit, server):
        page = await visit.open(f"/d/{await decided(server.http)}")
        share = page.get_by_role("button", name="Share")
        await share.focus()
        await page.keyboard.press("Enter")
        await expect(share).to_have_attribute("aria-expanded", "true")
        await page.keyboard.press("Tab")
        await expect(page.get_by_role("button", name="Copy the link", exact=True)).to_be_focused()
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("button", name="Copy the link", exact=True)).to_have_count(0)
        await expect(share).to_be_focused()


async def test_a_screen_reader_is_told_of_votes_and_the_outcome_and_not_of_every_word(
    browser: Browser, tmp_path: Path
) -> None:
    falls = asyncio.Event()
    model = ScriptedModel({name.lower(): telling("Words as they come.", falls) for name in SAGES})
    async with visited(browser, tmp_path, model=model) as (visit, server):
        page = await visit.open(f"/d/{await begun(server.http)}")
        for name in SAGES:
            await expect(said(page, name)).to_have_text("Words as they come.")
            await expect(said(page, name)).to_have_attribute("aria-live", "off")
        falls.set()
        told = page.get_by_role("status").filter(has_text="Outcome: Approved.")
        await expect(told).to_contain_text("CASPAR votes: Approved.")
        await expect(told).to_contain_text("SOLOMON rules: Approved.")
        await expect(told).not_to_contain_text("Words as they come.")
