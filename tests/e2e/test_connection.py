"""Whatever happens on the way, the page shows the whole deliberation, each word once."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect
from tests.interaction.test_recovery import free_port, magi_serve
from tests.support.nginx import nginx
from tests.support.proxies import Proxy, cut_after, untouched
from tests.support.recording import recording_server
from tests.support.visiting import visiting
from tests.support.watching import (
    SAGES,
    ask,
    begun,
    expect_as_logged,
    judge,
    said,
    shown,
    standing,
    state_of,
    telling,
    vote,
)

from magisystem.http.web import BUNDLE
from magisystem.testing.scripted import ScriptedModel

# What the pages say of a socket that something on the way does not let through.
NO_SOCKET = "WebSocket connection"


def gated(more: asyncio.Event) -> ScriptedModel:
    """Give a council that stops in the middle of its words."""
    words = ("One, two, ", "three. ", more, "Four, ", "five.")
    return ScriptedModel({name.lower(): telling(*words) for name in SAGES})


async def test_a_reload_in_the_middle_loses_nothing_and_doubles_nothing(browser: Browser, tmp_path: Path) -> None:
    more = asyncio.Event()
    async with (
        recording_server(tmp_path, gated(more), bundle=BUNDLE) as server,
        visiting(browser, server.url) as visit,
    ):
        page = await visit.open()
        deliberation_id = await ask(page)
        await expect(said(page, "MELCHIOR")).to_have_text("One, two, three.")
        await page.reload()
        for name in SAGES:
            await expect(said(page, name)).to_have_text("One, two, three.")
        more.set()
        await expect(standing(page)).to_contain_text("Approved")
        await expect_as_logged(page, await state_of(server.http, deliberation_id))
        await expect(page.get_by_text("Complete, digest verified")).to_be_visible()
        await page.reload()
        await expect(standing(page)).to_contain_text("Approved")
        await expect_as_logged(page, await state_of(server.http, deliberation_id))


async def test_a_page_whose_server_is_killed_finishes_by_itself_when_that_comes_back(browser: Browser) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    async with visiting(browser, url) as visit:
        async with magi_serve(port, MAGI_EMBEDDED_TOKENS_PER_S="60") as (process, _):
            page = await visit.open()
            deliberation_id = await ask(page)
            # A process that has just started loads its models first.
            await expect(said(page, "CASPAR")).to_contain_text("Rule-based advisor", timeout=20_000)
            # The time of the page stands still from here, so that what it does when is no matter of this machine's.
            await pause(page)
            process.kill()
            await process.wait()
        lost = page.get_by_text("lost since")
        # It has noticed when it tries again, and says nothing yet.
        async with page.expect_event("websocket"):
            await advance(page, 1_000)
        async with page.expect_event("websocket"):
            await advance(page, 1_500)
        await expect(lost).to_have_count(0)
        await advance(page, 1_500)
        await expect(lost).to_be_visible()
        await expect(said(page, "CASPAR")).to_contain_text("Rule-based advisor")
        async with magi_serve(port, MAGI_EMBEDDED_TOKENS_PER_S="0") as (_, http):
            await page.clock.resume()
            await expect(judge(page).get_by_role("heading", name="Verdict")).to_be_visible(timeout=20_000)
            await expect(lost).to_have_count(0)
            await expect_as_logged(page, await state_of(http, deliberation_id))
        visit.forgive(NO_SOCKET)
        visit.forgive("ERR_CONNECTION_REFUSED")


async def pause(page: Page) -> None:
    """Let the page's own time stand still."""
    await page.clock.install()
    # Its moments are in seconds; a moment must not be over when it is named, on a busy machine either.
    await page.clock.pause_at(await page.evaluate("Date.now() / 1000 + 1"))


async def advance(page: Page, by_ms: int) -> None:
    """Let the page's own time pass."""
    # In steps, between which answers can come.
    for _ in range(by_ms // 100):
        await page.clock.run_for(100)


@pytest.mark.parametrize("n_frames", [[0], [1], [3, 2], [5, 1, 4, 0, 7]])
async def test_a_stream_that_is_cut_anywhere_is_gone_on_with(
    browser: Browser, tmp_path: Path, n_frames: list[int]
) -> None:
    async with (
        recording_server(tmp_path, bundle=BUNDLE) as server,
        Proxy(server.url, [*map(cut_after, n_frames), untouched]).serving() as proxy,
        visiting(browser, proxy.url) as visit,
    ):
        page = await visit.open()
        deliberation_id = await ask(page)
        await expect(standing(page)).to_contain_text("Approved")
        await expect_as_logged(page, await state_of(server.http, deliberation_id))
        for name in SAGES:
            await expect(vote(page, name)).to_have_count(1)
        await expect(page.get_by_text("Complete, digest verified")).to_be_visible()
        assert proxy.n_streams == len(n_frames) + 1
        visit.forgive(NO_SOCKET)
        visit.forgive("ERR_CONNECTION_RESET")
        visit.forgive("ERR_INCOMPLETE_CHUNKED_ENCODING")
        visit.forgive("ERR_EMPTY_RESPONSE")


async def test_where_something_holds_the_stream_back_the_page_asks_in_turns_and_says_so(
    browser: Browser, tmp_path: Path
) -> None:
    more = asyncio.Event()
    async with (
        recording_server(tmp_path / "data", gated(more), bundle=BUNDLE) as server,
        nginx(server.url, tmp_path / "nginx") as way,
        visiting(browser, way.outer) as visit,
    ):
        page = visit.page
        await page.clock.install()
        await visit.open()
        async with page.expect_request("**/events?after=0"):
            deliberation_id = await ask(page)
        # The first byte of a stream is waited for for five seconds.
        await page.clock.fast_forward(5_000)
        await expect(page.get_by_text("asking for events in turns instead")).to_be_visible()
        for name in SAGES:
            await expect(said(page, name)).to_have_text("One, two, three.")
        more.set()
        await expect(standing(page)).to_contain_text("Approved")
        await expect_as_logged(page, await state_of(server.http, deliberation_id))
        visit.forgive(NO_SOCKET)


@asynccontextmanager
async def eight_running(folder: Path) -> AsyncGenerator[tuple[str, list[str], asyncio.Event]]:
    more = asyncio.Event()
    async with recording_server(folder, gated(more), bundle=BUNDLE) as server:
        yield server.url, [await begun(server.http, f"Question {n}?") for n in range(8)], more


async def test_eight_tabs_watch_eight_deliberations_at_once_and_a_ninth_still_gets_its_answers(
    browser: Browser, tmp_path: Path
) -> None:
    async with eight_running(tmp_path) as (url, ids, more), visiting(browser, url) as visit:
        tabs = [await visit.another_tab(f"/d/{deliberation_id}") for deliberation_id in ids]
        for tab in tabs:
            await expect(said(tab, "CASPAR")).to_have_text("One, two, three.")
        page = await visit.open("/history")
        await expect(page.get_by_role("listitem").filter(has_text="Running")).to_have_count(8)
        more.set()
        for tab in tabs:
            await expect(standing(tab)).to_contain_text("Approved")


async def test_what_was_seen_of_a_page_is_there_at_once_when_it_is_come_back_to(
    browser: Browser, tmp_path: Path
) -> None:
    more = asyncio.Event()
    async with (
        recording_server(tmp_path, gated(more), bundle=BUNDLE) as server,
        visiting(browser, server.url) as visit,
    ):
        page = await visit.open()
        deliberation_id = await ask(page)
        await expect(said(page, "CASPAR")).to_have_text("One, two, three.")
        await page.get_by_role("link", name="Councils").click()
        await expect(page.get_by_role("heading", level=1, name="Councils")).to_be_visible()
        more.set()
        await page.go_back()
        assert await shown(page) == deliberation_id
        await expect(standing(page)).to_contain_text("Approved")
        await expect_as_logged(page, await state_of(server.http, deliberation_id))


async def test_a_connection_that_was_cut_in_its_sleep_is_taken_up_again_where_it_stood(
    browser: Browser, tmp_path: Path
) -> None:
    more = asyncio.Event()
    async with (
        recording_server(tmp_path, gated(more), bundle=BUNDLE) as server,
        visiting(browser, server.url) as visit,
    ):
        page = await visit.open()
        deliberation_id = await ask(page)
        await expect(said(page, "CASPAR")).to_have_text("One, two, three.")
        await visit.context.set_offline(True)
        more.set()
        await server.deliberations.outcome(deliberation_id, "local")
        await visit.context.set_offline(False)
        await expect(standing(page)).to_contain_text("Approved")
        await expect_as_logged(page, await state_of(server.http, deliberation_id))
        visit.forgive("ERR_INTERNET_DISCONNECTED")
        visit.forgive(NO_SOCKET)
