"""The contract of `Model`, as a test suite that every adapter of a language model runs.

Subclass it, give ``model_that``, and let pytest (with pytest-asyncio in auto mode) collect it. The provider has to be a
stand-in that can be told to behave; what it says as text is `TEXT`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import TypeVar

import pytest

from magisystem.council.ballots import Vote
from magisystem.council.briefs import Brief, Matter, sage_brief
from magisystem.council.presets import CASPAR
from magisystem.deliberation.ports import (
    MODEL_CALL,
    THROTTLE_WAIT,
    Cast,
    Model,
    Noted,
    Said,
    Spent,
    Spoilt,
    Utterance,
)
from magisystem.errors import ModelDenied, ModelError, ModelStreamCut, ModelThrottled
from magisystem.protocol.values import Decision

TEXT = "It can be done, and it should be done. 可能です。"
VOTE = {"decision": "APPROVED", "confidence": 0.8, "reasoning": "It can be done."}
SPOILT_VOTE = {"decision": "APPROVED", "confidence": 85, "reasoning": "It can be done."}

_DEADLINE_S = 20.0
U = TypeVar("U")


class Behaviour(Enum):
    """What the provider behind the model is to do."""

    VOTE = auto()  # says TEXT, casts VOTE
    SPOIL_THEN_VOTE = auto()  # says TEXT, casts SPOILT_VOTE; asked again, casts VOTE
    SPOIL_ALWAYS = auto()
    NEVER_VOTE = auto()  # says TEXT and ends, however often it is asked
    BREAK_MIDWAY = auto()  # the connection breaks within TEXT
    END_UNFINISHED = auto()  # a clean end within TEXT, without the provider's word that it is finished
    THROTTLE_THEN_VOTE = auto()  # refuses once, before any text
    THROTTLE_MIDWAY = auto()  # refuses within TEXT, where the provider can
    DENY = auto()
    HANG = auto()  # says the beginning of TEXT, then nothing, and keeps the connection open


@dataclass(frozen=True, slots=True)
class Prepared:
    """A model whose provider will behave, and ``closed``, which ends when the provider sees its connection closed."""

    model: Model
    closed: Callable[[], Awaitable[object]]


ModelThat = Callable[[Behaviour], Awaitable[Prepared]]


def brief() -> Brief:
    """Give CASPAR's brief on a plain question."""
    return sage_brief(CASPAR, Matter("Should we move the billing service to Rust?"))


class Heard:
    """A `Hearer` that keeps what it hears. ``has_text`` is set once something has been said."""

    def __init__(self) -> None:
        self.utterances: list[Utterance] = []
        self.has_text = asyncio.Event()

    async def hear(self, utterance: Utterance) -> None:
        """See `Hearer.hear`."""
        self.utterances.append(utterance)
        if isinstance(utterance, Said):
            self.has_text.set()


async def uttered(model: Model, *, max_calls: int = 2) -> tuple[list[Utterance], ModelError | None]:
    """Let a model speak; give what it uttered and, where it failed, its error."""
    heard = Heard()
    try:
        async with asyncio.timeout(_DEADLINE_S):
            await model.speak(brief(), heard, max_calls=max_calls)
    except ModelError as error:
        return heard.utterances, error
    return heard.utterances, None


async def cut_short(model: Model) -> list[Utterance]:
    """Let a model speak and cancel it at its first text; give what it had uttered."""
    heard = Heard()
    async with asyncio.timeout(_DEADLINE_S):
        speaking = asyncio.create_task(model.speak(brief(), heard, max_calls=2))
        await heard.has_text.wait()
        speaking.cancel()
        await asyncio.gather(speaking, return_exceptions=True)
    return heard.utterances


def of(kind: type[U], utterances: Sequence[Utterance]) -> list[U]:
    """Give the utterances of one kind."""
    return [utterance for utterance in utterances if isinstance(utterance, kind)]


def n_calls(utterances: Sequence[Utterance]) -> int:
    """Count the calls the provider accepted."""
    return sum(noted.action == MODEL_CALL for noted in of(Noted, utterances))


def text(utterances: Sequence[Utterance]) -> str:
    """Give everything that was said."""
    return "".join(said.text for said in of(Said, utterances))


class ModelContract:
    """What every `Model` guarantees; the numbers are those of its docstring."""

    async def test_it_says_its_text_and_casts_its_vote(self, model_that: ModelThat) -> None:
        utterances, error = await uttered((await model_that(Behaviour.VOTE)).model)
        assert error is None
        assert text(utterances) == TEXT
        assert of(Cast, utterances) == [Cast(Vote(Decision.APPROVED, 0.8, "It can be done."))]
        assert n_calls(utterances) == 1
        assert sum(spent.usage.output_tokens for spent in of(Spent, utterances)) > 0

    # 1. What is uttered comes as the provider sends it.

    async def test_text_comes_before_the_answer_is_complete(self, model_that: ModelThat) -> None:
        said = text(await cut_short((await model_that(Behaviour.HANG)).model))
        assert said
        assert TEXT.startswith(said)

    # 2. An end without the provider's word for it is never a normal end.

    async def test_a_broken_connection_is_a_failure_that_may_be_tried_again(self, model_that: ModelThat) -> None:
        utterances, error = await uttered((await model_that(Behaviour.BREAK_MIDWAY)).model)
        assert error is not None
        assert error.retryable
        assert TEXT.startswith(text(utterances))
        assert not of(Cast, utterances)

    async def test_a_clean_end_within_the_answer_is_a_cut_stream(self, model_that: ModelThat) -> None:
        _, error = await uttered((await model_that(Behaviour.END_UNFINISHED)).model)
        assert isinstance(error, ModelStreamCut)

    async def test_refused_credentials_are_named_and_not_tried_again(self, model_that: ModelThat) -> None:
        utterances, error = await uttered((await model_that(Behaviour.DENY)).model)
        assert isinstance(error, ModelDenied)
        assert n_calls(utterances) == 0

    # 3. At most `max_calls` calls.

    async def test_a_spoilt_ballot_is_mended_in_a_second_call(self, model_that: ModelThat) -> None:
        utterances, error = await uttered((await model_that(Behaviour.SPOIL_THEN_VOTE)).model)
        assert error is None
        assert len(of(Spoilt, utterances)) == 1
        assert len(of(Cast, utterances)) == 1
        assert n_calls(utterances) == 2

    @pytest.mark.parametrize("behaviour", [Behaviour.SPOIL_ALWAYS, Behaviour.NEVER_VOTE])
    @pytest.mark.parametrize("max_calls", [1, 2])
    async def test_a_model_that_cannot_vote_is_called_no_more_than_it_may(
        self, model_that: ModelThat, behaviour: Behaviour, max_calls: int
    ) -> None:
        utterances, error = await uttered((await model_that(behaviour)).model, max_calls=max_calls)
        assert error is None
        assert not of(Cast, utterances)
        assert n_calls(utterances) == max_calls

    # 4. Throttling.

    async def test_throttling_before_the_first_text_is_waited_out_and_shown(self, model_that: ModelThat) -> None:
        utterances, error = await uttered((await model_that(Behaviour.THROTTLE_THEN_VOTE)).model)
        assert error is None
        assert len(of(Cast, utterances)) == 1
        assert n_calls(utterances) == 1
        waits = [noted for noted in of(Noted, utterances) if noted.action == THROTTLE_WAIT]
        assert waits
        assert all(wait.duration_ms is not None for wait in waits)

    async def test_throttling_within_the_text_is_raised(self, model_that: ModelThat) -> None:
        utterances, error = await uttered((await model_that(Behaviour.THROTTLE_MIDWAY)).model)
        assert isinstance(error, ModelThrottled)
        assert text(utterances)

    # 5. However a speech ends, the connection is closed.

    async def test_cancelling_closes_the_connection_to_the_provider(self, model_that: ModelThat) -> None:
        prepared = await model_that(Behaviour.HANG)
        await cut_short(prepared.model)
        async with asyncio.timeout(_DEADLINE_S):
            await prepared.closed()
