"""What gateway and runtime tell each other."""

import hmac
import re
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.issuer import hmac_token, unsigned_token

from magisystem.errors import Unauthenticated
from magisystem.identity import Assertions, runtime_session_id

KEY = "0123456789abcdef0123456789abcdef"
OTHER_KEY = "fedcba9876543210fedcba9876543210"
OWNERS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=255)


class Clock:
    """A clock that stands where it is put."""

    def __init__(self, now_s: float) -> None:
        self.now_s = now_s

    def __call__(self) -> float:
        return self.now_s


@given(OWNERS)
def test_the_runtime_learns_the_owner_from_the_gateway(owner: str) -> None:
    assert Assertions(KEY).owner(Assertions(KEY).sign(owner)) == owner


@given(OWNERS)
def test_an_assertion_fits_into_a_header_that_the_platform_forwards(owner: str) -> None:
    # AgentCore Runtime forwards allow-listed headers of at most 4 KiB.
    assert re.fullmatch(r"[A-Za-z0-9._-]{1,4096}", Assertions(KEY).sign(owner))


@pytest.mark.parametrize("owner", ["", "a b", "ann\r\nx-owner: bob", "änn", "a" * 256])
def test_what_is_no_owner_is_not_signed(owner: str) -> None:
    with pytest.raises(ValueError, match="printable ASCII"):
        Assertions(KEY).sign(owner)


@pytest.mark.parametrize(("later_s", "is_good"), [(-61, False), (-59, True), (0, True), (119, True), (120, False)])
def test_an_assertion_is_of_now(*, later_s: float, is_good: bool) -> None:
    clock = Clock(1_000_000)
    assertion = Assertions(KEY, now_s=clock).sign("ann")
    clock.now_s += later_s
    if is_good:
        assert Assertions(KEY, now_s=clock).owner(assertion) == "ann"
    else:
        with pytest.raises(Unauthenticated):
            Assertions(KEY, now_s=clock).owner(assertion)


def test_another_keys_assertion_is_refused() -> None:
    with pytest.raises(Unauthenticated):
        Assertions(KEY).owner(Assertions(OTHER_KEY).sign("ann"))


@given(st.text())
def test_garbage_is_no_assertion(garbage: str) -> None:
    with pytest.raises(Unauthenticated):
        Assertions(KEY).owner(garbage)


def test_a_large_assertion_is_not_looked_at() -> None:
    with pytest.raises(Unauthenticated):
        Assertions(KEY).owner("a" * 1_000_000)


def statement(**changed: Any) -> dict[str, Any]:
    now_s = int(time.time())
    good = {"iss": "magisystem-gateway", "aud": "magisystem-runtime", "sub": "ann", "iat": now_s, "exp": now_s + 60}
    return {name: value for name, value in {**good, **changed}.items() if value is not None}


@pytest.fixture(scope="module")
def signing_secret() -> bytes:
    """The derived key, so that a forgery differs from an assertion in one thing."""
    return hmac.digest(KEY.encode(), b"magisystem owner assertion v1", "sha256")


def test_a_statement_made_by_hand_is_one_if_it_is_right(signing_secret: bytes) -> None:
    assert Assertions(KEY).owner(hmac_token(statement(), signing_secret, typ="magi-owner+jwt")) == "ann"


@pytest.mark.parametrize(
    ("claims", "header"),
    [
        ({"iss": "elsewhere"}, {}),
        ({"aud": "elsewhere"}, {}),
        ({"sub": ""}, {}),
        ({"sub": "a b"}, {}),
        ({"sub": None}, {}),
        ({"exp": None}, {}),
        ({"exp": 1}, {}),
        ({"iat": None}, {}),
        ({"iat": 1 << 60}, {}),
        ({}, {"typ": "JWT"}),
        ({}, {"typ": None}),
        ({}, {"alg": "HS512"}),
        ({}, {"alg": "none"}),
        ({}, {"alg": "RS256"}),
        ({}, {"crit": ["x"]}),
    ],
)
def test_one_thing_that_is_wrong_is_enough(
    claims: dict[str, Any], header: dict[str, Any], signing_secret: bytes
) -> None:
    token = hmac_token(statement(**claims), signing_secret, **{"typ": "magi-owner+jwt", **header})
    with pytest.raises(Unauthenticated):
        Assertions(KEY).owner(token)


def test_the_shared_key_itself_signs_nothing() -> None:
    with pytest.raises(Unauthenticated):
        Assertions(KEY).owner(hmac_token(statement(), KEY.encode(), typ="magi-owner+jwt"))


def test_an_assertion_without_a_signature_is_refused() -> None:
    with pytest.raises(Unauthenticated):
        Assertions(KEY).owner(unsigned_token(statement(), typ="magi-owner+jwt"))


@pytest.mark.parametrize("digest", ["sha384", "sha512"])
def test_another_algorithm_of_the_same_family_is_refused(digest: str, signing_secret: bytes) -> None:
    header = {"alg": f"HS{digest[3:]}", "typ": "magi-owner+jwt"}
    with pytest.raises(Unauthenticated):
        Assertions(KEY).owner(hmac_token(statement(), signing_secret, digest, **header))


@pytest.mark.parametrize("key", ["", "a" * 31])
def test_a_short_key_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="MAGI_GATEWAY_KEY"):
        Assertions(key)
    with pytest.raises(ValueError, match="MAGI_GATEWAY_KEY"):
        runtime_session_id(key, "ann", "")


class TestRuntimeSessions:
    @given(st.text(), st.text())
    def test_an_id_is_one_that_the_platform_takes(self, owner: str, session: str) -> None:
        # botocore: runtimeSessionId 33..256, runtime shells at most 100 and `[a-zA-Z0-9][a-zA-Z0-9-_]*`.
        assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]{32,99}", runtime_session_id(KEY, owner, session))

    @given(st.tuples(st.text(), st.text()), st.tuples(st.text(), st.text()))
    def test_two_pairs_share_an_id_only_if_they_are_one(self, one: tuple[str, str], other: tuple[str, str]) -> None:
        assert (runtime_session_id(KEY, *one) == runtime_session_id(KEY, *other)) == (one == other)

    def test_owner_and_session_are_not_run_together(self) -> None:
        ids = {runtime_session_id(KEY, *pair) for pair in (("ann", "b"), ("an", "nb"), ("annb", ""), ("", "annb"))}
        assert len(ids) == 4

    def test_an_id_stays_the_same(self) -> None:
        # A change would leave what runs in the platform's sessions behind, out of its owners' reach.
        assert runtime_session_id(KEY, "ann", "") == (
            "magi-fd6054a3751942e6c2af30f5b409d2f57819113af0438d00cd1f160eb89a4b12"
        )

    def test_without_the_key_an_id_cannot_be_told(self) -> None:
        assert runtime_session_id(KEY, "ann", "s") != runtime_session_id(OTHER_KEY, "ann", "s")
