"""Cancelling over the wire: only the one stops, its model streams are closed upstream, and it costs nobody else."""

import asyncio
from pathlib import Path

import httpx2
import pytest
from tests.support.aws import lead_aws_to, leave_aws_bare
from tests.support.bedrock import Break, How, Reply, StandInBedrock
from tests.support.serving import events_of, real_server

from magisystem.protocol.events import AnyEvent, Cancelled
from magisystem.protocol.fold import fold

SPOKEN = "A first sentence. And a second one that never ends"
QUESTION = {"question": "Should we move the billing service to Rust?"}


async def started(http: httpx2.AsyncClient, bedrock: StandInBedrock, model: str) -> str:
    """Start a deliberation whose sages are all on ``model`` and speak for ever; give its id."""
    bedrock.script(model, Reply(SPOKEN, fault=Break(How.SILENCE, after=5)))
    agents = {agent_id: {"model": f"bedrock:{model}"} for agent_id in ("caspar", "balthasar", "melchior")}
    async with http.stream("POST", "/invocations", json={**QUESTION, "agents": agents}) as answer:
        return answer.headers["x-magi-deliberation-id"]


async def test_of_twenty_in_flight_only_the_cancelled_one_is_closed_upstream(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    leave_aws_bare(monkeypatch, tmp_path)
    async with StandInBedrock() as bedrock, asyncio.timeout(50):
        lead_aws_to(bedrock, monkeypatch)
        async with real_server(model="bedrock:a.model") as http:
            # One after the other: of many at once, some are refused where the machine is slow to load the libraries.
            ids = [await started(http, bedrock, f"model-{n}") for n in range(20)]
            await bedrock.called(60)
            answer = await http.post(f"/deliberations/{ids[7]}/cancel")
            ours = [call for call in bedrock.calls if call.model_id == "model-7"]
            others = [call for call in bedrock.calls if call.model_id != "model-7"]
            assert [await call.over() for call in ours] == [True] * 3
            assert all(call.ended_at is None for call in others)
            state = answer.json()
            assert state["status"] == "cancelled"
            receipt = {line["agentId"]: line for line in state["cancelled"]["receipt"]["agents"]}
            assert set(receipt) == {"caspar", "balthasar", "melchior"}
            assert all(line["upstreamClosed"] and line["estimated"] for line in receipt.values())
            assert all(line["outputTokens"] > 0 for line in receipt.values())
            events: list[AnyEvent] = events_of((await http.get(f"/deliberations/{ids[7]}/events")).content)
            assert isinstance(events[-1], Cancelled)
            assert all(SPOKEN.startswith(lane.text) and lane.text for lane in fold(events).lanes[:3])
            still = await http.get(f"/deliberations/{ids[8]}")
            assert still.json()["status"] == "running"
            assert bedrock.n_open == 57


async def test_cancelling_before_the_first_token_closes_the_streams_too(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    leave_aws_bare(monkeypatch, tmp_path)
    async with StandInBedrock(first_token_s=60) as bedrock, asyncio.timeout(50):
        lead_aws_to(bedrock, monkeypatch)
        async with real_server(model="bedrock:a.model") as http:
            async with http.stream("POST", "/invocations", json=QUESTION) as answer:
                deliberation_id = answer.headers["x-magi-deliberation-id"]
            await bedrock.called(3)
            state = (await http.post(f"/deliberations/{deliberation_id}/cancel")).json()
            assert [await call.over() for call in bedrock.calls] == [True] * 3
            assert [line["outputTokens"] for line in state["cancelled"]["receipt"]["agents"]] == [0, 0, 0]
