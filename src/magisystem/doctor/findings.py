"""What an examination comes to: findings with their grades, what to do about them, and which transport to use."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Grade(StrEnum):
    """How good a thing is. A note says what is so and asks for nothing."""

    WELL = "well"
    NOTE = "note"
    REMARK = "remark"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Advice:
    """What to change. ``place`` is where, such as nginx; empty where that is not known."""

    text: str
    place: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. ``code`` is stable; ``summary`` is one sentence, or figures."""

    code: str
    grade: Grade
    summary: str
    advice: tuple[Advice, ...] = ()


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Everything that was found.

    ``transport`` is what to use (``stream``, ``socket`` or ``poll``), ``None`` where nothing works or nothing of the
    kind was looked at; ``verdict`` says it in words. ``figures`` are what was measured, by stable names; what could not
    be measured is absent.
    """

    findings: tuple[Finding, ...]
    verdict: str
    transport: str | None = None
    figures: Mapping[str, float | int | str | bool] = field(default_factory=dict[str, float | int | str | bool])

    @property
    def worst(self) -> Grade:
        """The worst grade there is."""
        order = list(Grade)
        return max((finding.grade for finding in self.findings), key=order.index, default=Grade.WELL)
