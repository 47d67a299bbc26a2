"""The Content-Security-Policy: strict, on every page, and nothing that the client does is against it."""

import asyncio
from html.parser import HTMLParser
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect
from tests.support.recording import recording_server
from tests.support.serving import scripted_server
from tests.support.visiting import Visit, visiting
from tests.support.watching import decided, judge, shown

from magisystem.http.web import BUNDLE
from magisystem.testing.scripted import ScriptedModel

PAGES = ("/", "/d/0123abcd", "/history", "/compare?a=1&b=2", "/councils", "/signin/callback")
BROWSER = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
OWN = {"'self'"}


def directives(policy: str) -> dict[str, set[str]]:
    """Give a policy's sources by directive."""
    named = [part.split() for part in policy.split(";") if part.strip()]
    return {name: set(sources) for name, *sources in named}


@pytest.mark.parametrize("path", PAGES)
async def test_every_page_comes_with_a_policy_that_lets_only_our_own_files_run(path: str) -> None:
    async with scripted_server(ScriptedModel(), bundle=BUNDLE) as server:
        answer = await server.http.get(path, headers=BROWSER)
    assert answer.status_code == 200
    policy = directives(answer.headers["content-security-policy"])
    assert policy["default-src"] == {"'none'"}
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == OWN
    assert policy["base-uri"] == policy["frame-ancestors"] == {"'none'"}
    assert not {"script-src-elem", "script-src-attr", "style-src-elem", "style-src-attr", "object-src"} & set(policy)
    allowed = set[str]().union(*policy.values())
    assert allowed <= {"'self'", "'none'", "data:"}
    assert "data:" not in policy["script-src"]


class _Inline(HTMLParser):
    """Everything in a document that a strict policy would refuse."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        if tag == "style" or (tag == "script" and "src" not in names):
            self.found.append(tag)
        self.found += [name for name in names if name == "style" or name.startswith("on")]


def test_the_page_holds_no_script_and_no_style_of_its_own() -> None:
    document = _Inline()
    document.feed((BUNDLE / "index.html").read_text(encoding="utf-8"))
    assert document.found == []


async def listen(visit: Visit) -> list[str]:
    """Note every refusal by a policy, on every page of the visit."""
    refused: list[str] = []

    def note(refusal: str) -> None:
        refused.append(refusal)

    await visit.context.expose_function("noteRefusal", note)  # pyright: ignore[reportUnknownMemberType] - Playwright's own
    await visit.context.add_init_script(
        "addEventListener('securitypolicyviolation', (event) =>"
        " noteRefusal(`${event.effectiveDirective} ${event.blockedURI} ${event.sourceFile}`))"
    )
    return refused


async def test_no_page_does_what_the_policy_forbids(browser: Browser, tmp_path: Path) -> None:
    async with (
        recording_server(tmp_path, bundle=BUNDLE) as server,
        visiting(browser, server.url) as visit,
    ):
        refused = await listen(visit)
        earlier = await decided(server.http, "Should we?")
        page = await visit.open()
        await ask_and_look_around(page)
        deliberation_id = await shown(page)
        await visit.open(f"/d/{deliberation_id}#seq=5")
        await expect(page.get_by_role("region", name="Replay")).to_be_visible()
        await visit.open("/history")
        await expect(page.get_by_role("link", name="Should we?")).to_be_visible()
        await page.get_by_role("button", name="Export: Should we?").click()
        async with page.expect_download():
            await page.get_by_role("dialog").get_by_role("button", name="Markdown").click()
        await visit.open(f"/compare?a={earlier}&b={deliberation_id}")
        await expect(page.get_by_role("heading", name="Figures")).to_be_visible()
        await visit.open("/councils?copy=magi")
        await expect(page.get_by_role("button", name="Save council")).to_be_visible()
        await visit.open("/no-such-page.html")
        visit.forgive("404")
        assert refused == []


async def ask_and_look_around(page: Page) -> None:
    await page.get_by_role("textbox", name="Your question").fill("And now?")
    await page.get_by_role("button", name="Ask", exact=True).click()
    await expect(judge(page).get_by_role("heading", name="Verdict")).to_be_visible()
    await page.get_by_role("button", name="Trace").click()
    for tab in ("Timeline", "Figures", "Events"):
        await page.get_by_role("tab", name=tab).click()
        await expect(page.get_by_role("tabpanel", name=tab)).to_be_visible()
    async with page.expect_download():
        await page.get_by_role("button", name="Download").click()
    await page.get_by_role("button", name="Close the trace").click()
    await page.get_by_role("button", name="Export").click()
    async with page.expect_download():
        await page.get_by_role("button", name="As Markdown").click()


async def test_a_script_that_gets_into_the_page_does_not_run(browser: Browser) -> None:
    async with scripted_server(ScriptedModel(), bundle=BUNDLE) as server, visiting(browser, server.url) as visit:
        refused = await listen(visit)
        page = await visit.open()
        await page.evaluate(
            """() => {
                const script = document.createElement('script');
                script.textContent = 'window.pwned = 1';
                document.body.append(script);
                const box = document.createElement('div');
                box.innerHTML = '<img src=x onerror="window.pwned = 2">';
                document.body.append(box);
            }"""
        )
        async with asyncio.timeout(10):
            while len(refused) < 2:
                await page.evaluate("new Promise(requestAnimationFrame)")
        assert await page.evaluate("window.pwned") is None
        assert [refusal.split()[0] for refusal in refused] == ["script-src-elem", "script-src-attr"]
        visit.forgive("Content Security Policy")
        visit.forgive("404")


async def test_the_documentation_works_under_a_policy_of_its_own(browser: Browser) -> None:
    async with scripted_server(ScriptedModel()) as server, visiting(browser, server.url) as visit:
        refused = await listen(visit)
        page = await visit.open("/docs")
        await page.get_by_role("button", name="GET /ping").first.click()
        await page.get_by_role("button", name="Execute").click()
        await expect(page.get_by_text("magisystem-backend").first).to_be_visible()
        assert refused == []
        script_sources = directives((await server.http.get("/docs")).headers["content-security-policy"])["script-src"]
        assert "'unsafe-inline'" not in script_sources
