"""Trying again: what may be asked of the runtime once more, for how long, and how what broke is gone on with."""

import asyncio
from dataclasses import dataclass

from magisystem.errors import (
    MagiError,
    RuntimeBusy,
    RuntimeThrottled,
    RuntimeUnreachable,
    RuntimeUnreadable,
    UpstreamError,
)
from magisystem.gateway.asks import Ask, Reached
from magisystem.gateway.calls import Call
from magisystem.gateway.patience import BackOff, Timing
from magisystem.gateway.refusals import RefusedByRuntime
from magisystem.gateway.runtime import Document, Runtime, RuntimeStream


@dataclass(frozen=True, slots=True)
class Attempts:
    """The attempts to get one thing done."""

    runtime: Runtime
    call: Call
    ask: Ask
    timing: Timing

    async def first(self) -> RuntimeStream | Document:
        """Ask, until there is an answer. What passes (409, 429, no connection) is waited out for ``retry_s``.

        A request whose connection broke is sent again: a start has an idempotency key, and the other verbs come to the
        same when they are done twice.

        Raises:
            MagiError, RefusedByRuntime: see `Runtime.invoke`; the last attempt's.
        """
        body = self.ask.body()
        back_off = BackOff(self.timing, self.timing.retry_s)
        while True:
            try:
                return await self.runtime.invoke(self.call, body, is_streamed=self.ask.is_streamed)
            except (RuntimeBusy, RuntimeThrottled, RuntimeUnreachable) as error:
                pause_s = back_off.failed(error.retry_after_s or 0.0)
                if pause_s is None:
                    raise
            await asyncio.sleep(pause_s)

    async def rest(self, reached: Reached, back_off: BackOff, failure: UpstreamError) -> RuntimeStream:
        """Ask for what comes after ``reached``, where the stream broke by ``failure``.

        ``back_off`` knows for how long nothing came. Where nothing is tried any more, the last failure is the reason.

        Raises:
            MagiError, RefusedByRuntime: it cannot be had, now or for as long as there was patience.
        """
        body = self.ask.rest(reached)
        last: MagiError | RefusedByRuntime = failure
        retry_after_s = 0.0
        while True:
            pause_s = back_off.failed(retry_after_s)
            if pause_s is None:
                raise last
            await asyncio.sleep(pause_s)
            try:
                found = await self.runtime.invoke(self.call, body, is_streamed=True)
            except UpstreamError as error:
                last, retry_after_s = error, error.retry_after_s or 0.0
                if not error.retryable:
                    raise
            except RefusedByRuntime as error:
                last, retry_after_s = error, error.problem.retry_after or 0.0
                if not error.problem.retryable:
                    raise
            else:
                if isinstance(found, Document):
                    raise RuntimeUnreadable
                return found

    async def is_over(self, reached: Reached) -> bool:
        """Whether there is nothing after ``reached``, and never will be. Where that cannot be learnt: no."""
        body = self.ask.page(reached)
        if body is None:
            return False
        try:
            page = await self.runtime.invoke(self.call, body, is_streamed=True)
        except (MagiError, RefusedByRuntime):
            return False
        if not isinstance(page, Document):
            page.close()
            return False
        return page.is_last_page
