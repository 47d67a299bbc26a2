"""Two deliberations side by side."""

from pathlib import Path

from playwright.async_api import Browser, Page, expect
from tests.support.cli import says
from tests.support.recording import recording_server
from tests.support.visiting import visiting
from tests.support.watching import decided

from magisystem.http.web import BUNDLE
from magisystem.protocol.values import Decision
from magisystem.testing.scripted import ScriptedModel

FIRST, SECOND = "Should we move to Rust?", "Should we stay with Python?"


def changing() -> ScriptedModel:
    """Give a council whose CASPAR and judge approve the first time and reject the second time."""
    no = Decision.REJECTED
    return ScriptedModel(
        {
            "caspar": [*says("Yes, go."), *says("No, stay.", no, 0.6)],
            "solomon": [*says("All told, yes."), *says("All told, no.", no, 0.9)],
        }
    )


def section(page: Page, name: str) -> object:
    return page.get_by_role("region", name=name, exact=True)


async def test_two_are_chosen_in_the_history_and_compared(browser: Browser, tmp_path: Path) -> None:
    async with recording_server(tmp_path, changing(), bundle=BUNDLE) as server, visiting(browser, server.url) as visit:
        first = await decided(server.http, FIRST)
        second = await decided(server.http, SECOND)
        page = await visit.open("/history")
        await page.get_by_role("checkbox", name=f"Select to compare: {SECOND}").check()
        await page.get_by_role("checkbox", name=f"Select to compare: {FIRST}").check()
        await page.get_by_role("region", name="Selected for comparison").get_by_role("link", name="Compare").click()
        # The older one stands first, in whatever order they were chosen.
        await page.wait_for_url(f"**/compare?a={first}&b={second}")
        await expect(page.get_by_role("region", name="Side A").get_by_role("heading")).to_have_text(FIRST)
        await expect(page.get_by_role("region", name="Side B").get_by_role("heading")).to_have_text(SECOND)

        outcome = page.get_by_role("region", name="Outcome", exact=True)
        await expect(outcome).to_contain_text("Changed: Approved → Rejected")
        await expect(outcome).to_contain_text("Changed: 80% → 90%")
        sages = page.get_by_role("region", name="Sages", exact=True)
        await expect(sages.get_by_text("Changed: Approved → Rejected")).to_have_count(1)
        await expect(sages.get_by_text("Same: Approved")).to_have_count(2)
        await sages.get_by_role("button", name="What CASPAR said").click()
        await expect(sages).to_contain_text("Yes, go.")
        await expect(sages).to_contain_text("No, stay.")
        scores = page.get_by_role("table", name="Scores, of 100")
        await expect(scores.get_by_role("row", name="CASPAR")).to_contain_text("70")
        figures = page.get_by_role("region", name="Figures", exact=True)
        await expect(figures.get_by_role("row", name="Approved").get_by_role("cell")).to_have_text(["3", "2", "−1"])
        await expect(figures.get_by_role("row", name="Tokens out").get_by_role("cell")).to_have_text(
            ["20", "20", "same"]
        )

        await page.get_by_role("button", name="Swap A and B").click()
        await page.wait_for_url(f"**/compare?a={second}&b={first}")
        await expect(outcome).to_contain_text("Changed: Rejected → Approved")
        await page.get_by_role("link", name="Open A").click()
        await page.wait_for_url(f"**/d/{second}")


async def test_a_side_is_chosen_on_the_page_and_one_that_is_gone_leaves_the_other_standing(
    browser: Browser, tmp_path: Path
) -> None:
    async with recording_server(tmp_path, changing(), bundle=BUNDLE) as server, visiting(browser, server.url) as visit:
        first = await decided(server.http, FIRST)
        second = await decided(server.http, SECOND)
        page = await visit.open(f"/compare?a={first}&b=gone")
        side = page.get_by_role("region", name="Side B")
        await expect(side).to_contain_text("This one cannot be shown")
        await expect(page.get_by_role("region", name="Side A").get_by_role("heading")).to_have_text(FIRST)
        await expect(page.get_by_role("region", name="Sages", exact=True)).to_contain_text("CASPAR")
        await page.get_by_role("button", name="Choose another for B").click()
        recent = page.get_by_role("list", name="Recent deliberations for B")
        await expect(recent.get_by_role("button")).to_have_count(1)
        await recent.get_by_role("button", name=SECOND).click()
        await page.wait_for_url(f"**/compare?a={first}&b={second}")
        await expect(page.get_by_role("region", name="Outcome", exact=True)).to_contain_text("Approved → Rejected")
        visit.forgive("404")
