# ruff: noqa: E501 -- tables of weights
"""How an agent weighs a reading: a score, a decision, a confidence. Pure; the same reading and agent give the same.

The figures here are this project's judgements of what each point of view means, not measurements.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from magisystem.council.agents import Agent
from magisystem.council.presets import BALTHASAR, CASPAR, MELCHIOR
from magisystem.models.embedded.findings import Finding, findings_of
from magisystem.models.embedded.lexicon import Factor
from magisystem.models.embedded.reading import Criterion, Reading
from magisystem.protocol.values import Decision

MOST_CONFIDENT = 0.9
"""Counting words never makes sure."""

_BARE_ACT = 0.05
"""How much more it takes where only the act itself is known, and nothing of its object or reasons."""


@dataclass(frozen=True, slots=True)
class View:
    """A point of view: how much each factor weighs (1 where absent), an inclination, and what a decision takes.

    ``bias`` is added to the score; at ``approve_at`` or above it approves, at ``reject_at`` or below it rejects.
    ``unproven`` is added to both distances where the question offers neither figures nor evidence.
    """

    weights: Mapping[Factor, float]
    bias: float = 0.0
    approve_at: float = 0.12
    reject_at: float = -0.12
    unproven: float = 0.0


@dataclass(frozen=True, slots=True)
class Weight:
    """One factor as one view sees it: what speaks ``pro`` and ``con``, each from 0 to 1 before its ``weight``."""

    factor: Factor
    pro: float
    con: float
    weight: float
    findings: tuple[Finding, ...]

    @property
    def pull(self) -> float:
        """Give what the factor adds to the score's numerator."""
        return self.weight * (self.pro - self.con)


@dataclass(frozen=True, slots=True)
class Weighed:
    """What an agent makes of a reading.

    ``score`` from -1 to 1. ``weights`` has one entry a factor found, the strongest pull first. ``missing`` has the
    factors that weigh most with the agent and that the question does not mention, the heaviest first.
    """

    score: float
    decision: Decision
    confidence: float
    weights: tuple[Weight, ...]
    missing: tuple[Factor, ...]


BALANCED = View({})
VIEWS: Mapping[str, View] = {
    CASPAR.id: View(
        {
            Factor.RISK: 1.5, Factor.REVERSIBILITY: 1.45, Factor.COST: 1.3, Factor.COMPLEXITY: 1.25, Factor.LAW: 1.2,
            Factor.SECURITY: 1.2, Factor.TRUST: 0.9, Factor.PEOPLE: 0.7, Factor.EVIDENCE: 0.8, Factor.URGENCY: 0.6,
            Factor.ENVIRONMENT: 0.6, Factor.OPPORTUNITY: 0.6,
        },
        bias=-0.04, approve_at=0.14, reject_at=-0.08,
    ),
    BALTHASAR.id: View(
        {
            Factor.PEOPLE: 1.6, Factor.OPPORTUNITY: 1.4, Factor.ENVIRONMENT: 1.3, Factor.TRUST: 1.25, Factor.SECURITY: 0.9,
            Factor.LAW: 0.8, Factor.REVERSIBILITY: 0.7, Factor.URGENCY: 0.8, Factor.RISK: 0.65, Factor.EVIDENCE: 0.6,
            Factor.COST: 0.5, Factor.COMPLEXITY: 0.4,
        },
        bias=0.06, approve_at=0.08, reject_at=-0.12,
    ),
    MELCHIOR.id: View(
        {
            Factor.EVIDENCE: 1.7, Factor.RISK: 1.05, Factor.COST: 1.0, Factor.REVERSIBILITY: 1.1, Factor.OPPORTUNITY: 0.95,
            Factor.COMPLEXITY: 0.9, Factor.PEOPLE: 0.95, Factor.URGENCY: 0.6, Factor.TRUST: 0.8,
        },
        approve_at=0.1, reject_at=-0.1, unproven=0.1,
    ),
}  # fmt: skip
_PRESET_PERSONAS = {agent.id: agent.persona for agent in (CASPAR, BALTHASAR, MELCHIOR)}
_CAUTIOUS = (
    "conservative",
    "cautious",
    "careful",
    "sceptic",
    "skeptic",
    "prudent",
    "慎重",
    "保守",
    "懐疑",
    "堅実",
    "悲観",
)
_BOLD = (
    "innovative",
    "bold",
    "optimist",
    "visionary",
    "ambitious",
    "entrepreneur",
    "革新",
    "大胆",
    "楽観",
    "挑戦",
    "野心",
)


def view_of(agent: Agent) -> View:
    """Give the agent's view: by its id for the preset's sages, then by the words of a persona that is not the preset's."""
    view = VIEWS.get(agent.id, BALANCED)
    if not agent.persona or agent.persona == _PRESET_PERSONAS.get(agent.id):
        return view
    weights = dict(view.weights)
    for finding in findings_of(agent.persona[:4_000], None):
        weights[finding.factor] = min(2.0, weights.get(finding.factor, 1.0) + 0.4)
    words = agent.persona.lower()
    lean = sum(word in words for word in _BOLD) - sum(word in words for word in _CAUTIOUS)
    return replace(view, weights=weights, bias=view.bias + 0.05 * max(-2, min(2, lean)))


def weigh(reading: Reading, view: View) -> Weighed:
    """Weigh ``reading`` as ``view`` does."""
    weights = _weights(reading.findings, view)
    missing = _missing(weights, view)
    bearing = [weight for weight in weights if weight.pro or weight.con]
    if reading.proposal is None or (not bearing and not _criteria(reading)):
        return Weighed(0.0, Decision.ABSTAINED, 0.1 if reading.proposal is None else 0.15, weights, missing)
    mass = sum(weight.weight * (weight.pro + weight.con) for weight in weights)
    score = sum(weight.pull for weight in weights) / (0.5 + mass) + _criteria(reading)
    score = max(-1.0, min(1.0, score + view.bias))
    decision = _decision(score, reading, view)
    return Weighed(round(score, 4), decision, _confidence(score, decision, reading, weights), weights, missing)


def _weights(findings: Sequence[Finding], view: View) -> tuple[Weight, ...]:
    by_factor: dict[Factor, list[Finding]] = {}
    for finding in findings:
        by_factor.setdefault(finding.factor, []).append(finding)
    weights = [
        Weight(
            factor,
            _united([f.lean for f in found]),
            _united([-f.lean for f in found]),
            view.weights.get(factor, 1.0),
            tuple(found),
        )
        for factor, found in by_factor.items()
    ]
    return tuple(sorted(weights, key=lambda weight: (-abs(weight.pull), weight.factor)))


def _united(leans: Sequence[float]) -> float:
    """Unite leans so that saying a thing often adds ever less and never passes 1."""
    rest = 1.0
    for lean in leans:
        rest *= 1.0 - max(0.0, lean)
    return 1.0 - rest


def _criteria(reading: Reading) -> float:
    """Give what the asker's own conditions add: a condition that is not known to be met holds approval back a little."""
    return _pull(reading.approve_if, 0.35, 0.08) - _pull(reading.reject_if, 0.4, 0.0)


def _pull(criterion: Criterion | None, strength: float, doubt: float) -> float:
    if criterion is None:
        return 0.0
    return strength * criterion.met - (doubt if criterion.met == 0 else 0.0)


def is_unproven(reading: Reading) -> bool:
    """Tell whether the question offers neither a figure nor evidence."""
    return not reading.amounts and not any(
        finding.factor is Factor.EVIDENCE and finding.lean > 0 for finding in reading.findings
    )


def _decision(score: float, reading: Reading, view: View) -> Decision:
    more = view.unproven if is_unproven(reading) else 0.0
    if all(finding.is_action for finding in reading.findings if finding.lean):
        more += _BARE_ACT
    if score >= view.approve_at + more:
        return Decision.APPROVED
    return Decision.REJECTED if score <= view.reject_at - more else Decision.ABSTAINED


def _confidence(score: float, decision: Decision, reading: Reading, weights: Sequence[Weight]) -> float:
    """Give a confidence that grows with what was found and how clearly it points one way."""
    said = min(1.0, sum(max(weight.pro, weight.con) for weight in weights) / 3.5)
    backing = (0.06 if not is_unproven(reading) else 0.0) + (0.04 if reading.approve_if or reading.reject_if else 0.0)
    if decision is Decision.ABSTAINED:
        return round(0.18 + 0.17 * said + backing / 2, 2)
    clear = min(1.0, abs(score) / 0.7)
    return round(min(MOST_CONFIDENT, 0.3 + 0.3 * clear + 0.2 * said + backing), 2)


def _missing(weights: Sequence[Weight], view: View) -> tuple[Factor, ...]:
    found = {weight.factor for weight in weights}
    heavy = sorted(Factor, key=lambda factor: -view.weights.get(factor, 1.0))
    return tuple(factor for factor in heavy if factor not in found)[:3]
