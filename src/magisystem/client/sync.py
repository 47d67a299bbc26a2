"""The same client for plain scripts: every call runs on the async one, in an event loop of a thread of its own."""

import asyncio
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from threading import Thread
from types import TracebackType
from typing import Any, Literal, TypeVar, Unpack

from magisystem.client.credentials import TokenSource
from magisystem.client.following import Following, Notice
from magisystem.client.magi_client import Health, MagiClient, Options, Preset
from magisystem.client.patience import Timing
from magisystem.protocol.events import AnyEvent
from magisystem.protocol.fold import DeliberationState

T = TypeVar("T")


class _Loop:
    """An event loop in a thread."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        # A daemon: a script that forgets to close its client must still be able to end.
        self._thread = Thread(target=self._loop.run_forever, name="magisystem-client", daemon=True)
        self._thread.start()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Give what the coroutine gives; interrupted (by Ctrl+C), it is cancelled there, too."""
        future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def close(self) -> None:
        self.run(self._loop.shutdown_asyncgens())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class FollowingSync:
    """See `Following`; an iterator. `cancel` and the properties may be used from other threads while it iterates."""

    def __init__(self, following: Following, loop: _Loop) -> None:
        self._following = following
        self._loop = loop

    @property
    def deliberation_id(self) -> str:
        """See `Following.deliberation_id`."""
        return self._following.deliberation_id

    @property
    def cursor(self) -> int:
        """See `Following.cursor`."""
        return self._following.cursor

    @property
    def state(self) -> DeliberationState:
        """See `Following.state`."""
        return self._loop.run(self._state())

    @property
    def transport(self) -> Literal["stream", "poll"]:
        """See `Following.transport`."""
        return self._following.transport

    @property
    def notices(self) -> Sequence[Notice]:
        """See `Following.notices`."""
        return self._following.notices

    @property
    def is_verified(self) -> bool | None:
        """See `Following.is_verified`."""
        return self._following.is_verified

    def cancel(self) -> None:
        """See `Following.cancel`."""
        self._loop.run(self._following.cancel())

    def close(self) -> None:
        """See `Following.aclose`."""
        self._loop.run(self._following.aclose())

    def __iter__(self) -> Iterator[AnyEvent]:
        return self

    def __next__(self) -> AnyEvent:
        if (event := self._loop.run(self._next())) is None:
            raise StopIteration
        return event

    async def _next(self) -> AnyEvent | None:
        return await anext(self._following, None)

    async def _state(self) -> DeliberationState:
        # In the loop's thread, where no event can be folded in meanwhile.
        return self._following.state


class MagiClientSync:
    """See `MagiClient`; a context manager."""

    def __init__(
        self,
        url: str,
        *,
        token: str | TokenSource | None = None,
        runtime_session: str | None = None,
        headers: Mapping[str, str] | None = None,
        timing: Timing | None = None,
    ) -> None:
        self._client = MagiClient(url, token=token, runtime_session=runtime_session, headers=headers, timing=timing)
        self._loop = _Loop()

    def __enter__(self) -> "MagiClientSync":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """See `MagiClient.aclose`."""
        try:
            self._loop.run(self._client.aclose())
        finally:
            self._loop.close()

    def deliberate(self, question: str, **options: Unpack[Options]) -> FollowingSync:
        """See `MagiClient.deliberate`."""
        return FollowingSync(self._client.deliberate(question, **options), self._loop)

    def convene(self, request: Mapping[str, object]) -> FollowingSync:
        """See `MagiClient.convene`."""
        return FollowingSync(self._client.convene(request), self._loop)

    def follow(self, deliberation_id: str, after: int = 0) -> FollowingSync:
        """See `MagiClient.follow`."""
        return FollowingSync(self._client.follow(deliberation_id, after), self._loop)

    def get(self, deliberation_id: str) -> DeliberationState:
        """See `MagiClient.get`."""
        return self._loop.run(self._client.get(deliberation_id))

    def cancel(self, deliberation_id: str) -> None:
        """See `MagiClient.cancel`."""
        self._loop.run(self._client.cancel(deliberation_id))

    def delete(self, deliberation_id: str) -> None:
        """See `MagiClient.delete`."""
        self._loop.run(self._client.delete(deliberation_id))

    def councils(self) -> tuple[Preset, ...]:
        """See `MagiClient.councils`."""
        return self._loop.run(self._client.councils())

    def ping(self) -> Health:
        """See `MagiClient.ping`."""
        return self._loop.run(self._client.ping())
