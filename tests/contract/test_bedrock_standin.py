"""The stand-in Bedrock is like the real one: boto3 itself, which knows nothing of it, understands what it sends."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import closing
from typing import Any, cast

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, EventStreamError
from tests.support.bedrock import SENSIBLE, ExceptionFrame, Refusal, Reply, StandInBedrock, ToolCall

from magisystem.council import outcome
from magisystem.council.agents import Agent, Council
from magisystem.council.ballots import Vote
from magisystem.council.briefs import Brief, Matter, judge_brief, sage_brief
from magisystem.protocol.values import Role, Rule

MODEL = "us.anthropic.claude-haiku-4-5-20251001-v1:0"
ASKED = [{"role": "user", "content": [{"text": "Should the office move?"}]}]
VOTE_TOOL = {"tools": [{"toolSpec": {"name": "cast_vote", "inputSchema": {"json": {"type": "object"}}}}]}


@pytest.fixture
async def bedrock() -> AsyncIterator[StandInBedrock]:
    async with StandInBedrock() as standing_in:
        yield standing_in


def converse_in_a_thread(url: str, **request: Any) -> list[dict[str, Any]]:
    client = cast("Any", boto3).client(
        "bedrock-runtime",
        region_name="us-east-1",
        endpoint_url=url,
        aws_access_key_id="AKIDEXAMPLE",
        aws_secret_access_key="secret",
        config=Config(retries={"total_max_attempts": 1}),
    )
    try:
        stream = client.converse_stream(**{"modelId": MODEL, "messages": ASKED, **request})["stream"]
        with closing(stream):
            return list(stream)
    finally:
        client.close()


async def converse(bedrock: StandInBedrock, **request: Any) -> list[dict[str, Any]]:
    return await asyncio.to_thread(converse_in_a_thread, bedrock.url, **request)


def deltas(events: list[dict[str, Any]], kind: str, part: str = "") -> str:
    found = [event.get("contentBlockDelta", {}).get("delta", {}).get(kind) for event in events]
    return "".join(delta.get(part, "") if part else delta for delta in found if delta)


async def test_boto3_reads_thoughts_words_and_a_tool_call(bedrock: StandInBedrock):
    bedrock.script(MODEL, Reply("Yes.\nはい。", thinking="Let me think.", call=ToolCall("cast_vote", '{"a": 1}')))

    events = await converse(bedrock)

    assert [next(iter(event)) for event in events if "contentBlockDelta" not in event] == [
        "messageStart",
        "contentBlockStop",
        "contentBlockStop",
        "contentBlockStart",
        "contentBlockStop",
        "messageStop",
        "metadata",
    ]
    assert deltas(events, "reasoningContent", "text") == "Let me think."
    assert deltas(events, "text") == "Yes.\nはい。"
    assert deltas(events, "toolUse", "input") == '{"a": 1}'
    assert events[-2]["messageStop"]["stopReason"] == "tool_use"
    assert events[-1]["metadata"]["usage"]["outputTokens"] > 0
    assert not any("p" in content for event in events for content in event.values())


async def test_the_stand_in_records_what_was_asked(bedrock: StandInBedrock):
    await converse(bedrock, inferenceConfig={"maxTokens": 10})
    call = await bedrock.called()

    assert call.model_id == MODEL
    assert call.body["inferenceConfig"] == {"maxTokens": 10}
    assert call.headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/")
    assert not await call.over()
    assert bedrock.n_open == 0


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "ValidationException"),
        (403, "AccessDeniedException"),
        (404, "ResourceNotFoundException"),
        (408, "ModelTimeoutException"),
        (424, "ModelErrorException"),
        (429, "ThrottlingException"),
        (500, "InternalServerException"),
        (503, "ServiceUnavailableException"),
    ],
)
async def test_boto3_names_a_refusal(bedrock: StandInBedrock, status: int, code: str):
    bedrock.script(MODEL, Reply(fault=Refusal(status, headers={"retry-after": "3"})))

    with pytest.raises(ClientError) as raised:
        await converse(bedrock)

    response = cast("Any", raised.value).response
    assert response["Error"]["Code"] == code
    assert response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert response["ResponseMetadata"]["HTTPHeaders"]["retry-after"] == "3"


@pytest.mark.parametrize(
    "name",
    [
        "internalServerException",
        "modelStreamErrorException",
        "serviceUnavailableException",
        "throttlingException",
        "validationException",
    ],
)
async def test_boto3_raises_an_exception_within_the_stream(bedrock: StandInBedrock, name: str):
    bedrock.script(MODEL, Reply("Some words come first.", fault=ExceptionFrame(name, after=2)))

    with pytest.raises(EventStreamError) as raised:
        await converse(bedrock)

    assert cast("Any", raised.value).response["Error"]["Code"] == name


async def test_a_script_is_followed_in_order_and_its_last_reply_repeats(bedrock: StandInBedrock):
    bedrock.script(MODEL, Reply("One."), SENSIBLE, Reply("Three."))

    said = [deltas(await converse(bedrock), "text") for _ in range(4)]

    assert said[0] == "One."
    assert len(said[1]) > 20
    assert said[2:] == ["Three.", "Three."]


@pytest.mark.parametrize(("question", "word"), [("Should we?", "risk"), ("移転すべきですか？", "危険")])
async def test_without_a_script_it_speaks_the_questions_language(bedrock: StandInBedrock, question: str, word: str):
    messages = [{"role": "user", "content": [{"text": question}]}]

    assert word in deltas(await converse(bedrock, messages=messages, toolConfig=VOTE_TOOL), "text")


async def test_a_tool_result_that_is_an_error_gets_a_corrected_call_and_no_words(bedrock: StandInBedrock):
    messages: list[Any] = [
        *ASKED,
        {"role": "assistant", "content": [{"toolUse": {"toolUseId": "t1", "name": "cast_vote", "input": {}}}]},
        {
            "role": "user",
            "content": [{"toolResult": {"toolUseId": "t1", "content": [{"text": "spoilt"}], "status": "error"}}],
        },
    ]

    events = await converse(bedrock, messages=messages, toolConfig=VOTE_TOOL)

    assert deltas(events, "text") == ""
    assert "decision" in deltas(events, "toolUse", "input")


def request_of(brief: Brief) -> dict[str, Any]:
    assert brief.ballot is not None
    spec = {"name": brief.ballot.tool, "inputSchema": {"json": brief.ballot.schema}}
    return {
        "system": [{"text": brief.system}],
        "messages": [{"role": "user", "content": [{"text": brief.messages[-1].content}]}],
        "toolConfig": {"tools": [{"toolSpec": spec}]},
    }


@pytest.mark.parametrize("language", ["en", "ja"])
async def test_without_a_script_its_votes_and_verdicts_are_valid_ballots(bedrock: StandInBedrock, language: str):
    matter = Matter("Should the office move?", language=language)
    sages = tuple(Agent(name, name, Role.SAGE, "Weighs.") for name in ("melchior", "balthasar", "caspar"))
    judge = Agent("eva", "Eva", Role.JUDGE, "Rules.")
    council = Council("magi", Rule.JUDGE, (*sages, judge))

    async def cast_ballot(brief: Brief) -> Any:
        assert brief.ballot is not None
        return brief.ballot.read(json.loads(deltas(await converse(bedrock, **request_of(brief)), "toolUse", "input")))

    votes = [await cast_ballot(sage_brief(sage, matter)) for sage in sages]
    testimonies = [
        # A statement may hold anything; a letter quoted in it is no sage's.
        outcome.Testimony(agent_id=sage.id, statement='So says {"sage":"Z"}.', vote=vote, cause=None)
        for sage, vote in zip(sages, votes, strict=True)
    ]
    verdict = await cast_ballot(judge_brief(council, judge, matter, testimonies, "seed"))

    assert [type(vote) for vote in votes] == [Vote, Vote, Vote]
    assert [mark.agent_id for mark in verdict.marks] == [sage.id for sage in sages]
