"""A person signs in for real, and everything the page then does is done in their name."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page, expect
from tests.support.issuer import CLIENT, Issuer, serving_issuer
from tests.support.recording import recording_server
from tests.support.serving import Server
from tests.support.visiting import Look, visiting
from tests.support.watching import ask, judge, said, telling

from magisystem.http.web import BUNDLE
from magisystem.identity import Callers, OidcPolicy, Verifier
from magisystem.testing.scripted import ScriptedModel


@dataclass(frozen=True)
class Guarded:
    """A server that serves its own page to whoever signs in at ``issuer``."""

    server: Server
    issuer: Issuer


@asynccontextmanager
async def guarded(folder: Path, model: ScriptedModel, **settings: Any) -> AsyncGenerator[Guarded]:
    async with serving_issuer() as issuer:
        here = {"kind": "direct", "name": "Here", "url": ""}
        config = {"backends": [here], "auth": {"authority": issuer.url, "clientId": CLIENT}}
        web_config = folder / "config.json"
        web_config.write_text(json.dumps(config))
        verifier = Verifier(OidcPolicy(issuer.discovery_url, clients=(CLIENT,)))
        try:
            async with recording_server(
                folder / "log",
                model,
                bundle=BUNDLE,
                callers=Callers(verifier),
                web_config=web_config,
                auth="oidc",
                oidc_discovery_url=issuer.discovery_url,
                oidc_clients=CLIENT,
                **settings,
            ) as server:
                yield Guarded(server, issuer)
        finally:
            await verifier.aclose()


def sockets_of(page: Page) -> list[str]:
    """Note the sockets that a page opens from now on."""
    opened: list[str] = []
    page.on("websocket", lambda socket: opened.append(socket.url))
    return opened


async def test_a_person_signs_in_asks_watches_reloads_and_signs_out(browser: Browser, tmp_path: Path) -> None:
    more = asyncio.Event()
    model = ScriptedModel({"caspar": telling("First words. ", more, "Last words.")})
    async with guarded(tmp_path, model) as there, visiting(browser, there.server.url) as visit:
        refused = await there.server.http.get("/deliberations")
        assert refused.status_code == 401

        sockets = sockets_of(visit.page)
        page = await visit.open()
        await expect(page.get_by_role("button", name="Sign out")).to_have_attribute(
            "title", "Signed in as ann@example.com"
        )
        deliberation_id = await ask(page)
        await expect(said(page, "CASPAR")).to_have_text("First words.")
        # The socket is there for who is signed in, too: streams do not use up the connections of the page.
        assert sockets == [f"{there.server.url.replace('http', 'ws', 1)}/ws"]

        await page.reload()
        await expect(said(page, "CASPAR")).to_have_text("First words.")
        more.set()
        await expect(judge(page).get_by_role("heading", name="Verdict")).to_be_visible()
        await expect(said(page, "CASPAR")).to_have_text("First words. Last words.")
        await expect(page.get_by_text("Complete, digest verified")).to_be_visible()

        there.issuer.person = "bob"
        async with visiting(browser, there.server.url) as stranger:
            page_of_bob = await stranger.open(f"/d/{deliberation_id}")
            await expect(page_of_bob.get_by_text("There is no such deliberation")).to_be_visible()
            stranger.forgive("404")

        # Whoever is signed out is sent to the provider again, where this one turns back.
        there.issuer.person = None
        await page.get_by_role("button", name="Sign out").click()
        await expect(page.get_by_text("The person turned back.")).to_be_visible()
        assert not there.issuer.has_session
        assert await page.evaluate("Object.keys(sessionStorage).filter((key) => key.startsWith('oidc.user'))") == []


async def test_a_person_who_asks_for_too_much_is_told_so_and_when_to_come_again(
    browser: Browser, tmp_path: Path
) -> None:
    more = asyncio.Event()
    model = ScriptedModel({"caspar": telling("First words. ", more)})
    async with (
        guarded(tmp_path, model, owner_running=1) as there,
        visiting(browser, there.server.url, Look(language="ja")) as visit,
    ):
        page = await visit.open()
        await page.get_by_role("textbox", name="質問").fill("一つ目の質問は?")
        await page.get_by_role("button", name="質問する", exact=True).click()
        await page.wait_for_url("**/d/*")
        # Another tab signs in by itself; it is the same person's.
        other = await visit.another_tab()
        await other.get_by_role("textbox", name="質問").fill("二つ目の質問は?")
        await other.get_by_role("button", name="質問する", exact=True).click()
        alert = other.get_by_role("alert")
        await expect(alert).to_contain_text("同時に実行できる審議の数に達しています。")
        await expect(alert).to_contain_text("秒後にもう一度お試しください。")
        visit.forgive("429")
        more.set()
        await other.get_by_role("button", name="再試行").click()
        await other.wait_for_url("**/d/*")
