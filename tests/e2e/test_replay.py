"""A finished deliberation, played again over its real timing; and links to a moment of it."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import msgspec
from playwright.async_api import Browser, Page, expect
from tests.support.cli import heard, says
from tests.support.serving import scripted_server
from tests.support.visiting import Visit, visiting
from tests.support.watching import SAGES, expect_as_logged, judge, standing, vote

from magisystem.deliberation.ports import Record, Repeated
from magisystem.http.web import BUNDLE
from magisystem.logs import MemoryEventLog
from magisystem.protocol.codec import decode
from magisystem.protocol.digest import Digest
from magisystem.protocol.events import AnyEvent, VoteCast
from magisystem.protocol.fold import fold
from magisystem.testing.scripted import ScriptedModel

# How far the events of the log lie apart, and where it is.
STEP_S = 1
PATH = "/d/replayed"
BEGINNING = datetime.fromisoformat("2026-03-01T12:00:00+00:00")


async def spaced_log() -> list[bytes]:
    """Give the log of a deliberation whose events lie a second apart, and whose digest is right."""
    scripts = {name.lower(): says(f"{name} thinks. And thinks again.") for name in SAGES}
    digest = Digest()
    bodies: list[bytes] = []
    for place, received in enumerate(await heard(scripts)):
        fields: dict[str, Any] = msgspec.json.decode(received.body)
        moment = BEGINNING + timedelta(seconds=place * STEP_S)
        fields["timestamp"] = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        if fields["type"] == "start":
            fields["deliberationId"] = "replayed"
        if fields["type"] == "complete":
            fields["digest"] = str(digest)
        bodies.append(msgspec.json.encode(fields))
        digest.add(bodies[-1])
    return bodies


@asynccontextmanager
async def replaying(browser: Browser) -> AsyncGenerator[tuple[Visit, list[AnyEvent]]]:
    """Visit a server that has such a log."""
    bodies = await spaced_log()
    log = MemoryEventLog()
    writer = await log.create("replayed", "local")
    assert not isinstance(writer, Repeated)
    last = len(bodies)
    await writer.append([Record(seq, body, is_terminal=seq == last) for seq, body in enumerate(bodies, 1)])
    async with (
        scripted_server(ScriptedModel(), log=log, bundle=BUNDLE) as server,
        visiting(browser, server.url) as visit,
    ):
        yield visit, [decode(body) for body in bodies]
        # This server keeps no records, and so knows of no conversation.
        visit.forgive("/sessions/")


def at_event(page: Page, seq: int, n_events: int) -> Any:
    return expect(page.get_by_text(f"You see the state at event {seq} of {n_events}")).to_be_visible()


async def test_a_finished_one_stands_at_its_end_and_its_log_is_proved(browser: Browser) -> None:
    async with replaying(browser) as (visit, events):
        page = await visit.open(PATH)
        await expect(standing(page)).to_contain_text("Approved")
        await expect(page.get_by_text("Complete, digest verified")).to_be_visible()
        await expect(page.get_by_role("slider", name="Time")).to_have_attribute(
            "aria-valuetext", f"{clock(len(events) - 1)} of {clock(len(events) - 1)}, The deliberation is complete"
        )
        await expect_as_logged(page, fold(events))


def clock(n_steps: int) -> str:
    minutes, seconds = divmod(n_steps * STEP_S, 60)
    return f"{minutes}:{seconds:02}"


async def test_it_plays_sixteen_times_as_fast_over_the_real_timing_and_then_to_the_end(browser: Browser) -> None:
    async with replaying(browser) as (visit, events):
        page = visit.page
        await page.clock.install()
        await visit.open(PATH)
        replay = page.get_by_role("region", name="Replay")
        await expect(replay).to_be_visible()
        await page.clock.pause_at(await page.evaluate("Date.now() / 1000 + 1"))
        await replay.get_by_role("button", name="16 times as fast").click()
        await replay.get_by_role("button", name="Play", exact=True).click()
        # A little more than half a second, so that the last frame lies beyond eight of the log's.
        await page.clock.run_for(525)
        await at_event(page, 9, len(events))
        await expect(replay).to_contain_text("0:08")
        await page.clock.run_for(250)
        await at_event(page, 13, len(events))
        await expect(judge(page).get_by_role("heading", name="Verdict")).to_have_count(0)
        await replay.get_by_role("button", name="Pause").click()
        await page.clock.run_for(5_000)
        await at_event(page, 13, len(events))
        await expect_as_logged(page, fold(events[:13]))

        await replay.get_by_role("button", name="1 times as fast", exact=True).click()
        await replay.get_by_role("button", name="Play", exact=True).click()
        await page.clock.run_for(STEP_S * 1_000)
        await at_event(page, 14, len(events))

        await replay.get_by_role("button", name="To the end").click()
        await page.clock.run_for(1_000)
        await expect(judge(page).get_by_role("heading", name="Verdict")).to_be_visible()
        await expect_as_logged(page, fold(events))


async def test_the_scrubber_goes_to_any_time_by_the_keyboard(browser: Browser) -> None:
    async with replaying(browser) as (visit, events):
        page = await visit.open(PATH)
        scrubber = page.get_by_role("slider", name="Time")
        await scrubber.press("Home")
        await at_event(page, 1, len(events))
        await expect(page.get_by_role("log")).to_have_text(["", "", ""])
        for _ in range(5 * STEP_S):
            await scrubber.press("ArrowRight")
        await at_event(page, 6, len(events))
        await expect_as_logged(page, fold(events[:6]))
        await expect(page).to_have_url(visit.url + PATH + "#seq=6")
        await scrubber.press("End")
        await expect(judge(page).get_by_role("heading", name="Verdict")).to_be_visible()
        await expect(page).to_have_url(visit.url + PATH)


async def test_a_link_to_a_moment_opens_that_moment_and_so_does_the_link_copied_there(browser: Browser) -> None:
    async with replaying(browser) as (visit, events):
        await visit.context.grant_permissions(["clipboard-read", "clipboard-write"])
        seq = next(event.seq for event in events if isinstance(event, VoteCast))
        page = await visit.open(f"{PATH}#seq={seq}")
        await at_event(page, seq, len(events))
        await expect_as_logged(page, fold(events[:seq]))
        await expect(page.get_by_role("region", name="Vote of")).to_have_count(1)

        await page.get_by_role("button", name="Next moment").click()
        await page.get_by_role("button", name="Copy link").click()
        link = await page.evaluate("navigator.clipboard.readText()")
        following = int(link.split("#seq=")[1])
        assert following > seq
        assert link.startswith(visit.url + PATH)
        other = await visit.another_tab(link.removeprefix(visit.url))
        await at_event(other, following, len(events))
        await expect_as_logged(other, fold(events[:following]))
        await other.get_by_role("button", name="To the end").click()
        await expect(vote(other, "CASPAR")).to_be_visible()
        await expect(other).to_have_url(visit.url + PATH)


async def test_a_link_to_a_moment_that_is_yet_to_come_waits_for_it(browser: Browser) -> None:
    bodies = await spaced_log()
    log = MemoryEventLog()
    writer = await log.create("replayed", "local")
    assert not isinstance(writer, Repeated)
    await writer.append([Record(seq, body, is_terminal=False) for seq, body in enumerate(bodies[:4], 1)])
    async with (
        scripted_server(ScriptedModel(), log=log, bundle=BUNDLE) as server,
        visiting(browser, server.url) as visit,
    ):
        page = await visit.open(f"{PATH}#seq=6")
        await expect(page.get_by_text("This link leads to event 6, which has not happened yet.")).to_be_visible()
        await writer.append([Record(seq, bodies[seq - 1], is_terminal=False) for seq in range(5, 9)])
        await expect(page.get_by_text("You see the state at event 6 of 8. The deliberation goes on.")).to_be_visible()
        await expect_as_logged(page, fold(decode(body) for body in bodies[:6]))
        await page.get_by_role("button", name="To the present").click()
        await expect_as_logged(page, fold(decode(body) for body in bodies[:8]))
        visit.forgive("/sessions/")
