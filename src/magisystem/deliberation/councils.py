"""The councils that a deliberation can be given to by name: the presets, and those that owners keep.

Owns which id means which council, and what a council must be to be kept: all that a start asks of one, so that what
has been kept can be convened. Whether its models can be used is asked at the start alone: that changes by itself.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from magisystem.council.agents import Council
from magisystem.council.presets import PRESETS
from magisystem.deliberation.limits import Limits
from magisystem.deliberation.ports import KeptCouncil, KeptCouncils, Seat
from magisystem.errors import CouncilNotFound, CouncilReadOnly, InvalidRequest, RecordsUnavailable, UnknownCouncil


class Councils:
    """Finds councils by their ids, and keeps an owner's own; without ``kept`` there are the presets alone."""

    def __init__(
        self,
        kept: KeptCouncils | None = None,
        limits: Limits | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._kept = kept or NoCouncils()
        self._limits = limits or Limits()
        self._now = now

    async def find(self, owner: str, council_id: str) -> Council:
        """Give a council to convene.

        Raises:
            UnknownCouncil: there is none of that id, or it is another owner's.
            RecordsUnavailable: it is no preset, and what is kept cannot be read now.
        """
        if preset := PRESETS.get(council_id):
            return preset
        if kept := await self._kept.find(owner, council_id):
            return kept.council
        known = ", ".join([*PRESETS, *(council.id for council in await self._kept.listed(owner))])
        raise UnknownCouncil(f"There is no council {council_id!r}. Known: {known}.", field="council")

    async def get(self, owner: str, council_id: str) -> KeptCouncil:
        """Give a council as it is kept; a preset was never kept and has no `KeptCouncil.updated_at`.

        Raises:
            CouncilNotFound: there is none of that id, or it is another owner's.
            RecordsUnavailable: they cannot be read now.
        """
        if preset := PRESETS.get(council_id):
            return _as_kept(preset)
        if kept := await self._kept.find(owner, council_id):
            return kept
        raise CouncilNotFound(council_id)

    async def listed(self, owner: str) -> Sequence[KeptCouncil]:
        """Give every council there is for an owner: the presets, then the owner's own by their ids.

        Raises:
            RecordsUnavailable: they cannot be read now.
        """
        return [*map(_as_kept, PRESETS.values()), *await self._kept.listed(owner)]

    async def keep(self, owner: str, council: KeptCouncil) -> tuple[KeptCouncil, bool]:
        """Keep an owner's council, in place of the one of its id; give it as it is kept, and whether it is new.

        Raises:
            InvalidRequest: it is no council, or wants more time than there is; the field is named within ``council``.
            CouncilReadOnly: its id is a preset's.
            CouncilsFull: the owner keeps as many as one may.
            RecordsUnavailable: it cannot be kept now.
        """
        _check_writable(council.id)
        ids = [seat.agent.id for seat in council.seats]
        if len(set(ids)) != len(ids):
            raise InvalidRequest("Every agent of a council needs an id of its own.", field="council.agents")
        self._limits.check(council.council.limits)
        kept = KeptCouncil(council.id, council.rule, council.seats, council.name, council.limits, self._now())
        return kept, await self._kept.keep(owner, kept)

    async def forget(self, owner: str, council_id: str) -> None:
        """Delete a council that an owner keeps. Deliberations that it was convened for have it in their charters.

        Raises:
            CouncilNotFound: there is none of that id, or it is another owner's.
            CouncilReadOnly: it is a preset.
            RecordsUnavailable: it cannot be deleted now.
        """
        _check_writable(council_id)
        if not await self._kept.forget(owner, council_id):
            raise CouncilNotFound(council_id)


class NoCouncils:
    """Implements `KeptCouncils` where nothing is kept."""

    async def keep(self, owner: str, council: KeptCouncil) -> bool:
        """Refuse it: to take it and lose it would be worse."""
        del owner, council
        raise RecordsUnavailable("This process keeps no councils.")

    async def find(self, owner: str, council_id: str) -> KeptCouncil | None:
        """Find nothing."""
        del owner, council_id

    async def listed(self, owner: str) -> Sequence[KeptCouncil]:
        """Find nothing."""
        del owner
        return ()

    async def forget(self, owner: str, council_id: str) -> bool:
        """Find nothing to forget."""
        del owner, council_id
        return False


def _as_kept(preset: Council) -> KeptCouncil:
    return KeptCouncil(preset.id, preset.rule, tuple(map(Seat, preset.agents)), limits=preset.limits)


def _check_writable(council_id: str) -> None:
    if council_id in PRESETS:
        raise CouncilReadOnly(council_id)
