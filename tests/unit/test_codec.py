"""The codec: what is written can be read, and what is not understood is handed on."""

import json
from typing import Any, cast

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.support.strategies import any_events, by_type, json_values, known_events, logs, texts

from magisystem.protocol import events, values
from magisystem.protocol.codec import MAX_DEPTH, MalformedEvent, decode, encode, encode_value, well_formed
from magisystem.protocol.events import AnyEvent, Chunk, KnownEvent, Unknown
from magisystem.protocol.fold import fold

CHUNK: dict[str, Any] = {
    "type": "chunk",
    "seq": 7,
    "timestamp": "2025-01-02T03:04:05.678Z",
    "agentId": "caspar",
    "content": "Hm.",
}
WIRE_NAMES = {"type"} | {
    field.encode_name
    for module in (events, values)
    for kind in vars(module).values()
    if isinstance(kind, type) and issubclass(kind, values.Value)
    for field in msgspec.structs.fields(kind)
    if field.encode_name
}
foreign_names = (
    texts | st.sampled_from(["", "extra", "agent_id", "duration_ms", "tag", "新しい", "\u2028", "\0"])
).filter(lambda name: name not in WIRE_NAMES)
foreign_fields = st.dictionaries(foreign_names, json_values, min_size=1, max_size=3)


def canonical(value: Any) -> str:
    """Tell JSON values apart as JSON does: 1 is not 1.0 and not true."""
    return json.dumps(value, sort_keys=True)


def objects_in(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, dict):
        fields = cast("dict[str, Any]", value)
        return [fields, *(found for item in fields.values() for found in objects_in(item))]
    if isinstance(value, list):
        return [found for item in cast("list[Any]", value) for found in objects_in(item)]
    return []


def nested(depth: int) -> str:
    return "[" * depth + "]" * depth


@pytest.mark.parametrize("kind", by_type, ids=lambda kind: kind.__name__)
@given(data=st.data())
def test_an_event_that_is_encoded_and_decoded_is_the_same_event(kind: type[KnownEvent], data: st.DataObject) -> None:
    event = data.draw(by_type[kind])
    decoded = decode(encode(event))
    assert type(decoded) is kind
    assert decoded == event


def test_the_strategies_know_every_type_of_event() -> None:
    assert set(by_type) == set(KnownEvent.__args__)


@given(known_events)
def test_an_event_without_unknown_fields_takes_one_pass_each_way(event: KnownEvent) -> None:
    body = encode(event)
    assert body == encode(decode(body))
    assert msgspec.json.decode(body, type=KnownEvent) == event
    # Nothing but a line's end of some other alphabet is written in another way than msgspec writes it.
    assert msgspec.json.encode(event) == body or any(escape in body for escape in (b"\\u2028", b"\\u2029", b"\\u0085"))


@given(any_events)
def test_an_event_is_the_same_whether_it_is_read_from_bytes_or_from_text(event: AnyEvent) -> None:
    body = encode(event)
    assert decode(body) == decode(body.decode()) == event


@given(event=known_events, data=st.data())
def test_unknown_fields_at_every_level_are_carried_over_as_they_were(event: KnownEvent, data: st.DataObject) -> None:
    fields = json.loads(encode(event))
    # All objects of an event are protocol values, so each may have grown fields in a newer version.
    for place in data.draw(st.lists(st.sampled_from(objects_in(fields)), min_size=1, max_size=4)):
        place.update(data.draw(foreign_fields))
    separators = data.draw(st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", " : "), ("\t,", "\r\n:")]))
    body = json.dumps(fields, ensure_ascii=data.draw(st.booleans()), separators=separators)

    decoded = decode(body)

    assert type(decoded) is type(event)
    assert canonical(json.loads(encode(decoded))) == canonical(fields)
    assert decode(encode(decoded)) == decoded


@pytest.mark.parametrize("value", [1, {}, {"agentId": "z"}, {"": {"": 1}}, [], None, ""])
@pytest.mark.parametrize("gap", ["", " ", "\n\t"])
def test_a_field_whose_name_is_empty_is_carried_over_under_that_name(value: Any, gap: str) -> None:
    body = json.dumps({**CHUNK, "": value}).replace('"":', f'""{gap}:')
    decoded = decode(body)
    assert isinstance(decoded, Chunk)
    assert decoded.extra == {"": value}
    assert json.loads(encode(decoded)) == {**CHUNK, "": value}


def test_a_field_that_only_another_type_has_is_carried_over() -> None:
    fields = {**CHUNK, "reasoning": "x", "usage": {"inputTokens": "many"}}
    assert json.loads(encode(decode(json.dumps(fields)))) == fields


@pytest.mark.parametrize(
    "path", [["usage"], ["tally"], ["authority"], ["authority", "missing", 0], ["receipt", "agents", 0]]
)
def test_a_field_unknown_to_a_nested_value_does_not_leave_its_place(path: list[str | int]) -> None:
    tally = {"approved": 1, "rejected": 1, "abstained": 1, "failed": 0}
    authority = {
        "votersExpected": 3,
        "votersValid": 3,
        "judge": "none",
        "rule": "judge",
        "overturned": False,
        "missing": [{"agentId": "solomon", "cause": "model_late"}],
    }
    line = {"agentId": "caspar", "outputTokens": 5, "estimated": True, "upstreamClosed": True}
    head = {"seq": 9, "timestamp": "t"}
    usage = {"inputTokens": 1, "outputTokens": 2}
    complete = {
        **head,
        "type": "complete",
        "outcome": "inconclusive",
        "tally": tally,
        "authority": authority,
        "usage": usage,
        "executionTime": 5,
        "chunkCount": 1,
        "digest": "sha256:",
    }
    cancelled = {**head, "type": "cancelled", "by": "owner", "receipt": {"agents": [line]}}
    fields: dict[str, Any] = cancelled if path[0] == "receipt" else complete
    place: Any = fields
    for step in path:
        place = place[step]
    place["new"] = {"deep": [1, 2.0, None]}
    assert canonical(json.loads(encode(decode(json.dumps(fields))))) == canonical(fields)


@given(any_events)
def test_an_event_of_an_unknown_type_is_carried_over_as_it_was(event: AnyEvent) -> None:
    fields = {**json.loads(encode(event)), "type": "omen"}
    decoded = decode(json.dumps(fields))
    assert isinstance(decoded, Unknown)
    assert (decoded.seq, decoded.timestamp, decoded.type) == (event.seq, event.timestamp, "omen")
    assert canonical(json.loads(encode(decoded))) == canonical(fields)


@given(any_events)
def test_an_encoded_event_is_one_line_of_utf8_without_white_space_around_it(event: AnyEvent) -> None:
    body = encode(event)
    assert not {b"\n", b"\r", b"\0"} & {bytes([byte]) for byte in body}
    assert body.decode() == body.decode().strip()


def test_names_on_the_wire_are_in_camel_case_and_absent_values_are_left_out() -> None:
    fields = {
        "type": "agent_complete",
        "seq": 7,
        "timestamp": "t",
        "agentId": "caspar",
        "status": "voted",
        "usage": {"inputTokens": 1, "outputTokens": 2},
        "durationMs": 3,
    }
    assert json.loads(encode(decode(json.dumps({**fields, "cause": None, "costUsd": None})))) == fields


@given(st.binary(max_size=60) | st.text(max_size=60))
@example(b"\xff")
@example("\ud800")
@example(b"")
@example(b"null")
@example(b"[]")
@example(b"[" * 100_000)
@example(b'{"a":' * 100_000)
@example(b'{"type":' + b"9" * 10_000 + b"}")
def test_what_is_no_event_is_malformed_whatever_it_is(body: bytes | str) -> None:
    with pytest.raises(MalformedEvent):
        decode(body)


@given(known_events, st.data())
def test_an_event_cut_off_or_with_a_byte_changed_is_read_or_malformed(event: KnownEvent, data: st.DataObject) -> None:
    body = encode(event)
    place = data.draw(st.integers(0, len(body) - 1))
    with pytest.raises(MalformedEvent):
        decode(body[:place])
    changed = body[:place] + data.draw(st.binary(max_size=2)) + body[place + 1 :]
    try:
        decoded = decode(changed)
    except MalformedEvent:
        return
    assert decode(encode(decoded)) == decoded


MISFITS: list[dict[str, Any]] = [
    {"type": None},
    {"type": 5},
    {"seq": "7"},
    {"seq": True},
    {"seq": 7.0},
    {"seq": None},
    {"agentId": None},
    {"content": 5},
    {"content": ["Hm."]},
    {"timestamp": 0},
    {"type": "omen", "seq": "7"},
    {"type": "omen", "timestamp": None},
    {"type": "trace", "trace": "x"},
    {"type": "trace", "trace": [[]]},
    {"type": "trace", "trace": {"action": "x"}},
    {"type": "vote", "decision": "MAYBE", "confidence": 1, "reasoning": ""},
    {"type": "vote", "decision": "APPROVED", "confidence": True, "reasoning": ""},
]


@pytest.mark.parametrize("changes", MISFITS, ids=str)
def test_a_known_field_of_the_wrong_form_is_malformed_with_unknown_fields_and_without(changes: dict[str, Any]) -> None:
    for more in ({}, {"new": 1}, {"": 1}):
        with pytest.raises(MalformedEvent):
            decode(json.dumps({**CHUNK, **changes, **more}))


@pytest.mark.parametrize("name", CHUNK)
def test_a_missing_field_is_malformed(name: str) -> None:
    with pytest.raises(MalformedEvent):
        decode(json.dumps({key: value for key, value in CHUNK.items() if key != name}))


@pytest.mark.parametrize("kind", ["chunk", "omen"])
@pytest.mark.parametrize(
    "value",
    [
        b'"\xff"',
        b'"\xed\xa0\x80"',
        b'"\\ud800"',
        b"1e400",
        b"-1e999999999",
        b"9" * 10_000,
        b"NaN",
        nested(MAX_DEPTH).encode(),
        nested(100_000).encode(),
        b'{"a":' * MAX_DEPTH + b"1" + b"}" * MAX_DEPTH,
    ],
    ids=lambda value: repr(value[:20]),
)
def test_an_unknown_field_that_cannot_be_carried_over_is_malformed(kind: str, value: bytes) -> None:
    body = json.dumps({**CHUNK, "type": kind}).encode()
    with pytest.raises(MalformedEvent):
        decode(body[:-1] + b',"new":' + value + b"}")


@pytest.mark.parametrize("place", ["council", "usage", "scores"])
def test_deep_nesting_in_a_known_field_is_malformed(place: str) -> None:
    for depth in (MAX_DEPTH, 900, 100_000):
        with pytest.raises(MalformedEvent):
            decode(json.dumps({**CHUNK, "type": "verdict"})[:-1] + f',"{place}":{nested(depth)}}}')


@pytest.mark.parametrize("value", ["123456789012345678901234567890", "-0.0", "5e-324", "1.7976931348623157e308", "1.0"])
def test_a_number_at_the_edge_is_carried_over_exactly(value: str) -> None:
    body = encode(decode(json.dumps(CHUNK)[:-1] + f',"new":{value}}}'))
    assert repr(json.loads(body)["new"]) == repr(json.loads(value))


def test_what_was_decoded_can_be_encoded_deep_in_the_stack() -> None:
    event = decode(json.dumps(CHUNK)[:-1] + f',"new":{nested(MAX_DEPTH - 1)}}}')

    def descend(levels: int) -> bytes:
        return descend(levels - 1) if levels else encode(event)

    assert b"new" in descend(600)


@given(logs())
def test_a_folded_state_is_encoded_with_the_same_rules(log: list[AnyEvent]) -> None:
    state = json.loads(encode_value(fold(log)))
    assert state["cursor"] == len(log)
    assert [lane["agentId"] for lane in state["lanes"]] == [
        card["agentId"] for card in state["start"]["council"]["agents"]
    ]


@given(log=logs(), name=foreign_names)
def test_a_folded_state_hands_on_the_unknown_fields_of_the_events_in_it(log: list[AnyEvent], name: str) -> None:
    first = {**json.loads(encode(log[0])), name: 1}
    state = json.loads(encode_value(fold([decode(json.dumps(first)), *log[1:]])))
    assert canonical(state["start"]) == canonical(first)


@given(st.text(st.characters() | st.characters(categories=["Cs"]), max_size=12))
@example("\ud83d")
@example("\ud83d\ude00")
def test_text_with_half_a_surrogate_pair_is_mended_and_does_not_fail(text: str) -> None:
    event = Chunk(seq=1, timestamp="t", agent_id="caspar", content=text, extra={"new": [text]})
    decoded = decode(encode(event))
    assert isinstance(decoded, Chunk)
    assert decoded.content == well_formed(text)
    assert decoded.extra == {"new": [well_formed(text)]}


def test_halves_of_a_surrogate_pair_that_met_are_joined_and_a_lone_one_is_replaced() -> None:
    assert well_formed("a\ud83d\ude00b\ud83dc") == "a😀b\ufffdc"


@given(st.text())
def test_well_formed_text_stays_as_it_is(text: str) -> None:
    assert well_formed(text) == text


@pytest.mark.parametrize("line_end", ["\u2028", "\u2029", "\x85", "\n", "\r", "\x0b", "\x0c", "\x1c", "\x1e"])
def test_no_line_reader_finds_an_end_within_an_event(line_end: str) -> None:
    event = Chunk(seq=1, timestamp="2026-01-01T00:00:00.000Z", agent_id="caspar", content=f"a{line_end}b")
    body = encode(event)
    assert len(body.decode().splitlines()) == 1
    assert decode(body) == event
