"""The rules by which the client tries again, and by which it tells a stream that is held back; no clock is read."""

from collections.abc import Iterable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from magisystem.client.lateness import Lateness
from magisystem.client.patience import BackOff, Timing
from magisystem.protocol.events import Chunk

NOON_S = datetime(2026, 1, 1, 12, tzinfo=UTC).timestamp()
SKEWS = [0.0, 3_600.0, -3_600.0]


def made_at(*times_s: float) -> Iterable[Chunk]:
    """Give events made at these seconds after noon on the server's clock."""
    stamps = [datetime.fromtimestamp(NOON_S + time_s, UTC).isoformat(timespec="milliseconds") for time_s in times_s]
    return [Chunk(seq=1, timestamp=stamp, agent_id="caspar", content="x") for stamp in stamps]


class Reader:
    """A reader whose own clock is ``skew_s`` from the server's."""

    def __init__(self, skew_s: float) -> None:
        self._lateness = Lateness(late_s=3)
        self._zero_s = NOON_S + skew_s

    def reads(self, *made_s: float, since: float, at: float) -> bool:
        return self._lateness.is_held_back(made_at(*made_s), self._zero_s + since, self._zero_s + at)


@pytest.mark.parametrize("skew_s", SKEWS)
def test_events_that_come_as_they_are_made_are_not_held_back(skew_s: float) -> None:
    reader = Reader(skew_s)
    assert not any(reader.reads(made, made + 0.01, since=made - 5, at=made + 0.1) for made in range(0, 100, 5))


@pytest.mark.parametrize("skew_s", SKEWS)
def test_events_that_were_made_while_they_were_waited_for_and_come_at_once_are_held_back(skew_s: float) -> None:
    reader = Reader(skew_s)
    assert not reader.reads(0, since=0, at=0.1)
    assert not reader.reads(1, 2, 3, since=0.1, at=3.5)
    assert reader.reads(4, 5, 6, 7, 8, since=3.5, at=8.1)


@pytest.mark.parametrize("skew_s", SKEWS)
def test_the_first_that_comes_can_be_a_burst(skew_s: float) -> None:
    assert Reader(skew_s).reads(1, 3, 5, 7, since=0, at=7.1)


@pytest.mark.parametrize("skew_s", SKEWS)
def test_what_comes_at_once_in_several_pieces_is_one_burst(skew_s: float) -> None:
    reader = Reader(skew_s)
    assert not reader.reads(0, since=0, at=0.1)
    # A comment, then an event a piece.
    assert not reader.reads(since=0.1, at=8.1)
    assert not reader.reads(4, since=8.1, at=8.11)
    assert reader.reads(8, since=8.11, at=8.12)


@pytest.mark.parametrize("skew_s", SKEWS)
def test_the_backlog_of_a_reader_that_is_a_little_too_slow_is_not_held_back(skew_s: float) -> None:
    reader = Reader(skew_s)
    # Twenty events a second; eleven are read.
    reads = [reader.reads(n / 20, since=(n - 1) / 11, at=n / 11) for n in range(500)]
    assert not any(reads)


@pytest.mark.parametrize("skew_s", SKEWS)
def test_history_is_old_and_not_held_back(skew_s: float) -> None:
    reader = Reader(skew_s)
    assert not reader.reads(*range(500), since=1_000, at=1_000.2)
    assert not reader.reads(*range(500, 1_000), since=1_000.2, at=1_000.3)
    assert not reader.reads(1_001, since=1_000.3, at=1_001.1)


@pytest.mark.parametrize("skew_s", SKEWS)
def test_what_is_late_because_its_reader_is_slow_is_not_held_back(skew_s: float) -> None:
    reader = Reader(skew_s)
    assert not reader.reads(0, since=0, at=0.1)
    # A minute's pause of the reader; then it finds at once what has gathered.
    assert not reader.reads(*range(60), since=60, at=60.001)


@pytest.mark.parametrize("skew_s", SKEWS)
def test_one_late_event_is_not_held_back(skew_s: float) -> None:
    reader = Reader(skew_s)
    assert not reader.reads(0, since=0, at=0.1)
    assert not reader.reads(1, since=0.1, at=20)


def test_timestamps_that_say_nothing_are_passed_over() -> None:
    lateness = Lateness(late_s=3)
    events = [Chunk(seq=1, timestamp=stamp, agent_id="caspar", content="x") for stamp in ("", "noon", "9999")]
    assert not lateness.is_held_back(events, 0, 10)
    assert not lateness.is_held_back([], 0, 10)


@given(st.lists(st.floats(0, 2), min_size=1, max_size=200))
def test_pauses_stay_within_their_bounds_and_end_when_patience_does(tries_s: list[float]) -> None:
    timing = Timing(back_off_s=0.2, longest_back_off_s=5)
    now_s, began_s = 0.0, None
    back_off = BackOff(timing, now=lambda: now_s)
    for n, try_s in enumerate(tries_s):
        now_s += try_s
        began_s = now_s if began_s is None else began_s
        pause_s = back_off.failed(60)
        if pause_s is None:
            assert now_s >= began_s + 60
            began_s = None
            break
        assert 0 <= pause_s <= min(5, 0.2 * 2**n)
        assert now_s + pause_s <= began_s + 60 + 1e-6
        now_s += pause_s


def test_success_makes_patience_anew() -> None:
    now_s = 0.0
    back_off = BackOff(Timing(), now=lambda: now_s)
    assert back_off.failed(60) is not None
    now_s = 59.0
    back_off.succeeded()
    assert (back_off.failed(60) or 0) <= 0.2
    now_s = 118.0
    assert back_off.failed(60) is not None
    now_s = 119.0
    assert back_off.failed(60) is None
    assert back_off.failed(60) is not None


def test_who_is_told_to_wait_waits_so_long_or_gives_up_at_once() -> None:
    back_off = BackOff(Timing(back_off_s=0.2), now=lambda: 0.0)
    pause_s = back_off.failed(60, 7)
    assert pause_s is not None
    assert 7 <= pause_s <= 7.2
    assert back_off.failed(60, 61) is None
