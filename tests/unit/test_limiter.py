"""Patience: how long a refusal makes the lanes of one model wait. The clock and the dice are the test's."""

import asyncio
import random

import pytest

from magisystem.models.limiter import Limiter


class Clock:
    """The loop's time, set by hand."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def time(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(asyncio, "get_running_loop", lambda: clock)
    return clock


@pytest.fixture(autouse=True)
def dice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random, "random", lambda: 0.5)


def refuse_one_after_another(limiter: Limiter, clock: Clock, n: int) -> list[float]:
    waits: list[float] = []
    for _ in range(n):
        waits.append(limiter.refused())
        clock.now += waits[-1]
    return waits


def test_nothing_waits_before_a_refusal(clock: Clock) -> None:
    assert Limiter().wait_s == 0


def test_the_wait_doubles_from_one_refusal_to_the_next_up_to_a_bound(clock: Clock) -> None:
    # Half of the bound for the draw, half of a tenth of it for the jitter.
    expected = [0.55 * bound for bound in (1, 2, 4, 8, 16, 20, 20)]
    assert refuse_one_after_another(Limiter(), clock, 7) == pytest.approx(expected)


def test_after_thousands_of_refusals_the_wait_is_still_a_number(clock: Clock) -> None:
    assert refuse_one_after_another(Limiter(), clock, 3_000)[-1] == pytest.approx(11.0)


def test_lanes_refused_together_are_one_refusal(clock: Clock) -> None:
    limiter = Limiter()
    together = [limiter.refused() for _ in range(3)]
    clock.now += max(together)
    assert limiter.refused() == pytest.approx(1.1)


def test_a_refusal_of_one_lane_holds_back_the_others(clock: Clock) -> None:
    limiter = Limiter()
    limiter.refused(3.0)
    clock.now += 1.0
    assert limiter.wait_s == pytest.approx(2.05)
    clock.now += 2.0
    assert limiter.wait_s == 0


def test_lanes_that_are_held_back_together_do_not_come_back_in_step(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    limiter = Limiter()
    limiter.refused(3.0)
    drawn = iter((0.1, 0.9))
    monkeypatch.setattr(random, "random", lambda: next(drawn))
    assert limiter.wait_s != limiter.wait_s


def test_an_accepted_call_starts_the_waits_anew(clock: Clock) -> None:
    limiter = Limiter()
    refuse_one_after_another(limiter, clock, 4)
    limiter.accepted()
    assert limiter.refused() == pytest.approx(0.55)


def test_a_call_that_was_under_way_when_others_were_refused_proves_nothing(clock: Clock) -> None:
    limiter = Limiter()
    refuse_one_after_another(limiter, clock, 3)
    waiting_s = limiter.refused()
    limiter.accepted()
    assert limiter.wait_s > 0
    clock.now += waiting_s
    assert limiter.refused() == pytest.approx(8.8)


def test_the_providers_wish_has_its_way(clock: Clock) -> None:
    limiter = Limiter()
    assert limiter.refused(42.0) == pytest.approx(42.05)
    # A shorter draw of another lane does not open the gate earlier.
    assert limiter.refused() == pytest.approx(42.05)


def test_a_provider_that_asks_for_no_wait_is_not_asked_at_once(clock: Clock) -> None:
    assert Limiter().refused(0.0) > 0
