"""The catalogue: from a model's name to a model, before anything is streamed.

A name is ``provider:model`` (``embedded`` alone needs no model). Whether a provider can be used on this machine is
asked of the provider; a yes is remembered for a while, a no never, so that a mended setting works at once.
"""

import asyncio
import gc
import importlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from magisystem.council.briefs import Brief
from magisystem.errors import ModelUnavailable, UnknownModel
from magisystem.models.limiter import Limiter
from magisystem.models.speech import Connection, StrandsModel

_REMEMBERED_S = 30.0
# Names come from requests: what is kept for them has a bound.
_KEPT = 256
# `magi models` asks every provider at once; one that takes longer is shown as one that did not answer.
_SURVEY_S = 3.0


class Provider(Protocol):
    """One provider of models; one file of this package each."""

    prefix: str
    example: str
    note: str | None
    # What `connect` loads; imported beside the event loop before the first connection, since SDKs take seconds.
    module: str

    async def reason_unusable(self, model_id: str | None) -> str | None:
        """Tell why the provider (or one model of it) cannot be used here, with the mend; ``None`` where it can."""
        ...

    def connect(self, model_id: str, brief: Brief) -> Connection:
        """Give a connection for one speech. Opens nothing yet."""
        ...

    async def aclose(self) -> None:
        """Let go of what the provider holds."""
        ...


@dataclass(frozen=True, slots=True)
class Usability:
    """What ``magi models`` shows of a provider. ``reason`` is ``None`` where it can be used."""

    prefix: str
    example: str
    note: str | None
    reason: str | None


class Catalogue:
    """Every provider known here; implements `magisystem.deliberation.ports.Models`."""

    def __init__(self, providers: Iterable[Provider]) -> None:
        self._providers = {provider.prefix: provider for provider in providers}
        self._models: dict[str, StrandsModel] = {}
        self._usable_until: dict[str, float] = {}
        self._loaded: set[str] = set()

    async def find(self, name: str, *, field: str) -> StrandsModel:
        """See `Models.find`."""
        provider, model_id = self._parse(name, field)
        now = asyncio.get_running_loop().time()
        if self._usable_until.get(name, 0.0) <= now:
            if reason := await provider.reason_unusable(model_id):
                raise ModelUnavailable(f"The model {name!r} cannot be used here: {reason}", field=field)
            self._usable_until = {known: until for known, until in self._usable_until.items() if until > now}
            while len(self._usable_until) >= _KEPT:
                del self._usable_until[next(iter(self._usable_until))]
            self._usable_until[name] = now + _REMEMBERED_S
        if name not in self._models:
            while len(self._models) >= _KEPT:
                del self._models[next(iter(self._models))]
            self._models[name] = StrandsModel(
                name, provider.note, Limiter(), partial(self._load, provider), partial(provider.connect, model_id)
            )
        return self._models[name]

    def check(self, name: str, *, field: str) -> None:
        """See that a name has the form of one and its provider is known; whether it can be used is not asked.

        Raises:
            UnknownModel: it has not, or it is not.
        """
        self._parse(name, field)

    async def survey(self) -> tuple[Usability, ...]:
        """Tell of every provider whether it can be used here, within three seconds, and whatever it does."""
        reasons = await asyncio.gather(*(_surveyed(provider) for provider in self._providers.values()))
        return tuple(
            Usability(provider.prefix, provider.example, provider.note, reason)
            for provider, reason in zip(self._providers.values(), reasons, strict=True)
        )

    async def warm(self, name: str) -> None:
        """Load what the first speech of the model ``name`` needs, so that no speech has to wait for it."""
        provider = self._providers.get(name.partition(":")[0])
        if provider is not None and await provider.reason_unusable(None) is None:
            await self._load(provider)
            # What has been loaded stays. Looked through at every full collection, its half a million objects would
            # stop every stream for a tenth of a second, again and again.
            gc.freeze()

    async def aclose(self) -> None:
        """Let go of what the providers hold."""
        for provider in self._providers.values():
            await provider.aclose()

    async def _load(self, provider: Provider) -> None:
        if provider.prefix not in self._loaded:
            for module in ("strands", provider.module):
                await asyncio.to_thread(importlib.import_module, module)
            self._loaded.add(provider.prefix)

    def _parse(self, name: str, field: str) -> tuple[Provider, str]:
        prefix, _, model_id = name.partition(":")
        provider = self._providers.get(prefix)
        if provider is None:
            known = ", ".join(provider.example for provider in self._providers.values())
            raise UnknownModel(f"There is no model provider {prefix!r}. Known forms: {known}.", field=field)
        if not model_id.strip() and prefix != provider.example:
            raise UnknownModel(f"{name!r} names no model. The form is {provider.example!r}.", field=field)
        if model_id and prefix == provider.example:
            raise UnknownModel(f"{prefix!r} has no models to choose from. Write {prefix!r} alone.", field=field)
        return provider, model_id


async def _surveyed(provider: Provider) -> str | None:
    try:
        async with asyncio.timeout(_SURVEY_S):
            return await provider.reason_unusable(None)
    except TimeoutError:
        return f"it did not answer within {_SURVEY_S:g} s."
    except Exception as error:  # noqa: BLE001 - a survey's supervisor: one broken SDK must not hide the other providers
        return f"asking it failed ({type(error).__name__})."
