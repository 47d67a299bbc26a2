"""One request's answer: the runtime's, relayed as it comes, and one stream for the reader however often that breaks.

The head goes out once the runtime has answered, but never later than a second after the request: a runtime that has to
start a session takes several, and clients take a stream without a byte for one that is held back. What the runtime
refuses after that cannot have a status any more. The body is aborted then, the client comes back, and is told
(late_refusals.py). Decision 0018 has the reasons.

A reader that takes nothing holds back its own relay alone: nothing more is read from the runtime than what a socket and
a buffer hold. A reader that leaves ends its relay and nothing else; the deliberation goes on.
"""

import asyncio
import logging
from dataclasses import replace
from http import HTTPStatus

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from magisystem.errors import MagiError, RuntimeUnreachable, RuntimeUnreadable, UpstreamError
from magisystem.gateway.asks import Reached
from magisystem.gateway.attempts import Attempts
from magisystem.gateway.frames import FrameCutter
from magisystem.gateway.late_refusals import LateRefusals, key_of
from magisystem.gateway.patience import BackOff
from magisystem.gateway.reader import Reader
from magisystem.gateway.refusals import RefusedByRuntime
from magisystem.gateway.runtime import Document, RuntimeStream
from magisystem.http.streaming import Aborted, ServerStops, gone

_TIME_IS_UP = b": the time that this platform gives one response is up; resume from the last id\n\n"
_log = logging.getLogger(__name__)


class CannotGoOn(Aborted):
    """What was streamed cannot be continued here; its reader comes back, and learns why."""


class Relay(Response):
    """A response that is what the runtime answers.

    ``left_s`` is the time after which the platform would cut it, if it does.
    """

    def __init__(self, attempts: Attempts, late: LateRefusals, stopping: asyncio.Event, left_s: float | None) -> None:
        super().__init__()
        self._attempts = attempts
        self._late = late
        self._stopping = stopping
        self._left_s = left_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer until the runtime, the reader, or the time there is for it ends.

        Raises:
            MagiError, RefusedByRuntime: it is refused, or its time is up, and no head is out.
            Aborted: the stream cannot be gone on with; the server drops the connection with the body unfinished.
        """
        self._late.raise_kept(key_of(self._attempts.call, self._attempts.ask, self._attempts.ask.reached))
        reader = Reader(send, self._attempts.timing)
        work = asyncio.create_task(self._work(reader, scope, receive, send))
        left = asyncio.create_task(gone(receive))
        stop = asyncio.create_task(self._stopping.wait())
        tasks = (work, left, stop)
        try:
            over, _ = await asyncio.wait(tasks, timeout=self._left_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if work in over:
            work.result()
        elif stop in over:
            raise ServerStops if reader.has_head else RuntimeUnreachable
        elif left not in over:
            await reader.end_early(_TIME_IS_UP)

    async def _work(self, reader: Reader, scope: Scope, receive: Receive, send: Send) -> None:
        beating = asyncio.create_task(self._beat(reader))
        try:
            answer = await self._first(reader)
            if isinstance(answer, RuntimeStream):
                return await self._stream(reader, answer)
        finally:
            beating.cancel()
            await asyncio.gather(beating, return_exceptions=True)
        return await self._whole(answer)(scope, receive, send)

    def _whole(self, document: Document) -> Response:
        """Give a document as the server itself would: AgentCore makes a 200 of a container's 202."""
        ask = self._attempts.ask
        applied = {"preference-applied": "respond-async"} if ask.is_preferred else {}
        status = HTTPStatus.ACCEPTED if ask.is_detached else document.status
        return Response(document.body, status, {**document.headers, **applied}, document.media_type or None)

    async def _beat(self, reader: Reader) -> None:
        if self._attempts.ask.is_streamed:
            await reader.beat(self._attempts.ask.reached.deliberation_id)

    async def _first(self, reader: Reader) -> RuntimeStream | Document:
        try:
            answer = await self._attempts.first()
            if isinstance(answer, RuntimeStream) and not self._attempts.ask.is_streamed:
                answer.close()
                raise RuntimeUnreadable
            if isinstance(answer, Document) and reader.has_head:
                raise RuntimeUnreadable
        except (MagiError, RefusedByRuntime) as refusal:
            if not reader.has_head:
                raise
            self._keep(refusal, self._attempts.ask.reached)
            raise await _given_up(reader, refusal) from refusal
        return answer

    async def _stream(self, reader: Reader, stream: RuntimeStream) -> None:
        timing, ask, loop = self._attempts.timing, self._attempts.ask, asyncio.get_running_loop()
        asked = ask.reached
        cutter = FrameCutter(replace(asked, deliberation_id=asked.deliberation_id or stream.deliberation_id))
        back_off, n_unreadable = BackOff(timing, timing.give_up_s), 0
        try:
            await reader.begin(cutter.reached.deliberation_id)
            while True:
                before, since_s = cutter.cursor, loop.time()
                reason = await reader.take(stream, cutter)
                is_bare = cutter.cursor == before
                # A log that ended at the cursor has nothing to stream, so its stream ends like one that was cut.
                is_over = is_bare and not reason and await self._attempts.is_over(cutter.reached)
                if cutter.is_ended or is_over:
                    return await reader.end()
                is_steady = loop.time() - since_s >= timing.steady_s and not cutter.fault
                if not is_bare or is_steady:
                    back_off.succeeded()
                is_unreadable = is_bare and not is_steady and reason == cutter.fault
                n_unreadable = n_unreadable + 1 if is_unreadable else 0
                failure = _failure(cutter, reason, is_unreadable=is_unreadable)
                if n_unreadable >= timing.unreadable_streams:
                    raise failure
                cutter.renew()
                stream = await self._attempts.rest(cutter.reached, back_off, failure)
        except (MagiError, RefusedByRuntime) as refusal:
            if isinstance(refusal, RuntimeUnreadable):
                # Whoever resumes would be given a head at once, and not learn it. Of all else the runtime tells again.
                self._keep(refusal, cutter.reached)
            raise await _given_up(reader, refusal) from refusal
        finally:
            stream.close()

    def _keep(self, refusal: MagiError | RefusedByRuntime, reached: Reached) -> None:
        self._late.keep(key_of(self._attempts.call, self._attempts.ask, reached), refusal)


async def _given_up(reader: Reader, refusal: MagiError | RefusedByRuntime) -> CannotGoOn:
    """Say, to people who look at the bytes, why the body ends here, and give what aborts it."""
    code = refusal.problem.code if isinstance(refusal, RefusedByRuntime) else refusal.code
    _log.warning("A stream cannot be gone on with (%s).", code)
    await reader.write(b": cannot go on (%b)\n\n" % code.encode())
    return CannotGoOn(code)


def _failure(cutter: FrameCutter, reason: str, *, is_unreadable: bool) -> UpstreamError:
    """Log how a stream broke, and give what it comes to where no other one brings more."""
    how = reason or "a clean end"
    if is_unreadable:
        _log.warning("The runtime's stream brought nothing readable after event %d (%s).", cutter.cursor, how)
        return RuntimeUnreadable()
    _log.info("The runtime's stream broke after event %d (%s).", cutter.cursor, how)
    return RuntimeUnreachable()
