"""Every model adapter keeps the contract of its port, over its provider's own wire."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from tests.support.aws import lead_aws_to, leave_aws_bare
from tests.support.bedrock import Break, ExceptionFrame, How, Refusal, Reply, StandInBedrock, ToolCall

from magisystem.application import open_catalogue
from magisystem.config import read_configuration
from magisystem.testing.models import (
    SPOILT_VOTE,
    TEXT,
    VOTE,
    Behaviour,
    ModelContract,
    ModelThat,
    Prepared,
)

VOTES = Reply(TEXT, call=ToolCall("cast_vote", VOTE))
SPOILS = Reply(TEXT, call=ToolCall("cast_vote", SPOILT_VOTE))
BEDROCK: dict[Behaviour, list[Reply]] = {
    Behaviour.VOTE: [VOTES],
    Behaviour.SPOIL_THEN_VOTE: [SPOILS, Reply(call=ToolCall("cast_vote", VOTE))],
    Behaviour.SPOIL_ALWAYS: [SPOILS],
    Behaviour.NEVER_VOTE: [Reply(TEXT)],
    Behaviour.BREAK_MIDWAY: [Reply(TEXT, fault=Break(How.CUT, after=2))],
    Behaviour.END_UNFINISHED: [Reply(TEXT, fault=Break(How.CLEAN_END, after=2))],
    Behaviour.THROTTLE_THEN_VOTE: [Reply(fault=Refusal(429)), VOTES],
    Behaviour.THROTTLE_MIDWAY: [Reply(TEXT, fault=ExceptionFrame("throttlingException", after=2))],
    Behaviour.DENY: [Reply(fault=Refusal(403))],
    Behaviour.HANG: [Reply(TEXT, fault=Break(How.SILENCE, after=2))],
}


class TestBedrock(ModelContract):
    @pytest.fixture
    async def model_that(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncGenerator[ModelThat]:
        catalogue = open_catalogue(read_configuration(environment={}).settings)
        async with StandInBedrock() as bedrock:
            leave_aws_bare(monkeypatch, tmp_path)
            lead_aws_to(bedrock, monkeypatch)

            async def prepare(behaviour: Behaviour) -> Prepared:
                bedrock.script("a.model", *BEDROCK[behaviour])

                async def closed() -> bool:
                    return await bedrock.calls[-1].over()

                return Prepared(await catalogue.find("bedrock:a.model", field="model"), closed)

            yield prepare
            await catalogue.aclose()
