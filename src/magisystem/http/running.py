"""Running an ASGI application under uvicorn: its signals, its log, its streams at the end. For server and gateway."""

import asyncio
import logging
import signal
import socket
from collections.abc import Callable, Coroutine, Generator
from contextlib import contextmanager

import uvicorn

from magisystem.http.streaming import Aborted

# What still streams when the server is told to stop is given this long, then its connections are dropped.
GRACE_S = 1


class _OneLine(logging.Formatter):
    """Keeps what others wrote from speaking to the operator's terminal: control characters are shown, not sent."""

    def format(self, record: logging.LogRecord) -> str:
        """Give a record's text; only a trace has more than one line."""
        text = super().format(record)
        return "".join(char if char.isprintable() or char in "\n\t" else repr(char)[1:-1] for char in text)


class Server(uvicorn.Server):
    """Uvicorn, with a word when it listens, and streams that end when it is told to stop.

    ``listening`` is set once the port is open; ``signals`` has, after `serve`, what ended it.
    """

    def __init__(self, config: uvicorn.Config, on_listening: Callable[[], None], stopping: asyncio.Event) -> None:
        super().__init__(config)
        self._on_listening = on_listening
        self._stopping = stopping
        self.listening = asyncio.Event()
        self.signals: list[int] = []

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Keep the signals that came for later.

        uvicorn raises them again as soon as it is done, which ends the process before what it holds is closed.
        """
        with super().capture_signals():
            yield
            self.signals, self._captured_signals = self._captured_signals, []

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Open the port, and say so."""
        await super().startup(sockets)
        if self.started:
            self._on_listening()
            self.listening.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Abort the streams, which would not end by themselves, then close as uvicorn does."""
        self._stopping.set()
        await super().shutdown(sockets)


def log_to_stderr() -> None:
    """Log what the operator has to know, one line each."""
    handler = logging.StreamHandler()
    handler.setFormatter(_OneLine("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("magisystem").setLevel(logging.INFO)
    # uvicorn reports an aborted body as a fault of the application; here it is how a stream is cut on purpose.
    logging.getLogger("uvicorn.error").addFilter(_is_no_abortion)


def run(serving: Coroutine[None, None, list[int]]) -> None:
    """Run ``serving`` on uvicorn's event loop; then end as the signals that it gives ask for."""
    factory = uvicorn.Config("", loop="auto", log_config=None).get_loop_factory()
    with asyncio.Runner(loop_factory=factory) as runner:
        signals = runner.run(serving)
    # Everything is closed: now the process may end as whoever sent the signal expects.
    for received in signals:
        signal.raise_signal(received)


def _is_no_abortion(record: logging.LogRecord) -> bool:
    return not (record.exc_info and isinstance(record.exc_info[1], Aborted))
