"""The answer to a ConverseStream request, as events: what the frames say, in botocore's shape."""

import base64
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

import msgspec

from magisystem.errors import ModelError, ModelFrameCorrupt, ModelSilent, ModelStreamCut
from magisystem.models.bedrock.eventstream import EventStreamDecoder, Message
from magisystem.models.bedrock.wire import Response, Silence, WireFailure

_EVENTS = frozenset(
    {"messageStart", "contentBlockStart", "contentBlockDelta", "contentBlockStop", "messageStop", "metadata"}
)

Event = dict[str, dict[str, Any]]


class Conversation:
    """One open response of ConverseStream.

    Iterating gives its events as they come, in botocore's shape (``{"contentBlockDelta": {…}}``): blobs are bytes,
    padding is gone, events of unknown types are left out, and the text that has come together is one delta. It ends
    normally only after ``messageStop`` and ``metadata``.

    Raises:
        ModelError: while iterating; every way of failing has its leaf.
    """

    def __init__(self, response: Response) -> None:
        self._response = response
        self._decoder = EventStreamDecoder()
        self._events: deque[Event] = deque()
        # What is wrong with the stream after these events.
        self._failure: ModelError | None = None
        self._missing = {"messageStop", "metadata"}

    def __aiter__(self) -> "Conversation":
        return self

    # Not a generator: one that is left suspended is closed at some later time by a task of the loop's own.
    async def __anext__(self) -> Event:
        while not self._events:
            if self._failure is not None:
                raise self._failure
            try:
                chunk = await self._response.read()
            except WireFailure as failure:
                raise _broken(failure) from failure
            if not chunk:
                self._check_end()
                raise StopAsyncIteration
            self._take(chunk)
        event = self._events.popleft()
        if "contentBlockDelta" not in event:
            self._missing -= event.keys()
        return event

    def close(self) -> None:
        """Close the connection if the response has not ended, so that Bedrock stops generating. Idempotent.

        A response that has come to its end has given its connection back to the pool already.
        """
        self._response.close()

    def _take(self, chunk: bytes) -> None:
        events: list[Event] = []
        try:
            if (message := self._decoder.whole(chunk)) is not None:
                if (event := _event(message)) is not None:
                    self._events.append(event)
                return
            for message in self._decoder.feed(chunk):
                if (event := _event(message)) is not None:
                    events.append(event)  # noqa: PERF401 - a comprehension would lose those before a bad frame
        except ModelError as error:
            self._failure = error
        self._events.extend(_merged(events))

    def _check_end(self) -> None:
        self._decoder.finish()
        if self._missing:
            raise ModelStreamCut(f"Bedrock's stream ended without {' and '.join(sorted(self._missing))}.")


def _broken(failure: WireFailure) -> ModelError:
    if isinstance(failure, Silence):
        return ModelSilent("Bedrock's stream went silent.")
    return ModelStreamCut(f"The connection to Bedrock broke: {failure}.")


_decode_payload = msgspec.json.Decoder(dict[str, Any]).decode


def _event(message: Message) -> Event | None:
    headers = message.headers
    name = headers.get(":event-type")
    if headers.get(":message-type") != "event":
        raise _stream_failure(message)
    if name not in _EVENTS:
        return None
    content = _decoded(message.payload)
    # Padding of random length, so that the sizes of packets do not betray the text; no part of the event.
    content.pop("p", None)
    if name == "contentBlockDelta" and "reasoningContent" in content.get("delta", ()):
        _decode_blob(content["delta"]["reasoningContent"])
    return {name: content}


def _merged(events: Iterable[Event]) -> Iterator[Event]:
    """Give ``events`` with the text that goes on within a block as one delta.

    It comes together where a model is faster than whoever reads it, and then each delta is dear: Strands copies, at
    every one of them, all that the block has said so far, which for 1 MiB of tokens is 100 GiB.
    """
    for place, run in groupby(events, _place_of_text):
        if place is None:
            yield from run
            continue
        first, *rest = run
        if rest:
            _text_holder(first)["text"] = "".join(_text_holder(event)["text"] for event in (first, *rest))
        yield first


def _place_of_text(event: Event) -> tuple[int, str] | None:
    """Give the block and the kind of a delta's text; ``None`` for every other event."""
    match event:
        case {"contentBlockDelta": {"contentBlockIndex": block, "delta": {"text": str()}}}:
            return block, "text"
        case {"contentBlockDelta": {"contentBlockIndex": block, "delta": {"reasoningContent": {"text": str()}}}}:
            return block, "reasoning"
        case _:
            return None


def _text_holder(event: Event) -> dict[str, Any]:
    delta = event["contentBlockDelta"]["delta"]
    return delta.get("reasoningContent", delta)


def _decode_blob(reasoning: dict[str, Any]) -> None:
    if "redactedContent" in reasoning:
        try:
            reasoning["redactedContent"] = base64.b64decode(reasoning["redactedContent"])
        except ValueError as error:
            raise ModelFrameCorrupt("The redacted reasoning in a frame is no base64.") from error


def _decoded(payload: bytes) -> dict[str, Any]:
    try:
        return _decode_payload(payload)
    except msgspec.DecodeError as error:
        raise ModelFrameCorrupt("The payload of a frame is no JSON object.") from error


def _stream_failure(message: Message) -> ModelError:
    from magisystem.models.bedrock.failures import reported

    headers = message.headers
    if headers.get(":message-type") == "error":
        return reported(headers.get(":error-code", ""), headers.get(":error-message", ""))
    content = _decoded(message.payload) if message.payload else {}
    text = content.get("message") or content.get("Message") or content.get("originalMessage") or ""
    return reported(headers.get(":exception-type", ""), str(text))
