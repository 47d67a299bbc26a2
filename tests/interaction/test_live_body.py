"""What a live body keeps while it waits, and each way in which it ends."""

import asyncio
import gc
import weakref
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from magisystem.http.live_body import LiveBody, ReaderTooSlow
from magisystem.http.streaming import ServerStops, Stopping
from magisystem.http.unwinding import Unwinding
from magisystem.protocol.sse import KEEP_ALIVE, PRELUDE

DEADLINE_S = 10
GET: Scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
END: Message = {"type": "http.response.body", "body": b"", "more_body": False}


class Batch:
    """One that can be seen to be let go."""


@dataclass
class Peer:
    """The server's side of a request: what it was sent, and what a test lets it say."""

    sent: list[Message] = field(default_factory=list[Message])
    has_left: asyncio.Event = field(default_factory=asyncio.Event)
    takes: asyncio.Event = field(default_factory=asyncio.Event)
    n_waiting: int = 0
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    def __post_init__(self) -> None:
        self.takes.set()

    async def receive(self) -> Message:
        await self.has_left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        self.n_waiting += 1
        await self._tell()
        await self.takes.wait()
        self.n_waiting -= 1
        self.sent.append(message)
        await self._tell()

    async def until_sent(self, body: bytes, times: int = 1) -> None:
        async with self.changed:
            await self.changed.wait_for(lambda: [each.get("body") for each in self.sent].count(body) >= times)

    async def until_waiting(self, n: int) -> None:
        async with self.changed:
            await self.changed.wait_for(lambda: self.n_waiting >= n)

    async def _tell(self) -> None:
        async with self.changed:
            self.changed.notify_all()


@dataclass
class Source:
    """Gives one batch, then waits until it is told to end or to fail. ``is_closed`` once its block was left."""

    ends: "asyncio.Future[None]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    is_closed: bool = False
    given: "weakref.ref[Batch] | None" = None

    @asynccontextmanager
    async def opened(self) -> AsyncGenerator[AsyncIterator[Batch]]:
        try:
            yield self._batches()
        finally:
            self.is_closed = True

    async def _batches(self) -> AsyncGenerator[Batch]:
        yield self._batch()
        await self.ends

    def _batch(self) -> Batch:
        batch = Batch()
        self.given = weakref.ref(batch)
        return batch


def framed(_: Batch) -> bytes:
    return b"a batch"


def body(source: Source, stopping: Stopping | None = None, **options: Any) -> LiveBody[Batch]:
    return LiveBody(source.opened(), framed, stopping or Stopping(), **options)


@asynccontextmanager
async def streaming(app: ASGIApp, peer: Peer) -> AsyncGenerator["asyncio.Task[Any]"]:
    """Have a request answered; afterwards nothing may be left of it."""
    before = asyncio.all_tasks()
    async with asyncio.timeout(DEADLINE_S):
        request = asyncio.ensure_future(app(dict(GET), peer.receive, peer.send))
        try:
            yield request
            await asyncio.wait([request])
        finally:
            request.cancel()
            await asyncio.gather(request, return_exceptions=True)
    assert asyncio.all_tasks() <= before


async def test_a_stream_that_ends_is_ended_cleanly() -> None:
    source, peer = Source(), Peer()
    async with streaming(body(source), peer) as request:
        await peer.until_sent(b"a batch")
        source.ends.set_result(None)
    assert request.exception() is None
    assert [message.get("body") for message in peer.sent] == [None, PRELUDE, b"a batch", b""]
    assert peer.sent[-1] == END
    assert source.is_closed


async def test_of_a_stream_that_has_ended_nothing_is_kept_for_the_servers_stop() -> None:
    source, peer, stopping = Source(), Peer(), Stopping()
    stream = body(source, stopping)
    async with streaming(stream, peer) as request:
        await peer.until_sent(b"a batch")
        source.ends.set_result(None)
    kept = weakref.ref(stream)
    del stream, request
    gc.collect()
    assert kept() is None


async def test_a_stream_that_waits_is_two_tasks_and_keeps_no_batch() -> None:
    source, peer = Source(), Peer()
    before = asyncio.all_tasks()
    async with streaming(body(source), peer) as request:
        await peer.until_sent(b"a batch")
        await asyncio.sleep(0)
        assert len(asyncio.all_tasks() - before) == 2
        assert source.given is not None
        assert source.given() is None
        peer.has_left.set()
    assert request.exception() is None
    assert END not in peer.sent
    assert source.is_closed


@pytest.mark.parametrize("takes", [True, False])
async def test_a_server_that_stops_aborts_the_body_read_or_not(*, takes: bool) -> None:
    source, peer, stopping = Source(), Peer(), Stopping()
    async with streaming(body(source, stopping), peer) as request:
        await peer.until_sent(PRELUDE)
        if not takes:
            peer.takes.clear()
        stopping.set()
    assert isinstance(request.exception(), ServerStops)
    assert END not in peer.sent
    assert source.is_closed


async def test_what_begins_after_the_server_was_told_to_stop_is_aborted_too() -> None:
    source, peer, stopping = Source(), Peer(), Stopping()
    stopping.set()
    async with streaming(body(source, stopping), peer) as request:
        pass
    assert isinstance(request.exception(), ServerStops)


async def test_what_has_a_bound_in_time_is_aborted_by_then() -> None:
    peer = Peer()
    async with streaming(body(Source(), longest_s=0.01), peer) as request:
        await peer.until_sent(PRELUDE)
        peer.takes.clear()
    assert isinstance(request.exception(), ReaderTooSlow)
    assert END not in peer.sent


async def test_a_time_that_ran_out_elsewhere_is_no_end_of_ours() -> None:
    source, peer = Source(), Peer()
    async with streaming(body(source, longest_s=60), peer) as request:
        await peer.until_sent(b"a batch")
        source.ends.set_exception(TimeoutError("the disk's"))
    assert str(request.exception()) == "the disk's"
    assert END not in peer.sent
    assert source.is_closed


async def test_a_stream_that_is_cancelled_is_cancelled() -> None:
    source, peer = Source(), Peer()
    async with streaming(body(source), peer) as request:
        await peer.until_sent(b"a batch")
        request.cancel()
    assert request.cancelled()
    assert source.is_closed


async def test_a_stream_that_the_server_ends_and_the_reader_leaves_at_once_ends_once() -> None:
    source, peer, stopping = Source(), Peer(), Stopping()
    async with streaming(body(source, stopping), peer) as request:
        await peer.until_sent(b"a batch")
        peer.has_left.set()
        stopping.set()
        source.ends.set_result(None)
    assert request.exception() is None or isinstance(request.exception(), ServerStops)
    assert source.is_closed


async def test_a_slow_reader_is_owed_one_keep_alive_and_gets_the_next_ones_when_it_reads() -> None:
    slow, quick = Peer(), Peer()
    async with (
        streaming(body(Source(), keep_alive_s=0.001), quick),
        streaming(body(Source(), keep_alive_s=0.001), slow) as request,
    ):
        await slow.until_sent(KEEP_ALIVE)
        slow.takes.clear()
        await slow.until_waiting(1)
        # Long enough for several.
        await quick.until_sent(KEEP_ALIVE, times=len(quick.sent) + 5)
        assert slow.n_waiting == 1
        n_sent = len(slow.sent)
        slow.takes.set()
        await slow.until_sent(KEEP_ALIVE, times=n_sent + 1)
        slow.has_left.set()
        quick.has_left.set()
    assert request.exception() is None


class Layer:
    """Marks the heads that pass, counts the bodies that do, and says when it has ended."""

    def __init__(self, app: ASGIApp, seen: list[str]) -> None:
        self._app = app
        self._seen = seen

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_seen(message: Message) -> None:
            self._seen.append(message["type"])
            await send(message)

        await self._app(scope, receive, send_seen)
        self._seen.append("ended")


async def test_of_a_live_body_only_the_head_passes_the_layers_which_end_before_it() -> None:
    source, peer, seen = Source(), Peer(), list[str]()

    async def answer(_: Request) -> LiveBody[Batch]:
        return body(source)

    app = Unwinding(routes=[Route("/", answer)], middleware=[Middleware(Layer, seen=seen)])
    async with streaming(app, peer) as request:
        await peer.until_sent(b"a batch")
        assert seen == ["http.response.start", "ended"]
        source.ends.set_exception(OSError("the log's"))
    assert str(request.exception()) == "the log's"
    assert [message.get("body") for message in peer.sent] == [None, PRELUDE, b"a batch"]
