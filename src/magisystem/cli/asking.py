"""`magi ask`: a deliberation started, shown as it comes, and turned into an exit code."""

import asyncio

from magisystem.cli.exits import INTERRUPTED, exit_code
from magisystem.cli.questions import Question, checked, request_fields
from magisystem.cli.scene import Stage
from magisystem.cli.showing import Form, Show, interruption, showing, write_notices
from magisystem.cli.sources import Elsewhere, Here, Source
from magisystem.cli.words import Words, words_for
from magisystem.client import checked_address
from magisystem.config import read_configuration

# How long the receipt of a cancelled deliberation is waited for.
_FAREWELL_S = 5.0


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
    with interruption() as interrupted:
        async with showing(form, words, stage) as show:
            await _follow(source, stage, show, interrupted)
    write_notices(source.notices)
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
