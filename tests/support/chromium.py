"""The browser of the end-to-end tests: the system's Chromium, headless, without a network of its own."""

import os
import shutil
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, async_playwright

# What Chromium would ask of its makers at every start is no part of a test.
_ARGUMENTS = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-sync",
    "--no-first-run",
    # As root, in a container, there is no sandbox to be had; the pages are our own.
    "--no-sandbox",
)


def executable() -> str:
    """Find the browser.

    Raises:
        FileNotFoundError: there is none; says how to get one.
    """
    named = os.environ.get("CHROMIUM")
    found = named or shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        raise FileNotFoundError(
            "The end-to-end tests need Chromium: apt-get install chromium, or name one with CHROMIUM=/path/to/it."
        )
    return found


@asynccontextmanager
async def chromium() -> AsyncGenerator[Browser]:
    """Start a browser, and end it."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable(), args=_ARGUMENTS)
        try:
            yield browser
        finally:
            await browser.close()
