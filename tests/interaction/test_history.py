"""The history as a client sees it: searched, filtered, paged, deleted; and what becomes of it when something fails."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest
from tests.support.recording import FailingRecords, recording, recording_server
from tests.support.serving import Server, real_server
from websockets.asyncio.client import connect

from magisystem.application import open_application, rebuild_records
from magisystem.config import read_configuration
from magisystem.council.briefs import Brief, Matter
from magisystem.deliberation import Deliberations, ModelChoice, Proposal
from magisystem.deliberation import history as history_module
from magisystem.deliberation.history import History, NoRecords, rebuild
from magisystem.deliberation.ports import Entry, LogWriter, Page, Query, Record, Recording, Repeated
from magisystem.errors import DeliberationNotFound, RecordsUnavailable
from magisystem.logs.sqlite import SqliteEventLog
from magisystem.protocol.history import HistoryPage
from magisystem.protocol.values import Decision, Mode
from magisystem.records import RECORDS_FILE, SqlRecords
from magisystem.testing.scripted import ScriptedModel, Step, Wait, approval, speech

OWNER = "local"
RUST = "Should we move the billing service to Rust?"
MOVE = "課金サービスをRustへ移行すべきでしょうか。"
_DEADLINE_S = 20.0


@pytest.fixture
async def server(tmp_path: Path) -> AsyncGenerator[Server]:
    async with recording_server(tmp_path / "log") as server:
        yield server


async def asked(http: httpx2.AsyncClient, question: str, **fields: Any) -> dict[str, Any]:
    """Ask, wait for the end, and give the state."""
    answer = await http.post("/invocations", json={"question": question, "stream": False, **fields})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def listed(http: httpx2.AsyncClient, **params: Any) -> dict[str, Any]:
    answer = await http.get("/deliberations", params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


def questions(page: dict[str, Any]) -> list[str]:
    return [item["question"] for item in page["items"]]


def hanging(agent_id: str, until: asyncio.Event) -> ScriptedModel:
    """Give a model whose agent breaks off in its first words until something happens."""

    def script(brief: Brief) -> Sequence[Step]:
        return [*speech("Half a "), Wait(until.wait), *approval(brief)]

    return ScriptedModel({agent_id: [script]})


async def decided(deliberations: Deliberations, question: str, owner: str = OWNER) -> str:
    deliberation_id = await deliberations.start(Proposal(Matter(question)), owner)
    await deliberations.outcome(deliberation_id, owner)
    return deliberation_id


async def entries(deliberations: Deliberations, owner: str = OWNER) -> tuple[Entry, ...]:
    return (await deliberations.history.search(owner, Query(limit=100))).items


async def ended_entries(deliberations: Deliberations, n: int, owner: str = OWNER) -> list[Entry]:
    """Search until ``n`` ended deliberations are found, which are being recorded."""
    async with asyncio.timeout(_DEADLINE_S):
        while True:
            found = [entry for entry in await entries(deliberations, owner) if entry.ended_at is not None]
            if len(found) >= n:
                return found


# --- Listing ----------------------------------------------------------------------------------------------------------


async def test_what_was_decided_stands_in_the_history_with_all_that_a_list_shows(server: Server) -> None:
    state = await asked(server.http, RUST, sessionId="s-1")
    page = await listed(server.http)
    start, end = state["start"], state["complete"]
    assert page == {
        "items": [
            {
                "deliberationId": start["deliberationId"],
                "sessionId": "s-1",
                "question": RUST,
                "mode": "deliberate",
                "council": "magi",
                "status": "complete",
                "outcome": "decided",
                "decision": "APPROVED",
                "confidence": end["confidence"],
                "startedAt": start["timestamp"],
                "endedAt": end["timestamp"],
                "summary": "Scripted.",
                "title": None,
            }
        ],
        "nextCursor": None,
    }


async def test_what_runs_stands_in_the_history_without_what_it_does_not_have_yet(tmp_path: Path) -> None:
    until = asyncio.Event()
    model = hanging("caspar", until)
    async with recording_server(tmp_path, model) as server:
        async with server.http.stream("POST", "/invocations", json={"question": RUST}) as answer:
            await anext(answer.aiter_bytes())
            (item,) = (await listed(server.http))["items"]
            assert item["status"] == "running"
            assert item["outcome"] is item["decision"] is item["endedAt"] is item["summary"] is None
        await server.http.post(f"/deliberations/{item['deliberationId']}/cancel")
        (item,) = (await listed(server.http))["items"]
        assert (item["status"], item["outcome"]) == ("cancelled", None)
        assert item["endedAt"]


async def test_a_chat_is_summed_up_by_its_answer(server: Server) -> None:
    await asked(server.http, "Hello?", mode="chat")
    (item,) = (await listed(server.http))["items"]
    assert (item["mode"], item["outcome"], item["decision"]) == ("chat", "answered", None)
    assert item["summary"] == "SOLOMON has read the question. It may go ahead."


@pytest.mark.parametrize("q", ["billing rust", "移行", "課", "has read the question", "Scripted", "balthasar ahead"])
async def test_search_finds_words_of_the_question_the_statements_and_the_verdict(server: Server, q: str) -> None:
    question = MOVE if q in {"移行", "課"} else RUST
    await asked(server.http, question)
    assert questions(await listed(server.http, q=q)) == [question]
    assert questions(await listed(server.http, q=f"{q} zebra")) == []


async def test_filters_hold_together(tmp_path: Path) -> None:
    def against(brief: Brief) -> Sequence[Step]:
        is_no = "Java" in brief.matter.question
        return [*speech("As I see it. "), *approval(brief, Decision.REJECTED if is_no else Decision.APPROVED)]

    agents = ("caspar", "balthasar", "melchior", "solomon")
    async with recording_server(tmp_path, ScriptedModel({agent: [against] for agent in agents})) as server:
        for question, session in (("Rust?", "a"), ("Java?", "a"), ("Go?", "b")):
            await asked(server.http, question, sessionId=session)
        assert questions(await listed(server.http)) == ["Go?", "Java?", "Rust?"]
        assert questions(await listed(server.http, decision="REJECTED")) == ["Java?"]
        assert questions(await listed(server.http, sessionId="a")) == ["Java?", "Rust?"]
        assert questions(await listed(server.http, sessionId="a", decision="APPROVED", outcome="decided")) == ["Rust?"]
        assert questions(await listed(server.http, outcome="inconclusive")) == []
        # A parameter left empty, as forms send it, is none.
        assert len(questions(await listed(server.http, q="", outcome="", cursor="", limit=""))) == 3


async def test_pages_read_while_others_ask_hold_everything_once(server: Server) -> None:
    for n in range(5):
        await asked(server.http, f"Question {n}?")
    seen: list[str] = []
    cursor = ""
    for n in range(20):
        page = await listed(server.http, limit=2, cursor=cursor)
        seen += questions(page)
        await asked(server.http, f"Later {n}?")
        if not (cursor := page["nextCursor"]):
            break
    assert seen == [f"Question {n}?" for n in (4, 3, 2, 1, 0)]


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "101"}, "limit"),
        ({"limit": "ten"}, "limit"),
        ({"limit": "1.5"}, "limit"),
        ({"limit": "9" * 400}, "limit"),
        ({"cursor": "made-up"}, "cursor"),
        ({"outcome": "won"}, "outcome"),
        ({"decision": "approved"}, "decision"),
        ({"sessionId": "no such form"}, "sessionId"),
        ({"q": "x" * 1_001}, "q"),
        ({"query": "x"}, "query"),
    ],
    ids=lambda given: str(given)[:30],
)
async def test_a_wrong_parameter_is_a_problem_that_names_it(server: Server, params: dict[str, str], field: str) -> None:
    answer = await server.http.get("/deliberations", params=params)
    assert answer.status_code == 400
    assert answer.json()["code"] == "invalid_request"
    assert answer.json()["field"] == field


async def test_the_action_list_is_the_same_list(server: Server) -> None:
    for question in (RUST, MOVE):
        await asked(server.http, question)
    whole = await listed(server.http)
    assert (await server.http.post("/invocations", json={"action": "list"})).json() == whole
    body = {"action": "list", "q": "移行", "outcome": "decided", "decision": "APPROVED", "limit": 1}
    assert questions((await server.http.post("/invocations", json=body)).json()) == [MOVE]
    first = (await server.http.post("/invocations", json={"action": "list", "limit": 1})).json()
    body = {"action": "list", "limit": 1, "cursor": first["nextCursor"]}
    assert (await server.http.post("/invocations", json=body)).json() == await listed(
        server.http, limit=1, cursor=first["nextCursor"]
    )
    wrong = await server.http.post("/invocations", json={"action": "list", "limit": "1"})
    assert (wrong.status_code, wrong.json()["field"]) == (400, "limit")


async def test_a_socket_lists_as_well_and_stays(server: Server) -> None:
    await asked(server.http, RUST)
    whole = await listed(server.http)
    async with asyncio.timeout(_DEADLINE_S), connect(server.url.replace("http:", "ws:") + "/ws") as socket:
        await socket.send('{"action":"list","limit":0,"requestId":"wrong"}')
        assert json.loads(await socket.recv())["error"]["field"] == "limit"
        await socket.send('{"action":"list","cursor":"made-up","requestId":"wrong"}')
        assert json.loads(await socket.recv())["error"]["field"] == "cursor"
        await socket.send('{"action":"list","q":"billing","requestId":"right"}')
        assert json.loads(await socket.recv()) == {"type": "page", "page": whole, "requestId": "right"}


async def test_the_interface_is_described(server: Server) -> None:
    document = (await server.http.get("/openapi.json")).json()
    for path, page in (
        ("/deliberations", "HistoryPage"),
        ("/sessions", "SessionPage"),
        ("/sessions/{session_id}", "SessionTurns"),
    ):
        content = document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]
        assert content["schema"]["$ref"].endswith(page)
        assert page in document["components"]["schemas"]
    names = {parameter["name"] for parameter in document["paths"]["/deliberations"]["parameters"]}
    assert names == {"q", "outcome", "decision", "sessionId", "deliberationId", "limit", "cursor"}
    text = str(document)
    for name in ("HistoryItem", "ListRequest", "Outcome", "Decision"):
        assert f"#/components/schemas/{name}" not in text or name in document["components"]["schemas"]


# --- Deleting ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["path", "action"])
async def test_what_is_deleted_is_gone_from_log_and_records(server: Server, by: str) -> None:
    kept, gone = [(await asked(server.http, q))["start"]["deliberationId"] for q in (RUST, MOVE)]
    if by == "path":
        answer = await server.http.delete(f"/deliberations/{gone}")
    else:
        answer = await server.http.post("/invocations", json={"action": "delete", "deliberationId": gone})
    assert answer.status_code == 204
    assert [item["deliberationId"] for item in (await listed(server.http))["items"]] == [kept]
    assert questions(await listed(server.http, q="移行")) == []
    assert (await server.http.get(f"/deliberations/{gone}")).status_code == 404
    assert (await server.http.delete(f"/deliberations/{gone}")).status_code == 404


async def test_what_is_deleted_while_it_runs_does_not_come_back(tmp_path: Path) -> None:
    never = asyncio.Event()
    model = hanging("caspar", never)
    async with recording(tmp_path, model) as deliberations:
        deliberation_id = await deliberations.start(Proposal(Matter(RUST)), OWNER)
        await deliberations.forget(deliberation_id, OWNER)
        assert await entries(deliberations) == ()
    async with recording(tmp_path) as deliberations:
        await deliberations.recover()
        await decided(deliberations, MOVE)
        assert [entry.question for entry in await entries(deliberations)] == [MOVE]


async def test_a_record_that_is_written_while_its_log_is_deleted_is_deleted_too(tmp_path: Path) -> None:
    async with SqliteEventLog.open(tmp_path) as log, SqlRecords.open(tmp_path / RECORDS_FILE) as records:

        class Slow(FailingRecords):
            """Another process deletes the log, and what is recorded, just before the record is written."""

            async def note(self, recordings: Sequence[Recording]) -> None:
                for recording in recordings:
                    if recording.entry.ended_at is not None:
                        await log.forget(recording.entry.deliberation_id, OWNER)
                        await records.forget(OWNER, recording.entry.deliberation_id)
                await records.note(recordings)

        slow = Slow(records, is_failing=False)
        async with Deliberations(log, ScriptedModel(), ModelChoice("scripted:model"), records=slow) as deliberations:
            await decided(deliberations, RUST)
            assert await entries(deliberations) == ()


async def test_a_deletion_that_was_broken_off_between_log_and_record_can_be_finished(tmp_path: Path) -> None:
    async with SqliteEventLog.open(tmp_path) as log, SqlRecords.open(tmp_path / RECORDS_FILE) as records:
        failing = FailingRecords(records, is_failing=False)
        async with Deliberations(log, ScriptedModel(), ModelChoice("scripted:model"), records=failing) as deliberations:
            deliberation_id = await decided(deliberations, RUST)
            assert len(await entries(deliberations)) == 1
            failing.is_failing = True
            with pytest.raises(RecordsUnavailable):
                await deliberations.forget(deliberation_id, OWNER)
            failing.is_failing = False
            with pytest.raises(DeliberationNotFound):
                await deliberations.forget(deliberation_id, "stranger")
            await deliberations.forget(deliberation_id, OWNER)
            assert await entries(deliberations) == ()
            with pytest.raises(DeliberationNotFound):
                await deliberations.forget(deliberation_id, OWNER)


# --- Failures ---------------------------------------------------------------------------------------------------------


async def test_deliberations_go_on_without_records_and_are_recorded_once_those_are_back(tmp_path: Path) -> None:
    async with SqlRecords.open(tmp_path / RECORDS_FILE) as records:
        failing = FailingRecords(records)
        async with recording(tmp_path / "log", records=failing) as deliberations:
            deliberation_id = await deliberations.start(Proposal(Matter(RUST), session_id="s"), OWNER)
            state = await deliberations.outcome(deliberation_id, OWNER)
            assert state.complete is not None
            with pytest.raises(RecordsUnavailable):
                await entries(deliberations)
            assert failing.has_failed.is_set()
            failing.is_failing = False
            found = await ended_entries(deliberations, 1)
            assert [entry.deliberation_id for entry in found] == [deliberation_id]


async def test_unusable_records_are_a_problem_to_who_searches_and_to_nobody_else(tmp_path: Path) -> None:
    failing = FailingRecords(NoRecords())
    async with recording_server(tmp_path, records=failing) as server:
        assert (await asked(server.http, RUST))["status"] == "complete"
        answer = await server.http.get("/deliberations")
        assert (answer.status_code, answer.json()["code"]) == (503, "records_unavailable")
        failing.is_failing = False


@pytest.mark.parametrize("n_noted", ["nothing", "the beginning"])
async def test_what_a_process_did_not_record_before_it_died_the_next_one_does(tmp_path: Path, n_noted: str) -> None:
    class Dying(FailingRecords):
        async def note(self, recordings: Sequence[Recording]) -> None:
            begun = [item for item in recordings if item.entry.ended_at is None]
            await self.inner.note(begun if n_noted == "the beginning" else [])

    folder = tmp_path / "log"
    async with SqlRecords.open(folder / RECORDS_FILE) as records:
        async with recording(folder, records=Dying(records, is_failing=False)) as deliberations:
            ids = {await decided(deliberations, f"Question {n}?", f"owner-{n % 2}") for n in range(70)}
        for n in range(2):
            found = (await records.search(f"owner-{n}", Query(limit=100))).items
            assert all(entry.ended_at is None for entry in found)
    async with recording(folder) as deliberations:
        await deliberations.recover()
        found = [entry for n in range(2) for entry in await ended_entries(deliberations, 35, f"owner-{n}")]
        assert {entry.deliberation_id for entry in found} == ids


async def test_what_was_cancelled_while_the_log_took_its_end_is_recorded(tmp_path: Path) -> None:
    async with SqliteEventLog.open(tmp_path) as log, SqlRecords.open(tmp_path / RECORDS_FILE) as records:
        async with Deliberations(log, ScriptedModel(), ModelChoice("scripted:model")) as deliberations:
            deliberation_id = await decided(deliberations, RUST)
            whole = (await deliberations.read(deliberation_id, OWNER)).records
            await deliberations.forget(deliberation_id, OWNER)

        @dataclass
        class Late:
            """Appends, and is cancelled before it can say so."""

            inner: LogWriter

            async def append(self, records: Sequence[Record]) -> None:
                await self.inner.append(records)
                raise asyncio.CancelledError

            def on_stop(self, stop: Callable[[], None]) -> None:
                self.inner.on_stop(stop)

        writer = await log.create(deliberation_id, OWNER)
        assert not isinstance(writer, Repeated)
        async with History(log, records) as history:
            with pytest.raises(asyncio.CancelledError):
                await history.watched(Late(writer), deliberation_id, OWNER, "s").append(whole)
        (entry,) = (await records.search(OWNER, Query())).items
        assert entry.status == "complete"


async def test_what_another_process_is_just_beginning_is_listed_with_its_first_event(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history_module, "_SOON_S", _DEADLINE_S)
    looked = asyncio.Event()

    class Looked(SqliteEventLog):
        async def read(self, deliberation_id: str, owner: str, after: int = 0, limit: int = 10_000) -> Page:
            page = await super().read(deliberation_id, owner, after, limit)
            looked.set()
            return page

        @asynccontextmanager
        async def follow(
            self, deliberation_id: str, owner: str, after: int = 0
        ) -> AsyncGenerator[AsyncIterator[Sequence[Record]]]:
            async with super().follow(deliberation_id, owner, after) as batches:
                looked.set()
                yield batches

    async with SqliteEventLog.open(tmp_path) as log, SqlRecords.open(tmp_path / RECORDS_FILE) as records:
        async with Deliberations(log, ScriptedModel(), ModelChoice("scripted:model")) as deliberations:
            deliberation_id = await decided(deliberations, RUST)
            whole = (await deliberations.read(deliberation_id, OWNER)).records
            await deliberations.forget(deliberation_id, OWNER)
        writer = await log.create(deliberation_id, OWNER)
        assert not isinstance(writer, Repeated)
        async with (
            Looked.open(tmp_path) as elsewhere,
            History(elsewhere, records, has_siblings=True) as history,
            asyncio.timeout(_DEADLINE_S),
        ):
            searching = asyncio.create_task(history.search(OWNER, Query()))
            await looked.wait()
            await writer.append(whole[:1])
            (entry,) = (await searching).items
        assert (entry.deliberation_id, entry.status) == (deliberation_id, "running")


async def test_catching_up_goes_on_by_itself_once_the_records_are_back(tmp_path: Path) -> None:
    async with recording(tmp_path, records=NoRecords()) as deliberations:
        deliberation_id = await decided(deliberations, RUST)
    async with SqlRecords.open(tmp_path / RECORDS_FILE) as records:
        failing = FailingRecords(records)
        async with recording(tmp_path, records=failing) as deliberations:
            await deliberations.recover()
            async with asyncio.timeout(_DEADLINE_S):
                await failing.has_failed.wait()
            failing.is_failing = False
            assert [entry.deliberation_id for entry in await ended_entries(deliberations, 1)] == [deliberation_id]


async def test_more_changes_than_are_remembered_are_found_in_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("magisystem.deliberation.history._MAX_CHANGES", 1)
    async with recording(tmp_path) as deliberations:
        ids = await asyncio.gather(*(decided(deliberations, f"Question {n}?") for n in range(20)))
        found = await ended_entries(deliberations, 20)
        assert {entry.deliberation_id for entry in found} == set(ids)


async def test_one_log_that_cannot_be_recorded_keeps_no_other_out(tmp_path: Path) -> None:
    class Choosy(FailingRecords):
        async def note(self, recordings: Sequence[Recording]) -> None:
            if any("cursed" in item.entry.question for item in recordings):
                raise ValueError("a fault")
            await self.inner.note(recordings)

    async with SqlRecords.open(tmp_path / RECORDS_FILE) as records:
        choosy = Choosy(records, is_failing=False)
        async with recording(tmp_path / "log", records=choosy) as deliberations:
            await asyncio.gather(*(decided(deliberations, question) for question in ("A?", "cursed?", "B?")))
            assert {entry.question for entry in await entries(deliberations)} == {"A?", "B?"}


async def test_what_a_process_leaves_unfinished_is_recorded_when_another_finishes_it(tmp_path: Path) -> None:
    never = asyncio.Event()
    model = hanging("caspar", never)
    async with recording(tmp_path, model) as deliberations:
        deliberation_id = await deliberations.start(Proposal(Matter(RUST)), OWNER)
        async with deliberations.follow(deliberation_id, OWNER) as batches:
            await anext(batches)
        assert [entry.status for entry in await entries(deliberations)] == ["running"]
    async with recording(tmp_path) as deliberations:
        assert await deliberations.recover() == [deliberation_id]
        await deliberations.outcome(deliberation_id, OWNER)
        assert [entry.status for entry in await entries(deliberations)] == ["complete"]


async def test_what_cannot_be_gone_on_with_is_recorded_as_the_error_it_ends_in(tmp_path: Path) -> None:
    async with recording(tmp_path / "whole") as deliberations:
        deliberation_id = await decided(deliberations, RUST)
        (start, *_) = (await deliberations.read(deliberation_id, OWNER)).records
    async with SqliteEventLog.open(tmp_path) as log:
        writer = await log.create(deliberation_id, OWNER, b'{"from": "the future"}')
        await writer.append([start])  # type: ignore[union-attr]
    async with recording(tmp_path) as deliberations:
        assert await deliberations.recover() == []
        (entry,) = await entries(deliberations)
        assert (entry.status, entry.question) == ("error", RUST)


async def test_a_server_opens_its_records_and_refuses_to_start_on_damaged_ones(data_dir: Path) -> None:
    async with real_server(embedded_tokens_per_s=0) as http:
        await asked(http, RUST)
        assert questions(await listed(http, q="billing")) == [RUST]
    path = data_dir / RECORDS_FILE
    path.write_bytes(b"\xff" * path.stat().st_size)
    with pytest.raises(RecordsUnavailable):
        async with open_application(read_configuration(environment={})):
            pass
    path.unlink()
    async with open_application(read_configuration(environment={})) as application:
        await application.deliberations.recover()
        (entry,) = await ended_entries(application.deliberations, 1)
        assert entry.question == RUST


# --- Rebuilding -------------------------------------------------------------------------------------------------------


async def test_records_made_anew_from_the_log_are_those_that_were_made_as_it_happened(tmp_path: Path) -> None:
    never = asyncio.Event()
    model = hanging("melchior", never)
    async with recording(tmp_path) as deliberations:
        await decided(deliberations, RUST)
        await decided(deliberations, MOVE, "another")
        chat = await deliberations.start(Proposal(Matter("Hello?"), mode=Mode.CHAT), OWNER)
        await deliberations.outcome(chat, OWNER)
    async with recording(tmp_path, model) as deliberations:
        cancelled = await deliberations.start(Proposal(Matter("Stop?")), OWNER)
        async with deliberations.follow(cancelled, OWNER) as batches:
            await anext(batches)
        await deliberations.cancel(cancelled, OWNER)
        left = await deliberations.start(Proposal(Matter("Left?")), OWNER)
        async with deliberations.follow(left, OWNER) as batches:
            await anext(batches)
        assert len(await entries(deliberations)) == 4

    async with SqliteEventLog.open(tmp_path) as log, SqlRecords.open(tmp_path / RECORDS_FILE) as records:

        async def everything() -> list[object]:
            queries = [
                Query(limit=100),
                *(Query(text=text) for text in ("移行", "billing", "solomon", "half", "go on")),
            ]
            pages = [await records.search(owner, query) for owner in (OWNER, "another") for query in queries]
            whole, *found = pages
            # What is found by its words while it runs is what it had said when it was noted; that is not told anew.
            ended = [tuple(each for each in page.items if each.status != "running") for page in found]
            return [whole, *ended, await records.sessions(OWNER)]

        live = await everything()
        stray = Entry("stray", "s", "?", live[0].items[0].mode, "magi", "running", live[0].items[0].started_at)  # type: ignore[attr-defined]
        await records.note([Recording(OWNER, stray, "of no log")])
        assert await everything() != live
        assert await rebuild(log, records) == 5
        assert await everything() == live
        assert await rebuild(log, records) == 5
        assert await everything() == live


async def test_a_command_can_rebuild_the_records_from_the_settings_alone(data_dir: Path) -> None:
    settings = read_configuration(environment={}).settings
    async with recording(data_dir) as deliberations:
        for n in range(40):
            await decided(deliberations, f"Question {n}?")
    (data_dir / RECORDS_FILE).unlink()
    assert await rebuild_records(settings) == 40
    async with recording(data_dir) as deliberations:
        assert {entry.question for entry in await entries(deliberations)} == {f"Question {n}?" for n in range(40)}


# --- Titles -----------------------------------------------------------------------------------------------------------


async def test_a_deliberation_is_called_as_its_owner_says(server: Server) -> None:
    state = await asked(server.http, RUST, sessionId="s-1")
    deliberation_id = state["start"]["deliberationId"]
    path = f"/deliberations/{deliberation_id}"
    await asked(server.http, MOVE)
    renamed = await server.http.patch(path, json={"title": "  Billing, third quarter "})
    assert (renamed.status_code, renamed.json()) == (
        200,
        {"deliberationId": deliberation_id, "title": "Billing, third quarter"},
    )
    for params in ({"q": "quarter RUST"}, {"deliberationId": deliberation_id}, {"sessionId": "s-1"}):
        (item,) = (await listed(server.http, **params))["items"]
        assert (item["title"], item["question"]) == ("Billing, third quarter", RUST)
    assert (await server.http.get("/sessions/s-1")).json()["items"][0]["title"] == "Billing, third quarter"
    body = {"action": "rename", "deliberationId": deliberation_id, "title": None}
    taken_away = await server.http.post("/invocations", json=body)
    assert taken_away.json() == {"deliberationId": deliberation_id, "title": None}
    assert (await listed(server.http, q="quarter"))["items"] == []
    assert [item["title"] for item in (await listed(server.http))["items"]] == [None, None]


async def test_what_still_runs_can_be_called_something_and_keeps_it_to_the_end(tmp_path: Path) -> None:
    until = asyncio.Event()
    async with recording_server(tmp_path, hanging("caspar", until)) as server:
        begun = (await server.http.post("/invocations", json={"question": RUST, "detached": True})).json()
        path = f"/deliberations/{begun['deliberationId']}"
        assert (await server.http.patch(path, json={"title": "Soon"})).status_code == 200
        assert (await listed(server.http))["items"][0]["title"] == "Soon"
        until.set()
        await server.http.get(f"{path}/events")
        (entry,) = await ended_entries(server.deliberations, 1)
        assert entry.title == "Soon"


async def test_titles_outlive_the_records_being_made_anew(tmp_path: Path) -> None:
    async with recording_server(tmp_path) as server:
        state = await asked(server.http, RUST)
        await server.http.patch(f"/deliberations/{state['start']['deliberationId']}", json={"title": "Kept"})
    settings = read_configuration(environment={}, data_dir=tmp_path).settings
    assert await rebuild_records(settings) == 1
    async with recording_server(tmp_path) as server:
        (item,) = (await listed(server.http, q="kept"))["items"]
        assert item["title"] == "Kept"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "title"),
        ({"title": ""}, "title"),
        ({"title": "  \n"}, "title"),
        ({"title": "\u200b"}, "title"),
        ({"title": "x" * 201}, "title"),
        ({"title": 5}, "title"),
        ({"title": ["x"]}, "title"),
        ({"title": "x", "name": "y"}, "name"),
        ([], ""),
    ],
)
async def test_what_is_no_title_is_refused_by_name(server: Server, body: Any, field: str) -> None:
    deliberation_id = (await asked(server.http, RUST))["start"]["deliberationId"]
    answers = [await server.http.patch(f"/deliberations/{deliberation_id}", json=body)]
    if body != []:
        verb: dict[str, Any] = {"action": "rename", "deliberationId": deliberation_id}
        answers.append(await server.http.post("/invocations", json=verb | body))
    for answer in answers:
        problem = answer.json()
        assert (answer.status_code, problem["code"], problem.get("field", "")) == (400, "invalid_request", field)
    assert (await listed(server.http))["items"][0]["title"] is None


async def test_what_is_not_there_cannot_be_renamed(server: Server, tmp_path: Path) -> None:
    theirs = await decided(server.deliberations, RUST, "stranger")
    for deliberation_id in ("none", theirs):
        answer = await server.http.patch(f"/deliberations/{deliberation_id}", json={"title": "Mine"})
        assert (answer.status_code, answer.json()["code"]) == (404, "deliberation_not_found")
    (entry,) = await ended_entries(server.deliberations, 1, "stranger")
    assert entry.title is None


async def test_a_title_that_cannot_be_kept_is_a_named_error(tmp_path: Path) -> None:
    async with SqlRecords.open(tmp_path / "own.sqlite") as own:
        records = FailingRecords(own, is_failing=False)
        async with recording_server(tmp_path, records=records) as server:
            deliberation_id = (await asked(server.http, RUST))["start"]["deliberationId"]
            records.is_failing = True
            answer = await server.http.patch(f"/deliberations/{deliberation_id}", json={"title": "x"})
            assert (answer.status_code, answer.json()["code"]) == (503, "records_unavailable")
            records.is_failing = False


def test_a_list_of_a_newer_server_is_read_without_what_is_not_known() -> None:
    item = {
        "deliberationId": "x",
        "sessionId": "s",
        "question": "q",
        "mode": "chat",
        "council": "magi",
        "status": "complete",
        "outcome": None,
        "decision": None,
        "confidence": None,
        "startedAt": "t",
        "endedAt": None,
        "summary": None,
        "title": "T",
        "mood": {"calm": True},
    }
    page = msgspec.json.decode(json.dumps({"items": [item], "nextCursor": None, "total": 1}), type=HistoryPage)
    assert page.items[0].title == "T"
