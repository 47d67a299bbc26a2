"""What a long text costs the server in memory while it streams."""

import tracemalloc
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from magisystem.council.briefs import Brief, Matter
from magisystem.deliberation import Deliberations, ModelChoice, Proposal
from magisystem.deliberation.ports import MODEL_CALL, Noted, Said, Utterance
from magisystem.logs.sqlite import SqliteEventLog
from magisystem.testing.scripted import ScriptedModel, agreeable

TEXT_BYTES = 512 * 1024
TOKEN = "word "


class Talker(ScriptedModel):
    """CASPAR says `TEXT_BYTES` of text, a token at a time; the others are brief."""

    @asynccontextmanager
    async def speak(self, brief: Brief, *, max_calls: int) -> AsyncGenerator[AsyncIterator[Utterance]]:
        if brief.agent.id == "caspar":
            yield self._tokens()
        else:
            async with ScriptedModel({brief.agent.id: [agreeable]}).speak(brief, max_calls=max_calls) as utterances:
                yield utterances

    async def _tokens(self) -> AsyncIterator[Utterance]:
        yield Noted(MODEL_CALL, "scripted")
        for _ in range(TEXT_BYTES // len(TOKEN)):
            # A fresh string each time, as a wire gives it.
            yield Said("".join(TOKEN))


async def test_a_long_text_costs_a_few_copies_of_it_and_not_one_object_a_token(tmp_path: Path) -> None:
    async with (
        SqliteEventLog.open(tmp_path) as log,
        Deliberations(log, Talker(), ModelChoice("scripted:model")) as deliberations,
    ):
        warm = await deliberations.start(Proposal(Matter("Shall we?"), changes={}), "warm")
        await deliberations.outcome(warm, "warm")
        tracemalloc.start()
        try:
            deliberation_id = await deliberations.start(Proposal(Matter("Should we?")), "owner")
            # Followed as a person would, without keeping what was seen.
            async with deliberations.follow(deliberation_id, "owner") as batches:
                async for _ in batches:
                    pass
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        state = await deliberations.state(deliberation_id, "owner")
    assert sum(len(lane.text) for lane in state.lanes) >= TEXT_BYTES - len(TOKEN)
    # What the lane keeps, the log's tail, and the copies that the judge's brief is made through.
    assert peak < 20 * TEXT_BYTES
