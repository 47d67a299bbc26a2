"""Closing: whatever way a speech on Bedrock is left, its connection is closed, and sixty speeches need no thread."""

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from strands.types.content import Messages
from tests.support.aws import lead_aws_to, leave_aws_bare
from tests.support.bedrock import Break, How, Reply, StandInBedrock

from magisystem.council.agents import Sampling
from magisystem.errors import ModelFailed, ModelStreamCut
from magisystem.models.bedrock import BedrockRuntime
from magisystem.models.bedrock.model import BedrockModel

MODEL = "us.anthropic.claude-haiku-4-5-20251001-v1:0"
ASKED: Messages = [{"role": "user", "content": [{"text": "Should the office move?"}]}]


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    leave_aws_bare(monkeypatch, tmp_path)


@pytest.fixture
async def bedrock(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[StandInBedrock]:
    """A stand-in that the environment leads to."""
    async with StandInBedrock() as standing_in:
        lead_aws_to(standing_in, monkeypatch)
        yield standing_in


@pytest.fixture
async def runtime() -> AsyncIterator[BedrockRuntime]:
    runtime = BedrockRuntime()
    yield runtime
    await runtime.aclose()


def text_of(event: Any) -> str:
    return event.get("contentBlockDelta", {}).get("delta", {}).get("text", "")


async def listen(runtime: BedrockRuntime) -> str:
    return "".join([text_of(event) async for event in BedrockModel(runtime, MODEL, Sampling()).stream(ASKED)])


async def _opened(bedrock: StandInBedrock, model: BedrockModel) -> Any:
    """Give a stream of which the first event has come, and of which no end ever comes."""
    bedrock.script(MODEL, Reply("One two three.", fault=Break(How.SILENCE)))
    events = model.stream(ASKED)
    await anext(events)
    return events


async def test_closing_the_stream_early_closes_the_connection(bedrock: StandInBedrock, runtime: BedrockRuntime):
    events = await _opened(bedrock, BedrockModel(runtime, MODEL, Sampling()))

    await events.aclose()

    assert await (await bedrock.called()).over()


async def test_closing_the_model_closes_the_connection_of_an_abandoned_stream(
    bedrock: StandInBedrock, runtime: BedrockRuntime
):
    model = BedrockModel(runtime, MODEL, Sampling())
    events = await _opened(bedrock, model)

    await model.aclose()
    await model.aclose()

    assert await (await bedrock.called()).over()
    await events.aclose()


async def test_closing_the_model_ends_a_read_that_is_under_way(bedrock: StandInBedrock, runtime: BedrockRuntime):
    model = BedrockModel(runtime, MODEL, Sampling())
    events = await _opened(bedrock, model)
    assert text_of(await anext(events)) == "One "
    reading = asyncio.ensure_future(anext(events))
    await asyncio.sleep(0)

    await model.aclose()

    with pytest.raises(ModelStreamCut):
        await reading
    assert await (await bedrock.called()).over()


async def test_nothing_opens_after_the_model_was_closed(bedrock: StandInBedrock, runtime: BedrockRuntime):
    model = BedrockModel(runtime, MODEL, Sampling())
    await model.aclose()

    with pytest.raises(ModelFailed):
        await anext(model.stream(ASKED))
    assert bedrock.calls == []


async def test_closing_the_model_while_it_opens_closes_what_opens(bedrock: StandInBedrock, runtime: BedrockRuntime):
    bedrock.script(MODEL, Reply(fault=Break(How.SILENCE, after=0)))
    model = BedrockModel(runtime, MODEL, Sampling())
    opening = asyncio.ensure_future(anext(model.stream(ASKED)))
    await asyncio.sleep(0)

    await model.aclose()

    with pytest.raises(ModelFailed):
        await opening
    assert await bedrock.calls[0].over()


async def test_cancelling_closes_the_connection(bedrock: StandInBedrock, runtime: BedrockRuntime):
    bedrock.script(MODEL, Reply("One two three.", fault=Break(How.SILENCE)))
    speaking = asyncio.create_task(listen(runtime))
    call = await bedrock.called()

    speaking.cancel()

    with pytest.raises(asyncio.CancelledError):
        await speaking
    assert await call.over()


async def test_a_stream_read_to_its_end_gives_its_connection_to_the_next(
    bedrock: StandInBedrock, runtime: BedrockRuntime
):
    bedrock.script(MODEL, Reply("Yes."))

    for _ in range(3):
        await listen(runtime)

    assert len({call.peer for call in bedrock.calls}) == 1
    assert not any([await call.over() for call in bedrock.calls])


async def test_a_closed_runtime_opens_again(bedrock: StandInBedrock, runtime: BedrockRuntime):
    bedrock.script(MODEL, Reply("Yes."))
    await listen(runtime)

    await runtime.aclose()
    await runtime.aclose()

    assert await listen(runtime) == "Yes."


async def test_sixty_streams_are_open_at_once_without_a_thread_for_any(
    bedrock: StandInBedrock, runtime: BedrockRuntime
):
    models = [BedrockModel(runtime, MODEL, Sampling()) for _ in range(60)]
    await (await _opened(bedrock, models[0])).aclose()
    n_threads = threading.active_count()

    streams = await asyncio.gather(*(_opened(bedrock, model) for model in models))
    said = [text_of(await anext(stream)) for stream in streams]

    assert said == ["One "] * 60
    assert bedrock.n_open == 60
    assert threading.active_count() == n_threads

    for stream in streams:
        await stream.aclose()
    assert all([await call.over() for call in bedrock.calls])
