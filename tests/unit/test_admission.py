"""When a loop counts as late, when the refused may come back, and who is let in: without a server, without a clock."""

import asyncio
import itertools
from collections import Counter
from contextlib import AsyncExitStack
from math import ceil

import pytest

from magisystem.deliberation.admission import Admission, Appointments, Capacity, Lateness
from magisystem.errors import Overloaded

BOUND_S = 0.1


def after(*samples_s: float) -> Lateness:
    lateness = Lateness(BOUND_S)
    for sample_s in samples_s:
        lateness.add(sample_s)
    return lateness


@pytest.mark.parametrize("pause_s", [0.2, 1.0, 3_600.0])
def test_a_single_pause_however_long_is_no_lateness(pause_s: float) -> None:
    assert not after(0.0, pause_s).is_late
    assert not after(pause_s, pause_s, 0.0, 0.0, pause_s).is_late


def test_lateness_that_lasts_is_found_within_about_a_second() -> None:
    for late_s in (0.12, 0.15, 0.2, 0.5):
        n = next(n for n in range(1, 100) if after(*[late_s] * n).is_late)
        # A sample takes its own lateness, and the time between two.
        assert n * (late_s + 0.02) <= 2.2, late_s


def test_a_loop_that_is_a_little_late_for_ever_is_on_time() -> None:
    assert not after(*[0.09] * 1_000).is_late


def test_lateness_is_over_at_half_its_bound_so_that_it_does_not_flap() -> None:
    lateness = after(*[0.3] * 50)
    assert lateness.is_late
    for _ in range(100):
        lateness.add(0.07)
    assert lateness.is_late
    n_samples = 0
    while lateness.is_late:
        lateness.add(0.0)
        n_samples += 1
    assert n_samples < 20
    for _ in range(100):
        lateness.add(0.07)
    assert not lateness.is_late


def test_a_crowd_is_sent_to_come_back_evenly_and_soon() -> None:
    appointments = Appointments()
    waits = [appointments.wait_s(1_000.0) for _ in range(2_000)]
    assert waits[0] == 1.0
    assert all(1.0 <= wait_s <= 10.0 for wait_s in waits)
    a_second = Counter(ceil(wait_s) for wait_s in waits[:400])
    assert max(a_second.values()) <= 51
    assert len(a_second) == 9
    # The crowd gone, nobody waits for it.
    assert appointments.wait_s(1_100.0) == 1.0


async def test_those_who_wait_for_their_turn_are_let_in_one_by_one_in_the_order_they_came() -> None:
    admission = Admission(Capacity(100, apart_s=0.001, longest_wait_s=60), lambda: 0)
    let_in: list[int] = []

    async def come(n: int) -> None:
        async with admission.place():
            let_in.append(n)

    await asyncio.gather(*map(come, range(20)))
    assert let_in == list(range(20))
    admission.close()


async def test_a_turn_that_does_not_come_in_time_is_a_refusal_that_takes_no_place() -> None:
    admission = Admission(Capacity(2, apart_s=60, longest_wait_s=0.01), lambda: 0)
    async with admission.place():
        for _ in range(3):
            with pytest.raises(Overloaded):
                async with admission.place():
                    pass
    admission.close()


async def test_a_place_is_held_until_its_holder_runs_or_has_failed() -> None:
    admission = Admission(Capacity(2, apart_s=0), lambda: 0)
    async with AsyncExitStack() as held:
        await held.enter_async_context(admission.place())
        with pytest.raises(ZeroDivisionError):
            async with admission.place():
                _ = 1 / 0
        await held.enter_async_context(admission.place())
        with pytest.raises(Overloaded) as refused:
            await held.enter_async_context(admission.place())
        assert refused.value.retry_after_s >= 1
    async with admission.place():
        pass
    admission.close()


async def has_to_wait(admission: Admission) -> bool:
    try:
        async with asyncio.timeout(0.01), admission.place():
            return False
    except TimeoutError:
        return True


async def wait_for_ever(admission: Admission) -> None:
    while await has_to_wait(admission):
        pass


async def test_while_the_loop_is_late_a_start_is_refused_at_once_unless_nothing_runs() -> None:
    n_running, clock = 1, itertools.count()
    # A second passes between any two looks at this clock, so every sample is late.
    admission = Admission(Capacity(10, apart_s=1e9, longest_wait_s=1e9), lambda: n_running, lambda: next(clock))
    # One turn is free, and the next one years away.
    assert not await has_to_wait(admission)
    async with asyncio.timeout(10):
        with pytest.raises(Overloaded):
            await wait_for_ever(admission)
    n_running = 0
    assert await has_to_wait(admission)
    admission.close()


async def test_without_a_capacity_everyone_is_let_in_at_once() -> None:
    admission = Admission(None, lambda: 1_000_000)
    async with AsyncExitStack() as held:
        assert {await held.enter_async_context(admission.place()) for _ in range(1_000)} == {0.0}
