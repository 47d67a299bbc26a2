"""Processes that are measured: started, waited for, weighed, and ended with all that they started. Linux only."""

import asyncio
import os
import resource
import signal
import socket
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncGenerator, Collection, Iterator, Mapping
from contextlib import asynccontextmanager, nullcontext, suppress
from pathlib import Path
from types import MappingProxyType

if sys.platform != "linux":
    sys.exit("processor times are read from Linux's clocks: these benchmarks need Linux")

MAGI = str(Path(sys.executable).with_name("magi"))
_POLL_S = 0.005
_MOST_START_S = 30.0
_MOST_STOP_S = 5.0
# The number of a process's clock is made of its id and of 2, "the time of all its threads" (linux/posix-timers.h).
_ALL_THREADS = 2


@asynccontextmanager
async def process(
    *command: str,
    environment: Mapping[str, str] = MappingProxyType({}),
    cores: Collection[int] = (),
    errors: Path | None = None,
) -> AsyncGenerator[Process]:
    """Run a command, on ``cores`` if any are named, until the block is left; then it and its children are gone.

    ``environment`` is added to this process's own. Standard output is a pipe; standard error goes to the file
    ``errors``, if one is named.
    """
    allowed = os.sched_getaffinity(0)
    # What is started inherits the cores; nothing is awaited in between that could start something else.
    os.sched_setaffinity(0, cores or allowed)
    with errors.open("ab") if errors else nullcontext() as said:
        try:
            running = await asyncio.create_subprocess_exec(
                *command,
                stdin=DEVNULL,
                stdout=PIPE,
                stderr=said,
                env={**os.environ, **environment},
                start_new_session=True,
            )
        finally:
            os.sched_setaffinity(0, allowed)
    try:
        yield running
    finally:
        await _end(running)


async def _end(running: Process) -> None:
    """Ask the process to stop, then make it and whatever it started."""
    with suppress(ProcessLookupError):
        running.terminate()
    try:
        async with asyncio.timeout(_MOST_STOP_S):
            await running.wait()
    except TimeoutError:
        pass
    finally:
        with suppress(ProcessLookupError):
            os.killpg(running.pid, signal.SIGKILL)
    await running.wait()


def free_port() -> int:
    """Give a port nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


async def answers_ping(port: int) -> bool:
    """Ask once, without a library whose own time would count."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionError:
        return False
    writer.write(b"GET /ping HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    status = await reader.readline()
    writer.close()
    return b" 200 " in status


async def ready(port: int, running: Process | None = None) -> None:
    """Wait until a server answers ``GET /ping``.

    Raises:
        RuntimeError: it ended, or did not answer in 30 s.
    """
    deadline_s = time.monotonic() + _MOST_START_S
    while not await answers_ping(port):
        if running is not None and running.returncode is not None:
            raise RuntimeError(f"the server ended with {running.returncode} before it answered")
        if time.monotonic() > deadline_s:
            raise RuntimeError("the server did not start")
        await asyncio.sleep(_POLL_S)


def tree(pid: int) -> Iterator[int]:
    """Give a process and all that descend from it."""
    yield pid
    with suppress(FileNotFoundError, ProcessLookupError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text(encoding="ascii").split():
                yield from tree(int(child))


def processor_s(pid: int) -> float:
    """Give the processor time, user's and system's, that a process and its living descendants have taken."""
    total_ns = 0
    for member in tree(pid):
        with suppress(OSError):
            total_ns += time.clock_gettime_ns(~member << 3 | _ALL_THREADS)
    return total_ns / 1e9


def resident_kb(pid: int) -> float:
    """Give the resident memory of a process and its living descendants."""
    n_pages = 0
    for member in tree(pid):
        with suppress(FileNotFoundError, ProcessLookupError):
            n_pages += int(Path(f"/proc/{member}/statm").read_text(encoding="ascii").split()[1])
    return n_pages * os.sysconf("SC_PAGE_SIZE") / 1000


def machine_s() -> float:
    """Give the processor time that all processes of the machine have taken."""
    user, nice, system, _idle, _waiting, *interrupts = map(
        int, Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:8]
    )
    return (user + nice + system + sum(interrupts)) / os.sysconf("SC_CLK_TCK")


def allow_connections() -> None:
    """Let this process and those that it starts open as many files as the system allows."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
