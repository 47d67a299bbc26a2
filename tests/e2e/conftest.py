"""One real Chromium a worker; every visit has a profile of its own."""

from collections.abc import AsyncGenerator
from inspect import iscoroutinefunction
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser
from tests.support.chromium import chromium

import magisystem.http


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run these tests in one loop a worker, because a browser belongs to the loop it was started in."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents and iscoroutinefunction(getattr(item, "function", None)):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncGenerator[Browser]:
    bundle = Path(magisystem.http.__file__).parent / "web" / "index.html"
    assert bundle.exists(), "The web client is not built: make setup"
    async with chromium() as opened:
        yield opened
