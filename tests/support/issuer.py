"""An OpenID Connect issuer of our own: real signatures, keys that change, a sign-in for browsers, and bad manners.

A browser that comes to ``/authorize`` is signed in as `Issuer.person` at once and sent back with a code; ``/token``
takes it with PKCE. Tests that need no browser take their tokens from `Issuer.access_token` and `Issuer.id_token`.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import secrets
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal
from urllib.parse import parse_qsl, urlencode

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, RSAAlgorithm
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from tests.support.serving import listening

Algorithm = Literal["RS256", "ES256"]
Document = Literal["discovery", "jwks"]

CLIENT = "web-client"
SCOPES = "openid profile email"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key pair, and the name under which its public half is published."""

    kid: str
    algorithm: Algorithm
    private: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

    @property
    def jwk(self) -> dict[str, Any]:
        """The public half, as it stands in a JWKS."""
        public = self.private.public_key()
        described = (
            RSAAlgorithm.to_jwk(public, as_dict=True)
            if isinstance(public, rsa.RSAPublicKey)
            else ECAlgorithm.to_jwk(public, as_dict=True)
        )
        return {**described, "kid": self.kid, "alg": self.algorithm, "use": "sig", "key_ops": ["verify"]}


@cache
def signing_key(algorithm: Algorithm, number: int) -> SigningKey:
    """Give the key with that number; to make one takes a tenth of a second."""
    private = (
        rsa.generate_private_key(public_exponent=65_537, key_size=2048)
        if algorithm == "RS256"
        else ec.generate_private_key(ec.SECP256R1())
    )
    return SigningKey(f"{algorithm.lower()}-{number}", algorithm, private)


@dataclass(frozen=True, slots=True)
class _Grant:
    """What a code or a refresh token stands for."""

    person: str
    client: str
    scope: str
    nonce: str | None = None
    redirect_uri: str = ""
    challenge: str = ""


@dataclass
class Issuer:
    """One issuer. What tests change is public; ``url`` is where it is served, and its own name."""

    url: str = ""
    # Whom the sign-in page takes the browser for; ``None`` for somebody who turns back at it.
    person: str | None = "ann"
    # How long tokens of the sign-in page are good for.
    token_s: int = 3600
    # What is published, and with what is signed.
    keys: list[SigningKey] = field(default_factory=lambda: [signing_key("RS256", 1)])
    fetches: Counter[Document] = field(default_factory=Counter[Document])
    # What is answered instead of a document.
    answers: dict[Document, Callable[[], Response]] = field(default_factory=dict[Document, Callable[[], Response]])
    # Fields of the discovery document that are other than they should be.
    discovery: dict[str, Any] = field(default_factory=dict[str, Any])
    # Clear it, and whoever fetches a document waits until it is set.
    is_quick: asyncio.Event = field(default_factory=asyncio.Event)
    # Is set when a document is asked for.
    is_asked: asyncio.Event = field(default_factory=asyncio.Event)
    # Whether the browser has a session here, so that `prompt=none` is answered with a code.
    has_session: bool = False
    _grants: dict[str, _Grant] = field(default_factory=dict[str, _Grant])

    def __post_init__(self) -> None:
        self.is_quick.set()

    @property
    def discovery_url(self) -> str:
        """Where the issuer describes itself."""
        return f"{self.url}/.well-known/openid-configuration"

    @property
    def key(self) -> SigningKey:
        """The key that signs."""
        return self.keys[-1]

    def rotate(self, algorithm: Algorithm = "RS256", *, keep_old: bool = True) -> SigningKey:
        """Sign with a new key from now on."""
        number = 1 + int(self.key.kid.rpartition("-")[2])
        self.keys = [*(self.keys if keep_old else ()), signing_key(algorithm, number)]
        return self.key

    def access_token(
        self,
        person: str = "ann",
        *,
        key: SigningKey | None = None,
        headers: dict[str, Any] | None = None,
        **claims: Any,
    ) -> str:
        """Give an access token as Amazon Cognito makes it, but for ``claims``; one that is ``None`` is left out."""
        cognito = {"sub": person, "username": person, "token_use": "access", "client_id": CLIENT, "scope": SCOPES}
        return self.signed({**cognito, **claims}, key, headers)

    def id_token(self, person: str = "ann", **claims: Any) -> str:
        """Give an ID token as Amazon Cognito makes it, but for ``claims``; one that is ``None`` is left out."""
        cognito = {"sub": person, "cognito:username": person, "email": _mail(person), "token_use": "id", "aud": CLIENT}
        return self.signed({**cognito, **claims})

    def token(self, **claims: Any) -> str:
        """Give a token of this issuer for an hour with ``claims`` and no more; one that is ``None`` is left out."""
        return self.signed(claims)

    def signed(
        self, claims: dict[str, Any], key: SigningKey | None = None, headers: dict[str, Any] | None = None
    ) -> str:
        """Give a token of this issuer for an hour, with another key or header than there would be."""
        key = key or self.key
        now_s = int(time.time())
        all_claims = {"iss": self.url, "iat": now_s, "exp": now_s + 3600, "jti": secrets.token_hex(8), **claims}
        present = {name: value for name, value in all_claims.items() if value is not None}
        return jwt.encode(present, key.private, key.algorithm, {"kid": key.kid, **(headers or {})})

    @property
    def app(self) -> ASGIApp:
        """The issuer, to be served."""
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self._discovery),
                Route("/jwks", self._jwks),
                Route("/authorize", self._authorize),
                Route("/token", self._token, methods=["POST"]),
                Route("/userinfo", self._userinfo),
                Route("/revoke", self._revoke, methods=["POST"]),
                Route("/logout", self._logout),
            ],
            middleware=[Middleware(CORSMiddleware, allow_origins=["*"], allow_methods=["*"], allow_headers=["*"])],
        )

    async def _discovery(self, _: Request) -> Response:
        return await self._document(
            "discovery",
            {
                "issuer": self.url,
                "jwks_uri": f"{self.url}/jwks",
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "userinfo_endpoint": f"{self.url}/userinfo",
                "revocation_endpoint": f"{self.url}/revoke",
                "end_session_endpoint": f"{self.url}/logout",
                "response_types_supported": ["code"],
                "grant_types_supported": ["authorization_code", "refresh_token"],
                "code_challenge_methods_supported": ["S256"],
                "subject_types_supported": ["public"],
                "scopes_supported": SCOPES.split(),
                "token_endpoint_auth_methods_supported": ["none"],
                "id_token_signing_alg_values_supported": ["RS256", "ES256"],
                **self.discovery,
            },
        )

    async def _jwks(self, _: Request) -> Response:
        return await self._document("jwks", {"keys": [key.jwk for key in self.keys]})

    async def _document(self, name: Document, content: dict[str, Any]) -> Response:
        self.fetches[name] += 1
        self.is_asked.set()
        await self.is_quick.wait()
        return self.answers[name]() if name in self.answers else JSONResponse(content)

    async def _authorize(self, request: Request) -> Response:
        asked = dict(request.query_params)
        if not asked.get("redirect_uri", "").startswith(("http://", "https://")) or "client_id" not in asked:
            return _oauth_error("invalid_request", "client_id and redirect_uri are needed")
        back: dict[str, str] = {}
        if asked.get("response_type") != "code" or asked.get("code_challenge_method") != "S256":
            back = {"error": "invalid_request", "error_description": "a code with PKCE (S256) is all there is"}
        elif self.person is None:
            back = {"error": "access_denied", "error_description": "The person turned back."}
        elif asked.get("prompt") == "none" and not self.has_session:
            back = {"error": "login_required"}
        else:
            self.has_session = True
            grant = _Grant(
                self.person,
                asked["client_id"],
                asked.get("scope", SCOPES),
                asked.get("nonce"),
                asked["redirect_uri"],
                asked.get("code_challenge", ""),
            )
            back = {"code": self._remember(grant)}
        if "state" in asked:
            back["state"] = asked["state"]
        return RedirectResponse(_with_query(asked["redirect_uri"], back), status_code=302)

    async def _token(self, request: Request) -> Response:
        asked = dict(parse_qsl((await request.body()).decode()))
        presented = asked.get("code" if asked.get("grant_type") == "authorization_code" else "refresh_token", "")
        grant = self._grants.pop(presented, None)
        if grant is None or grant.client != asked.get("client_id"):
            return _oauth_error("invalid_grant", "no such code or refresh token, or it is another client's")
        if asked.get("grant_type") == "authorization_code":
            verifier = hashlib.sha256(asked.get("code_verifier", "").encode()).digest()
            challenge = base64.urlsafe_b64encode(verifier).rstrip(b"=").decode()
            if challenge != grant.challenge or asked.get("redirect_uri") != grant.redirect_uri:
                return _oauth_error("invalid_grant", "the code's verifier or redirect_uri is another one")
        expires = int(time.time()) + self.token_s
        about: dict[str, Any] = {"aud": grant.client, "nonce": grant.nonce, "exp": expires}
        return JSONResponse(
            {
                "access_token": self.access_token(grant.person, client_id=grant.client, scope=grant.scope, exp=expires),
                "id_token": self.id_token(grant.person, **about),
                "refresh_token": self._remember(_Grant(grant.person, grant.client, grant.scope)),
                "token_type": "Bearer",
                "expires_in": self.token_s,
                "scope": grant.scope,
            },
            headers={"cache-control": "no-store"},
        )

    async def _userinfo(self, request: Request) -> Response:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        keys = {key.kid: key for key in self.keys}
        try:
            key = keys[jwt.get_unverified_header(token)["kid"]]
            claims = jwt.decode(token, key.private.public_key(), [key.algorithm], issuer=self.url)
        except (jwt.InvalidTokenError, KeyError):
            return JSONResponse({"error": "invalid_token"}, 401, {"www-authenticate": "Bearer"})
        person = claims["sub"]
        return JSONResponse({"sub": person, "name": person.capitalize(), "email": _mail(person)})

    async def _revoke(self, request: Request) -> Response:
        self._grants.pop(dict(parse_qsl((await request.body()).decode())).get("token", ""), None)
        return Response()

    async def _logout(self, request: Request) -> Response:
        self.has_session = False
        asked = request.query_params
        # `logout_uri` is Amazon Cognito's own name for it.
        back = asked.get("post_logout_redirect_uri") or asked.get("logout_uri")
        if back is None:
            return Response("Signed out.", media_type="text/plain")
        return RedirectResponse(_with_query(back, {"state": asked["state"]} if "state" in asked else {}), 302)

    def _remember(self, grant: _Grant) -> str:
        name = secrets.token_urlsafe(24)
        self._grants[name] = grant
        return name


@asynccontextmanager
async def serving_issuer(issuer: Issuer | None = None) -> AsyncGenerator[Issuer]:
    """Serve an issuer on a port of its own, in this event loop."""
    issuer = issuer or Issuer()
    async with listening(issuer.app) as url:
        issuer.url = url
        yield issuer


def unsigned_token(claims: dict[str, Any], **header: Any) -> str:
    """Give a token with ``alg: none`` and an empty signature, whatever else its header says."""
    parts = ({"alg": "none", "typ": "JWT", **header}, claims)
    return ".".join([*(_encoded(json.dumps(part).encode()) for part in parts), ""])


def hmac_token(claims: dict[str, Any], secret: bytes, digest: str = "sha256", **header: Any) -> str:
    """Give a token with ``alg: HS256``; PyJWT itself refuses to take a public key for its secret."""
    parts = ({"alg": "HS256", "typ": "JWT", **header}, claims)
    signed = ".".join(_encoded(json.dumps(part).encode()) for part in parts)
    return f"{signed}.{_encoded(hmac.digest(secret, signed.encode(), digest))}"


def with_claims(**claims: Any) -> Callable[[Issuer], str]:
    """Give what makes an access token with these claims."""
    return lambda issuer: issuer.access_token(**claims)


def forged(**header: Any) -> Callable[[Issuer], str]:
    """Give what makes an unsigned token with the claims of a good one."""

    def forge(issuer: Issuer) -> str:
        claims = jwt.decode(issuer.access_token(), options={"verify_signature": False})
        return unsigned_token(claims, kid=issuer.key.kid, **header)

    return forge


def signed_with_the_public_key(issuer: Issuer) -> str:
    """Give a good token's claims, signed with what everybody can read."""
    claims = jwt.decode(issuer.access_token(), options={"verify_signature": False})
    pem = issuer.key.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return hmac_token(claims, pem, kid=issuer.key.kid)


def _mail(person: str) -> str:
    return f"{person}@example.com"


def _encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def _with_query(url: str, query: dict[str, str]) -> str:
    return f"{url}{'&' if '?' in url else '?'}{urlencode(query)}" if query else url


def _oauth_error(code: str, description: str) -> Response:
    return JSONResponse({"error": code, "error_description": description}, 400)
