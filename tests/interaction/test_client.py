"""The client against real servers: whatever happens on the way, the events are the log's, each once, to the end."""

import asyncio
import re
import signal
import socket
from collections.abc import Sequence

import pytest
from tests.interaction.test_cli_ask import DEADLINE_S, running
from tests.support.proxies import Proxy, cut_after, kept_for_ever, lost
from tests.support.serving import Server, scripted_server

from magisystem.client import (
    Following,
    FollowingSync,
    MagiClient,
    MagiClientSync,
    NoticeKind,
    ServerRefused,
    ServerUnreachable,
    StreamCut,
    Timing,
)
from magisystem.council.briefs import Brief
from magisystem.protocol.agentcore import ARN_EXAMPLE, ENDPOINT_VARIABLE
from magisystem.protocol.events import AgentStart, AnyEvent, Cancelled, Chunk, Complete, Start
from magisystem.protocol.fold import DeliberationState, fold
from magisystem.testing.scripted import Script, ScriptedModel, Step, Wait, approval, speech

QUESTION = "Should we move the billing service to Rust?"
# A stream is waited for as long as a test runs; what is tried again is tried at once.
PATIENT = Timing(first_byte_s=60, silence_s=60, back_off_s=0.001, longest_back_off_s=0.01)


def hanging(until: asyncio.Event) -> dict[str, list[Script]]:
    """Give scripts in which CASPAR speaks, then waits, then votes."""

    def script(brief: Brief) -> Sequence[Step]:
        return [*speech("I think. "), Wait(until.wait), *approval(brief)]

    return {"caspar": [script]}


async def all_of(following: Following) -> list[AnyEvent]:
    async with asyncio.timeout(DEADLINE_S):
        return [event async for event in following]


async def up_to(kind: type[AnyEvent], following: Following) -> list[AnyEvent]:
    """Read until an event of ``kind`` has come."""
    events: list[AnyEvent] = []
    async with asyncio.timeout(DEADLINE_S):
        async for event in following:
            events.append(event)
            if isinstance(event, kind):
                return events
    raise AssertionError(kind)


async def log_of(server: Server, deliberation_id: str) -> list[bytes]:
    page = await server.deliberations.read(deliberation_id, "local")
    return [record.body for record in page.records]


async def test_a_question_is_streamed_to_its_end_and_proved_by_its_digest() -> None:
    async with scripted_server(ScriptedModel()) as server, MagiClient(server.url, timing=PATIENT) as magi:
        following = magi.deliberate(QUESTION, session_id="s-1", criteria={"approveIf": "It is cheap."})
        bodies = [received.body async for received in following.received()]
        assert bodies == await log_of(server, following.deliberation_id)
    start = following.state.start
    assert start is not None
    assert (start.question, start.session_id, start.deliberation_id) == (QUESTION, "s-1", following.deliberation_id)
    assert "It is cheap." in server.model.speeches[0].messages[-1].content
    assert (following.state.status, following.cursor) == ("complete", len(bodies))
    assert (following.transport, following.notices, following.is_verified) == ("stream", (), True)


async def test_stream_poll_and_resumption_give_the_identical_sequence() -> None:
    async with (
        scripted_server(ScriptedModel()) as server,
        Proxy(server.url, [cut_after(1)]).serving() as cutting,
        Proxy(server.url, [kept_for_ever]).serving() as useless,
        MagiClient(server.url, timing=PATIENT) as direct,
        MagiClient(cutting.url, timing=PATIENT) as cut,
        MagiClient(useless.url, timing=Timing(first_byte_s=0.05)) as polled,
    ):
        streamed = await all_of(following := direct.deliberate(QUESTION))
        assert await all_of(polling := polled.follow(following.deliberation_id)) == streamed
        assert (polling.transport, polling.is_verified) == ("poll", True)
        assert await all_of(resumed := cut.follow(following.deliberation_id)) == streamed
        assert (resumed.transport, resumed.is_verified) == ("stream", True)
        assert await all_of(later := direct.follow(following.deliberation_id, after=7)) == streamed[7:]
        assert (later.is_verified, later.cursor) == (None, len(streamed))


async def test_a_connection_cut_at_every_event_in_turn_loses_nothing_and_repeats_nothing() -> None:
    async with (
        scripted_server(ScriptedModel()) as server,
        Proxy(server.url, [cut_after(0), cut_after(1)]).serving() as proxy,
        MagiClient(proxy.url, timing=PATIENT) as magi,
    ):
        following = magi.deliberate(QUESTION)
        bodies = [received.body async for received in following.received()]
        assert bodies == await log_of(server, following.deliberation_id)
    assert following.is_verified
    assert len(server.model.speeches) == 4
    # One connection that carried nothing, one an event, and none after the terminal one.
    assert proxy.resumed_from() == list(range(len(bodies)))
    assert [(notice.kind, notice.cursor) for notice in following.notices] == [
        (NoticeKind.RESUMED, cursor) for cursor in range(len(bodies))
    ]


async def test_one_cut_at_any_event_is_resumed_from_exactly_there() -> None:
    async with scripted_server(ScriptedModel()) as server:
        n_runs, n_events = 0, 1
        while n_runs < n_events:
            async with (
                Proxy(server.url, [cut_after(n_runs), cut_after(10_000)]).serving() as proxy,
                MagiClient(proxy.url, timing=PATIENT) as magi,
            ):
                events = await all_of(following := magi.deliberate(QUESTION))
                whole = await log_of(server, following.deliberation_id)
            n_runs, n_events = n_runs + 1, len(whole)
            assert [event.seq for event in events] == list(range(1, n_events + 1))
            assert following.is_verified
            assert proxy.resumed_from() == [n_runs - 1]
            assert len(server.model.speeches) == 4 * n_runs


async def test_a_start_whose_answer_was_lost_is_repeated_and_runs_once() -> None:
    async with (
        scripted_server(ScriptedModel()) as server,
        Proxy(server.url, [lost, lost, cut_after(10_000)]).serving() as proxy,
        MagiClient(proxy.url, timing=PATIENT) as magi,
    ):
        events = await all_of(following := magi.deliberate(QUESTION))
    assert isinstance(events[-1], Complete)
    assert following.is_verified
    assert len(proxy.bodies) == 3
    assert len({body["idempotencyKey"] for body in proxy.bodies}) == 1
    assert len(server.model.speeches) == 4


async def test_two_questions_are_two_deliberations() -> None:
    async with scripted_server(ScriptedModel()) as server, MagiClient(server.url, timing=PATIENT) as magi:
        first, second = magi.deliberate(QUESTION), magi.deliberate(QUESTION)
        await asyncio.gather(all_of(first), all_of(second))
    assert first.deliberation_id != second.deliberation_id


async def test_a_server_that_was_killed_and_comes_back_is_followed_on() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    async with MagiClient(f"http://127.0.0.1:{port}", timing=PATIENT) as magi:
        async with running("serve", "--port", port, MAGI_EMBEDDED_TOKENS_PER_S="100") as server:
            assert server.stdout is not None
            await server.stdout.readline()
            following = magi.deliberate(QUESTION)
            before = await up_to(Chunk, following)
            server.send_signal(signal.SIGKILL)
            await server.wait()
        rest = asyncio.create_task(all_of(following))
        async with running("serve", "--port", port):
            events = [*before, *await rest]
            assert await magi.get(following.deliberation_id) == following.state == fold(events)
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert isinstance(events[-1], Complete)
    assert any(isinstance(event, AgentStart) and event.attempt == 2 for event in events)
    assert following.is_verified
    assert NoticeKind.RESUMED in {notice.kind for notice in following.notices}


async def test_a_deliberation_deleted_meanwhile_is_refused_at_once() -> None:
    until = asyncio.Event()
    async with (
        scripted_server(ScriptedModel(hanging(until))) as server,
        Proxy(server.url, [cut_after(4)]).serving() as proxy,
        MagiClient(proxy.url, timing=PATIENT) as magi,
    ):
        following = magi.deliberate(QUESTION)
        seen = [await anext(following) for _ in range(4)]
        async with MagiClient(server.url) as other:
            await other.delete(following.deliberation_id)
        with pytest.raises(ServerRefused) as caught:
            await all_of(following)
        assert (caught.value.status, caught.value.refusal) == (404, "deliberation_not_found")
        assert len(proxy.resumed_from()) == 1
        with pytest.raises(ServerRefused):
            await magi.get(following.deliberation_id)
    assert following.state == fold(seen)


async def test_a_cursor_ahead_of_the_log_is_refused_at_once() -> None:
    async with scripted_server(ScriptedModel()) as server, MagiClient(server.url, timing=PATIENT) as magi:
        await all_of(following := magi.deliberate(QUESTION))
        with pytest.raises(ServerRefused) as caught:
            await all_of(magi.follow(following.deliberation_id, following.cursor + 1))
        assert caught.value.refusal == "cursor_ahead"
        # One that is just at its end is followed to nothing.
        assert await all_of(magi.follow(following.deliberation_id, following.cursor)) == []


async def test_a_cancellation_from_another_task_comes_as_the_terminal_event() -> None:
    async with (
        scripted_server(ScriptedModel(hanging(asyncio.Event()))) as server,
        MagiClient(server.url, timing=PATIENT) as magi,
    ):
        following = magi.deliberate(QUESTION)
        before = await up_to(Chunk, following)
        rest = asyncio.create_task(all_of(following))
        await following.cancel()
        events = [*before, *await rest]
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert isinstance(events[-1], Cancelled)
    assert following.state.status == "cancelled"
    assert following.is_verified is None


async def test_what_is_cancelled_before_its_start_was_answered_is_cancelled_all_the_same() -> None:
    async with (
        scripted_server(ScriptedModel(hanging(asyncio.Event()))) as server,
        Proxy(server.url).serving() as proxy,
        MagiClient(proxy.url, timing=PATIENT) as magi,
    ):
        proxy.is_open.clear()
        following = magi.deliberate(QUESTION)
        reading = asyncio.create_task(all_of(following))
        cancelling = asyncio.create_task(following.cancel())
        await proxy.is_asked.wait()
        proxy.is_open.set()
        async with asyncio.timeout(DEADLINE_S):
            await cancelling
        events = await reading
    assert isinstance(events[-1], Cancelled)
    assert len(server.model.speeches) <= 3


async def test_what_is_cancelled_before_it_began_never_begins() -> None:
    async with scripted_server(ScriptedModel()) as server, MagiClient(server.url, timing=PATIENT) as magi:
        following = magi.deliberate(QUESTION)
        await following.cancel()
        assert await all_of(following) == []
    assert server.model.speeches == []


async def test_the_state_is_at_any_moment_the_fold_of_what_was_seen() -> None:
    async with scripted_server(ScriptedModel()) as server, MagiClient(server.url, timing=PATIENT) as magi:
        following = magi.deliberate(QUESTION)
        seen: list[AnyEvent] = []
        assert following.state == fold(seen)
        async for event in following:
            seen.append(event)
            assert following.state == fold(seen)
            assert following.cursor == event.seq
    assert isinstance(seen[-1], Complete)


async def test_a_wait_that_is_cancelled_loses_nothing() -> None:
    async with (
        scripted_server(ScriptedModel()) as server,
        MagiClient(server.url, timing=PATIENT) as magi,
        asyncio.timeout(DEADLINE_S),
    ):
        following = magi.deliberate(QUESTION)
        events: list[AnyEvent] = []
        n_turns = n_cancelled = 0
        while following.state.status in {"empty", "running"}:
            waiting = asyncio.create_task(next_of(following))
            # Later and later in whatever it does, until it comes to something.
            for _ in range(n_turns):
                await asyncio.sleep(0)
            n_turns += 3
            n_cancelled += waiting.cancel()
            await asyncio.wait([waiting])
            if not waiting.cancelled():
                events.append(waiting.result())
    assert n_cancelled > 2
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert following.is_verified
    assert len(server.model.speeches) == 4


async def next_of(following: Following) -> AnyEvent:
    return await anext(following)


async def test_an_iteration_that_was_left_goes_on_where_it_was() -> None:
    async with scripted_server(ScriptedModel()) as server, MagiClient(server.url, timing=PATIENT) as magi:
        async with magi.deliberate(QUESTION) as following:
            before = await up_to(Chunk, following)
            events = [*before, *await all_of(following)]
            assert [event.seq for event in events] == list(range(1, len(events) + 1))
        async with magi.follow(following.deliberation_id) as closed:
            await anext(closed)
        assert await all_of(closed) == []
        assert closed.cursor == 1


async def test_the_other_verbs() -> None:
    async with scripted_server(ScriptedModel()) as server, MagiClient(server.url, timing=PATIENT) as magi:
        assert (await magi.ping()).status == "healthy"
        (council,) = await magi.councils()
        assert [seat.agent_id for seat in council.agents] == ["caspar", "balthasar", "melchior", "solomon"]
        events = await all_of(following := magi.deliberate(QUESTION, council=council))
        assert await magi.get(following.deliberation_id) == fold(events)
        await magi.cancel(following.deliberation_id)
        assert await magi.get(following.deliberation_id) == fold(events)
        await magi.delete(following.deliberation_id)
        with pytest.raises(ServerRefused):
            await magi.get(following.deliberation_id)


async def test_headers_go_with_every_request() -> None:
    async with scripted_server(ScriptedModel()) as server:
        async with MagiClient(server.url, headers={"host": "elsewhere.example"}) as magi:
            with pytest.raises(ServerRefused) as caught:
                await all_of(magi.deliberate(QUESTION))
            assert 400 <= caught.value.status < 500
        async with MagiClient(server.url, headers={"host": "localhost"}) as magi:
            assert await all_of(magi.deliberate(QUESTION))


@pytest.mark.parametrize(
    ("address", "is_hinted"),
    [("http://127.0.0.1:9", True), ("http://localhost:9", True), ("http://0.0.0.0:9", False), (ARN_EXAMPLE, False)],
)
async def test_that_a_server_can_be_started_is_said_of_this_machines_alone(
    monkeypatch: pytest.MonkeyPatch, address: str, *, is_hinted: bool
) -> None:
    monkeypatch.setenv(ENDPOINT_VARIABLE, "http://127.0.0.1:9")
    async with MagiClient(address, timing=Timing(reach_s=0.0)) as magi:
        with pytest.raises(ServerUnreachable) as unreachable:
            await magi.cancel("d-17")
    assert ("magi serve" in unreachable.value.message) is is_hinted


async def test_a_server_that_does_not_come_back_is_given_up_with_where_to_go_on() -> None:
    until = asyncio.Event()
    impatient = Timing(first_byte_s=60, silence_s=60, back_off_s=0.001, give_up_s=0.05, reach_s=0.05)
    async with scripted_server(ScriptedModel(hanging(until))) as server:
        async with MagiClient("http://127.0.0.1:9", timing=impatient) as magi:
            with pytest.raises(ServerUnreachable) as unreachable:
                await all_of(magi.deliberate(QUESTION))
            assert not unreachable.value.may_be_begun
            with pytest.raises(ServerUnreachable):
                await magi.cancel("d-17")
        async with MagiClient(server.url, timing=impatient) as magi:
            async with Proxy(server.url, [cut_after(3)]).serving() as proxy:
                gone = MagiClient(proxy.url, timing=impatient)
                following = gone.deliberate(QUESTION)
                seen = [await anext(following) for _ in range(3)]
            async with gone:
                with pytest.raises(StreamCut) as cut:
                    await all_of(following)
            assert (cut.value.deliberation_id, cut.value.cursor) == (following.deliberation_id, 3)
            until.set()
            rest = await all_of(magi.follow(cut.value.deliberation_id, cut.value.cursor))
    assert [event.seq for event in [*seen, *rest]] == list(range(1, len(seen) + len(rest) + 1))


async def test_a_plain_script_has_the_same_verbs() -> None:
    def script(url: str) -> tuple[list[AnyEvent], FollowingSync, DeliberationState]:
        with MagiClientSync(url, timing=PATIENT) as magi:
            assert magi.ping().status == "healthy"
            assert [council.id for council in magi.councils()] == ["magi"]
            following = magi.deliberate(QUESTION)
            events = list(following)
            assert list(magi.follow(following.deliberation_id, after=5)) == events[5:]
            state = magi.get(following.deliberation_id)
            assert following.state == state
            magi.cancel(following.deliberation_id)
            magi.delete(following.deliberation_id)
            with pytest.raises(ServerRefused):
                magi.get(following.deliberation_id)
            return events, following, state

    async with (
        scripted_server(ScriptedModel()) as server,
        Proxy(server.url, [cut_after(3)]).serving() as proxy,
    ):
        events, following, state = await asyncio.to_thread(script, proxy.url)
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert isinstance(events[0], Start)
    assert state == fold(events)
    assert (following.cursor, following.transport, following.is_verified) == (len(events), "stream", True)
    assert {notice.kind for notice in following.notices} == {NoticeKind.RESUMED}


async def test_a_plain_script_can_cancel_from_within_its_loop() -> None:
    def script(url: str) -> list[AnyEvent]:
        events: list[AnyEvent] = []
        with MagiClientSync(url, timing=PATIENT) as magi:
            following = magi.deliberate(QUESTION)
            for event in following:
                events.append(event)
                if isinstance(event, Chunk):
                    following.cancel()
        return events

    async with scripted_server(ScriptedModel(hanging(asyncio.Event()))) as server:
        events = await asyncio.to_thread(script, server.url)
    assert isinstance(events[-1], Cancelled)


async def test_a_start_that_prefers_no_answer_gives_the_id_at_once() -> None:
    until = asyncio.Event()
    async with scripted_server(ScriptedModel(hanging(until))) as server:
        headers = {"prefer": "wait=5, respond-async", "idempotency-key": "k-1"}
        answer = await server.http.post("/invocations", json={"question": QUESTION}, headers=headers)
        again = await server.http.post("/invocations", json={"question": QUESTION}, headers=headers)
        assert answer.status_code == 202
        assert answer.headers["preference-applied"] == "respond-async"
        assert re.fullmatch(r"/deliberations/\w+", answer.headers["location"])
        assert answer.json() == {"deliberationId": answer.headers["location"].rpartition("/")[2]} == again.json()
        state = await server.http.get(answer.headers["location"])
        assert state.json()["status"] == "running"
