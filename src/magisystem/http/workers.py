"""Several processes that serve one port: who starts them, keeps their number, and ends them.

Each worker listens on a socket of its own, and the kernel spreads connections over them (SO_REUSEPORT). They share the
log and the records and nothing else, so any verb may reach any of them; what one leaves when it dies, the others go on
with. The parent serves nothing and runs no event loop and no thread, which is what makes it safe to fork from.
docs/decisions/0020-workers.md has the reasons and the measurements.
"""

import asyncio
import contextlib
import logging
import multiprocessing
import os
import selectors
import signal
import socket
import sys
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

from magisystem.config import Configuration
from magisystem.errors import MagiError, SettingsInvalid
from magisystem.http.running import run
from magisystem.http.server import prepare, serving

# What stops a server takes 5 s at most (ARCHITECTURE.md, "Shutdown"); beyond twice that a worker hangs.
_STOP_S = 10.0
# A worker that dies sooner than this after its start is likely to do so again: the next one waits, each time longer.
_SETTLED_S = 5.0
_FIRST_WAIT_S = 0.5
_LONGEST_WAIT_S = 30.0
_log = logging.getLogger(__name__)


def serve_together(configuration: Configuration, on_listening: Callable[[], None]) -> None:
    """Serve with ``workers`` processes until told to stop; ``on_listening`` is called once, when all of them listen.

    It ends as `serve` does: by the signal that it was told to stop with.

    Raises:
        SettingsInvalid: this system cannot do it.
        LogUnavailable: the log cannot be used; the message says what to do.
    """
    if sys.platform != "linux":
        raise SettingsInvalid(
            "MAGI_WORKERS (--workers) above 1 needs Linux, whose kernel spreads one port's connections over several "
            "processes; elsewhere one gets them all. Leave it at 1, or run the container image."
        )
    prepare()
    # Imported before the first fork, so that every worker has it without loading it again.
    settings = configuration.settings
    with _reserved(settings.host, settings.port), _signals_as_bytes() as told, _Workers(configuration, told) as workers:
        received = workers.run(on_listening)
    signal.raise_signal(received)


@dataclass(slots=True)
class _Worker:
    """A process, and what it says: once that it listens, or the error that kept it from it."""

    process: BaseProcess
    word: Connection
    since: float
    listens: bool = False


class _Workers:
    """The workers of one parent. Leaving it ends them all."""

    def __init__(self, configuration: Configuration, told: int) -> None:
        self._configuration = configuration
        self._told = told
        self._n = configuration.settings.workers
        self._workers: list[_Worker] = []
        # When to start the next one, for each that is missing.
        self._due: list[float] = []
        self._wait_s = _FIRST_WAIT_S
        # Closed with the parent, however that ends, which tells the workers.
        self._life, self._life_of_parent = os.pipe()

    def __enter__(self) -> "_Workers":
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.process.terminate()
        until = time.monotonic() + _STOP_S
        for worker in self._workers:
            worker.process.join(max(0.0, until - time.monotonic()))
            if worker.process.exitcode is None:
                _log.error("worker %s does not stop and is killed", worker.process.pid)
                worker.process.kill()
                worker.process.join()
        os.close(self._life)
        os.close(self._life_of_parent)

    def run(self, on_listening: Callable[[], None]) -> int:
        """Keep the workers at their number until a signal says to stop; give it."""
        # The first one alone: what is wrong with log, records or port is said once, and made or migrated by one.
        if received := self._started(1) or self._started(self._n):
            return received
        on_listening()
        while True:
            if received := self._attend():
                return received

    def _started(self, n: int) -> int:
        """Start workers until there are ``n``, all listening; give the signal that came meanwhile, or 0.

        Raises:
            MagiError: one could not.
        """
        while len(self._workers) < n:
            self._workers.append(self._begun())
        while not all(worker.listens for worker in self._workers):
            if received := self._attend(is_start=True):
                return received
        return 0

    def _begun(self) -> _Worker:
        word, word_of_worker = multiprocessing.Pipe(duplex=False)
        context = multiprocessing.get_context("fork")
        process = context.Process(
            target=_work,
            args=(self._configuration, word_of_worker, self._life, self._life_of_parent),
            name="magi worker",
        )
        process.start()
        word_of_worker.close()
        return _Worker(process, word, time.monotonic())

    def _attend(self, *, is_start: bool = False) -> int:
        """Wait for something to happen, and see to it; give the signal, if it was one that says to stop, or 0."""
        now = time.monotonic()
        while self._due and self._due[0] <= now:
            self._due.pop(0)
            self._workers.append(self._begun())
        with selectors.DefaultSelector() as selector:
            selector.register(self._told, selectors.EVENT_READ)
            for worker in self._workers:
                selector.register(worker.process.sentinel, selectors.EVENT_READ, worker)
                if not worker.listens:
                    selector.register(worker.word, selectors.EVENT_READ, worker)
            ready = selector.select(self._due[0] - now if self._due else None)
        if any(key.fileobj == self._told for key, _ in ready):
            return os.read(self._told, 1)[0]
        for worker in {id(key.data): key.data for key, _ in ready}.values():
            self._hear(worker, is_start=is_start)
        return 0

    def _hear(self, worker: _Worker, *, is_start: bool) -> None:
        """Take note that a worker listens, or that it has died."""
        error: MagiError | None = None
        with contextlib.suppress(EOFError):
            if not worker.listens and worker.word.poll():
                error = worker.word.recv()
                worker.listens = error is None
        if worker.listens and worker.process.is_alive():
            return
        worker.process.join()
        worker.word.close()
        self._workers.remove(worker)
        if is_start:
            raise error or _Died(worker.process.exitcode)
        now = time.monotonic()
        has_settled = worker.listens and now - worker.since > _SETTLED_S
        wait_s = 0.0 if has_settled else self._wait_s
        self._wait_s = _FIRST_WAIT_S if has_settled else min(2 * self._wait_s, _LONGEST_WAIT_S)
        self._due = sorted((*self._due, now + wait_s))
        cause = error.message if error else f"exit code {worker.process.exitcode}"
        _log.error("worker %s died (%s); another one starts in %g s", worker.process.pid, cause, wait_s)


class _Died(MagiError):
    """A worker died before it listened, and did not say of what."""

    code = "worker_died"

    def __init__(self, exit_code: int | None) -> None:
        super().__init__(f"A worker died as it started (exit code {exit_code}). The lines above may say of what.")


def _work(configuration: Configuration, word: Connection, life: int, life_of_parent: int) -> None:
    """Serve, as one worker; it ends with the signal it was told to stop with, or with its parent."""
    os.close(life_of_parent)
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    settings = configuration.settings
    try:
        run(_serving(configuration, bound(settings.host, settings.port), word, life))
    except MagiError as error:
        word.send(error)


async def _serving(
    configuration: Configuration, sockets: Sequence[socket.socket], word: Connection, life: int
) -> list[int]:
    loop = asyncio.get_running_loop()

    def stop() -> None:
        loop.remove_reader(life)
        signal.raise_signal(signal.SIGTERM)

    # Nothing is ever written to it; it becomes readable when the parent is gone.
    loop.add_reader(life, stop)
    return await serving(configuration, lambda: word.send(None), sockets)


def bound(host: str, port: int) -> list[socket.socket]:
    """Give sockets bound to every address of ``host``, beside those that other processes of this user have bound so.

    Raises:
        OSError: the port cannot be had.
    """
    found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    sockets: list[socket.socket] = []
    try:
        for family, kind, protocol, _, target in dict.fromkeys(found):
            sockets.append(listening := socket.socket(family, kind, protocol))
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            if family == socket.AF_INET6:
                # As asyncio does: IPv4 has a socket of its own.
                listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            listening.bind(target)
    except BaseException:
        for each in sockets:
            each.close()
        raise
    return sockets


@contextmanager
def _reserved(host: str, port: int) -> Generator[None]:
    """Keep the port, though every worker were dead for a moment; what is bound and does not listen gets nothing."""
    with contextlib.ExitStack() as held:
        for each in bound(host, port):
            held.enter_context(each)
        yield


def _nothing(*_: object) -> None:
    """Take a signal, whose number is written to the descriptor."""


@contextmanager
def _signals_as_bytes() -> Generator[int]:
    """Give a file descriptor from which the numbers of SIGINT and SIGTERM can be read as they come."""
    here, there = os.pipe()
    os.set_blocking(there, False)
    former = {number: signal.signal(number, _nothing) for number in (signal.SIGINT, signal.SIGTERM)}
    former_fd = signal.set_wakeup_fd(there)
    try:
        yield here
    finally:
        signal.set_wakeup_fd(former_fd)
        for number, handler in former.items():
            signal.signal(number, handler)
        os.close(here)
        os.close(there)
