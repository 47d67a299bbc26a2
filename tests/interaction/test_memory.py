"""What a long text costs the server in memory while it streams."""

import asyncio
import tracemalloc
from pathlib import Path

from magisystem.council.briefs import Brief, Matter
from magisystem.deliberation import Deliberations, ModelChoice, Proposal
from magisystem.deliberation.ports import MODEL_CALL, Hearer, Noted, Query, Said
from magisystem.logs.sqlite import SqliteEventLog
from magisystem.testing.scripted import ScriptedModel, agreeable

TEXT_BYTES = 1024 * 1024
TOKEN = "another "
TOKENS_A_READ = 100
LONG = "Should we say much?"


class Talker(ScriptedModel):
    """Asked `LONG`, CASPAR says `TEXT_BYTES` of text, a token at a time; for the rest everybody is brief."""

    async def speak(self, brief: Brief, hearer: Hearer, *, max_calls: int) -> None:
        if brief.agent.id != "caspar" or brief.matter.question != LONG:
            await ScriptedModel({brief.agent.id: [agreeable]}).speak(brief, hearer, max_calls=max_calls)
            return
        await hearer.hear(Noted(MODEL_CALL, "scripted"))
        for n in range(TEXT_BYTES // len(TOKEN)):
            if n % TOKENS_A_READ == 0:
                await asyncio.sleep(0)
            # A fresh string each time, as a wire gives it.
            await hearer.hear(Said("".join(TOKEN)))


async def watched(deliberations: Deliberations, question: str) -> str:
    """Follow a deliberation as a person would, without keeping what was seen, until it is recorded, too."""
    deliberation_id = await deliberations.start(Proposal(Matter(question)), "owner")
    async with deliberations.follow(deliberation_id, "owner") as batches:
        async for _ in batches:
            pass
    await deliberations.history.search("owner", Query())
    return deliberation_id


async def test_a_long_text_costs_a_few_copies_of_it_and_not_one_object_a_token(tmp_path: Path) -> None:
    async with (
        SqliteEventLog.open(tmp_path) as log,
        Deliberations(log, Talker(), ModelChoice("scripted:model")) as deliberations,
    ):
        await watched(deliberations, "Should we say little?")
        tracemalloc.start()
        try:
            deliberation_id = await watched(deliberations, LONG)
            left, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        state = await deliberations.state(deliberation_id, "owner")
    assert sum(len(lane.text) for lane in state.lanes) >= TEXT_BYTES - len(TOKEN)
    # Most is needed while the judge's brief is made: the statement, its JSON as it grows, and the JSON as text.
    assert peak < 4.5 * TEXT_BYTES
    # The log's tail, at most.
    assert left < TEXT_BYTES / 2
