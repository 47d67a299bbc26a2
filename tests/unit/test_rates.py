"""The rate of each owner, beside a crowd."""

import pytest

from magisystem.errors import RateLimited
from magisystem.http.rates import Rates


def test_an_owner_gets_what_is_allowed_in_a_minute_and_then_one_at_a_time() -> None:
    now_s = 0.0
    rates = Rates(60, now=lambda: now_s)
    for _ in range(60):
        rates.take("ann")
    with pytest.raises(RateLimited):
        rates.take("ann")
    now_s = 1.0
    rates.take("ann")
    with pytest.raises(RateLimited):
        rates.take("ann")


def test_a_crowd_is_not_looked_through_at_each_request() -> None:
    rates = Rates(60, now=lambda: 0.0)
    for n in range(10_001):
        rates.take(f"owner {n}")
    kept = rates._empty_at  # pyright: ignore[reportPrivateUsage] - made anew by a look through all
    for n in range(1_000):
        rates.take(f"another {n}")
    assert rates._empty_at is kept  # pyright: ignore[reportPrivateUsage]
