"""Settings: the only reader of the environment. Variables start with ``MAGI_``, but for keys that have a name already.

What is set wrongly stops the program at once, with the variable's name and what it should be.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from platformdirs import user_data_path
from pydantic import AliasChoices, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from magisystem.deliberation.deliberations import ModelChoice
from magisystem.deliberation.limits import Limits
from magisystem.errors import MagiError

_MODEL_OF = re.compile(r"MAGI_MODEL_([A-Z][A-Z0-9_]*)")

Seconds = Annotated[float, Field(gt=0, le=86_400)]


class SettingsInvalid(MagiError):
    """A setting is wrong; the message names the variable and what it should be."""

    code = "settings_invalid"


class Settings(BaseSettings):
    """What can be set from outside."""

    model_config = SettingsConfigDict(
        env_prefix="MAGI_", env_ignore_empty=True, extra="ignore", frozen=True, validate_default=True
    )

    host: str = "127.0.0.1"
    port: int = Field(8080, ge=1, le=65_535)
    cors_origins: Annotated[tuple[str, ...], NoDecode] = ()
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = ()
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
        if not isinstance(given, str):
            return given
        return tuple(host.strip().lower() for host in given.split(",") if host.strip())

    @property
    def limits(self) -> Limits:
        """The time limits of a deliberation."""
        return Limits(self.deliberation_s, self.sage_s, self.judge_s, self.silence_s)


@dataclass(frozen=True, slots=True)
class Configuration:
    """Settings, and the models named for single agents (``MAGI_MODEL_CASPAR`` and the like)."""

    settings: Settings
    models: ModelChoice


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
        raise SettingsInvalid(f"{variable} should be {reason}; it is {fault['input']!r}.") from None
    by_agent = {
        found[1].lower(): model
        for variable, model in environment.items()
        if (found := _MODEL_OF.fullmatch(variable)) and model
    }
    return Configuration(settings, ModelChoice(settings.model, by_agent))
