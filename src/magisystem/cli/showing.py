"""Showing events as they come, in the form that fits where they go; and Ctrl+C while that lasts."""

import asyncio
import re
import signal
import sys
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager
from enum import Enum, auto
from types import FrameType

from rich.console import Console

from magisystem.cli.clock import EventClock
from magisystem.cli.lines import PlainLines
from magisystem.cli.live import LiveView
from magisystem.cli.plain_text import clean_line
from magisystem.cli.scene import Stage
from magisystem.cli.words import Words
from magisystem.client import Received

Show = Callable[[Received], None]

# What a terminal may act on and JSON lets stand raw: the C1 controls, and what turns the writing direction.
_ACTIVE = re.compile("[\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


class Form(Enum):
    """How events are shown. ``FITTING`` is live on a terminal, and plain anywhere else."""

    FITTING = auto()
    PLAIN = auto()
    JSON = auto()


@asynccontextmanager
async def showing(form: Form, words: Words, stage: Stage, clock: EventClock | None = None) -> AsyncGenerator[Show]:
    """Give what shows an event; leaving it leaves behind what stays on the screen."""
    clock = clock or EventClock()
    console = open_console()
    is_fitting = console.is_terminal and not console.is_dumb_terminal and not console.options.ascii_only
    if form is Form.JSON:
        yield lambda received: _write_json(received, stage, clock)
    elif form is Form.FITTING and is_fitting:
        async with LiveView(console, words, stage, clock).showing() as view:
            yield view.show
    else:
        lines = PlainLines(words, stage, write)
        try:
            yield lines.show
        finally:
            lines.close()


def open_console() -> Console:
    """Give standard output as Rich sees it; nothing in a text is taken for its markup."""
    # What the encoding of the output does not have must not end the show.
    sys.stdout.reconfigure(errors="replace")  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    return Console(markup=False, highlight=False, emoji=False)


def write(text: str) -> None:
    """Write text to standard output at once."""
    sys.stdout.write(text)
    sys.stdout.flush()


def write_bytes(content: bytes) -> None:
    """Write UTF-8 to standard output: to a pipe byte for byte, to a terminal with what it could act on escaped."""
    sys.stdout.flush()
    sys.stdout.buffer.write(_inert(content) if sys.stdout.isatty() else content)
    sys.stdout.buffer.flush()


def write_notices(notices: Sequence[str]) -> None:
    """Write what happened on the way to standard error, once the show is over."""
    sys.stderr.write("".join(f"note: {clean_line(notice)}\n" for notice in notices))


@contextmanager
def interruption() -> Generator[asyncio.Event]:
    """Give the event that Ctrl+C sets; a second Ctrl+C ends the program at once."""
    interrupted = asyncio.Event()
    loop = asyncio.get_running_loop()

    def interrupt(_: int, __: FrameType | None) -> None:
        if interrupted.is_set():
            raise KeyboardInterrupt
        loop.call_soon_threadsafe(interrupted.set)

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield interrupted
    finally:
        signal.signal(signal.SIGINT, before)


async def done_unless_interrupted(work: Coroutine[object, object, None]) -> bool:
    """Do ``work`` and tell that it was done; at Ctrl+C cancel it, wait for its clean-up, and tell that it was not."""
    with interruption() as interrupted:
        working = asyncio.create_task(work)
        waiting = asyncio.create_task(interrupted.wait())
        try:
            await asyncio.wait({working, waiting}, return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                working.result()
                return True
            return False
        finally:
            working.cancel()
            waiting.cancel()
            await asyncio.gather(working, waiting, return_exceptions=True)


def _write_json(received: Received, stage: Stage, clock: EventClock) -> None:
    stage.add(received.event, clock.at(received.event))
    write_bytes(received.body + b"\n")


def _inert(content: bytes) -> bytes:
    # In JSON these characters stand within strings alone, where the escape means the same; a page holds none of them.
    return _ACTIVE.sub(lambda found: f"\\u{ord(found[0]):04x}", content.decode("utf-8", "replace")).encode()
