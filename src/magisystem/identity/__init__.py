"""Who asks: tokens of an OpenID Connect issuer, and the word of our own gateway."""

from magisystem.identity.assertions import Assertions, runtime_session_id
from magisystem.identity.callers import LOCAL_OWNER, Callers
from magisystem.identity.tokens import OidcPolicy, without_password
from magisystem.identity.verifier import Verifier, bearer

__all__ = [
    "LOCAL_OWNER",
    "Assertions",
    "Callers",
    "OidcPolicy",
    "Verifier",
    "bearer",
    "runtime_session_id",
    "without_password",
]
