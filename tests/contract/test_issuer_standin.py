"""The issuer of the tests signs a browser in as the standards say: RFC 6749, RFC 7636, OpenID Connect Core."""

import base64
import hashlib
from collections.abc import AsyncGenerator
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx2
import jwt
import pytest
import pytest_asyncio
from tests.support.issuer import CLIENT, Issuer

VERIFIER = "a-verifier-of-at-least-43-characters-as-rfc-7636-asks"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
BACK = "http://app.example.com/back?page=1"


@pytest.fixture
def issuer() -> Issuer:
    return Issuer("http://issuer.example.com")


@pytest_asyncio.fixture
async def browser(issuer: Issuer) -> AsyncGenerator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=issuer.url, transport=httpx2.ASGITransport(issuer.app)) as http:
        yield http


async def sign_in(browser: httpx2.AsyncClient, **changed: str) -> dict[str, str]:
    asked = {
        "client_id": CLIENT,
        "redirect_uri": BACK,
        "response_type": "code",
        "scope": "openid",
        "state": "s",
        "nonce": "n",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    answer = await browser.get("/authorize", params={**asked, **changed})
    assert answer.status_code == 302
    back = urlsplit(answer.headers["location"])
    assert back.netloc == "app.example.com"
    return dict(parse_qsl(back.query))


async def redeem(browser: httpx2.AsyncClient, code: str, **changed: str) -> httpx2.Response:
    asked = {
        "grant_type": "authorization_code",
        "client_id": CLIENT,
        "redirect_uri": BACK,
        "code": code,
        "code_verifier": VERIFIER,
    }
    return await browser.post("/token", data={**asked, **changed})


async def test_a_browser_is_signed_in_with_a_code_and_pkce(issuer: Issuer, browser: httpx2.AsyncClient) -> None:
    back = await sign_in(browser)
    tokens = (await redeem(browser, back["code"])).json()
    keys = (await browser.get("/jwks")).json()
    claims = jwt.decode(tokens["id_token"], jwt.PyJWKSet.from_dict(keys)[issuer.key.kid], audience=CLIENT)
    about = await browser.get("/userinfo", headers={"authorization": f"Bearer {tokens['access_token']}"})

    assert back["page"] == "1"
    assert back["state"] == "s"
    assert (claims["sub"], claims["nonce"], claims["iss"]) == ("ann", "n", issuer.url)
    assert about.json()["sub"] == "ann"


async def test_a_refresh_token_is_good_once(browser: httpx2.AsyncClient) -> None:
    first = (await redeem(browser, (await sign_in(browser))["code"])).json()
    asked = {"grant_type": "refresh_token", "client_id": CLIENT, "refresh_token": first["refresh_token"]}

    assert (await browser.post("/token", data=asked)).json()["access_token"]
    assert (await browser.post("/token", data=asked)).json()["error"] == "invalid_grant"


@pytest.mark.parametrize("changed", [{"code_verifier": "another"}, {"redirect_uri": "http://x"}, {"client_id": "x"}])
async def test_a_code_is_bound_to_who_asked_for_it(browser: httpx2.AsyncClient, changed: dict[str, str]) -> None:
    answer = await redeem(browser, (await sign_in(browser))["code"], **changed)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


async def test_a_code_is_good_once(browser: httpx2.AsyncClient) -> None:
    code = (await sign_in(browser))["code"]
    assert (await redeem(browser, code)).status_code == 200
    assert (await redeem(browser, code)).status_code == 400


async def test_who_turns_back_comes_back_without_a_code(issuer: Issuer, browser: httpx2.AsyncClient) -> None:
    issuer.person = None
    assert (await sign_in(browser))["error"] == "access_denied"


async def test_without_a_session_nobody_is_signed_in_silently(browser: httpx2.AsyncClient) -> None:
    assert (await sign_in(browser, prompt="none"))["error"] == "login_required"
    await sign_in(browser)
    assert "code" in await sign_in(browser, prompt="none")

    left = await browser.get("/logout", params={"post_logout_redirect_uri": BACK, "state": "s"})
    assert parse_qs(urlsplit(left.headers["location"]).query) == {"page": ["1"], "state": ["s"]}
    assert (await sign_in(browser, prompt="none"))["error"] == "login_required"


async def test_a_page_of_another_origin_may_ask(browser: httpx2.AsyncClient) -> None:
    asked = {"origin": "http://app", "access-control-request-method": "GET"}
    preflight = await browser.options("/userinfo", headers={**asked, "access-control-request-headers": "authorization"})
    assert preflight.headers["access-control-allow-origin"] == "*"
    assert (await browser.get("/jwks", headers={"origin": "http://app"})).headers["access-control-allow-origin"] == "*"
