"""The client behind what holds streams back: it notices, says so, and still gets every event while it is made."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.interaction.test_cli_ask import DEADLINE_S
from tests.interaction.test_client import PATIENT, QUESTION, all_of
from tests.support.nginx import nginx
from tests.support.proxies import Proxy, Treatment, gathered, kept_for_ever, kept_to_the_end
from tests.support.serving import Server, scripted_server

from magisystem.client import Following, MagiClient, NoticeKind, Timing
from magisystem.council.briefs import Brief
from magisystem.protocol.events import AnyEvent, Chunk, Complete
from magisystem.testing.scripted import ScriptedModel, Step, Wait, approval, speech

# Far above what a round trip takes anywhere, far below what a test may take.
SOON = Timing(first_byte_s=0.5, silence_s=60)
QUIET = Timing(first_byte_s=60, silence_s=1)
LAST_WORDS = "That is all I have to say. "


class Witness:
    """A model whose CASPAR says ``text`` first of all; nobody says more before the client has seen his last words."""

    def __init__(self, text: str = LAST_WORDS) -> None:
        self._text = text
        self._has_seen = asyncio.Event()
        self.model = ScriptedModel({"caspar": [self._first], "balthasar": [self._next], "melchior": [self._next]})

    def _first(self, brief: Brief) -> Sequence[Step]:
        return [*speech(self._text), Wait(self._has_seen.wait), *approval(brief)]

    def _next(self, brief: Brief) -> Sequence[Step]:
        return [Wait(self._has_seen.wait), *speech("Now I speak. "), *approval(brief)]

    async def follow(self, following: Following) -> list[AnyEvent]:
        """Give all events. Without an event before the deliberation's end, there is no end."""
        events: list[AnyEvent] = []
        async with asyncio.timeout(DEADLINE_S):
            async for event in following:
                events.append(event)
                if isinstance(event, Chunk) and event.content.endswith(LAST_WORDS):
                    self._has_seen.set()
        return events


def assert_polled(server: Server, following: Following, events: Sequence[AnyEvent], reason: str) -> None:
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert isinstance(events[-1], Complete)
    assert following.is_verified
    assert following.transport == "poll"
    assert [notice.kind for notice in following.notices] == [NoticeKind.POLLING]
    assert reason in following.notices[0].reason
    assert len(server.model.speeches) == 4


@pytest.mark.parametrize("treatment", [kept_to_the_end, kept_for_ever])
async def test_where_nothing_of_a_stream_comes_it_is_polled_for(treatment: Treatment) -> None:
    witness = Witness()
    async with (
        scripted_server(witness.model) as server,
        Proxy(server.url, [treatment]).serving() as proxy,
        MagiClient(proxy.url, timing=SOON) as magi,
    ):
        events = await witness.follow(following := magi.deliberate(QUESTION))
    assert_polled(server, following, events, "no byte")
    assert following.notices[0].cursor == 0


async def test_where_a_stream_falls_silent_without_a_keep_alive_it_is_polled_on() -> None:
    witness = Witness()
    async with (
        scripted_server(witness.model) as server,
        Proxy(server.url, [gathered(2, until=b"what is never said")]).serving() as proxy,
        MagiClient(proxy.url, timing=QUIET) as magi,
    ):
        events = await witness.follow(following := magi.deliberate(QUESTION))
    assert_polled(server, following, events, "silent")
    assert following.notices[0].cursor == 2


@pytest.mark.parametrize("late_s", [0.0, 60.0])
async def test_where_events_come_late_and_at_once_they_are_polled_for(late_s: float) -> None:
    first, second = asyncio.Event(), asyncio.Event()

    def script(brief: Brief) -> Sequence[Step]:
        return [Wait(first.wait), *speech("One. "), Wait(second.wait), *speech("Two. "), *approval(brief)]

    def hushed(brief: Brief) -> Sequence[Step]:
        return [Wait(second.wait), *speech("Three. "), *approval(brief)]

    model = ScriptedModel({"caspar": [script], "balthasar": [hushed], "melchior": [hushed]})
    async with (
        scripted_server(model) as server,
        Proxy(server.url, [gathered(1, until=b"Two. ")]).serving() as proxy,
        MagiClient(proxy.url, timing=Timing(first_byte_s=60, silence_s=60, late_s=late_s)) as magi,
        asyncio.timeout(DEADLINE_S),
    ):
        following = magi.deliberate(QUESTION)
        events = [await anext(following)]
        rest = asyncio.create_task(all_of(following))
        await tick(server)
        first.set()
        await until_said(b"One. ", server, following.deliberation_id)
        await tick(server)
        second.set()
        events += await rest
    if late_s:
        assert (following.transport, following.notices, following.is_verified) == ("stream", (), True)
    else:
        assert_polled(server, following, events, "at once")


async def until_said(words: bytes, server: Server, deliberation_id: str) -> None:
    async with server.deliberations.follow(deliberation_id, "local") as batches:
        async for batch in batches:
            if any(words in record.body for record in batch):
                return


async def tick(server: Server) -> None:
    """Wait until the clock of the timestamps has gone on."""
    seen: set[str] = set()
    while len(seen) < 3:
        seen.add((await server.http.get("/ping")).json()["timestamp"])


async def test_a_real_nginx_that_buffers_is_noticed_and_every_event_comes_while_it_is_made(tmp_path: Path) -> None:
    witness = Witness()
    async with (
        scripted_server(witness.model) as server,
        nginx(server.url, tmp_path / "nginx") as proxies,
        MagiClient(proxies.outer, timing=SOON) as magi,
    ):
        events = await witness.follow(following := magi.deliberate(QUESTION))
    assert_polled(server, following, events, "no byte")


async def test_a_real_nginx_that_passes_on_whole_buffers_only_is_noticed_too(tmp_path: Path) -> None:
    # More than nginx's 8 buffers of 4 KiB, so that it must pass something on; the last words stay in the last one.
    witness = Witness("I have a long speech to make. " * 2_000 + LAST_WORDS)
    async with (
        scripted_server(witness.model) as server,
        nginx(server.url, tmp_path / "nginx") as proxies,
        MagiClient(proxies.outer, timing=QUIET) as magi,
    ):
        events = await witness.follow(following := magi.deliberate(QUESTION))
    assert_polled(server, following, events, "silent")
    assert following.notices[0].cursor > 0


async def test_a_real_nginx_that_passes_a_stream_on_is_streamed_through(tmp_path: Path) -> None:
    witness = Witness()
    async with (
        scripted_server(witness.model) as server,
        nginx(server.url, tmp_path / "nginx") as proxies,
        MagiClient(proxies.inner, timing=PATIENT) as magi,
    ):
        events = await witness.follow(following := magi.deliberate(QUESTION))
    assert isinstance(events[-1], Complete)
    assert (following.transport, following.notices, following.is_verified) == ("stream", (), True)
