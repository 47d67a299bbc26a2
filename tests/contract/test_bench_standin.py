"""The benchmark's stand-in Bedrock says what the tests' one says, in frames that boto3 and our decoder understand."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from benchmarks.hot_path.standin import BE_SHORT, Answers, StandIn
from tests.contract.test_bedrock_standin import VOTE_TOOL, converse_in_a_thread, deltas

from magisystem.models.bedrock.eventstream import EventStreamDecoder

VERDICT_TOOL = {"tools": [{"toolSpec": {"name": "give_verdict", "inputSchema": {"json": {"type": "object"}}}}]}
STAMP = re.compile(r"\[t:(\d+):(\d+)\]")


def asked(text: str) -> list[dict[str, Any]]:
    return [{"role": "user", "content": [{"text": text}]}]


@pytest.fixture
def standin() -> StandIn:
    return StandIn(Answers(n_sage=30, n_judge=20), first_token_s=0)


@pytest.fixture
async def url(standin: StandIn) -> AsyncIterator[str]:
    async with standin.serving() as url:
        yield url


async def converse(url: str, **request: Any) -> list[dict[str, Any]]:
    return await asyncio.to_thread(converse_in_a_thread, url, **request)


async def test_boto3_reads_a_vote_with_a_stamp_in_every_25th_token_of_its_prose(standin: StandIn, url: str):
    events = await converse(url, messages=asked("Should the office move?"), toolConfig=VOTE_TOOL)

    assert [next(iter(event)) for event in events if "contentBlockDelta" not in event] == [
        "messageStart", "contentBlockStop", "contentBlockStart", "contentBlockStop", "messageStop", "metadata",
    ]  # fmt: skip
    assert [lane for lane, _ in STAMP.findall(deltas(events, "text"))] == ["1", "1"]
    assert sum("text" in event.get("contentBlockDelta", {}).get("delta", {}) for event in events) == 30
    assert json.loads(deltas(events, "toolUse", "input"))["decision"] in {"APPROVED", "REJECTED"}
    n_deltas = sum("contentBlockDelta" in event for event in events)
    assert events[-1]["metadata"]["usage"]["outputTokens"] == n_deltas == standin.stats()["tokens"]


async def test_a_judge_marks_every_letter_and_one_without_a_tool_is_known_by_the_stamps_it_is_shown(url: str):
    statements = '[{"sage": "A", "statement": "[t:1:2]The"}, {"sage": "B"}, {"sage": "C"}]'
    ruled, plain = await asyncio.gather(
        converse(url, messages=asked(statements), toolConfig=VERDICT_TOOL), converse(url, messages=asked(statements))
    )

    verdict = json.loads(deltas(ruled, "toolUse", "input"))
    assert [score["sage"] for score in verdict["scores"]] == ["A", "B", "C"]
    assert sum("contentBlockDelta" in event for event in plain) == 20


async def test_a_question_that_asks_for_it_gets_few_words(url: str):
    events = await converse(url, messages=asked(f"Should the office move? {BE_SHORT}"))

    assert sum("contentBlockDelta" in event for event in events) == 3


class Caller:
    """A client that sees the bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def to(cls, url: str) -> "Caller":
        return cls(*await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2])))

    def converse(self, text: str) -> None:
        body = json.dumps({"messages": asked(text)}).encode()
        head = f"POST /model/a.model/converse-stream HTTP/1.1\r\nhost: a\r\ncontent-length: {len(body)}\r\n\r\n"
        self.writer.write(head.encode() + body)

    async def stats(self) -> dict[str, float]:
        self.writer.write(b"GET /stats HTTP/1.1\r\nhost: a\r\n\r\n")
        head = await self.reader.readuntil(b"\r\n\r\n")
        return json.loads(await self.reader.readexactly(int(head.split(b"content-length: ")[1])))


async def test_our_decoder_reads_every_frame_and_the_connection_is_kept(url: str):
    caller = await Caller.to(url)
    for _ in range(2):
        caller.converse(BE_SHORT)
        assert b"200 OK" in await caller.reader.readuntil(b"\r\n\r\n")
        decoder, names = EventStreamDecoder(), list[str]()
        while size := int(await caller.reader.readline(), 16):
            names += [message.headers[":event-type"] for message in decoder.feed(await caller.reader.readexactly(size))]
            await caller.reader.readexactly(2)
        await caller.reader.readexactly(2)
        decoder.finish()
        assert names[0] == "messageStart"
        assert names[-1] == "metadata"
    caller.writer.close()


async def test_a_closed_connection_stops_its_answer(url: str):
    leaving, watching = await Caller.to(url), await Caller.to(url)
    leaving.converse("Should the office move?")
    await leaving.reader.readuntil(b"[t:1:")
    assert (await watching.stats())["open"] == 1

    leaving.writer.transport.abort()

    while (stats := await watching.stats())["open"]:
        pass
    assert stats["begun"] == 1
    assert stats["tokens"] < 30
    watching.writer.close()
