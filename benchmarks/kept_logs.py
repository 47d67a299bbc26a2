"""What a log promises, looked at in every log that a server has left: contiguous, and ended once, by its last event."""

from dataclasses import dataclass
from pathlib import Path

import msgspec

from magisystem.deliberation.ports import EventLog, Listed
from magisystem.logs import SqliteEventLog
from magisystem.protocol.events import TERMINAL_TYPES

_PAGE = 1_000


class _Event(msgspec.Struct):
    """What is looked at of an event: what it says of itself."""

    type: str
    seq: int


@dataclass(frozen=True)
class Verified:
    """How many logs and events there are, and what is wrong with which of them."""

    n_logs: int
    n_events: int
    faults: tuple[str, ...]


async def verified(folder: Path) -> Verified:
    """Look at every log of a server that has stopped."""
    n_logs = n_events = 0
    faults: list[str] = []
    async with SqliteEventLog.open(folder) as log:
        place = 0
        while page := await log.listed(place, _PAGE):
            for listed in page:
                n, wrong = await _looked_at(log, listed)
                n_logs, n_events = n_logs + 1, n_events + n
                faults += [f"{listed.deliberation_id}: {wrong}"] if wrong else []
            place = page[-1].place
    return Verified(n_logs, n_events, tuple(faults))


async def _looked_at(log: EventLog, listed: Listed) -> tuple[int, str]:
    """Count the events of a log, and say what is wrong with it."""
    seq, ends = 0, list[int]()
    while (page := await log.read(listed.deliberation_id, listed.owner, seq, _PAGE)).records:
        for record in page.records:
            event = msgspec.json.decode(record.body, type=_Event)
            seq += 1
            if (record.seq, event.seq) != (seq, seq):
                return seq, f"where {seq} was to be, {record.seq} stands, which says {event.seq}"
            if event.type in TERMINAL_TYPES:
                ends.append(seq)
            if record.is_terminal != (event.type in TERMINAL_TYPES):
                return seq, f"{seq} is marked as what it is not"
    if ends != [seq] or not listed.has_ended or not page.is_done:
        return seq, f"of {seq} events, {ends} are terminal; the log says that it has ended: {listed.has_ended}"
    return seq, ""
