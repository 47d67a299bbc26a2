"""What those who wait are told when the server stops."""

import asyncio

import httpx2
from tests.interaction.test_http import QUESTION, hanging
from tests.support.serving import NO_BUNDLE, listening

from magisystem.application import Application, open_catalogue
from magisystem.config import read_configuration
from magisystem.deliberation import Deliberations, ModelChoice
from magisystem.http.app import create_app
from magisystem.logs import MemoryEventLog
from magisystem.testing.scripted import ScriptedModel


async def test_who_waits_for_one_document_is_told_that_the_server_stops() -> None:
    settings = read_configuration(environment={}).settings
    model = ScriptedModel(hanging(asyncio.Event()))
    async with Deliberations(MemoryEventLog(), model, ModelChoice("scripted:model")) as deliberations:
        app = create_app(Application(settings, deliberations, open_catalogue(settings)), NO_BUNDLE)
        async with listening(app) as url, httpx2.AsyncClient(base_url=url, timeout=10) as http:
            begun = await http.post("/invocations", json={**QUESTION, "detached": True})
            events = f"{begun.headers['location']}/events"
            after = 0
            while (page := (await http.get(events, params={"after": after, "wait": 0.3})).json())["events"]:
                after = page["cursor"]
            waiting = [
                asyncio.create_task(http.get(events, params={"after": after, "wait": 20})),
                asyncio.create_task(http.post("/invocations", json={**QUESTION, "stream": False})),
            ]
            while deliberations.n_running < 2:  # noqa: ASYNC110 - a start has no event of its own
                await asyncio.sleep(0)
            app.state.stopping.set()
            for answer in await asyncio.gather(*waiting):
                assert (answer.status_code, answer.json()["code"]) == (503, "server_stopping")
                assert answer.headers["retry-after"] == "2"
