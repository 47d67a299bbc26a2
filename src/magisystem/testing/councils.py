"""The contract of `KeptCouncils`, as a test suite that every adapter runs.

Subclass it, give `councils`, empty ones, and let pytest (with pytest-asyncio in auto mode) collect it::

    class TestMyCouncils(KeptCouncilsContract):
        @pytest.fixture
        async def councils(self) -> AsyncGenerator[KeptCouncils]:
            ...
"""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from magisystem.council.agents import Agent, CouncilLimits, Sampling
from magisystem.deliberation.ports import MOST_COUNCILS, KeptCouncil, KeptCouncils, Seat
from magisystem.errors import CouncilsFull
from magisystem.protocol.values import Role, Rule

OWNER = "owner"
NOON = datetime(2026, 1, 1, 12, 0, 0, 123_456, tzinfo=UTC)


def kept(council_id: str = "mine") -> KeptCouncil:
    """Give a council with everything in it that one can have."""
    sage = Agent("sage", "賢者 \x00\n", Role.SAGE, "'; DROP --", "embedded", Sampling(0.5, 0.9, 40, 1_000))
    return KeptCouncil(
        id=council_id,
        rule=Rule.JUDGE,
        seats=(Seat(sage), Seat(Agent("judge", "Judge", Role.JUDGE, "You rule.")), Seat(sage, is_enabled=False)),
        name="私の評議会",
        limits=CouncilLimits(sage_s=12.5, deliberation_s=60.0),
        updated_at=NOON,
    )


class KeptCouncilsContract:
    """What every adapter of `KeptCouncils` must keep."""

    @pytest.fixture
    async def councils(self) -> KeptCouncils:
        """Give empty ones; subclasses override this."""
        raise NotImplementedError

    # 1. What is kept.

    async def test_what_is_kept_is_given_back_as_it_was(self, councils: KeptCouncils) -> None:
        plain = KeptCouncil("plain", Rule.MAJORITY, (Seat(Agent("a", "A", Role.SAGE, "You decide.")),))
        assert await councils.keep(OWNER, kept())
        assert await councils.keep(OWNER, plain)
        assert await councils.find(OWNER, "mine") == kept()
        assert list(await councils.listed(OWNER)) == [kept(), plain]

    async def test_another_one_takes_its_place(self, councils: KeptCouncils) -> None:
        assert await councils.keep(OWNER, kept())
        other = replace(kept(), name="other")
        assert not await councils.keep(OWNER, other)
        assert list(await councils.listed(OWNER)) == [other]

    async def test_they_are_listed_in_the_order_of_their_ids(self, councils: KeptCouncils) -> None:
        for council_id in ("b", "a-1", "a", "c", "a_1"):
            await councils.keep(OWNER, kept(council_id))
        assert [council.id for council in await councils.listed(OWNER)] == ["a", "a-1", "a_1", "b", "c"]

    async def test_what_is_forgotten_is_gone(self, councils: KeptCouncils) -> None:
        await councils.keep(OWNER, kept())
        await councils.keep(OWNER, kept("other"))
        assert await councils.forget(OWNER, "mine")
        assert not await councils.forget(OWNER, "mine")
        assert await councils.find(OWNER, "mine") is None
        assert list(await councils.listed(OWNER)) == [kept("other")]
        assert await councils.keep(OWNER, kept())

    # 2. Owners.

    async def test_an_owner_finds_only_what_is_the_owners_own(self, councils: KeptCouncils) -> None:
        theirs = replace(kept(), name="theirs")
        await councils.keep(OWNER, kept())
        assert await councils.keep("stranger", theirs)
        assert await councils.find(OWNER, "mine") == kept()
        assert await councils.find("stranger", "mine") == theirs
        assert await councils.forget("stranger", "mine")
        assert list(await councils.listed(OWNER)) == [kept()]
        assert list(await councils.listed("stranger")) == []
        assert not await councils.forget("stranger", "mine")

    # 3. How many.

    async def test_there_are_at_most_so_many_though_they_come_at_once(self, councils: KeptCouncils) -> None:
        ended = await asyncio.gather(
            *(councils.keep(OWNER, kept(f"c{n:03}")) for n in range(MOST_COUNCILS + 5)), return_exceptions=True
        )
        assert sum(end is True for end in ended) == MOST_COUNCILS
        assert sum(isinstance(end, CouncilsFull) for end in ended) == 5
        found = await councils.listed(OWNER)
        assert len(found) == MOST_COUNCILS
        assert not await councils.keep(OWNER, replace(found[0], name="replaced"))
        assert await councils.keep("stranger", kept())
        assert await councils.forget(OWNER, found[1].id)
        assert await councils.keep(OWNER, kept("another"))
