"""A speech over the providers' wires: the cases a contract of the port does not name."""

import asyncio
import gc
import logging
import random
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace

import pytest
from tests.support.anthropic_messages import StandInAnthropic
from tests.support.bedrock_answers import ToolCall
from tests.support.chat_completions import (
    N_CACHED_TOKENS,
    N_INPUT_TOKENS,
    Fault,
    How,
    Refusal,
    Reply,
    StandIn,
    StandInChatCompletions,
)
from tests.support.ollama_chat import StandInOllama

from magisystem.application import open_catalogue
from magisystem.config import read_configuration
from magisystem.council.agents import Sampling
from magisystem.council.ballots import Vote
from magisystem.council.briefs import Matter, chat_brief, sage_brief
from magisystem.council.presets import CASPAR, SOLOMON
from magisystem.deliberation.ports import (
    THROTTLE_WAIT,
    Cast,
    Model,
    Noted,
    Said,
    Spent,
    Spoilt,
    Thought,
    Utterance,
)
from magisystem.errors import (
    ModelError,
    ModelExhausted,
    ModelNotFound,
    ModelOverloaded,
    ModelRejected,
    ModelStreamCut,
    ModelThrottled,
    ModelUnreachable,
    ModelWithheld,
)
from magisystem.testing.models import SPOILT_VOTE, TEXT, VOTE, Heard, cut_short, n_calls, of, text, uttered

# LiteLLM silences these itself while it is imported, which holds until the end of the test that imports it.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning:litellm.*"),
    pytest.mark.filterwarnings("ignore:.*`ReadOnly` qualifier.*:UserWarning"),
]

CAST = ToolCall("cast_vote", VOTE)
CAST_SPOILT = ToolCall("cast_vote", SPOILT_VOTE)
WIRES: dict[str, tuple[type[StandIn], str, Callable[[str], dict[str, str]]]] = {
    "openai": (
        StandInChatCompletions,
        "openai:a-model",
        lambda url: {"OPENAI_BASE_URL": url, "OPENAI_API_KEY": "sk-of-a-test"},
    ),
    "anthropic": (
        StandInAnthropic,
        "anthropic:a-model",
        lambda url: {"ANTHROPIC_BASE_URL": url, "ANTHROPIC_API_KEY": "sk-ant-of-a-test"},
    ),
    "ollama": (StandInOllama, "ollama:a-model", lambda url: {"OLLAMA_HOST": url}),
    "litellm": (
        StandInChatCompletions,
        "litellm:openai/a-model",
        lambda url: {"OPENAI_API_BASE": url, "OPENAI_API_KEY": "sk-of-a-test"},
    ),
}


@dataclass
class Provider:
    """A stand-in and the model that speaks to it."""

    stand_in: StandIn
    model: Model

    async def utter(self, *replies: Reply, max_calls: int = 2) -> tuple[list[Utterance], ModelError | None]:
        self.stand_in.script(*replies)
        return await uttered(self.model, max_calls=max_calls)


Opened = Callable[[str], Awaitable[Provider]]


@pytest.fixture
async def opened(monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Opened]:
    async with AsyncExitStack() as closing:

        async def open_wire(wire: str) -> Provider:
            kind, name, environment = WIRES[wire]
            stand_in = await closing.enter_async_context(kind())
            stand_in.models = ["a-model"]
            for variable, value in environment(stand_in.url).items():
                monkeypatch.setenv(variable, value)
            catalogue = open_catalogue(read_configuration().settings)
            closing.push_async_callback(catalogue.aclose)
            return Provider(stand_in, await catalogue.find(name, field="model"))

        yield open_wire


@pytest.fixture(params=list(WIRES))
async def provider(request: pytest.FixtureRequest, opened: Opened) -> Provider:
    """Each provider in turn."""
    return await opened(request.param)


@pytest.fixture
async def chat(opened: Opened) -> Provider:
    """One provider, where what is tested is the same for all."""
    return await opened("openai")


# --- Over every wire ----------------------------------------------------------------------------------------------


async def test_the_tokens_of_a_call_are_those_the_provider_counted(provider: Provider) -> None:
    utterances, error = await provider.utter(Reply(TEXT, (CAST,)))
    assert error is None
    [spent] = of(Spent, utterances)
    n_cached = spent.usage.cache_read_tokens or 0
    assert spent.usage.input_tokens + n_cached == N_INPUT_TOKENS
    # Ollama has no count of what it read from its cache.
    assert n_cached == (0 if isinstance(provider.stand_in, StandInOllama) else N_CACHED_TOKENS)
    assert spent.usage.output_tokens > 1


async def test_a_stream_without_a_count_of_tokens_is_an_answer_all_the_same(provider: Provider) -> None:
    utterances, error = await provider.utter(Reply(TEXT, (CAST,), has_usage=False))
    assert error is None
    assert len(of(Cast, utterances)) == 1


@pytest.mark.parametrize("after", range(0, 40, 3))
async def test_a_clean_end_before_the_provider_says_it_is_finished_is_a_cut_stream(
    provider: Provider, after: int
) -> None:
    # Within the text, between text and tool call, within the tool call: a vote is counted only from a whole message.
    reply = Reply(TEXT, (CAST,), fault=Fault(How.CLEAN_END, after))
    n_deltas = sum(frame.is_delta for frame in provider.stand_in.frames(reply))
    utterances, error = await provider.utter(reply)
    if after < n_deltas:
        assert isinstance(error, ModelStreamCut)
        assert not of(Cast, utterances)
    else:
        assert error is None


async def test_a_connection_that_breaks_within_a_tool_call_casts_nothing(provider: Provider) -> None:
    reply = Reply(calls=(CAST,))
    n_deltas = sum(frame.is_delta for frame in provider.stand_in.frames(reply))
    utterances, error = await provider.utter(Reply(calls=(CAST,), fault=Fault(How.CUT, n_deltas - 1)))
    assert error is not None
    assert error.retryable
    assert not of(Cast, utterances)


async def test_thoughts_are_told_from_words(provider: Provider) -> None:
    utterances, error = await provider.utter(Reply(TEXT, (CAST,), thinking="Let me see. "))
    assert error is None
    assert text(utterances) == TEXT
    thoughts = "".join(thought.text for thought in of(Thought, utterances))
    # Strands' reader of Ollama's stream leaves thoughts out.
    assert thoughts == ("" if isinstance(provider.stand_in, StandInOllama) else "Let me see. ")


async def test_a_refused_request_says_why_and_holds_no_key(provider: Provider) -> None:
    said = "temperature is not supported; your key was sk-abcdefghijklmnopqrstuvwxyz012345."
    utterances, error = await provider.utter(Reply(fault=Refusal(400, said)))
    assert isinstance(error, ModelRejected)
    assert "temperature is not supported" in error.message
    assert "sk-abc" not in error.message
    assert "billing service" not in error.message
    assert n_calls(utterances) == 0


async def test_a_model_that_the_provider_does_not_have_is_told(provider: Provider) -> None:
    _, error = await provider.utter(Reply(fault=Refusal(404, "The model a-model does not exist.")))
    assert isinstance(error, ModelNotFound)
    assert "The model a-model does not exist." in error.message


@pytest.mark.parametrize("status", [500, 503])
async def test_a_provider_that_fails_is_asked_once_and_may_be_tried_again(provider: Provider, status: int) -> None:
    _, error = await provider.utter(Reply(fault=Refusal(status)))
    assert isinstance(error, ModelOverloaded)
    assert len(provider.stand_in.calls) == 1


async def test_a_provider_out_of_reach_is_told(provider: Provider) -> None:
    # The yes is remembered, so that the server may go down between it and the speech.
    await provider.stand_in.__aexit__()
    _, error = await provider.utter(Reply(TEXT))
    assert isinstance(error, ModelUnreachable)


async def test_the_providers_wish_for_a_wait_has_its_way(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random, "random", lambda: 0.0)
    utterances, error = await provider.utter(
        Reply(fault=Refusal(429, headers={"retry-after": "0.02"})), Reply(TEXT, (CAST,))
    )
    assert error is None
    waits = [noted.duration_ms for noted in of(Noted, utterances) if noted.action == THROTTLE_WAIT]
    # The dice say no wait at all.
    assert waits[0] == 20
    assert len(provider.stand_in.calls) == 2


async def test_leaving_a_speech_leaves_no_complaint_behind(
    provider: Provider, caplog: pytest.LogCaptureFixture
) -> None:
    # Generators that are left to the garbage collector are ended in tasks of the loop's, which OpenTelemetry logs.
    provider.stand_in.script(Reply(TEXT, fault=Fault(How.SILENCE)))
    await cut_short(provider.model)
    assert await provider.stand_in.calls[-1].over()
    gc.collect()
    for _ in range(20):
        await asyncio.sleep(0)
    assert [record.message for record in caplog.records if record.levelno >= logging.ERROR] == []


# --- The loop of prose, ballot and repair -------------------------------------------------------------------------


async def test_every_piece_that_was_said_has_text(chat: Provider) -> None:
    utterances, _ = await chat.utter(Reply(TEXT, (CAST,)))
    assert all(said.text for said in of(Said, utterances))
    assert len(of(Said, utterances)) > 1


async def test_of_two_ballots_in_one_message_the_first_counts(chat: Provider) -> None:
    second = ToolCall("cast_vote", {**VOTE, "decision": "REJECTED"})
    utterances, error = await chat.utter(Reply(TEXT, (CAST, second)))
    assert error is None
    [cast] = of(Cast, utterances)
    assert isinstance(cast.casting, Vote)
    assert cast.casting.decision == "APPROVED"
    assert n_calls(utterances) == 1


async def test_a_spoilt_ballot_mended_in_the_same_message_needs_no_second_call(chat: Provider) -> None:
    utterances, error = await chat.utter(Reply(TEXT, (CAST_SPOILT, CAST)))
    assert error is None
    assert len(of(Spoilt, utterances)) == 1
    assert len(of(Cast, utterances)) == 1
    assert n_calls(utterances) == 1


async def test_a_tool_that_does_not_exist_costs_the_call_and_nothing_more(chat: Provider) -> None:
    utterances, error = await chat.utter(Reply(TEXT, (ToolCall("search_the_web", {}),)), Reply(calls=(CAST,)))
    assert error is None
    assert len(of(Cast, utterances)) == 1
    assert n_calls(utterances) == 2
    assert len(chat.stand_in.calls) == 2


async def test_a_ballot_beside_a_tool_that_does_not_exist_counts(chat: Provider) -> None:
    utterances, error = await chat.utter(Reply(TEXT, (ToolCall("search_the_web", {}), CAST)))
    assert error is None
    assert len(of(Cast, utterances)) == 1
    assert n_calls(utterances) == 1


@pytest.mark.parametrize("written", ["{not json", '"a string"', "[]", "", "null"])
async def test_a_ballot_that_is_no_object_is_spoilt(chat: Provider, written: str) -> None:
    utterances, error = await chat.utter(Reply(TEXT, (ToolCall("cast_vote", written),)), Reply(calls=(CAST,)))
    assert error is None
    assert len(of(Spoilt, utterances)) == 1
    assert len(of(Cast, utterances)) == 1


async def test_nothing_is_said_after_the_ballot(chat: Provider) -> None:
    utterances, _ = await chat.utter(Reply(TEXT, (CAST,)), Reply("And another thing."))
    [at] = [place for place, utterance in enumerate(utterances) if isinstance(utterance, Cast)]
    assert all(isinstance(utterance, Noted | Spent) for utterance in utterances[at + 1 :])
    assert len(chat.stand_in.calls) == 1


async def test_an_output_limit_in_the_prose_leaves_the_second_call_for_the_ballot(chat: Provider) -> None:
    utterances, error = await chat.utter(Reply(TEXT, stop="length"), Reply(calls=(CAST,)))
    assert error is None
    assert len(of(Cast, utterances)) == 1
    assert [noted.action for noted in of(Noted, utterances)].count("output_limit") == 1


@pytest.mark.parametrize(
    "replies", [(Reply(TEXT), Reply("Well,", stop="length")), (Reply(TEXT, (CAST,), stop="length"),)]
)
async def test_an_output_limit_in_the_last_call_is_named(chat: Provider, replies: tuple[Reply, ...]) -> None:
    utterances, error = await chat.utter(*replies)
    assert isinstance(error, ModelExhausted)
    assert not of(Cast, utterances)
    assert n_calls(utterances) == 2


async def test_an_output_limit_in_a_chat_is_named(chat: Provider) -> None:
    chat.stand_in.script(Reply(TEXT, stop="length"))
    with pytest.raises(ModelExhausted):
        await chat.model.speak(chat_brief(SOLOMON, Matter("Well?")), Heard(), max_calls=2)
    assert len(chat.stand_in.calls) == 1


async def test_a_chat_is_one_call_without_a_ballot(chat: Provider) -> None:
    chat.stand_in.script(Reply(TEXT))
    heard = Heard()
    await chat.model.speak(chat_brief(SOLOMON, Matter("Well?")), heard, max_calls=2)
    assert text(heard.utterances) == TEXT
    [call] = chat.stand_in.calls
    assert not call.body.get("tools")


@pytest.mark.parametrize(("wire", "stop"), [("openai", "content_filter"), ("anthropic", "refusal")])
async def test_an_answer_that_the_provider_withholds_is_no_answer(opened: Opened, wire: str, stop: str) -> None:
    utterances, error = await (await opened(wire)).utter(Reply(TEXT, stop=stop))
    assert isinstance(error, ModelWithheld)
    assert len(of(Spent, utterances)) == 1


async def test_a_conversation_that_outgrows_the_model_is_rejected(opened: Opened) -> None:
    _, error = await (await opened("anthropic")).utter(Reply(TEXT, stop="model_context_window_exceeded"))
    assert isinstance(error, ModelRejected)


async def test_a_failure_in_the_second_call_is_told_as_what_it_is(chat: Provider) -> None:
    _, error = await chat.utter(Reply(TEXT, (CAST_SPOILT,)), Reply(fault=Refusal(400, "No.")))
    assert isinstance(error, ModelRejected)


async def test_throttling_in_the_second_call_is_raised_because_something_was_said(chat: Provider) -> None:
    _, error = await chat.utter(Reply(TEXT, (CAST_SPOILT,)), Reply(fault=Refusal(429, headers={"retry-after": "0.01"})))
    assert isinstance(error, ModelThrottled)
    assert error.retry_after_s == 0.01
    assert len(chat.stand_in.calls) == 2


async def test_calls_made_before_throttling_are_not_made_anew(chat: Provider) -> None:
    utterances, error = await chat.utter(
        Reply(calls=(CAST_SPOILT,)),
        Reply(fault=Refusal(429, headers={"retry-after": "0.01"})),
        Reply(calls=(CAST_SPOILT,)),
    )
    assert error is None
    assert n_calls(utterances) == 2
    assert len(chat.stand_in.calls) == 3


async def test_an_account_without_quota_is_not_waited_for(chat: Provider) -> None:
    utterances, error = await chat.utter(Reply(fault=Refusal(429, kind="insufficient_quota")))
    assert error is not None
    assert not error.retryable
    assert not of(Noted, utterances)


async def test_a_provider_that_is_overloaded_within_a_stream_may_be_tried_again(opened: Opened) -> None:
    _, error = await (await opened("anthropic")).utter(Reply(TEXT, fault=Fault(How.OVERLOAD)))
    assert isinstance(error, ModelOverloaded)


async def test_one_lane_that_is_throttled_makes_the_others_wait(chat: Provider) -> None:
    await chat.utter(Reply(TEXT, (CAST_SPOILT,)), Reply(fault=Refusal(429, headers={"retry-after": "0.2"})))
    utterances, error = await chat.utter(Reply(TEXT, (CAST,)))
    assert error is None
    first = utterances[0]
    assert isinstance(first, Noted)
    assert first.action == THROTTLE_WAIT


@pytest.mark.parametrize(
    ("wire", "sampling", "dropped", "sent"),
    [
        ("openai", Sampling(temperature=0.5, top_k=5), "top_k", {"temperature": 0.5}),
        ("anthropic", Sampling(temperature=0.5, max_tokens=99), "", {"temperature": 0.5, "max_tokens": 99}),
        ("ollama", Sampling(top_k=5), "", {}),
    ],
)
async def test_what_a_model_does_not_take_is_not_sent_and_named(
    opened: Opened, wire: str, sampling: Sampling, dropped: str, sent: dict[str, object]
) -> None:
    provider = await opened(wire)
    provider.stand_in.script(Reply(TEXT, (CAST,)))
    agent = replace(CASPAR, sampling=sampling)
    heard = Heard()
    await provider.model.speak(sage_brief(agent, Matter("Well?")), heard, max_calls=1)
    noted = [noted.details for noted in of(Noted, heard.utterances)]
    assert any(dropped in details for details in noted if "not sent" in details) == bool(dropped)
    body = provider.stand_in.calls[0].body
    assert {name: body.get(name) for name in sent} == sent
    assert "top_k" not in body


@pytest.mark.parametrize("wire", ["openai", "anthropic", "ollama"])
async def test_connecting_does_not_hold_up_the_event_loop(
    opened: Opened, wire: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What takes long is reading the machine's certificates, which SDKs do for every client; `find` did it in a thread.
    provider = await opened(wire)

    def read_again(**_: object) -> None:
        raise AssertionError("the certificates were read on the event loop")

    monkeypatch.setattr(ssl, "create_default_context", read_again)
    _, error = await provider.utter(Reply(TEXT, (CAST,)))
    assert error is None
