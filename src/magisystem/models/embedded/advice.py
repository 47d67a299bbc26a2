"""What the advisor says to one brief: the door to the pure part of this package. Called by `model`, and by tests."""

from dataclasses import dataclass
from typing import Any

from magisystem.council.briefs import Brief
from magisystem.models.embedded.reading import read
from magisystem.models.embedded.ruling import rule_on
from magisystem.models.embedded.weighing import BALANCED, view_of, weigh
from magisystem.models.embedded.writing import answer, reasoning, statement
from magisystem.protocol.values import Role


@dataclass(frozen=True, slots=True)
class Advice:
    """What is said and what is cast: ``casting`` is the input of the brief's ballot, ``None`` where it has none."""

    prose: str
    casting: dict[str, Any] | None


def advise(brief: Brief) -> Advice:
    """Give the advice for ``brief``. The same brief gives the same advice, always and everywhere."""
    reading = read(brief.matter)
    if brief.ballot is None:
        return Advice(answer(reading, weigh(reading, BALANCED)), None)
    if brief.agent.role is Role.JUDGE:
        ruling = rule_on(reading, weigh(reading, BALANCED), brief.quoted)
        return Advice(ruling.considerations, ruling.casting)
    weighed = weigh(reading, view_of(brief.agent))
    casting = {
        "decision": str(weighed.decision),
        "confidence": weighed.confidence,
        "reasoning": reasoning(reading, weighed),
    }
    return Advice(statement(reading, weighed, brief.agent.id), casting)
