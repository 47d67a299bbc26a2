"""The rules that a token is held to: its form, its signature, its claims, and whose it may be.

Pure: what the time is and which key belongs to a ``kid`` is given. Every refusal is `Unauthenticated` or `NotAllowed`
with the reason as a note (PEP 678), for the server's log alone.

Which claims say what differs between issuers; docs/decisions/0017-identity.md has the rule and the reasons.
"""

import base64
import ipaddress
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from magisystem.errors import NotAllowed, SettingsInvalid, Unauthenticated

if TYPE_CHECKING:
    from jwt import PyJWK

# A token of Cognito has about 1,000 characters, one of Entra ID with many groups up to 6,000.
TOKEN_CHARACTERS = 16 * 1024
# How far the issuer's clock may be from ours.
SKEW_S = 60
ALGORITHMS = ("RS256", "ES256")
WELL_KNOWN = "/.well-known/openid-configuration"

_COMPACT = re.compile(r"([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
# "It MUST NOT exceed 255 ASCII characters in length" (OpenID Connect Core 1.0, 2). Without spaces and control
# characters, so that it is one word in a log, a header or a name of a file.
_SUBJECT = re.compile(r"[\x21-\x7e]{1,255}")
# RFC 7519, 5.1 and RFC 9068, 2.1. Others mark what is signed with the same keys and is no proof of who asks, such as
# `logout+jwt` and `dpop+jwt`.
_TYPES = frozenset({"", "jwt", "at+jwt"})
# Keycloak's own mark within the claims, where it also says Refresh, Offline, Logout or DPoP.
_KEYCLOAK_TYPES = frozenset({"", "bearer", "id"})

# What Cognito says a token is for.
_ACCESS = "access"
_ID = "id"

Refusal = Unauthenticated | NotAllowed


@dataclass(frozen=True, slots=True)
class OidcPolicy:
    """What is asked of a token. What is set is checked, all of it.

    Raises:
        SettingsInvalid: the issuer cannot be asked safely, or any token of it would do.
    """

    discovery_url: str
    clients: tuple[str, ...] = ()
    audiences: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not is_safe(self.discovery_url) or not self.discovery_url.endswith(WELL_KNOWN):
            raise SettingsInvalid(
                f"MAGI_OIDC_DISCOVERY_URL should be like https://issuer.example.com{WELL_KNOWN}, with http for this "
                f"machine itself alone: whoever can change that document can sign in as anybody. It is "
                f"{without_password(repr(self.discovery_url))}."
            )
        if not (self.clients or self.audiences or self.scopes):
            raise SettingsInvalid(
                "MAGI_OIDC_CLIENTS, MAGI_OIDC_AUDIENCE or MAGI_OIDC_SCOPES is needed: without one of them a token that "
                "the issuer made for any other application would be taken."
            )


class _Header(msgspec.Struct, frozen=True):
    alg: str
    kid: str
    typ: str = ""
    # Extensions that must be understood (RFC 7515, 4.1.11): none is.
    crit: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    b64: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class _Claims(msgspec.Struct, frozen=True):
    iss: str
    sub: str
    exp: float
    iat: float
    nbf: float | None = None
    aud: str | list[str] | None = None
    client_id: str | None = None
    azp: str | None = None
    token_use: str | None = None
    typ: str | None = None
    scope: str | None = None
    scp: str | list[str] | None = None
    # A token that is bound to a key (RFC 7800) proves nothing without that key: whoever sends it may have stolen it.
    cnf: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    # A logout token, or another event (RFC 8417), which an issuer signs with the same keys.
    events: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class Token:
    """One token as it came: of the right form, and nothing known of it yet.

    ``kid`` is the key that it names.

    Raises:
        Unauthenticated: it is too large, is no signed token, or none that is made for this.
    """

    __slots__ = ("_is_access", "_text", "kid")

    def __init__(self, text: str) -> None:
        if len(text) > TOKEN_CHARACTERS:
            raise refused(f"it has {len(text):,} characters, and {TOKEN_CHARACTERS:,} at most are looked at")
        found = _COMPACT.fullmatch(text)
        if found is None:
            raise refused("it is no signed token (three parts of base64url)")
        try:
            header = msgspec.json.decode(_decoded(found[1]), type=_Header)
        except (ValueError, RecursionError) as error:
            raise refused("its header cannot be read, or names no algorithm and key") from error
        kind = header.typ.lower().removeprefix("application/")
        if kind not in _TYPES:
            raise refused(f"its type is {_shown(header.typ)}")
        if header.alg not in ALGORITHMS:
            raise refused(f"its algorithm is {_shown(header.alg)}")
        if header.crit is not msgspec.UNSET or header.b64 is not msgspec.UNSET:
            raise refused("its header asks for an extension")
        self.kid = header.kid
        self._text = text
        self._is_access = kind == "at+jwt"

    def owner(self, key: "PyJWK", issuer: str, policy: OidcPolicy, now_s: float) -> str:
        """Give whom the token proves, judged by the key that it names.

        Raises:
            Unauthenticated: it proves nothing.
            NotAllowed: it is good, and for somebody else.
        """
        claims = self._claims(key)
        _check_times(claims, now_s)
        if claims.iss != issuer:
            raise refused(f"its issuer is {_shown(claims.iss)}")
        if not is_subject(claims.sub):
            raise refused("its subject is empty, longer than 255 characters, or has others than printable ASCII")
        if claims.cnf is not msgspec.UNSET:
            raise refused("it is bound to a key, and nothing proves that who sends it has that key")
        if claims.token_use not in {None, _ACCESS, _ID}:
            raise refused(f"its token_use is {_shown(claims.token_use)}")
        if claims.events is not msgspec.UNSET or (claims.typ or "").lower() not in _KEYCLOAK_TYPES:
            raise refused("it is neither an access token nor an ID token")
        _check_client(claims, policy, is_access=self._is_access or claims.token_use == _ACCESS)
        _check_audience(claims, policy)
        _check_scope(claims, policy)
        return claims.sub

    def _claims(self, key: "PyJWK") -> _Claims:
        import jwt

        try:
            # The key's own algorithm, which is bound to it; a header that names another is refused.
            payload = jwt.PyJWS(ALGORITHMS).decode(self._text, key, algorithms=[key.algorithm_name])
        except jwt.PyJWTError as error:
            raise refused("its signature is not that of the key it names") from error
        try:
            return msgspec.json.decode(payload, type=_Claims)
        except (ValueError, RecursionError) as error:
            raise refused("its claims cannot be read, or iss, sub, exp or iat is missing") from error


def refused(reason: str, kind: type[Refusal] = Unauthenticated) -> Refusal:
    """Give a refusal that holds its reason for the log, and for nobody else."""
    refusal = kind()
    refusal.add_note(reason)
    return refusal


def reason_of(refusal: Refusal) -> str:
    """Give the reason of a refusal, which may quote what a stranger wrote, but never the token."""
    return "; ".join(getattr(refusal, "__notes__", ()))


def is_subject(given: str) -> bool:
    """Whether ``given`` may be an owner's name."""
    return _SUBJECT.fullmatch(given) is not None


def is_safe(url: str) -> bool:
    """Whether what ``url`` answers is what its owner wrote: it is HTTPS, or does not leave this machine."""
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and (parts.scheme == "https" or (parts.scheme == "http" and is_local(url)))
    except ValueError:
        return False


def without_password(text: str) -> str:
    """Give a text without what stands before a host's name in its URLs, so that it can be shown."""
    return re.sub(r"(?<=://)[^/?#\s]*@", "…@", text)


def is_local(url: str) -> bool:
    """Whether ``url`` leads to this machine itself."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _check_times(claims: _Claims, now_s: float) -> None:
    if not (math.isfinite(claims.exp) and now_s < claims.exp + SKEW_S):
        raise refused("it has expired")
    if claims.iat > now_s + SKEW_S or (claims.nbf is not None and claims.nbf > now_s + SKEW_S):
        raise refused("it is not valid yet; if its issuer is right, this machine's clock is behind")


def _check_client(claims: _Claims, policy: OidcPolicy, *, is_access: bool) -> None:
    named = {client for client in (claims.client_id, claims.azp) if client is not None}
    if not named and not is_access:
        # An ID token: its audience is the client; one with several says by `azp` which (OpenID Connect Core 1.0, 2).
        named = set(_words(claims.aud))
    if policy.clients and not (len(named) == 1 and named <= set(policy.clients)):
        raise refused(f"its client is {_shown(', '.join(sorted(named)))}", NotAllowed)


def _check_audience(claims: _Claims, policy: OidcPolicy) -> None:
    audience = _words(claims.aud)
    if not audience and (claims.token_use == _ACCESS or not policy.audiences) and policy.clients:
        # Cognito's access tokens have none unless they were asked for one; their client has been looked at.
        return
    allowed = policy.audiences or policy.clients
    if allowed and not set(audience) & set(allowed):
        raise refused(f"its audience is {_shown(', '.join(audience))}", NotAllowed)


def _check_scope(claims: _Claims, policy: OidcPolicy) -> None:
    scopes = [*(claims.scope or "").split(), *(word for part in _words(claims.scp) for word in part.split())]
    if policy.scopes and not set(scopes) & set(policy.scopes):
        raise refused(f"its scopes are {_shown(' '.join(scopes))}", NotAllowed)


def _words(one_or_many: str | list[str] | None) -> list[str]:
    return [one_or_many] if isinstance(one_or_many, str) else one_or_many or []


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _shown(given: str | None) -> str:
    """What a stranger wrote, short and on one line."""
    return repr(given if given is None or len(given) <= 100 else f"{given[:100]}…")
