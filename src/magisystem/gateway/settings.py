"""The gateway's settings, of the same names and with the same words as `magisystem.config`, which loads too much.

All that is wrong is said at once: each with its variable, what it should be and, unless it is secret, what it is.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import msgspec

from magisystem.errors import SettingsInvalid
from magisystem.identity import OidcPolicy
from magisystem.protocol.addresses import is_loopback
from magisystem.protocol.agentcore import (
    ARN,
    ARN_EXAMPLE,
    DEFAULT_QUALIFIER,
    ENDPOINT_VARIABLE,
    QUALIFIER,
    RuntimeArn,
    data_plane,
)

Platform = Literal["local", "container", "agentcore", "lambda"]
RuntimeAuth = Literal["jwt", "sigv4"]

_Word = Annotated[str, msgspec.Meta(pattern=r"^[!-~]+\Z")]
_Origin = Annotated[str, msgspec.Meta(pattern=r"^(\*|https?://[^/\s]+)\Z")]
_Arn = Annotated[str, msgspec.Meta(pattern=rf"^{ARN}\Z")]
_Url = Annotated[str, msgspec.Meta(pattern=r"^https?://[^/\s?#]+/?\Z")]
_Qualifier = Annotated[str, msgspec.Meta(pattern=rf"^{QUALIFIER}\Z")]
_Key = Annotated[str, msgspec.Meta(min_length=32)]

_MAKE_A_KEY = "a secret of 32 characters or more, such as `openssl rand -hex 32` gives"


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewaySettings:
    """What can be set from outside. ``runtime_endpoint`` has no slash at its end."""

    platform: Platform = "local"
    host: str = ""
    port: int = 8080
    cors_origins: tuple[str, ...] = ()
    allowed_hosts: tuple[str, ...] = ()
    insecure: bool = False
    # `None` where nobody is asked who they are.
    oidc: OidcPolicy | None = None
    # What the gateway and the runtime behind it share.
    gateway_key: str = field(repr=False)
    runtime_arn: RuntimeArn
    runtime_qualifier: str
    runtime_endpoint: str
    runtime_auth: RuntimeAuth = "jwt"

    @property
    def region(self) -> str:
        """The AWS region that the runtime is in."""
        return self.runtime_arn.region

    @property
    def invocations(self) -> str:
        """The URL at which the runtime is invoked."""
        return self.runtime_arn.invocations(self.runtime_endpoint, self.runtime_qualifier)


@dataclass(frozen=True, slots=True)
class _Form:
    """What a variable has to be: ``kind`` for the machine, ``words`` for people. ``otherwise`` holds where it is unset.

    A variable without ``otherwise`` has to be set.
    """

    kind: Any
    words: str
    otherwise: Any = None
    is_list: bool = False
    is_secret: bool = False


VARIABLES: Mapping[str, _Form] = {
    "MAGI_PLATFORM": _Form(Platform, "local, container, agentcore or lambda", "local"),
    "MAGI_HOST": _Form(_Word, "an address of this machine, such as 127.0.0.1", ""),
    "MAGI_PORT": _Form(Annotated[int, msgspec.Meta(ge=1, le=65_535)], "a port, from 1 to 65535", 8080),
    "MAGI_CORS_ORIGINS": _Form(
        tuple[_Origin, ...], "a list of origins such as https://app.example.com, with commas between", (), is_list=True
    ),
    "MAGI_ALLOWED_HOSTS": _Form(tuple[_Word, ...], "a list of host names, with commas between", (), is_list=True),
    "MAGI_AUTH": _Form(Literal["none", "oidc"], "none or oidc", "none"),
    "MAGI_INSECURE": _Form(bool, "true or false", otherwise=False),
    "MAGI_OIDC_DISCOVERY_URL": _Form(_Word, "the URL of the issuer's /.well-known/openid-configuration", ""),
    "MAGI_OIDC_CLIENTS": _Form(tuple[_Word, ...], "a list of client ids, with commas between", (), is_list=True),
    "MAGI_OIDC_AUDIENCE": _Form(tuple[_Word, ...], "a list of audiences, with commas between", (), is_list=True),
    "MAGI_OIDC_SCOPES": _Form(tuple[_Word, ...], "a list of scopes, with commas between", (), is_list=True),
    "MAGI_GATEWAY_KEY": _Form(_Key, f"{_MAKE_A_KEY}, and the same for the runtime", is_secret=True),
    "MAGI_RUNTIME_ARN": _Form(_Arn, f"a runtime's ARN, such as {ARN_EXAMPLE}"),
    "MAGI_RUNTIME_QUALIFIER": _Form(_Qualifier, "the name of one of the runtime's endpoints", ""),
    "MAGI_RUNTIME_ENDPOINT": _Form(_Url, "an origin such as https://bedrock-agentcore.us-east-1.amazonaws.com", ""),
    ENDPOINT_VARIABLE: _Form(_Url, "an origin such as https://bedrock-agentcore.us-east-1.amazonaws.com", ""),
    "MAGI_RUNTIME_AUTH": _Form(RuntimeAuth, "jwt or sigv4", "jwt"),
}


def read_settings(environment: Mapping[str, str] | None = None, **given: Any) -> GatewaySettings:
    """Read the settings; what is ``given`` (from a command line: host, port, insecure) goes above the environment.

    Raises:
        SettingsInvalid: something is wrong; the message names everything that is.
    """
    environment = os.environ if environment is None else environment
    above = {f"MAGI_{name.upper()}": str(value) for name, value in given.items() if value is not None}
    texts = {**environment, **above}
    faults: list[str] = []
    read = {variable: _read(variable, form, texts.get(variable, ""), faults) for variable, form in VARIABLES.items()}
    settings = _settings(read, faults)
    if settings is None:
        raise SettingsInvalid(" ".join(faults))
    return settings


def _read(variable: str, form: _Form, text: str, faults: list[str]) -> Any:
    """Give a variable's value; what is wrong with it is added to ``faults``, and nothing follows from it."""
    if not text.strip():
        if form.otherwise is None:
            faults.append(f"{variable} is missing: it should be {form.words}.")
        return form.otherwise
    words: Any = [word.strip().rstrip("/") for word in text.split(",") if word.strip()] if form.is_list else text
    try:
        return msgspec.convert(words.lower() if form.kind is bool else words, form.kind, strict=False)
    except msgspec.ValidationError:
        shown = "" if form.is_secret else f"; it is {text!r}"
        faults.append(f"{variable} should be {form.words}{shown}.")
        return None


def _settings(read: Mapping[str, Any], faults: list[str]) -> GatewaySettings | None:
    """Put together what was read, and look at what one says of another; ``None`` where anything is wrong."""
    platform: Platform = read["MAGI_PLATFORM"] or "local"
    host: str = read["MAGI_HOST"] or ("127.0.0.1" if platform == "local" else "0.0.0.0")  # noqa: S104 - asked for
    oidc = _policy(read, faults) if read["MAGI_AUTH"] == "oidc" else None
    if read["MAGI_AUTH"] == "none" and not read["MAGI_INSECURE"] and not is_loopback(host):
        faults.append(
            f"MAGI_AUTH=none serves whoever comes, and others reach {host}. Set MAGI_AUTH=oidc; or listen on "
            "127.0.0.1; or, where something in front decides who comes in, say --insecure (MAGI_INSECURE=true)."
        )
    if faults:
        return None
    arn = RuntimeArn.read(read["MAGI_RUNTIME_ARN"])
    endpoint: str = read["MAGI_RUNTIME_ENDPOINT"] or read[ENDPOINT_VARIABLE] or data_plane(arn.region)
    return GatewaySettings(
        platform=platform,
        host=host,
        port=read["MAGI_PORT"],
        cors_origins=read["MAGI_CORS_ORIGINS"],
        allowed_hosts=tuple(name.lower() for name in read["MAGI_ALLOWED_HOSTS"]),
        insecure=read["MAGI_INSECURE"],
        oidc=oidc,
        gateway_key=read["MAGI_GATEWAY_KEY"],
        runtime_arn=arn,
        runtime_qualifier=read["MAGI_RUNTIME_QUALIFIER"] or arn.qualifier or DEFAULT_QUALIFIER,
        runtime_endpoint=endpoint.rstrip("/"),
        runtime_auth=read["MAGI_RUNTIME_AUTH"],
    )


def _policy(read: Mapping[str, Any], faults: list[str]) -> OidcPolicy | None:
    try:
        return OidcPolicy(
            read["MAGI_OIDC_DISCOVERY_URL"],
            read["MAGI_OIDC_CLIENTS"],
            read["MAGI_OIDC_AUDIENCE"],
            read["MAGI_OIDC_SCOPES"],
        )
    except SettingsInvalid as error:
        faults.append(error.message)
        return None
