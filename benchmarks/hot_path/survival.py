"""Percentiles of durations of which some are not over yet, so that a system that answers nobody does not look fast."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Quantile:
    """A percentile in milliseconds; where ``is_at_least``, it had not been reached when the measuring ended."""

    ms: float
    is_at_least: bool = False


def quantile(over_s: Sequence[float], running_s: Sequence[float], share: float) -> Quantile | None:
    """Give the time by which ``share`` of all were over, by Kaplan and Meier's estimate.

    ``over_s`` are whole durations, ``running_s`` those of what has not ended; ``None`` where there are neither.
    """
    times = sorted([(time_s, True) for time_s in over_s] + [(time_s, False) for time_s in running_s])
    surviving, at_risk = 1.0, len(times)
    for time_s, is_over in times:
        if is_over:
            surviving *= 1 - 1 / at_risk
            if surviving <= 1 - share + 1e-9:
                return Quantile(1000 * time_s)
        at_risk -= 1
    return Quantile(1000 * times[-1][0], is_at_least=True) if times else None
