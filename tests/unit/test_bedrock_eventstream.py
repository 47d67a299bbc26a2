"""The decoder of Bedrock's frames: whole, split, flipped and cut short."""

import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.bedrock import frame

from magisystem.errors import ModelFrameCorrupt, ModelFrameCut
from magisystem.models.bedrock.eventstream import EventStreamDecoder, Message

HEADERS = st.dictionaries(st.text(min_size=1, max_size=20), st.text(max_size=40), max_size=4)
MESSAGES = st.lists(st.tuples(HEADERS, st.binary(max_size=200)), min_size=1, max_size=6)
A_FRAME = frame({":event-type": "contentBlockDelta", ":message-type": "event"}, b'{"delta":{"text":"yes"}}')


def decode(*chunks: bytes) -> list[Message]:
    decoder = EventStreamDecoder()
    messages = [message for chunk in chunks for message in decoder.feed(chunk)]
    decoder.finish()
    return messages


def framed(n_headers: int, payload: bytes, headers: bytes, total: int | None = None) -> bytes:
    """Give a frame with right checksums and whatever lengths are asked for."""
    prelude = struct.pack("!II", 16 + len(headers) + len(payload) if total is None else total, n_headers)
    message = prelude + struct.pack("!I", zlib.crc32(prelude)) + headers + payload
    return message + struct.pack("!I", zlib.crc32(message))


@given(MESSAGES, st.data())
def test_however_the_bytes_are_split_the_messages_are_the_same(
    messages: list[tuple[dict[str, str], bytes]], data: st.DataObject
):
    stream = b"".join(frame(headers, payload) for headers, payload in messages)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=12)))
    chunks = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]

    assert decode(*chunks) == [Message(headers, payload) for headers, payload in messages]


def test_bytes_one_at_a_time_give_the_same_messages():
    assert decode(*(bytes([byte]) for byte in A_FRAME * 3)) == decode(A_FRAME) * 3


def test_every_flipped_bit_is_refused():
    for bit in range(len(A_FRAME) * 8):
        flipped = bytearray(A_FRAME)
        flipped[bit // 8] ^= 1 << bit % 8

        with pytest.raises(ModelFrameCorrupt):
            decode(bytes(flipped))


def test_a_stream_that_ends_anywhere_within_a_frame_is_cut():
    for n in range(1, len(A_FRAME)):
        decoder = EventStreamDecoder()

        assert len(list(decoder.feed(A_FRAME + A_FRAME[:n]))) == 1
        with pytest.raises(ModelFrameCut):
            decoder.finish()


@given(st.integers(1, len(A_FRAME) * 3 - 1))
def test_what_came_before_a_bad_frame_is_given_first(cut: int):
    bad = bytearray(A_FRAME)
    bad[-1] ^= 1
    stream = A_FRAME * 2 + bytes(bad)
    decoder = EventStreamDecoder()
    seen: list[Message] = []

    def read_all() -> None:
        for chunk in (stream[:cut], stream[cut:]):
            seen.extend(decoder.feed(chunk))

    with pytest.raises(ModelFrameCorrupt):
        read_all()
    assert seen == decode(A_FRAME) * 2


def test_a_stream_that_ends_between_frames_has_ended():
    assert decode() == []
    assert len(decode(A_FRAME)) == 1


def test_headers_of_other_types_are_passed_over():
    others = (
        b"\x04true\x00",
        b"\x05false\x01",
        b"\x04byte\x02\x07",
        b"\x05short\x03\x00\x07",
        b"\x03int\x04\x00\x00\x00\x07",
        b"\x04long\x05" + bytes(8),
        b"\x05bytes\x06\x00\x03abc",
        b"\x04time\x08" + bytes(8),
        b"\x04uuid\x09" + bytes(16),
    )
    block = b"".join(others) + b"\x01a\x07\x00\x01b"

    assert decode(framed(len(block), b"payload", block)) == [Message({"a": "b"}, b"payload")]


@pytest.mark.parametrize(
    "block",
    [
        b"\x09a",  # the name is longer than the block
        b"\x01a",  # no type
        b"\x01a\x0a",  # a type that does not exist
        b"\x01a\x07\x00",  # half a length
        b"\x01a\x07\x00\x09b",  # a value longer than the block
        b"\x01a\x07\x00\x01\xff",  # no UTF-8
    ],
)
def test_headers_that_cannot_be_read_are_refused(block: bytes):
    with pytest.raises(ModelFrameCorrupt):
        decode(framed(len(block), b"", block))


@pytest.mark.parametrize(
    ("n_headers", "total"),
    [
        (0, 15),  # shorter than a frame can be
        (100, 40),  # headers longer than the frame
        (128 * 1024 + 1, 256 * 1024),
        (0, 24 * 1024 * 1024 + 17),
        (0, 0xFFFFFFFF),
    ],
)
def test_lengths_beyond_the_formats_limits_are_refused_at_once(n_headers: int, total: int):
    with pytest.raises(ModelFrameCorrupt):
        list(EventStreamDecoder().feed(framed(n_headers, b"", b"", total)[:12]))


def test_a_payload_of_the_largest_size_is_taken():
    payload = bytes(24 * 1024 * 1024)

    assert [len(message.payload) for message in decode(frame({}, payload))] == [len(payload)]


def test_ever_new_headers_do_not_fill_memory():
    decoder = EventStreamDecoder()
    for n in range(1000):
        assert [dict(message.headers) for message in decoder.feed(frame({"n": str(n)}, b""))] == [{"n": str(n)}]

    # The bound cannot be seen from outside.
    assert len(decoder._known_headers) < 1000  # pyright: ignore[reportPrivateUsage]
