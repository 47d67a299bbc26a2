"""`make screenshots`: a picture of every page, light and dark, in English and Japanese, on a desktop and on a phone.

The pictures lie in build/screenshots. They are there to be looked at; no test compares them.
"""

import asyncio
import re
import shutil
import sys
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import httpx2
from playwright.async_api import Browser, Page, ViewportSize

from tests.support.chromium import chromium
from tests.support.serving import real_server
from tests.support.visiting import DESKTOP, PHONE, Language, Look, Theme, visiting

FOLDER = Path("build/screenshots")
_THEMES: tuple[Theme, ...] = ("dark", "light")
_SIZES: Mapping[str, ViewportSize] = {"desktop": DESKTOP, "phone": PHONE}

QUESTIONS: Mapping[Language, tuple[str, ...]] = {
    "en": (
        "Should we move the billing service to Rust? It handles 2,000 invoices an hour; a rewrite takes six months.",
        "Should we let everyone work from home on Fridays?",
        "Should we delete the old customer records now, without a backup?",
    ),
    "ja": (
        "社内の決済システムをマイクロサービスへ移行すべきか？移行には半年かかり、現在は安定して動いている。",
        "金曜日は全員在宅勤務にすべきですか？",
        "古い顧客データをバックアップなしで今すぐ削除すべきですか？",
    ),
}


# Ids of what was deliberated on before the visit, in the order of `QUESTIONS`.
Past = Sequence[str]
Shot = Callable[[Page, str, Past], Awaitable[None]]


async def _ask(page: Page, url: str, _: Past) -> None:
    await page.goto(url)


async def _decided(page: Page, url: str, past: Past) -> None:
    await page.goto(f"{url}/d/{past[0]}")


async def _verdict(page: Page, url: str, past: Past) -> None:
    await page.goto(f"{url}/d/{past[0]}")
    await page.get_by_role("button", name=re.compile("^(To the verdict|裁定へ)$")).click()


async def _moment(page: Page, url: str, past: Past) -> None:
    await page.goto(f"{url}/d/{past[0]}#seq=60")


async def _trace(page: Page, url: str, past: Past) -> None:
    await page.goto(f"{url}/d/{past[0]}")
    await page.get_by_role("button", name=re.compile("^(Trace|トレース)$")).click()


async def _history(page: Page, url: str, _: Past) -> None:
    await page.goto(f"{url}/history")


async def _compare(page: Page, url: str, past: Past) -> None:
    await page.goto(f"{url}/compare?a={past[0]}&b={past[2]}")


async def _councils(page: Page, url: str, _: Past) -> None:
    await page.goto(f"{url}/councils")


async def _missing(page: Page, url: str, _: Past) -> None:
    await page.goto(f"{url}/d/no-such-deliberation")


SHOTS: Mapping[str, Shot] = {
    "ask": _ask,
    "decided": _decided,
    "verdict": _verdict,
    "moment": _moment,
    "trace": _trace,
    "history": _history,
    "compare": _compare,
    "councils": _councils,
    "missing": _missing,
}


async def take(only: Sequence[str] = ()) -> None:
    """Take the pictures whose names hold one of ``only``; all without any."""
    async with chromium() as browser:
        for language, questions in QUESTIONS.items():
            with tempfile.TemporaryDirectory() as folder:
                async with real_server(data_dir=folder, embedded_tokens_per_s=4_000) as http:
                    past = [await _deliberated(http, question) for question in questions]
                    studio = Studio(browser, _url(http), language, past, only)
                    for name, shot in SHOTS.items():
                        await studio.take(name, shot)
                async with real_server(data_dir=folder, embedded_tokens_per_s=30) as http:
                    await Studio(browser, _url(http), language, past, only).take("live", _live)


@dataclass(frozen=True, slots=True)
class Studio:
    """A browser in front of a server, in one language."""

    browser: Browser
    url: str
    language: Language
    past: Past
    only: Sequence[str]

    async def take(self, name: str, shot: Shot) -> None:
        """Take the pictures of one page."""
        for theme, (device, size) in product(_THEMES, _SIZES.items()):
            picture = f"{name}-{theme}-{self.language}-{device}"
            if self.only and not any(part in picture for part in self.only):
                continue
            async with visiting(self.browser, self.url, Look(self.language, theme, size)) as visit:
                await shot(visit.page, self.url, self.past)
                # Fonts and figures settle; what is awaited differs from page to page.
                await visit.page.wait_for_timeout(1_000)
                # A page that is being written is looked at as people see it, and so is the verdict, for the README.
                await visit.page.screenshot(path=FOLDER / f"{picture}.png", full_page=shot not in {_live, _verdict})
                if shot is _missing:
                    visit.forgive("404")


async def _live(page: Page, url: str, _: Past) -> None:
    language: Language = "ja" if await page.evaluate("navigator.language.startsWith('ja')") else "en"
    async with httpx2.AsyncClient(base_url=url) as http:
        begun = await http.post("/invocations", json={"question": QUESTIONS[language][0], "detached": True})
    await page.goto(f"{url}/d/{begun.json()['deliberationId']}")
    # The middle of a deliberation is what is to be seen, not a state to wait for.
    await page.wait_for_timeout(6_000)


async def _deliberated(http: httpx2.AsyncClient, question: str) -> str:
    answer = await http.post("/invocations", json={"question": question, "stream": False})
    answer.raise_for_status()
    return str(answer.json()["start"]["deliberationId"])


def _url(http: httpx2.AsyncClient) -> str:
    return str(http.base_url).rstrip("/")


if __name__ == "__main__":
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    asyncio.run(take(sys.argv[1:]))
    sys.stdout.write(f"{len(list(FOLDER.iterdir()))} pictures in {FOLDER}\n")
