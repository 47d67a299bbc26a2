"""The contract of `EventLog`, as a test suite that every adapter runs.

Subclass it, give `log`, and let pytest (with pytest-asyncio in auto mode) collect it::

    class TestMyLog(EventLogContract):
        @pytest.fixture
        async def log(self) -> AsyncGenerator[EventLog]:
            ...
"""

import asyncio

import pytest

from magisystem.deliberation.ports import EventLog, Idempotency, Listed, LogWriter, Record, Repeated
from magisystem.errors import (
    CursorAhead,
    DeliberationExists,
    DeliberationNotFound,
    Fenced,
    IdempotencyConflict,
    SessionNotYours,
    TooManyRunning,
)

OWNER = "owner"
_DEADLINE_S = 10.0


def records(first: int, last: int, *, ends: bool = False) -> list[Record]:
    """Give records with the seqs ``first`` to ``last``; the last one terminal where the log ``ends``."""
    return [Record(seq, b'{"seq":%d}' % seq, is_terminal=ends and seq == last) for seq in range(first, last + 1)]


async def begun(log: EventLog, deliberation_id: str = "one") -> LogWriter:
    """Begin a log and give its writer."""
    writer = await log.create(deliberation_id, OWNER)
    assert not isinstance(writer, Repeated)
    return writer


async def followed(log: EventLog, deliberation_id: str, after: int = 0) -> list[Record]:
    """Follow a log to its end."""
    seen: list[Record] = []
    async with asyncio.timeout(_DEADLINE_S), log.follow(deliberation_id, OWNER, after) as batches:
        async for batch in batches:
            assert batch, "a batch is never empty"
            seen += batch
    return seen


class Heard:
    """Listens whether a writer is asked to stop; ``is_wanted`` says whether it is to be."""

    def __init__(self, writer: LogWriter, *, is_wanted: bool = True) -> None:
        self.n = 0
        self._is_wanted = is_wanted
        self._heard = asyncio.Event()
        writer.on_stop(self._hear)

    async def once(self) -> None:
        """Wait until it is."""
        async with asyncio.timeout(_DEADLINE_S):
            await self._heard.wait()

    def _hear(self) -> None:
        assert self._is_wanted, "nobody has asked that this log stop"
        self.n += 1
        self._heard.set()


class EventLogContract:
    """What every `EventLog` guarantees; the numbers are those of its docstring."""

    # 1. Append, then deliver. 2. The same records, in order, once, without a gap.

    async def test_what_was_appended_is_read_back_as_it_was(self, log: EventLog) -> None:
        writer = await begun(log)
        await writer.append(records(1, 3))
        await writer.append(records(4, 4, ends=True))
        page = await log.read("one", OWNER)
        assert list(page.records) == records(1, 4, ends=True)
        assert page.is_done

    async def test_a_page_begins_after_its_cursor_and_is_done_only_with_the_terminal_record(
        self, log: EventLog
    ) -> None:
        writer = await begun(log)
        await writer.append(records(1, 5, ends=True))
        page = await log.read("one", OWNER, after=1, limit=2)
        assert ([record.seq for record in page.records], page.is_done) == ([2, 3], False)
        page = await log.read("one", OWNER, after=3)
        assert ([record.seq for record in page.records], page.is_done) == ([4, 5], True)
        assert (await log.read("one", OWNER, after=5)).records == ()

    async def test_followers_before_during_and_after_the_writing_see_the_same(self, log: EventLog) -> None:
        writer = await begun(log)
        before = asyncio.create_task(followed(log, "one"))
        await asyncio.sleep(0)
        await writer.append(records(1, 100))
        during = asyncio.create_task(followed(log, "one", after=50))
        for first in range(101, 501, 8):
            await writer.append(records(first, first + 7))
            await asyncio.sleep(0)
        last = 500
        await writer.append(records(last + 1, last + 1, ends=True))
        whole = records(1, last + 1, ends=True)
        assert await before == whole
        assert await during == whole[50:]
        assert await followed(log, "one", after=last) == whole[-1:]

    async def test_from_every_cursor_the_rest_follows_exactly(self, log: EventLog) -> None:
        writer = await begun(log)
        whole = records(1, 40, ends=True)
        await writer.append(whole)
        for after in range(41):
            assert await followed(log, "one", after) == whole[after:]

    async def test_many_followers_each_see_everything(self, log: EventLog) -> None:
        writer = await begun(log)
        followers = [asyncio.create_task(followed(log, "one")) for _ in range(100)]
        for first in range(1, 101, 10):
            await writer.append(records(first, first + 9, ends=first == 91))
            await asyncio.sleep(0)
        for seen in await asyncio.gather(*followers):
            assert seen == records(1, 100, ends=True)

    # 3. Atomic and fenced.

    async def test_a_seq_that_does_not_continue_the_log_is_refused_and_nothing_is_written(self, log: EventLog) -> None:
        writer = await begun(log)
        await writer.append(records(1, 2))
        for wrong in (records(2, 3), records(4, 5), [*records(3, 3), *records(5, 5)], records(1, 1)):
            with pytest.raises(Fenced):
                await writer.append(wrong)
        assert list((await log.read("one", OWNER)).records) == records(1, 2)
        await writer.append(records(3, 3))

    async def test_nothing_follows_a_terminal_record(self, log: EventLog) -> None:
        writer = await begun(log)
        with pytest.raises(Fenced):
            await writer.append([*records(1, 1, ends=True), *records(2, 2)])
        await writer.append(records(1, 1, ends=True))
        with pytest.raises(Fenced):
            await writer.append(records(2, 2))
        assert len((await log.read("one", OWNER)).records) == 1

    async def test_an_id_that_is_taken_is_refused(self, log: EventLog) -> None:
        await begun(log)
        with pytest.raises(DeliberationExists):
            await log.create("one", "another")

    # 4. A slow follower holds up nobody.

    async def test_a_follower_that_does_not_read_holds_up_neither_writer_nor_others(self, log: EventLog) -> None:
        writer = await begun(log)
        async with log.follow("one", OWNER) as idle:
            brisk = asyncio.create_task(followed(log, "one"))
            async with asyncio.timeout(_DEADLINE_S):
                for first in range(1, 5_001, 100):
                    await writer.append(records(first, first + 99, ends=first == 4_901))
                assert len(await brisk) == 5_000
                assert [record.seq async for batch in idle for record in batch] == list(range(1, 5_001))

    # 5. Following ends after the terminal record, and not before.

    async def test_following_goes_on_while_there_is_no_terminal_record(self, log: EventLog) -> None:
        writer = await begun(log)
        await writer.append(records(1, 2))
        async with log.follow("one", OWNER) as batches:
            assert [record.seq for record in await anext(batches)] == [1, 2]
            waiting = asyncio.ensure_future(anext(batches))
            for _ in range(10):
                await asyncio.sleep(0)
            assert not waiting.done()
            await writer.append(records(3, 3, ends=True))
            assert [record.seq for record in await waiting] == [3]
            assert await anext(batches, None) is None

    async def test_a_follower_may_leave_at_any_time(self, log: EventLog) -> None:
        writer = await begun(log)
        await writer.append(records(1, 2))
        async with log.follow("one", OWNER) as batches:
            async for _ in batches:
                break
        waiting = asyncio.create_task(followed(log, "one", after=2))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        await writer.append(records(3, 3, ends=True))
        assert len(await followed(log, "one")) == 3

    # Errors.

    async def test_a_cursor_of_the_future_is_a_named_error(self, log: EventLog) -> None:
        writer = await begun(log)
        await writer.append(records(1, 2))
        for reading in (log.read("one", OWNER, after=3), followed(log, "one", after=3)):
            with pytest.raises(CursorAhead) as refused:
                await reading
            assert (refused.value.cursor, refused.value.last_seq) == (3, 2)

    async def test_a_strangers_deliberation_looks_like_one_that_does_not_exist(self, log: EventLog) -> None:
        await begun(log)
        messages: list[str] = []
        for deliberation_id, owner in (("one", "stranger"), ("none", "stranger")):
            with pytest.raises(DeliberationNotFound) as refused:
                await log.read(deliberation_id, owner)
            messages.append(refused.value.message.replace(deliberation_id, "…"))
        assert messages[0] == messages[1]

    # Idempotency.

    async def test_a_start_repeated_under_its_key_gives_the_first_deliberation(self, log: EventLog) -> None:
        key = Idempotency("a key", "a request")
        first = await log.create("one", OWNER, idempotency=key)
        assert not isinstance(first, Repeated)
        assert await log.create("two", OWNER, idempotency=key) == Repeated("one")
        await first.append(records(1, 1, ends=True))
        assert await log.create("three", OWNER, idempotency=key) == Repeated("one")

    async def test_a_key_used_for_another_request_is_a_conflict(self, log: EventLog) -> None:
        await log.create("one", OWNER, idempotency=Idempotency("a key", "a request"))
        with pytest.raises(IdempotencyConflict):
            await log.create("two", OWNER, idempotency=Idempotency("a key", "another request"))
        with pytest.raises(DeliberationNotFound):
            await log.read("two", OWNER)

    async def test_a_key_is_its_owners_alone(self, log: EventLog) -> None:
        key = Idempotency("a key", "a request")
        await log.create("one", OWNER, idempotency=key)
        assert not isinstance(await log.create("two", "another", idempotency=key), Repeated)

    async def test_whether_a_key_has_begun_something_is_told_until_that_is_forgotten(self, log: EventLog) -> None:
        assert not await log.has_begun(OWNER, "a key")
        writer = await log.create("one", OWNER, idempotency=Idempotency("a key", "a request"))
        assert not isinstance(writer, Repeated)
        assert await log.has_begun(OWNER, "a key")
        assert not await log.has_begun("another", "a key")
        assert not await log.has_begun(OWNER, "another key")
        await writer.append(records(1, 1, ends=True))
        assert await log.has_begun(OWNER, "a key")
        await log.forget("one", OWNER)
        assert not await log.has_begun(OWNER, "a key")

    # Sessions.

    async def test_a_session_is_its_first_owners_alone(self, log: EventLog) -> None:
        await log.create("one", OWNER, session_id="a session")
        with pytest.raises(SessionNotYours):
            await log.create("two", "another", session_id="a session")
        with pytest.raises(DeliberationNotFound):
            await log.read("two", "another")
        assert not isinstance(await log.create("three", OWNER, session_id="a session"), Repeated)
        await log.create("four", "another", session_id="another session")

    async def test_of_many_owners_at_once_one_has_the_session(self, log: EventLog) -> None:
        async def create(n: int) -> bool:
            try:
                await log.create(str(n), f"owner {n}", session_id="a session")
            except SessionNotYours:
                return False
            return True

        assert sum(await asyncio.gather(*(create(n) for n in range(20)))) == 1

    async def test_a_session_without_turns_is_anybodys(self, log: EventLog) -> None:
        writer = await log.create("one", OWNER, session_id="a session")
        assert not isinstance(writer, Repeated)
        await writer.append(records(1, 1, ends=True))
        await log.forget("one", OWNER)
        assert not isinstance(await log.create("two", "another", session_id="a session"), Repeated)

    async def test_of_many_starts_at_once_under_one_key_one_begins(self, log: EventLog) -> None:
        key = Idempotency("a key", "a request")
        begun = await asyncio.gather(*(log.create(str(n), OWNER, idempotency=key) for n in range(20)))
        assert sum(not isinstance(writer, Repeated) for writer in begun) == 1
        assert len({writer.deliberation_id for writer in begun if isinstance(writer, Repeated)}) == 1

    # Listing.

    async def test_every_log_of_every_owner_is_listed_in_order_page_by_page(self, log: EventLog) -> None:
        for n in range(5):
            writer = await log.create(f"log-{n}", f"owner-{n % 2}")
            assert not isinstance(writer, Repeated)
            await writer.append(records(1, 1, ends=n != 3))
        seen: list[Listed] = []
        while page := await log.listed(seen[-1].place if seen else 0, limit=2):
            assert len(page) <= 2
            seen += page
        assert [(item.deliberation_id, item.owner, item.has_ended) for item in seen] == [
            (f"log-{n}", f"owner-{n % 2}", n != 3) for n in range(5)
        ]
        await log.forget("log-1", "owner-1")
        assert [item.deliberation_id for item in await log.listed()] == ["log-0", "log-2", "log-3", "log-4"]

    # Forgetting.

    async def test_a_forgotten_log_is_gone_for_readers_followers_and_its_writer(self, log: EventLog) -> None:
        writer = await begun(log)
        await writer.append(records(1, 2))
        async with log.follow("one", OWNER) as batches:
            assert len(await anext(batches)) == 2
            waiting = asyncio.ensure_future(anext(batches))
            await asyncio.sleep(0)
            await log.forget("one", OWNER)
            with pytest.raises(DeliberationNotFound):
                await waiting
        with pytest.raises(DeliberationNotFound):
            await log.read("one", OWNER)
        with pytest.raises(Fenced):
            await writer.append(records(3, 3))

    async def test_only_its_owner_can_forget_a_log(self, log: EventLog) -> None:
        await begun(log)
        with pytest.raises(DeliberationNotFound):
            await log.forget("one", "stranger")
        assert (await log.read("one", OWNER)).records == ()

    async def test_a_forgotten_key_can_be_used_again(self, log: EventLog) -> None:
        key = Idempotency("a key", "a request")
        await log.create("one", OWNER, idempotency=key)
        await log.forget("one", OWNER)
        assert not isinstance(await log.create("two", OWNER, idempotency=key), Repeated)

    # 6. Recovery.

    async def test_what_a_living_writer_writes_is_not_taken_from_it(self, log: EventLog) -> None:
        writer = await begun(log)
        await writer.append(records(1, 1))
        assert list(await log.recover()) == []
        await writer.append(records(2, 2, ends=True))

    # 7. Other processes. Where there are any, an adapter gives a second opening of the same logs as `other`.

    @pytest.fixture
    def other(self, log: EventLog) -> EventLog:
        """The same logs as another process has them; ``log`` itself where there is no other process."""
        return log

    async def test_what_one_process_writes_another_one_follows_to_its_end(self, log: EventLog, other: EventLog) -> None:
        writer = await begun(log)
        following = [asyncio.create_task(followed(other, "one", after)) for after in (0, 0)]
        for first in range(1, 1_001, 10):
            await writer.append(records(first, first + 9, ends=first == 991))
        whole = records(1, 1_000, ends=True)
        assert await asyncio.gather(*following) == [whole, whole]

    async def test_a_follower_elsewhere_may_leave_at_any_time(self, log: EventLog, other: EventLog) -> None:
        writer = await begun(log)
        staying = asyncio.create_task(followed(other, "one"))
        leaving = asyncio.create_task(followed(other, "one"))
        await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.wait([leaving])
        await writer.append(records(1, 2, ends=True))
        assert await staying == records(1, 2, ends=True)

    async def test_who_writes_a_log_hears_once_that_it_is_to_stop(self, log: EventLog, other: EventLog) -> None:
        writer, untouched = await begun(log), await begun(log, "two")
        heard = Heard(writer)
        Heard(untouched, is_wanted=False)
        await other.ask_to_stop("one", OWNER)
        await other.ask_to_stop("one", OWNER)
        await heard.once()
        await writer.append(records(1, 1, ends=True))
        assert heard.n == 1

    async def test_what_was_asked_before_somebody_listens_is_heard(self, log: EventLog, other: EventLog) -> None:
        writer = await begun(log)
        await other.ask_to_stop("one", OWNER)
        await Heard(writer).once()

    async def test_only_its_owner_can_ask_that_a_log_stop(self, log: EventLog, other: EventLog) -> None:
        heard = Heard(await begun(log), is_wanted=False)
        for deliberation_id, owner in (("one", "stranger"), ("none", OWNER)):
            with pytest.raises(DeliberationNotFound):
                await other.ask_to_stop(deliberation_id, owner)
        assert heard.n == 0

    async def test_a_log_that_has_ended_is_asked_nothing(self, log: EventLog, other: EventLog) -> None:
        writer = await begun(log)
        heard = Heard(writer, is_wanted=False)
        await writer.append(records(1, 1, ends=True))
        await other.ask_to_stop("one", OWNER)
        assert heard.n == 0

    async def test_a_log_forgotten_elsewhere_is_gone_for_its_followers_and_its_writer(
        self, log: EventLog, other: EventLog
    ) -> None:
        writer = await begun(log)
        await writer.append(records(1, 2))
        async with other.follow("one", OWNER, after=2) as batches:
            waiting = asyncio.ensure_future(anext(batches))
            await asyncio.sleep(0)
            await other.forget("one", OWNER)
            with pytest.raises(DeliberationNotFound):
                await waiting
        with pytest.raises(Fenced):
            await writer.append(records(3, 3))

    # 8. How many an owner may have running.

    async def test_an_owner_begins_no_more_than_allowed_wherever_it_is_asked(
        self, log: EventLog, other: EventLog
    ) -> None:
        async def create(n: int, owner: str = OWNER) -> LogWriter | None:
            try:
                writer = await (log, other)[n % 2].create(f"{owner}-{n}", owner, most_running=3)
            except TooManyRunning:
                return None
            assert not isinstance(writer, Repeated)
            return writer

        writers = [writer for writer in await asyncio.gather(*(create(n) for n in range(10))) if writer]
        assert len(writers) == 3
        assert await create(0, "another") is not None
        assert sorted(await other.running(OWNER)) == sorted(await log.running(OWNER))
        assert len(await log.running(OWNER)) == 3
        await writers[0].append(records(1, 1, ends=True))
        assert len(await other.running(OWNER)) == 2
        assert await create(11) is not None

    async def test_a_start_repeated_under_its_key_is_not_one_more(self, log: EventLog, other: EventLog) -> None:
        key = Idempotency("a key", "a request")
        await log.create("one", OWNER, idempotency=key, most_running=1)
        assert await other.create("two", OWNER, idempotency=key, most_running=1) == Repeated("one")
