"""Hypothesis strategies for what the protocol is made of: JSON values, events of every type, whole logs.

Importing this module loads a profile without Hypothesis' deadline: no test of this project measures time.
"""

from typing import Any

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from magisystem.protocol.events import (
    AgentComplete,
    AgentStart,
    AnyEvent,
    Cancelled,
    Chunk,
    Complete,
    Failed,
    KnownEvent,
    Start,
    Thinking,
    Traced,
    Unknown,
    VerdictGiven,
    VoteCast,
)
from magisystem.protocol.values import (
    AgentCard,
    Authority,
    CouncilCard,
    Decision,
    LaneStatus,
    Missing,
    Mode,
    Outcome,
    Receipt,
    ReceiptLine,
    Role,
    Rule,
    Score,
    Tally,
    Trace,
    Usage,
)

settings.register_profile("magisystem", deadline=None)
settings.load_profile("magisystem")

JUDGE_ID = "solomon"

# Text that has broken codecs, framings and prompts before, beside Hypothesis' own.
texts = st.text(max_size=40) | st.sampled_from(
    [
        '"',
        "\\",
        "\r\n",
        "\n\n",
        "data: x",
        "\0",
        "\u2028\u2029\x85",
        '"":',
        "é",
        "決裁",
        "👩‍⚖️",
        "\x1b[0m",
        "</data>",
        "```",
    ]
)
ids = st.sampled_from(["caspar", "balthasar", "melchior", JUDGE_ID]) | st.text(max_size=8)
counts = st.integers(0, 2**53)
confidences = st.floats(0, 1)
costs = st.floats(0, 1e9)

json_values: SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


usages = st.builds(
    Usage,
    input_tokens=counts,
    output_tokens=counts,
    cache_read_tokens=st.none() | counts,
    cache_write_tokens=st.none() | counts,
    extra=st.just({}),
)
_cards = st.builds(
    AgentCard,
    agent_id=ids,
    name=texts,
    role=st.sampled_from(Role),
    model=texts,
    note=st.none() | texts,
    extra=st.just({}),
)
_council_cards = st.builds(
    CouncilCard,
    id=texts,
    rule=st.sampled_from(Rule),
    agents=st.lists(_cards, max_size=4, unique_by=lambda card: card.agent_id).map(tuple),
    extra=st.just({}),
)
_authorities = st.builds(
    Authority,
    voters_expected=counts,
    voters_valid=counts,
    judge=st.sampled_from(["primary", "none"]),
    rule=st.sampled_from(Rule),
    overturned=st.booleans(),
    missing=st.lists(st.builds(Missing, agent_id=ids, cause=texts, extra=st.just({})), max_size=3).map(tuple),
    extra=st.just({}),
)
_scores = st.builds(Score, agent_id=ids, score=st.integers(0, 100), reasoning=texts, extra=st.just({}))
_receipt_lines = st.builds(
    ReceiptLine,
    agent_id=ids,
    output_tokens=counts,
    estimated=st.booleans(),
    upstream_closed=st.booleans(),
    extra=st.just({}),
)
_common: dict[str, SearchStrategy[Any]] = {
    "seq": st.integers(1, 2**53),
    "timestamp": st.datetimes().map(lambda moment: moment.isoformat(timespec="milliseconds") + "Z"),
    "extra": st.just({}),
}
_of_lane = {**_common, "agent_id": ids}

# One strategy a type, so that a test can say that it met them all.
by_type: dict[type[KnownEvent], SearchStrategy[KnownEvent]] = {
    Start: st.builds(
        Start,
        **_common,
        deliberation_id=texts,
        session_id=texts,
        question=texts,
        mode=st.sampled_from(Mode),
        council=_council_cards,
    ),
    AgentStart: st.builds(AgentStart, **_of_lane, attempt=st.integers(1, 9), model=texts),
    Chunk: st.builds(Chunk, **_of_lane, content=texts),
    Thinking: st.builds(Thinking, **_of_lane, content=texts),
    Traced: st.builds(
        Traced,
        **_common,
        trace=st.builds(Trace, action=texts, details=texts, duration_ms=st.none() | counts, extra=st.just({})),
        agent_id=st.none() | ids,
    ),
    VoteCast: st.builds(
        VoteCast, **_of_lane, decision=st.sampled_from(Decision), confidence=confidences, reasoning=texts
    ),
    VerdictGiven: st.builds(
        VerdictGiven,
        **_of_lane,
        decision=st.sampled_from(Decision),
        confidence=confidences,
        summary=texts,
        reasoning=texts,
        recommendation=texts,
        scores=st.lists(_scores, max_size=3).map(tuple),
    ),
    AgentComplete: st.builds(
        AgentComplete,
        **_of_lane,
        status=st.sampled_from(LaneStatus),
        usage=usages,
        duration_ms=counts,
        cause=st.none() | texts,
        cost_usd=st.none() | costs,
    ),
    Complete: st.builds(
        Complete,
        **_common,
        outcome=st.sampled_from(Outcome),
        tally=st.builds(Tally, approved=counts, rejected=counts, abstained=counts, failed=counts, extra=st.just({})),
        authority=_authorities,
        usage=usages,
        execution_time=counts,
        chunk_count=counts,
        digest=texts,
        decision=st.none() | st.sampled_from(Decision),
        confidence=st.none() | confidences,
        cost_usd=st.none() | costs,
    ),
    Cancelled: st.builds(
        Cancelled,
        **_common,
        by=texts,
        receipt=st.builds(Receipt, agents=st.lists(_receipt_lines, max_size=3).map(tuple), extra=st.just({})),
    ),
    Failed: st.builds(Failed, **_common, error=texts, message=texts, retryable=st.booleans()),
}
known_events: SearchStrategy[KnownEvent] = st.one_of(*by_type.values())


@st.composite
def unknown_events(draw: DrawFn) -> Unknown:
    """Give an event of a type that no version knows yet, as the decoder would."""
    seq, timestamp = draw(_common["seq"]), draw(_common["timestamp"])
    name = draw(st.sampled_from(["", "omen", "agent_pause", "決"]))
    fields = draw(st.dictionaries(texts, json_values, max_size=4))
    return Unknown(
        seq=seq,
        timestamp=timestamp,
        type=name,
        fields={**fields, "type": name, "seq": seq, "timestamp": timestamp},
    )


any_events: SearchStrategy[AnyEvent] = known_events | unknown_events()


def numbered(events: list[AnyEvent]) -> list[AnyEvent]:
    """Give ``events`` with the seqs of a log: 1, 2, 3, …"""
    return [msgspec.structs.replace(event, seq=place) for place, event in enumerate(events, 1)]


@st.composite
def logs(draw: DrawFn) -> list[AnyEvent]:
    """Give a log as a deliberation writes it: `start`, the sages' lanes interleaved, the judge's, a terminal event.

    Lanes may start again, break off, or never begin; events of unknown types stand anywhere after `start`.
    """
    sages = draw(st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=3, unique=True))
    cards = [AgentCard(agent_id=sage, name=sage.upper(), role=Role.SAGE, model="embedded") for sage in sages]
    cards.append(AgentCard(agent_id=JUDGE_ID, name="SOLOMON", role=Role.JUDGE, model="embedded"))
    start = draw(by_type[Start])
    assert isinstance(start, Start)
    council = CouncilCard(id="magi", rule=Rule.JUDGE, agents=tuple(cards))
    events: list[AnyEvent] = [msgspec.structs.replace(start, council=council)]
    lanes = [draw(_lane(sage, VoteCast)) for sage in sages]
    while any(lanes):
        events.append(draw(st.sampled_from([lane for lane in lanes if lane])).pop(0))
        if draw(st.integers(0, 9)) == 0:
            events.append(draw(unknown_events()))
    events += draw(_lane(JUDGE_ID, VerdictGiven))
    events.append(draw(by_type[Complete] | by_type[Cancelled] | by_type[Failed]))
    return numbered(events)


@st.composite
def _lane(draw: DrawFn, agent_id: str, casting: type[KnownEvent]) -> list[AnyEvent]:
    events: list[AnyEvent] = []
    for attempt in range(1, draw(st.integers(0, 2)) + 1):
        events.append(AgentStart(seq=1, timestamp="", agent_id=agent_id, attempt=attempt, model="embedded"))
        events += draw(st.lists(by_type[Chunk] | by_type[Thinking] | by_type[Traced], max_size=4))
        events += draw(st.lists(by_type[casting], max_size=1))
    if events and draw(st.booleans()):
        events.append(draw(by_type[AgentComplete]))
    return [
        event if isinstance(event, Unknown) else msgspec.structs.replace(event, agent_id=agent_id) for event in events
    ]
