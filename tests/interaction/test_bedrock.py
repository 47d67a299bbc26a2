"""A deliberation over Bedrock's own wire, and what the person sees of every way it can fail."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.support.aws import SECRETS, lead_aws_to, leave_aws_bare
from tests.support.bedrock import Break, ExceptionFrame, How, Refusal, Reply, StandInBedrock, ToolCall
from tests.support.serving import events_of, real_server

from magisystem.protocol.events import (
    AgentStart,
    AnyEvent,
    Chunk,
    Complete,
    Start,
    Thinking,
    Traced,
    VerdictGiven,
    VoteCast,
)
from magisystem.protocol.fold import LaneState, fold
from magisystem.protocol.values import LaneStatus, Outcome
from magisystem.testing.models import SPOILT_VOTE, VOTE

QUESTION = "社内の決済システムをマイクロサービスへ移行すべきか？"
SPOKEN = "前半の文です。そして後半の文です。"
VOTES = Reply(SPOKEN, call=ToolCall("cast_vote", VOTE))


@dataclass(frozen=True)
class Table:
    """A server, and the stand-in its models are on; CASPAR's is ``caspar``, everybody else's ``the-rest``."""

    http: httpx2.AsyncClient
    bedrock: StandInBedrock

    async def deliberated(self, **options: Any) -> list[AnyEvent]:
        body = {"question": QUESTION, "agents": {"caspar": {"model": "bedrock:caspar"}}, **options}
        answer = await self.http.post("/invocations", json=body)
        assert answer.status_code == 200, answer.text
        assert not any(secret in answer.text for secret in SECRETS)
        events = events_of(answer.content)
        assert [event.seq for event in events] == list(range(1, len(events) + 1))
        return events


@pytest.fixture
def silence_s() -> float:
    """How long the models may be silent. Long, so that a busy machine is not taken for a silent model."""
    return 30.0


@pytest.fixture
async def table(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, silence_s: float) -> AsyncGenerator[Table]:
    leave_aws_bare(monkeypatch, tmp_path)
    async with StandInBedrock() as bedrock:
        lead_aws_to(bedrock, monkeypatch)
        async with real_server(model="bedrock:the-rest", silence_s=silence_s) as http:
            yield Table(http, bedrock)


def caspar(events: Sequence[AnyEvent]) -> LaneState:
    return next(lane for lane in fold(events).lanes if lane.agent_id == "caspar")


def end(events: Sequence[AnyEvent]) -> Complete:
    assert isinstance(events[-1], Complete)
    return events[-1]


def attempts(events: Sequence[AnyEvent]) -> list[int]:
    return [event.attempt for event in events if isinstance(event, AgentStart) and event.agent_id == "caspar"]


def actions(events: Sequence[AnyEvent]) -> set[str]:
    return {event.trace.action for event in events if isinstance(event, Traced) and event.agent_id == "caspar"}


async def test_a_question_goes_over_the_wire_to_three_votes_and_a_verdict(table: Table) -> None:
    events = await table.deliberated()
    assert isinstance(events[0], Start)
    assert sum(isinstance(event, VoteCast) for event in events) == 3
    (verdict,) = [event for event in events if isinstance(event, VerdictGiven)]
    assert len(verdict.scores) == 3
    assert end(events).outcome is Outcome.DECIDED
    assert end(events).usage.output_tokens > 0
    assert len(table.bedrock.calls) == 4


async def test_the_three_lanes_stream_at_the_same_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    leave_aws_bare(monkeypatch, tmp_path)
    async with StandInBedrock(tokens_per_s=200) as bedrock:
        lead_aws_to(bedrock, monkeypatch)
        async with real_server(model="bedrock:a.model") as http:
            answer = await http.post("/invocations", json={"question": QUESTION})
    lanes = [event.agent_id for event in events_of(answer.content) if isinstance(event, Chunk)]
    sages = [agent_id for agent_id in lanes if agent_id != "solomon"]
    n_changes = sum(before != after for before, after in pairwise(sages))
    assert n_changes > 10


async def test_the_judge_is_sent_the_statements_without_the_sages_names(table: Table) -> None:
    table.bedrock.script("caspar", Reply("CASPAR said so. " + SPOKEN, call=ToolCall("cast_vote", VOTE)))
    await table.deliberated()
    prompt = str(table.bedrock.calls[-1].body["messages"])
    assert SPOKEN in prompt
    assert not any(name in prompt.lower() for name in ("caspar", "balthasar", "melchior"))


Fault = Refusal | ExceptionFrame | Break

# What each fault comes to when it happens once, and when it happens always.
TRANSIENT: dict[str, tuple[Fault, str]] = {
    "an exception frame": (ExceptionFrame("modelStreamErrorException"), "model_overloaded"),
    "an internal error in the stream": (ExceptionFrame("internalServerException"), "model_overloaded"),
    "half a frame": (Break(How.HALF_FRAME), "model_frame_cut"),
    "a bad checksum": (Break(How.BAD_CHECKSUM), "model_frame_corrupt"),
    "a clean end without messageStop": (Break(How.CLEAN_END), "model_stream_cut"),
    "a cut socket": (Break(How.CUT), "model_stream_cut"),
    "silence": (Break(How.SILENCE), "model_silent"),
    "a service that is down": (Refusal(503), "model_overloaded"),
}
LASTING: dict[str, tuple[Fault, str]] = {
    "no access": (Refusal(403), "model_denied"),
    "no such model": (Refusal(404), "model_not_found"),
    "a request that is refused": (Refusal(400), "model_rejected"),
    "a validation error in the stream": (ExceptionFrame("validationException"), "model_rejected"),
}


def rows(faults: Mapping[str, tuple[Fault, str]]) -> list[tuple[Fault, str, float]]:
    return [(fault, code, 2.0 if fault == Break(How.SILENCE) else 30.0) for fault, code in faults.values()]


@pytest.mark.parametrize(("fault", "code", "silence_s"), rows(TRANSIENT), ids=TRANSIENT)
async def test_a_passing_fault_is_mended_by_a_second_attempt_and_its_text_is_gone(
    table: Table, fault: Fault, code: str
) -> None:
    table.bedrock.script("caspar", Reply(SPOKEN, fault=fault), VOTES)
    events = await table.deliberated()
    assert attempts(events) == [1, 2]
    assert caspar(events).text == SPOKEN
    assert caspar(events).status is LaneStatus.VOTED
    assert end(events).outcome is Outcome.DECIDED
    retries = [event.trace.details for event in events if isinstance(event, Traced) and event.trace.action == "retry"]
    assert len(retries) == 1
    assert retries[0].startswith(code)


@pytest.mark.parametrize(("fault", "code", "silence_s"), rows(TRANSIENT | LASTING), ids=TRANSIENT | LASTING)
async def test_a_lasting_fault_fails_one_lane_with_its_code_and_the_others_decide(
    table: Table, fault: Fault, code: str
) -> None:
    table.bedrock.script("caspar", Reply(SPOKEN, fault=fault))
    events = await table.deliberated()
    assert (caspar(events).status, caspar(events).cause) == (LaneStatus.FAILED, code)
    assert caspar(events).decision is None
    assert end(events).outcome is Outcome.DECIDED_DEGRADED
    assert [(item.agent_id, item.cause) for item in end(events).authority.missing] == [("caspar", code)]
    n_calls = sum(call.model_id == "caspar" for call in table.bedrock.calls)
    assert n_calls == (1 if fault in [lasting for lasting, _ in LASTING.values()] else 2)


@pytest.mark.parametrize("fault", [Refusal(429), ExceptionFrame("throttlingException")], ids=["before", "within"])
async def test_throttling_is_waited_out_and_shown(table: Table, fault: Fault) -> None:
    table.bedrock.script("caspar", Reply(SPOKEN, fault=fault), VOTES)
    events = await table.deliberated()
    assert "throttle_wait" in actions(events)
    assert caspar(events).text == SPOKEN
    assert end(events).outcome is Outcome.DECIDED


async def test_throttling_that_does_not_end_fails_the_lane_by_its_deadline(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    leave_aws_bare(monkeypatch, tmp_path)
    async with StandInBedrock() as bedrock:
        lead_aws_to(bedrock, monkeypatch)
        bedrock.script("caspar", Reply(fault=Refusal(429)))
        async with real_server(model="bedrock:the-rest", sage_s=4) as http:
            events = await Table(http, bedrock).deliberated()
    assert caspar(events).cause == "model_throttled"
    assert end(events).outcome is Outcome.DECIDED_DEGRADED


@pytest.mark.parametrize(
    "spoilt",
    [SPOILT_VOTE, {}, {"decision": "MAYBE"}, '{"decision": "APPR', "no json at all", [1, 2], None],
    ids=["out of range", "empty", "unknown decision", "cut json", "text", "list", "null"],
)
async def test_an_invalid_vote_is_mended_once_and_is_never_guessed(table: Table, spoilt: Any) -> None:
    mended = Reply(call=ToolCall("cast_vote", VOTE))
    table.bedrock.script("caspar", Reply(SPOKEN, call=ToolCall("cast_vote", spoilt)), mended)
    events = await table.deliberated()
    assert (caspar(events).text, caspar(events).status) == (SPOKEN, LaneStatus.VOTED)
    assert caspar(events).reasoning == VOTE["reasoning"]
    assert "ballot_spoilt" in actions(events)

    table.bedrock.script("caspar", Reply(SPOKEN, call=ToolCall("cast_vote", spoilt)))
    before = len(table.bedrock.calls)
    events = await table.deliberated()
    assert (caspar(events).status, caspar(events).cause) == (LaneStatus.ABSTAINED, "vote_unreadable")
    assert end(events).outcome is Outcome.DECIDED_DEGRADED
    assert sum(call.model_id == "caspar" for call in table.bedrock.calls[before:]) == 2


async def test_a_model_that_never_calls_the_tool_is_asked_once_and_then_abstains(table: Table) -> None:
    table.bedrock.script("caspar", Reply(SPOKEN))
    events = await table.deliberated()
    assert (caspar(events).status, caspar(events).cause) == (LaneStatus.ABSTAINED, "vote_missing")
    assert sum(call.model_id == "caspar" for call in table.bedrock.calls) == 2


async def test_a_vote_in_a_fenced_block_is_read(table: Table) -> None:
    block = '```json\n{"decision": "REJECTED", "confidence": 0.7, "reasoning": "No."}\n```'
    table.bedrock.script("caspar", Reply(f"{SPOKEN}\n{block}"), Reply("I have voted."))
    events = await table.deliberated()
    assert (caspar(events).decision, caspar(events).reasoning) == ("REJECTED", "No.")


async def test_an_answer_cut_by_its_output_limit_is_asked_for_its_vote(table: Table) -> None:
    table.bedrock.script("caspar", Reply(SPOKEN, stop_reason="max_tokens"), Reply(call=ToolCall("cast_vote", VOTE)))
    events = await table.deliberated()
    assert caspar(events).status is LaneStatus.VOTED
    assert "output_limit" in actions(events)


async def test_an_answer_withheld_by_a_guardrail_fails_with_its_own_code(table: Table) -> None:
    table.bedrock.script("caspar", Reply(SPOKEN, stop_reason="guardrail_intervened"))
    events = await table.deliberated()
    assert caspar(events).cause == "model_withheld"


async def test_thinking_is_streamed_apart(table: Table) -> None:
    table.bedrock.script("caspar", Reply(SPOKEN, thinking="ふむ。", call=ToolCall("cast_vote", VOTE)))
    events = await table.deliberated()
    assert "".join(event.content for event in events if isinstance(event, Thinking)) == "ふむ。"
    assert caspar(events).text == SPOKEN


async def test_without_the_judge_the_majority_decides(table: Table) -> None:
    table.bedrock.script("judge", Reply(fault=Refusal(403)))
    agents = {"solomon": {"model": "bedrock:judge"}}
    events = await table.deliberated(agents=agents)
    assert end(events).outcome is Outcome.DECIDED_DEGRADED
    assert end(events).authority.judge == "none"
    assert end(events).decision == "APPROVED"


async def test_sampling_is_sent_only_where_the_model_takes_it(table: Table) -> None:
    wished = {"temperature": 0.2, "maxTokens": 500}
    agents = {
        "caspar": {"model": "bedrock:global.anthropic.claude-sonnet-5", **wished},
        "melchior": {"model": "bedrock:us.amazon.nova-pro-v1:0", **wished},
    }
    events = await table.deliberated(agents=agents)
    sent = {call.model_id: call.body["inferenceConfig"] for call in table.bedrock.calls}
    assert sent["global.anthropic.claude-sonnet-5"] == {"maxTokens": 500}
    assert sent["us.amazon.nova-pro-v1:0"] == {"maxTokens": 500, "temperature": 0.2}
    assert "sampling_dropped" in actions(events)


async def test_twenty_deliberations_at_once_all_have_their_streams_open_together(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    leave_aws_bare(monkeypatch, tmp_path)
    async with StandInBedrock() as bedrock:
        lead_aws_to(bedrock, monkeypatch)
        bedrock.script("a.model", Reply(SPOKEN, fault=Break(How.SILENCE)))
        async with real_server(model="bedrock:a.model") as http:
            # Begun one after the other: of many at once, some are refused where libraries are slow to load.
            for _ in range(20):
                (await http.post("/invocations", json={"question": QUESTION, "detached": True})).raise_for_status()
            await bedrock.called(60)
            assert bedrock.n_open == 60


async def test_without_credentials_nothing_is_streamed_and_the_mend_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    leave_aws_bare(monkeypatch, tmp_path)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    async with real_server(model="bedrock:a.model") as http:
        answer = await http.post("/invocations", json={"question": QUESTION})
    assert (answer.status_code, answer.json()["code"]) == (400, "model_unavailable")
    assert answer.json()["field"] == "agents.caspar.model"
    assert "AWS_" in answer.json()["detail"]
