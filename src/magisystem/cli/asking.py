"""`magi ask`: a deliberation started, shown as it comes, and turned into an exit code."""

import asyncio
import signal
import sys
import time
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from enum import Enum, auto
from types import FrameType

from rich.console import Console

from magisystem.cli.exits import INTERRUPTED, exit_code
from magisystem.cli.lines import PlainLines
from magisystem.cli.live import LiveView
from magisystem.cli.questions import Question, checked, request_fields
from magisystem.cli.scene import Stage
from magisystem.cli.sources import Elsewhere, Here, Source
from magisystem.cli.words import Words, words_for
from magisystem.client import Received, checked_address
from magisystem.config import read_configuration

__all__ = ["Form", "Question", "run_ask"]

# How long the receipt of a cancelled deliberation is waited for.
_FAREWELL_S = 5.0

Show = Callable[[Received], None]


class Form(Enum):
    """How events are shown. ``FITTING`` is live on a terminal, and plain anywhere else."""

    FITTING = auto()
    PLAIN = auto()
    JSON = auto()


def run_ask(question: Question, url: str | None, form: Form) -> int:
    """Ask, show, and give the exit code.

    Raises:
        MagiError: it could not be asked, or not followed to its end. What had come is shown by then.
    """
    fields = request_fields(question)
    request = checked(fields)
    words = words_for(request.question_text, request.language)
    source = Elsewhere(checked_address(url), fields) if url is not None else Here(read_configuration(), request)
    return asyncio.run(_ask(source, words, form))


async def _ask(source: Source, words: Words, form: Form) -> int:
    stage = Stage()
    with _interruption() as interrupted:
        async with _showing(form, words, stage) as show:
            await _follow(source, stage, show, interrupted)
    return INTERRUPTED if interrupted.is_set() else exit_code(stage.state)


async def _follow(source: Source, stage: Stage, show: Show, interrupted: asyncio.Event) -> None:
    """Show everything that comes; when interrupted, stop the deliberation and show how it ends."""
    reading = asyncio.create_task(_read(source, show))
    waiting = asyncio.create_task(interrupted.wait())
    try:
        await asyncio.wait({reading, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if not reading.done() and (start := stage.state.start) is not None:
            stage.is_stopping = True
            try:
                async with asyncio.timeout(_FAREWELL_S):
                    await source.cancel(start.deliberation_id)
                    await asyncio.wait({reading})
            except TimeoutError:
                pass
        if reading.done():
            reading.result()
    finally:
        reading.cancel()
        waiting.cancel()
        await asyncio.gather(reading, waiting, return_exceptions=True)


async def _read(source: Source, show: Show) -> None:
    async with source.follow() as received:
        async for each in received:
            show(each)


@asynccontextmanager
async def _showing(form: Form, words: Words, stage: Stage) -> AsyncGenerator[Show]:
    console = Console(markup=False, highlight=False, emoji=False)
    is_fitting = console.is_terminal and not console.is_dumb_terminal and not console.options.ascii_only
    if form is Form.JSON:
        yield lambda received: _write_json(received, stage)
    elif form is Form.FITTING and is_fitting:
        async with LiveView(console, words, stage).showing() as view:
            yield view.show
    else:
        # What the encoding of the output does not have must not end the show.
        sys.stdout.reconfigure(errors="replace")  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
        lines = PlainLines(words, stage, _write)
        try:
            yield lines.show
        finally:
            lines.close()


def _write(line: str) -> None:
    sys.stdout.write(line)
    sys.stdout.flush()


def _write_json(received: Received, stage: Stage) -> None:
    stage.add(received.event, time.monotonic())
    sys.stdout.buffer.write(received.body + b"\n")
    sys.stdout.buffer.flush()


@contextmanager
def _interruption() -> Generator[asyncio.Event]:
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
