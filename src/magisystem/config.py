"""Settings: what reads the environment. Variables start with ``MAGI_``, but for keys that have a name already.

What is set wrongly stops the program at once, with the variable's name and what it should be.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from platformdirs import user_data_path
from pydantic import AliasChoices, Field, SecretStr, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from magisystem.deliberation.deliberations import ModelChoice
from magisystem.deliberation.limits import Limits
from magisystem.errors import SettingsInvalid
from magisystem.identity import OidcPolicy, without_password
from magisystem.protocol.addresses import is_loopback

# What one process was measured to carry at its full pace on one core.
_CAPACITY = 200
# Requests a minute, and deliberations and connections at once, that an owner has where owners are told apart and
# nothing is set.
_REQUESTS_PER_MINUTE = 300
_RUNNING = 20
_OPEN = 100
_KEY_CHARACTERS = 32
# Above any machine's processors that one SQLite file could serve.
_MOST_WORKERS = 64
_MODEL_OF = re.compile(r"MAGI_MODEL_([A-Z][A-Z0-9_]*)")

Seconds = Annotated[float, Field(gt=0, le=86_400)]
Words = Annotated[tuple[str, ...], NoDecode]


class Settings(BaseSettings):
    """What can be set from outside."""

    model_config = SettingsConfigDict(
        env_prefix="MAGI_", env_ignore_empty=True, extra="ignore", frozen=True, validate_default=True
    )

    # Where the process runs: what its ping says, how its refusals travel, where it listens.
    platform: Literal["local", "container", "agentcore", "lambda"] = "local"
    host: str = ""
    port: int = Field(8080, ge=1, le=65_535)
    # How many processes serve the port.
    workers: int = Field(1, ge=1, le=_MOST_WORKERS)
    cors_origins: Words = ()
    allowed_hosts: Words = ()

    auth: Literal["none", "oidc"] = "none"
    # Serve whoever comes, on an address that others reach, without asking who it is.
    insecure: bool = False
    oidc_discovery_url: str | None = None
    oidc_clients: Words = ()
    oidc_audience: Words = ()
    oidc_scopes: Words = ()
    # What a gateway and the runtime behind it share: with it, the gateway's word on who asks is taken.
    gateway_key: SecretStr | None = None
    owner_requests_per_minute: int | None = Field(None, ge=1)
    owner_running: int | None = Field(None, ge=1)
    owner_open: int | None = Field(None, ge=1)

    # Deliberations of all owners at once, in one process.
    running: int = Field(_CAPACITY, ge=1)

    data_dir: Path = Field(default_factory=lambda: user_data_path("magisystem", appauthor=False))
    # A SQLAlchemy URL, which may hold a password; without it the records lie beside the log.
    records_url: SecretStr | None = None
    # The `config.json` of the web client, in place of the bundle's own (http/web_config.py).
    web_config: Path | None = None

    model: str = Field("embedded", min_length=1)
    embedded_tokens_per_s: float = Field(40.0, ge=0, le=100_000)
    openai_api_key: SecretStr | None = Field(None, validation_alias=AliasChoices("OPENAI_API_KEY"))
    openai_compatible_base_url: str | None = None
    openai_compatible_api_key: SecretStr | None = None
    anthropic_api_key: SecretStr | None = Field(None, validation_alias=AliasChoices("ANTHROPIC_API_KEY"))
    ollama_host: str = Field("http://localhost:11434", validation_alias=AliasChoices("OLLAMA_HOST"))

    deliberation_s: Seconds = 180.0
    sage_s: Seconds = 90.0
    judge_s: Seconds = 60.0
    silence_s: Seconds = 30.0

    @field_validator("ollama_host", mode="before")
    @classmethod
    def _complete_host(cls, given: Any) -> Any:
        """Take what Ollama itself takes: a bare host and port, and for its server "any address"."""
        if not isinstance(given, str):
            return given
        return (given if "://" in given else f"http://{given}").replace("://0.0.0.0", "://127.0.0.1")

    @field_validator("openai_compatible_base_url", "ollama_host")
    @classmethod
    def _is_url(cls, given: str | None) -> str | None:
        if given is not None and not re.match(r"https?://[^/\s]+", given):
            raise ValueError("a URL such as http://localhost:8000/v1")
        return given

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _split_origins(cls, given: Any) -> Any:
        """Take a list with commas, as environments hold it."""
        if not isinstance(given, str):
            return given
        origins = tuple(origin.strip().rstrip("/") for origin in given.split(",") if origin.strip())
        for origin in origins:
            if origin != "*" and not re.fullmatch(r"https?://[^/\s]+", origin):
                raise ValueError("a list of origins such as https://app.example.com, with commas between")
        return origins

    @field_validator("allowed_hosts", mode="before")
    @classmethod
    def _split_hosts(cls, given: Any) -> Any:
        """Take a list with commas, as environments hold it."""
        return _split(given.lower()) if isinstance(given, str) else given

    @field_validator("oidc_clients", "oidc_audience", "oidc_scopes", mode="before")
    @classmethod
    def _split_words(cls, given: Any) -> Any:
        """Take a list with commas, as environments hold it."""
        return _split(given) if isinstance(given, str) else given

    @field_validator("gateway_key")
    @classmethod
    def _is_long(cls, given: SecretStr | None) -> SecretStr | None:
        if given is not None and len(given.get_secret_value()) < _KEY_CHARACTERS:
            raise ValueError(f"a secret of {_KEY_CHARACTERS} characters or more, such as `openssl rand -hex 32` gives")
        return given

    @field_validator("host")
    @classmethod
    def _is_where_the_platform_looks(cls, given: str, found: ValidationInfo) -> str:
        """Without a host: every address on a platform, whose own network is around the process; else loopback."""
        return given or ("127.0.0.1" if found.data.get("platform") == "local" else "0.0.0.0")  # noqa: S104 - asked for

    @model_validator(mode="after")
    def _can_share_its_work(self) -> Self:
        if self.workers > 1 and self.platform in ("agentcore", "lambda"):
            raise SettingsInvalid(
                f"MAGI_WORKERS should be 1 with MAGI_PLATFORM={self.platform}: the platform gives each session a "
                "machine of its own, and learns from one process's ping whether that still works. Leave it out."
            )
        return self

    @model_validator(mode="after")
    def _knows_its_issuer(self) -> Self:
        if self.auth == "none" and (self.oidc_discovery_url or self.oidc_clients or self.oidc_audience):
            raise SettingsInvalid(
                "MAGI_OIDC_DISCOVERY_URL, MAGI_OIDC_CLIENTS and MAGI_OIDC_AUDIENCE say whose tokens are taken, and "
                "with MAGI_AUTH=none nobody is asked for one. Set MAGI_AUTH=oidc, or leave them out."
            )
        if self.auth == "oidc" and self.oidc_discovery_url is None:
            raise SettingsInvalid("MAGI_AUTH=oidc needs MAGI_OIDC_DISCOVERY_URL, where the issuer describes itself.")
        if self.auth == "oidc":
            # It says what is wrong with it.
            _ = self.oidc
        return self

    def check_exposure(self) -> None:
        """See that nobody is served unasked on an address that others reach.

        Raises:
            SettingsInvalid: nobody is asked who they are, and others can come.
        """
        if not self.tells_apart and not self.insecure and not is_loopback(self.host):
            raise SettingsInvalid(
                f"MAGI_AUTH=none serves whoever comes, and others reach {self.host}. Set MAGI_AUTH=oidc; or listen on "
                "127.0.0.1; or, where something in front decides who comes in, say --insecure (MAGI_INSECURE=true)."
            )

    @property
    def tells_apart(self) -> bool:
        """Whether owners are told apart: by tokens, or by the gateway's word."""
        return self.auth == "oidc" or self.gateway_key is not None

    @property
    def requests_per_minute(self) -> int | None:
        """How many requests an owner may make of one worker in a minute; ``None`` for any number."""
        return self._share(self.owner_requests_per_minute or (_REQUESTS_PER_MINUTE if self.tells_apart else None))

    @property
    def running_per_owner(self) -> int | None:
        """How many deliberations an owner may have running, whichever worker runs them; ``None`` for any number."""
        return self.owner_running or (_RUNNING if self.tells_apart else None)

    @property
    def open_per_owner(self) -> int | None:
        """How many streams and sockets an owner may hold open at one worker; ``None`` for any number."""
        return self._share(self.owner_open or (_OPEN if self.tells_apart else None))

    def _share(self, limit: int | None) -> int | None:
        """Give each worker's part of a limit, so that all of them together keep to it."""
        return limit and ceil(limit / self.workers)

    @property
    def oidc(self) -> OidcPolicy:
        """What is asked of a token, where tokens are asked for."""
        return OidcPolicy(self.oidc_discovery_url or "", self.oidc_clients, self.oidc_audience, self.oidc_scopes)

    @property
    def limits(self) -> Limits:
        """The time limits of a deliberation."""
        return Limits(self.deliberation_s, self.sage_s, self.judge_s, self.silence_s)


@dataclass(frozen=True, slots=True)
class Configuration:
    """Settings, and the models named for single agents (``MAGI_MODEL_CASPAR`` and the like)."""

    settings: Settings
    models: ModelChoice


def read_token(environment: Mapping[str, str] | None = None) -> str | None:
    """Give the access token by which commands are let in at a server (``MAGI_TOKEN``). It is no option: those show."""
    environment = os.environ if environment is None else environment
    return environment.get("MAGI_TOKEN") or None


def _split(given: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in given.split(",") if word.strip())


def read_configuration(environment: Mapping[str, str] | None = None, **given: Any) -> Configuration:
    """Read the settings; what is ``given`` (from a command line) goes above the environment.

    Raises:
        SettingsInvalid: one is wrong.
    """
    environment = os.environ if environment is None else environment
    try:
        settings = Settings(**given)
    except ValidationError as error:
        fault = error.errors()[0]
        name = str(fault["loc"][0]) if fault["loc"] else "settings"
        variable = name if name.isupper() else f"MAGI_{name.upper()}"
        reason = fault["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
        is_secret = (
            "SecretStr" in str(Settings.model_fields[name].annotation) if name in Settings.model_fields else False
        )
        shown = "" if is_secret else f"; it is {without_password(repr(fault['input']))}"
        raise SettingsInvalid(f"{variable} should be {reason}{shown}.") from None
    by_agent = {
        found[1].lower(): model
        for variable, model in environment.items()
        if (found := _MODEL_OF.fullmatch(variable)) and model
    }
    return Configuration(settings, ModelChoice(settings.model, by_agent))
