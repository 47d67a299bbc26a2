"""The time of a deliberation, watched as it goes and replayed at another pace; no real time passes here."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from magisystem.cli.clock import EventClock
from magisystem.cli.following import LONGEST_PAUSE_S, paced, pauses_s
from magisystem.client import Received
from magisystem.protocol.events import Chunk


def said(*at_s: float) -> list[Received]:
    """Give events that were made at these seconds of one minute."""
    return [
        Received(Chunk(seq=number, timestamp=f"2026-01-01T00:00:{s:06.3f}Z", agent_id="caspar", content="x"), b"")
        for number, s in enumerate(at_s, 1)
    ]


class Wall:
    """A clock on the wall that only sleeping and working move."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.slept_s: list[float] = []

    def ticks(self) -> float:
        return self.now_s

    async def sleep(self, duration_s: float) -> None:
        self.slept_s.append(round(duration_s, 6))
        self.now_s += duration_s


def test_pauses_are_as_they_were_divided_by_the_speed() -> None:
    assert pauses_s(said(1, 2.5, 2.5, 6.5), 2.0) == [0.0, 0.75, 0.0, 2.0]
    assert pauses_s(said(1, 2.5, 6.5), 0.5) == [0.0, 3.0, LONGEST_PAUSE_S]


def test_a_speed_of_nought_waits_for_nothing() -> None:
    assert pauses_s(said(0, 30, 59), 0) == [0.0, 0.0, 0.0]


@given(st.lists(st.floats(0, 59), max_size=20), st.floats(0.01, 1000))
def test_no_pause_is_negative_or_longer_than_the_longest(at_s: Sequence[float], speed: float) -> None:
    assert all(0 <= pause_s <= LONGEST_PAUSE_S for pause_s in pauses_s(said(*at_s), speed))


def test_a_clock_that_was_set_back_makes_up_nothing() -> None:
    assert pauses_s(said(10, 4, 11), 1.0) == [0.0, 0.0, 1.0]


def test_a_timestamp_that_is_none_costs_no_time() -> None:
    log = said(1, 2, 3)
    log[1] = Received(Chunk(seq=2, timestamp="yesterday", agent_id="caspar", content="x"), b"")
    assert pauses_s(log, 1.0) == [0.0, 0.0, 2.0]


async def test_what_showing_takes_is_made_up_for() -> None:
    wall = Wall()
    async for _ in paced(said(0, 1, 2, 3), 1.0, wall.sleep, wall.ticks):
        wall.now_s += 0.4
    assert wall.slept_s == [0.0, 0.6, 0.6, 0.6]


@pytest.mark.parametrize("pace", [1.0, 4.0, 0.0])
def test_the_clock_goes_by_the_events_and_on_between_them(pace: float) -> None:
    wall = Wall()
    clock = EventClock(pace, wall.ticks)
    first, second = (received.event for received in said(10, 40))
    began_s = clock.at(first)
    wall.now_s += 2
    assert clock.now() - began_s == pytest.approx(2 * pace)
    assert clock.at(second) - began_s == 30


def test_a_late_viewer_sees_the_deliberation_s_own_durations() -> None:
    clock = EventClock(ticks=Wall().ticks)
    times = [clock.at(received.event) for received in said(1, 5, 21)]
    assert times[-1] - times[0] == 20
