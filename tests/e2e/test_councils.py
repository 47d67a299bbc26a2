"""Councils: seen, copied, changed, used by the next question, kept as files."""

import json
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Locator, Page, expect
from tests.support.recording import recording_server
from tests.support.serving import Server
from tests.support.visiting import Visit, visiting
from tests.support.watching import QUESTION, ask, judge, log_of, shown, standing, start_of

from magisystem.http.web import BUNDLE
from magisystem.protocol.values import Rule

SAVE = "Save council"


def seat(agent_id: str, role: str = "sage", **fields: Any) -> dict[str, Any]:
    return {
        "agentId": agent_id,
        "name": agent_id.upper(),
        "role": role,
        "systemPrompt": f"You are {agent_id}.",
        **fields,
    }


BOARD: dict[str, Any] = {
    "id": "board",
    "name": "The board",
    "rule": "majority",
    "agents": [
        seat("ada", temperature=0.5, topP=0.9, topK=10, maxTokens=500),
        seat("bob", model="embedded"),
        seat("eve", enabled=False),
        seat("judy", "judge"),
    ],
    "limits": {"sageS": 20.0, "silenceS": 5.5},
}


@asynccontextmanager
async def visited(browser: Browser, folder: Path, *kept: dict[str, Any]) -> AsyncGenerator[tuple[Visit, Server]]:
    """Visit a server that keeps some councils."""
    async with recording_server(folder, bundle=BUNDLE) as server:
        for council in kept:
            (await server.http.put(f"/councils/{council['id']}", json=council)).raise_for_status()
        async with visiting(browser, server.url) as visit:
            yield visit, server


def of_seat(page: Page, name: str) -> Locator:
    """Find the fields of an agent."""
    return page.get_by_role("group", name=name, exact=True)


async def kept(server: Server, council_id: str) -> dict[str, Any]:
    answer = await server.http.get(f"/councils/{council_id}")
    answer.raise_for_status()
    council = answer.json()
    return {name: council[name] for name in council if name not in {"preset", "updatedAt"}}


async def test_a_copy_of_magi_is_changed_saved_and_convened_by_the_next_question(
    browser: Browser, tmp_path: Path
) -> None:
    async with visited(browser, tmp_path) as (visit, server):
        page = await visit.open("/councils")
        await page.get_by_role("link", name="Copy and change").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("Copy of “magi”")
        await page.get_by_role("textbox", name="Id", exact=True).fill("sceptics")
        await page.get_by_role("textbox", name="Display name").fill("The sceptics")
        await page.get_by_role("combobox", name="Rule").select_option("Unanimous")
        await of_seat(page, "CASPAR").get_by_role("textbox", name="Point of view").fill("You doubt everything.")
        await page.get_by_role("button", name=SAVE).click()
        await expect(page.get_by_role("heading", level=2, name="The sceptics")).to_be_visible()
        await expect(page.get_by_role("main")).to_contain_text("You doubt everything.")
        saved = await kept(server, "sceptics")
        assert (saved["name"], saved["rule"]) == ("The sceptics", "unanimous")

        await page.get_by_role("link", name="Ask with this council").click()
        await expect(page.get_by_role("combobox", name="Council")).to_have_value("sceptics")
        deliberation_id = await ask(page)
        await expect(standing(page)).to_contain_text("Approved")
        start = start_of(await log_of(server.http, deliberation_id))
        assert (start.council.id, start.council.rule) == ("sceptics", Rule.UNANIMOUS)
        briefs = {brief.agent.id: brief for brief in server.model.speeches}
        assert "You doubt everything." in briefs["caspar"].system
        assert "You doubt everything." not in briefs["melchior"].system

        await expect(page.get_by_role("button", name="Ask the council sceptics again")).to_be_visible()


async def test_the_choice_of_a_council_reaches_the_server(browser: Browser, tmp_path: Path) -> None:
    async with visited(browser, tmp_path, BOARD) as (visit, server):
        page = await visit.open()
        await page.get_by_role("combobox", name="Council").select_option("The board")
        deliberation_id = await ask(page)
        await expect(page.get_by_role("heading", level=3, name="ADA")).to_be_visible()
        start = start_of(await log_of(server.http, deliberation_id))
        assert start.council.id == "board"
        assert [card.agent_id for card in start.council.agents] == ["ada", "bob", "judy"]
        await expect(page.get_by_role("region", name="JUDY", exact=True)).to_contain_text("Majority of votes")


async def test_a_built_in_council_can_be_read_and_not_changed(browser: Browser, tmp_path: Path) -> None:
    async with visited(browser, tmp_path) as (visit, _):
        page = await visit.open("/councils?id=magi")
        await expect(page.get_by_role("main")).to_contain_text("Built in; it cannot be changed.")
        await expect(page.get_by_role("article")).to_have_count(4)
        actions = page.get_by_role("group", name="What can be done with this council")
        await expect(actions.get_by_role("link", name="Copy and change")).to_be_visible()
        await expect(actions.get_by_role("link", name="Edit")).to_have_count(0)
        await expect(actions.get_by_role("button", name="Delete")).to_have_count(0)


async def test_a_council_goes_through_the_editor_with_nothing_lost(browser: Browser, tmp_path: Path) -> None:
    async with visited(browser, tmp_path, BOARD) as (visit, server):
        page = await visit.open("/councils?id=board")
        await page.get_by_role("link", name="Edit").click()
        await expect(page.get_by_role("textbox", name="Id", exact=True)).to_have_attribute("readonly", "")
        ada = of_seat(page, "ADA")
        await expect(ada.get_by_role("textbox", name="Temperature")).to_have_value("0.5")
        await ada.get_by_role("textbox", name="Temperature").fill("0.25")
        await page.get_by_role("button", name="Move ADA down").click()
        await page.get_by_role("button", name=SAVE).click()
        await expect(page.get_by_role("heading", level=2, name="The board")).to_be_visible()
        ada_seat, *others = BOARD["agents"]
        expected = [others[0], ada_seat | {"temperature": 0.25}, *others[1:]]
        assert await kept(server, "board") == BOARD | {"agents": expected}


async def test_what_is_exported_can_be_imported_again(browser: Browser, tmp_path: Path) -> None:
    async with visited(browser, tmp_path, BOARD) as (visit, server):
        page = await visit.open("/councils?id=board")
        async with page.expect_download() as download:
            await page.get_by_role("button", name="Export").click()
        file = await download.value
        assert file.suggested_filename == "council-board.json"
        content = (await file.path()).read_bytes()
        assert json.loads(content) == BOARD
        await server.http.delete("/councils/board")
        await page.reload()

        await page.get_by_role("button", name="Import").click()
        async with page.expect_file_chooser() as chooser:
            await page.get_by_role("button", name="Choose a JSON file").click()
        await (await chooser.value).set_files(
            {"name": "council-board.json", "mimeType": "application/json", "buffer": content}
        )
        await expect(page.get_by_role("dialog")).to_contain_text("“The board” is a sound council")
        await page.get_by_role("button", name="Review it").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("Imported council")
        await page.get_by_role("button", name=SAVE).click()
        await expect(page.get_by_role("heading", level=2, name="The board")).to_be_visible()
        assert await kept(server, "board") == BOARD


async def test_a_file_that_is_no_council_is_refused_with_its_faults_named(browser: Browser, tmp_path: Path) -> None:
    async with visited(browser, tmp_path) as (visit, _):
        page = await visit.open("/councils")
        await page.get_by_role("button", name="Import").click()
        dialog = page.get_by_role("dialog", name="Import a council")
        text = dialog.get_by_role("textbox", name="Or paste its JSON")
        await text.fill("{")
        await dialog.get_by_role("button", name="Check").click()
        await expect(dialog.get_by_role("alert")).to_contain_text("This is not JSON.")
        await text.fill(json.dumps(BOARD | {"agents": [seat("ADA", temperature=7)]}))
        await dialog.get_by_role("button", name="Check").click()
        faults = dialog.get_by_role("alert").get_by_role("listitem")
        await expect(faults.filter(has_text="agents.0.temperature")).to_contain_text("It must be from 0 to 1.")
        await expect(faults.filter(has_text="agents.0.agentId")).to_have_count(1)
        await expect(dialog.get_by_role("button", name="Review it")).to_have_count(0)
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("button", name="Import")).to_be_focused()


async def test_a_council_that_cannot_be_saved_says_so_at_its_fields(browser: Browser, tmp_path: Path) -> None:
    async with visited(browser, tmp_path) as (visit, server):
        page = await visit.open("/councils?copy=magi")
        await page.get_by_role("textbox", name="Id", exact=True).fill("No Such Id")
        temperature = of_seat(page, "MELCHIOR").get_by_role("textbox", name="Temperature")
        await temperature.fill("7")
        await page.get_by_role("button", name=SAVE).click()
        await expect(page.get_by_role("alert")).to_contain_text("This council cannot be saved yet.")
        await expect(temperature).to_have_accessible_description(re.compile("It must be from 0 to 1."))
        await expect(page.get_by_role("textbox", name="Id", exact=True)).to_be_focused()
        assert len((await server.http.get("/councils")).json()["items"]) == 1


async def test_what_only_the_server_finds_wrong_is_shown_at_its_field(browser: Browser, tmp_path: Path) -> None:
    async with visited(browser, tmp_path) as (visit, server):
        page = await visit.open("/councils?copy=magi")
        model = of_seat(page, "BALTHASAR").get_by_role("combobox", name="Model")
        await model.fill("oracle:delphi")
        await expect(model).to_have_accessible_description(re.compile("knows no models of the form"))
        await page.get_by_role("button", name=SAVE).click()
        await expect(page.get_by_role("alert")).to_contain_text("The server did not save the council")
        await expect(model).to_have_accessible_description(re.compile("no model provider 'oracle'"))
        await expect(model).to_have_attribute("aria-invalid", "true")
        await expect(model).to_be_focused()
        await expect(model).to_have_value("oracle:delphi")
        visit.forgive("400")
        await model.fill("")
        await page.get_by_role("button", name=SAVE).click()
        await expect(page.get_by_role("link", name="Ask with this council")).to_be_visible()
        assert len((await server.http.get("/councils")).json()["items"]) == 2


async def test_a_council_is_deleted_and_can_be_had_back(browser: Browser, tmp_path: Path) -> None:
    async with visited(browser, tmp_path, BOARD) as (visit, server):
        page = await visit.open("/councils?id=board")
        await page.get_by_role("button", name="Delete").click()
        await expect(page.get_by_text("Deleted “The board”.")).to_be_visible()
        await expect(page.get_by_role("link", name="The board")).to_have_count(0)
        assert (await server.http.get("/councils/board")).status_code == 404
        await page.get_by_role("button", name="Undo").click()
        await expect(page.get_by_role("heading", level=2, name="The board")).to_be_visible()
        assert await kept(server, "board") == BOARD


async def test_changes_are_not_lost_by_leaving_without_a_word(browser: Browser, tmp_path: Path) -> None:
    async with visited(browser, tmp_path, BOARD) as (visit, _):
        page = await visit.open("/councils?id=board")
        await page.get_by_role("link", name="Edit").click()
        name = page.get_by_role("textbox", name="Display name")
        await name.fill("Half done")
        await page.get_by_role("link", name="History").click()
        dialog = page.get_by_role("dialog", name="Leave without saving?")
        await dialog.get_by_role("button", name="Keep editing").click()
        await expect(name).to_have_value("Half done")
        await page.get_by_role("link", name="History").click()
        await dialog.get_by_role("button", name="Leave without saving").click()
        await expect(page.get_by_role("heading", level=1, name="History")).to_be_visible()


async def test_a_council_that_was_deleted_meanwhile_refuses_the_start_at_its_field(
    browser: Browser, tmp_path: Path
) -> None:
    async with visited(browser, tmp_path, BOARD) as (visit, server):
        page = await visit.open("/?council=board")
        council = page.get_by_role("combobox", name="Council")
        await expect(council).to_have_value("board")
        # The list has come: a council that it does not have is not asked for.
        await expect(council.get_by_role("option")).to_have_count(2)
        await server.http.delete("/councils/board")
        await page.get_by_role("textbox", name="Your question").fill(QUESTION)
        await page.get_by_role("button", name="Ask", exact=True).click()
        await expect(page.get_by_role("alert")).to_contain_text("The server did not take the question")
        await expect(council).to_have_attribute("aria-invalid", "true")
        await expect(council).to_have_accessible_description(re.compile("'board'"))
        await expect(page.get_by_role("textbox", name="Your question")).to_have_value(QUESTION)
        visit.forgive("400")
        await council.select_option("magi")
        await page.get_by_role("button", name="Ask", exact=True).click()
        await shown(page)
        await expect(judge(page).get_by_role("heading", name="Verdict")).to_be_visible()
