"""The live view: a screen drawn a dozen times a second while events come in, then the whole page, which stays."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from rich.console import Console
from rich.live import Live
from rich.text import Text

from magisystem.cli.clock import EventClock
from magisystem.cli.scene import Stage
from magisystem.cli.screen import page, screen
from magisystem.cli.words import Words
from magisystem.client import Received

# Fast enough to look like speech, and a fraction of the work of a picture a token.
_PICTURE_S = 1 / 12


class LiveView:
    """Shows what comes in on a terminal."""

    def __init__(self, console: Console, words: Words, stage: Stage, clock: EventClock) -> None:
        self._console = console
        self._words = words
        self._stage = stage
        self._clock = clock

    @asynccontextmanager
    async def showing(self) -> AsyncGenerator["LiveView"]:
        """Take over the terminal; on leaving, give it back and print the whole page, however it was left."""
        try:
            # The alternate screen: whatever size the terminal is dragged to, nothing of it stays behind.
            with Live(console=self._console, screen=True, auto_refresh=False, get_renderable=self._picture) as live:
                drawing = asyncio.create_task(_draw(live))
                try:
                    yield self
                finally:
                    drawing.cancel()
                    (fault,) = await asyncio.gather(drawing, return_exceptions=True)
        finally:
            self._print_page()
        if isinstance(fault, Exception):
            raise fault

    def show(self, received: Received) -> None:
        """Take one event."""
        self._stage.add(received.event, self._clock.at(received.event))

    def _picture(self) -> Text:
        width, height = self._console.size
        return Text("\n").join(screen(self._stage.scene(self._clock.now()), self._words, width, height))

    def _print_page(self) -> None:
        scene = self._stage.scene(self._clock.now())
        if scene.state.start is not None:
            lines = page(scene, self._words, self._console.size.width)
            self._console.print(Text("\n").join(lines), soft_wrap=True)


async def _draw(live: Live) -> None:
    while True:
        live.refresh()
        await asyncio.sleep(_PICTURE_S)
