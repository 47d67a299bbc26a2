"""A speech: one agent's turn as a Strands agent, in front of any Strands model provider.

Owns the loop of prose, ballot and repair, and its bound. Knows no provider: `catalogue` gives it one a speech. What a
provider raises is translated here (`failures`), so that nothing of a vendor's leaves this package.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, cast

from magisystem.council.briefs import Brief
from magisystem.deliberation.ports import THROTTLE_WAIT, Hearer, Noted
from magisystem.errors import ModelExhausted, ModelThrottled
from magisystem.models.failures import translated
from magisystem.models.limiter import Limiter

if TYPE_CHECKING:
    from strands import Agent
    from strands.models.model import Model as StrandsProvider
    from strands.types.content import Message
    from strands.types.tools import AgentTool


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

    async def speak(self, brief: Brief, hearer: Hearer, *, max_calls: int) -> None:
        """See `Model.speak`."""
        with translated(self.name):
            await self.load()
            connection = self.connect(brief)
        try:
            if connection.dropped:
                dropped = ", ".join(connection.dropped)
                await hearer.hear(Noted("sampling_dropped", f"{self.name} does not take {dropped}; not sent."))
            await self._speak(brief, connection, hearer, max_calls)
        finally:
            await connection.aclose()

    async def _speak(self, brief: Brief, connection: Connection, hearer: Hearer, calls_left: int) -> None:
        while True:
            # Others may be refused while this lane waits.
            while wait_s := self.limiter.wait_s:
                await self._wait(wait_s, f"{self.name} is throttled", hearer)
            speech = _Speech(brief, connection, self.limiter, hearer, calls_left)
            try:
                with translated(self.name):
                    await speech.run()
            except ModelThrottled as error:
                wait_s = self.limiter.refused(error.retry_after_s)
                calls_left = speech.calls_left
                if speech.has_spoken or calls_left <= 0:
                    raise
                await self._wait(wait_s, error.message, hearer)
            else:
                return
            finally:
                speech.let_go()

    async def _wait(self, wait_s: float, why: str, hearer: Hearer) -> None:
        await hearer.hear(Noted(THROTTLE_WAIT, why, round(1000 * wait_s)))
        await asyncio.sleep(wait_s)


class _Speech:
    """One Strands agent's run: prose, then the ballot by tool, asked for again while calls are left."""

    def __init__(self, brief: Brief, connection: Connection, limiter: Limiter, hearer: Hearer, calls_left: int) -> None:
        # Loads Strands.
        from magisystem.models.hearing import BallotTool, HeardModel

        self._prompt = brief.messages[-1].content
        self._hearer = hearer
        self._model = HeardModel(connection.model, hearer, limiter, calls_left)
        self._tool = BallotTool(brief.ballot, hearer) if brief.ballot else None
        self._agent = _agent(brief, self._model, self._tool)

    @property
    def calls_left(self) -> int:
        """How many calls may still be made."""
        return self._model.calls_left

    @property
    def has_spoken(self) -> bool:
        """Whether the model has said or thought anything."""
        return self._model.has_spoken

    async def run(self) -> None:
        """Have the agent speak until its ballot is read or no call is left.

        Raises:
            ModelExhausted: the output limit came before the end.
            Exception: what the provider or Strands raises.
        """
        prompt = self._prompt
        while True:
            is_exhausted = await self._turn(prompt)
            if is_exhausted and (self._tool is None or not self.calls_left):
                raise ModelExhausted(
                    "The model reached its output limit before it was done. Raise `maxTokens` for this agent."
                )
            if self._tool is None or self._tool.casting is not None or not self.calls_left:
                return
            asked_again = f"The model ended without a call of `{self._tool.tool_name}`; it is asked again."
            await self._hearer.hear(Noted("ballot_asked", asked_again))
            prompt = (
                f"You have not called `{self._tool.tool_name}`. Call it now, and write nothing else. If you cannot "
                f"call tools, write one block instead that begins with ```json, ends with ``` and holds "
                f"{self._tool.form}."
            )

    def let_go(self) -> None:
        """Part the agent, which is a circle that only the garbage collector undoes, from all that is not Strands'."""
        self._agent.tool_registry.registry.clear()

    async def _turn(self, prompt: str) -> bool:
        """Let the agent answer a prompt; tell whether the model's output limit ended that."""
        from strands.types.exceptions import MaxTokensReachedException

        try:
            await self._agent.invoke_async(prompt, limits={"turns": self.calls_left})
        except MaxTokensReachedException:
            await self._hearer.hear(Noted("output_limit", "The model reached its output limit."))
            return True
        return False


def _agent(brief: Brief, model: "StrandsProvider", tool: "AgentTool | None") -> "Agent":
    from strands import Agent
    from strands.agent.conversation_manager import NullConversationManager
    from strands.tools.executors import SequentialToolExecutor

    history = [
        cast("Message", {"role": message.role, "content": [{"text": message.content}]})
        for message in brief.messages[:-1]
    ]
    return Agent(
        model=model,
        messages=history,
        tools=[tool] if tool is not None else [],
        system_prompt=brief.system,
        name=brief.agent.name,
        callback_handler=None,
        tool_executor=SequentialToolExecutor(),
        # Strands' defaults shorten histories and repeat throttled calls on their own; both are ours to decide and show.
        conversation_manager=NullConversationManager(),
        retry_strategy=None,
    )
