"""The browser of the end-to-end tests: the system's Chromium, headless, without a network of its own."""

import os
import shutil
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, async_playwright

# The same engine; the first comes without the windows that nobody looks at, and costs a third less processor time.
_NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
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
    for name in (os.environ.get("CHROMIUM"), *_NAMES):
        if name and (found := shutil.which(name)):
            return found
    raise FileNotFoundError(
        "The end-to-end tests need Chromium: apt-get install chromium-headless-shell, or name one with "
        "CHROMIUM=/path/to/it."
    )


@asynccontextmanager
async def chromium() -> AsyncGenerator[Browser]:
    """Start a browser, and end it."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable(), args=_ARGUMENTS)
        try:
            yield browser
        finally:
            await browser.close()
