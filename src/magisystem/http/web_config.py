"""``config.json``: where the web client finds its backends and its identity provider, checked before it is served.

The client reads it at its start, so that one bundle serves any installation. Here it is read once, at the server's
start: what is wrong in it is said then, and the origins it names are those the page may connect to.
"""

from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic.alias_generators import to_camel

from magisystem.errors import SettingsInvalid
from magisystem.protocol.agentcore import data_plane

# What stands in a URL's host goes into a Content-Security-Policy, where `;`, `,`, quotes and spaces have a meaning.
_URL = r"https?://(?:[A-Za-z0-9][A-Za-z0-9.-]*|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?(?:/[^\s?#]*)?"

Name = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Url = Annotated[str, StringConstraints(pattern=f"^{_URL}$", max_length=2_000)]
UrlOrHere = Annotated[str, StringConstraints(pattern=f"^(?:{_URL})?$", max_length=2_000)]
Word = Annotated[str, StringConstraints(pattern=r"^\S+$", max_length=2_000)]
Region = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,64}$")]
PagePath = Annotated[str, StringConstraints(pattern=r"^/[^\s?#]*$", max_length=200)]


class _Part(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", strict=True, frozen=True)


class DirectBackend(_Part):
    """A server of ours. An empty ``url`` is the one that the page came from."""

    kind: Literal["direct"]
    name: Name
    url: UrlOrHere

    @property
    def sources(self) -> tuple[str, ...]:
        """What the page connects to: HTTP, and the socket on the same host."""
        return _with_socket(self.url) if self.url else ()


class AgentCoreBackend(_Part):
    """An AgentCore runtime; ``endpoint`` stands in for the region's own."""

    kind: Literal["agentcore"]
    name: Name
    arn: Word
    region: Region
    qualifier: Word = "DEFAULT"
    endpoint: Url | None = None

    @property
    def sources(self) -> tuple[str, ...]:
        """What the page connects to: the region's data plane, or what stands in for it."""
        return _with_socket(self.endpoint or data_plane(self.region))


class LambdaBackend(_Part):
    """The function URL of a gateway."""

    kind: Literal["lambda"]
    name: Name
    url: Url

    @property
    def sources(self) -> tuple[str, ...]:
        """What the page connects to; a function URL has no sockets."""
        return (_origin(self.url),)


class Auth(_Part):
    """The OIDC issuer that people sign in with, and as what the page signs in there."""

    authority: Url
    client_id: Word
    scope: Annotated[str, StringConstraints(min_length=1, max_length=1_000)] | None = None
    redirect_path: PagePath | None = None

    @property
    def sources(self) -> tuple[str, ...]:
        """What the page connects to: the issuer and, where that is Amazon Cognito, its token endpoint's host.

        Cognito's discovery document lies under another host than the endpoints it names.
        https://docs.aws.amazon.com/cognito/latest/developerguide/federation-endpoints.html
        """
        origin = _origin(self.authority)
        host = urlsplit(origin).netloc
        if host.startswith("cognito-idp.") and host.endswith(".amazonaws.com"):
            region = host.removeprefix("cognito-idp.").removesuffix(".amazonaws.com")
            return (origin, f"https://*.auth.{region}.amazoncognito.com")
        return (origin,)


Backend = Annotated[DirectBackend | AgentCoreBackend | LambdaBackend, Field(discriminator="kind")]


class WebConfig(_Part):
    """The whole of ``config.json``."""

    backends: tuple[Backend, ...] = Field(min_length=1, strict=False)
    auth: Auth | None = None
    routing: Literal["path", "hash"] | None = None

    @property
    def sources(self) -> tuple[str, ...]:
        """Every origin beside its own that the page connects to, each once."""
        found = [source for backend in self.backends for source in backend.sources]
        return tuple(dict.fromkeys([*found, *(self.auth.sources if self.auth else ())]))


def read_web_config(path: Path, setting: str = "") -> tuple[bytes, WebConfig]:
    """Give the file's bytes, and what they say. ``setting`` is the variable that named the file, if one did.

    Raises:
        SettingsInvalid: it cannot be read, or a field is wrong; the message names setting, file and field.
    """
    place = f"{setting}: {path}" if setting else str(path)
    try:
        body = path.read_bytes()
        return body, WebConfig.model_validate_json(body)
    except OSError as error:
        raise SettingsInvalid(f"{place} cannot be read: {error.strerror}.") from error
    except ValidationError as error:
        fault: Any = error.errors(include_url=False, include_input=False)[0]
        # A union's discriminator is pydantic's step, not the file's.
        field = ".".join(str(part) for part in fault["loc"] if part not in {"direct", "agentcore", "lambda"})
        reason = str(fault["msg"]).rstrip(".")
        raise SettingsInvalid(f"{place}: `{field}`: {reason}." if field else f"{place}: {reason}.") from error


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


def _with_socket(url: str) -> tuple[str, ...]:
    origin = _origin(url)
    return (origin, f"ws{origin.removeprefix('http')}")
