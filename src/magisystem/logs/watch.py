"""What other processes do to the file: looked at often, for all who wait at once, and only while anybody waits.

SQLite tells nobody when a file has changed. A look is one transaction on a reader's thread, for all followers of what
is written elsewhere and for the requests to stop what is written here. docs/decisions/0020-workers.md says what it
costs and what else was tried.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from magisystem.deliberation.ports import Record
from magisystem.errors import LogError, LogUnavailable
from magisystem.logs import sqlite_file

# How often it is looked for what followers wait for, and for requests to stop, which nobody reads along with.
_LOOK_S = 0.02
_STOP_LOOK_S = 0.05
# Between two looks passes this many times what one took: however many wait, a tenth of the time goes into looking.
_REST = 9
_PAGE = 128
_log = logging.getLogger(__name__)

_Page = tuple[sqlite_file.Head, tuple[Record, ...]]
_Read = Callable[[Callable[[sqlite3.Connection], Any]], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class _Place:
    """A reader's place in a log."""

    deliberation_id: str
    owner: str
    after: int


@dataclass(slots=True)
class _Seen:
    """What a look found: pages for those who waited for them, or why there are none, and what is to stop."""

    pages: dict[_Place, _Page | LogError] = field(default_factory=dict[_Place, _Page | LogError])
    stops: Sequence[str] = ()


class Watch:
    """Looks at the file for one process, ``writer``, and calls ``stop`` with what it was asked to stop.

    That is called at each look until the log has its end. `run` must run beside those who wait.
    """

    def __init__(self, read: _Read, writer: str, stop: Callable[[str], None]) -> None:
        self._read = read
        self._writer = writer
        self._stop = stop
        self._waiting: dict[_Place, list[asyncio.Future[_Page]]] = {}
        self._is_writing = False
        self._needed = asyncio.Event()

    def begin_writing(self) -> None:
        """Look for requests to stop from now on."""
        self._is_writing = True
        self._needed.set()

    def end_writing(self) -> None:
        """Look for none: nothing is written here."""
        self._is_writing = False

    async def page(self, deliberation_id: str, owner: str, after: int) -> _Page:
        """Wait until a log holds something after ``after`` or has an end there; give where it stands and what it holds.

        Raises:
            DeliberationNotFound: it is gone.
            LogUnavailable: it cannot be read now.
        """
        place = _Place(deliberation_id, owner, after)
        seen: asyncio.Future[_Page] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(place, []).append(seen)
        self._needed.set()
        try:
            return await seen
        finally:
            self._leave(place, seen)

    async def run(self) -> None:
        """Look for as long as anybody waits; when nobody does, wait for somebody."""
        loop = asyncio.get_running_loop()
        took_s = 0.0
        while True:
            if not self._waiting and not self._is_writing:
                self._needed.clear()
                await self._needed.wait()
            await asyncio.sleep(max(_LOOK_S if self._waiting else _STOP_LOOK_S, _REST * took_s))
            began = loop.time()
            self._tell(await self._seen())
            took_s = loop.time() - began

    async def _seen(self) -> _Seen:
        places = list(self._waiting)
        writer = self._writer if self._is_writing else None
        try:
            return await self._read(partial(_look, places=places, writer=writer))
        except LogError as error:
            return _Seen(dict.fromkeys(places, error))
        except Exception as error:  # noqa: BLE001 - the watch's supervisor: without it whoever waits would wait for ever
            _log.exception("the log cannot be looked at")
            fault = LogUnavailable(f"Looking at the log met a fault: {type(error).__name__}.", is_private=True)
            return _Seen(dict.fromkeys(places, fault))

    def _tell(self, seen: _Seen) -> None:
        for place, page in seen.pages.items():
            for waiting in self._waiting.pop(place, ()):
                if waiting.done():
                    continue
                if isinstance(page, LogError):
                    waiting.set_exception(page)
                else:
                    waiting.set_result(page)
        for deliberation_id in seen.stops:
            self._stop(deliberation_id)

    def _leave(self, place: _Place, seen: "asyncio.Future[_Page]") -> None:
        # Whoever was cancelled leaves by itself; whoever was told has been taken out.
        waiting = self._waiting.get(place, [])
        if seen in waiting:
            waiting.remove(seen)
            if not waiting:
                del self._waiting[place]


def _look(connection: sqlite3.Connection, places: Sequence[_Place], writer: str | None) -> _Seen:
    seen = _Seen(stops=sqlite_file.stops_for(connection, writer) if writer else ())
    for place in places:
        try:
            head, records = sqlite_file.page(connection, place.deliberation_id, place.owner, place.after, _PAGE)
        except LogError as error:
            seen.pages[place] = error
        else:
            if records or head.has_ended:
                seen.pages[place] = head, records
    return seen
