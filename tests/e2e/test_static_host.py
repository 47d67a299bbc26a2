"""The client from a plain static host on a port of its own, its backends elsewhere: what ``config.json`` says is so."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, Request, expect
from tests.support.recording import recording_server
from tests.support.serving import Server
from tests.support.static_host import StaticHost, static_host
from tests.support.visiting import visiting
from tests.support.watching import QUESTION, SAGES, ask, decided, judge, said, standing, telling

from magisystem.http.web import BUNDLE
from magisystem.testing.scripted import ScriptedModel

ARN = "arn:aws:bedrock-agentcore:us-west-2:123456789012:runtime/magi-abc123XYZ0"
SESSION = "x-amzn-bedrock-agentcore-runtime-session-id"


@pytest_asyncio.fixture(loop_scope="session")
async def host(tmp_path: Path) -> AsyncGenerator[StaticHost]:
    async with static_host(tmp_path / "host") as serving:
        yield serving


def direct(url: str, name: str = "Elsewhere") -> dict[str, str]:
    return {"kind": "direct", "name": name, "url": url}


def agentcore(url: str) -> dict[str, str]:
    return {"kind": "agentcore", "name": "Runtime", "arn": ARN, "region": "us-west-2", "endpoint": url}


def function(url: str) -> dict[str, str]:
    return {"kind": "lambda", "name": "Function", "url": url}


def gated() -> tuple[ScriptedModel, asyncio.Event]:
    """Give a model whose sages stop after their first words until the event is set."""
    more = asyncio.Event()
    return ScriptedModel({name.lower(): telling("First words. ", more, "Last words.") for name in SAGES}), more


async def test_a_deliberation_is_asked_watched_and_opened_again_from_another_origin(
    browser: Browser, host: StaticHost, tmp_path: Path
) -> None:
    model, more = gated()
    async with (
        recording_server(tmp_path, model, cors_origins=host.url) as server,
        visiting(browser, host.url) as visit,
    ):
        host.configure(direct(server.url), routing="hash")
        sockets: list[str] = []
        visit.page.on("websocket", lambda socket: sockets.append(socket.url))
        page = await visit.open()
        deliberation_id = await ask(page)
        assert page.url == f"{host.url}/#/d/{deliberation_id}"
        for name in SAGES:
            await expect(said(page, name)).to_have_text("First words.")
        assert sockets == [f"{server.url.replace('http', 'ws', 1)}/ws"]

        await page.reload()
        await expect(said(page, "CASPAR")).to_have_text("First words.")
        other = await visit.another_tab(f"/#/d/{deliberation_id}")
        more.set()
        for tab in (page, other):
            await expect(judge(tab).get_by_role("heading", name="Verdict")).to_be_visible()
            await expect(said(tab, "CASPAR")).to_have_text("First words. Last words.")


async def test_the_past_is_found_renamed_compared_and_deleted_from_another_origin(
    browser: Browser, host: StaticHost, tmp_path: Path
) -> None:
    async with (
        recording_server(tmp_path, cors_origins=host.url) as server,
        visiting(browser, host.url) as visit,
    ):
        host.configure(direct(server.url), routing="hash")
        first = await decided(server.http, "Should we move?")
        second = await decided(server.http, "Should we stay?")
        page = await visit.open("/#/history")
        await page.get_by_role("button", name="Rename: Should we move?").click()
        await page.get_by_role("textbox", name="Title").fill("The great move")
        await page.get_by_role("button", name="Save").click()
        await expect(page.get_by_role("link", name="The great move")).to_be_visible()

        await page.get_by_role("searchbox", name="Search").fill("stay")
        await expect(page.get_by_role("link", name="The great move")).to_have_count(0)
        await expect(page.get_by_role("link", name="Should we stay?")).to_be_visible()
        await page.get_by_role("searchbox", name="Search").fill("")

        for name in ("The great move", "Should we stay?"):
            await page.get_by_role("checkbox", name=f"Select to compare: {name}").check()
        await page.get_by_role("link", name="Compare", exact=True).last.click()
        await expect(page.get_by_role("heading", level=1, name="Compare")).to_be_visible()
        assert first in page.url
        assert second in page.url
        await page.reload()
        await expect(page.get_by_role("heading", name="Sages")).to_be_visible()

        await page.get_by_role("navigation", name="Pages").get_by_role("link", name="History").click()
        await page.get_by_role("button", name="Delete: Should we stay?").click()
        await expect(page.get_by_role("link", name="Should we stay?")).to_have_count(0)
        async with page.expect_response(lambda answer: answer.request.method == "DELETE"):
            await page.get_by_role("button", name="Close").click()
        assert (await server.http.get(f"/deliberations/{second}")).status_code == 404
        await page.reload()
        await expect(page.get_by_role("link", name="The great move")).to_be_visible()
        await expect(page.get_by_role("link", name="Should we stay?")).to_have_count(0)


async def test_a_council_is_written_asked_and_deleted_from_another_origin(
    browser: Browser, host: StaticHost, tmp_path: Path
) -> None:
    async with (
        recording_server(tmp_path, cors_origins=host.url) as server,
        visiting(browser, host.url) as visit,
    ):
        host.configure(direct(server.url), routing="hash")
        page = await visit.open("/#/councils")
        await use_a_council_of_ones_own(page)
        assert [council["id"] for council in await own_councils(server)] == []
        assert {brief.agent.name for brief in server.model.speeches} >= {"Ada"}


async def use_a_council_of_ones_own(page: Page) -> None:
    """Copy a built-in council under a name of one's own, ask it, and delete it."""
    await page.get_by_role("link", name="Copy and change").click()
    await page.get_by_role("textbox", name="Id", exact=True).fill("house")
    await page.get_by_role("textbox", name="Name", exact=True).first.fill("Ada")
    await page.get_by_role("button", name="Save council").click()
    await page.get_by_role("link", name="Ask with this council").click()
    await ask(page)
    await expect(judge(page).get_by_role("heading", name="Verdict")).to_be_visible()
    await expect(said(page, "Ada")).to_be_visible()
    await page.get_by_role("navigation", name="Pages").get_by_role("link", name="Councils").click()
    await page.get_by_role("navigation", name="Councils").get_by_role("link", name="house").click()
    await page.get_by_role("button", name="Delete").click()
    await expect(page.get_by_role("navigation", name="Councils").get_by_role("link", name="house")).to_have_count(0)


async def own_councils(server: Server) -> list[dict[str, Any]]:
    answer = await server.http.get("/councils")
    return [council for council in answer.json()["items"] if not council["preset"]]


@pytest.mark.parametrize("backend", [agentcore, function])
async def test_one_path_is_enough_for_everything(
    browser: Browser, host: StaticHost, tmp_path: Path, backend: Any
) -> None:
    model, more = gated()
    async with (
        recording_server(tmp_path, model, cors_origins=host.url) as server,
        visiting(browser, host.url) as visit,
    ):
        host.configure(backend(server.url), routing="hash")
        calls: list[Request] = []

        def note(request: Request) -> None:
            calls.append(request)

        visit.page.on("request", note)
        page = await visit.open()
        await ask(page)
        await expect(said(page, "CASPAR")).to_have_text("First words.")
        await page.get_by_role("button", name="Stop").click()
        await expect(standing(page)).to_have_text("Stopped")

        more.set()
        await page.get_by_role("navigation", name="Pages").get_by_role("link", name="Ask").click()
        await ask(page, "And now?")
        await expect(judge(page).get_by_role("heading", name="Verdict")).to_be_visible()
        await expect(said(page, "CASPAR")).to_have_text("First words. Last words.")

        await page.get_by_role("navigation", name="Pages").get_by_role("link", name="History").click()
        await expect(page.get_by_role("link", name=QUESTION)).to_be_visible()
        await expect(page.get_by_role("link", name="And now?")).to_be_visible()
        await page.get_by_role("navigation", name="Pages").get_by_role("link", name="Councils").click()
        await use_a_council_of_ones_own(page)
        assert await own_councils(server) == []

    sent = [call for call in calls if call.url.startswith(server.url) and call.method != "OPTIONS"]
    assert {call.method for call in sent} == {"POST"}
    assert len({call.url for call in sent}) == 1
    if backend is agentcore:
        assert (
            sent[0].url
            == f"{server.url}/runtimes/{ARN.replace(':', '%3A').replace('/', '%2F')}/invocations?qualifier=DEFAULT"
        )
        (session,) = {call.headers.get(SESSION, "") for call in sent}
        assert len(session) >= 33
    else:
        assert sent[0].url == f"{server.url}/invocations"


async def test_the_header_switches_between_two_backends(browser: Browser, host: StaticHost, tmp_path: Path) -> None:
    async with (
        recording_server(tmp_path / "near", cors_origins=host.url) as near,
        recording_server(tmp_path / "far", cors_origins=host.url) as far,
        visiting(browser, host.url) as visit,
    ):
        await decided(near.http, "Asked nearby?")
        await decided(far.http, "Asked far away?")
        host.configure(direct(near.url, "Near"), agentcore(far.url) | {"name": "Far"}, routing="hash")
        page = await visit.open("/#/history")
        await expect(page.get_by_role("link", name="Asked nearby?")).to_be_visible()
        await page.get_by_role("combobox", name="Backend").select_option("Far")
        await expect(page.get_by_role("link", name="Asked far away?")).to_be_visible()
        await expect(page.get_by_role("link", name="Asked nearby?")).to_have_count(0)
        await page.reload()
        await expect(page.get_by_role("combobox", name="Backend")).to_have_value("1")
        await expect(page.get_by_role("link", name="Asked far away?")).to_be_visible()
        await page.get_by_role("navigation", name="Pages").get_by_role("link", name="Ask").click()
        await ask(page, "Where am I?")
        await expect(judge(page).get_by_role("heading", name="Verdict")).to_be_visible()
        assert [brief.matter.question for brief in near.model.speeches].count("Where am I?") == 0


@pytest.mark.parametrize(
    ("configuration", "named"),
    [
        ({"backends": []}, "backends"),
        ({"backends": [{"kind": "direct", "name": "A", "url": "magi.example.com"}]}, "backends[0].url"),
        ({"backends": [{"kind": "telepathy", "name": "A"}]}, "backends[0].kind"),
        ({"backends": [{"kind": "agentcore", "name": "A", "region": "us-west-2"}]}, "backends[0].arn"),
        ({"backends": [{"kind": "direct", "name": "A", "url": "", "uri": "x"}]}, "uri"),
        ({"backends": [{"kind": "direct", "name": "A", "url": ""}], "routing": "magic"}, "routing"),
    ],
)
async def test_a_wrong_configuration_is_named_in_the_page(
    browser: Browser, host: StaticHost, configuration: Mapping[str, object], named: str
) -> None:
    host.write(configuration)
    async with visiting(browser, host.url) as visit:
        page = await visit.open()
        await expect(page.get_by_role("alert")).to_contain_text(f"`{named}`")
        host.configure(direct("http://127.0.0.1:9"))
        await page.get_by_role("button", name="Try again").click()
        await expect(page.get_by_role("textbox", name="Your question")).to_be_visible()
        visit.forgive("ERR_CONNECTION_REFUSED")
        visit.forgive("ERR_UNSAFE_PORT")


async def test_without_a_configuration_the_page_asks_the_server_it_came_from(browser: Browser, tmp_path: Path) -> None:
    async with (
        recording_server(tmp_path, bundle=BUNDLE) as server,
        visiting(browser, server.url) as visit,
    ):
        await visit.page.route("**/config.json", lambda route: route.fulfill(status=404, body="not here"))
        page = await visit.open()
        await ask(page)
        await expect(judge(page).get_by_role("heading", name="Verdict")).to_be_visible()
        visit.forgive("config.json")
