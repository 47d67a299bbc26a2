"""What has been deliberated on: found, named, deleted, kept as a file."""

import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Browser, Locator, Page, expect
from tests.support.cli import fails, says
from tests.support.recording import recording_server
from tests.support.serving import Server
from tests.support.visiting import Visit, visiting
from tests.support.watching import SAGES, decided, expect_as_logged, log_of, standing, state_of

from magisystem.council.briefs import Brief
from magisystem.http.web import BUNDLE
from magisystem.protocol.fold import fold
from magisystem.protocol.values import Decision
from magisystem.testing.scripted import Script, ScriptedModel, Step

RUST, FRIDAY, RECORDS = "Should we move to Rust?", "Should Fridays be free?", "Should we delete the old records?"

REJECTS: Mapping[str, Sequence[Script]] = {"solomon": says("No.", Decision.REJECTED)}
OPEN: Mapping[str, Sequence[Script]] = {"caspar": [fails], "melchior": [fails]}


def judging() -> ScriptedModel:
    """Give a council that approves of Rust, rejects free Fridays and leaves the records open."""
    return ScriptedModel({agent_id: [by_question] for agent_id in ("caspar", "balthasar", "melchior", "solomon")})


def by_question(brief: Brief) -> Sequence[Step]:
    scripts = {FRIDAY: REJECTS, RECORDS: OPEN}.get(brief.matter.question, {})
    script, *_ = scripts.get(brief.agent.id) or says("Yes.")
    return script(brief)


@asynccontextmanager
async def three_past(browser: Browser, folder: Path) -> AsyncGenerator[tuple[Visit, Server, dict[str, str]]]:
    """Visit a server that has three deliberations behind it; gives their ids by question."""
    async with recording_server(folder, judging(), bundle=BUNDLE) as server:
        ids = {question: await decided(server.http, question) for question in (RUST, FRIDAY, RECORDS)}
        async with visiting(browser, server.url) as visit:
            yield visit, server, ids


def row(page: Page, name: str) -> Locator:
    return page.get_by_role("main").get_by_role("listitem").filter(has=page.get_by_role("heading", name=name))


async def expect_rows(page: Page, *names: str) -> None:
    await expect(page.get_by_role("main").get_by_role("heading", level=3)).to_have_text(names)


async def test_the_past_is_listed_newest_first_with_what_it_came_to_and_opens(browser: Browser, tmp_path: Path) -> None:
    async with three_past(browser, tmp_path) as (visit, _, ids):
        page = await visit.open("/history")
        await expect_rows(page, RECORDS, FRIDAY, RUST)
        await expect(row(page, RECORDS)).to_contain_text("Inconclusive")
        await expect(row(page, FRIDAY)).to_contain_text("Rejected")
        await expect(row(page, RUST)).to_contain_text("Approved")
        await expect(page.get_by_role("heading", name="Today")).to_be_visible()
        await page.get_by_role("link", name=FRIDAY).click()
        await page.wait_for_url(f"**/d/{ids[FRIDAY]}")
        await expect(standing(page)).to_contain_text("Rejected")


async def test_a_search_and_filters_narrow_the_list_and_are_in_the_address(browser: Browser, tmp_path: Path) -> None:
    async with three_past(browser, tmp_path) as (visit, _, _):
        page = await visit.open("/history")
        await page.get_by_role("searchbox", name="Search").fill("rust")
        await expect_rows(page, RUST)
        await page.reload()
        await expect_rows(page, RUST)
        await page.get_by_role("combobox", name="Decision").select_option("Rejected")
        await expect(page.get_by_text("Nothing was found.")).to_be_visible()
        await page.get_by_role("button", name="Clear search and filters").click()
        await expect_rows(page, RECORDS, FRIDAY, RUST)
        await page.get_by_role("combobox", name="Decision").select_option("Rejected")
        await expect_rows(page, FRIDAY)
        await page.get_by_role("combobox", name="Decision").select_option("Any decision")
        await page.get_by_role("combobox", name="Outcome").select_option("Inconclusive")
        await expect_rows(page, RECORDS)
        await page.go_back()
        await expect_rows(page, RECORDS, FRIDAY, RUST)


async def test_a_title_is_given_found_and_taken_away_again(browser: Browser, tmp_path: Path) -> None:
    async with three_past(browser, tmp_path) as (visit, server, ids):
        page = await visit.open("/history")
        await page.get_by_role("button", name=f"Rename: {RUST}").click()
        await expect(page.get_by_role("textbox", name="Title")).to_be_focused()
        await page.get_by_role("textbox", name="Title").fill("Third quarter")
        await page.keyboard.press("Enter")
        await expect_rows(page, RECORDS, FRIDAY, "Third quarter")
        await expect(row(page, "Third quarter")).to_contain_text(RUST)
        await expect(page.get_by_role("button", name="Rename: Third quarter")).to_be_focused()
        await page.get_by_role("searchbox", name="Search").fill("quarter")
        await expect_rows(page, "Third quarter")
        await page.reload()
        await expect_rows(page, "Third quarter")

        await page.get_by_role("button", name="Rename: Third quarter").click()
        await page.get_by_role("textbox", name="Title").fill("")
        await page.get_by_role("button", name="Save").click()
        await page.get_by_role("searchbox", name="Search").fill("rust")
        await expect_rows(page, RUST)
        items = (await server.http.get("/deliberations")).json()["items"]
        assert {item["deliberationId"]: item["title"] for item in items}[ids[RUST]] is None


async def test_a_deletion_that_is_undone_never_reached_the_server(browser: Browser, tmp_path: Path) -> None:
    async with three_past(browser, tmp_path) as (visit, server, ids):
        page = visit.page
        deletions: list[str] = []
        page.on("request", lambda request: deletions.append(request.url) if request.method == "DELETE" else None)
        await page.clock.install()
        await visit.open("/history")
        await page.get_by_role("button", name=f"Delete: {FRIDAY}").click()
        await expect_rows(page, RECORDS, RUST)
        await page.get_by_role("button", name="Undo").click()
        await expect_rows(page, RECORDS, FRIDAY, RUST)
        await page.clock.fast_forward(60_000)
        await page.reload()
        await expect_rows(page, RECORDS, FRIDAY, RUST)
        assert deletions == []
        assert (await server.http.get(f"/deliberations/{ids[FRIDAY]}")).status_code == 200


async def test_a_deletion_that_is_not_undone_in_time_is_done_on_the_server(browser: Browser, tmp_path: Path) -> None:
    async with three_past(browser, tmp_path) as (visit, server, ids):
        page = visit.page
        await page.clock.install()
        await visit.open("/history")
        await page.get_by_role("button", name=f"Delete: {FRIDAY}").click()
        await expect(page.get_by_role("link", name=RUST)).to_be_focused()
        assert (await server.http.get(f"/deliberations/{ids[FRIDAY]}")).status_code == 200
        async with page.expect_response(lambda response: response.request.method == "DELETE") as answered:
            # The pointer is off the message, which would hold it.
            await page.mouse.move(0, 0)
            await page.clock.fast_forward(10_000)
        assert (await answered.value).status == 204
        assert (await server.http.get(f"/deliberations/{ids[FRIDAY]}")).status_code == 404
        await expect(page.get_by_text("The deliberation is deleted.")).to_have_count(0)
        await expect_rows(page, RECORDS, RUST)


async def test_a_deletion_is_done_when_the_page_is_left_before_its_time(browser: Browser, tmp_path: Path) -> None:
    async with three_past(browser, tmp_path) as (visit, server, ids):
        page = await visit.open("/history")
        await page.get_by_role("button", name=f"Delete: {FRIDAY}").click()
        await expect_rows(page, RECORDS, RUST)
        await page.goto("about:blank")
        page = await visit.open("/history")
        await expect_rows(page, RECORDS, RUST)
        assert (await server.http.get(f"/deliberations/{ids[FRIDAY]}")).status_code == 404


async def exported(page: Page, question: str, form: str) -> tuple[str, str]:
    """Export one of the list; gives the file's name and content."""
    await page.get_by_role("button", name=f"Export: {question}").click()
    dialog = page.get_by_role("dialog", name="Export")
    async with page.expect_download() as download:
        await dialog.get_by_role("button", name=form).click()
    file = await download.value
    await expect(dialog).to_have_count(0)
    return file.suggested_filename, (await file.path()).read_text(encoding="utf-8")


async def test_an_export_holds_the_whole_deliberation_to_read_or_for_programs(browser: Browser, tmp_path: Path) -> None:
    async with three_past(browser, tmp_path) as (visit, server, ids):
        page = await visit.open("/history")
        name, text = await exported(page, RECORDS, "Markdown")
        assert name == f"magi-{ids[RECORDS]}.md"
        state = await state_of(server.http, ids[RECORDS])
        assert RECORDS in text
        assert all(sage in text for sage in SAGES)
        assert all(lane.text.strip() in text for lane in state.lanes)
        assert text.index("Inconclusive") < text.index(RECORDS)

        name, text = await exported(page, RUST, "JSON")
        assert name == f"magi-{ids[RUST]}.json"
        document = json.loads(text)
        events = await log_of(server.http, ids[RUST])
        assert [event["seq"] for event in document["events"]] == [event.seq for event in events]
        assert [event["type"] for event in document["events"]][-1] == "complete"
        assert document["state"]["cursor"] == len(events)


async def test_what_is_shown_can_be_exported_where_it_is_shown(browser: Browser, tmp_path: Path) -> None:
    async with three_past(browser, tmp_path) as (visit, server, ids):
        page = await visit.open(f"/d/{ids[RUST]}")
        await expect(standing(page)).to_contain_text("Approved")
        await expect_as_logged(page, fold(await log_of(server.http, ids[RUST])))
        await page.get_by_role("button", name="Export").click()
        async with page.expect_download() as download:
            await page.get_by_role("button", name="As JSON").click()
        document = json.loads((await (await download.value).path()).read_text(encoding="utf-8"))
        assert document["state"]["complete"]["decision"] == "APPROVED"
        assert len(document["events"]) == document["state"]["cursor"]
