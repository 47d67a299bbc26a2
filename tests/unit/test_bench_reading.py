"""What the benchmark's generator makes of a system's bytes: a figure is worth as much as the failures it counts."""

import re
from collections.abc import Iterable

import pytest
from benchmarks.hot_path.reading import Answer, Seen, wrong_with
from benchmarks.hot_path.survival import Quantile, quantile

from magisystem.protocol.codec import encode
from magisystem.protocol.events import Chunk, Failed
from magisystem.protocol.sse import PRELUDE, frame

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
END = b"0\r\n\r\n"
LAST_WORDS = re.compile(rb'"complete": ?true')
SENT_S = 10.0


def chunked(*contents: bytes) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(content), content) for content in contents)


def said(lane: int, at_ms: int) -> bytes:
    return b'data: {"text":"[t:%d:%d]The "}\n\n' % (lane, 1000 * at_ms)


FOUR_LANES = [said(lane, 10_200) for lane in (7, 8, 9, 10)]
WHOLE = HEAD + chunked(*FOUR_LANES, b'data: {"complete":true}\n\n') + END


def read(pieces: Iterable[bytes], at_s: float = 10.25) -> tuple[Answer, Seen]:
    answer, seen = Answer(SENT_S, last_words=LAST_WORDS), Seen()
    for piece in pieces:
        answer.feed(piece, at_s, seen)
    return answer, seen


def test_a_whole_answer_is_no_failure_and_keeps_its_connection():
    answer, seen = read([WHOLE])

    assert answer.is_over
    assert answer.is_connection_kept
    assert not answer.failure
    # Of the three sages; the judge's is no first token of the deliberation's.
    assert seen.first_s == pytest.approx([0.05] * 3)


@pytest.mark.parametrize("n_bytes", [1, 2, 7, 31])
def test_an_answer_in_pieces_is_the_same_answer(n_bytes: int):
    answer, seen = read(WHOLE[at : at + n_bytes] for at in range(0, len(WHOLE), n_bytes))

    assert answer.is_over
    assert not answer.failure
    assert len(seen.first_s) == 3


@pytest.mark.parametrize("n_bytes", [0, 10, len(HEAD), len(HEAD) + 20, len(WHOLE) - len(END), len(WHOLE) - 1])
def test_an_answer_that_is_cut_is_a_failure(n_bytes: int):
    answer, _ = read([WHOLE[:n_bytes]] if n_bytes else [])
    assert not answer.is_over

    answer.closed()

    assert answer.is_over
    assert answer.failure


def test_an_answer_without_a_length_ends_with_its_connection():
    answer, _ = read([b"HTTP/1.0 200 OK\r\n\r\n" + b"".join(FOUR_LANES) + b'data: {"complete": true}\n\n'])
    answer.closed()

    assert not answer.failure


@pytest.mark.parametrize(
    ("body", "failure"),
    [
        (HEAD + chunked(*FOUR_LANES[:3], b'data: {"complete":true}\n\n') + END, "3 lanes spoke"),
        (HEAD + chunked(*FOUR_LANES, b'data: {"error":"throttled"}\n\n') + END, "not completed"),
        (HEAD + END, "0 lanes spoke"),
        (b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n", "HTTP 503"),
    ],
)
def test_an_answer_that_is_not_what_was_asked_for_is_a_failure(body: bytes, failure: str):
    answer, _ = read([body])

    assert answer.is_over
    assert answer.failure == failure


def test_later_stamps_are_delays_and_what_is_said_twice_counts_once():
    _, seen = read([HEAD + chunked(said(7, 10_200), said(7, 10_240), said(7, 10_200), said(7, 10_240))])

    assert len(seen.first_s) == 1
    assert seen.delay_s == pytest.approx([0.01])


def body_of(*events: bytes) -> list[bytes]:
    return [b"\r\n" + chunked(PRELUDE, *events) + END]


def test_a_body_is_held_to_contiguous_events_and_one_that_is_terminal():
    chunk = encode(Chunk(seq=1, timestamp="2026-01-01T00:00:00.000Z", agent_id="caspar", content="The "))
    end = encode(Failed(seq=2, timestamp="2026-01-01T00:00:00.000Z", error="interrupted", message="", retryable=True))

    assert not wrong_with(body_of(frame(1, chunk), frame(2, end)))
    assert wrong_with(body_of(frame(1, chunk), frame(3, end)))
    assert wrong_with(body_of(frame(1, chunk), frame(2, chunk)))
    assert wrong_with(body_of(frame(1, end), frame(2, end)))


def test_what_is_not_over_counts_as_longer():
    done = [float(n) for n in range(1, 11)]

    assert quantile(done, [], 0.5) == Quantile(5000.0)
    assert quantile(done, [20.0] * 10, 0.5) == Quantile(10_000.0)
    assert quantile(done, [20.0] * 11, 0.5) == Quantile(20_000.0, is_at_least=True)
    # What has only begun says nothing of those that took longer.
    assert quantile(done, [0.0] * 10, 0.5) == Quantile(5000.0)
    assert quantile([], [], 0.5) is None
