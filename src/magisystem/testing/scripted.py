"""A model that says what a test tells it to, one script an agent and attempt."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from magisystem.council.briefs import Brief
from magisystem.deliberation.ports import MODEL_CALL, Cast, Hearer, Noted, Said, Spent, Utterance
from magisystem.errors import ModelError
from magisystem.protocol.values import Decision, Usage


@dataclass(frozen=True, slots=True)
class Wait:
    """Say nothing until ``until()`` is over, such as ``event.wait``."""

    until: Callable[[], Awaitable[object]]


Step = Utterance | ModelError | Wait
Script = Callable[[Brief], Sequence[Step]]


@dataclass(slots=True)
class ScriptedModel:
    """Implements `magisystem.deliberation.ports.Model`.

    ``scripts`` holds, by agent id, one script an attempt; the last one serves all further attempts, and an agent
    without any says `agreeable`. ``speeches`` records every brief, ``n_open`` how many speeches are under way.
    """

    scripts: Mapping[str, Sequence[Script]] = field(default_factory=dict[str, Sequence[Script]])
    name: str = "scripted:model"
    note: str | None = "scripted for a test"
    speeches: list[Brief] = field(default_factory=list[Brief])
    n_open: int = 0

    async def find(self, name: str, *, field: str) -> "ScriptedModel":
        """Be every model there is; implements `magisystem.deliberation.ports.Models`."""
        del name, field
        return self

    async def speak(self, brief: Brief, hearer: Hearer, *, max_calls: int) -> None:
        """See `Model.speak`."""
        del max_calls
        attempt = sum(earlier.agent.id == brief.agent.id for earlier in self.speeches)
        self.speeches.append(brief)
        scripts = self.scripts.get(brief.agent.id) or [agreeable]
        self.n_open += 1
        try:
            await _play(scripts[min(attempt, len(scripts) - 1)](brief), hearer)
        finally:
            self.n_open -= 1


def agreeable(brief: Brief) -> Sequence[Step]:
    """Speak two sentences and approve."""
    return [*speech(f"{brief.agent.name} has read the question. ", "It may go ahead."), *approval(brief)]


def speech(*texts: str) -> list[Step]:
    """Give an accepted call that says ``texts``."""
    return [Noted(MODEL_CALL, "scripted"), *(Said(text) for text in texts)]


def approval(brief: Brief, decision: Decision = Decision.APPROVED, confidence: float = 0.8) -> list[Step]:
    """Give the end of a speech: the casting that fits the brief, if it has a ballot, and the usage."""
    spent = Spent(Usage(input_tokens=10, output_tokens=5))
    if brief.ballot is None:
        return [spent]
    fields: dict[str, object] = {"decision": decision, "confidence": confidence, "reasoning": "As scripted."}
    if brief.quoted:
        scores = [{"sage": item.label, "score": 70, "reasoning": "As scripted."} for item in brief.quoted]
        fields |= {"summary": "Scripted.", "recommendation": "Go on.", "scores": scores}
    return [Cast(brief.ballot.read(fields)), spent]


async def _play(steps: Sequence[Step], hearer: Hearer) -> None:
    for step in steps:
        match step:
            case Wait(until):
                await until()
            case ModelError():
                raise step
            case _:
                await hearer.hear(step)
        # As a provider would: the loop has its turn between two utterances.
        await asyncio.sleep(0)
