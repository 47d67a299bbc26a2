"""Who sits in a council and by which rule it decides."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from magisystem.errors import InvalidRequest, UnknownAgent
from magisystem.protocol.values import Role, Rule

MAX_SAGES = 9

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Sampling:
    """How a model is to draw its tokens. What is ``None`` is left to the model; what a model refuses is not sent."""

    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    max_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Agent:
    """One seat.

    ``persona`` is its point of view in words; ``model`` is ``provider:model``, or ``None`` for the default.
    """

    id: str
    name: str
    role: Role
    persona: str
    model: str | None = None
    sampling: Sampling = field(default_factory=Sampling)


@dataclass(frozen=True, slots=True)
class AgentChange:
    """What a request changes about one agent; ``None`` leaves a thing as it is."""

    model: str | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    max_tokens: int | None = None
    persona: str | None = None
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class CouncilLimits:
    """How long a council may take, in seconds; what is ``None`` is left to whoever convenes it."""

    deliberation_s: float | None = None
    sage_s: float | None = None
    judge_s: float | None = None
    silence_s: float | None = None


@dataclass(frozen=True, slots=True)
class Council:
    """The agents of a deliberation, its rule, and its time.

    Raises:
        InvalidRequest: no sage or too many, two judges, an id twice, or the rule `Rule.JUDGE` without a judge.
    """

    id: str
    rule: Rule
    agents: tuple[Agent, ...]
    limits: CouncilLimits = field(default_factory=CouncilLimits)

    def __post_init__(self) -> None:
        ids = [agent.id for agent in self.agents]
        if not 1 <= len(self.sages) <= MAX_SAGES:
            raise InvalidRequest(
                f"A council has 1 to {MAX_SAGES} sages; this one has {len(self.sages)}.", field="council.agents"
            )
        if len(self.agents) - len(self.sages) > 1:
            raise InvalidRequest("A council has at most one judge.", field="council.agents")
        if len(set(ids)) != len(ids):
            raise InvalidRequest("Every agent of a council needs an id of its own.", field="council.agents")
        if self.rule is Rule.JUDGE and self.judge is None:
            raise InvalidRequest(
                "The rule `judge` needs a judge. Enable one, or choose `majority` or `unanimous`.", field="council.rule"
            )

    @property
    def sages(self) -> tuple[Agent, ...]:
        """The sages, in speaking order."""
        return tuple(agent for agent in self.agents if agent.role is Role.SAGE)

    @property
    def judge(self) -> Agent | None:
        """The judge, if the council has one."""
        return next((agent for agent in self.agents if agent.role is Role.JUDGE), None)

    def changed(self, changes: Mapping[str, AgentChange]) -> "Council":
        """Give the council with ``changes`` made, by agent id.

        Raises:
            UnknownAgent: a change names an agent that does not sit here.
            InvalidRequest: what is left is no council.
        """
        known = {agent.id for agent in self.agents}
        judge = self.judge
        if self.rule is Rule.JUDGE and judge and not changes.get(judge.id, AgentChange()).enabled:
            raise InvalidRequest(
                f"By its rule `judge` the council {self.id!r} needs {judge.name}. Leave it enabled, or give a whole "
                "council with the rule `majority` or `unanimous`.",
                field=f"agents.{judge.id}.enabled",
            )
        for agent_id in changes:
            if agent_id not in known:
                names = ", ".join(sorted(known))
                raise UnknownAgent(
                    f"The council {self.id!r} has no agent {agent_id!r}. Its agents: {names}.",
                    field=f"agents.{agent_id}",
                )
        agents = tuple(
            _changed(agent, changes[agent.id]) if agent.id in changes else agent
            for agent in self.agents
            if agent.id not in changes or changes[agent.id].enabled
        )
        try:
            return replace(self, agents=agents)
        except InvalidRequest as error:
            # It was a council before: the changes are at fault.
            raise InvalidRequest(error.message, field="agents") from error


def _changed(agent: Agent, change: AgentChange) -> Agent:
    sampling = agent.sampling
    return replace(
        agent,
        model=change.model or agent.model,
        persona=change.persona or agent.persona,
        sampling=Sampling(
            temperature=_first(change.temperature, sampling.temperature),
            top_p=_first(change.top_p, sampling.top_p),
            top_k=_first(change.top_k, sampling.top_k),
            max_tokens=_first(change.max_tokens, sampling.max_tokens),
        ),
    )


def _first(change: T | None, present: T | None) -> T | None:
    return present if change is None else change
