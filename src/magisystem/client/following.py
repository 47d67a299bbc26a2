"""Following one deliberation to its end, whatever happens on the way."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType
from typing import Literal

from magisystem.client.errors import ServerRefused, ServerUnreachable, StreamCut
from magisystem.client.patience import BackOff, Timing, patiently, told_to_wait_s
from magisystem.client.received import Batch, Dropped, HeldBack, Received, Transport
from magisystem.client.wire import Polls, Wire
from magisystem.protocol.digest import Digest
from magisystem.protocol.events import AnyEvent, Complete, Start, TerminalEvent
from magisystem.protocol.fold import DeliberationState, Fold


class NoticeKind(StrEnum):
    """What a follower may want to know about how its events come.

    ``resumed``: after a drop, from where it had been. ``polling``: something on the way holds the stream back, so from
    now on the events are asked for. ``unproved``: all events have come, and not those that the digest was made of.
    ``waited``: the server was overloaded when it was asked to begin, and was asked again when it said to.
    """

    RESUMED = "resumed"
    POLLING = "polling"
    UNPROVED = "unproved"
    WAITED = "waited"


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that happened on the way.

    ``cursor`` is the last seq received by then, ``reason`` a phrase for people.
    """

    kind: NoticeKind
    cursor: int
    reason: str


@dataclass(frozen=True, slots=True)
class Subject:
    """What is followed: a deliberation of that id from the event after ``after``, or the one that ``request`` starts.

    ``request`` has an idempotency key, so that sending it again attaches to what it began.
    """

    deliberation_id: str = ""
    after: int = 0
    request: Mapping[str, object] | None = None


class Following:
    """The events of one deliberation: in seq order, each once, without a gap, and the terminal one last.

    An async iterator, for one task at a time; nothing is sent before it is first asked. Drops are resumed from and
    waited out, and where something on the way holds the stream back the events are polled for from then on; `notices`
    tells of both. Where the log had ended before ``after``, nothing comes.

    A task that is cancelled while it waits, or a time-out around that, costs the connection and no event: the next
    asking resumes. So it is after an error, too. An iteration that is left keeps its connection until `aclose`, or
    until the client is closed; the deliberation goes on in any case.

    Iterating raises:
        ServerRefused: the server will not do it, now or later: a wrong request, a deliberation it does not have (any
            more), a cursor ahead of its log.
        ServerUnreachable: no connection ever came about.
        StreamCut: nothing new came for as long as there was patience; see `Timing.give_up_s`.
    """

    def __init__(self, wire: Wire, timing: Timing, subject: Subject, on_closed: Callable[["Following"], None]) -> None:
        self._wire = wire
        self._timing = timing
        self._request = subject.request
        self._deliberation_id = subject.deliberation_id
        self._cursor = subject.after
        self._on_closed = on_closed
        self._fold = Fold()
        self._digest = Digest() if subject.after == 0 else None
        self._is_verified: bool | None = None
        self._notices: list[Notice] = []
        self._back_off = BackOff(timing)
        self._is_polling = False
        self._transport: Transport | None = None
        self._ready = deque[Received]()
        # Why the last connection was lost, until another one has carried something.
        self._lost = ""
        self._has_begun = False
        self._has_ended = False
        # Whether a deliberation may exist that somebody would want to come back to.
        self._may_exist = bool(subject.deliberation_id)

    @property
    def deliberation_id(self) -> str:
        """The id; empty before the server has said it."""
        return self._deliberation_id

    @property
    def cursor(self) -> int:
        """The seq of the last event that was handed out; before the first one, where following began."""
        return self._cursor - len(self._ready)

    @property
    def state(self) -> DeliberationState:
        """The fold of what was handed out so far. It lacks what came before ``after``."""
        return self._fold.state

    @property
    def transport(self) -> Literal["stream", "poll"]:
        """How the events come now; once polled for, always so."""
        return "poll" if self._is_polling else "stream"

    @property
    def notices(self) -> Sequence[Notice]:
        """What happened on the way so far, the oldest first."""
        return tuple(self._notices)

    @property
    def is_verified(self) -> bool | None:
        """Whether the events are those that the digest in `complete` was made of.

        ``None`` before `complete`, after another end, and where following began after the first event.
        """
        return self._is_verified

    async def cancel(self) -> None:
        """Stop the deliberation; the server has confirmed it when this returns, and the events come to their end.

        May be called from another task than the one that iterates. One that was not begun never begins.

        Raises:
            ServerUnreachable, ServerRefused: the last try's.
        """
        if self._request is not None and not self._has_begun:
            self._has_ended = True
            return
        deliberation_id = await patiently(self._learn_id, self._timing)
        await patiently(lambda: self._wire.cancel(deliberation_id), self._timing)

    async def received(self) -> AsyncGenerator[Received]:
        """Iterate over the same events, each with its JSON exactly as the log holds it."""
        while (received := await self._next()) is not None:
            yield received

    def __aiter__(self) -> "Following":
        return self

    async def __anext__(self) -> AnyEvent:
        if (received := await self._next()) is None:
            raise StopAsyncIteration
        return received.event

    async def __aenter__(self) -> "Following":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Let go of the connection, and iterate no further; the deliberation goes on."""
        self._has_ended = True
        self._cursor = self.cursor
        self._ready.clear()
        await self._hang_up()
        self._on_closed(self)

    async def _next(self) -> Received | None:
        self._has_begun = True
        while not self._ready:
            if self._has_ended:
                await self.aclose()
                return None
            await self._fill()
        received = self._ready.popleft()
        self._fold.add(received.event)
        self._verify(received)
        return received

    def _verify(self, received: Received) -> None:
        if self._digest is None:
            return
        if isinstance(received.event, Complete):
            self._is_verified = str(self._digest) == received.event.digest
            if not self._is_verified:
                self._notices.append(Notice(NoticeKind.UNPROVED, self.cursor, "the digest is of other events"))
        self._digest.add(received.body)

    async def _fill(self) -> None:
        """Try once to read on; what fails and may pass is waited out."""
        try:
            batch = await self._read()
        except HeldBack as held_back:
            self._may_exist = True
            self._poll_from_now_on(str(held_back))
        except (Dropped, ServerUnreachable, ServerRefused) as error:
            if isinstance(error, ServerRefused) and not error.is_passing:
                raise
            if isinstance(error, Dropped) or error.may_be_begun:
                self._may_exist = True
            await self._wait_out(error)
        else:
            await self._take(batch)

    async def _read(self) -> Batch:
        try:
            if self._transport is None:
                self._transport = await self._connect()
            return await self._transport.read(self._cursor)
        except Dropped as drop:
            await self._hang_up()
            if not drop.is_bare or not self._deliberation_id:
                raise
            # A log that ended at the cursor has nothing to stream, so its stream ends like one that was cut.
            batch = await self._wire.page(self._deliberation_id, self._cursor, 0)
            if not batch.is_done:
                raise
            return batch
        except BaseException:
            # Cancelled in the middle of a read, a connection cannot be read on from.
            await self._hang_up()
            raise

    async def _connect(self) -> Transport:
        if self._is_polling:
            return Polls(self._wire, await self._learn_id(), self._timing)
        if self._request is not None and not self._deliberation_id:
            stream = await self._wire.stream(self._request)
        else:
            stream = await self._wire.resume(self._deliberation_id, self._cursor)
        self._deliberation_id = self._deliberation_id or stream.deliberation_id
        return stream

    async def _learn_id(self) -> str:
        if not self._deliberation_id and self._request is not None:
            self._deliberation_id = await self._wire.begin(self._request)
        return self._deliberation_id

    async def _take(self, batch: Batch) -> None:
        fresh, gap = _in_sequence(batch.received, self._cursor)
        fault = batch.fault or gap
        if fresh or not (batch.received or fault):
            self._back_off.succeeded()
            if self._lost:
                self._notices.append(Notice(NoticeKind.RESUMED, self._cursor, self._lost))
                self._lost = ""
        self._may_exist = True
        self._ready.extend(fresh)
        self._cursor += len(fresh)
        if fresh and isinstance(start := fresh[0].event, Start):
            self._deliberation_id = self._deliberation_id or start.deliberation_id
        if (fresh and isinstance(fresh[-1].event, TerminalEvent)) or (batch.is_done and not fresh):
            self._has_ended = True
            await self._hang_up()
        elif fault:
            await self._hang_up()
            await self._wait_out(Dropped(fault))
        elif batch.held_back and not self._is_polling:
            await self._hang_up()
            self._poll_from_now_on(batch.held_back)

    def _poll_from_now_on(self, reason: str) -> None:
        self._is_polling = True
        self._notices.append(Notice(NoticeKind.POLLING, self._cursor, reason))

    async def _wait_out(self, error: Exception) -> None:
        timing = self._timing
        is_overload = isinstance(error, ServerRefused) and error.is_overload
        if not is_overload:
            self._lost = str(error)
        elif all(notice.kind is not NoticeKind.WAITED for notice in self._notices):
            self._notices.append(Notice(NoticeKind.WAITED, self._cursor, str(error)))
        limit_s = timing.give_up_s if self._may_exist or is_overload else timing.reach_s
        pause_s = self._back_off.failed(limit_s, told_to_wait_s(error))
        if pause_s is not None:
            await asyncio.sleep(pause_s)
        elif self._may_exist and not is_overload:
            name = f"the deliberation {self._deliberation_id}" if self._deliberation_id else "the deliberation"
            reason = str(error).rstrip(".")
            raise StreamCut(
                f"Nothing came after event {self._cursor}, however often it was tried: {reason}. On the server {name} "
                "may go on.",
                deliberation_id=self._deliberation_id,
                cursor=self._cursor,
            ) from error
        else:
            raise error

    async def _hang_up(self) -> None:
        transport, self._transport = self._transport, None
        if transport is not None:
            await transport.aclose()


def _in_sequence(received: Sequence[Received], cursor: int) -> tuple[list[Received], str]:
    """Give what follows the cursor without a gap, no further than a terminal event, and which event is missing."""
    fresh: list[Received] = []
    for each in received:
        if each.event.seq <= cursor:
            continue
        if each.event.seq != cursor + 1:
            return fresh, f"event {cursor + 1} is missing"
        cursor += 1
        fresh.append(each)
        if isinstance(each.event, TerminalEvent):
            break
    return fresh, ""
