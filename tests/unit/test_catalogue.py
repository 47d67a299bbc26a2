"""From a name to a model: which names there are, what is remembered of a provider, and what a survey survives."""

import asyncio
import gc
from dataclasses import dataclass
from typing import Any

import pytest

from magisystem.council.briefs import Brief
from magisystem.errors import ModelUnavailable, UnknownModel
from magisystem.models.catalogue import Catalogue


@dataclass
class Scripted:
    """A provider that answers as it is told."""

    reason: str | None = None
    prefix: str = "scripted"
    example: str = "scripted:a-model"
    note: str | None = None
    module: str = "json"
    n_asked: int = 0
    error: Exception | None = None
    is_silent: bool = False

    async def reason_unusable(self, model_id: str | None) -> str | None:
        self.n_asked += 1
        if self.is_silent:
            await asyncio.Event().wait()
        if self.error is not None:
            raise self.error
        return self.reason

    def connect(self, model_id: str, brief: Brief) -> Any:
        raise AssertionError

    async def aclose(self) -> None:
        pass


@pytest.mark.parametrize(
    "name", ["nobody:a-model", "nobody", "", ":a-model", "scripted", "scripted:", "scripted: ", "plain:a-model"]
)
async def test_a_name_of_no_model_is_refused_with_its_field(name: str) -> None:
    catalogue = Catalogue([Scripted(), Scripted(prefix="plain", example="plain")])
    with pytest.raises(UnknownModel) as refused:
        await catalogue.find(name, field="agents.caspar.model")
    assert refused.value.field == "agents.caspar.model"


async def test_an_unknown_provider_is_answered_with_those_there_are() -> None:
    with pytest.raises(UnknownModel) as refused:
        await Catalogue([Scripted()]).find("nobody:a-model", field="model")
    assert "scripted:a-model" in refused.value.message


async def test_what_is_unusable_is_told_with_its_field_and_reason() -> None:
    with pytest.raises(ModelUnavailable) as refused:
        await Catalogue([Scripted("SCRIPTED_KEY is not set.")]).find("scripted:x", field="model")
    assert refused.value.field == "model"
    assert "SCRIPTED_KEY is not set." in refused.value.message


async def test_a_yes_is_remembered() -> None:
    provider = Scripted()
    catalogue = Catalogue([provider])
    first, second = [await catalogue.find("scripted:x", field="model") for _ in range(2)]
    assert first is second
    assert provider.n_asked == 1


async def test_a_yes_is_remembered_for_its_own_model_only() -> None:
    provider = Scripted()
    catalogue = Catalogue([provider])
    await catalogue.find("scripted:x", field="model")
    await catalogue.find("scripted:y", field="model")
    assert provider.n_asked == 2


async def test_a_yes_is_not_remembered_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    provider = Scripted()
    catalogue = Catalogue([provider])
    await catalogue.find("scripted:x", field="model")
    now = asyncio.get_running_loop().time()
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: now + 31.0, raising=False)
    await catalogue.find("scripted:x", field="model")
    assert provider.n_asked == 2


async def test_a_no_is_not_remembered() -> None:
    provider = Scripted("it is off.")
    catalogue = Catalogue([provider])
    with pytest.raises(ModelUnavailable):
        await catalogue.find("scripted:x", field="model")
    provider.reason = None
    assert (await catalogue.find("scripted:x", field="model")).name == "scripted:x"


async def test_what_is_kept_for_names_has_a_bound() -> None:
    provider = Scripted()
    catalogue = Catalogue([provider])
    oldest, *_, newest = [await catalogue.find(f"scripted:{n}", field="model") for n in range(300)]
    provider.n_asked = 0
    assert await catalogue.find("scripted:299", field="model") is newest
    assert provider.n_asked == 0
    assert await catalogue.find("scripted:0", field="model") is not oldest
    assert provider.n_asked == 1


async def test_a_survey_survives_providers_that_break_or_stay_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("magisystem.models.catalogue._SURVEY_S", 0.05)
    catalogue = Catalogue(
        [
            Scripted(prefix="good"),
            Scripted("it is off.", prefix="off"),
            Scripted(prefix="broken", error=ZeroDivisionError("1/0")),
            Scripted(prefix="silent", is_silent=True),
        ]
    )
    found = {usability.prefix: usability.reason for usability in await catalogue.survey()}
    assert found["good"] is None
    assert found["off"] == "it is off."
    assert found["broken"]
    assert found["silent"]


async def test_a_survey_asks_every_provider_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    both = asyncio.Barrier(2)

    class Meeting(Scripted):
        async def reason_unusable(self, model_id: str | None) -> str | None:
            await both.wait()
            return None

    found = await Catalogue([Meeting(prefix="one"), Meeting(prefix="other")]).survey()
    assert [usability.reason for usability in found] == [None, None]


async def test_what_was_loaded_beforehand_is_not_looked_through_by_every_collection() -> None:
    gc.unfreeze()
    try:
        await Catalogue([Scripted()]).warm("scripted:x")
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()
