"""BedrockModel over BedrockRuntime, against the stand-in: what is sent, what comes, and how each failure is named."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any, cast

import pytest
from strands.types.content import Messages
from tests.support.aws import SECRETS, lead_aws_to, leave_aws_bare
from tests.support.bedrock import Break, ExceptionFrame, How, Refusal, Reply, StandInBedrock, ToolCall

from magisystem.council.agents import Sampling
from magisystem.errors import (
    ModelDenied,
    ModelError,
    ModelFailed,
    ModelFrameCorrupt,
    ModelFrameCut,
    ModelNotFound,
    ModelOverloaded,
    ModelRejected,
    ModelSilent,
    ModelStreamCut,
    ModelThrottled,
    ModelUnreachable,
    ModelWithheld,
)
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


async def heard(runtime: BedrockRuntime, *, into: list[str] | None = None, **asked: Any) -> list[dict[str, Any]]:
    """Let the model answer, and give its events; ``into`` gets the words as they come, also before a failure."""
    model = BedrockModel(runtime, asked.pop("model_id", MODEL), asked.pop("sampling", Sampling()))
    events: list[dict[str, Any]] = []
    async for event in model.stream(asked.pop("messages", ASKED), **asked):
        events.append(cast("dict[str, Any]", event))
        if into is not None:
            into.append(text_of(events[-1]))
    return events


def text_of(event: dict[str, Any]) -> str:
    return event.get("contentBlockDelta", {}).get("delta", {}).get("text", "")


def words(events: list[dict[str, Any]]) -> str:
    return "".join(text_of(event) for event in events)


# --- What comes ---------------------------------------------------------------------------------------------------


async def test_thoughts_words_and_a_tool_call_come_as_they_were_sent(bedrock: StandInBedrock, runtime: BedrockRuntime):
    call = ToolCall("cast_vote", '{"decision": ')
    bedrock.script(MODEL, Reply("Yes — はい。", thinking="Hm.", redacted="AAEC", call=call))

    events = await heard(runtime)
    deltas = [event["contentBlockDelta"]["delta"] for event in events if "contentBlockDelta" in event]

    assert words(events) == "Yes — はい。"
    assert {"reasoningContent": {"redactedContent": b"\x00\x01\x02"}} in deltas
    assert {"reasoningContent": {"text": "Hm."}} in deltas
    assert "".join(delta["toolUse"]["input"] for delta in deltas if "toolUse" in delta) == '{"decision": '
    assert events[-2] == {"messageStop": {"stopReason": "tool_use"}}
    assert events[-1]["metadata"]["usage"]["outputTokens"] > 0


async def test_an_empty_answer_ends_normally(bedrock: StandInBedrock, runtime: BedrockRuntime):
    bedrock.script(MODEL, Reply())

    assert [next(iter(event)) for event in await heard(runtime)] == ["messageStart", "messageStop", "metadata"]


async def test_events_of_types_not_known_yet_are_passed_over(bedrock: StandInBedrock, runtime: BedrockRuntime):
    bedrock.script(MODEL, Reply("Yes.", extra_events=(("somethingNew", {"a": 1}), ("initial-response", {}))))

    events = await heard(runtime)

    assert words(events) == "Yes."
    assert not any("somethingNew" in event for event in events)


async def test_words_come_while_the_model_is_still_speaking(bedrock: StandInBedrock, runtime: BedrockRuntime):
    bedrock.script(MODEL, Reply("One two three.", fault=Break(How.SILENCE, after=1)))
    model = BedrockModel(runtime, MODEL, Sampling())

    async with aclosing(model.stream(ASKED)) as events:
        said = [event async for event in _until_first_words(events)]

        assert text_of(cast("dict[str, Any]", said[-1])) == "One "
        assert bedrock.n_open == 1


async def _until_first_words(events: AsyncIterator[Any]) -> AsyncIterator[Any]:
    async for event in events:
        yield event
        if text_of(event):
            return


@pytest.mark.parametrize("reason", ["end_turn", "tool_use", "stop_sequence", "max_tokens"])
async def test_a_stop_reason_that_is_an_end_passes_through(
    bedrock: StandInBedrock, runtime: BedrockRuntime, reason: str
):
    bedrock.script(MODEL, Reply("Yes.", stop_reason=reason))

    assert {"messageStop": {"stopReason": reason}} in await heard(runtime)


@pytest.mark.parametrize(
    ("reason", "error"),
    [
        ("guardrail_intervened", ModelWithheld),
        ("content_filtered", ModelWithheld),
        ("refusal", ModelWithheld),
        ("model_context_window_exceeded", ModelRejected),
        ("malformed_model_output", ModelFailed),
        ("malformed_tool_use", ModelFailed),
        ("something_new", ModelFailed),
    ],
)
async def test_any_other_stop_reason_is_raised_after_the_usage_was_given(
    bedrock: StandInBedrock, runtime: BedrockRuntime, reason: str, error: type[ModelError]
):
    bedrock.script(MODEL, Reply("Yes.", stop_reason=reason))
    seen: list[str] = []

    async def listen() -> None:
        async for event in BedrockModel(runtime, MODEL, Sampling()).stream(ASKED):
            seen.extend(event)

    with pytest.raises(ModelError) as raised:
        await listen()

    assert type(raised.value) is error
    assert seen[-1] == "metadata"


# --- What is sent -------------------------------------------------------------------------------------------------


async def test_the_request_holds_what_strands_gave_and_nothing_converse_does_not_know(
    bedrock: StandInBedrock, runtime: BedrockRuntime
):
    messages: list[Any] = [
        {"role": "user", "content": [{"text": "Should we?"}], "metadata": {"usage": {}}},
        {
            "role": "assistant",
            "content": [
                {"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": "c2ln"}}},
                {"reasoningContent": {"redactedContent": b"\x00\x01"}},
                {"toolUse": {"toolUseId": "t1", "name": "cast_vote", "input": "oops", "reasoningSignature": "x"}},
            ],
        },
        {
            "role": "user",
            "content": [{"toolResult": {"toolUseId": "t1", "status": "error", "content": [{"text": "no"}], "x": 1}}],
        },
    ]
    spec = {"name": "cast_vote", "description": "d", "inputSchema": {"json": {"type": "object"}}, "annotations": {}}

    await heard(
        runtime,
        messages=messages,
        system_prompt="You are a sage.",
        tool_specs=[spec],
        sampling=Sampling(temperature=0.2, top_p=0.9, top_k=40, max_tokens=99),
    )

    assert (await bedrock.called()).body == {
        "messages": [
            {"role": "user", "content": [{"text": "Should we?"}]},
            {
                "role": "assistant",
                "content": [
                    {"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": "c2ln"}}},
                    {"reasoningContent": {"redactedContent": "AAE="}},
                    {"toolUse": {"toolUseId": "t1", "name": "cast_vote", "input": {"input": "oops"}}},
                ],
            },
            {
                "role": "user",
                "content": [{"toolResult": {"toolUseId": "t1", "content": [{"text": "no"}], "status": "error"}}],
            },
        ],
        "system": [{"text": "You are a sage."}],
        "toolConfig": {
            "tools": [
                {
                    "toolSpec": {
                        "name": "cast_vote",
                        "description": "d",
                        "inputSchema": {"json": {"type": "object"}},
                    }
                }
            ]
        },
        "inferenceConfig": {"maxTokens": 99, "temperature": 0.2},
        "additionalModelRequestFields": {"top_k": 40},
    }


async def test_a_tool_choice_is_sent_only_where_the_caller_made_one(bedrock: StandInBedrock, runtime: BedrockRuntime):
    spec = {"name": "cast_vote", "description": "d", "inputSchema": {"json": {"type": "object"}}}

    await heard(runtime, tool_specs=[spec], tool_choice={"auto": {}})

    assert (await bedrock.called()).body["toolConfig"]["toolChoice"] == {"auto": {}}


async def test_an_arn_is_called_as_it_is(bedrock: StandInBedrock, runtime: BedrockRuntime):
    arn = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123"

    await heard(runtime, model_id=arn)

    assert (await bedrock.called()).model_id == arn


async def test_what_the_model_refuses_is_named():
    model = BedrockModel(BedrockRuntime(), "anthropic.claude-opus-5", Sampling(temperature=0.2, top_k=5))

    assert model.dropped == ("temperature", "top_k")


async def test_what_it_does_not_do_it_says():
    model = BedrockModel(BedrockRuntime(), MODEL, Sampling())

    with pytest.raises(NotImplementedError):
        model.structured_output(cast("Any", None), ASKED)
    with pytest.raises(NotImplementedError):
        model.update_config(temperature=1)


# --- How failures are named ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("refusal", "error"),
    [
        (Refusal(400), ModelRejected),
        (Refusal(403), ModelDenied),
        (Refusal(403, "ExpiredTokenException"), ModelDenied),
        (Refusal(400, "ExpiredTokenException"), ModelDenied),
        (Refusal(403, "UnrecognizedClientException"), ModelDenied),
        (Refusal(403, "InvalidSignatureException"), ModelDenied),
        (Refusal(404), ModelNotFound),
        (Refusal(408), ModelOverloaded),
        (Refusal(424), ModelOverloaded),
        (Refusal(429), ModelThrottled),
        (Refusal(429, "ModelNotReadyException"), ModelThrottled),
        (Refusal(429, "SomethingNew"), ModelThrottled),
        (Refusal(500), ModelOverloaded),
        (Refusal(502, "SomethingNew"), ModelOverloaded),
        (Refusal(503), ModelOverloaded),
        (Refusal(418, "SomethingNew"), ModelFailed),
    ],
)
async def test_a_refusal_has_its_leaf_and_is_not_tried_again(
    bedrock: StandInBedrock, runtime: BedrockRuntime, refusal: Refusal, error: type[ModelError]
):
    bedrock.script(MODEL, Reply(fault=refusal))

    with pytest.raises(ModelError) as raised:
        await heard(runtime)

    assert type(raised.value) is error
    assert len(bedrock.calls) == 1


@pytest.mark.parametrize(
    ("headers", "retry_after_s"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"x-amz-retry-after": "1500"}, 1.5),
        ({}, None),
        ({"retry-after": "Fri, 01 Jan 2027 00:00:00 GMT"}, None),
    ],
)
async def test_a_throttle_tells_how_long_the_provider_wants_to_be_left_alone(
    bedrock: StandInBedrock, runtime: BedrockRuntime, headers: dict[str, str], retry_after_s: float | None
):
    bedrock.script(MODEL, Reply(fault=Refusal(429, headers=headers)))

    with pytest.raises(ModelThrottled) as raised:
        await heard(runtime)

    assert raised.value.retry_after_s == retry_after_s


async def test_after_a_throttle_the_same_runtime_serves_the_next_call(bedrock: StandInBedrock, runtime: BedrockRuntime):
    bedrock.script(MODEL, Reply(fault=Refusal(429)), Reply("Yes."))

    with pytest.raises(ModelThrottled):
        await heard(runtime)

    assert words(await heard(runtime)) == "Yes."


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (ExceptionFrame("throttlingException"), ModelThrottled),
        (ExceptionFrame("validationException"), ModelRejected),
        (ExceptionFrame("internalServerException"), ModelOverloaded),
        (ExceptionFrame("modelStreamErrorException"), ModelOverloaded),
        (ExceptionFrame("serviceUnavailableException"), ModelOverloaded),
        (ExceptionFrame("somethingNewException"), ModelFailed),
        (Break(How.HALF_FRAME), ModelFrameCut),
        (Break(How.BAD_CHECKSUM), ModelFrameCorrupt),
        (Break(How.CLEAN_END), ModelStreamCut),
        (Break(How.CUT), ModelStreamCut),
        (Break(How.SILENCE), ModelSilent),
    ],
)
async def test_a_stream_that_breaks_has_its_leaf_after_the_words_that_came(
    bedrock: StandInBedrock, fault: ExceptionFrame | Break, error: type[ModelError]
):
    bedrock.script(MODEL, Reply("One two three.", fault=fault))
    runtime = BedrockRuntime(read_timeout_s=0.2)
    said: list[str] = []

    with pytest.raises(ModelError) as raised:
        await heard(runtime, into=said)
    await runtime.aclose()

    assert type(raised.value) is error
    assert "".join(said) == "One "


async def test_redacted_reasoning_that_cannot_be_decoded_is_corrupt(bedrock: StandInBedrock, runtime: BedrockRuntime):
    bedrock.script(MODEL, Reply("Yes.", redacted="A"))

    with pytest.raises(ModelFrameCorrupt):
        await heard(runtime)


@pytest.mark.parametrize("omitted", ["messageStop", "metadata"])
async def test_a_clean_end_without_the_last_events_is_a_cut(
    bedrock: StandInBedrock, runtime: BedrockRuntime, omitted: str
):
    bedrock.script(MODEL, Reply("Yes.", omit=(omitted,)))

    with pytest.raises(ModelStreamCut):
        await heard(runtime)


async def test_silence_before_the_first_byte_is_silence(monkeypatch: pytest.MonkeyPatch, bedrock: StandInBedrock):
    server = await asyncio.start_server(_say_nothing, "127.0.0.1", 0)
    monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    runtime = BedrockRuntime(read_timeout_s=0.2)

    with pytest.raises(ModelSilent):
        await heard(runtime)

    await runtime.aclose()
    server.close()


async def _say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while await reader.read(65536):
        pass
    writer.close()


async def test_no_connection_is_unreachable(
    monkeypatch: pytest.MonkeyPatch, bedrock: StandInBedrock, runtime: BedrockRuntime
):
    async with StandInBedrock() as gone:
        monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", gone.url)

    with pytest.raises(ModelUnreachable):
        await heard(runtime)


async def test_no_message_of_an_error_holds_a_credential(bedrock: StandInBedrock, runtime: BedrockRuntime):
    # As AWS words it: the canonical request is quoted, with the session token among its headers.
    quoted = f"The Canonical String should have been 'POST\n{' '.join(SECRETS)}'"
    bedrock.script(MODEL, Reply(fault=Refusal(403, "InvalidSignatureException", quoted)))

    with pytest.raises(ModelDenied) as raised:
        await heard(runtime)

    assert not any(secret in raised.value.message for secret in SECRETS)
