"""What a browser gets: the page on every one of its paths, its files, and what it is allowed to do."""

import asyncio
import base64
import gzip
import hashlib
import json
import os
import re
import socket
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
from tests.support.serving import Server, scripted_server

from magisystem.errors import SettingsInvalid
from magisystem.testing.scripted import ScriptedModel

BROWSER = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
PLAIN = {"accept-encoding": "identity"}
INDEX = b"<!doctype html><script type=module src=/assets/index-Ab_1.js></script>"
SCRIPT = b"console.log('magi')\n" * 100
GZIPPED = gzip.compress(SCRIPT, mtime=0)


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """Give a bundle as Vite leaves it, and a file beside it that is nobody's business."""
    folder = tmp_path / "web"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_bytes(INDEX)
    (folder / "favicon.svg").write_bytes(b"<svg xmlns='http://www.w3.org/2000/svg'/>")
    (folder / "assets/index-Ab_1.js").write_bytes(SCRIPT)
    (folder / "assets/index-Ab_1.js.gz").write_bytes(GZIPPED)
    (folder / "assets/index-Ab_1.js.br").write_bytes(b"a brotli body")
    (folder / "assets/style-9.css").write_bytes(b"body{}")
    (folder / ".hidden.txt").write_bytes(b"secret")
    (tmp_path / "beside.txt").write_bytes(b"secret")
    (folder / "assets/leads-out.txt").symlink_to(tmp_path / "beside.txt")
    return folder


@pytest.fixture
async def server(bundle: Path) -> AsyncGenerator[Server]:
    async with scripted_server(ScriptedModel(), bundle=bundle) as running:
        yield running


@pytest.mark.parametrize(
    "path", ["/", "/d/0123abcd", "/history", "/compare?a=1&b=2", "/councils", "/signin/callback?code=x&state=y"]
)
async def test_every_page_of_the_client_is_the_same_document(server: Server, path: str) -> None:
    answer = await server.http.get(path, headers=BROWSER)
    assert (answer.status_code, answer.content) == (200, INDEX)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    again = await server.http.get(path, headers={**BROWSER, "if-none-match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_a_page_that_was_built_anew_has_another_tag(server: Server, bundle: Path) -> None:
    tag = (await server.http.get("/")).headers["etag"]
    former = (bundle / "index.html").stat()
    (bundle / "index.html").write_bytes(INDEX.replace(b"Ab_1", b"Ab_2"))
    os.utime(bundle / "index.html", ns=(former.st_atime_ns, former.st_mtime_ns))
    answer = await server.http.get("/", headers={"if-none-match": tag})
    assert answer.status_code == 200
    assert b"Ab_2" in answer.content


async def test_what_has_a_hash_in_its_name_is_kept_for_ever(server: Server) -> None:
    script = await server.http.get("/assets/index-Ab_1.js", headers=PLAIN)
    assert (script.content, script.headers["content-type"]) == (SCRIPT, "text/javascript; charset=utf-8")
    assert script.headers["cache-control"] == "public, max-age=31536000, immutable"
    icon = await server.http.get("/favicon.svg")
    assert (icon.headers["content-type"], icon.headers["cache-control"]) == ("image/svg+xml", "no-cache")
    head = await server.http.head("/assets/index-Ab_1.js", headers=PLAIN)
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(len(SCRIPT)))


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip, deflate, br", "br"),
        ("gzip", "gzip"),
        ("GZIP;q=0.5", "gzip"),
        ("br;q=0, gzip", "gzip"),
        ("br;q=0.0", None),
        ("identity", None),
        ("zstd", None),
    ],
)
async def test_what_is_precompressed_is_sent_so_to_who_takes_it(
    server: Server, accepted: str, encoding: str | None
) -> None:
    async with server.http.stream("GET", "/assets/index-Ab_1.js", headers={"accept-encoding": accepted}) as answer:
        raw = b"".join([piece async for piece in answer.aiter_raw()])
    assert answer.headers.get("content-encoding") == encoding
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert "Accept-Encoding" in answer.headers["vary"].split(", ")
    assert raw == {"br": b"a brotli body", "gzip": GZIPPED, None: SCRIPT}[encoding]


async def test_each_encoding_has_a_tag_of_its_own(server: Server) -> None:
    tags = [
        (await server.http.head("/assets/index-Ab_1.js", headers={"accept-encoding": accepted})).headers["etag"]
        for accepted in ("br", "gzip", "identity")
    ]
    assert len(set(tags)) == 3


def _raw_get(url: str, target: bytes) -> bytes:
    """Ask for a path exactly as it stands, which no client library does."""
    host, _, port = url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(b"GET " + target + b" HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        return b"".join(iter(lambda: connection.recv(65_536), b""))


@pytest.mark.parametrize(
    "target",
    [
        b"/assets/../../beside.txt",
        b"/assets/%2e%2e/%2e%2e/beside.txt",
        b"/assets/..%2f..%2fbeside.txt",
        b"/assets/..%5c..%5cbeside.txt",
        b"/assets//beside.txt",
        b"/assets/%2fetc%2fpasswd",
        b"/assets/x%00.js",
        b"/assets/" + b"x" * 300 + b".js",
        b"/assets/leads-out.txt",
        b"/assets/",
        b"/assets/index-Ab_1.js.br",
        b"/..%2fbeside.txt",
        b"/.hidden.txt",
        b"/%2ehidden.txt",
        b"/none.txt",
    ],
)
async def test_nothing_but_the_bundle_is_given_out(server: Server, target: bytes) -> None:
    answer = await asyncio.to_thread(_raw_get, server.url, target)
    assert answer.split(b" ", 2)[1] == b"404", answer[:200]
    assert b'"code":"not_found"' in answer
    assert b"secret" not in answer


async def test_the_pages_path_that_is_a_route_too_goes_by_what_is_asked_for(server: Server) -> None:
    page = await server.http.get("/councils", headers=BROWSER)
    assert page.headers["content-type"].startswith("text/html")
    for accept in ("*/*", "application/json", "text/html;q=0, application/json"):
        listed = await server.http.get("/councils", headers={"accept": accept})
        assert listed.json()["items"][0]["id"] == "magi"
        assert "Accept" in listed.headers["vary"].split(", ")
    assert "Accept" in page.headers["vary"].split(", ")


@pytest.mark.parametrize("path", ["/nowhere", "/d/a/b", "/assets/gone.js", "/none.txt"])
async def test_a_browser_is_told_by_the_page_that_there_is_nothing(server: Server, path: str) -> None:
    page = await server.http.get(path, headers=BROWSER)
    assert (page.status_code, page.content) == (404, INDEX)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["cache-control"] == "no-store"
    assert "frame-ancestors" in policy_of(page.headers)
    for accept in ("*/*", "application/json"):
        assert (await server.http.get(path, headers={"accept": accept})).json()["code"] == "not_found"
    unknown = await server.http.get("/deliberations/none", headers=BROWSER)
    assert unknown.json()["code"] == "deliberation_not_found"


async def test_a_wrong_method_is_still_one(server: Server) -> None:
    for method, path in (("GET", "/invocations"), ("POST", "/"), ("POST", "/assets/index-Ab_1.js")):
        assert (await server.http.request(method, path)).json()["code"] == "method_not_allowed"


def policy_of(headers: Any) -> dict[str, list[str]]:
    parts = [part.split() for part in headers["content-security-policy"].split(";")]
    return {name: sources for name, *sources in parts}


@pytest.mark.parametrize("path", ["/", "/d/x", "/councils", "/assets/index-Ab_1.js", "/config.json", "/favicon.svg"])
async def test_the_page_may_do_nothing_that_it_does_not_need(server: Server, path: str) -> None:
    headers = (await server.http.get(path, headers=BROWSER)).headers
    assert policy_of(headers) == {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "manifest-src": ["'self'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert "camera=()" in headers["permissions-policy"]


async def test_the_documentation_has_a_policy_under_which_it_works(server: Server) -> None:
    answer = await server.http.get("/docs", headers=BROWSER)
    policy = policy_of(answer.headers)
    assert "SwaggerUIBundle(" in answer.text
    (script,) = re.findall(r"<script>(.*?)</script>", answer.text, re.DOTALL)
    script_hash = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert policy["script-src"] == ["'self'", f"'sha256-{script_hash}'"]
    assert policy["frame-ancestors"] == ["'none'"]
    assert "content-security-policy" not in (await server.http.get("/openapi.json")).headers


async def test_without_a_bundle_the_page_says_how_to_get_it_and_the_rest_works(tmp_path: Path) -> None:
    async with scripted_server(ScriptedModel(), bundle=tmp_path / "none") as server:
        for path in ("/", "/history"):
            answer = await server.http.get(path, headers=BROWSER)
            assert answer.status_code == 404
            assert "make setup" in answer.text
            assert "/docs" in answer.text
            assert "content-security-policy" in answer.headers
        assert (await server.http.get("/councils", headers=BROWSER)).json()["items"]
        assert (await server.http.get("/docs")).status_code == 200
        assert (await server.http.get("/nowhere", headers=BROWSER)).json()["code"] == "not_found"
        config = (await server.http.get("/config.json")).json()
    assert config == {"backends": [{"kind": "direct", "name": "This server", "url": ""}]}


ARN = "arn:aws:bedrock-agentcore:us-east-1:123456789012:runtime/magi-AbCdEf"
EVERYTHING = {
    "backends": [
        {"kind": "direct", "name": "Here", "url": ""},
        {"kind": "direct", "name": "Elsewhere", "url": "http://localhost:8123/magi"},
        {"kind": "agentcore", "name": "AgentCore", "arn": ARN, "region": "us-east-1"},
        {"kind": "agentcore", "name": "Local", "arn": ARN, "region": "x", "endpoint": "http://127.0.0.1:9000"},
        {"kind": "lambda", "name": "Gateway", "url": "https://abc.lambda-url.eu-west-1.on.aws/"},
    ],
    "auth": {
        "authority": "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Ab",
        "clientId": "4u8",
        "scope": "openid email",
        "redirectPath": "/signin/callback",
    },
    "routing": "hash",
}


async def test_the_page_may_reach_what_its_configuration_names(bundle: Path, tmp_path: Path) -> None:
    (bundle / "config.json").write_text('{"backends": []}')
    configured = tmp_path / "config.json"
    configured.write_text(json.dumps(EVERYTHING))
    async with scripted_server(ScriptedModel(), bundle=bundle, web_config=configured) as server:
        config = await server.http.get("/config.json")
        page = await server.http.get("/")
    assert config.json() == EVERYTHING
    assert (config.headers["content-type"], config.headers["cache-control"]) == ("application/json", "no-cache")
    assert policy_of(page.headers)["connect-src"] == [
        "'self'",
        "http://localhost:8123",
        "ws://localhost:8123",
        "https://bedrock-agentcore.us-east-1.amazonaws.com",
        "wss://bedrock-agentcore.us-east-1.amazonaws.com",
        "http://127.0.0.1:9000",
        "ws://127.0.0.1:9000",
        "https://abc.lambda-url.eu-west-1.on.aws",
        "https://cognito-idp.eu-west-1.amazonaws.com",
        "https://*.auth.eu-west-1.amazoncognito.com",
    ]


async def test_the_bundles_own_configuration_is_used_where_none_is_set(bundle: Path) -> None:
    named = {"backends": [{"kind": "lambda", "name": "Gateway", "url": "https://gateway.example.com"}]}
    (bundle / "config.json").write_text(json.dumps(named))
    async with scripted_server(ScriptedModel(), bundle=bundle) as server:
        assert (await server.http.get("/config.json")).json() == named
        page = await server.http.get("/")
    assert policy_of(page.headers)["connect-src"] == ["'self'", "https://gateway.example.com"]


def _with(**fields: object) -> str:
    return json.dumps({"backends": [{"kind": "direct", "name": "x", "url": "", **fields}]})


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("", ""),
        ("[]", ""),
        ("{}", "`backends`"),
        ('{"backends": []}', "`backends`"),
        (_with(kind="magic"), "`backends.0`"),
        (_with(name=""), "`backends.0.name`"),
        (_with(url="ftp://x"), "`backends.0.url`"),
        (_with(url="https://x; script-src *"), "`backends.0.url`"),
        (_with(url="https://user:secret@x"), "`backends.0.url`"),
        (_with(url="https://x\n"), "`backends.0.url`"),
        (_with(uri="x"), "`backends.0.uri`"),
        (_with(kind="agentcore"), "`backends.0.arn`"),
        (_with(kind="lambda"), "`backends.0.url`"),
        ('{"backends": [{"kind": "direct", "name": "x", "url": ""}], "auth": {"authority": "https://x"}}', "clientId"),
        ('{"backends": [{"kind": "direct", "name": "x", "url": ""}], "routing": "guess"}', "`routing`"),
    ],
)
async def test_a_wrong_configuration_ends_the_start_with_its_field(tmp_path: Path, text: str, field: str) -> None:
    configured = tmp_path / "config.json"
    configured.write_text(text)
    with pytest.raises(SettingsInvalid) as refused:
        async with scripted_server(ScriptedModel(), web_config=configured):
            pass
    assert refused.value.message.startswith(f"MAGI_WEB_CONFIG: {configured}")
    assert field in refused.value.message


async def test_a_configuration_that_is_not_there_ends_the_start(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match="MAGI_WEB_CONFIG"):
        async with scripted_server(ScriptedModel(), web_config=tmp_path / "none.json"):
            pass


async def test_pages_come_to_whoever_is_to_sign_in_on_them(bundle: Path) -> None:
    async with scripted_server(ScriptedModel(), bundle=bundle, gateway_key="k" * 32) as server:
        for path in ("/", "/councils", "/history"):
            page = await server.http.get(path, headers=BROWSER)
            assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        listed = await server.http.get("/councils", headers={"accept": "application/json"})
        assert listed.status_code == 401
