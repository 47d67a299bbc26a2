"""Every model adapter keeps the contract of its port, over its provider's own wire."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import ClassVar

import pytest
from tests.support import bedrock, chat_completions
from tests.support.anthropic_messages import StandInAnthropic
from tests.support.aws import lead_aws_to, leave_aws_bare
from tests.support.bedrock import Break, ExceptionFrame, Refusal, Reply, StandInBedrock, ToolCall
from tests.support.chat_completions import Fault, How, StandIn, StandInChatCompletions
from tests.support.ollama_chat import StandInOllama

from magisystem.application import open_catalogue
from magisystem.config import read_configuration
from magisystem.errors import ModelFailed
from magisystem.testing.models import (
    SPOILT_VOTE,
    TEXT,
    VOTE,
    Behaviour,
    ModelContract,
    ModelThat,
    Prepared,
    n_calls,
    text,
    uttered,
)

VOTES = Reply(TEXT, call=ToolCall("cast_vote", VOTE))
SPOILS = Reply(TEXT, call=ToolCall("cast_vote", SPOILT_VOTE))
BEDROCK: dict[Behaviour, list[Reply]] = {
    Behaviour.VOTE: [VOTES],
    Behaviour.SPOIL_THEN_VOTE: [SPOILS, Reply(call=ToolCall("cast_vote", VOTE))],
    Behaviour.SPOIL_ALWAYS: [SPOILS],
    Behaviour.NEVER_VOTE: [Reply(TEXT)],
    Behaviour.BREAK_MIDWAY: [Reply(TEXT, fault=Break(bedrock.How.CUT, after=2))],
    Behaviour.END_UNFINISHED: [Reply(TEXT, fault=Break(bedrock.How.CLEAN_END, after=2))],
    Behaviour.THROTTLE_THEN_VOTE: [Reply(fault=Refusal(429)), VOTES],
    Behaviour.THROTTLE_MIDWAY: [Reply(TEXT, fault=ExceptionFrame("throttlingException", after=2))],
    Behaviour.DENY: [Reply(fault=Refusal(403))],
    Behaviour.HANG: [Reply(TEXT, fault=Break(bedrock.How.SILENCE, after=2))],
}


class TestBedrock(ModelContract):
    @pytest.fixture
    async def model_that(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncGenerator[ModelThat]:
        catalogue = open_catalogue(read_configuration(environment={}).settings)
        async with StandInBedrock() as standing_in:
            leave_aws_bare(monkeypatch, tmp_path)
            lead_aws_to(standing_in, monkeypatch)

            async def prepare(behaviour: Behaviour) -> Prepared:
                standing_in.script("a.model", *BEDROCK[behaviour])

                async def closed() -> bool:
                    return await standing_in.calls[-1].over()

                return Prepared(await catalogue.find("bedrock:a.model", field="model"), closed)

            yield prepare
            await catalogue.aclose()


SAYS = chat_completions.Reply(TEXT)
CASTS = chat_completions.Reply(TEXT, (ToolCall("cast_vote", VOTE),))
CASTS_SPOILT = chat_completions.Reply(TEXT, (ToolCall("cast_vote", SPOILT_VOTE),))
CASTS_ONLY = chat_completions.Reply(calls=(ToolCall("cast_vote", VOTE),))


def faulty(how: How) -> chat_completions.Reply:
    return chat_completions.Reply(TEXT, fault=Fault(how))


OVER_HTTP: dict[Behaviour, list[chat_completions.Reply]] = {
    Behaviour.VOTE: [CASTS],
    Behaviour.SPOIL_THEN_VOTE: [CASTS_SPOILT, CASTS_ONLY],
    Behaviour.SPOIL_ALWAYS: [CASTS_SPOILT],
    Behaviour.NEVER_VOTE: [SAYS],
    Behaviour.BREAK_MIDWAY: [faulty(How.CUT)],
    Behaviour.END_UNFINISHED: [faulty(How.CLEAN_END)],
    Behaviour.THROTTLE_THEN_VOTE: [
        chat_completions.Reply(fault=chat_completions.Refusal(429, headers={"retry-after": "0.01"})),
        CASTS,
    ],
    Behaviour.THROTTLE_MIDWAY: [faulty(How.THROTTLE)],
    Behaviour.DENY: [chat_completions.Reply(fault=chat_completions.Refusal(401))],
    Behaviour.HANG: [faulty(How.SILENCE)],
}


class OverHTTP(ModelContract):
    """The contract over a provider whose SDK speaks to ``stand_in``; ``environment`` leads it there."""

    stand_in: ClassVar[type[StandIn]]
    name: ClassVar[str]

    def environment(self, url: str) -> dict[str, str]:
        raise NotImplementedError

    @pytest.fixture
    async def model_that(self, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[ModelThat]:
        async with self.serving(monkeypatch) as (provider, model_that):
            yield model_that
            # What an SDK repeats on its own would be calls that nobody counts.
            assert len(provider.calls) <= 2

    @asynccontextmanager
    async def serving(self, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[tuple[StandIn, ModelThat]]:
        async with self.stand_in() as provider:
            provider.models = [self.name.rpartition(":")[2]]
            for variable, value in self.environment(provider.url).items():
                monkeypatch.setenv(variable, value)
            catalogue = open_catalogue(read_configuration().settings)

            async def prepare(behaviour: Behaviour) -> Prepared:
                provider.script(*OVER_HTTP[behaviour])

                async def closed() -> bool:
                    return await provider.calls[-1].over()

                return Prepared(await catalogue.find(self.name, field="model"), closed)

            yield provider, prepare
            await catalogue.aclose()

    @pytest.mark.parametrize("behaviour", [Behaviour.DENY, Behaviour.BREAK_MIDWAY, Behaviour.END_UNFINISHED])
    async def test_what_fails_is_asked_for_once(self, monkeypatch: pytest.MonkeyPatch, behaviour: Behaviour) -> None:
        async with self.serving(monkeypatch) as (provider, model_that):
            _, error = await uttered((await model_that(behaviour)).model)
            assert error is not None
            assert len(provider.calls) == 1


class TestOpenAI(OverHTTP):
    stand_in = StandInChatCompletions
    name = "openai:a-model"

    def environment(self, url: str) -> dict[str, str]:
        return {"OPENAI_BASE_URL": url, "OPENAI_API_KEY": "sk-of-a-test"}


class TestOpenAICompatible(OverHTTP):
    stand_in = StandInChatCompletions
    name = "openai-compatible:a-model"

    def environment(self, url: str) -> dict[str, str]:
        return {"MAGI_OPENAI_COMPATIBLE_BASE_URL": url}


class TestAnthropic(OverHTTP):
    stand_in = StandInAnthropic
    name = "anthropic:a-model"

    def environment(self, url: str) -> dict[str, str]:
        return {"ANTHROPIC_BASE_URL": url, "ANTHROPIC_API_KEY": "sk-ant-of-a-test"}


class TestOllama(OverHTTP):
    stand_in = StandInOllama
    name = "ollama:a-model"

    def environment(self, url: str) -> dict[str, str]:
        return {"OLLAMA_HOST": url}

    async def test_throttling_within_the_text_is_raised(self, model_that: ModelThat) -> None:
        # Ollama's error within a stream is a sentence without a code, so that throttling (which only its cloud knows,
        # and says with a status before the stream) cannot be told from any other failure. It is one all the same.
        utterances, error = await uttered((await model_that(Behaviour.THROTTLE_MIDWAY)).model)
        assert isinstance(error, ModelFailed)
        assert error.retryable
        assert text(utterances)
        assert n_calls(utterances) == 1


# LiteLLM silences these itself while it is imported, which holds until the end of the test that imports it.
@pytest.mark.filterwarnings("ignore::DeprecationWarning:litellm.*")
@pytest.mark.filterwarnings("ignore:.*`ReadOnly` qualifier.*:UserWarning")
class TestLiteLLM(OverHTTP):
    stand_in = StandInChatCompletions
    name = "litellm:openai/a-model"

    def environment(self, url: str) -> dict[str, str]:
        return {"OPENAI_API_BASE": url, "OPENAI_API_KEY": "sk-of-a-test"}
