"""Councils: who may sit in one, and what a request may change about it."""

from dataclasses import replace
from itertools import combinations

import pytest

from magisystem.council.agents import MAX_SAGES, Agent, AgentChange, Council, Sampling
from magisystem.council.presets import MAGI, PRESETS
from magisystem.errors import InvalidRequest, UnknownAgent
from magisystem.protocol.values import Role, Rule

JUDGE = Agent("judge", "JUDGE", Role.JUDGE, "You judge.")


def sages(n_sages: int) -> tuple[Agent, ...]:
    return tuple(Agent(f"s{place}", f"S{place}", Role.SAGE, "You think.") for place in range(n_sages))


@pytest.mark.parametrize("n_sages", range(1, MAX_SAGES + 1))
@pytest.mark.parametrize("rule", Rule)
def test_a_council_has_one_to_nine_sages_and_knows_its_judge(n_sages: int, rule: Rule) -> None:
    council = Council("c", rule, (JUDGE, *sages(n_sages)))
    assert council.sages == sages(n_sages)
    assert council.judge == JUDGE


@pytest.mark.parametrize(
    ("rule", "agents"),
    [
        (Rule.JUDGE, (JUDGE,)),
        (Rule.MAJORITY, ()),
        (Rule.MAJORITY, sages(MAX_SAGES + 1)),
        (Rule.JUDGE, (*sages(3), JUDGE, replace(JUDGE, id="other"))),
        (Rule.JUDGE, (*sages(2), *sages(1), JUDGE)),
        (Rule.MAJORITY, (*sages(1), replace(JUDGE, id="s0"))),
        (Rule.JUDGE, sages(3)),
    ],
)
def test_what_is_no_council_is_refused(rule: Rule, agents: tuple[Agent, ...]) -> None:
    with pytest.raises(InvalidRequest) as refused:
        Council("c", rule, agents)
    assert refused.value.field == ("council.rule" if agents == sages(3) else "council.agents")
    assert refused.value.code == "invalid_request"


@pytest.mark.parametrize("rule", [Rule.MAJORITY, Rule.UNANIMOUS])
def test_without_the_rule_judge_no_judge_is_needed(rule: Rule) -> None:
    assert Council("c", rule, sages(3)).judge is None


def test_a_change_of_an_unknown_agent_is_refused_and_the_field_is_named() -> None:
    with pytest.raises(UnknownAgent) as refused:
        MAGI.changed({"caspar": AgentChange(), "gaspard": AgentChange()})
    assert refused.value.field == "agents.gaspard"
    assert refused.value.code == "unknown_agent"


def test_no_change_gives_the_same_council() -> None:
    assert MAGI.changed({}) == MAGI
    assert MAGI.changed({agent.id: AgentChange() for agent in MAGI.agents}) == MAGI


def test_a_change_reaches_what_it_names_and_nothing_else() -> None:
    seated = Agent("a", "A", Role.SAGE, "old", "p:old", Sampling(temperature=0.1, top_p=0.2, top_k=3, max_tokens=4))
    council = Council("c", Rule.MAJORITY, (seated, *sages(2)))
    changed = council.changed({"a": AgentChange(model="p:new", temperature=0.0, max_tokens=9)})
    assert changed.agents[0] == replace(
        seated, model="p:new", sampling=Sampling(temperature=0.0, top_p=0.2, top_k=3, max_tokens=9)
    )
    assert changed.agents[1:] == council.agents[1:]
    other = council.changed({"a": AgentChange(persona="new", top_p=0.0, top_k=7)})
    assert other.agents[0] == replace(
        seated, persona="new", sampling=Sampling(temperature=0.1, top_p=0.0, top_k=7, max_tokens=4)
    )
    # The council it came from stays as it is.
    assert council.agents[0] == seated


def test_a_disabled_sage_leaves_and_the_others_keep_their_order() -> None:
    for n_gone in (1, 2):
        for gone in combinations(MAGI.sages, n_gone):
            changed = MAGI.changed({agent.id: AgentChange(enabled=False) for agent in gone})
            assert changed.agents == tuple(agent for agent in MAGI.agents if agent not in gone)


def test_a_council_without_sages_is_refused() -> None:
    with pytest.raises(InvalidRequest) as refused:
        MAGI.changed({agent.id: AgentChange(enabled=False) for agent in MAGI.sages})
    assert refused.value.field == "agents"


def test_a_judge_can_be_disabled_only_where_the_rule_needs_none() -> None:
    without = {"solomon": AgentChange(enabled=False)}
    with pytest.raises(InvalidRequest):
        MAGI.changed(without)
    assert replace(MAGI, rule=Rule.MAJORITY).changed(without).judge is None


def test_the_preset_magi_is_three_sages_and_a_judge() -> None:
    assert PRESETS["magi"] is MAGI
    assert [agent.name for agent in MAGI.agents] == ["CASPAR", "BALTHASAR", "MELCHIOR", "SOLOMON"]
    assert MAGI.rule is Rule.JUDGE
    assert MAGI.judge is not None
    assert MAGI.judge.id == "solomon"
    assert len({agent.persona for agent in MAGI.agents}) == 4


def test_every_preset_stands_under_its_id() -> None:
    assert all(council.id == council_id for council_id, council in PRESETS.items())
