"""Server-sent events: however the bytes arrive, the same frames come out."""

import re
import tracemalloc
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.support.strategies import logs

from magisystem.protocol.codec import encode
from magisystem.protocol.events import AnyEvent
from magisystem.protocol.sse import KEEP_ALIVE, MAX_FRAME_BYTES, PRELUDE, Frame, FrameDecoder, FrameTooLarge, frame

# Streams made of what frames are made of, so that most of them hold some.
streams = st.lists(
    st.sampled_from(
        ["\n", "\r", "\r\n", "\n\n", "data", "data:", "data: ", "id:", "id: 7", "id", "event: x", "retry: 5", ":", " "]
    ).map(str.encode)
    | st.sampled_from([b"x", b"\0", b"\xff", "決".encode(), b"\xef\xbb\xbf", b'{"a":1}']),
    max_size=24,
).map(b"".join)


def pieces_of(stream: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({0, len(stream), *(cut % (len(stream) + 1) for cut in cuts)})
    return [stream[a:b] for a, b in pairwise(places)]


def frames_of(*pieces: bytes) -> list[Frame]:
    decoder = FrameDecoder()
    return [received for piece in pieces for received in decoder.feed(piece)]


def feed(decoder: FrameDecoder, stream: bytes, piece_bytes: int) -> list[Frame]:
    places = range(0, len(stream), piece_bytes)
    return [received for place in places for received in decoder.feed(stream[place : place + piece_bytes])]


def frames_by_the_standard(stream: bytes) -> list[Frame]:
    """Parse a whole stream by the letter of WHATWG HTML, "Interpreting an event stream"."""
    text = stream.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace")
    lines = re.split(r"\r\n|\n|\r", text)[:-1]
    frames: list[Frame] = []
    data, last_id = "", None
    for line in lines:
        if line == "":
            if data:
                frames.append(Frame(data.removesuffix("\n"), last_id))
            data = ""
        elif not line.startswith(":"):
            field, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if field == "data":
                data += value + "\n"
            elif field == "id" and "\0" not in value:
                last_id = value
    return frames


@given(stream=streams, cuts=st.lists(st.integers(0, 10_000), max_size=8))
@example(stream=b"data: x\r\r", cuts=[])
@example(stream=b"data: x\r\n\r\ndata: y\r\n\r\n", cuts=[8, 9, 10, 11])
@example(stream=b"\xef\xbb\xbfdata: x\n\n", cuts=[1, 2])
def test_frames_are_those_of_the_standard_however_the_stream_is_cut(stream: bytes, cuts: list[int]) -> None:
    assert frames_of(*pieces_of(stream, cuts)) == frames_by_the_standard(stream)


@given(streams)
def test_a_stream_that_comes_byte_by_byte_gives_the_same_frames(stream: bytes) -> None:
    assert feed(FrameDecoder(), stream, 1) == frames_of(stream)


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_each_line_end_of_the_standard_is_taken(end: bytes) -> None:
    stream = end.join([b": note", b"id: 3", b"data: a", b"data: b", b"", b"data:c", b"", b""])
    assert frames_of(stream) == [Frame("a\nb", "3"), Frame("c", "3")]


def test_a_frame_that_ends_in_cr_is_given_before_anything_follows() -> None:
    decoder = FrameDecoder()
    assert list(decoder.feed(b"data: x\r\r")) == [Frame("x", None)]
    assert list(decoder.feed(b"\ndata: y\r\n\r")) == [Frame("y", None)]


def test_an_empty_piece_changes_nothing_even_within_a_line_end() -> None:
    assert frames_of(b"data: a\r", b"", b"\ndata: b\n\n") == [Frame("a\nb", None)]


def test_one_space_after_the_colon_is_taken_off_and_no_other() -> None:
    assert frames_of(b"data:  a \ndata:b\n\n") == [Frame(" a \nb", None)]


def test_comments_other_fields_and_frames_without_data_give_nothing() -> None:
    assert frames_of(PRELUDE, KEEP_ALIVE, b"event: x\nretry: 1\nid: 4\n\n", b":\n\n", b"database: x\n\n") == []


def test_an_id_stays_in_force_until_another_comes() -> None:
    stream = b"data: a\n\nid: 1\ndata: b\n\ndata: c\n\nid: 2\0\ndata: d\n\nid\ndata: e\n\n"
    assert [received.id for received in frames_of(stream)] == [None, "1", "1", "1", ""]


def test_an_unfinished_frame_is_not_given() -> None:
    assert frames_of(b"data: a\n\ndata: b\n") == [Frame("a", None)]


@given(log=logs(), cuts=st.lists(st.integers(0, 100_000), max_size=8))
def test_written_events_are_received_one_frame_each_with_their_seq_as_id(log: list[AnyEvent], cuts: list[int]) -> None:
    bodies = [encode(event) for event in log]
    stream = PRELUDE + KEEP_ALIVE.join(frame(event.seq, body) for event, body in zip(log, bodies, strict=True))
    received = frames_of(*pieces_of(stream, cuts))
    assert [(one.id, one.data.encode()) for one in received] == [
        (str(event.seq), body) for event, body in zip(log, bodies, strict=True)
    ]


def test_a_frame_is_written_with_lf_only() -> None:
    assert frame(12, b'{"a":1}') == b'id: 12\ndata: {"a":1}\n\n'


def test_the_prelude_is_one_comment_of_at_least_a_kibibyte() -> None:
    assert len(PRELUDE) >= 1024
    assert re.fullmatch(rb":[^\r\n]*\n\n", PRELUDE)
    assert re.fullmatch(rb":[^\r\n]*\n\n", KEEP_ALIVE)


@given(streams, st.lists(st.integers(0, 10_000), max_size=8))
def test_every_byte_is_counted_even_where_nobody_takes_the_frames(stream: bytes, cuts: list[int]) -> None:
    decoder = FrameDecoder()
    for piece in pieces_of(stream, cuts):
        decoder.feed(piece)
    assert decoder.received_bytes == len(stream)


def test_a_long_line_in_small_pieces_is_not_copied_again_for_every_piece() -> None:
    # Copying what has come so far for each of 80,000 pieces would move 300 GiB: the test's time limit would end it.
    data = b"x" * (8 * 1024 * 1024)
    (received,) = feed(FrameDecoder(), frame(1, data), 100)
    assert received == Frame(data.decode(), "1")


@pytest.mark.parametrize("line", [b"data: ", b": ", b"", b"x"])
@pytest.mark.parametrize("piece_bytes", [1, 7, 1_000])
def test_a_line_without_end_is_refused_at_the_limit(line: bytes, piece_bytes: int) -> None:
    decoder = FrameDecoder(limit_bytes=500)
    stream = line + b"x" * 1_000
    with pytest.raises(FrameTooLarge) as refused:
        feed(decoder, stream, piece_bytes)
    assert refused.value.limit_bytes == 500
    assert isinstance(refused.value, ValueError)


@pytest.mark.parametrize("piece_bytes", [1, 7, 10_000])
def test_a_frame_of_endless_data_lines_is_refused_at_the_limit(piece_bytes: int) -> None:
    decoder = FrameDecoder(limit_bytes=500)
    stream = b"data\n" * 200
    with pytest.raises(FrameTooLarge):
        feed(decoder, stream, piece_bytes)


@pytest.mark.parametrize("piece_bytes", [1, 7, 10_000])
def test_frames_and_comments_within_the_limit_may_go_on_for_ever(piece_bytes: int) -> None:
    decoder = FrameDecoder(limit_bytes=500)
    stream = b": keep-alive\n" * 100 + (b"data: " + b"x" * 200 + b"\n") * 2 + b"\n"
    received = [one for _ in range(3) for one in feed(decoder, stream, piece_bytes)]
    assert received == 3 * [Frame("x" * 200 + "\n" + "x" * 200, None)]


def test_memory_is_bounded_where_no_limit_is_named() -> None:
    decoder = FrameDecoder()
    endless = b"x" * (MAX_FRAME_BYTES + 1)
    tracemalloc.start()
    try:
        with pytest.raises(FrameTooLarge):
            feed(decoder, endless, 65_536)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 64 * 1024 * 1024
