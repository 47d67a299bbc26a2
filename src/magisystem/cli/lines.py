"""Plain lines for a pipe, a log or a screen reader: the agent's name, a bar, and what it said or did.

Where a line of speech ends hangs on the text alone, never on how it arrived, so the same speech gives the same lines.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from rich.cells import cell_len

from magisystem.cli.conclusion import cost_line, notes, tally_line, warnings
from magisystem.cli.lanes import percent
from magisystem.cli.plain_text import clean, clean_line
from magisystem.cli.scene import RETRY, Stage
from magisystem.cli.words import Words
from magisystem.client import Received
from magisystem.protocol.events import (
    AgentComplete,
    AgentStart,
    AnyEvent,
    Chunk,
    Start,
    Traced,
    VerdictGiven,
    VoteCast,
)
from magisystem.protocol.values import Decision, LaneStatus, Outcome

# The end of a line, or of a sentence; of one in Latin script only where the next begins with a capital ("e.g. this").
# What follows has to be there already, or the next piece could still belong to the end.
_END = re.compile(r"\n|[。！？]+[」』）]*(?=[^。！？」』）])|[.!?]+[)\"'\]]*\s+(?=[A-Z\"'(])")
_NAME_CELLS = 10


@dataclass(slots=True)
class PlainLines:
    """Writes what comes in as lines."""

    words: Words
    stage: Stage
    write: Callable[[str], None]
    _speech: dict[str, str] = field(default_factory=dict[str, str])
    _names: dict[str, str] = field(default_factory=dict[str, str])

    def show(self, received: Received) -> None:
        """Take one event."""
        self.stage.add(received.event, 0.0)
        for name, text in self._lines(received.event):
            for line in clean(text).strip().split("\n"):
                if line.strip():
                    self.write(f"{name}{' ' * max(_NAME_CELLS - cell_len(name), 0)}| {line.strip()}\n")

    def close(self) -> None:
        """Write what was begun and never ended."""
        for agent_id in [*self._speech]:
            for name, text in self._rest(agent_id):
                self.write(f"{name}{' ' * max(_NAME_CELLS - cell_len(name), 0)}| {clean_line(text)}\n")

    def _lines(self, event: AnyEvent) -> Iterator[tuple[str, str]]:
        match event:
            case Start():
                yield from self._begin(event)
            case AgentStart(agent_id=agent_id, attempt=attempt):
                yield from self._rest(agent_id)
                if attempt > 1:
                    yield self._name(agent_id), self.words.again.format(attempt=attempt, reason="").rstrip(" :")
            case Chunk(agent_id=agent_id, content=content):
                yield from self._speak(agent_id, content)
            case Traced(agent_id=str(agent_id), trace=trace) if trace.action == RETRY:
                yield from self._rest(agent_id)
                yield self._name(agent_id), clean_line(f"{RETRY}: {trace.details}")
            case VoteCast(agent_id=agent_id):
                yield from self._rest(agent_id)
                vote = self._decision(event.decision, event.confidence)
                yield self._name(agent_id), f"{self.words.vote}: {vote}: {clean_line(event.reasoning)}"
            case VerdictGiven(agent_id=agent_id):
                yield from self._rest(agent_id)
                yield from self._rule(event)
            case AgentComplete(agent_id=agent_id):
                yield from self._rest(agent_id)
                yield from self._end_lane(event)
            case _ if self.stage.state.status not in {"running", "empty"}:
                yield from self._end()
            case _:
                pass

    def _begin(self, start: Start) -> Iterator[tuple[str, str]]:
        self._names.update({card.agent_id: clean_line(card.name) for card in start.council.agents})
        yield self.words.question, start.question
        for note in notes(self.stage.scene(0.0), self.words):
            yield self.words.note, note

    def _speak(self, agent_id: str, content: str) -> Iterator[tuple[str, str]]:
        pending = self._speech.get(agent_id, "") + content
        start = 0
        for end in _END.finditer(pending):
            yield self._name(agent_id), pending[start : end.end()]
            start = end.end()
        self._speech[agent_id] = pending[start:]

    def _rest(self, agent_id: str) -> Iterator[tuple[str, str]]:
        if (pending := self._speech.pop(agent_id, "")).strip():
            yield self._name(agent_id), pending

    def _rule(self, verdict: VerdictGiven) -> Iterator[tuple[str, str]]:
        words, name = self.words, self._name(verdict.agent_id)
        yield name, f"{words.ruling}: {self._decision(verdict.decision, verdict.confidence)}"
        for score in verdict.scores:
            yield (
                name,
                f"{words.scores}: {self._name(score.agent_id)} {score.score}: {clean_line(score.reasoning)}",
            )
        yield name, f"{words.summary}: {clean_line(verdict.summary)}"
        yield name, f"{words.reasoning}: {clean_line(verdict.reasoning)}"
        yield name, f"{words.recommendation}: {clean_line(verdict.recommendation)}"

    def _end_lane(self, end: AgentComplete) -> Iterator[tuple[str, str]]:
        if end.status in {LaneStatus.FAILED, LaneStatus.ABSTAINED, LaneStatus.CANCELLED}:
            cause = f": {self.words.cause(clean_line(end.cause))}" if end.cause else ""
            yield self._name(end.agent_id), f"{self.words.statuses[end.status]}{cause}"

    def _end(self) -> Iterator[tuple[str, str]]:
        words, scene = self.words, self.stage.scene(0.0)
        for warning in warnings(scene, words):
            yield words.warning, warning
        complete = scene.state.complete
        if complete is None:
            return
        seconds = words.seconds.format(s=f"{complete.execution_time / 1000:.1f}")
        counted = "  ".join(filter(None, [seconds, cost_line(complete.usage, complete.cost_usd, words)]))
        if complete.outcome is Outcome.ANSWERED:
            yield words.answer, counted
            return
        yield words.tally, tally_line(complete, words)
        decision = (
            words.undecided if complete.decision is None else self._decision(complete.decision, complete.confidence)
        )
        yield words.verdict, f"{decision}  {counted}"

    def _decision(self, decision: Decision, confidence: float | None) -> str:
        """Give a decision with the protocol's own word, which is the same in every language."""
        word = self.words.decisions[decision]
        named = decision.value if word == decision.value else f"{decision.value} {word}"
        return named if confidence is None else f"{named} {percent(confidence)}"

    def _name(self, agent_id: str) -> str:
        return self._names.get(agent_id, clean_line(agent_id))
