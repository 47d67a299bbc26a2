"""A response of ConverseStream: what of it comes together is given together, and nothing of it is lost."""

from typing import Any, cast

import pytest
from tests.support.bedrock import event_frame

from magisystem.errors import ModelFrameCorrupt, ModelStreamCut
from magisystem.models.bedrock.conversation import Conversation, Event
from magisystem.models.bedrock.wire import READ_BYTES


class Body:
    """A response of which all has come; ``n_reads`` counts the looks at it."""

    def __init__(self, body: bytes) -> None:
        self.n_reads = 0
        self._left = body

    async def read(self) -> bytes:
        self.n_reads += 1
        piece, self._left = self._left[:READ_BYTES], self._left[READ_BYTES:]
        return piece


def said(text: str, block: int = 0) -> bytes:
    return event_frame("contentBlockDelta", {"contentBlockIndex": block, "delta": {"text": text}})


def thought(text: str) -> bytes:
    delta = {"reasoningContent": {"text": text}}
    return event_frame("contentBlockDelta", {"contentBlockIndex": 0, "delta": delta})


END = event_frame("messageStop", {"stopReason": "end_turn"}) + event_frame("metadata", {"usage": {}, "metrics": {}})


async def heard(body: Body, into: list[Event] | None = None) -> list[dict[str, Any]]:
    """Give the deltas of a whole response; what came before a failure is in ``into``."""
    events = [] if into is None else into
    async for event in Conversation(cast("Any", body)):
        events.append(event)
    return deltas(events)


def deltas(events: list[Event]) -> list[dict[str, Any]]:
    return [event["contentBlockDelta"]["delta"] for event in events if "contentBlockDelta" in event]


async def test_text_that_came_together_is_one_delta():
    assert await heard(Body(said("One ") + said("two ") + said("three.") + END)) == [{"text": "One two three."}]


async def test_thoughts_words_and_blocks_are_kept_apart():
    body = thought("Hm") + thought(".") + said("One ") + said("two.") + said("Three.", block=1) + thought("Oh.") + END

    assert await heard(Body(body)) == [
        {"reasoningContent": {"text": "Hm."}},
        {"text": "One two."},
        {"text": "Three."},
        {"reasoningContent": {"text": "Oh."}},
    ]


async def test_a_long_text_has_no_more_deltas_than_it_took_reads():
    tokens = [f"word{n} " for n in range(20_000)]
    body = Body(b"".join(map(said, tokens)) + END)

    texts = [delta["text"] for delta in await heard(body)]

    assert "".join(texts) == "".join(tokens)
    assert len(texts) <= body.n_reads < len(tokens) / (READ_BYTES / 1024)


@pytest.mark.parametrize(
    ("end", "error"),
    [(said("broken")[:-1] + b"\0", ModelFrameCorrupt), (b"", ModelStreamCut)],
    ids=["a bad frame", "no end"],
)
async def test_what_came_before_a_failure_is_given_first(end: bytes, error: type[Exception]):
    events: list[Event] = []

    with pytest.raises(error):
        await heard(Body(said("One ") + said("two.") + end), into=events)

    assert deltas(events) == [{"text": "One two."}]
