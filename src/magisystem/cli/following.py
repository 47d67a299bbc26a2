"""`magi watch` and `magi replay`: a deliberation that exists, shown as it goes on, or once more as it went."""

import asyncio
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace

from magisystem.cli.archive import open_archive
from magisystem.cli.clock import EventClock, timestamp_s
from magisystem.cli.exits import INTERRUPTED, exit_code
from magisystem.cli.scene import Stage
from magisystem.cli.showing import Form, done_unless_interrupted, showing
from magisystem.cli.words import Words, words_for
from magisystem.client import Received
from magisystem.protocol.events import Start, TerminalEvent

# A silence that lasts longer tells no more by lasting longer.
LONGEST_PAUSE_S = 5.0

Following = AbstractAsyncContextManager[AsyncIterator[Received]]


def run_watch(name: str, url: str | None, form: Form) -> int:
    """Show a deliberation from its beginning to its end, and give the exit code of its outcome.

    Raises:
        MagiError: it cannot be followed (any further). What had come is shown by then.
    """
    return asyncio.run(_watch(name, url, form))


def run_replay(name: str, url: str | None, form: Form, speed: float) -> int:
    """Show what is recorded of a deliberation in its own time divided by ``speed``; 0 shows it at once.

    Raises:
        MagiError: it cannot be read.
    """
    return asyncio.run(_replay(name, url, form, speed))


async def _watch(name: str, url: str | None, form: Form) -> int:
    stage = Stage()

    def fitting(words: Words) -> Words:
        return replace(words, stop_hint=words.watch_hint, incomplete=words.watching_ended)

    async with open_archive(url) as archive:
        deliberation_id = await archive.find(name)
        is_done = await done_unless_interrupted(
            _show_all(archive.follow(deliberation_id), stage, form, EventClock(), fitting)
        )
    if is_done:
        return exit_code(stage.state)
    there = "" if url is None else f" --url {url}"
    told = _words(stage).goes_on.format(
        watch=f"magi watch {deliberation_id}{there}", cancel=f"magi cancel {deliberation_id}{there}"
    )
    sys.stderr.write(f"{told}\n")
    return INTERRUPTED


async def _replay(name: str, url: str | None, form: Form, speed: float) -> int:
    async with open_archive(url) as archive:
        recorded = await archive.read(await archive.find(name))
    stage = Stage()
    has_ended = bool(recorded) and isinstance(recorded[-1].event, TerminalEvent)

    def fitting(words: Words) -> Words:
        hint = words.replay_hint.format(pace=f"{speed:g}×", cap=f"{LONGEST_PAUSE_S:g}")
        return replace(words, stop_hint=hint, incomplete=words.replay_stopped if has_ended else words.not_ended)

    is_done = await done_unless_interrupted(_show_all(_paced(recorded, speed), stage, form, EventClock(speed), fitting))
    return 0 if is_done else INTERRUPTED


async def _show_all(
    following: Following, stage: Stage, form: Form, clock: EventClock, fitting: Callable[[Words], Words]
) -> None:
    async with following as received:
        # The language is the question's, and that comes first.
        first = await anext(received, None)
        if first is None:
            return
        words = words_for(first.event.question if isinstance(first.event, Start) else "", None)
        async with showing(form, fitting(words), stage, clock) as show:
            show(first)
            async for each in received:
                show(each)


def _words(stage: Stage) -> Words:
    start = stage.state.start
    return words_for(start.question if start is not None else "", None)


@asynccontextmanager
async def _paced(recorded: Sequence[Received], speed: float) -> AsyncGenerator[AsyncIterator[Received]]:
    yield paced(recorded, speed, asyncio.sleep, time.monotonic)


async def paced(
    recorded: Sequence[Received],
    speed: float,
    sleep: Callable[[float], Awaitable[None]],
    ticks: Callable[[], float],
) -> AsyncGenerator[Received]:
    """Give events when they are due; what showing them takes is made up for, so that the whole takes its own time."""
    due_s = ticks()
    for each, pause_s in zip(recorded, pauses_s(recorded, speed), strict=True):
        due_s += pause_s
        # Also where nothing is left to wait for: whoever draws or interrupts has its turn.
        await sleep(max(due_s - ticks(), 0.0))
        yield each


def pauses_s(recorded: Sequence[Received], speed: float) -> list[float]:
    """Give how long to wait before each event: as long as it took divided by ``speed``, and never over 5 s."""
    pauses: list[float] = []
    latest_s: float | None = None
    for each in recorded:
        at_s = timestamp_s(each.event) or latest_s or 0.0
        gap_s = 0.0 if latest_s is None else max(at_s - latest_s, 0.0)
        latest_s = at_s if latest_s is None else max(latest_s, at_s)
        pauses.append(min(gap_s / speed, LONGEST_PAUSE_S) if speed else 0.0)
    return pauses
