"""Numbers from a trace: lateness, gaps, bursts, what was held back. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil

from magisystem.doctor.measurements import Arrival, Clock, Ending, StreamTrace

# What was let go at once is still read piece by piece.
_AT_ONCE_S = 0.1
# Below this, frames that come together are a busy machine's, or a network's own.
_LATE_S = 0.35


@dataclass(frozen=True, slots=True)
class Held:
    """What something on the way held back: for how long at most, how many bytes at once, in how many bursts.

    ``is_whole`` where nothing came before the end.
    """

    longest_s: float
    n_bytes: int
    n_bursts: int
    is_whole: bool


def lags_ms(trace: StreamTrace, clock: Clock) -> list[float]:
    """Give how long each frame took from its sending to its arrival, by the clocks as they are known."""
    return [trace.began_ms + arrival.at_s * 1000 + clock.offset_ms - arrival.sent_at_ms for arrival in trace.arrivals]


def percentile(numbers: Sequence[float], percent: int) -> float:
    """Give the smallest of ``numbers`` (not empty) that ``percent`` of them do not exceed."""
    return sorted(numbers)[max(0, ceil(len(numbers) * percent / 100) - 1)]


def longest_gap_s(trace: StreamTrace) -> float:
    """Give the longest time without a byte, from the first one to the end."""
    times = [*trace.pieces_s, trace.ended_s]
    return max((later - earlier for earlier, later in pairwise(times)), default=0.0)


def silence_before_end_s(trace: StreamTrace) -> float:
    """Give how long nothing had come when it ended."""
    return trace.ended_s - (trace.pieces_s[-1] if trace.pieces_s else 0.0)


def held_back(trace: StreamTrace) -> Held | None:
    """Tell whether frames were gathered on the way; ``None`` where they came as they were sent.

    Frames gathered in one burst were sent over a stretch of time and arrive within none: the first of them waited for
    about as long as that stretch. It needs no clocks to agree.
    """
    threshold_s = max(_LATE_S, 2.5 * trace.asked.interval_ms / 1000)
    bursts = [burst for burst in _bursts(trace.arrivals) if len(burst) > 2 and _stretch_s(burst) > threshold_s]
    if not bursts:
        return None
    n_gathered = sum(len(burst) for burst in bursts)
    return Held(
        longest_s=max(_stretch_s(burst) for burst in bursts),
        n_bytes=max(sum(arrival.n_bytes for arrival in burst) for burst in bursts),
        n_bursts=len(bursts),
        is_whole=len(bursts) == 1 and n_gathered == len(trace.arrivals) and trace.ending is Ending.COMPLETE,
    )


def _bursts(arrivals: Sequence[Arrival]) -> list[list[Arrival]]:
    bursts: list[list[Arrival]] = []
    for arrival in arrivals:
        if bursts and arrival.at_s - bursts[-1][0].at_s <= _AT_ONCE_S:
            bursts[-1].append(arrival)
        else:
            bursts.append([arrival])
    return bursts


def _stretch_s(burst: Sequence[Arrival]) -> float:
    """Give over how long the frames of a burst were sent, less how long they took to come."""
    sent_s = (burst[-1].sent_at_ms - burst[0].sent_at_ms) / 1000
    return sent_s - (burst[-1].at_s - burst[0].at_s)
