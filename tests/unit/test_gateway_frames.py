"""What may leave the gateway: whole frames, each once, without a gap, however the bytes come."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from magisystem.gateway.asks import Reached
from magisystem.gateway.frames import FrameCutter
from magisystem.protocol.sse import KEEP_ALIVE, PRELUDE, frame


def event(seq: int, kind: str = "chunk", **fields: str) -> bytes:
    inner = "".join(f',"{name}":"{value}"' for name, value in fields.items())
    return frame(seq, f'{{"type":"{kind}","seq":{seq}{inner}}}'.encode())


WHOLE = [
    event(1, "start", deliberationId="d-1"),
    *(event(seq, content="é日\\n\\n") for seq in range(2, 9)),
    event(9, "complete"),
]
STREAM = PRELUDE + KEEP_ALIVE.join(WHOLE) + KEEP_ALIVE


def cuts(stream: bytes) -> st.SearchStrategy[list[bytes]]:
    places = st.lists(st.integers(0, len(stream)), max_size=30).map(sorted)
    return places.map(lambda at: [stream[i:j] for i, j in zip([0, *at], [*at, len(stream)], strict=True)])


@given(cuts(STREAM))
def test_all_frames_come_in_their_own_bytes_however_the_stream_is_cut(pieces: list[bytes]) -> None:
    cutter = FrameCutter(Reached())
    given_ = [cutter.feed(piece) for piece in pieces]
    assert b"".join(given_) == b"".join(WHOLE)
    assert all(part == b"" or part.endswith(b"\n\n") for part in given_)
    assert (cutter.cursor, cutter.is_ended, cutter.fault) == (9, True, "")
    assert cutter.reached == Reached(9, "d-1")


@given(st.lists(st.integers(0, len(STREAM)), max_size=6))
def test_streams_that_break_anywhere_come_to_the_same_as_one_that_does_not(breaks: list[int]) -> None:
    cutter = FrameCutter(Reached())
    received = b""
    for place in [*breaks, len(STREAM)]:
        # A stream that is resumed from the cursor, or one that is begun again from its beginning.
        stream = PRELUDE + b"".join(WHOLE[cutter.cursor :]) if place % 2 else STREAM
        cutter.renew()
        if not cutter.is_ended:
            received += cutter.feed(stream[: place if place < len(STREAM) else None])
    assert received == b"".join(WHOLE)


def test_what_has_been_given_is_passed_over_where_a_stream_begins_anew() -> None:
    cutter = FrameCutter(Reached())
    given_ = cutter.feed(b"".join(WHOLE[:4]) + WHOLE[4][:9])
    cutter.renew()
    assert given_ + cutter.feed(STREAM) == b"".join(WHOLE)
    assert cutter.is_ended


@pytest.mark.parametrize(
    ("frames", "cursor", "fault"),
    [
        ([event(1), event(3)], 1, "event 2 is missing"),
        ([event(1), b"data: {}\n\n", event(2)], 1, "what came is no event"),
        ([event(1), b'id: 2\ndata: {"type":7}\n\n'], 1, "what came is no event"),
        ([event(1), b"id: 2\ndata: \xff\n\n"], 1, "what came is no event"),
        ([event(1), b"id: 2\ndata: {}\ndata: {}\n\n"], 1, "what came is no event"),
        ([event(1), b"event: error\ndata: {}\n\n"], 1, "what came is no event"),
        ([event(1), b"id: x\ndata: {}\n\n"], 1, "what came is no event"),
    ],
)
def test_after_a_fault_nothing_more_is_given(frames: list[bytes], cursor: int, fault: str) -> None:
    cutter = FrameCutter(Reached())
    assert cutter.feed(b"".join(frames)) == event(1)
    assert (cutter.cursor, cutter.fault) == (cursor, fault)


def test_nothing_is_given_after_the_terminal_frame() -> None:
    for kind in ("complete", "cancelled", "error", "probe_end"):
        cutter = FrameCutter(Reached())
        assert cutter.feed(event(1, kind) + event(2)) == event(1, kind)
        assert cutter.is_ended


def test_a_frame_without_end_is_a_fault_and_takes_no_more_memory_than_the_limit() -> None:
    cutter = FrameCutter(Reached(), limit_bytes=1_000)
    assert cutter.feed(b"id: 1\ndata: " + b"x" * 900) == b""
    assert cutter.fault == ""
    assert cutter.feed(b"x" * 200) == b""
    assert cutter.fault == "a frame of more than 1,000 bytes"


@given(st.sampled_from([b"\r\n", b"\r"]).flatmap(lambda end: cuts(STREAM.replace(b"\n", end))))
def test_other_line_ends_of_the_format_come_out_as_ours(pieces: list[bytes]) -> None:
    cutter = FrameCutter(Reached())
    assert b"".join([cutter.feed(piece) for piece in pieces]) == b"".join(WHOLE)
    assert cutter.is_ended
