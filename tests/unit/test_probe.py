from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from magisystem.errors import InvalidRequest
from magisystem.protocol.probe import Probe, ProbeEnded, ProbeFrame, ProbeStarted, fill, read_frame

PROBES = st.builds(
    Probe,
    seconds=st.floats(0.1, 20),
    interval_ms=st.integers(10, 10_000),
    quiet_ms=st.integers(0, 100),
)


@given(PROBES)
def test_the_frames_are_due_in_order_from_the_beginning_to_the_end(probe: Probe) -> None:
    offsets = probe.offsets_ms
    assert offsets[0] == 0
    assert offsets[-1] == round(probe.seconds * 1000)
    assert all(one < other for one, other in pairwise(offsets))
    assert probe.last_seq == len(offsets)


def test_the_quiet_stretch_is_in_the_middle_and_as_long_as_asked() -> None:
    offsets = Probe(seconds=40, interval_ms=500, quiet_ms=12_000).offsets_ms
    longest = max(pairwise(offsets), key=lambda pair: pair[1] - pair[0])
    assert longest == (14_000, 26_000)
    assert Probe(seconds=5, quiet_ms=5_000).offsets_ms == (0, 5_000)


@given(PROBES, st.integers(0, 30), st.integers(0, 10**13))
def test_what_began_at_a_known_moment_began_then_wherever_it_goes_on(probe: Probe, after: int, now_ms: int) -> None:
    began = probe.beginning(now_ms)
    resumed = Probe(probe.seconds, probe.interval_ms, quiet_ms=probe.quiet_ms, after=after, started_at=began)
    assert resumed.beginning(now_ms + 1234) == began
    # The clock of another server may be behind that of the one where it began.
    assert resumed.beginning(max(0, began - 5_000)) == max(0, began - 5_000)


def test_what_is_resumed_without_its_beginning_goes_on_after_one_pause() -> None:
    probe = Probe(seconds=10, interval_ms=1_000, after=4)
    assert probe.offsets_ms[4] + probe.beginning(100_000) == 101_000


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"seconds": 301}, "seconds"),
        ({"seconds": float("nan")}, "seconds"),
        ({"seconds": 0}, "seconds"),
        ({"interval_ms": 9}, "intervalMs"),
        ({"interval_ms": 0}, "intervalMs"),
        ({"fill_bytes": 65_537}, "bytes"),
        ({"fill_bytes": 65_536, "interval_ms": 10}, "bytes"),
        ({"seconds": 1, "quiet_ms": 1_001}, "quietMs"),
        ({"keep_alive_ms": 99}, "keepAliveMs"),
        ({"after": -1}, "after"),
        ({"started_at": 2**53}, "startedAt"),
    ],
)
def test_what_is_out_of_bounds_is_refused_by_its_name(fields: dict[str, float], named: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        Probe(**fields)  # pyright: ignore[reportArgumentType] - a float where it must be one
    assert caught.value.field == named


def test_the_fill_is_as_long_as_asked_and_the_same_everywhere() -> None:
    assert [len(fill(7, n)) for n in (0, 1, 64, 65_535)] == [0, 1, 64, 65_535]
    assert fill(7, 64) == fill(7, 64) != fill(8, 64)
    assert fill(7, 64).isascii()


def test_the_frames_are_told_apart_by_their_type() -> None:
    assert isinstance(read_frame('{"type":"probe_start","seq":1,"sentAt":2,"startedAt":2}'), ProbeStarted)
    assert isinstance(read_frame('{"type":"probe","seq":2,"sentAt":2,"fill":""}'), ProbeFrame)
    assert isinstance(read_frame('{"type":"probe_end","seq":3,"sentAt":2,"added":"later"}'), ProbeEnded)
