"""A speech: one agent's turn as a Strands agent, in front of any Strands model provider.

Owns the loop of prose, ballot and repair, and its bound. Knows no provider: `catalogue` gives it one a speech. What a
provider raises is translated here (`failures`), so that nothing of a vendor's leaves this package.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from functools import cache
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
from magisystem.errors import ModelExhausted, ModelRejected, ModelStreamCut, ModelThrottled, ModelWithheld
from magisystem.models.failures import translated
from magisystem.models.limiter import Limiter
from magisystem.protocol.values import Usage

if TYPE_CHECKING:
    from strands import Agent
    from strands.models.model import Model as StrandsProvider
    from strands.types.content import Message

# How long Strands may take to leave its generators once the connection is closed; it takes milliseconds.
_LEAVE_S = 2.0
# Stop reasons that are no end, as Strands and the providers' own words for them reach this module.
_WITHHELD = frozenset({"content_filtered", "guardrail_intervened", "refusal"})
_OVERFLOWN = "model_context_window_exceeded"


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
            # Others may be refused while this lane waits.
            while wait_s := self.limiter.wait_s:
                yield Noted(THROTTLE_WAIT, f"{self.name} is throttled", round(1000 * wait_s))
                await asyncio.sleep(wait_s)
            try:
                with translated(self.name):
                    speech = _Speech(brief, connection, self.limiter, max_calls)
                    async with aclosing(speech.utterances()) as utterances:
                        async for utterance in utterances:
                            max_calls -= isinstance(utterance, Noted) and utterance.action == MODEL_CALL
                            has_spoken = has_spoken or isinstance(utterance, Said | Thought)
                            yield utterance
            except ModelThrottled as error:
                wait_s = self.limiter.refused(error.retry_after_s)
                if has_spoken or max_calls <= 0:
                    raise
                yield Noted(THROTTLE_WAIT, error.message, round(1000 * wait_s))
                await asyncio.sleep(wait_s)
            else:
                return


class _Speech:
    """One run of a Strands agent: prose, then the ballot by tool, asked for again while calls are left."""

    def __init__(self, brief: Brief, connection: Connection, limiter: Limiter, max_calls: int) -> None:
        self._brief = brief
        self._connection = connection
        self._limiter = limiter
        self._calls_left = max_calls
        self._tool = _ballot_tool_class()(brief.ballot) if brief.ballot else None
        self._agent = _agent(brief, connection, self._tool)
        # Whether the provider has said that its message is finished, and why, and whether it has ended the block it
        # was in.
        self._stop_reason: str | None = None
        self._is_in_block = False
        self._is_new_call = False
        self._has_spoken = False

    async def utterances(self) -> AsyncGenerator[Utterance]:
        prompt = self._brief.messages[-1].content
        while True:
            is_exhausted = False
            async with aclosing(self._turn(prompt)) as turn:
                async for utterance in turn:
                    if isinstance(utterance, _OutputLimit):
                        is_exhausted = True
                    else:
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
            prompt = (
                f"You have not called `{self._tool.tool_name}`. Call it now, and write nothing else. If you cannot "
                f"call tools, write one block instead that begins with ```json, ends with ``` and holds "
                f"{self._tool.form}."
            )

    async def _turn(self, prompt: str) -> "AsyncGenerator[Utterance | _OutputLimit]":
        from strands.types.exceptions import MaxTokensReachedException

        happenings = cast(
            "AsyncGenerator[dict[str, Any]]",
            self._agent.stream_async(prompt, limits={"turns": self._calls_left}),
        )
        try:
            while (happening := await anext(happenings, None)) is not None:
                try:
                    for utterance in self._heard(happening):
                        yield utterance
                except BaseException:
                    await self._leave(happenings)
                    raise
        except MaxTokensReachedException:
            yield Noted("output_limit", "The model reached its output limit.")
            yield _OutputLimit()

    async def _leave(self, happenings: AsyncGenerator[dict[str, Any]]) -> None:
        """Leave Strands from a place where it is not at its end.

        Closing its outermost generator would leave the inner ones to the garbage collector, which ends them in tasks of
        its own: after this speech, and with OpenTelemetry complaining of each that it was begun elsewhere. So the
        connection is closed instead, and Strands leaves by itself, inmost first.
        """
        self._agent.cancel()
        await self._connection.aclose()
        try:
            async with asyncio.timeout(_LEAVE_S):
                async for _ in happenings:
                    pass
        except Exception:  # noqa: BLE001, S110 - what is left fails because its connection was closed
            pass
        await happenings.aclose()

    def _heard(self, happening: dict[str, Any]) -> list[Utterance]:
        return [*self._heard_model(happening), *(self._tool.take_news() if self._tool is not None else ())]

    def _heard_model(self, happening: dict[str, Any]) -> list[Utterance]:
        if event := happening.get("event"):
            return self._heard_raw(cast("dict[str, Any]", event))
        if text := happening.get("data"):
            return [Said(self._apart(text))]
        if text := happening.get("reasoningText"):
            return [Thought(text)]
        message = happening.get("message")
        if message and message["role"] == "assistant":
            self._check_end()
        return []

    def _apart(self, text: str) -> str:
        """Set what a later call says apart from what an earlier one said."""
        gap = "\n\n" if self._is_new_call and self._has_spoken else ""
        self._is_new_call, self._has_spoken = False, True
        return gap + text

    def _heard_raw(self, event: dict[str, Any]) -> list[Utterance]:
        match event:
            case {"messageStart": _}:
                self._calls_left -= 1
                self._is_new_call = True
                self._stop_reason = None
                self._is_in_block = False
                return [Noted(MODEL_CALL, "The provider accepted the call.")]
            case {"contentBlockDelta": _}:
                self._is_in_block = True
            case {"contentBlockStop": _}:
                self._is_in_block = False
            case {"messageStop": {"stopReason": reason}}:
                if self._is_in_block:
                    raise ModelStreamCut("The stream ended in the middle of a block.")
                self._stop_reason = reason
                # Not before: a provider may still throttle within the stream it began.
                self._limiter.accepted()
            case {"metadata": {"usage": usage}}:
                return [Spent(_usage(usage))]
            case _:
                pass
        return []

    def _check_end(self) -> None:
        """Hold what Strands takes for a whole message against what the provider has said of its end.

        Raises:
            ModelError: it said nothing, as when a stream is cut, or that it will not go on.
        """
        match self._stop_reason:
            case None:
                raise ModelStreamCut("The stream ended before the model said that it was finished.")
            case reason if reason in _WITHHELD:
                raise ModelWithheld(f"The provider withheld the answer ({reason}).")
            case reason if reason == _OVERFLOWN:
                raise ModelRejected("The conversation does not fit the model's context window.")
            case _:
                pass


class _OutputLimit:
    """The model's output limit ended a turn."""


class _BallotTool(Protocol):
    casting: Casting | None

    @property
    def form(self) -> str: ...

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


@cache
def _ballot_tool_class() -> Callable[[Ballot], _BallotTool]:
    """Give the class of the Strands tool that reads a ballot; in a function, because its base class loads Strands.

    Made once: a class takes a tenth of a millisecond to make, and only a full collection frees it.
    """
    from strands.types.tools import AgentTool, ToolSpec, ToolUse

    class BallotTool(AgentTool):
        def __init__(self, ballot: Ballot) -> None:
            super().__init__()
            self._ballot = ballot
            self.casting: Casting | None = None
            self._news: list[Utterance] = []

        @property
        def tool_name(self) -> str:
            return self._ballot.tool

        @property
        def tool_spec(self) -> ToolSpec:
            return {
                "name": self._ballot.tool,
                "description": self._ballot.description,
                "inputSchema": {"json": self._ballot.schema},
            }

        @property
        def tool_type(self) -> str:
            return "ballot"

        @property
        def form(self) -> str:
            return f"the fields {', '.join(self._ballot.schema['required'])} as a JSON object"

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
                self._news.append(Noted("ballot_repeated", "A second ballot was cast; the first one counts."))
                return "The ballot was cast already; the first one counts."
            try:
                self.casting = self._ballot.read(cast_input)
            except SpoiltBallot as error:
                self._news.append(Spoilt(str(error)))
                return (
                    f"The ballot is spoilt: {error}. "
                    f"Call `{self.tool_name}` again with this mended; write nothing else."
                )
            self._news.append(Cast(self.casting))
            return None

    return BallotTool


def _usage(reported: dict[str, int]) -> Usage:
    return Usage(
        input_tokens=reported.get("inputTokens", 0),
        output_tokens=reported.get("outputTokens", 0),
        cache_read_tokens=reported.get("cacheReadInputTokens"),
        cache_write_tokens=reported.get("cacheWriteInputTokens"),
    )
