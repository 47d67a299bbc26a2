"""When a journal appends: at once what matters at once, and text that can wait together with more."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial

from magisystem.deliberation.journal import LONGEST_WAIT_S, Journal, Pace
from magisystem.deliberation.past import Past
from magisystem.deliberation.ports import Record
from magisystem.protocol.codec import decode
from magisystem.protocol.events import AgentStart, Chunk, KnownEvent

MANY = 1_000_000


class Appends:
    """A `LogWriter` that keeps what was appended at once."""

    def __init__(self) -> None:
        self.each: list[list[Record]] = []
        self.came = asyncio.Event()

    async def append(self, records: Sequence[Record]) -> None:
        self.each.append(list(records))
        self.came.set()

    def on_stop(self, stop: Callable[[], None]) -> None:
        pass

    @property
    def texts(self) -> list[list[str]]:
        """The text of each append; a lane's start as its agent's id."""
        return [[_shown(decode(record.body)) for record in records] for records in self.each]


def _shown(event: object) -> str:
    assert isinstance(event, Chunk | AgentStart)
    return event.content if isinstance(event, Chunk) else event.agent_id


def start(agent_id: str) -> Callable[..., KnownEvent]:
    return partial(AgentStart, agent_id=agent_id, attempt=1, model="a:model")


@asynccontextmanager
async def journal(n_journals: int) -> AsyncGenerator[tuple[Journal, Appends]]:
    """Give a journal that is one of so many."""
    pace, appends = Pace(), Appends()
    pace.n_journals = n_journals
    written = Journal(appends, lambda: datetime.now(UTC), Past(), pace)
    pump = asyncio.create_task(written.pump())
    yield written, appends
    written.close()
    await pump


async def turns() -> None:
    """Let the loop go round so often that whatever does not wait for time is done."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_a_lanes_first_text_leaves_at_once_and_later_text_waits_for_more() -> None:
    async with journal(MANY) as (written, appends):
        written.say("caspar", "It ")
        await turns()
        assert appends.texts == [["It "]]
        for word in ("can ", "be ", "done."):
            written.say("caspar", word)
            await turns()
        written.say("melchior", "No.")
        await turns()
        # What leaves at once takes along what waits.
        assert appends.texts == [["It "], ["can be done.", "No."]]


async def test_what_is_no_text_leaves_at_once_behind_the_text_that_waits() -> None:
    async with journal(MANY) as (written, appends):
        written.say("caspar", "It ")
        await turns()
        written.say("caspar", "can.")
        await written.write(start("melchior"))
        await turns()
        assert appends.texts == [["It "], ["can.", "melchior"]]
        # A lane that begins again has a first text again.
        await written.write(start("caspar"), agent_id="caspar")
        await turns()
        written.say("caspar", "Once more.")
        await turns()
        assert appends.texts[2:] == [["caspar"], ["Once more."]]


async def test_text_that_waits_is_appended_by_itself_in_the_end() -> None:
    async with journal(MANY) as (written, appends):
        written.say("caspar", "It ")
        await turns()
        written.say("caspar", "can.")
        appends.came.clear()
        async with asyncio.timeout(10):
            await appends.came.wait()
        assert appends.texts == [["It "], ["can."]]


async def test_closing_appends_what_waits() -> None:
    async with journal(MANY) as (written, appends):
        written.say("caspar", "It ")
        await turns()
        written.say("caspar", "can.")
    assert appends.texts == [["It "], ["can."]]


async def test_the_fewer_journals_there_are_the_less_text_waits() -> None:
    pace = Pace()
    waits: list[float] = []
    for pace.n_journals in (0, 1, 10, 100, MANY):
        waits.append(pace.wait_s)
    assert waits == sorted(waits)
    assert waits[0] == 0
    assert waits[1] < 0.001
    assert waits[-1] == LONGEST_WAIT_S
