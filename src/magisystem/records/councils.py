"""The councils that owners keep, for the event loop: on the records' threads and in their database."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Protocol, TypeVar

import msgspec

from magisystem.deliberation.ports import KeptCouncil
from magisystem.errors import RecordsUnavailable

if TYPE_CHECKING:
    from magisystem.records.database import Database

T = TypeVar("T")


class _Threads(Protocol):
    def __call__(self, do: "Callable[[Database], T]", /) -> Awaitable[T]: ...


class SqlCouncils:
    """Implements `KeptCouncils`; `SqlRecords.councils` is one. A council is kept as one text of JSON."""

    def __init__(self, reading: _Threads, writing: _Threads) -> None:
        self._reading = reading
        self._writing = writing

    async def keep(self, owner: str, council: KeptCouncil) -> bool:
        """See `KeptCouncils.keep`."""
        text = msgspec.json.encode(council).decode()
        return await self._writing(lambda database: database.keep_council(owner, council.id, text))

    async def find(self, owner: str, council_id: str) -> KeptCouncil | None:
        """See `KeptCouncils.find`."""
        text = await self._reading(lambda database: database.council(owner, council_id))
        return None if text is None else _read(text)

    async def listed(self, owner: str) -> Sequence[KeptCouncil]:
        """See `KeptCouncils.listed`."""
        return [_read(text) for text in await self._reading(lambda database: database.councils(owner))]

    async def forget(self, owner: str, council_id: str) -> bool:
        """See `KeptCouncils.forget`."""
        return await self._writing(lambda database: database.forget_council(owner, council_id))


def _read(text: str) -> KeptCouncil:
    try:
        return msgspec.json.decode(text, type=KeptCouncil)
    except msgspec.DecodeError as error:
        raise RecordsUnavailable(f"A council that is kept cannot be read: {error}.") from error
