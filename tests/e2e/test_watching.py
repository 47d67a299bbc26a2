"""Asking, and watching three minds decide."""

import asyncio
import re
from pathlib import Path

import httpx2
import pytest
from playwright.async_api import Browser, Page, Route, expect
from tests.support.cli import OWNER
from tests.support.recording import recording_server
from tests.support.serving import real_server
from tests.support.visiting import visiting
from tests.support.watching import (
    QUESTION,
    SAGES,
    ask,
    decided,
    expect_above,
    expect_as_logged,
    judge,
    log_of,
    said,
    shown,
    standing,
    start_of,
    state_of,
    telling,
    vote,
)

from magisystem.deliberation import deliberations
from magisystem.deliberation.ports import Repeated
from magisystem.http.web import BUNDLE
from magisystem.logs import SqliteEventLog
from magisystem.protocol.events import Cancelled
from magisystem.protocol.values import Decision, Mode
from magisystem.testing.scripted import ScriptedModel


def url_of(http: httpx2.AsyncClient) -> str:
    return str(http.base_url).rstrip("/")


async def test_three_lanes_stream_side_by_side_before_any_vote_and_the_verdict_follows(
    browser: Browser, tmp_path: Path
) -> None:
    more, votes, ruling, rest = (asyncio.Event() for _ in range(4))
    lanes = {name.lower(): telling("First words. ", more, "Last words.", votes) for name in SAGES}
    model = ScriptedModel(lanes | {"solomon": telling("I weigh ", ruling, "them all.", rest)})
    async with recording_server(tmp_path, model, bundle=BUNDLE) as server, visiting(browser, server.url) as visit:
        page = await visit.open()
        await ask(page)
        await expect(page.get_by_role("heading", level=1, name=QUESTION)).to_be_visible()
        for name in SAGES:
            await expect(said(page, name)).to_have_text("First words.")
        more.set()
        for name in SAGES:
            await expect(said(page, name)).to_have_text("First words. Last words.")
            await expect(vote(page, name)).to_have_count(0)
        await expect(standing(page)).to_have_text("Deliberating")
        lefts = [await left_of(page, name) for name in SAGES]
        assert lefts == sorted(set(lefts))

        votes.set()
        for name in SAGES:
            await expect(vote(page, name)).to_contain_text("Approved")
            await expect(vote(page, name).get_by_role("meter", name="Confidence")).to_have_attribute(
                "aria-valuenow", "0.8"
            )
            await expect(vote(page, name)).to_contain_text("As scripted.")
        await expect(said(page, "SOLOMON")).to_have_text("I weigh")
        ruling.set()
        await expect(said(page, "SOLOMON")).to_have_text("I weigh them all.")
        await expect(judge(page).get_by_role("heading", name="Verdict")).to_have_count(0)
        rest.set()

        await expect(judge(page).get_by_role("heading", name="Verdict")).to_be_visible()
        await expect(standing(page)).to_contain_text("Approved")
        await expect(judge(page).get_by_role("meter", name="Confidence")).to_have_attribute("aria-valuetext", "80%")
        for name in SAGES:
            score = judge(page).get_by_role("meter", name=f"Score of {name}")
            await expect(score).to_have_attribute("aria-valuetext", "70")
        await expect(judge(page)).to_contain_text("3 approved")
        await expect(judge(page)).to_contain_text("Go on.")
        await expect(page.get_by_role("button", name="Stop")).to_have_count(0)


async def left_of(page: Page, name: str) -> float:
    box = await said(page, name).bounding_box()
    assert box is not None
    return box["x"]


async def test_votes_are_shown_as_they_fall_and_not_before(browser: Browser, tmp_path: Path) -> None:
    falls = {name: asyncio.Event() for name in SAGES}
    decisions = dict(zip(SAGES, (Decision.APPROVED, Decision.REJECTED, Decision.ABSTAINED), strict=True))
    model = ScriptedModel({name.lower(): telling("Words.", falls[name], decision=decisions[name]) for name in SAGES})
    async with recording_server(tmp_path, model, bundle=BUNDLE) as server, visiting(browser, server.url) as visit:
        page = await visit.open()
        await ask(page)
        for name, word in (("MELCHIOR", "Abstained"), ("CASPAR", "Approved"), ("BALTHASAR", "Rejected")):
            await expect(said(page, name)).to_have_text("Words.")
            await expect(vote(page, name)).to_have_count(0)
            falls[name].set()
            await expect(vote(page, name)).to_contain_text(word)
        await expect(judge(page)).to_contain_text("1 rejected")


async def test_what_is_rule_based_is_said_above_the_verdict(browser: Browser) -> None:
    async with real_server(embedded_tokens_per_s=0) as http, visiting(browser, url_of(http)) as visit:
        page = await visit.open()
        deliberation_id = await ask(page)
        verdict = judge(page).get_by_role("heading", name="Verdict")
        # A process that asks for the first time loads its models first.
        await expect(verdict).to_be_visible(timeout=20_000)
        notice = judge(page).get_by_text(re.compile(r"CASPAR, BALTHASAR, MELCHIOR.*rule-based, no language model"))
        await expect_above(notice, verdict)
        await expect_as_logged(page, await state_of(http, deliberation_id))


async def test_criteria_reach_the_council_and_the_language_is_the_question_s(browser: Browser, tmp_path: Path) -> None:
    model = ScriptedModel()
    async with recording_server(tmp_path, model, bundle=BUNDLE) as server, visiting(browser, server.url) as visit:
        page = await visit.open()
        await page.get_by_text("Criteria for the votes").click()
        await page.get_by_role("textbox", name="Approve if").fill("It pays for itself")
        await page.get_by_role("textbox", name="Reject if").fill("Customers notice")
        await ask(page)
        await expect(standing(page)).to_contain_text("Approved")
        matter = model.speeches[0].matter
        assert (matter.question, matter.language) == (QUESTION, None)
        assert (matter.criteria.approve_if, matter.criteria.reject_if) == ("It pays for itself", "Customers notice")


@pytest.mark.parametrize("keys", ["Control+Enter", "Meta+Enter"])
async def test_a_question_is_asked_by_the_keyboard_while_enter_alone_is_a_new_line(
    browser: Browser, keys: str, tmp_path: Path
) -> None:
    model = ScriptedModel()
    async with recording_server(tmp_path, model, bundle=BUNDLE) as server, visiting(browser, server.url) as visit:
        page = await visit.open()
        await page.get_by_role("textbox", name="Your question").press_sequentially("Should we?")
        await page.keyboard.press("Enter")
        await page.keyboard.type("Really?")
        await page.keyboard.press(keys)
        await shown(page)
        await expect(standing(page)).to_contain_text("Approved")
        assert model.speeches[0].matter.question == "Should we?\nReally?"


async def test_nothing_is_asked_where_nothing_is_written_and_the_field_says_so(
    browser: Browser, tmp_path: Path
) -> None:
    model = ScriptedModel()
    async with recording_server(tmp_path, model, bundle=BUNDLE) as server, visiting(browser, server.url) as visit:
        page = await visit.open()
        await page.get_by_role("button", name="Ask", exact=True).click()
        question = page.get_by_role("textbox", name="Your question")
        await expect(question).to_have_accessible_description("Write a question first.")
        await expect(question).to_be_focused()
        assert model.speeches == []


async def test_a_refused_start_keeps_the_text_and_names_the_field(browser: Browser, tmp_path: Path) -> None:
    async with recording_server(tmp_path, bundle=BUNDLE) as server, visiting(browser, server.url) as visit:
        page = await visit.open()
        # Its council is known to the page and not to the server any more: a refusal that only the server can give.
        await page.route(
            "**/invocations", lambda route: route.continue_(post_data={"question": QUESTION, "council": "gone"})
        )
        await page.get_by_role("textbox", name="Your question").fill(QUESTION)
        await page.get_by_role("button", name="Ask", exact=True).click()
        await expect(page.get_by_role("alert")).to_contain_text("The server did not take the question")
        council = page.get_by_role("combobox", name="Council")
        await expect(council).to_have_accessible_description(re.compile("There is no council 'gone'"))
        await expect(council).to_have_attribute("aria-invalid", "true")
        await expect(page.get_by_role("textbox", name="Your question")).to_have_value(QUESTION)
        visit.forgive("400")


async def test_a_deliberation_that_is_stopped_is_stopping_until_the_server_confirms(
    browser: Browser, tmp_path: Path
) -> None:
    never, confirmed = asyncio.Event(), asyncio.Event()
    model = ScriptedModel({name.lower(): telling("Half a sentence", never) for name in SAGES})
    async with recording_server(tmp_path, model, bundle=BUNDLE) as server, visiting(browser, server.url) as visit:
        page = await visit.open()
        deliberation_id = await ask(page)
        await expect(said(page, "MELCHIOR")).to_have_text("Half a sentence")

        async def hold_back(route: Route) -> None:
            await confirmed.wait()
            await route.continue_()

        await page.route("**/cancel", hold_back)
        await page.get_by_role("button", name="Stop").click()
        stopping = page.get_by_role("button", name="Stopping…")
        await expect(stopping).to_have_attribute("aria-disabled", "true")
        await expect(standing(page)).to_have_text("Deliberating")
        assert server.deliberations.n_running == 1
        confirmed.set()
        await expect(standing(page)).to_have_text("Stopped")
        await expect(stopping).to_have_count(0)
        await expect(judge(page)).to_contain_text("Stopped before the end. There is no verdict.")
        end = (await log_of(server.http, deliberation_id))[-1]
        assert isinstance(end, Cancelled)
        assert len(end.receipt.agents) == 3
        for name in SAGES:
            receipt = judge(page).get_by_role("listitem").filter(has_text=name)
            await expect(receipt).to_contain_text("output tokens")
            await expect(receipt).to_contain_text("its stream is closed")
            await expect(said(page, name)).to_have_text("Half a sentence")


async def test_a_follow_up_goes_on_in_the_same_session_and_a_chat_turn_asks_the_judge_alone(
    browser: Browser, tmp_path: Path
) -> None:
    model = ScriptedModel()
    async with recording_server(tmp_path, model, bundle=BUNDLE) as server, visiting(browser, server.url) as visit:
        page = await visit.open()
        first = await ask(page)
        await page.get_by_role("textbox", name="Your next question").fill("And the month after?")
        await page.get_by_role("button", name="Ask the council magi again").click()
        await expect(page.get_by_role("heading", level=1, name="And the month after?")).to_be_visible()
        second = await shown(page)
        await expect(standing(page)).to_contain_text("Approved")
        n_speeches = len(model.speeches)
        await page.get_by_role("textbox", name="Your next question").fill("Say it in a word.")
        await page.get_by_role("button", name="Ask SOLOMON alone").click()
        await expect(page.get_by_role("heading", level=1, name="Say it in a word.")).to_be_visible()
        await expect(said(page, "SOLOMON")).to_contain_text("SOLOMON has read the question.")
        third = await shown(page)
        await expect(page.get_by_role("log")).to_have_count(1)
        starts = [start_of(await log_of(server.http, each)) for each in (first, second, third)]
        assert [start.mode for start in starts] == [Mode.DELIBERATE, Mode.DELIBERATE, Mode.CHAT]
        assert len({start.session_id for start in starts}) == 1
        assert len({first, second, third}) == 3
        assert [brief.agent.id for brief in model.speeches[n_speeches:]] == ["solomon"]
        assert "And the month after?" in "".join(message.content for message in model.speeches[-1].messages)
        turns = page.get_by_role("navigation", name="This conversation").get_by_role("link")
        await expect(turns).to_have_count(3)
        await turns.first.click()
        await expect(page.get_by_role("heading", level=1, name=QUESTION)).to_be_visible()


async def test_a_stop_that_nobody_obeys_is_said_to_have_failed(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliberations, "_CANCEL_S", 0.01)
    async with (
        recording_server(tmp_path, bundle=BUNDLE) as server,
        # Another process that lives, and does not do what it is told.
        SqliteEventLog.open(tmp_path) as log,
        visiting(browser, server.url) as visit,
    ):
        deliberation_id = await decided(server.http)
        whole = (await server.deliberations.read(deliberation_id, OWNER)).records
        await server.deliberations.forget(deliberation_id, OWNER)
        writer = await log.create(deliberation_id, OWNER)
        assert not isinstance(writer, Repeated)
        await writer.append(whole[:-1])

        page = await visit.open(f"/d/{deliberation_id}")
        await expect(said(page, "CASPAR")).to_contain_text("CASPAR has read the question.")
        await page.get_by_role("button", name="Stop").click()
        await expect(page.get_by_text("so the work may be going on")).to_be_visible()
        await expect(page.get_by_role("button", name="Try to stop again")).to_be_visible()
        await expect(standing(page)).to_have_text("Deliberating")
        visit.forgive("409")
        await writer.append(whole[-1:])
        await expect(standing(page)).to_contain_text("Approved")
        await expect(page.get_by_text("so the work may be going on")).to_have_count(0)
