"""How much JavaScript comes before the first page can be used."""

import gzip
import re
from html.parser import HTMLParser
from pathlib import Path

from playwright.async_api import Browser, Response, expect
from tests.support.serving import scripted_server
from tests.support.visiting import visiting

from magisystem.http.web import BUNDLE
from magisystem.testing.scripted import ScriptedModel

INITIAL_BYTES = 180 * 1024
# `import"./a.js"` and `import{b}from"./a.js"`; what is loaded later has a bracket: `import("./a.js")`.
_IMPORT = re.compile(rb"""\b(?:import|from)\s*["']\./([\w.-]+\.js)["']""")


class _Scripts(HTMLParser):
    """The scripts that a document asks for, by file name."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        address = given.get("src") if tag == "script" else given.get("href") if _is_preload(tag, given) else None
        if address:
            self.names.append(address.rsplit("/", 1)[-1])


def _is_preload(tag: str, given: dict[str, str | None]) -> bool:
    return tag == "link" and given.get("rel") in {"modulepreload", "preload"} and str(given.get("href")).endswith(".js")


def initial_scripts(assets: Path, index: str) -> set[str]:
    """Give the names of the scripts without which the page does not start: what it names, and all they import."""
    scripts = _Scripts()
    scripts.feed(index)
    assert scripts.names
    found: set[str] = set()
    waiting = list(scripts.names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += [imported.decode() for imported in _IMPORT.findall((assets / name).read_bytes())]
    return found


def language_script(assets: Path, language: str) -> str:
    """Give the name of the script that holds one language's texts."""
    (path,) = assets.glob(f"{language}-*.js")
    return path.name


def test_the_first_page_takes_at_most_180_kib_of_compressed_script() -> None:
    assets = BUNDLE / "assets"
    initial = initial_scripts(assets, (BUNDLE / "index.html").read_text(encoding="utf-8"))
    for language in ("en", "ja"):
        names = initial | {language_script(assets, language)}
        weights = {name: len(gzip.compress((assets / name).read_bytes(), 9)) for name in names}
        assert sum(weights.values()) <= INITIAL_BYTES, weights


async def test_the_first_page_waits_for_no_other_script(browser: Browser) -> None:
    assets = BUNDLE / "assets"
    allowed = initial_scripts(assets, (BUNDLE / "index.html").read_text(encoding="utf-8"))
    async with scripted_server(ScriptedModel(), bundle=BUNDLE) as server, visiting(browser, server.url) as visit:
        scripts: list[Response] = []
        visit.page.on("response", lambda response: scripts.append(response) if response.url.endswith(".js") else None)
        page = await visit.open()
        await expect(page.get_by_role("textbox", name="Your question")).to_be_editable()
        loaded = {response.url.rsplit("/", 1)[-1] for response in scripts}
        assert allowed <= loaded
        assert loaded <= allowed | {language_script(assets, "en")}


async def test_scripts_and_styles_travel_compressed() -> None:
    async with scripted_server(ScriptedModel(), bundle=BUNDLE) as server:
        for asset in sorted((BUNDLE / "assets").iterdir()):
            if asset.suffix in {".js", ".css"} and asset.stat().st_size > 4096:
                answer = await server.http.head(f"/assets/{asset.name}", headers={"accept-encoding": "gzip, br"})
                assert answer.headers.get("content-encoding") in {"br", "gzip"}, asset.name
