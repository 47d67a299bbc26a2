"""`magi serve --workers N` as processes, and connections to the worker one wants."""

import asyncio
import os
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx2
from websockets.asyncio.client import ClientConnection, connect

DEADLINE_S = 40.0
# Of so many connections all go to one of two workers once in a million.
_MOST_TRIES = 20
_N = 2


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@dataclass(frozen=True)
class Workers:
    """A parent and its workers."""

    parent: Process
    port: int
    said: str

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def has_workers(self) -> bool:
        """Whether all of them live."""
        return len(self.pids) == _N

    @property
    def pids(self) -> list[int]:
        """The workers that live now."""
        children = Path(f"/proc/{self.parent.pid}/task/{self.parent.pid}/children").read_text(encoding="ascii")
        return sorted(int(pid) for pid in children.split())

    def serving(self, client_port: int) -> int:
        """Give the worker that has accepted the connection from ``client_port``."""
        mine, theirs = (f"0100007F:{port:04X}" for port in (self.port, client_port))
        lines = [line.split() for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()]
        (inode,) = (line[9] for line in lines if (line[1], line[2]) == (mine, theirs))
        for pid in self.pids:
            if f"socket:[{inode}]" in {_target(each) for each in Path(f"/proc/{pid}/fd").iterdir()}:
                return pid
        raise LookupError(f"no worker has the connection from {client_port}")

    @asynccontextmanager
    async def client_of(self, pid: int) -> AsyncGenerator[httpx2.AsyncClient]:
        """Give a client whose one connection is with that worker."""
        async with AsyncExitStack() as clients:
            for _ in range(_MOST_TRIES):
                client = await clients.enter_async_context(
                    httpx2.AsyncClient(base_url=self.url, timeout=30, limits=httpx2.Limits(max_connections=1))
                )
                answer = await client.get("/ping")
                address = answer.extensions["network_stream"].get_extra_info("client_addr")
                if self.serving(address[1]) == pid:
                    yield client
                    return
            raise LookupError(f"no connection reaches worker {pid}")

    @asynccontextmanager
    async def socket_of(self, pid: int) -> AsyncGenerator[ClientConnection]:
        """Give a WebSocket with that worker."""
        async with AsyncExitStack() as sockets:
            for _ in range(_MOST_TRIES):
                opened = await sockets.enter_async_context(connect(f"ws://127.0.0.1:{self.port}/ws"))
                if self.serving(opened.local_address[1]) == pid:
                    yield opened
                    return
            raise LookupError(f"no connection reaches worker {pid}")


async def gone(pids: Iterable[int]) -> None:
    """Wait until none of these processes is there: nobody is told of the end of another one's children."""
    while any(Path(f"/proc/{pid}").exists() for pid in pids):  # noqa: ASYNC110, ASYNC240 - /proc is no disk
        await asyncio.sleep(0.02)


def locks_in(folder: Path) -> list[Path]:
    """Give the locks of the processes that have a log in ``folder`` open."""
    return list(folder.glob("writer-*.lock"))


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except OSError:
        return ""


@asynccontextmanager
async def serving_together(folder: Path, settings: Mapping[str, str]) -> AsyncGenerator[Workers]:
    """Serve with two workers; give them once the parent says that they listen."""
    port = free_port()
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "from magisystem.cli import main; main()",
        "serve", "--port", str(port), "--workers", str(_N),
        stdout=PIPE, env={**os.environ, "MAGI_DATA_DIR": str(folder), **settings},
    )  # fmt: skip
    pids: list[int] = []
    try:
        async with asyncio.timeout(DEADLINE_S):
            assert parent.stdout is not None
            said = await parent.stdout.readline()
        workers = Workers(parent, port, said.decode())
        pids = workers.pids
        yield workers
    finally:
        if parent.returncode is None:
            parent.send_signal(signal.SIGTERM)
        async with asyncio.timeout(DEADLINE_S):
            await parent.wait()
        # They end by themselves; where a test has found that they do not, none is left behind.
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        await parent.communicate()
