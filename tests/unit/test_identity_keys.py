"""Which of an issuer's keys are fit to check a token with."""

import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st
from jwt.algorithms import ECAlgorithm, RSAAlgorithm
from tests.support.issuer import SigningKey, signing_key

from magisystem.identity.keys import NotAKeySet, read_keys

RSA = signing_key("RS256", 1)
EC = signing_key("ES256", 1)


def private_number(key: SigningKey) -> str:
    assert isinstance(key.private, ec.EllipticCurvePrivateKey)
    return ECAlgorithm.to_jwk(key.private, as_dict=True)["d"]


def kids(*keys: Any) -> set[str]:
    return set(read_keys(json.dumps({"keys": keys}).encode()))


def without(described: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in described.items() if name not in names}


def test_keys_for_rs256_and_es256_are_taken() -> None:
    assert kids(RSA.jwk, EC.jwk) == {RSA.kid, EC.kid}


def test_a_key_need_not_say_what_it_is_for() -> None:
    # Entra ID's say no `alg`, and nobody's need a `use`.
    assert kids(without(RSA.jwk, "alg", "use", "key_ops")) == {RSA.kid}


@pytest.mark.parametrize(
    "key",
    [
        pytest.param({"kty": "oct", "kid": "x", "k": "c2VjcmV0", "alg": "HS256"}, id="symmetric"),
        pytest.param({**RSA.jwk, "alg": "HS256"}, id="RSA, for HS256"),
        pytest.param({**RSA.jwk, "alg": "RS512"}, id="another algorithm"),
        pytest.param({**RSA.jwk, "alg": "none"}, id="no algorithm"),
        pytest.param({**RSA.jwk, "use": "enc"}, id="for encryption"),
        pytest.param({**RSA.jwk, "key_ops": ["sign"]}, id="not for verifying"),
        pytest.param({**RSA.jwk, "key_ops": "verify"}, id="operations that are no list"),
        pytest.param(without(RSA.jwk, "kid"), id="nameless"),
        pytest.param({**RSA.jwk, "kid": 1}, id="a number for a name"),
        pytest.param(without(RSA.jwk, "n"), id="half a key"),
        pytest.param({**RSA.jwk, "n": "!"}, id="not base64url"),
        pytest.param({**RSA.jwk, "n": ""}, id="an empty key"),
        pytest.param({**RSA.jwk, "kty": ["RSA"]}, id="a kind that is no text"),
        pytest.param({**EC.jwk, "x": EC.jwk["y"]}, id="a point off the curve"),
        pytest.param({**EC.jwk, "crv": "P-384"}, id="another curve"),
        pytest.param({**EC.jwk, "kty": "OKP", "crv": "Ed25519"}, id="another kind"),
        pytest.param({**EC.jwk, "d": private_number(EC)}, id="a private key"),
        pytest.param("a key", id="a text"),
        pytest.param(None, id="nothing"),
    ],
)
def test_what_is_not_fit_is_passed_over(key: Any) -> None:
    other = signing_key("ES256", 2)
    assert kids(key, other.jwk) == {other.kid}
    assert kids(key) == set()


def test_a_curve_of_another_size_is_passed_over() -> None:
    public = ec.generate_private_key(ec.SECP384R1()).public_key()
    assert kids({**ECAlgorithm.to_jwk(public, as_dict=True), "kid": "x"}) == set()


def test_a_short_rsa_key_is_passed_over() -> None:
    public = rsa.generate_private_key(public_exponent=65_537, key_size=1024).public_key()  # noqa: S505 - to be refused
    assert kids({**RSAAlgorithm.to_jwk(public, as_dict=True), "kid": "x"}) == set()


def test_an_enormous_rsa_key_is_passed_over() -> None:
    n = base64.urlsafe_b64encode((2**16_384 - 1).to_bytes(2048, "big")).decode()
    assert kids({"kty": "RSA", "kid": "x", "n": n.rstrip("="), "e": "AQAB"}) == set()


def test_the_first_of_two_keys_with_one_name_is_taken() -> None:
    document = json.dumps({"keys": [RSA.jwk, {**EC.jwk, "kid": RSA.kid}]}).encode()
    assert read_keys(document)[RSA.kid].algorithm_name == "RS256"


@given(st.binary() | st.sampled_from([b"{}", b"[]", b'{"keys":{}}', b'{"keys":null}', b"\xff", b"[" * 9000]))
def test_what_is_no_key_set_is_said_to_be_none(document: bytes) -> None:
    with pytest.raises(NotAKeySet):
        read_keys(document)
