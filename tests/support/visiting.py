"""A person's visit: a browser profile of its own, in a language, a theme and a size."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, ViewportSize

DESKTOP = ViewportSize(width=1280, height=800)
PHONE = ViewportSize(width=390, height=844)

Theme = Literal["dark", "light"]
Language = Literal["en", "ja"]


@dataclass(frozen=True, slots=True)
class Look:
    """How the visitor's browser is set."""

    language: Language = "en"
    theme: Theme = "dark"
    size: ViewportSize = field(default_factory=DESKTOP.copy)


@dataclass(slots=True)
class Visit:
    """What a visitor does, and everything that the pages complained of meanwhile.

    ``faults`` holds uncaught errors and what the console calls an error, refusals by the Content-Security-Policy
    among them; what a test expects is taken out with `forgive`.
    """

    context: BrowserContext
    page: Page
    url: str
    faults: list[str] = field(default_factory=list[str])

    async def open(self, path: str = "/") -> Page:
        """Go to a page of the client."""
        await self.page.goto(self.url + path)
        return self.page

    async def another_tab(self, path: str = "/") -> Page:
        """Open a page in another tab of the same profile."""
        page = await self.context.new_page()
        self.watch(page)
        await page.goto(self.url + path)
        return page

    def watch(self, page: Page) -> None:
        """Note what a page complains of."""
        faults = self.faults

        def note(message: ConsoleMessage) -> None:
            if message.type == "error":
                faults.append(f"console: {message.text} ({message.location.get('url', '')})")

        page.on("pageerror", lambda error: faults.append(f"uncaught: {error}"))
        page.on("console", note)

    def forgive(self, part: str) -> None:
        """Take out the faults that a test expects, by what stands in them."""
        self.faults[:] = [fault for fault in self.faults if part not in fault]


@asynccontextmanager
async def visiting(browser: Browser, url: str, look: Look | None = None) -> AsyncGenerator[Visit]:
    """Visit the client at ``url``; fails at the end where a page complained of something nobody forgave."""
    look = look or Look()
    context = await browser.new_context(
        viewport=look.size,
        color_scheme=look.theme,
        locale={"en": "en-GB", "ja": "ja-JP"}[look.language],
        reduced_motion="reduce",
        has_touch=look.size["width"] < 600,
    )
    context.set_default_timeout(15_000)
    try:
        page = await context.new_page()
        visit = Visit(context, page, url)
        visit.watch(page)
        yield visit
        assert visit.faults == [], f"the pages complained: {visit.faults}"
    finally:
        await context.close()
