"""What stands between Strands and whoever hears an agent: a model that is heard as it speaks, and the tool it votes by.

Loads Strands when imported. Strands hands every token through some twenty generators and copies what the block has said
so far, which costs more than all else that is done with it. So the hearer is told each token as it comes, and Strands,
which needs whole blocks alone, is given a block's tokens as one.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable
from enum import Enum, auto
from typing import Any, TypeVar, cast

from pydantic import BaseModel
from strands.models import Model
from strands.types.content import Messages
from strands.types.streaming import ContentBlockDelta, StreamEvent
from strands.types.tools import AgentTool, ToolSpec, ToolUse
from typing_extensions import override

from magisystem.council.ballots import Ballot, Casting, SpoiltBallot
from magisystem.deliberation.ports import MODEL_CALL, Cast, Hearer, Noted, Said, Spent, Spoilt, Thought
from magisystem.deliberation.running_text import RunningText
from magisystem.errors import ModelRejected, ModelStreamCut, ModelWithheld
from magisystem.models.limiter import Limiter
from magisystem.protocol.values import Usage

T = TypeVar("T", bound=BaseModel)

# Stop reasons that are no end, as Strands and the providers' own words for them reach this module.
_WITHHELD = frozenset({"content_filtered", "guardrail_intervened", "refusal"})
_OVERFLOWN = "model_context_window_exceeded"


class HeardModel(Model):
    """A Strands model in front of a provider's, for one speech, that tells ``hearer`` what is said when it is said.

    ``calls_left`` counts down with each call that the provider accepts. Strands gets the first token of a block at
    once, since it measures the time to it, and the others together, at the block's end.
    """

    def __init__(self, model: Model, hearer: Hearer, limiter: Limiter, calls_left: int) -> None:
        self._model = model
        self._hearer = hearer
        self._limiter = limiter
        self._is_new_call = False
        self._has_said = False
        self.calls_left = calls_left
        self.has_spoken = False

    def __getattr__(self, name: str) -> Any:
        # What Strands asks a model about itself, where it has it: `stateful`, `config`, …
        return getattr(self._model, name)

    @property
    @override
    def stateful(self) -> bool:
        """As the provider's model."""
        return self._model.stateful

    @override
    def update_config(self, **model_config: Any) -> None:
        """See the provider's model."""
        self._model.update_config(**model_config)

    @override
    def get_config(self) -> Any:
        """See the provider's model."""
        return self._model.get_config()

    @override
    def structured_output(
        self, output_model: type[T], prompt: Messages, system_prompt: str | None = None, **kwargs: Any
    ) -> AsyncGenerator[dict[str, T | Any], None]:
        """See the provider's model."""
        return self._model.structured_output(output_model, prompt, system_prompt, **kwargs)

    @override
    async def count_tokens(self, *args: Any, **kwargs: Any) -> int:
        """See the provider's model."""
        return await self._model.count_tokens(*args, **kwargs)

    @override
    async def stream(self, *args: Any, **kwargs: Any) -> AsyncGenerator[StreamEvent, None]:
        """Tell what is said, and give Strands its events.

        Raises:
            ModelError: the provider did not say that the answer was finished, or that it will not go on with it.
        """
        events = _Handed()
        hearing = asyncio.create_task(self._hear(self._model.stream(*args, **kwargs), events))
        try:
            while ready := await events.take():
                for event in ready:
                    yield event
            await hearing
        finally:
            hearing.cancel()
            await asyncio.wait([hearing])

    async def _hear(self, stream: AsyncIterable[StreamEvent], events: "_Handed") -> None:
        """Hear an answer to its end, and put what Strands is to know of it into ``events``.

        In a task of its own: a token that wakes Strands' goes down through all its generators, and up again.
        """
        answer = _Answer()
        try:
            async for event in stream:
                delta = event.get("contentBlockDelta")
                if delta is None:
                    answer.end_run(events)
                    await self._hear_other(event, answer)
                    events.add(event)
                    continue
                kind, text = _text_of(cast("dict[str, Any]", delta.get("delta", {})))
                if text and kind is not _Kind.TOOL_INPUT:
                    await self._hearer.hear(self._uttered(kind, text))
                if not answer.takes(kind, text):
                    answer.end_run(events)
                    answer.begin_run(kind, delta.get("contentBlockIndex") or 0)
                    events.add(event)
            answer.end_run(events)
            _check_end(answer.stop_reason)
        finally:
            events.end()

    def _uttered(self, kind: "_Kind | None", text: str) -> Said | Thought:
        self.has_spoken = True
        if kind is _Kind.THOUGHT:
            return Thought(text)
        if self._is_new_call:
            self._is_new_call = False
            # What a later call says is set apart from what an earlier one said.
            if self._has_said:
                text = "\n\n" + text
        self._has_said = True
        return Said(text)

    async def _hear_other(self, event: StreamEvent, answer: "_Answer") -> None:
        if "messageStart" in event:
            self.calls_left -= 1
            self._is_new_call = True
            await self._hearer.hear(Noted(MODEL_CALL, "The provider accepted the call."))
        elif "contentBlockStop" in event:
            answer.is_in_block = False
        elif "messageStop" in event:
            if answer.is_in_block:
                raise ModelStreamCut("The stream ended in the middle of a block.")
            answer.stop_reason = cast("dict[str, str]", event["messageStop"]).get("stopReason")
            # Not before: a provider may still throttle within the stream it began.
            self._limiter.accepted()
        elif "metadata" in event and "usage" in event["metadata"]:
            await self._hearer.hear(Spent(_usage(cast("dict[str, int]", event["metadata"]["usage"]))))


class _Handed:
    """Events that one task hands to another; an `asyncio.Queue` takes 2 kB, and there is one for every call."""

    def __init__(self) -> None:
        self._events: list[StreamEvent] = []
        self._has_ended = False
        self._waiter: asyncio.Future[None] | None = None

    def add(self, event: StreamEvent) -> None:
        """Hand one over."""
        self._events.append(event)
        self._wake()

    def end(self) -> None:
        """Say that no more come."""
        self._has_ended = True
        self._wake()

    async def take(self) -> list[StreamEvent]:
        """Wait for what was handed over, and take it; nothing means that no more comes."""
        if not self._events and not self._has_ended:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        events, self._events = self._events, []
        return events

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class _Kind(Enum):
    """What the text of a delta is."""

    SAID = auto()
    THOUGHT = auto()
    TOOL_INPUT = auto()


class _Answer:
    """One answer as it comes: how it ended, and the deltas of one block and kind that wait to be given as one."""

    def __init__(self) -> None:
        self.stop_reason: str | None = None
        self.is_in_block = False
        self._kind: _Kind | None = None
        self._block = 0
        self._waiting = RunningText()

    def begin_run(self, kind: _Kind | None, block: int) -> None:
        """Begin a run of deltas whose first has been given; ``None`` for one that none is joined to."""
        self.is_in_block = True
        self._kind = kind
        self._block = block

    def takes(self, kind: _Kind | None, text: str) -> bool:
        """Take what goes on with the run, and tell whether it does."""
        if kind is None or kind is not self._kind:
            return False
        self._waiting.append(text)
        return True

    def end_run(self, events: "_Handed") -> None:
        """End the run, and give what of it was not given, as one delta."""
        if self._waiting:
            delta = _delta(self._kind, self._waiting.take())
            events.add({"contentBlockDelta": {"contentBlockIndex": self._block, "delta": delta}})
        self._kind = None


def _delta(kind: _Kind | None, text: str) -> ContentBlockDelta:
    match kind:
        case _Kind.THOUGHT:
            return {"reasoningContent": {"text": text}}
        case _Kind.TOOL_INPUT:
            return {"toolUse": {"input": text}}
        case _:
            return {"text": text}


def _text_of(delta: dict[str, Any]) -> tuple[_Kind | None, str]:
    """Give the text that a delta consists of; none where it is of another kind, as a signature is."""
    if (text := delta.get("text")) is not None:
        return _Kind.SAID, text
    if (reasoning := delta.get("reasoningContent")) is not None and "text" in reasoning:
        return _Kind.THOUGHT, reasoning["text"]
    if (tool_use := delta.get("toolUse")) is not None and isinstance(written := tool_use.get("input"), str):
        return _Kind.TOOL_INPUT, written
    return None, ""


def _check_end(stop_reason: str | None) -> None:
    """Hold what would be taken for a whole answer against what the provider has said of its end.

    Raises:
        ModelError: it said nothing, as when a stream is cut, or that it will not go on.
    """
    if stop_reason is None:
        raise ModelStreamCut("The stream ended before the model said that it was finished.")
    if stop_reason in _WITHHELD:
        raise ModelWithheld(f"The provider withheld the answer ({stop_reason}).")
    if stop_reason == _OVERFLOWN:
        raise ModelRejected("The conversation does not fit the model's context window.")


def _usage(reported: dict[str, int]) -> Usage:
    return Usage(
        input_tokens=reported.get("inputTokens", 0),
        output_tokens=reported.get("outputTokens", 0),
        cache_read_tokens=reported.get("cacheReadInputTokens"),
        cache_write_tokens=reported.get("cacheWriteInputTokens"),
    )


class BallotTool(AgentTool):
    """The Strands tool that reads a ballot; ``casting`` is what the first one that could be read says."""

    def __init__(self, ballot: Ballot, hearer: Hearer) -> None:
        super().__init__()
        self._ballot = ballot
        self._hearer = hearer
        self.casting: Casting | None = None

    @property
    @override
    def tool_name(self) -> str:
        """As the ballot has it."""
        return self._ballot.tool

    @property
    @override
    def tool_spec(self) -> ToolSpec:
        """What the model is told of the tool."""
        return {
            "name": self._ballot.tool,
            "description": self._ballot.description,
            "inputSchema": {"json": self._ballot.schema},
        }

    @property
    @override
    def tool_type(self) -> str:
        """A word for Strands' traces."""
        return "ballot"

    @property
    def form(self) -> str:
        """What a ballot holds, in words."""
        return f"the fields {', '.join(self._ballot.schema['required'])} as a JSON object"

    @override
    async def stream(self, tool_use: ToolUse, invocation_state: dict[str, Any], **_: Any) -> AsyncGenerator[Any, None]:
        """Read a ballot; Strands sends the model what is answered."""
        answer = await self._read(tool_use["input"])
        if self.casting is not None:
            # No call follows a ballot that was read: what there was to say has been said.
            invocation_state["agent"].cancel(after_current_tools=True)
        # The last value a tool yields is its result.
        yield {
            "toolUseId": tool_use["toolUseId"],
            "status": "success" if answer is None else "error",
            "content": [{"text": answer or "Recorded."}],
        }

    async def _read(self, cast_input: Any) -> str | None:
        if self.casting is not None:
            await self._hearer.hear(Noted("ballot_repeated", "A second ballot was cast; the first one counts."))
            return "The ballot was cast already; the first one counts."
        try:
            self.casting = self._ballot.read(cast_input)
        except SpoiltBallot as error:
            await self._hearer.hear(Spoilt(str(error)))
            return f"The ballot is spoilt: {error}. Call `{self.tool_name}` again with this mended; write nothing else."
        await self._hearer.hear(Cast(self.casting))
        return None
