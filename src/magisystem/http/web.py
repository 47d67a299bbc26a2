"""The web client: the bundle that Vite writes to ``web/`` beside this file, as the server hands it to browsers.

Owns which file answers which path, how long it may be kept, and what the page may do. What is in the bundle is the
business of ``web/`` in the repository; what its ``config.json`` may say is in http/web_config.py. Without a bundle
everything else of the server works.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path, PurePosixPath

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from magisystem.config import Settings

BUNDLE = Path(__file__).parent / "web"
PAGES = ("/", "/d/{deliberation_id}", "/history", "/compare", "/signin/callback")

_CONFIG = "config.json"
_HERE_ONLY = b'{"backends":[{"kind":"direct","name":"This server","url":""}]}'
# Vite puts a hash of the content into the name of everything below assets/.
_FOR_EVER = "public, max-age=31536000, immutable"
_ASK_FIRST = "no-cache"
# A part of a path begins with none of `.`, `/` and `\`, so that no name leads out of the bundle.
_NAME = re.compile(r"[\w-][\w.-]{0,199}(?:/[\w-][\w.-]{0,199}){0,8}", re.ASCII)
# Best first, with the suffix that a precompressed file has beside the plain one.
_ENCODINGS = (("br", ".br"), ("gzip", ".gz"))
# By name and not from the system's table, which on Windows is the registry and may say anything of `.js`.
_MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".txt": "text/plain; charset=utf-8",
}
_NO_BUNDLE = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>MAGISystem</title>
<p>The web client is not built here. Run <code>make setup</code> in the repository, then load this page again.</p>
<p>The API is there: <a href="/docs">/docs</a>.</p>
</html>
"""
# What every page has beside its own policy.
SAFETY = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "permissions-policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    "cross-origin-opener-policy": "same-origin",
}


@dataclass(frozen=True, slots=True)
class _File:
    body: bytes
    media_type: str
    encoding: str | None = None


class Web:
    """Answers for the bundle in ``folder``."""

    def __init__(self, folder: Path, config: bytes, sources: Iterable[str] = ()) -> None:
        self._folder = folder
        self._config = config
        self._headers = {"content-security-policy": content_policy(sources), **SAFETY}

    @classmethod
    def open(cls, settings: Settings, folder: Path = BUNDLE) -> "Web":
        """Read and check the configuration of the page: the one that is set, else the bundle's own.

        Raises:
            SettingsInvalid: it cannot be read, or a field of it is wrong.
        """
        of_bundle = folder / _CONFIG
        if settings.web_config is None and not of_bundle.is_file():
            return cls(folder, _HERE_ONLY)
        from magisystem.http.web_config import read_web_config

        if settings.web_config is None:
            body, config = read_web_config(of_bundle)
        else:
            body, config = read_web_config(settings.web_config, "MAGI_WEB_CONFIG")
        return cls(folder, body, config.sources)

    async def page(self, request: Request) -> Response:
        """Give the page, which finds its way by its path; or say how it comes to be here."""
        return await self.page_if_built(request) or Response(
            _NO_BUNDLE, HTTPStatus.NOT_FOUND, {**self._headers, "cache-control": "no-store"}, "text/html"
        )

    async def page_if_built(self, request: Request) -> Response | None:
        """Give the page, where there is a bundle."""
        file = await self._read("index.html", request)
        return file and self._answer(file, request, _ASK_FIRST)

    async def page_of_nothing(self, request: Request) -> Response | None:
        """Give the page for a path at which there is nothing, where there is a bundle: it says so itself."""
        file = await self._read("index.html", request)
        if file is None:
            return None
        headers = {**self._headers, "cache-control": "no-store", "vary": "Accept, Accept-Encoding"}
        if file.encoding is not None:
            headers["content-encoding"] = file.encoding
        return Response(file.body, HTTPStatus.NOT_FOUND, headers, file.media_type)

    async def asset(self, request: Request) -> Response:
        """Give a file from ``assets/``, to be kept for ever."""
        return await self._file(f"assets/{request.path_params['name']}", request, _FOR_EVER)

    async def other(self, request: Request) -> Response:
        """Give a file that lies beside the page, such as its icon."""
        name = "{stem}.{kind}".format(**request.path_params)
        if name == _CONFIG:
            return self._answer(_File(self._config, _MEDIA_TYPES[".json"]), request, _ASK_FIRST)
        return await self._file(name, request, _ASK_FIRST)

    async def _file(self, name: str, request: Request, keeping: str) -> Response:
        file = await self._read(name, request)
        if file is None:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        return self._answer(file, request, keeping)

    async def _read(self, name: str, request: Request) -> _File | None:
        accepted = _accepted(request, "accept-encoding")
        return await run_in_threadpool(_read, self._folder, name, accepted) if _NAME.fullmatch(name) else None

    def _answer(self, file: _File, request: Request, keeping: str) -> Response:
        # Of the content, not of the file's time: a wheel may give every build the same one.
        tag = f'"{hashlib.sha256(file.body).hexdigest()[:32]}"'
        headers = {**self._headers, "cache-control": keeping, "etag": tag, "vary": "Accept-Encoding"}
        known = {item.strip().removeprefix("W/") for item in request.headers.get("if-none-match", "").split(",")}
        if known & {tag, "*"}:
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
        if file.encoding is not None:
            headers["content-encoding"] = file.encoding
        return Response(file.body, headers=headers, media_type=file.media_type)


def wants_page(request: Request) -> bool:
    """Whether a browser asks for a page to show, rather than a program for data."""
    return "text/html" in _accepted(request, "accept")


def content_policy(sources: Iterable[str]) -> str:
    """Give the Content-Security-Policy of a page that connects to ``sources`` besides its own origin."""
    # Browsers take 'self' for the sockets of the same host, too: https://www.w3.org/TR/CSP3/#match-url-to-source-expression
    reached = " ".join(["'self'", *sources])
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        f"connect-src {reached}; manifest-src 'self'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    )


def _accepted(request: Request, name: str) -> frozenset[str]:
    """Give what a header of the ``Accept`` kind names and does not refuse (``q=0``), in lower case."""
    items = (item.lower().partition(";") for item in ",".join(request.headers.getlist(name)).split(","))
    return frozenset(word.strip() for word, _, weight in items if not re.fullmatch(r"\s*q\s*=\s*0(\.0*)?\s*", weight))


def _read(folder: Path, name: str, encodings: frozenset[str]) -> _File | None:
    root = folder.resolve()
    suffix = PurePosixPath(name).suffix
    if suffix in dict(_ENCODINGS).values():
        return None
    media_type = _MEDIA_TYPES.get(suffix, "application/octet-stream")
    for encoding, more in (*((word, more) for word, more in _ENCODINGS if word in encodings), (None, "")):
        path = (root / f"{name}{more}").resolve()
        # A link may lead out, though a name cannot.
        if path.is_relative_to(root) and path.is_file():
            return _File(path.read_bytes(), media_type, encoding)
    return None
