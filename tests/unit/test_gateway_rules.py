"""The gateway's small rules: what an ask is sent as, what of a trace goes on, when time is up, how long is waited."""

import gc
import json
import weakref
from typing import Any

import pytest
from starlette.datastructures import Headers

from magisystem.errors import InvalidRequest, RuntimeThrottled
from magisystem.gateway.asks import Ask, Reached, read_ask
from magisystem.gateway.calls import traces
from magisystem.gateway.deadline import time_left_s
from magisystem.gateway.late_refusals import LateRefusals
from magisystem.gateway.patience import BackOff, Timing


def asked(body: dict[str, Any], **headers: str) -> Ask:
    return read_ask(json.dumps(body).encode(), Headers(headers))


@pytest.mark.parametrize(
    ("body", "headers", "is_streamed"),
    [
        ({"question": "Why?"}, {}, True),
        ({"question": "Why?"}, {"accept": "text/event-stream, application/json"}, True),
        ({"question": "Why?"}, {"accept": "application/json"}, False),
        ({"question": "Why?", "stream": False}, {}, False),
        ({"question": "Why?", "detached": True}, {}, False),
        ({"question": "Why?"}, {"prefer": "wait=5, respond-async"}, False),
        ({"action": "resume", "deliberationId": "d", "after": 3}, {}, True),
        ({"action": "resume", "deliberationId": "d", "stream": False}, {}, False),
        ({"action": "probe", "seconds": 4}, {}, True),
        ({"action": "list"}, {}, False),
        ({"action": 7}, {}, False),
        ({"action": "resume", "deliberationId": 7, "after": "x", "stream": "no"}, {}, False),
    ],
)
def test_what_the_headers_say_stands_in_the_body_that_is_sent(
    body: dict[str, Any],
    headers: dict[str, str],
    is_streamed: bool,  # noqa: FBT001 - a column of the table
) -> None:
    ask = asked(body, **headers)
    sent = json.loads(ask.body())
    assert ask.is_streamed is is_streamed
    assert {name: sent[name] for name in body} == body
    if "accept" in headers and not is_streamed:
        assert sent["stream"] is False
    if "prefer" in headers:
        assert sent["detached"] is True
    assert ("idempotencyKey" in sent) == ("action" not in body)


def test_a_starts_own_key_is_kept_and_null_counts_as_none() -> None:
    assert json.loads(asked({"question": "q", "idempotencyKey": "mine"}).body())["idempotencyKey"] == "mine"
    one, other = (json.loads(asked({"question": "q", "idempotencyKey": None}).body()) for _ in range(2))
    assert one["idempotencyKey"] != other["idempotencyKey"]
    ask = asked({"question": "q"})
    assert ask.body() == ask.body() == ask.rest(Reached())


def test_what_is_not_read_is_sent_as_it_came() -> None:
    body = b'{"question":"\\ud83e\\uddd9","big":123456789012345678901234567890,"x":{"b":1.50,"a":[ ]},"sessionId":null}'
    ask = read_ask(body, Headers({"idempotency-key": "k"}))
    assert ask.body() == body[:-1] + b',"idempotencyKey":"k"}'


def test_the_rest_is_asked_for_by_a_deliberations_id_and_of_a_probe_by_its_own_cursor() -> None:
    start = asked({"question": "q"})
    assert json.loads(start.rest(Reached(7, "d"))) == {"action": "resume", "deliberationId": "d", "after": 7}
    assert start.page(Reached()) is None
    probe = asked({"action": "probe", "seconds": 40, "after": 2})
    assert json.loads(probe.rest(Reached(9))) == {"action": "probe", "seconds": 40, "after": 9}
    assert (probe.reached.after, json.loads(probe.rest(Reached(9, started_at=5)))["startedAt"]) == (2, 5)
    page = probe.page(Reached(9))
    assert page is not None
    assert json.loads(page) == {"action": "probe", "seconds": 40, "after": 9, "stream": False, "wait": 0}


@pytest.mark.parametrize("body", [b"", b"null", b'"x"', b"{", b"[" * 50_000, b"{'a':1}"])
def test_what_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidRequest):
        read_ask(body, Headers({}))


XRAY = "Root=1-5759e988-bd862e3fe1be46a994272793"


@pytest.mark.parametrize(
    ("header", "goes_on"),
    [
        (f"{XRAY};Sampled=1", True),
        (f"{XRAY};Parent=53995c3f42cd8ad8;Sampled=1;Lineage=1", True),
        (f"{XRAY};Sampled=0", False),
        (f"{XRAY};Sampled=10", False),
        (XRAY, False),
        (f"{XRAY};Sampled=1;{'x' * 128}", False),
        (f"{XRAY};Sampled=1;é", False),
    ],
)
def test_a_trace_goes_on_only_where_it_is_recorded(header: str, goes_on: bool) -> None:  # noqa: FBT001 - a column
    assert bool(traces(Headers({"x-amzn-trace-id": header}))) is goes_on


def test_lambdas_deadline_counts_on_lambda_alone_and_leaves_time_for_the_last_words() -> None:
    timing = Timing(spare_s=5.0)

    def left(platform: Any, context: str) -> float | None:
        return time_left_s(platform, Headers({"x-amzn-lambda-context": context}), timing, now_s=lambda: 1_000.0)

    assert left("lambda", '{"request_id":"r","deadline":1100000}') == 95.0
    assert left("lambda", '{"deadline":1004000}') == 2.0
    assert left("lambda", '{"deadline":1000}') == 0.0
    assert [left("lambda", context) for context in ("", "{", "{}", '{"deadline":"soon"}')] == [None] * 4
    assert [left(platform, '{"deadline":1100000}') for platform in ("local", "container", "agentcore")] == [None] * 3


def test_pauses_grow_up_to_a_bound_are_never_less_than_is_asked_for_and_end() -> None:
    now_s = 0.0
    back_off = BackOff(Timing(back_off_s=1.0, longest_back_off_s=4.0), 100.0, now=lambda: now_s)
    for longest_s in (1.0, 2.0, 4.0, 4.0):
        pause_s = back_off.failed(at_least_s=10.0)
        assert pause_s is not None
        assert 10.0 <= pause_s <= 10.0 + longest_s
    assert back_off.failed(at_least_s=100.0) is None
    now_s = 100.0
    assert back_off.failed() is None
    back_off.succeeded()
    assert back_off.failed() is not None


def test_a_late_refusal_that_is_kept_holds_nothing_of_its_request() -> None:
    class Request:
        pass

    def fail() -> None:
        request = Request()
        requests.append(weakref.ref(request))
        try:
            set[Request]().remove(request)
        except KeyError as error:
            raise RuntimeThrottled from error

    requests: list[weakref.ref[Request]] = []
    late = LateRefusals()
    try:
        fail()
    except RuntimeThrottled as refusal:
        late.keep(b"one", refusal)
    gc.collect()
    assert requests[0]() is None
    with pytest.raises(RuntimeThrottled):
        late.raise_kept(b"one")


def test_a_late_refusal_is_told_once_to_who_asks_the_same_in_time() -> None:
    now_s = 0.0
    late = LateRefusals(now=lambda: now_s)
    late.keep(b"one", RuntimeThrottled())
    late.raise_kept(b"other")
    with pytest.raises(RuntimeThrottled):
        late.raise_kept(b"one")
    late.raise_kept(b"one")
    late.keep(b"one", RuntimeThrottled())
    now_s = 31.0
    late.raise_kept(b"one")
    for number in range(1_000):
        late.keep(b"%d" % number, RuntimeThrottled())
    late.raise_kept(b"743")
    with pytest.raises(RuntimeThrottled):
        late.raise_kept(b"744")
