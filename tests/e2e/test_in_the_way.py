"""Nothing gets in the way for good: what covers the page, and parts of the program that do not come at once."""

import asyncio
from pathlib import Path

import pytest
from playwright.async_api import Browser, Route, expect
from tests.support.recording import recording_server
from tests.support.visiting import Look, visiting
from tests.support.watching import decided, standing

from magisystem.http.web import BUNDLE

COVERED = """() => [...document.querySelectorAll('main button, main a, main textarea, main [tabindex="0"]')]
  .filter((each) => each.checkVisibility())
  .map((each) => [each.ariaLabel ?? each.innerText.slice(0, 40), each.getBoundingClientRect().right])
  .filter(([, right]) => right > document.querySelector('[role=complementary]').getBoundingClientRect().left)"""


@pytest.mark.parametrize("width", [1024, 1280, 1440, 1920])
async def test_the_trace_covers_nothing_that_can_be_used(browser: Browser, tmp_path: Path, width: int) -> None:
    look = Look(size={"width": width, "height": 800})
    async with (
        recording_server(tmp_path, bundle=BUNDLE) as server,
        visiting(browser, server.url, look) as visit,
    ):
        page = await visit.open(f"/d/{await decided(server.http)}")
        await expect(standing(page)).to_contain_text("Approved")
        await page.get_by_role("button", name="Trace").click()
        await expect(page.get_by_role("complementary", name="What happens underneath")).to_be_visible()
        assert await page.evaluate(COVERED) == []
        await page.get_by_role("button", name="Export").click()


async def test_where_the_trace_covers_the_page_the_focus_stays_in_it(browser: Browser, tmp_path: Path) -> None:
    look = Look(size={"width": 800, "height": 800})
    async with (
        recording_server(tmp_path, bundle=BUNDLE) as server,
        visiting(browser, server.url, look) as visit,
    ):
        page = await visit.open(f"/d/{await decided(server.http)}")
        trace = page.get_by_role("button", name="Trace")
        await trace.click()
        drawer = page.get_by_role("dialog", name="What happens underneath")
        await expect(drawer.get_by_role("heading", level=2)).to_be_focused()
        for _ in range(30):
            await page.keyboard.press("Tab")
            assert not await page.evaluate("document.activeElement.closest('main, header') !== null")
        await page.keyboard.press("Escape")
        await expect(drawer).to_have_count(0)
        await expect(trace).to_be_focused()


@pytest.mark.parametrize("kind", ["js", "css"])
async def test_a_part_that_did_not_come_comes_when_it_is_tried_again(
    browser: Browser, tmp_path: Path, kind: str
) -> None:
    async with (
        recording_server(tmp_path, bundle=BUNDLE) as server,
        visiting(browser, server.url) as visit,
    ):
        page = await visit.open()
        parts = f"**/assets/HistoryPage-*.{kind}"
        await page.route(parts, lambda route: route.abort())
        await page.get_by_role("link", name="History").click()
        await expect(page.get_by_role("alert")).to_contain_text("The server does not answer")
        await page.unroute(parts)
        await page.get_by_role("button", name="Try again").click()
        await expect(page.get_by_role("heading", level=1)).to_be_visible()
        await expect(page.get_by_role("alert")).to_have_count(0)
        assert await page.evaluate("[...document.styleSheets].some((each) => /HistoryPage/.test(each.href))")
        visit.faults.clear()


async def test_a_slow_configuration_is_said_to_be_waited_for(browser: Browser, tmp_path: Path) -> None:
    async with (
        recording_server(tmp_path, bundle=BUNDLE) as server,
        visiting(browser, server.url) as visit,
    ):
        is_waited_for = asyncio.Event()

        async def later(route: Route) -> None:
            await is_waited_for.wait()
            await route.continue_()

        await visit.page.route("**/config.json", later)
        page = await visit.open()
        await expect(page.get_by_text("Loading…")).to_be_visible()
        is_waited_for.set()
        await expect(page.get_by_role("textbox", name="Your question")).to_be_visible()


async def test_a_language_that_does_not_come_is_not_kept(browser: Browser, tmp_path: Path) -> None:
    async with (
        recording_server(tmp_path, bundle=BUNDLE) as server,
        visiting(browser, server.url) as visit,
    ):
        page = await visit.open()
        await page.route("**/assets/ja-*.js", lambda route: route.abort())
        await page.get_by_role("combobox", name="Language").select_option("ja")
        await expect(page.get_by_text("The language could not be loaded.")).to_be_visible()
        await page.reload()
        await expect(page.get_by_role("link", name="History")).to_be_visible()
        visit.faults.clear()


async def test_a_path_that_is_no_page_says_so(browser: Browser, tmp_path: Path) -> None:
    async with (
        recording_server(tmp_path, bundle=BUNDLE) as server,
        visiting(browser, server.url) as visit,
    ):
        page = await visit.open("/no/such/page")
        await expect(page.get_by_role("heading", level=1)).to_have_text("There is no such page")
        visit.forgive("404")
