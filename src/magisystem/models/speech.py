"""A speech: one agent's turn as a Strands agent, in front of any Strands model provider.

Owns the loop of prose, ballot and repair, and its bound. Knows no provider: `catalogue` gives it one a speech. What a
provider raises is translated here (`failures`), so that nothing of a vendor's leaves this package.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, cast

from magisystem.council.ballots import Ballot, Casting, SpoiltBallot
from magisystem.council.briefs import Brief
from magisystem.deliberation.ports import (
    MODEL_CALL,
    THROTTLE_WAIT,
    Cast,
    Noted,
    Said,
    Spent,
    Spoilt,
    Thought,
    Utterance,
)
from magisystem.errors import ModelExhausted, ModelStreamCut, ModelThrottled
from magisystem.models.failures import translated
from magisystem.models.limiter import Limiter
from magisystem.protocol.values import Usage

if TYPE_CHECKING:
    from strands import Agent
    from strands.models.model import Model as StrandsProvider
    from strands.types.content import Message


class Connection(Protocol):
    """A Strands model provider made for one speech, and how to let go of it."""

    @property
    def model(self) -> "StrandsProvider":
        """What Strands calls."""
        ...

    @property
    def dropped(self) -> tuple[str, ...]:
        """The sampling fields that were asked for and are not sent, because the model refuses them."""
        ...

    async def aclose(self) -> None:
        """Close what is still open towards the provider. May be called twice."""
        ...


@dataclass(frozen=True, slots=True)
class StrandsModel:
    """A model behind Strands; implements `magisystem.deliberation.ports.Model`."""

    name: str
    note: str | None
    limiter: Limiter
    load: Callable[[], Awaitable[None]]
    connect: Callable[[Brief], Connection]

    @asynccontextmanager
    async def speak(self, brief: Brief, *, max_calls: int) -> AsyncGenerator[AsyncIterator[Utterance]]:
        """See `Model.speak`."""
        with translated(self.name):
            await self.load()
            connection = self.connect(brief)
        try:
            async with aclosing(self._utter(brief, connection, max_calls)) as utterances:
                yield utterances
        finally:
            await connection.aclose()

    async def _utter(self, brief: Brief, connection: Connection, max_calls: int) -> AsyncGenerator[Utterance]:
        has_spoken = False
        if connection.dropped:
            yield Noted("sampling_dropped", f"{self.name} does not take {', '.join(connection.dropped)}; not sent.")
        while True:
            if wait_s := self.limiter.wait_s:
                yield Noted(THROTTLE_WAIT, f"{self.name} is throttled", round(1000 * wait_s))
                await asyncio.sleep(wait_s)
            try:
                with translated(self.name):
                    async for utterance in _Speech(brief, connection, self.limiter, max_calls).utterances():
                        has_spoken = has_spoken or isinstance(utterance, Said | Thought)
                        yield utterance
            except ModelThrottled as error:
                wait_s = self.limiter.refused(error.retry_after_s)
                if has_spoken:
                    raise
                yield Noted(THROTTLE_WAIT, error.message, round(1000 * wait_s))
                await asyncio.sleep(wait_s)
            else:
                return


class _Speech:
    """One run of a Strands agent: prose, then the ballot by tool, asked for again while calls are left."""

    def __init__(self, brief: Brief, connection: Connection, limiter: Limiter, max_calls: int) -> None:
        self._brief = brief
        self._limiter = limiter
        self._calls_left = max_calls
        self._tool = _ballot_tool(brief.ballot) if brief.ballot else None
        self._agent = _agent(brief, connection, self._tool)
        # Whether the provider has said that its message is finished, and whether it has ended the block it was in.
        self._is_stopped = False
        self._is_in_block = False

    async def utterances(self) -> AsyncIterator[Utterance]:
        prompt = self._brief.messages[-1].content
        while True:
            is_exhausted = False
            async for utterance in self._turn(prompt):
                is_exhausted = is_exhausted or isinstance(utterance, _OutputLimit)
                if not isinstance(utterance, _OutputLimit):
                    yield utterance
            if is_exhausted and (self._tool is None or not self._calls_left):
                raise ModelExhausted(
                    "The model reached its output limit before it was done. Raise `maxTokens` for this agent."
                )
            if self._tool is None or self._tool.casting is not None or not self._calls_left:
                return
            yield Noted(
                "ballot_asked", f"The model ended without a call of `{self._tool.tool_name}`; it is asked again."
            )
            prompt = f"You have not called `{self._tool.tool_name}`. Call it now, and write nothing else."

    async def _turn(self, prompt: str) -> "AsyncIterator[Utterance | _OutputLimit]":
        from strands.types.exceptions import MaxTokensReachedException

        stream = self._agent.stream_async(prompt, limits={"turns": self._calls_left})
        try:
            async with aclosing(cast("AsyncGenerator[dict[str, Any]]", stream)) as happenings:
                async for happening in happenings:
                    for utterance in self._heard(happening):
                        yield utterance
                    if self._tool is not None:
                        for utterance in self._tool.take_news():
                            yield utterance
        except MaxTokensReachedException:
            yield Noted("output_limit", "The model reached its output limit.")
            yield _OutputLimit()

    def _heard(self, happening: dict[str, Any]) -> list[Utterance]:
        if event := happening.get("event"):
            return self._heard_raw(cast("dict[str, Any]", event))
        if text := happening.get("data"):
            return [Said(text)]
        if text := happening.get("reasoningText"):
            return [Thought(text)]
        message = happening.get("message")
        if message and message["role"] == "assistant":
            # A provider whose stream is cut may end as if nothing were wrong; what it has not said, it has not said.
            if not self._is_stopped:
                raise ModelStreamCut("The stream ended before the model said that it was finished.")
            self._is_stopped = False
        return []

    def _heard_raw(self, event: dict[str, Any]) -> list[Utterance]:
        match event:
            case {"messageStart": _}:
                self._limiter.accepted()
                self._calls_left -= 1
                return [Noted(MODEL_CALL, "The provider accepted the call.")]
            case {"contentBlockDelta": _}:
                self._is_in_block = True
            case {"contentBlockStop": _}:
                self._is_in_block = False
            case {"messageStop": _}:
                if self._is_in_block:
                    raise ModelStreamCut("The stream ended in the middle of a block.")
                self._is_stopped = True
            case {"metadata": {"usage": usage}}:
                return [Spent(_usage(usage))]
            case _:
                pass
        return []


class _OutputLimit:
    """The model's output limit ended a turn."""


class _BallotTool(Protocol):
    casting: Casting | None

    @property
    def tool_name(self) -> str: ...

    def take_news(self) -> list[Utterance]: ...


def _agent(brief: Brief, connection: Connection, tool: Any | None) -> "Agent":
    from strands import Agent
    from strands.agent.conversation_manager import NullConversationManager

    history = [
        cast("Message", {"role": message.role, "content": [{"text": message.content}]})
        for message in brief.messages[:-1]
    ]
    return Agent(
        model=connection.model,
        messages=history,
        tools=[tool] if tool is not None else [],
        system_prompt=brief.system,
        name=brief.agent.name,
        callback_handler=None,
        # Strands' defaults shorten histories and repeat throttled calls on their own; both are ours to decide and show.
        conversation_manager=NullConversationManager(),
        retry_strategy=None,
    )


def _ballot_tool(ballot: Ballot) -> _BallotTool:
    """Make the Strands tool that reads a ballot; a function, because its base class loads Strands."""
    from strands.types.tools import AgentTool, ToolSpec, ToolUse

    class BallotTool(AgentTool):
        def __init__(self) -> None:
            super().__init__()
            self.casting: Casting | None = None
            self._news: list[Utterance] = []

        @property
        def tool_name(self) -> str:
            return ballot.tool

        @property
        def tool_spec(self) -> ToolSpec:
            return {
                "name": ballot.tool,
                "description": ballot.description,
                "inputSchema": {"json": ballot.schema},
            }

        @property
        def tool_type(self) -> str:
            return "ballot"

        def take_news(self) -> list[Utterance]:
            news, self._news = self._news, []
            return news

        async def stream(
            self, tool_use: ToolUse, invocation_state: dict[str, Any], **_: Any
        ) -> AsyncGenerator[Any, None]:
            answer = self._read(tool_use["input"])
            if self.casting is not None:
                # No call follows a ballot that was read: what there was to say has been said.
                invocation_state["agent"].cancel(after_current_tools=True)
            # The last value a tool yields is its result.
            yield {
                "toolUseId": tool_use["toolUseId"],
                "status": "success" if answer is None else "error",
                "content": [{"text": answer or "Recorded."}],
            }

        def _read(self, cast_input: Any) -> str | None:
            if self.casting is not None:
                return "The ballot was cast already; the first one counts."
            try:
                self.casting = ballot.read(cast_input)
            except SpoiltBallot as error:
                self._news.append(Spoilt(str(error)))
                return (
                    f"The ballot is spoilt: {error}. Call `{ballot.tool}` again with this mended; write nothing else."
                )
            self._news.append(Cast(self.casting))
            return None

    return BallotTool()


def _usage(reported: dict[str, int]) -> Usage:
    return Usage(
        input_tokens=reported.get("inputTokens", 0),
        output_tokens=reported.get("outputTokens", 0),
        cache_read_tokens=reported.get("cacheReadInputTokens"),
        cache_write_tokens=reported.get("cacheWriteInputTokens"),
    )
