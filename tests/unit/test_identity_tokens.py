"""The rules a token is held to."""

import base64
import json
import time
from contextlib import suppress
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import example, given
from hypothesis import strategies as st
from tests.support.issuer import CLIENT, Issuer, hmac_token, signing_key, unsigned_token

from magisystem.errors import IdentityError, NotAllowed, SettingsInvalid, Unauthenticated
from magisystem.identity import OidcPolicy, bearer
from magisystem.identity.keys import read_keys
from magisystem.identity.tokens import SKEW_S, Token, reason_of

ISSUER = Issuer("https://issuer.example.com", keys=[signing_key("ES256", 1), signing_key("RS256", 1)])
KEYS = read_keys(json.dumps({"keys": [key.jwk for key in ISSUER.keys]}).encode())
CLIENTS_ONLY = OidcPolicy(ISSUER.discovery_url, clients=(CLIENT,))
API = "https://api.example.com"
# A client's tokens for one API, as Auth0, Keycloak and Entra ID issue them.
API_POLICY = OidcPolicy(ISSUER.discovery_url, clients=(CLIENT,), audiences=(API,))


def owner_of(token: str, policy: OidcPolicy = CLIENTS_ONLY, now_s: float | None = None) -> str:
    presented = Token(token)
    key = KEYS.get(presented.kid)
    if key is None:
        raise Unauthenticated
    return presented.owner(key, ISSUER.url, policy, time.time() if now_s is None else now_s)


def refusal_of(token: str, policy: OidcPolicy = CLIENTS_ONLY) -> type[IdentityError]:
    with pytest.raises(IdentityError) as refused:
        owner_of(token, policy)
    return type(refused.value)


def public_key_of(issuer: Issuer) -> list[bytes]:
    """Every form in which an attacker has the public key at hand."""
    public = issuer.key.private.public_key()
    forms = [
        (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo),
        (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo),
        (serialization.Encoding.PEM, serialization.PublicFormat.PKCS1),
    ]
    written = [public.public_bytes(*form) for form in forms]
    return [*written, written[0].strip(), json.dumps(issuer.key.jwk).encode(), b""]


def claims_of(token: str) -> dict[str, Any]:
    return jwt.decode(token, options={"verify_signature": False})


class TestGoodTokens:
    @pytest.mark.parametrize("key", ISSUER.keys, ids=lambda key: key.algorithm)
    def test_cognitos_access_and_id_tokens_prove_their_subject(self, key: Any) -> None:
        assert owner_of(ISSUER.access_token("ann", key=key)) == "ann"
        assert owner_of(ISSUER.signed({"sub": "ann", "aud": CLIENT, "token_use": "id"}, key)) == "ann"

    @pytest.mark.parametrize(
        "claims",
        [
            pytest.param({"azp": CLIENT, "aud": [API, f"{ISSUER.url}/userinfo"], "scope": "read"}, id="Auth0"),
            pytest.param({"client_id": CLIENT, "aud": API}, id="RFC 9068"),
            pytest.param({"azp": CLIENT, "aud": [API, "account"], "typ": "Bearer"}, id="Keycloak"),
            pytest.param({"azp": CLIENT, "aud": API, "scp": "read", "ver": "2.0", "nbf": 0}, id="Entra ID"),
            pytest.param({"client_id": CLIENT, "token_use": "access"}, id="Cognito"),
            pytest.param({"client_id": CLIENT, "token_use": "access", "aud": API}, id="Cognito, bound to a resource"),
        ],
    )
    def test_access_tokens_of_other_issuers_prove_their_subject(self, claims: dict[str, Any]) -> None:
        assert owner_of(ISSUER.token(sub="auth0|507f1f77", **claims), API_POLICY) == "auth0|507f1f77"

    def test_an_id_token_with_several_audiences_names_its_client_by_azp(self) -> None:
        token = ISSUER.token(sub="ann", aud=[CLIENT, "another"], azp=CLIENT)
        assert owner_of(token) == "ann"
        assert refusal_of(ISSUER.token(sub="ann", aud=[CLIENT, "another"])) is NotAllowed
        assert refusal_of(ISSUER.token(sub="ann", aud=[CLIENT, "another"], azp="another")) is NotAllowed

    @pytest.mark.parametrize("kind", ["JWT", "jwt", "at+jwt", "AT+JWT", "application/at+jwt"])
    def test_the_type_of_a_token_may_be_said_in_full(self, kind: str) -> None:
        token = ISSUER.signed({"sub": "ann", "client_id": CLIENT}, headers={"typ": kind})
        assert owner_of(token) == "ann"

    def test_one_scope_of_those_that_are_asked_for_is_enough(self) -> None:
        policy = OidcPolicy(ISSUER.discovery_url, scopes=("ask", "read"))
        assert owner_of(ISSUER.access_token(scope="openid ask"), policy) == "ann"
        assert owner_of(ISSUER.token(sub="ann", scp=["ask", "other"]), policy) == "ann"
        assert owner_of(ISSUER.token(sub="ann", scp="other read"), policy) == "ann"

    @pytest.mark.parametrize(
        ("claims", "at_s"),
        [
            ({"exp": 1000, "iat": 0}, 999 + SKEW_S),
            ({"exp": 9000, "iat": 1000}, 1000 - SKEW_S),
            ({"exp": 9000, "iat": 0, "nbf": 1000}, 1000 - SKEW_S),
            ({"exp": 1000.5, "iat": 0.5}, 1000),
        ],
    )
    def test_clocks_may_differ_by_a_minute(self, claims: dict[str, Any], at_s: float) -> None:
        assert owner_of(ISSUER.access_token(**claims), now_s=at_s) == "ann"


class TestRefusedTokens:
    @pytest.mark.parametrize(
        ("claims", "at_s"),
        [
            pytest.param({"exp": 1000, "iat": 0}, 1000 + SKEW_S, id="expired"),
            pytest.param({"exp": 9000, "iat": 1001}, 1000 - SKEW_S, id="issued in the future"),
            pytest.param({"exp": 9000, "iat": 0, "nbf": 1001}, 1000 - SKEW_S, id="not yet valid"),
        ],
    )
    def test_a_token_of_another_time_proves_nothing(self, claims: dict[str, Any], at_s: float) -> None:
        with pytest.raises(Unauthenticated):
            owner_of(ISSUER.access_token(**claims), now_s=at_s)

    @pytest.mark.parametrize("missing", ["iss", "sub", "exp", "iat"])
    def test_a_token_without_what_every_token_has_proves_nothing(self, missing: str) -> None:
        assert refusal_of(ISSUER.token(**{"sub": "ann", "client_id": CLIENT, missing: None})) is Unauthenticated

    @pytest.mark.parametrize(
        "claims",
        [
            pytest.param({"iss": "https://elsewhere.example.com"}, id="another issuer"),
            pytest.param({"iss": f"{ISSUER.url}/"}, id="an issuer that differs by a slash"),
            pytest.param({"token_use": "refresh"}, id="another use"),
            pytest.param({"token_use": ["access"]}, id="a use that is no text"),
            pytest.param({"typ": "Refresh"}, id="Keycloak's refresh token"),
            pytest.param({"events": {"http://schemas.openid.net/event/backchannel-logout": {}}}, id="a logout token"),
            pytest.param({"cnf": {"jkt": "x"}}, id="bound to a key"),
            pytest.param({"sub": ""}, id="nobody"),
            pytest.param({"sub": "a" * 256}, id="a long name"),
            pytest.param({"sub": "ann\n"}, id="a line feed in a name"),
            pytest.param({"sub": "a b"}, id="a space in a name"),
            pytest.param({"sub": "änn"}, id="another alphabet"),
            pytest.param({"exp": "tomorrow"}, id="a time in words"),
            pytest.param({"exp": True}, id="a time that is none"),
            pytest.param({"exp": 10**400}, id="a time without an end"),
            pytest.param({"iat": -(10**400)}, id="a time without a beginning"),
            pytest.param({"aud": [CLIENT, 1]}, id="an audience that is a number"),
        ],
    )
    def test_a_signed_token_that_is_no_proof_of_who_asks_is_refused(self, claims: dict[str, Any]) -> None:
        assert refusal_of(ISSUER.access_token(**claims)) is Unauthenticated

    @pytest.mark.parametrize(
        ("claims", "policy"),
        [
            pytest.param({"token_use": "access", "client_id": "x"}, CLIENTS_ONLY, id="another client's access token"),
            pytest.param({"token_use": "id", "aud": "x"}, CLIENTS_ONLY, id="another client's ID token"),
            pytest.param({"token_use": "access"}, CLIENTS_ONLY, id="an access token of no client"),
            pytest.param({"token_use": "access", "aud": CLIENT}, CLIENTS_ONLY, id="a client's name as an audience"),
            pytest.param({"client_id": CLIENT, "azp": "x"}, CLIENTS_ONLY, id="two clients"),
            pytest.param({"azp": CLIENT, "aud": API}, CLIENTS_ONLY, id="for an API that is not named here"),
            pytest.param({"azp": CLIENT, "aud": "x"}, API_POLICY, id="for another API"),
            pytest.param({"azp": "x", "aud": API}, API_POLICY, id="another client's, for this API"),
            pytest.param({"azp": CLIENT}, API_POLICY, id="for no API"),
            pytest.param({"aud": []}, CLIENTS_ONLY, id="for nobody"),
            pytest.param({"aud": CLIENT}, API_POLICY, id="an ID token where an API's tokens are asked for"),
            pytest.param(
                {"token_use": "access", "client_id": CLIENT},
                OidcPolicy(ISSUER.discovery_url, audiences=(API,)),
                id="Cognito's, whose client nobody has named",
            ),
            pytest.param(
                {"token_use": "access", "client_id": CLIENT, "scope": "openid"},
                OidcPolicy(ISSUER.discovery_url, clients=(CLIENT,), scopes=("ask",)),
                id="without the scope",
            ),
            pytest.param({"aud": CLIENT}, OidcPolicy(ISSUER.discovery_url, scopes=("ask",)), id="without any scope"),
        ],
    )
    def test_a_valid_token_that_is_for_somebody_else_may_not(self, claims: dict[str, Any], policy: OidcPolicy) -> None:
        assert refusal_of(ISSUER.token(sub="ann", **claims), policy) is NotAllowed

    def test_an_access_tokens_audience_is_not_its_client(self) -> None:
        assert owner_of(ISSUER.token(sub="ann", aud=CLIENT)) == "ann"
        assert refusal_of(ISSUER.signed({"sub": "ann", "aud": CLIENT}, headers={"typ": "at+jwt"})) is NotAllowed

    @pytest.mark.parametrize("kind", ["logout+jwt", "dpop+jwt", "secevent+jwt", "JOSE", "none"])
    def test_what_is_signed_for_another_end_proves_nothing(self, kind: str) -> None:
        assert refusal_of(ISSUER.access_token(headers={"typ": kind})) is Unauthenticated

    @pytest.mark.parametrize("header", [{"crit": ["exp"], "exp": 1}, {"b64": True}, {"kid": None}])
    def test_a_header_that_asks_for_more_is_refused(self, header: dict[str, Any]) -> None:
        signed, _, _ = ISSUER.access_token().rpartition(".")
        whole = {"alg": "RS256", "kid": ISSUER.key.kid, **header}
        first = base64.urlsafe_b64encode(json.dumps(whole).encode()).rstrip(b"=").decode()
        message = f"{first}.{signed.partition('.')[2]}"
        signature = jwt.get_algorithm_by_name("RS256").sign(message.encode(), ISSUER.key.private)
        token = f"{message}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"
        assert refusal_of(token) is Unauthenticated

    @pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE", ""])
    def test_a_token_without_a_signature_proves_nothing(self, algorithm: str) -> None:
        claims = claims_of(ISSUER.access_token())
        for kid in KEYS:
            unsigned = unsigned_token(claims, alg=algorithm, kid=kid)
            assert refusal_of(unsigned) is Unauthenticated
            assert refusal_of(f"{unsigned}AA") is Unauthenticated

    def test_the_public_key_is_no_secret_to_sign_with(self) -> None:
        claims = claims_of(ISSUER.access_token())
        for secret in public_key_of(ISSUER):
            for claimed in ("HS256", "RS256", "ES256"):
                forged = hmac_token(claims, secret, kid=ISSUER.key.kid, alg=claimed)
                assert refusal_of(forged) is Unauthenticated

    @pytest.mark.parametrize("algorithm", ["RS384", "RS512", "PS256"])
    def test_other_algorithms_are_refused_though_the_signature_be_right(self, algorithm: str) -> None:
        claims = claims_of(ISSUER.access_token())
        token = jwt.encode(claims, ISSUER.key.private, algorithm, {"kid": ISSUER.key.kid})
        assert refusal_of(token) is Unauthenticated

    def test_one_keys_name_does_not_go_with_anothers_signature(self) -> None:
        first, second = ISSUER.keys
        for key, kid in ((first, second.kid), (second, first.kid), (signing_key("RS256", 9), second.kid)):
            assert refusal_of(ISSUER.access_token(key=key, headers={"kid": kid})) is Unauthenticated

    def test_a_token_brings_no_keys_of_its_own(self) -> None:
        stranger = signing_key("RS256", 9)
        for header in ({"jwk": stranger.jwk}, {"jku": "https://evil.example.com/keys"}, {"x5u": "https://evil"}):
            forged = ISSUER.access_token(key=stranger, headers={"kid": ISSUER.key.kid, **header})
            assert refusal_of(forged) is Unauthenticated

    @pytest.mark.parametrize("part", [0, 1, 2])
    def test_a_token_is_refused_whichever_part_was_changed(self, part: int) -> None:
        parts = ISSUER.access_token().split(".")
        other = ISSUER.access_token("bob", headers={"x": "y"}).split(".")
        parts[part] = other[part]
        assert refusal_of(".".join(parts)) is Unauthenticated

    def test_a_large_token_is_not_even_looked_at(self) -> None:
        with pytest.raises(Unauthenticated) as refused:
            Token("a" * 1_000_000)
        assert "1,000,000 characters" in reason_of(refused.value)


class TestWhateverComes:
    @given(st.text() | st.from_regex(r"[A-Za-z0-9_-]{1,40}\.[A-Za-z0-9_-]{1,40}\.[A-Za-z0-9_-]{0,40}", fullmatch=True))
    @example("\ud800.a.b")
    @example("..")
    @example(f"{'W' * 8000}.a.b")
    def test_garbage_is_refused_and_nothing_else(self, garbage: str) -> None:
        with pytest.raises(Unauthenticated):
            owner_of(garbage)

    @given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists, max_leaves=5))
    def test_headers_of_any_kind_are_refused(self, value: Any) -> None:
        _, payload, signature = ISSUER.access_token().split(".")
        for header in (value, {"alg": value, "kid": value}, {"alg": "RS256", "kid": ISSUER.key.kid, "typ": value}):
            first = base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()
            with pytest.raises(Unauthenticated):
                owner_of(f"{first}.{payload}.{signature}")

    @given(
        st.sampled_from(["iss", "sub", "exp", "iat", "nbf", "aud", "client_id", "azp", "token_use", "scope", "scp"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
            max_leaves=5,
        ),
    )
    def test_signed_claims_of_any_kind_are_taken_or_refused(self, name: str, value: Any) -> None:
        payload = json.dumps({**claims_of(ISSUER.access_token(key=ISSUER.keys[0])), name: value}).encode()
        token = jwt.PyJWS().encode(payload, ISSUER.keys[0].private, "ES256", {"kid": ISSUER.keys[0].kid})
        with suppress(Unauthenticated, NotAllowed):
            assert owner_of(token)

    @pytest.mark.parametrize("payload", [b"", b"\xff", b"null", b"[]", b"{", b"[" * 5000, b'{"a":' * 3000, b"1" * 9000])
    def test_signed_bytes_that_are_no_claims_are_refused(self, payload: bytes) -> None:
        token = jwt.PyJWS().encode(payload, ISSUER.key.private, "RS256", {"kid": ISSUER.key.kid})
        assert refusal_of(token) is Unauthenticated

    @given(st.text())
    def test_what_a_stranger_wrote_stands_in_the_log_on_one_short_line(self, text: str) -> None:
        with pytest.raises(Unauthenticated) as refused:
            owner_of(ISSUER.access_token(key=ISSUER.keys[0], token_use=text * 100 or "none"))
        assert reason_of(refused.value).isprintable()
        assert len(reason_of(refused.value)) < 1200


class TestPolicies:
    @pytest.mark.parametrize(
        "url",
        [
            "http://issuer.example.com/.well-known/openid-configuration",
            "http://127.0.0.1.example.com/.well-known/openid-configuration",
            "http://127.0.0.1@example.com/.well-known/openid-configuration",
            "ftp://localhost/.well-known/openid-configuration",
            "https:///.well-known/openid-configuration",
            "https://[::1/.well-known/openid-configuration",
            "https://issuer.example.com/.well-known/jwks.json",
            "issuer.example.com",
        ],
    )
    def test_an_issuer_that_cannot_be_asked_safely_is_refused(self, url: str) -> None:
        with pytest.raises(SettingsInvalid, match="MAGI_OIDC_DISCOVERY_URL"):
            OidcPolicy(url, clients=(CLIENT,))

    @pytest.mark.parametrize("host", ["localhost:9", "127.0.0.1:9", "127.1.2.3", "[::1]:9"])
    def test_an_issuer_on_this_machine_needs_no_https(self, host: str) -> None:
        OidcPolicy(f"http://{host}/pool/.well-known/openid-configuration", clients=(CLIENT,))

    def test_a_policy_that_asks_for_nothing_is_refused(self) -> None:
        with pytest.raises(SettingsInvalid, match="MAGI_OIDC_CLIENTS"):
            OidcPolicy(ISSUER.discovery_url)


@pytest.mark.parametrize(
    ("header", "token"),
    [
        ("Bearer a.b.c", "a.b.c"),
        ("bearer  a.b.c ", "a.b.c"),
        ("BEARER a-._~+/9==", "a-._~+/9=="),
        (None, None),
        ("", None),
        ("Bearer", None),
        ("Bearer ", None),
        ("Basic YTpi", None),
        ("Bearer a b", None),
        ("Bearer a\nb", None),
        ("Bearer a, Bearer b", None),
        ("xBearer a", None),
    ],
)
def test_a_bearer_token_is_read_from_its_header(header: str | None, token: str | None) -> None:
    assert bearer(header) == token
