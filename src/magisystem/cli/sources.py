"""Where a deliberation runs: in this process, or on a server elsewhere. Either way its events come in the same form."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from magisystem.client import Received, cancel, stream
from magisystem.config import Configuration
from magisystem.deliberation.deliberations import Deliberations
from magisystem.deliberation.ports import Record
from magisystem.protocol.codec import decode
from magisystem.protocol.requests import StartRequest

_OWNER = "local"


class Source(Protocol):
    """One deliberation that is started by following it."""

    def follow(self) -> AbstractAsyncContextManager[AsyncIterator[Received]]:
        """Start the deliberation and give its events, from the first to the terminal one.

        Raises:
            MagiError: it cannot be started (on entering), or no longer be followed (while iterating).
        """
        ...

    async def cancel(self, deliberation_id: str) -> None:
        """Stop it; its events then come to their terminal one."""
        ...


@dataclass(slots=True)
class Here:
    """A council in this process."""

    configuration: Configuration
    request: StartRequest
    _deliberations: Deliberations | None = None

    @asynccontextmanager
    async def follow(self) -> AsyncGenerator[AsyncIterator[Received]]:
        """See `Source.follow`."""
        from magisystem.application import open_application
        from magisystem.http.proposals import proposal

        async with open_application(self.configuration) as application:
            self._deliberations = deliberations = application.deliberations
            deliberation_id = await deliberations.start(proposal(self.request), _OWNER)
            async with deliberations.follow(deliberation_id, _OWNER) as batches:
                yield _singly(batches)

    async def cancel(self, deliberation_id: str) -> None:
        """See `Source.cancel`."""
        if self._deliberations is not None:
            await self._deliberations.cancel(deliberation_id, _OWNER)


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A server at ``url``. ``fields`` is the request as it is sent."""

    url: str
    fields: Mapping[str, object]

    def follow(self) -> AbstractAsyncContextManager[AsyncIterator[Received]]:
        """See `Source.follow`."""
        return stream(self.url, self.fields)

    async def cancel(self, deliberation_id: str) -> None:
        """See `Source.cancel`."""
        await cancel(self.url, deliberation_id)


async def _singly(batches: AsyncIterator[Sequence[Record]]) -> AsyncGenerator[Received]:
    async for batch in batches:
        for record in batch:
            yield Received(decode(record.body), record.body)
