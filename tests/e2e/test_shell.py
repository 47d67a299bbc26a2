from playwright.async_api import Browser, expect
from tests.support.serving import scripted_server
from tests.support.visiting import visiting

from magisystem.testing.scripted import ScriptedModel


async def test_there(browser: Browser) -> None:
    async with scripted_server(ScriptedModel()) as server, visiting(browser, server.url) as visit:
        page = await visit.open("/docs")
        await expect(page).to_have_title("MAGISystem - Swagger UI")
