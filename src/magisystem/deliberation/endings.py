"""The end of a log whose deliberation cannot come to one by itself: nobody may wait for ever."""

import asyncio
from collections.abc import Callable
from datetime import datetime

from magisystem.deliberation.convening import Convening
from magisystem.deliberation.history import History
from magisystem.deliberation.ports import EventLog, LogWriter, Record, Unfinished
from magisystem.errors import LogError, LogUnavailable
from magisystem.protocol.codec import encode
from magisystem.protocol.events import Failed

_RETRY_S = 2.0
_LOG_FAILED = (
    "The log could not be written, so the deliberation was stopped. Ask again; the server's log has the cause."
)


async def all_records(log: EventLog, deliberation_id: str, owner: str) -> list[Record]:
    """Give the whole of a log as it is now.

    Raises:
        DeliberationNotFound: there is none of that id, or it is another owner's.
    """
    records: list[Record] = []
    while True:
        page = await log.read(deliberation_id, owner, records[-1].seq if records else 0)
        records += page.records
        if page.is_done or not page.records:
            return records


class Endings:
    """Writes terminal events after a failure."""

    def __init__(self, log: EventLog, history: History, now: Callable[[], datetime]) -> None:
        self._event_log = log
        self._history = history
        self._now = now

    async def when_possible(self, convening: Convening, writer: LogWriter) -> None:
        """End a log that failed with an `error` event as soon as it takes one, so that nobody waits for ever."""
        deliberation_id, owner = convening.case.deliberation_id, convening.owner
        while True:
            try:
                seq = await self._last_seq(deliberation_id, owner) + 1
                if convening.cancelled_by is None:
                    await self._append_error(writer, seq, LogUnavailable.code, _LOG_FAILED)
                else:
                    cancelled = convening.cancelled_event(seq=seq, timestamp=self._timestamp())
                    await writer.append([Record(seq, encode(cancelled), is_terminal=True)])
            except LogUnavailable:
                await asyncio.sleep(_RETRY_S)
            except LogError:
                # Another process has taken it, or it is gone: there is nothing left to end here.
                return
            else:
                return

    async def give_up(self, unfinished: Unfinished, code: str, message: str) -> None:
        """End a log that nobody can go on with, with an `error` event."""
        deliberation_id, owner = unfinished.deliberation_id, unfinished.owner
        writer = self._history.watched(unfinished.writer, deliberation_id, owner, session_id="")
        await self._append_error(writer, await self._last_seq(deliberation_id, owner) + 1, code, message)

    async def _append_error(self, writer: LogWriter, seq: int, code: str, message: str) -> None:
        event = Failed(seq=seq, timestamp=self._timestamp(), error=code, message=message, retryable=True)
        await writer.append([Record(seq, encode(event), is_terminal=True)])

    async def _last_seq(self, deliberation_id: str, owner: str) -> int:
        records = await all_records(self._event_log, deliberation_id, owner)
        return records[-1].seq if records else 0

    def _timestamp(self) -> str:
        return self._now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
