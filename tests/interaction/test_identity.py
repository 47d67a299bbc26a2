"""Owners are recognised by real tokens, whatever becomes of the issuer; and nobody else is."""

import asyncio
import gzip
import json
import logging
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator
from typing import Any

import httpx2
import jwt
import pytest
import pytest_asyncio
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from tests.support.cognito import Cognito, serving_cognito
from tests.support.issuer import (
    CLIENT,
    Issuer,
    forged,
    hmac_token,
    signed_with_the_public_key,
    signing_key,
    with_claims,
)
from tests.support.serving import listening

from magisystem.errors import IdentityError, IdentityUnavailable, NotAllowed, Unauthenticated
from magisystem.identity import OidcPolicy, Verifier

pytestmark = pytest.mark.asyncio(loop_scope="module")


class Clock:
    """A clock that stands where it is put."""

    def __init__(self) -> None:
        self.elapsed_s = 0.0

    def __call__(self) -> float:
        return self.elapsed_s


class Stage:
    """One port, on which every test has an issuer of its own."""

    def __init__(self) -> None:
        self.url = ""
        self.app: ASGIApp = Issuer().app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage() -> AsyncGenerator[Stage]:
    stage = Stage()
    async with listening(stage) as stage.url:
        yield stage


@pytest.fixture
def issuer(stage: Stage) -> Issuer:
    issuer = Issuer(stage.url)
    stage.app = issuer.app
    return issuer


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest_asyncio.fixture(loop_scope="module")
async def verifier(issuer: Issuer, clock: Clock) -> AsyncGenerator[Verifier]:
    verifier = Verifier(OidcPolicy(issuer.discovery_url, clients=(CLIENT,)), elapsed_s=clock)
    yield verifier
    await verifier.aclose()


@pytest.fixture(scope="module")
def cognito() -> Generator[Cognito]:
    with serving_cognito() as served:
        yield served


async def refusal_of(verifier: Verifier, token: str) -> type[IdentityError]:
    with pytest.raises(IdentityError) as refused:
        await verifier.owner(token)
    return type(refused.value)


class TestCognito:
    async def test_access_and_id_tokens_of_cognito_name_one_owner(self, cognito: Cognito) -> None:
        pool = cognito.user_pool()
        ann, bob = pool.sign_in("ann"), pool.sign_in("bob")
        verifier = Verifier(OidcPolicy(pool.discovery_url, clients=(pool.client_id,)))

        owners = [await verifier.owner(token) for token in (ann.access, ann.id, bob.access, bob.id)]
        await verifier.aclose()

        assert owners[0] == owners[1] == jwt.decode(ann.id, options={"verify_signature": False})["sub"]
        assert owners[2] == owners[3] != owners[0]

    async def test_one_key_signs_for_two_pools_and_only_one_is_asked_for(self, cognito: Cognito) -> None:
        ours, theirs = cognito.user_pool(), cognito.user_pool()
        tokens = theirs.sign_in("ann")
        verifier = Verifier(OidcPolicy(ours.discovery_url, clients=(ours.client_id, theirs.client_id)))

        refusals = [await refusal_of(verifier, token) for token in (tokens.access, tokens.id)]
        await verifier.aclose()

        assert refusals == [Unauthenticated, Unauthenticated]

    async def test_another_clients_token_of_the_same_pool_may_not(self, cognito: Cognito) -> None:
        pool = cognito.user_pool()
        tokens = pool.sign_in("ann")
        verifier = Verifier(OidcPolicy(pool.discovery_url, clients=("another",)))

        refusals = [await refusal_of(verifier, token) for token in (tokens.access, tokens.id)]
        await verifier.aclose()

        assert refusals == [NotAllowed, NotAllowed]


def empty(_: Issuer) -> str:
    return ""


@pytest.mark.parametrize(
    ("make", "refusal"),
    [
        pytest.param(with_claims(iat=1_000, exp=2_000), Unauthenticated, id="expired"),
        pytest.param(with_claims(nbf=9_999_999_999), Unauthenticated, id="not yet valid"),
        pytest.param(with_claims(iat=9_999_999_999, exp=9_999_999_999), Unauthenticated, id="of the future"),
        pytest.param(with_claims(iss="https://elsewhere.example.com"), Unauthenticated, id="wrong issuer"),
        pytest.param(with_claims(client_id="another"), NotAllowed, id="wrong client"),
        pytest.param(with_claims(token_use="refresh"), Unauthenticated, id="wrong token_use"),
        pytest.param(forged(), Unauthenticated, id="alg: none"),
        pytest.param(signed_with_the_public_key, Unauthenticated, id="HS256 with the public key"),
        pytest.param(with_claims(key=signing_key("RS256", 9)), Unauthenticated, id="unknown kid"),
        pytest.param(with_claims(pad="x" * 1_000_000), Unauthenticated, id="1 MB"),
        pytest.param(empty, Unauthenticated, id="empty"),
    ],
)
async def test_a_token_that_proves_nothing_is_refused_without_a_word_on_why(
    make: Callable[[Issuer], str],
    refusal: type[IdentityError],
    issuer: Issuer,
    verifier: Verifier,
    caplog: pytest.LogCaptureFixture,
) -> None:
    token = make(issuer)
    with caplog.at_level(logging.INFO, "magisystem.identity"), pytest.raises(refusal) as refused:
        await verifier.owner(token)

    assert type(refused.value) is refusal
    assert refused.value.message == refusal().message  # pyright: ignore[reportCallIssue] - leaves take nothing
    assert "A token was refused: it" in caplog.text
    assert not token or token not in caplog.text


class TestKeys:
    async def test_keys_are_read_once(self, issuer: Issuer, verifier: Verifier) -> None:
        tokens = [issuer.access_token(f"person-{number}") for number in range(20)]
        owners = await asyncio.gather(*map(verifier.owner, tokens))

        assert owners == [f"person-{number}" for number in range(20)]
        assert issuer.fetches == {"discovery": 1, "jwks": 1}

    @pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
    async def test_a_new_key_is_found_after_half_a_minute(
        self, algorithm: Any, issuer: Issuer, verifier: Verifier, clock: Clock
    ) -> None:
        old = issuer.access_token()
        assert await verifier.owner(old) == "ann"

        issuer.rotate(algorithm)
        assert await refusal_of(verifier, issuer.access_token("bob")) is Unauthenticated
        clock.elapsed_s += 30

        assert await verifier.owner(issuer.access_token("bob")) == "bob"
        assert await verifier.owner(old) == "ann"
        assert issuer.fetches["jwks"] == 2

    async def test_a_flood_of_unknown_keys_is_one_fetch_in_half_a_minute(
        self, issuer: Issuer, verifier: Verifier, clock: Clock
    ) -> None:
        await verifier.owner(issuer.access_token())
        flood = [issuer.access_token(headers={"kid": f"made-up-{number}"}) for number in range(300)]
        for minute in range(3):
            refusals = await asyncio.gather(*(refusal_of(verifier, token) for token in flood))

            assert set(refusals) == {Unauthenticated}
            assert issuer.fetches["jwks"] == 1 + minute
            clock.elapsed_s += 29.9
            assert await refusal_of(verifier, flood[0]) is Unauthenticated
            assert issuer.fetches["jwks"] == 1 + minute
            clock.elapsed_s += 0.1

    async def test_those_who_come_while_keys_are_read_wait_for_the_same_ones(
        self, issuer: Issuer, verifier: Verifier, clock: Clock
    ) -> None:
        issuer.is_quick.clear()
        asked = [asyncio.create_task(verifier.owner(issuer.access_token())) for _ in range(50)]
        await issuer.is_asked.wait()
        clock.elapsed_s += 60
        asked.extend(asyncio.create_task(verifier.owner(issuer.access_token())) for _ in range(50))
        asked[0].cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked[0]
        issuer.is_quick.set()

        assert await asyncio.gather(*asked[1:]) == ["ann"] * 99
        assert issuer.fetches == {"discovery": 1, "jwks": 1}

    async def test_a_key_that_is_known_does_not_wait_for_one_that_is_not(
        self, issuer: Issuer, verifier: Verifier, clock: Clock
    ) -> None:
        await verifier.owner(issuer.access_token())
        clock.elapsed_s += 30
        issuer.is_quick.clear()
        issuer.is_asked.clear()
        unknown = asyncio.create_task(refusal_of(verifier, issuer.access_token(headers={"kid": "made-up"})))
        await issuer.is_asked.wait()

        assert await verifier.owner(issuer.access_token()) == "ann"
        assert not unknown.done()
        issuer.is_quick.set()
        assert await unknown is Unauthenticated

    async def test_a_key_that_was_taken_back_is_no_longer_taken_an_hour_later(
        self, issuer: Issuer, verifier: Verifier, clock: Clock
    ) -> None:
        old = issuer.access_token()
        await verifier.owner(old)
        issuer.rotate(keep_old=False)
        clock.elapsed_s += 3600

        # The first use finds that it is time; nobody waits for it.
        assert await verifier.owner(old) == "ann"
        await until_refused(verifier, old)
        assert await verifier.owner(issuer.access_token("bob")) == "bob"
        assert issuer.fetches["jwks"] == 2


async def until_refused(verifier: Verifier, token: str) -> None:
    async with asyncio.timeout(5):
        while True:
            try:
                await verifier.owner(token)
            except Unauthenticated:
                return
            await asyncio.sleep(0.001)


class TestTroubleWithTheIssuer:
    async def test_an_issuer_that_fails_at_first_is_asked_again_a_second_later(
        self, issuer: Issuer, verifier: Verifier, clock: Clock
    ) -> None:
        issuer.answers["discovery"] = lambda: Response(status_code=503)
        for _ in range(20):
            assert await refusal_of(verifier, issuer.access_token()) is IdentityUnavailable
        assert issuer.fetches["discovery"] == 1

        issuer.answers.clear()
        clock.elapsed_s += 1
        assert await verifier.owner(issuer.access_token()) == "ann"

    async def test_an_issuer_that_keeps_failing_is_asked_less_and_less(
        self, issuer: Issuer, verifier: Verifier, clock: Clock
    ) -> None:
        issuer.answers["jwks"] = lambda: Response(status_code=500)
        fetched_at_s: list[float] = []
        for _ in range(1000):
            before = issuer.fetches["jwks"]
            assert await refusal_of(verifier, issuer.access_token()) is IdentityUnavailable
            if issuer.fetches["jwks"] > before:
                fetched_at_s.append(clock.elapsed_s)
            clock.elapsed_s += 0.125

        assert fetched_at_s == [0, 1, 3, 7, 15, 31, 61, 91, 121]

    async def test_what_is_known_is_good_though_the_issuer_be_gone(
        self, stage: Stage, issuer: Issuer, verifier: Verifier, clock: Clock, caplog: pytest.LogCaptureFixture
    ) -> None:
        token = issuer.access_token()
        await verifier.owner(token)
        stage.app = Response(status_code=502)
        for _ in range(5):
            clock.elapsed_s += 3600
            assert await verifier.owner(token) == "ann"
            await asyncio.wait(reading())
        assert caplog.text.count("the keys that are known are used on") == 5

        issuer.rotate()
        clock.elapsed_s += 30
        assert await refusal_of(verifier, issuer.access_token("bob")) is IdentityUnavailable
        stage.app = issuer.app
        clock.elapsed_s += 30
        assert await verifier.owner(issuer.access_token("bob")) == "bob"

    async def test_an_issuer_that_nobody_answers_for_is_unavailable(self, issuer: Issuer, stage: Stage) -> None:
        verifier = Verifier(OidcPolicy("http://127.0.0.1:9/.well-known/openid-configuration", clients=(CLIENT,)))
        assert await refusal_of(verifier, issuer.access_token()) is IdentityUnavailable
        await verifier.aclose()

    async def test_an_issuer_that_is_silent_is_not_waited_for_long(
        self, issuer: Issuer, verifier: Verifier, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("magisystem.identity.issuer.FETCH_S", 0.05)
        issuer.is_quick.clear()
        assert await refusal_of(verifier, issuer.access_token()) is IdentityUnavailable
        issuer.is_quick.set()

    async def test_who_waits_while_the_server_stops_learns_that_nobody_can_be_asked(
        self, issuer: Issuer, verifier: Verifier
    ) -> None:
        issuer.is_quick.clear()
        waiting = asyncio.create_task(refusal_of(verifier, issuer.access_token()))
        await issuer.is_asked.wait()
        await verifier.aclose()
        issuer.is_quick.set()

        assert await waiting is IdentityUnavailable
        assert not reading()


def reading() -> list[asyncio.Task[Any]]:
    return [task for task in asyncio.all_tasks() if task.get_name() == "read the issuer's keys"]


async def without_end() -> AsyncIterator[bytes]:
    while True:
        yield b" " * 65_536
        # A server that is never done has to let the others go on.
        await asyncio.sleep(0)


EVIL = "https://evil.example.com"


class TestHostileIssuers:
    @pytest.mark.parametrize("document", ["discovery", "jwks"])
    @pytest.mark.parametrize(
        ("answer", "reason"),
        [
            pytest.param(lambda: StreamingResponse(without_end()), "more than 262,144 bytes", id="without end"),
            pytest.param(lambda: Response(b"<html>"), "is no ", id="no JSON"),
            pytest.param(lambda: Response(b"\xff\xfe"), "is no ", id="no text"),
            pytest.param(lambda: Response(b"[" * 100_000), "is no ", id="deep"),
            pytest.param(lambda: JSONResponse({}), "is no ", id="empty"),
            pytest.param(lambda: RedirectResponse("/jwks"), "redirects are not followed", id="a redirect"),
            pytest.param(lambda: JSONResponse({}, 201), "answered 201", id="another status"),
            pytest.param(
                lambda: Response(gzip.compress(b" " * 10_000_000), headers={"content-encoding": "gzip"}),
                "an encoding that was not asked for",
                id="packed",
            ),
        ],
    )
    async def test_a_document_that_cannot_be_used_makes_the_issuer_unavailable(
        self,
        document: Any,
        answer: Callable[[], Response],
        reason: str,
        issuer: Issuer,
        verifier: Verifier,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        issuer.answers[document] = answer
        assert await refusal_of(verifier, issuer.access_token()) is IdentityUnavailable
        assert reason in caplog.text

    @pytest.mark.parametrize(
        "keys",
        [
            pytest.param([], id="none"),
            pytest.param([{"kty": "oct", "kid": "rs256-1", "k": "c2VjcmV0", "alg": "HS256"}], id="a secret"),
            pytest.param([{"kty": "RSA", "kid": "rs256-1", "alg": "none"}], id="for no algorithm"),
        ],
    )
    async def test_keys_that_are_not_fit_are_no_keys(self, keys: Any, issuer: Issuer, verifier: Verifier) -> None:
        issuer.answers["jwks"] = lambda: JSONResponse({"keys": keys})
        claims = jwt.decode(issuer.access_token(), options={"verify_signature": False})
        assert await refusal_of(verifier, hmac_token(claims, b"secret", kid="rs256-1")) is Unauthenticated
        assert await refusal_of(verifier, issuer.access_token()) is IdentityUnavailable

    @pytest.mark.parametrize(
        "jwks_uri", ["http://192.0.2.1/jwks", "http://localhost.example.com/", "file:///etc/passwd", "", "https://"]
    )
    async def test_keys_are_read_by_https_alone(
        self, jwks_uri: str, issuer: Issuer, verifier: Verifier, caplog: pytest.LogCaptureFixture
    ) -> None:
        issuer.discovery["jwks_uri"] = jwks_uri
        assert await refusal_of(verifier, issuer.access_token()) is IdentityUnavailable
        assert "is not HTTPS" in caplog.text

    @pytest.mark.parametrize(
        ("other", "reason"),
        [
            ({"issuer": EVIL}, "that of another issuer"),
            ({"issuer": "https://issuer.example.com/other"}, "that of another issuer"),
            ({"issuer": "https://login.example.com/{tenantid}"}, "that of another issuer"),
            ({"jwks_uri": "http://127.0.0.1:8080/jwks"}, "is not HTTPS"),
            ({"issuer": 1}, "no discovery document"),
        ],
    )
    async def test_an_issuer_elsewhere_speaks_for_itself_alone(
        self, other: dict[str, Any], reason: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        issuer = Issuer("https://issuer.example.com", discovery=other)
        policy = OidcPolicy(issuer.discovery_url, clients=(CLIENT,))
        verifier = Verifier(policy, transport=httpx2.ASGITransport(issuer.app))
        token = issuer.access_token(iss=other.get("issuer", issuer.url) if other.get("issuer") != 1 else issuer.url)

        assert await refusal_of(verifier, token) is IdentityUnavailable
        await verifier.aclose()
        assert reason in caplog.text

    @pytest.mark.parametrize("slash", ["", "/"])
    async def test_an_issuers_name_may_end_with_a_slash(self, slash: str) -> None:
        # Auth0's do; a token has to say it just as the document does.
        issuer = Issuer(
            "https://issuer.example.com/tenant", discovery={"issuer": f"https://issuer.example.com/tenant{slash}"}
        )
        policy = OidcPolicy("https://issuer.example.com/tenant/.well-known/openid-configuration", clients=(CLIENT,))
        app = issuer.app

        async def below_tenant(scope: Scope, receive: Receive, send: Send) -> None:
            await app({**scope, "path": scope["path"].removeprefix("/tenant")}, receive, send)

        verifier = Verifier(policy, transport=httpx2.ASGITransport(below_tenant))
        good = issuer.access_token(iss=f"https://issuer.example.com/tenant{slash}")
        bad = issuer.access_token(iss=f"https://issuer.example.com/tenant{'' if slash else '/'}")

        assert await verifier.owner(good) == "ann"
        assert await refusal_of(verifier, bad) is Unauthenticated
        await verifier.aclose()


async def test_the_package_loads_neither_cryptography_nor_http_until_a_token_comes() -> None:
    heavy = {"jwt", "cryptography", "httpx2", "pydantic", "strands", "sqlalchemy"}
    program = (
        "import json, sys, magisystem.identity as i;"
        "i.Verifier(i.OidcPolicy('https://x.example.com/.well-known/openid-configuration', ('c',)));"
        "i.Assertions('k' * 32); i.runtime_session_id('k' * 32, 'ann', '');"
        "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    )
    done = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE)
    loaded, _ = await done.communicate()
    assert "magisystem" in json.loads(loaded)
    assert not heavy & set(json.loads(loaded))
