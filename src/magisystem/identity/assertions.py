"""What a gateway tells the runtime behind it: whose a request is, and in which of the platform's sessions it belongs.

Both come from one secret that gateway and runtime share, by keys of their own (HMAC with a label), so that neither can
be used for the other.
"""

import hmac
import logging
import time
from collections.abc import Callable

import msgspec

from magisystem.errors import Unauthenticated
from magisystem.identity.tokens import SKEW_S, TOKEN_CHARACTERS, is_subject, reason_of, refused

_log = logging.getLogger(__name__)

# An assertion is made for each request, just before it is sent.
ASSERTION_S = 60

_KEY_CHARACTERS = 32
_ALGORITHM = "HS256"
_TYPE = "magi-owner+jwt"
_ISSUER = "magisystem-gateway"
_AUDIENCE = "magisystem-runtime"


class _Statement(msgspec.Struct, frozen=True):
    iss: str
    aud: str
    sub: str
    iat: int
    exp: int


class _Header(msgspec.Struct, frozen=True):
    alg: str
    typ: str


class Assertions:
    """Says, and believes, "this request is of that owner" for a minute.

    An assertion is made anew for every attempt to send a request: it is good for 60 s, and for as much as the clocks
    of gateway and runtime differ, up to another 60 s.

    Raises:
        ValueError: the key has fewer than 32 characters.
    """

    def __init__(self, key: str, *, now_s: Callable[[], float] = time.time) -> None:
        self._key = _derived(key, "owner assertion")
        self._now_s = now_s

    def sign(self, owner: str) -> str:
        """Give an assertion: a word of letters, digits, ``-``, ``_`` and ``.``.

        Raises:
            ValueError: ``owner`` is none: not 1 to 255 printable ASCII characters.
        """
        import jwt

        if not is_subject(owner):
            raise ValueError("an owner has 1 to 255 printable ASCII characters")
        now_s = int(self._now_s())
        statement = _Statement(_ISSUER, _AUDIENCE, owner, now_s, now_s + ASSERTION_S)
        return jwt.PyJWS([_ALGORITHM]).encode(
            msgspec.json.encode(statement), self._key, algorithm=_ALGORITHM, headers={"typ": _TYPE}
        )

    def owner(self, assertion: str) -> str:
        """Give the owner that ``assertion`` names.

        Raises:
            Unauthenticated: it is not the gateway's, or not of now.
        """
        try:
            return self._statement(assertion).sub
        except Unauthenticated as refusal:
            _log.warning("A gateway's assertion was refused: %s.", reason_of(refusal))
            raise

    def _statement(self, assertion: str) -> _Statement:
        import jwt

        if len(assertion) > TOKEN_CHARACTERS:
            raise refused("it is too large")
        try:
            presented = jwt.PyJWS([_ALGORITHM]).decode_complete(assertion, self._key, algorithms=[_ALGORITHM])
            header = msgspec.convert(presented["header"], _Header)
            statement = msgspec.json.decode(presented["payload"], type=_Statement)
        except (jwt.PyJWTError, ValueError, RecursionError) as error:
            raise refused("it is not signed with MAGI_GATEWAY_KEY") from error
        if (header.typ, statement.iss, statement.aud) != (_TYPE, _ISSUER, _AUDIENCE) or not is_subject(statement.sub):
            raise refused("it is for another end")
        if not statement.iat - SKEW_S <= self._now_s() < statement.exp + SKEW_S:
            raise refused("it is not of now; the clocks of gateway and runtime may differ")
        return statement


def runtime_session_id(key: str, owner: str, session: str) -> str:
    """Give the platform's session for an owner's session: the same for the same, and not to be guessed.

    69 characters of ``[a-z0-9-]``, within what every operation of AgentCore Runtime takes (33 to 100 characters of
    ``[A-Za-z0-9-_]``, a letter or digit first).

    Raises:
        ValueError: the key has fewer than 32 characters.
    """
    whose, which = owner.encode("utf-8", "surrogatepass"), session.encode("utf-8", "surrogatepass")
    # The length before the owner says where it ends, so that no two pairs are one text.
    message = len(whose).to_bytes(8, "big") + whose + which
    return f"magi-{hmac.digest(_derived(key, 'runtime session'), message, 'sha256').hex()}"


def _derived(key: str, label: str) -> bytes:
    if len(key) < _KEY_CHARACTERS:
        raise ValueError(f"MAGI_GATEWAY_KEY should have {_KEY_CHARACTERS} characters or more")
    return hmac.digest(key.encode(), f"magisystem {label} v1".encode(), "sha256")
