"""The contract of `Records`, as a test suite that every adapter runs.

Subclass it, give `records`, empty ones, and let pytest (with pytest-asyncio in auto mode) collect it::

    class TestMyRecords(RecordsContract):
        @pytest.fixture
        async def records(self) -> AsyncGenerator[ClearableRecords]:
            ...
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from magisystem.deliberation.ports import ClearableRecords, Entry, Query, Recording, Records, Session
from magisystem.errors import InvalidRequest
from magisystem.protocol.values import Decision, Mode, Outcome

OWNER = "owner"
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
_DEADLINE_S = 20.0


def entry(deliberation_id: str = "one", *, at_s: float = 0, session_id: str = "session") -> Entry:
    """Give the entry of a deliberation that began ``at_s`` seconds after noon and has not ended."""
    return Entry(
        deliberation_id=deliberation_id,
        session_id=session_id,
        question=f"What of {deliberation_id}?",
        mode=Mode.DELIBERATE,
        council_id="magi",
        status="running",
        started_at=NOON + timedelta(seconds=at_s),
    )


def ended(running: Entry, decision: Decision = Decision.APPROVED) -> Entry:
    """Give an entry as it is after a decision, everything in it filled."""
    return replace(
        running,
        status="complete",
        ended_at=running.started_at + timedelta(milliseconds=1_234),
        outcome=Outcome.DECIDED,
        decision=decision,
        confidence=0.8,
        summary="It can be done.",
        answer="The council decided.\nIt can be done.",
    )


async def noted(records: Records, *entries: Entry, owner: str = OWNER, text: str | None = None) -> None:
    """Note entries; each is found by ``text``, or else by its question."""
    await records.note([Recording(owner, item, item.question if text is None else text) for item in entries])


async def found(records: Records, text: str = "", owner: str = OWNER) -> list[str]:
    """Search, and give the ids."""
    return [item.deliberation_id for item in (await records.search(owner, Query(text=text, limit=100))).items]


async def all_pages(records: Records, query: Query) -> list[str]:
    """Read every page of a query, and give the ids."""
    seen: list[str] = []
    async with asyncio.timeout(_DEADLINE_S):
        while True:
            page = await records.search(OWNER, query)
            assert len(page.items) <= query.limit
            seen += [item.deliberation_id for item in page.items]
            if page.next_cursor is None:
                return seen
            query = replace(query, cursor=page.next_cursor)


async def all_sessions(records: Records, limit: int) -> list[Session]:
    """Read every page of the sessions."""
    seen: list[Session] = []
    cursor = None
    async with asyncio.timeout(_DEADLINE_S):
        while True:
            page = await records.sessions(OWNER, limit, cursor)
            assert len(page.items) <= limit
            seen += page.items
            if (cursor := page.next_cursor) is None:
                return seen


class RecordsContract:
    """What every `Records` guarantees; the numbers are those of its docstring."""

    # 1. Noting.

    async def test_what_was_noted_is_given_back_as_it_was(self, records: ClearableRecords) -> None:
        running, done = entry("running", at_s=1), ended(entry("done"))
        await noted(records, running, done)
        assert (await records.search(OWNER, Query())).items == (running, done)

    async def test_noting_again_changes_what_is_shown_and_what_it_is_found_by(self, records: ClearableRecords) -> None:
        await noted(records, entry(), text="the question")
        await noted(records, ended(entry()), text="the question and its verdict")
        await noted(records, ended(entry()), text="the question and its verdict")
        assert (await records.search(OWNER, Query(text="verdict"))).items == (ended(entry()),)
        await noted(records, ended(entry()), text="something else")
        assert await found(records, "verdict") == []
        assert await found(records, "something") == ["one"]

    async def test_what_has_ended_is_never_made_unended_again(self, records: ClearableRecords) -> None:
        await noted(records, ended(entry()), text="the end")
        await noted(records, entry(), text="the beginning")
        assert (await records.search(OWNER, Query())).items == (ended(entry()),)
        assert await found(records, "the end") == ["one"]
        assert await found(records, "beginning") == []

    async def test_noting_is_all_or_nothing(self, records: ClearableRecords) -> None:
        broken = replace(entry("two"), question=None)  # type: ignore[arg-type]
        with pytest.raises(Exception):  # noqa: B017, PT011 - what a thing that is no text leads to is the adapter's
            await records.note([Recording(OWNER, entry("one"), "a"), Recording(OWNER, broken, "b")])
        assert await found(records) == []

    async def test_nothing_can_be_noted(self, records: ClearableRecords) -> None:
        await records.note([])
        assert await found(records) == []

    async def test_what_has_no_end_here_is_told(self, records: ClearableRecords) -> None:
        await noted(records, entry("running"), ended(entry("done")))
        assert list(await records.unended(["unknown", "done", "running"])) == ["unknown", "running"]
        assert list(await records.unended([])) == []
        assert len(await records.unended([str(n) for n in range(1_000)])) == 1_000

    # 2. Owners.

    async def test_an_owner_finds_only_what_is_the_owners_own(self, records: ClearableRecords) -> None:
        await noted(records, entry("mine"), text="a secret of mine")
        await noted(records, entry("theirs", at_s=1), owner="stranger", text="a secret of theirs")
        for text in ("", "secret", "theirs", "of"):
            assert "theirs" not in await found(records, text)
        assert await found(records, "secret", "stranger") == ["theirs"]
        (session,) = (await records.sessions(OWNER)).items
        assert (session.n_turns, session.title, session.last_at) == (1, "What of mine?", NOON)
        assert await all_pages(records, Query(session_id="session")) == ["mine"]

    async def test_only_its_owner_can_have_it_forgotten(self, records: ClearableRecords) -> None:
        await noted(records, entry(), text="a secret")
        assert not await records.forget("stranger", "one")
        assert await found(records, "secret") == ["one"]

    # 3. Searching.

    @pytest.mark.parametrize(
        ("text", "query"),
        [
            ("Should we move the billing service to Rust?", "billing"),
            ("Should we move the billing service to Rust?", "RUST"),
            ("Should we move the billing service to Rust?", "illin"),
            ("Should we move the billing service to Rust?", "we to"),
            ("Should we move the billing service to Rust?", "rust service move"),
            ("Should we move the billing service to Rust?", "?"),
            ("課金サービスをRustへ移行すべきでしょうか。", "課金サービス"),
            ("課金サービスをRustへ移行すべきでしょうか。", "移行"),
            ("課金サービスをRustへ移行すべきでしょうか。", "移"),
            ("課金サービスをRustへ移行すべきでしょうか。", "移行 rust へ"),
            ("課金サービスをRustへ移行すべきでしょうか。", "課金　ｒｕｓｔ"),
            ("課金ｻｰﾋﾞｽ", "サービス"),
            ("Straße nach ÅRHUS", "STRASSE århus"),
            ("Shall we launch 🚀 the 👨‍👩‍👧 plan?", "🚀"),
            ("Shall we launch 🚀 the 👨‍👩‍👧 plan?", "👨‍👩‍👧 launch"),
            ('He said "no" twice', '"no"'),
            ('He said "no" twice', 'said "no'),
            ("a* NEAR(b c) OR - d", "near("),
            ("a* NEAR(b c) OR - d", "a* OR -"),
            ("a* NEAR(b c) OR - d", "or"),
            ("col:umn ^start {x} a+b", "col:umn ^start {x} a+b"),
            ("100% of it_is \\ here", "100% it_is \\"),
            ("it's; DROP TABLE deliberations; --", "it's; DROP table deliberations; --"),
            ("<b>é</b> é", "é"),
        ],
    )
    async def test_words_are_found_as_they_stand_but_for_case_and_width(
        self, records: ClearableRecords, text: str, query: str
    ) -> None:
        await noted(records, entry("it"), text=text)
        await noted(records, entry("other", at_s=1), text="xyz 不明")
        assert await found(records, query) == ["it"]

    @pytest.mark.parametrize(
        "query",
        [
            "rust*",
            '"rust',
            "rust OR zebra",
            "billing NEAR rust",
            "billing -rust",
            "NOT rust",
            "b_lling",
            "bill%",
            "text:billing",
            "*",
            '"',
            "'",
            "rust')--",
            "' OR 1=1 --",
            "') OR ('1'='1",
            "\x00",
            "rust\x00",
            "\ud83d",
            "()",
            "🚀",
            "課",
        ],
    )
    async def test_nothing_in_a_query_is_taken_for_an_instruction(self, records: ClearableRecords, query: str) -> None:
        await noted(records, entry(), text="Should we move the billing service to Rust")
        assert await found(records, query) == []
        assert await found(records, "rust") == ["one"]

    async def test_every_word_must_occur(self, records: ClearableRecords) -> None:
        await noted(records, entry("both", at_s=1), text="apples and pears: ab")
        await noted(records, entry("apples"), text="apples: cd")
        assert await found(records, "apples") == ["both", "apples"]
        assert await found(records, "pears apples") == ["both"]
        assert await found(records, "apples cd") == ["apples"]
        assert await found(records, "apples \t\n pears cd") == []
        assert await found(records, "   ") == ["both", "apples"]

    async def test_one_long_word_and_many_short_ones_can_be_searched_for(self, records: ClearableRecords) -> None:
        many = " ".join(chr(ord("一") + n) for n in range(500))
        for n, text in enumerate((many, "長" * 1_000, " ".join(f"word{n}" for n in range(120)))):
            await noted(records, entry(f"{n}"), text=text)
            assert await found(records, text) == [f"{n}"]
            assert await found(records, f"{text[:-1]}異") == []

    async def test_a_text_that_no_database_holds_as_it_is_can_be_noted_and_found(
        self, records: ClearableRecords
    ) -> None:
        odd = replace(entry(), question="before\x00after \ud83d", summary="\x00", answer="\ud83d")
        await noted(records, odd, text="before\x00after \ud83d the rest")
        assert await found(records, "rest") == ["one"]
        assert (await records.search(OWNER, Query())).items[0].question.startswith("before")

    # Filters.

    async def test_every_filter_holds_and_they_hold_together(self, records: ClearableRecords) -> None:
        yes, no = ended(entry("yes")), ended(entry("no", at_s=1), Decision.REJECTED)
        tie = replace(ended(entry("tie", at_s=2, session_id="b")), outcome=Outcome.INCONCLUSIVE, decision=None)
        await noted(records, yes, no, tie, entry("running", at_s=3), text="fruit")
        assert await all_pages(records, Query(outcome=Outcome.DECIDED)) == ["no", "yes"]
        assert await all_pages(records, Query(outcome=Outcome.INCONCLUSIVE)) == ["tie"]
        assert await all_pages(records, Query(decision=Decision.REJECTED)) == ["no"]
        assert await all_pages(records, Query(session_id="b")) == ["tie"]
        assert await all_pages(records, Query(has_outcome=True)) == ["tie", "no", "yes"]
        assert await all_pages(records, Query(is_oldest_first=True)) == ["yes", "no", "tie", "running"]
        everything = Query("fruit", Outcome.DECIDED, Decision.APPROVED, "session", has_outcome=True)
        assert await all_pages(records, everything) == ["yes"]
        assert await all_pages(records, replace(everything, text="stone")) == []

    # 4. Pages.

    @pytest.mark.parametrize("is_oldest_first", [False, True])
    @pytest.mark.parametrize("text", ["", "fruit"])
    async def test_pages_hold_everything_once_those_of_one_moment_too(
        self, records: ClearableRecords, text: str, *, is_oldest_first: bool
    ) -> None:
        entries = [entry(f"{n:02}", at_s=n // 4) for n in range(23)]
        await noted(records, *reversed(entries), text="fruit")
        expected = sorted((item.deliberation_id for item in entries), reverse=not is_oldest_first)
        for limit in (1, 4, 22, 23, 100):
            query = Query(text=text, limit=limit, is_oldest_first=is_oldest_first)
            assert await all_pages(records, query) == expected

    async def test_what_is_noted_or_forgotten_between_two_pages_disturbs_neither(
        self, records: ClearableRecords
    ) -> None:
        old = [entry(f"{n:02}", at_s=n) for n in range(12)]
        await noted(records, *old)
        query = Query(limit=3)
        seen: list[str] = []
        for n in range(100):
            page = await records.search(OWNER, query)
            seen += [item.deliberation_id for item in page.items]
            # Newer ones come, the last one read is forgotten, an old one ends.
            await noted(records, entry(f"new-{n}", at_s=1_000 + n), ended(old[0]))
            await records.forget(OWNER, page.items[-1].deliberation_id)
            if page.next_cursor is None:
                break
            query = replace(query, cursor=page.next_cursor)
        assert seen == [f"{n:02}" for n in reversed(range(12))]

    async def test_the_last_page_has_no_cursor(self, records: ClearableRecords) -> None:
        await noted(records, entry("one"), entry("two", at_s=1))
        assert (await records.search(OWNER, Query(limit=2))).next_cursor is None
        assert (await records.search(OWNER, Query(limit=1))).next_cursor is not None
        assert (await records.search("nobody", Query())).next_cursor is None

    async def test_a_cursor_that_was_not_given_out_is_refused(self, records: ClearableRecords) -> None:
        await noted(records, entry("one"), entry("two", at_s=1, session_id="b"))
        of_entries = (await records.search(OWNER, Query(limit=1))).next_cursor
        of_sessions = (await records.sessions(OWNER, 1)).next_cursor
        assert of_entries
        assert of_sessions
        wrong = ["x", "é", "e30", "WyJlIl0", "W10", "bnVsbA", "=", " ", f"{of_entries}!", f"é{of_entries}", of_sessions]
        # An array as ours, with a number that no database can hold.
        wrong.append("WyJlIiw5OTk5OTk5OTk5OTk5OTk5OTk5OTksIngiXQ")
        for cursor in wrong:
            with pytest.raises(InvalidRequest) as refused:
                await records.search(OWNER, Query(cursor=cursor))
            assert refused.value.field == "cursor"
        for cursor in (*wrong[:-2], of_entries):
            with pytest.raises(InvalidRequest) as refused:
                await records.sessions(OWNER, cursor=cursor)
            assert refused.value.field == "cursor"

    # Sessions.

    async def test_sessions_show_their_first_question_their_turns_and_their_newest(
        self, records: ClearableRecords
    ) -> None:
        long = replace(entry("long", at_s=5, session_id="c"), question="  " + "長" * 500)
        await noted(
            records,
            entry("first"),
            entry("later", at_s=9),
            entry("other", at_s=4, session_id="b"),
            long,
        )
        assert await all_sessions(records, 10) == [
            Session("session", "What of first?", 2, NOON + timedelta(seconds=9)),
            Session("c", "長" * 199 + "…", 1, NOON + timedelta(seconds=5)),
            Session("b", "What of other?", 1, NOON + timedelta(seconds=4)),
        ]

    async def test_pages_of_sessions_hold_each_once_though_sessions_get_turns_meanwhile(
        self, records: ClearableRecords
    ) -> None:
        await noted(records, *(entry(f"{n:02}", at_s=n // 3, session_id=f"s-{n:02}") for n in range(11)))
        seen: list[str] = []
        cursor = None
        for n in range(100):
            page = await records.sessions(OWNER, 2, cursor)
            seen += [session.session_id for session in page.items]
            # The session that would come last gets a newer turn, and so does a new session.
            await noted(records, entry(f"turn-{n}", at_s=100 + n, session_id="s-00"))
            await noted(records, entry(f"new-{n}", at_s=100 + n, session_id=f"new-{n}"))
            if (cursor := page.next_cursor) is None:
                break
        assert seen == [f"s-{n:02}" for n in reversed(range(11))]
        assert (await records.sessions(OWNER, 1)).items[0].session_id in {"s-00", "new-5"}

    # Forgetting.

    async def test_what_is_forgotten_is_found_no_more(self, records: ClearableRecords) -> None:
        await noted(records, ended(entry()), ended(entry("two", at_s=1)), text="a secret")
        assert await records.forget(OWNER, "one")
        assert await found(records, "secret") == ["two"]
        assert await found(records) == ["two"]
        assert list(await records.unended(["one"])) == ["one"]
        assert (await records.sessions(OWNER)).items[0].n_turns == 1
        assert not await records.forget(OWNER, "one")

    # 6. Titles.

    async def test_a_title_is_shown_and_found_beside_everything_else(self, records: ClearableRecords) -> None:
        await noted(records, ended(entry()), entry("two", at_s=1), text="the question")
        await records.rename(OWNER, "one", "課金の移行、Q3")
        assert (await records.search(OWNER, Query(deliberation_id="one"))).items == (
            replace(ended(entry()), title="課金の移行、Q3"),
        )
        assert await found(records, "移行 question") == ["one"]
        assert await found(records, "ｑ３") == ["one"]
        assert await found(records, "question") == ["two", "one"]
        assert (await records.search(OWNER, Query(deliberation_id="two"))).items[0].title is None

    async def test_another_title_takes_the_place_of_the_first_and_none_leaves_none(
        self, records: ClearableRecords
    ) -> None:
        await noted(records, entry(), text="the question")
        for title in ("apples", "the", "apples", "the question"):
            await records.rename(OWNER, "one", title)
            assert await found(records, title) == ["one"]
        assert await found(records, "apples") == []
        await records.rename(OWNER, "one", "pears")
        await records.rename(OWNER, "one", None)
        await records.rename(OWNER, "one", None)
        assert await found(records, "pears") == []
        assert await found(records, "the question") == ["one"]
        assert (await records.search(OWNER, Query())).items == (entry(),)

    async def test_a_title_is_there_whenever_its_deliberation_is_noted(self, records: ClearableRecords) -> None:
        await records.rename(OWNER, "one", "apples")
        await noted(records, entry(), text="the beginning")
        assert await found(records, "apples beginning") == ["one"]
        await noted(records, ended(entry()), text="the end")
        assert (await records.search(OWNER, Query(text="apples end"))).items == (
            replace(ended(entry()), title="apples"),
        )
        await records.clear()
        assert await found(records, "apples") == []
        await noted(records, ended(entry()), text="the end")
        assert await found(records, "apples end") == ["one"]

    async def test_a_title_is_its_owners_alone(self, records: ClearableRecords) -> None:
        await noted(records, entry(), text="the question")
        await records.rename("stranger", "one", "apples")
        assert await found(records, "apples") == []
        assert (await records.search(OWNER, Query())).items == (entry(),)

    async def test_a_title_is_forgotten_with_its_deliberation(self, records: ClearableRecords) -> None:
        await noted(records, entry(), text="the question")
        await records.rename(OWNER, "one", "apples")
        assert await records.forget(OWNER, "one")
        await noted(records, entry(), text="the question")
        assert (await records.search(OWNER, Query())).items == (entry(),)
        await records.rename(OWNER, "two", "noted never")
        assert await records.forget(OWNER, "two")
        assert not await records.forget(OWNER, "two")

    async def test_any_text_can_be_a_title(self, records: ClearableRecords) -> None:
        await noted(records, entry(), text="the question")
        for title in ("a\nb", "'; DROP TABLE titles; --", "before\x00after", "\ud83d", "長" * 200):
            await records.rename(OWNER, "one", title)
            assert (await records.search(OWNER, Query())).items[0].title
        await records.rename(OWNER, "one", None)
        assert await found(records, "長") == []

    async def test_after_clearing_there_is_nothing_of_anybody(self, records: ClearableRecords) -> None:
        await noted(records, entry(), text="a secret")
        await noted(records, entry("two"), owner="stranger", text="a secret")
        await records.clear()
        for owner in (OWNER, "stranger"):
            assert await found(records, "secret", owner) == []
            assert (await records.sessions(owner)).items == ()
        await noted(records, entry(), text="another secret")
        assert await found(records, "secret") == ["one"]

    # 5. Many at once.

    async def test_many_may_read_and_write_at_once(self, records: ClearableRecords) -> None:
        async def write(n: int) -> None:
            await noted(records, entry(f"{n:02}", at_s=n), text="fruit")

        async def read() -> Sequence[str]:
            return await found(records, "fruit")

        async with asyncio.timeout(_DEADLINE_S):
            await asyncio.gather(*(write(n) for n in range(50)), *(read() for _ in range(50)))
        assert len(await read()) == 50
