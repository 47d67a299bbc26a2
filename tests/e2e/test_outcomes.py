"""What limits the worth of an outcome is said above it, never in a footnote."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect
from tests.support.cli import breaks, fails, says
from tests.support.recording import recording_server
from tests.support.visiting import visiting
from tests.support.watching import (
    QUESTION,
    decided,
    expect_above,
    expect_as_logged,
    judge,
    said,
    standing,
    state_of,
    vote,
)

from magisystem.http.web import BUNDLE
from magisystem.protocol.values import Decision, LaneStatus
from magisystem.testing.scripted import Script, ScriptedModel

APPROVES, REJECTS, ABSTAINS = (
    says("My case.", decision) for decision in (Decision.APPROVED, Decision.REJECTED, Decision.ABSTAINED)
)

LIMITED: Mapping[str, tuple[Mapping[str, Sequence[Script]], str, str]] = {
    "degraded": (
        {"caspar": [fails]},
        "Degraded: 2 of 3 sages cast a vote that could be read.",
        "Approved",
    ),
    "without a judge": (
        {"solomon": [fails]},
        "No judge ruled: the sages' majority stands.",
        "Approved",
    ),
    "inconclusive for want of votes": (
        {"caspar": [fails], "melchior": [fails]},
        "Inconclusive: nothing was decided.",
        "Nothing was decided",
    ),
    "inconclusive because the judge abstains": (
        {"solomon": ABSTAINS},
        "Inconclusive: nothing was decided.",
        "Nothing was decided",
    ),
    "overturned": (
        {"caspar": REJECTS, "melchior": REJECTS, "solomon": APPROVES},
        "Overturned: the judge ruled against the majority of the sages.",
        "Approved",
    ),
}


@pytest.mark.parametrize("kind", LIMITED)
async def test_what_limits_an_outcome_is_said_above_it(browser: Browser, tmp_path: Path, kind: str) -> None:
    scripts, notice, outcome = LIMITED[kind]
    async with (
        recording_server(tmp_path, ScriptedModel(scripts), bundle=BUNDLE) as server,
        visiting(browser, server.url) as visit,
    ):
        deliberation_id = await decided(server.http)
        page = await visit.open(f"/d/{deliberation_id}")
        conclusion = page.get_by_test_id("verdict")
        await expect(conclusion).to_contain_text(outcome)
        await expect_above(judge(page).get_by_text(notice), conclusion)
        await expect_as_logged(page, await state_of(server.http, deliberation_id))


async def test_a_sage_that_fails_is_shown_with_what_it_had_said_and_why_and_counts_as_failed(
    browser: Browser, tmp_path: Path
) -> None:
    model = ScriptedModel({"caspar": [fails]})
    async with (
        recording_server(tmp_path, model, bundle=BUNDLE) as server,
        visiting(browser, server.url) as visit,
    ):
        page = await visit.open(f"/d/{await decided(server.http)}")
        lane = page.get_by_role("article", name="CASPAR")
        await expect(lane).to_contain_text("Failed")
        await expect(lane).to_contain_text("the provider refuses the credentials")
        await expect(said(page, "CASPAR")).to_have_text("I was about to")
        await expect(vote(page, "CASPAR")).to_have_count(0)
        await expect(judge(page)).to_contain_text("1 failed")
        await expect(judge(page)).to_contain_text("2 approved")
        missing = judge(page).get_by_role("listitem").filter(has_text="CASPAR: the provider refuses the credentials")
        await expect(missing).to_be_visible()
        await expect(standing(page)).to_contain_text("Decided, degraded")


async def test_what_an_attempt_said_that_broke_off_is_not_left_in_the_lane(browser: Browser, tmp_path: Path) -> None:
    model = ScriptedModel({"melchior": [breaks, *says("Words that count.")]})
    async with (
        recording_server(tmp_path, model, bundle=BUNDLE) as server,
        visiting(browser, server.url) as visit,
    ):
        deliberation_id = await decided(server.http)
        page = await visit.open(f"/d/{deliberation_id}")
        await expect(said(page, "MELCHIOR")).to_have_text("Words that count.")
        await expect(page.get_by_role("article", name="MELCHIOR")).to_contain_text("attempt 2")
        lane = (await state_of(server.http, deliberation_id)).lanes[2]
        assert (lane.attempt, lane.status) == (2, LaneStatus.VOTED)


async def test_an_unknown_deliberation_is_an_error_in_place_of_the_page_with_a_way_on(
    browser: Browser, tmp_path: Path
) -> None:
    async with recording_server(tmp_path, bundle=BUNDLE) as server, visiting(browser, server.url) as visit:
        page = await visit.open("/d/no-such-deliberation")
        await expect(page.get_by_role("heading", level=1)).to_have_text("This deliberation cannot be shown")
        await expect(page.get_by_role("alert")).to_contain_text("There is no such deliberation.")
        await expect(page.get_by_role("log")).to_have_count(0)
        await page.get_by_role("link", name="Ask a new question").click()
        await expect(page.get_by_role("textbox", name="Your question")).to_be_visible()
        await page.go_back()
        await page.get_by_role("link", name="Look in the history").click()
        await expect(page.get_by_role("heading", level=1, name="History")).to_be_visible()
        visit.forgive("404")


async def test_an_address_that_is_no_page_says_so_and_leads_back(browser: Browser, tmp_path: Path) -> None:
    async with recording_server(tmp_path, bundle=BUNDLE) as server, visiting(browser, server.url) as visit:
        page = await visit.open("/history")
        await page.evaluate("history.pushState(null, '', '/no/such/page')")
        await expect(page.get_by_role("heading", level=1)).to_have_text("There is no such page")
        await page.get_by_role("link", name="Ask a question").click()
        await expect(page.get_by_role("textbox", name="Your question")).to_be_visible()


async def test_the_recent_ones_on_the_first_page_lead_to_what_they_came_to(browser: Browser, tmp_path: Path) -> None:
    model = ScriptedModel({"solomon": ABSTAINS})
    async with (
        recording_server(tmp_path, model, bundle=BUNDLE) as server,
        visiting(browser, server.url) as visit,
    ):
        deliberation_id = await decided(server.http)
        page = await visit.open()
        recent = page.get_by_role("region", name="Recent deliberations").get_by_role("link", name=QUESTION)
        await expect(recent).to_contain_text("Inconclusive")
        await recent.click()
        await page.wait_for_url(f"**/d/{deliberation_id}")
        await expect(standing(page)).to_contain_text("Inconclusive")
