"""The composition: settings to a running application. The server, the CLI and the tests all open it here."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field

from magisystem.config import Configuration, Settings
from magisystem.deliberation.admission import Capacity
from magisystem.deliberation.councils import Councils
from magisystem.deliberation.deliberations import Deliberations
from magisystem.deliberation.history import rebuild
from magisystem.errors import SettingsInvalid, UnknownModel
from magisystem.identity import Assertions, Callers, Verifier
from magisystem.logs import SqliteEventLog
from magisystem.models.anthropic import Anthropic
from magisystem.models.bedrock.provider import Bedrock
from magisystem.models.catalogue import Catalogue
from magisystem.models.embedded.provider import Embedded
from magisystem.models.litellm import LiteLLM
from magisystem.models.ollama import Ollama
from magisystem.models.openai import OpenAI, OpenAICompatible
from magisystem.records import RECORDS_FILE, SqlRecords


async def _nothing() -> None:
    pass


@dataclass(frozen=True, slots=True)
class Application:
    """What the edges need."""

    settings: Settings
    deliberations: Deliberations
    catalogue: Catalogue
    councils: Councils = field(default_factory=Councils)
    callers: Callers = field(default_factory=Callers)
    # Loads what answers need and opening did not, so that no answer has to wait for it.
    load: Callable[[], Awaitable[None]] = _nothing


@asynccontextmanager
async def open_application(configuration: Configuration) -> AsyncGenerator[Application]:
    """Open everything a process needs, and close it again: what runs is left to be recovered.

    Raises:
        LogUnavailable: the log cannot be used; the message says what to do.
        RecordsError: the records cannot be used; the message says what to do.
        SettingsInvalid: a setting names a model that there cannot be.
    """
    settings = configuration.settings
    catalogue = open_catalogue(settings)
    _check_models(catalogue, configuration)
    try:
        async with (
            SqliteEventLog.open(settings.data_dir) as log,
            _opened_records(settings) as records,
            opened_callers(settings) as callers,
            Deliberations(
                log,
                catalogue,
                configuration.models,
                records=records,
                limits=settings.limits,
                most_running=settings.running_per_owner,
                capacity=Capacity(settings.running),
                has_siblings=settings.workers > 1,
            ) as deliberations,
        ):
            councils = Councils(records.councils, settings.limits)
            yield Application(settings, deliberations, catalogue, councils, callers, records.load)
    finally:
        await catalogue.aclose()


async def rebuild_records(settings: Settings) -> int:
    """Make the records anew from the log, and give how many deliberations they hold then.

    Raises:
        LogUnavailable: the log cannot be used; the message says what to do.
        RecordsError: the records cannot be used; the message says what to do.
    """
    async with SqliteEventLog.open(settings.data_dir) as log, _opened_records(settings) as records:
        return await rebuild(log, records)


def _opened_records(settings: Settings) -> AbstractAsyncContextManager[SqlRecords]:
    url = settings.records_url
    return SqlRecords.open(url.get_secret_value() if url else settings.data_dir / RECORDS_FILE)


@asynccontextmanager
async def opened_callers(settings: Settings) -> AsyncGenerator[Callers]:
    """Give what tells callers apart as the settings say, and close its connections again."""
    key = settings.gateway_key
    assertions = Assertions(key.get_secret_value()) if key else None
    if settings.auth == "none":
        yield Callers(assertions=assertions)
        return
    verifier = Verifier(settings.oidc)
    try:
        yield Callers(verifier, assertions)
    finally:
        await verifier.aclose()


def _check_models(catalogue: Catalogue, configuration: Configuration) -> None:
    named = {"MAGI_MODEL": configuration.settings.model} | {
        f"MAGI_MODEL_{agent_id.upper()}": name for agent_id, name in configuration.models.by_agent.items()
    }
    for variable, name in named.items():
        try:
            catalogue.check(name, field=variable)
        except UnknownModel as error:
            raise SettingsInvalid(f"{variable}: {error.message}") from error


def open_catalogue(settings: Settings) -> Catalogue:
    """Give the catalogue of every provider, none of them loaded yet."""
    return Catalogue(
        (
            Embedded(settings.embedded_tokens_per_s),
            Bedrock(),
            Anthropic(_secret(settings.anthropic_api_key)),
            OpenAI(_secret(settings.openai_api_key)),
            OpenAICompatible(settings.openai_compatible_base_url, _secret(settings.openai_compatible_api_key)),
            Ollama(settings.ollama_host),
            LiteLLM(),
        )
    )


def _secret(value: object) -> str | None:
    reveal = getattr(value, "get_secret_value", None)
    return reveal() if reveal else None
