"""axe finds nothing on any page, in any of its states, light and dark, on a desktop and on a phone."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect
from tests.support.axe import Axe
from tests.support.recording import recording_server
from tests.support.serving import Server
from tests.support.visiting import Visit, visiting
from tests.support.watching import begun, decided, log_of, said, standing, start_of, vote

from magisystem.council.briefs import Brief
from magisystem.deliberation.ports import Record, Repeated, Thought
from magisystem.errors import ModelDenied, ModelStreamCut
from magisystem.http.web import BUNDLE
from magisystem.logs.sqlite import SqliteEventLog
from magisystem.protocol.codec import encode
from magisystem.protocol.events import Failed
from magisystem.protocol.values import Decision
from magisystem.testing.scripted import ScriptedModel, Step, Wait, approval, speech

RICH = """\
## What speaks for it

1. It is **cheaper**, by `12 %`.
2. It is *calmer*; see [the report](https://example.com/report).

> Nobody has been paged since.

| Year | Cost |
| ---- | ---: |
| 2025 |   12 |
| 2026 |    9 |

```python
print("done")
```
"""
LONG = "Should we move the whole of the billing service, its invoices, reminders and exports, to Rust? " * 8


def of_question(brief: Brief) -> Sequence[Step]:
    """Speak as the question asks for: each question is a state of the page."""
    name, question = brief.agent.id, brief.matter.question
    accepted, *words = speech(RICH)
    spoken = [accepted, Thought("First I weigh the cost. "), *words]
    if "degrades" in question and name == "caspar":
        return [*speech("I was about to "), ModelStreamCut("the line went dead")]
    if "fails" in question and name != "caspar":
        return [*speech("I was about to "), ModelDenied("no access")]
    if "hangs" in question and name != "caspar":
        return [*spoken, Wait(asyncio.Event().wait)]
    if "overturns" in question and name == "solomon":
        return [*spoken, *approval(brief, Decision.REJECTED)]
    return [*spoken, *approval(brief)]


@dataclass(frozen=True, slots=True)
class Past:
    """A server, and the ids of what was deliberated on before anybody looks."""

    server: Server
    decided: str
    degraded: str
    inconclusive: str
    overturned: str
    cancelled: str
    failed: str
    chat: str
    second_turn: str


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def past(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Past]:
    folder = tmp_path_factory.mktemp("past")
    agents = ("caspar", "balthasar", "melchior", "solomon")
    model = ScriptedModel({agent: [of_question] for agent in agents})
    async with recording_server(folder, model, bundle=BUNDLE, data_dir=folder) as server:
        http = server.http
        first = await decided(http, LONG)
        session = start_of(await log_of(http, first)).session_id
        stopped = await begun(http, "What if it hangs?")
        (await http.post(f"/deliberations/{stopped}/cancel")).raise_for_status()
        yield Past(
            server,
            decided=first,
            degraded=await decided(http, "What if it degrades?"),
            inconclusive=await decided(http, "What if it fails?"),
            overturned=await decided(http, "What if the judge overturns it?"),
            cancelled=stopped,
            failed=await failed_after(folder, server, await decided(http)),
            chat=await decided(http, "And in one sentence?", mode="chat"),
            second_turn=await decided(http, "And next year?", sessionId=session),
        )


async def failed_after(folder: Path, server: Server, deliberation_id: str) -> str:
    """Give the id of a deliberation that failed as a whole after the first events of another one."""
    records = (await server.deliberations.read(deliberation_id, "local")).records[:8]
    failure = Failed(
        seq=9, timestamp="2026-01-01T00:00:09.000Z", error="log_unavailable", message="No space left.", retryable=True
    )
    async with SqliteEventLog.open(folder) as log:
        writer = await log.create("f" * 32, "local", b"{}")
        assert not isinstance(writer, Repeated)
        await writer.append([*records, Record(9, encode(failure), is_terminal=True)])
    return "f" * 32


@asynccontextmanager
async def looked_at(browser: Browser, url: str) -> AsyncGenerator[tuple[Visit, Axe]]:
    """Visit, and fail where axe found anything at all."""
    async with visiting(browser, url) as visit:
        axe = await Axe.over(visit)
        yield visit, axe
        assert axe.faults == [], "\n".join(axe.faults)


async def test_the_page_to_ask_on_is_open_to_everybody(browser: Browser, past: Past) -> None:
    async with looked_at(browser, past.server.url) as (visit, axe):
        page = await visit.open()
        await expect(page.get_by_role("link", name="And next year?").first).to_be_visible()
        await axe.look("ask")
        await page.get_by_role("button", name="Ask", exact=True).click()
        await expect(page.get_by_text("Write a question first.")).to_be_visible()
        await page.get_by_text("Criteria for the votes").click()
        await page.get_by_role("textbox", name="Approve if").fill("It pays for itself")
        await axe.look("ask, with criteria and an error")
        await page.get_by_role("textbox", name="Your question").fill("x" * 32_001)
        await expect(page.get_by_text("Shorten it")).to_be_visible()
        await axe.look("ask, too long", sizes=["desktop"])
        await page.route("**/invocations", lambda route: route.abort())
        await page.get_by_role("textbox", name="Your question").fill("Should we?")
        await page.get_by_role("button", name="Ask", exact=True).click()
        await expect(page.get_by_role("alert")).to_contain_text("No answer came")
        await axe.look("ask, without an answer")
        await visit.open("/?council=nobody")
        await expect(page.get_by_text("There is no council “nobody”")).to_be_visible()
        await axe.look("ask, another council")
        visit.forgive("ERR_FAILED")


ENDS: dict[str, tuple[Callable[[Past], str], str]] = {
    "decided": (lambda past: past.decided, "Approved"),
    "degraded": (lambda past: past.degraded, "Decided, degraded"),
    "inconclusive": (lambda past: past.inconclusive, "Inconclusive"),
    "overturned": (lambda past: past.overturned, "Rejected"),
    "cancelled": (lambda past: past.cancelled, "Stopped"),
    "failed": (lambda past: past.failed, "Failed"),
    "chat": (lambda past: past.chat, "Answered"),
}


@pytest.mark.parametrize("end", ENDS)
async def test_every_end_of_a_deliberation_is_open_to_everybody(browser: Browser, past: Past, end: str) -> None:
    find, stands = ENDS[end]
    async with looked_at(browser, past.server.url) as (visit, axe):
        page = await visit.open(f"/d/{find(past)}")
        await expect(standing(page)).to_contain_text(stands)
        if end in {"decided", "inconclusive", "overturned"}:
            await parsed(page, "CASPAR")
        await axe.look(end)


async def parsed(page: Page, name: str) -> None:
    """Wait until a lane's Markdown is no longer shown as it was written: its parser is a script of its own."""
    await expect(said(page, name).get_by_role("table")).to_be_visible()


async def test_a_deliberation_that_runs_is_open_to_everybody(browser: Browser, past: Past) -> None:
    running = await begun(past.server.http, "What if it hangs now?")
    async with looked_at(browser, past.server.url) as (visit, axe):
        page = await visit.open(f"/d/{running}")
        await expect(vote(page, "CASPAR")).to_be_visible()
        await parsed(page, "MELCHIOR")
        await expect(standing(page)).to_have_text("Deliberating")
        await axe.look("live")
        await axe.look("live", sizes=["phone"])
        await page.get_by_role("button", name="Trace").click()
        await every_tab(page, axe, "live")
        await visit.open(f"/d/{running}#seq=9999")
        await expect(page.get_by_text("This link leads to event 9,999")).to_be_visible()
        await axe.look("a moment to come", sizes=["desktop"])
        await visit.open(f"/compare?a={running}&b=no-such-one")
        await expect(page.get_by_text("This one cannot be shown")).to_be_visible()
        await axe.look("compared with one that is not there")
        visit.forgive("404")


async def test_what_opens_on_a_deliberation_is_open_to_everybody(browser: Browser, past: Past) -> None:
    async with looked_at(browser, past.server.url) as (visit, axe):
        page = await visit.open(f"/d/{past.decided}")
        await expect(page.get_by_role("navigation", name="This conversation")).to_be_visible()
        await page.get_by_role("button", name="Show the whole question").click()
        await said(page, "CASPAR").get_by_text("Thinking, ").click()
        await page.get_by_role("button", name="Share").click()
        await page.get_by_role("button", name="Ask the council magi again").click()
        await expect(page.get_by_text("Write a question first.")).to_be_visible()
        await axe.look("unfolded")
        await page.get_by_role("button", name="Export").click()
        await axe.look("the menu of exports", sizes=["desktop"])
        await visit.open(f"/d/{past.decided}#seq=12")
        await expect(page.get_by_role("region", name="Replay")).to_contain_text("You see the state at event 12")
        await page.get_by_text("Moments (").click()
        await axe.look("a moment of its replay")
        await visit.open("/d/no-such-deliberation")
        await expect(page.get_by_role("heading", name="This deliberation cannot be shown")).to_be_visible()
        await axe.look("no such deliberation")
        visit.forgive("404")


@pytest.mark.parametrize("state", ["decided", "degraded"])
async def test_the_trace_is_open_to_everybody(browser: Browser, past: Past, state: str) -> None:
    async with looked_at(browser, past.server.url) as (visit, axe):
        page = await visit.open(f"/d/{ENDS[state][0](past)}")
        await page.get_by_role("button", name="Trace").click()
        await every_tab(page, axe, state)


async def every_tab(page: Page, axe: Axe, state: str) -> None:
    """Look at each tab of the trace."""
    for tab in ("Timeline", "Figures", "Events"):
        await page.get_by_role("tab", name=tab).click()
        await expect(page.get_by_role("tabpanel", name=tab)).to_be_visible()
        await axe.look(f"{state}, {tab}", sizes=["desktop", "phone"] if state == "degraded" else ["desktop"])


async def test_the_history_is_open_to_everybody(browser: Browser, past: Past) -> None:
    async with looked_at(browser, past.server.url) as (visit, axe):
        page = await visit.open("/history")
        await expect(page.get_by_role("link", name="What if it degrades?")).to_be_visible()
        await axe.look("history")
        await page.get_by_role("button", name="Rename: What if it fails?").click()
        await expect(page.get_by_role("textbox", name="Title")).to_be_focused()
        await page.get_by_role("checkbox", name="Select to compare: What if it degrades?").check()
        await page.get_by_role("checkbox", name="Select to compare: And in one sentence?").check()
        await page.get_by_role("button", name="Delete: And next year?").click()
        await expect(page.get_by_text("The deliberation is deleted.")).to_be_visible()
        await axe.look("rename, selection and deletion")
        await page.get_by_role("button", name="Undo").click()
        await page.get_by_role("button", name="Export: What if it degrades?").click()
        await expect(page.get_by_role("dialog")).to_be_visible()
        await axe.look("export")
        await visit.open("/history?q=nothing+at+all")
        await expect(page.get_by_text("Nothing was found.")).to_be_visible()
        await axe.look("nothing found")


async def test_a_server_without_a_past_is_open_to_everybody(browser: Browser, tmp_path: Path) -> None:
    async with (
        recording_server(tmp_path, bundle=BUNDLE) as server,
        looked_at(browser, server.url) as (visit, axe),
    ):
        page = await visit.open()
        await expect(page.get_by_text("None yet. What you ask will be listed here.")).to_be_visible()
        await axe.look("ask")
        await visit.open("/history")
        await expect(page.get_by_text("There are no deliberations yet.")).to_be_visible()
        await axe.look("history")
        await visit.open("/compare")
        await expect(page.get_by_text("There is none to choose yet.").first).to_be_visible()
        await axe.look("compare")


async def test_comparing_is_open_to_everybody(browser: Browser, past: Past) -> None:
    async with looked_at(browser, past.server.url) as (visit, axe):
        page = await visit.open("/compare")
        await expect(page.get_by_role("list", name="Recent deliberations for A")).to_be_visible()
        await axe.look("both to be chosen")
        await visit.open(f"/compare?a={past.decided}&b={past.degraded}")
        await expect(page.get_by_role("heading", name="Figures")).to_be_visible()
        await axe.look("two")
        for details in await page.get_by_role("group").filter(has=page.locator("summary")).all():
            await details.locator("summary").first.click()
        await axe.look("two, unfolded", sizes=["desktop"])


async def test_councils_are_open_to_everybody(browser: Browser, past: Past) -> None:
    async with looked_at(browser, past.server.url) as (visit, axe):
        page = await visit.open("/councils")
        await expect(page.get_by_role("link", name="Copy and change")).to_be_visible()
        await axe.look("a built-in one")
        await page.get_by_role("button", name="Import").click()
        await page.get_by_role("textbox", name="Or paste its JSON").fill('{"id": "No", "agents": []}')
        await page.get_by_role("button", name="Check").click()
        await expect(page.get_by_role("alert")).to_be_visible()
        await axe.look("import with faults")
        await page.keyboard.press("Escape")
        await page.get_by_role("link", name="Copy and change").click()
        await page.get_by_role("textbox", name="Id", exact=True).fill("Not An Id")
        await page.get_by_role("textbox", name="Temperature").first.fill("7")
        await page.get_by_role("button", name="Save council").click()
        await expect(page.get_by_role("alert")).to_contain_text("This council cannot be saved yet")
        await axe.look("edit with faults")
        await page.get_by_role("button", name="Cancel").click()
        await expect(page.get_by_role("dialog")).to_contain_text("Leave without saving?")
        await axe.look("leave?", sizes=["desktop"])
        await page.get_by_role("button", name="Keep editing").click()
        await page.get_by_role("textbox", name="Id", exact=True).fill("house")
        await page.get_by_role("textbox", name="Temperature").first.fill("0.7")
        await page.get_by_role("button", name="Save council").click()
        await expect(page.get_by_role("link", name="Edit")).to_be_visible()
        await axe.look("one's own")
        await visit.open("/councils?id=nobody")
        await expect(page.get_by_text("There is no council “nobody”")).to_be_visible()
        await axe.look("no such council")


async def test_what_cannot_be_shown_is_said_to_everybody(browser: Browser, past: Past) -> None:
    async with looked_at(browser, past.server.url) as (visit, axe):
        page = await visit.open("/signin/callback")
        await expect(page.get_by_role("heading", name="There is no such page")).to_be_visible()
        await axe.look("no such page")
        await page.route("**/config.json", lambda route: route.fulfill(json={"backends": "none"}))
        await visit.open()
        await expect(page.get_by_role("alert")).to_contain_text("`backends`")
        await axe.look("a configuration that cannot be used")
        await page.unroute("**/config.json")
        await page.route("**/deliberations?*", lambda route: route.fulfill(status=500, body="{}"))
        await page.route("**/councils", lambda route: route.fulfill(status=500, body="{}"))
        await visit.open()
        await expect(page.get_by_text("The list of councils could not be loaded.")).to_be_visible()
        await axe.look("a server that fails")
        visit.forgive("500")
