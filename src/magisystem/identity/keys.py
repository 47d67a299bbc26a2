"""The keys that an issuer publishes (a JWK Set, RFC 7517): which of them are fit to check a token with. Pure."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from jwt import PyJWK

# RFC 7518, 3.3 asks for 2,048 or more; what is far above that only costs time.
_LEAST_RSA_BITS = 2048
_MOST_RSA_BITS = 8192
_ALGORITHMS = {"RSA": "RS256", "EC": "ES256"}


class NotAKeySet(Exception):
    """The document is no JWK Set."""


class _KeySet(msgspec.Struct, frozen=True):
    keys: list[msgspec.Raw]


def read_keys(document: bytes) -> Mapping[str, "PyJWK"]:
    """Give the keys that are fit, by their ``kid``; the first one where several have the same.

    What is not fit is passed over: issuers publish keys for other ends and newer algorithms beside these.

    Raises:
        NotAKeySet: the document is none.
    """
    import jwt

    try:
        published = msgspec.json.decode(document, type=_KeySet).keys
    except (ValueError, RecursionError) as error:
        raise NotAKeySet from error
    found: dict[str, jwt.PyJWK] = {}
    for raw in published:
        try:
            described = msgspec.json.decode(raw, type=dict[str, Any])
            kid = described.get("kid")
            if isinstance(kid, str) and kid not in found and _is_for_signatures(described):
                key = jwt.PyJWK(described, _ALGORITHMS[described["kty"]])
                if _is_strong(key):
                    found[kid] = key
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
            continue
    return found


def _is_for_signatures(described: Mapping[str, Any]) -> bool:
    kind = described.get("kty")
    if kind not in _ALGORITHMS or "d" in described:
        # A symmetric key that is published, or a private one, is everybody's.
        return False
    algorithm = _ALGORITHMS[kind]
    operations = described.get("key_ops", ["verify"])
    return (
        described.get("use", "sig") == "sig"
        and isinstance(operations, list)
        and "verify" in operations
        and described.get("alg", algorithm) == algorithm
        and (kind == "RSA" or described.get("crv") == "P-256")
    )


def _is_strong(key: "PyJWK") -> bool:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    return not isinstance(key.key, RSAPublicKey) or _LEAST_RSA_BITS <= key.key.key_size <= _MOST_RSA_BITS
