"""Where a deliberation runs: in this process, or on a server elsewhere. Either way its events come in the same form."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from magisystem.cli.servers import client_of
from magisystem.client import Following, Received
from magisystem.config import Configuration
from magisystem.deliberation.deliberations import Deliberations
from magisystem.deliberation.ports import Record
from magisystem.protocol.codec import decode
from magisystem.protocol.requests import StartRequest

# Without an identity provider there is one owner: whoever uses this machine.
OWNER = "local"


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

    @property
    def notices(self) -> Sequence[str]:
        """What happened on the way that whoever watched should know."""
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
            proposed = await proposal(self.request, application.councils, OWNER)
            deliberation_id = await deliberations.start(proposed, OWNER)
            async with deliberations.follow(deliberation_id, OWNER) as batches:
                yield singly(batches)

    async def cancel(self, deliberation_id: str) -> None:
        """See `Source.cancel`."""
        if self._deliberations is not None:
            await self._deliberations.cancel(deliberation_id, OWNER)

    @property
    def notices(self) -> Sequence[str]:
        """See `Source.notices`; between here and here nothing happens."""
        return ()


@dataclass(slots=True)
class Elsewhere:
    """A server at ``url``. ``fields`` is the request as it is sent."""

    url: str
    fields: Mapping[str, object]
    _following: Following | None = None

    @asynccontextmanager
    async def follow(self) -> AsyncGenerator[AsyncIterator[Received]]:
        """See `Source.follow`."""
        async with (
            client_of(self.url) as client,
            client.convene(self.fields) as self._following,
            aclosing(self._following.received()) as received,
        ):
            yield received

    async def cancel(self, deliberation_id: str) -> None:
        """See `Source.cancel`."""
        del deliberation_id
        if self._following is not None:
            await self._following.cancel()

    @property
    def notices(self) -> Sequence[str]:
        """See `Source.notices`."""
        return notices(self._following) if self._following is not None else ()


async def singly(batches: AsyncIterator[Sequence[Record]]) -> AsyncGenerator[Received]:
    """Give the events of a log's batches one by one."""
    async for batch in batches:
        for record in batch:
            yield Received(decode(record.body), record.body)


def notices(following: Following) -> list[str]:
    """Give what happened on a server's way to here, a line each."""
    return [f"{notice.kind} after event {notice.cursor}: {notice.reason}" for notice in following.notices]
