"""A session's later turns see its earlier ones, and sessions can be listed and read."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.support.recording import FailingRecords, recording, recording_server
from tests.support.serving import Server

from magisystem.council.briefs import Brief, Matter, Message
from magisystem.deliberation import Deliberations, Proposal
from magisystem.deliberation.history import EARLIER_TURNS, NoRecords
from magisystem.deliberation.ports import Entries, Query
from magisystem.deliberation.recording import EARLIER_CHARS
from magisystem.errors import SessionNotFound, SessionNotYours
from magisystem.protocol.values import Mode
from magisystem.testing.scripted import ScriptedModel, Step, Wait, approval, speech

OWNER = "local"
SESSION = "s-1"
_DEADLINE_S = 20.0


@pytest.fixture
async def server(tmp_path: Path) -> AsyncGenerator[Server]:
    async with recording_server(tmp_path / "log") as server:
        yield server


async def took(
    deliberations: Deliberations,
    question: str,
    *,
    session_id: str | None = SESSION,
    owner: str = OWNER,
    mode: Mode = Mode.DELIBERATE,
    history: tuple[Message, ...] = (),
) -> str:
    """Take a turn to its end, and give its deliberation's id."""
    proposal = Proposal(Matter(question, history=history), mode=mode, session_id=session_id)
    deliberation_id = await deliberations.start(proposal, owner)
    async with asyncio.timeout(_DEADLINE_S):
        await deliberations.outcome(deliberation_id, owner)
    return deliberation_id


def histories(model: ScriptedModel, question: str) -> list[tuple[Message, ...]]:
    """Give the history that each agent was shown with a question."""
    return [brief.matter.history for brief in model.speeches if brief.matter.question == question]


async def test_a_later_turn_sees_what_was_asked_and_decided_before(tmp_path: Path) -> None:
    model = ScriptedModel()
    async with recording(tmp_path, model) as deliberations:
        await took(deliberations, "Rust?")
        await took(deliberations, "And Go?")
        await took(deliberations, "Which first?")
    first = (Message("user", "Rust?"), Message("assistant", "The council decided: APPROVED.\nScripted.\nGo on."))
    second = (Message("user", "And Go?"), Message("assistant", "The council decided: APPROVED.\nScripted.\nGo on."))
    assert histories(model, "Rust?") == [()] * 4
    assert histories(model, "And Go?") == [first] * 4
    assert histories(model, "Which first?") == [(*first, *second)] * 4
    # Not only as data: it stands in what each model reads.
    read = [brief.messages[-1].content for brief in model.speeches if brief.matter.question == "And Go?"]
    assert all("Rust?" in text and "Go on." in text for text in read)


async def test_a_chat_goes_on_as_a_conversation(tmp_path: Path) -> None:
    model = ScriptedModel()
    async with recording(tmp_path, model) as deliberations:
        await took(deliberations, "Hello?", mode=Mode.CHAT)
        await took(deliberations, "And then?", mode=Mode.CHAT)
    assert model.speeches[-1].messages == (
        Message("user", "Hello?"),
        Message("assistant", "SOLOMON has read the question. It may go ahead."),
        Message("user", "And then?"),
    )


async def test_a_turn_that_begins_as_soon_as_the_last_one_has_ended_sees_it(tmp_path: Path) -> None:
    model = ScriptedModel()
    async with recording(tmp_path, model) as deliberations:
        for n in range(30):
            deliberation_id = await deliberations.start(
                Proposal(Matter(f"{n}?"), mode=Mode.CHAT, session_id=f"s-{n // 2}"), OWNER
            )
            async with deliberations.follow(deliberation_id, OWNER) as batches:
                async for _ in batches:
                    pass
    for n in range(1, 30, 2):
        ((message, _),) = histories(model, f"{n}?")
        assert message == Message("user", f"{n - 1}?")


async def test_it_is_put_before_what_the_request_tells_itself(tmp_path: Path) -> None:
    model = ScriptedModel()
    own = (Message("user", "We are six."), Message("assistant", "Noted."))
    async with recording(tmp_path, model) as deliberations:
        await took(deliberations, "Rust?")
        await took(deliberations, "And Go?", history=own)
    for history in histories(model, "And Go?"):
        assert history[0] == Message("user", "Rust?")
        assert history[2:] == own


async def test_a_turn_that_the_request_tells_again_is_not_told_twice(tmp_path: Path) -> None:
    model = ScriptedModel()
    own = (Message("user", "Rust? "), Message("assistant", "Yes."))
    async with recording(tmp_path, model) as deliberations:
        await took(deliberations, "Rust?")
        await took(deliberations, "Zig?")
        await took(deliberations, "And Go?", history=own)
    for history in histories(model, "And Go?"):
        assert [message.content for message in history if message.role == "user"] == ["Zig?", "Rust? "]
        assert history[2:] == own


async def test_another_session_and_another_owner_see_nothing_of_it(tmp_path: Path) -> None:
    model = ScriptedModel()
    async with recording(tmp_path, model) as deliberations:
        await took(deliberations, "A secret?")
        await took(deliberations, "Another session?", session_id="s-2")
        await took(deliberations, "No session?", session_id=None)
        with pytest.raises(SessionNotYours):
            await took(deliberations, "Another owner?", owner="stranger")
        stranger = await took(deliberations, "Another owner?", owner="stranger", session_id="theirs")
        for question in ("Another session?", "No session?", "Another owner?"):
            assert histories(model, question) == [()] * 4
        state = await deliberations.state(stranger, "stranger")
        assert state.start is not None
        assert state.start.session_id == "theirs"
        with pytest.raises(SessionNotFound):
            await deliberations.history.session("stranger", SESSION, 100, None)


async def test_only_turns_with_an_outcome_count(tmp_path: Path) -> None:
    until = asyncio.Event()

    def waits(brief: Brief) -> Sequence[Step]:
        is_waiting = brief.matter.question in {"Cancelled?", "Running?"}
        return [*speech("Well. "), *([Wait(until.wait)] if is_waiting else []), *approval(brief)]

    model = ScriptedModel({"caspar": [waits]})
    async with recording(tmp_path, model) as deliberations:
        await took(deliberations, "Rust?")
        cancelled = await deliberations.start(Proposal(Matter("Cancelled?"), session_id=SESSION), OWNER)
        await deliberations.cancel(cancelled, OWNER)
        await deliberations.start(Proposal(Matter("Running?"), session_id=SESSION), OWNER)
        await took(deliberations, "And Go?")
        until.set()
    for history in histories(model, "And Go?"):
        assert [message.content for message in history if message.role == "user"] == ["Rust?"]


async def test_the_newest_turns_are_told_and_no_more_than_fit(tmp_path: Path) -> None:
    model = ScriptedModel()
    async with recording(tmp_path, model) as deliberations:
        for n in range(EARLIER_TURNS + 2):
            await took(deliberations, f"{n}?", mode=Mode.CHAT)
        await took(deliberations, "Now?", mode=Mode.CHAT)
        (history,) = histories(model, "Now?")
        asked = [message.content for message in history if message.role == "user"]
        assert asked == [f"{n}?" for n in range(2, EARLIER_TURNS + 2)]
        for n in range(6):
            await took(deliberations, f"{n}" * 10_000, mode=Mode.CHAT, session_id="long")
        await took(deliberations, "Now, after long ones?", mode=Mode.CHAT, session_id="long")
    (history,) = histories(model, "Now, after long ones?")
    assert [message.content[0] for message in history if message.role == "user"] == ["3", "4", "5"]
    assert sum(len(message.content) for message in history) <= EARLIER_CHARS


async def test_a_turn_begins_without_its_past_where_the_records_cannot_be_read(tmp_path: Path) -> None:
    class Stuck(FailingRecords):
        async def search(self, owner: str, query: Query) -> Entries:
            if not self.is_failing:
                return await asyncio.Future[Entries]()
            return await super().search(owner, query)

    for is_failing in (True, False):
        model = ScriptedModel()
        records = Stuck(NoRecords(), is_failing)
        async with recording(tmp_path / str(is_failing), model, records) as deliberations:
            await took(deliberations, "Rust?")
            await took(deliberations, "And Go?")
            assert histories(model, "And Go?") == [()] * 4
            records.is_failing = False


async def test_a_turn_that_is_recovered_still_sees_the_earlier_ones_without_the_records(tmp_path: Path) -> None:
    never = asyncio.Event()

    def hangs(brief: Brief) -> Sequence[Step]:
        return [*speech("Half a "), *([Wait(never.wait)] if brief.matter.history else []), *approval(brief)]

    async with recording(tmp_path, ScriptedModel({"caspar": [hangs]})) as deliberations:
        await took(deliberations, "Rust?")
        unfinished = await deliberations.start(Proposal(Matter("And Go?"), session_id=SESSION), OWNER)
        async with deliberations.follow(unfinished, OWNER) as batches:
            await anext(batches)
    model = ScriptedModel()
    async with recording(tmp_path, model, NoRecords()) as deliberations:
        assert await deliberations.recover() == [unfinished]
        await deliberations.outcome(unfinished, OWNER)
    assert all(history[0] == Message("user", "Rust?") for history in histories(model, "And Go?"))
    assert len(histories(model, "And Go?")) >= 2


async def test_a_start_repeated_under_its_key_is_the_same_start_though_turns_came_between(tmp_path: Path) -> None:
    async with recording(tmp_path) as deliberations:
        proposal = Proposal(Matter("Rust?"), session_id=SESSION)
        first = await deliberations.start(proposal, OWNER, "a key")
        await deliberations.outcome(first, OWNER)
        await took(deliberations, "And Go?")
        assert await deliberations.start(proposal, OWNER, "a key") == first


# --- Over HTTP --------------------------------------------------------------------------------------------------------


async def ask(server: Server, question: str, session_id: str) -> dict[str, Any]:
    body = {"question": question, "sessionId": session_id, "stream": False}
    return (await server.http.post("/invocations", json=body)).json()


async def test_sessions_are_listed_with_the_latest_turn_first_and_paged(server: Server) -> None:
    for question, session_id in (("A1?", "a"), ("B1?", "b"), ("C1?", "c"), ("A2?", "a")):
        last = await ask(server, question, session_id)
    page = (await server.http.get("/sessions")).json()
    assert page["items"][0] == {
        "sessionId": "a", "title": "A1?", "turns": 2, "lastAt": last["start"]["timestamp"]
    }  # fmt: skip
    assert [(item["sessionId"], item["turns"]) for item in page["items"]] == [("a", 2), ("c", 1), ("b", 1)]
    assert page["nextCursor"] is None
    first = (await server.http.get("/sessions", params={"limit": 2})).json()
    rest = (await server.http.get("/sessions", params={"limit": 2, "cursor": first["nextCursor"]})).json()
    assert first["items"] + rest["items"] == page["items"]


async def test_a_sessions_turns_are_given_in_order_and_paged(server: Server) -> None:
    for n in range(5):
        await ask(server, f"{n}?", "a")
    await ask(server, "Other?", "b")
    whole = (await server.http.get("/sessions/a")).json()
    assert whole["sessionId"] == "a"
    assert [item["question"] for item in whole["items"]] == [f"{n}?" for n in range(5)]
    assert whole["nextCursor"] is None
    first = (await server.http.get("/sessions/a", params={"limit": 3})).json()
    rest = (await server.http.get("/sessions/a", params={"limit": 3, "cursor": first["nextCursor"]})).json()
    assert first["items"] + rest["items"] == whole["items"]


async def test_a_session_that_does_not_exist_is_not_found(server: Server) -> None:
    await ask(server, "A?", "a")
    answer = await server.http.get("/sessions/b")
    assert (answer.status_code, answer.json()["code"]) == (404, "session_not_found")


@pytest.mark.parametrize("path", ["/sessions", "/sessions/a"])
@pytest.mark.parametrize("params", [{"limit": "0"}, {"limit": "x"}, {"cursor": "x"}, {"q": "x"}])
async def test_a_wrong_parameter_is_a_problem_that_names_it(server: Server, path: str, params: dict[str, str]) -> None:
    await ask(server, "A?", "a")
    answer = await server.http.get(path, params=params)
    assert (answer.status_code, answer.json()["field"]) == (400, next(iter(params)))


async def test_a_deleted_turn_leaves_its_session_and_the_last_one_takes_it_along(server: Server) -> None:
    ids = [(await ask(server, f"{n}?", "a"))["start"]["deliberationId"] for n in range(2)]
    await server.http.delete(f"/deliberations/{ids[0]}")
    assert [item["question"] for item in (await server.http.get("/sessions/a")).json()["items"]] == ["1?"]
    assert (await server.http.get("/sessions")).json()["items"][0]["title"] == "1?"
    await server.http.delete(f"/deliberations/{ids[1]}")
    assert (await server.http.get("/sessions/a")).status_code == 404
    assert (await server.http.get("/sessions")).json()["items"] == []


async def test_what_another_process_has_not_noted_yet_is_found_and_told_all_the_same(tmp_path: Path) -> None:
    go_on, model = asyncio.Event(), ScriptedModel()
    slow = ScriptedModel({"caspar": [lambda brief: [*speech("I say"), Wait(go_on.wait), *approval(brief)]]})
    async with (
        # One that never gets to noting anything.
        recording(tmp_path, slow, NoRecords()) as sibling,
        recording(tmp_path, model, has_siblings=True) as deliberations,
        asyncio.timeout(_DEADLINE_S),
    ):

        async def found() -> list[tuple[str, str]]:
            entries = (await deliberations.history.search(OWNER, Query())).items
            return [(entry.deliberation_id, entry.status) for entry in entries]

        async def begun(question: str) -> str:
            started = await sibling.start(Proposal(Matter(question), session_id=SESSION), OWNER)
            async with sibling.follow(started, OWNER) as batches:
                await anext(batches)
            return started

        first = await begun("Zig?")
        assert await found() == [(first, "running")]
        await sibling.cancel(first, OWNER)
        assert await found() == [(first, "cancelled")]

        second = await begun("Rust?")
        assert await found() == [(second, "running"), (first, "cancelled")]
        go_on.set()
        await sibling.outcome(second, OWNER)
        await took(deliberations, "And Go?")
    (history, *_) = histories(model, "And Go?")
    assert [message.content for message in history if message.role == "user"] == ["Rust?"]
