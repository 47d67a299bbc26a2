"""The fold: any log, whole or in pieces, has a state."""

import json
import random
from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.strategies import JUDGE_ID, any_events, logs

from magisystem.protocol.codec import decode, encode, encode_value
from magisystem.protocol.events import (
    AgentComplete,
    AgentStart,
    AnyEvent,
    Cancelled,
    Chunk,
    Complete,
    Failed,
    LaneEvent,
    Start,
    Thinking,
    Unknown,
    VerdictGiven,
    VoteCast,
)
from magisystem.protocol.fold import DeliberationState, Fold, LaneState, fold
from magisystem.protocol.values import AgentCard, CouncilCard, Decision, LaneStatus, Mode, Role, Rule, Usage


def start(*agent_ids: str, seq: int = 1) -> Start:
    cards = tuple(AgentCard(agent_id=agent_id, name="", role=Role.SAGE, model="m") for agent_id in agent_ids)
    return Start(
        seq=seq,
        timestamp="t",
        deliberation_id="d",
        session_id="s",
        question="?",
        mode=Mode.DELIBERATE,
        council=CouncilCard(id="magi", rule=Rule.JUDGE, agents=cards),
    )


def agent_start(seq: int, agent_id: str, attempt: int = 1) -> AgentStart:
    return AgentStart(seq=seq, timestamp="t", agent_id=agent_id, attempt=attempt, model="m")


def chunk(seq: int, agent_id: str, content: str) -> Chunk:
    return Chunk(seq=seq, timestamp="t", agent_id=agent_id, content=content)


def vote(seq: int, agent_id: str, decision: Decision = Decision.APPROVED) -> VoteCast:
    return VoteCast(seq=seq, timestamp="t", agent_id=agent_id, decision=decision, confidence=0.5, reasoning="r")


def verdict(seq: int, agent_id: str) -> VerdictGiven:
    return VerdictGiven(
        seq=seq,
        timestamp="t",
        agent_id=agent_id,
        decision=Decision.APPROVED,
        confidence=0.5,
        summary="s",
        reasoning="r",
        recommendation="r",
        scores=(),
    )


def agent_complete(seq: int, agent_id: str) -> AgentComplete:
    usage = Usage(input_tokens=1, output_tokens=2)
    return AgentComplete(
        seq=seq, timestamp="t", agent_id=agent_id, status=LaneStatus.VOTED, usage=usage, duration_ms=3, cause="c"
    )


def lane_of(state: DeliberationState, agent_id: str) -> LaneState:
    (lane,) = (lane for lane in state.lanes if lane.agent_id == agent_id)
    return lane


def standing(log: Sequence[AnyEvent], agent_id: str) -> list[AnyEvent]:
    """Give a lane's events since its last attempt began: the rule of the protocol, said once more."""
    events = [event for event in log if isinstance(event, LaneEvent) and event.agent_id == agent_id]
    begun = [place for place, event in enumerate(events) if isinstance(event, AgentStart)]
    return list(events[begun[-1] :] if begun else events)


@given(logs(), st.data())
def test_every_prefix_of_a_log_folds(log: list[AnyEvent], data: st.DataObject) -> None:
    prefix = log[: data.draw(st.integers(0, len(log)))]
    assert fold(prefix).cursor == len(prefix)


@given(st.lists(any_events, max_size=12))
def test_any_events_in_any_order_fold(events: list[AnyEvent]) -> None:
    assert fold(events).cursor == max((event.seq for event in events), default=0)


@given(logs(), st.data())
def test_a_log_with_holes_folds(log: list[AnyEvent], data: st.DataObject) -> None:
    kept = [event for event in log if data.draw(st.booleans())]
    assert fold(kept).cursor == (kept[-1].seq if kept else 0)


@given(logs(), st.data())
def test_folding_can_stop_anywhere_be_looked_at_and_go_on(log: list[AnyEvent], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(log)))
    folded = Fold()
    for event in log[:cut]:
        folded.add(event)
    assert folded.state == fold(log[:cut])
    for event in log[cut:]:
        folded.add(event)
    assert folded.state == fold(log)


@given(logs(), st.data())
def test_an_event_seen_before_changes_nothing(log: list[AnyEvent], data: st.DataObject) -> None:
    cut = data.draw(st.integers(1, len(log)))
    folded = Fold()
    for event in log[:cut]:
        folded.add(event)
    for event in data.draw(st.lists(st.sampled_from(log[:cut]), max_size=6)):
        folded.add(event)
    # A follower that lost its place reads a stretch again.
    for event in log[data.draw(st.integers(0, cut)) :]:
        folded.add(event)
    assert folded.state == fold(log)


@given(any_events, st.integers(0, 5))
def test_an_event_at_or_below_the_cursor_changes_nothing_even_with_new_content(event: AnyEvent, seq: int) -> None:
    folded = Fold()
    for known in (start("a"), agent_start(2, "a"), chunk(3, "a", "x"), vote(4, "a"), agent_complete(5, "a")):
        folded.add(known)
    before = folded.state
    folded.add(msgspec.structs.replace(event, seq=seq))
    assert folded.state == before


@given(logs())
def test_a_lane_says_what_its_last_attempt_said(log: list[AnyEvent]) -> None:
    for lane in fold(log).lanes:
        events = standing(log, lane.agent_id)
        assert lane.text == "".join(event.content for event in events if isinstance(event, Chunk))
        assert lane.thinking == "".join(event.content for event in events if isinstance(event, Thinking))
        assert lane.attempt == max((event.attempt for event in events if isinstance(event, AgentStart)), default=0)
        votes = [event for event in events if isinstance(event, VoteCast)]
        assert lane.decision == (votes[-1].decision if votes else None)
        assert lane.confidence == (votes[-1].confidence if votes else None)
        assert lane.reasoning == (votes[-1].reasoning if votes else None)
        ends = [event for event in events if isinstance(event, AgentComplete)]
        assert lane.status == (ends[-1].status if ends else None)
        assert lane.usage == (ends[-1].usage if ends else None)


@given(logs())
def test_the_verdict_is_the_one_of_the_judges_last_attempt(log: list[AnyEvent]) -> None:
    rulings = [event for event in standing(log, JUDGE_ID) if isinstance(event, VerdictGiven)]
    assert fold(log).verdict == (rulings[-1] if rulings else None)


def test_a_new_attempt_voids_the_lanes_text_thinking_vote_and_end_and_no_other_lanes() -> None:
    thought = Thinking(seq=5, timestamp="t", agent_id="a", content="hm")
    said = [start("a", "b"), agent_start(2, "a"), chunk(3, "a", "x"), chunk(4, "b", "y"), thought]
    state = fold([*said, vote(6, "a"), vote(7, "b"), agent_complete(8, "a"), agent_start(9, "a", 2)])
    assert lane_of(state, "a") == LaneState(agent_id="a", text="", thinking="", attempt=2)
    assert lane_of(state, "b").text == "y"
    assert lane_of(state, "b").decision is Decision.APPROVED


def test_a_new_attempt_of_the_judge_voids_the_verdict_and_one_of_a_sage_does_not() -> None:
    ruled = [start("a", "j"), agent_start(2, "j"), verdict(3, "j")]
    assert fold(ruled).verdict == ruled[-1]
    assert fold([*ruled, agent_start(4, "a", 2)]).verdict == ruled[-1]
    assert fold([*ruled, agent_start(4, "j", 2)]).verdict is None


@given(logs())
def test_lanes_stand_in_the_councils_order_whoever_spoke_first(log: list[AnyEvent]) -> None:
    first = log[0]
    assert isinstance(first, Start)
    assert [lane.agent_id for lane in fold(log).lanes] == [card.agent_id for card in first.council.agents]


def test_lanes_that_were_never_announced_stand_after_the_council_in_the_order_they_spoke() -> None:
    log = [chunk(1, "x", "1"), chunk(2, "b", "2"), start("a", "b", seq=3), verdict(4, "w"), vote(5, "y")]
    state = fold(log)
    assert [lane.agent_id for lane in state.lanes] == ["a", "b", "x", "w", "y"]
    assert lane_of(state, "x").text == "1"
    assert lane_of(state, "b").text == "2"


@given(logs(), st.data())
def test_an_event_of_an_unknown_type_moves_the_cursor_and_nothing_else(
    log: list[AnyEvent], data: st.DataObject
) -> None:
    cut = data.draw(st.integers(0, len(log)))
    before = fold(log[:cut])
    omen = Unknown(seq=cut + 1, timestamp="t", type="omen", fields={"agentId": "a", "content": "x"})
    after = fold([*log[:cut], omen])
    status = "running" if before.status == "empty" else before.status
    assert after == msgspec.structs.replace(before, cursor=cut + 1, status=status)


@given(logs())
def test_a_state_tells_how_far_the_deliberation_is(log: list[AnyEvent]) -> None:
    assert fold([]).status == "empty"
    assert {fold(log[:cut]).status for cut in range(1, len(log))} == {"running"}
    state, last = fold(log), log[-1]
    match last:
        case Complete():
            assert (state.status, state.complete, state.cancelled, state.error) == ("complete", last, None, None)
        case Cancelled():
            assert (state.status, state.complete, state.cancelled, state.error) == ("cancelled", None, last, None)
        case Failed():
            assert (state.status, state.complete, state.cancelled, state.error) == ("error", None, None, last)
        case _:
            pytest.fail("a log ends with a terminal event")


@given(logs())
def test_a_log_that_was_stored_and_read_folds_to_the_same_state(log: list[AnyEvent]) -> None:
    assert fold(decode(encode(event)) for event in log) == fold(log)
    assert json.loads(encode_value(fold(log)))["status"] == fold(log).status


def test_a_long_log_folds_whole() -> None:
    lanes = ["a", "b", "c", "d"]
    pick = random.Random(7)
    said = [(pick.choice(lanes), f"{seq} ") for seq in range(2, 10_001)]
    log = [start(*lanes), *(chunk(seq, agent_id, text) for seq, (agent_id, text) in enumerate(said, 2))]
    state = fold(log)
    assert state.cursor == 10_000
    for lane in state.lanes:
        assert lane.text == "".join(text for agent_id, text in said if agent_id == lane.agent_id)
