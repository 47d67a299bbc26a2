"""All that one run found."""

from dataclasses import dataclass, field

from benchmarks.cold_start import Start
from benchmarks.following import FanOut, Replay
from benchmarks.gateway import FirstByte, Relay
from benchmarks.hot_path.measuring import Cell
from benchmarks.hot_path.provenance import Provenance


@dataclass
class Results:
    """What has been measured so far; what has not is empty.

    Attributes:
        settings: how it was measured, in words for the report.
        hot_path: each system with each number at once, on one core.
        burst: each system with all beginning in the same instant.
        workers: this server on all cores, shared with stand-in and generator.
        broken: what could not be measured, and why.
    """

    provenance: Provenance
    settings: dict[str, str]
    hot_path: list[Cell] = field(default_factory=list[Cell])
    burst: list[Cell] = field(default_factory=list[Cell])
    workers: list[Cell] = field(default_factory=list[Cell])
    starts: list[Start] = field(default_factory=list[Start])
    replay: Replay | None = None
    fan_out: FanOut | None = None
    first_bytes: list[FirstByte] = field(default_factory=list[FirstByte])
    relay: Relay | None = None
    broken: list[str] = field(default_factory=list[str])
