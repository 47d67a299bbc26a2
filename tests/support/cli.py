"""`magi` as a process, and deliberations for it to show."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from magisystem.client import Received
from magisystem.council.briefs import Brief, Matter
from magisystem.council.presets import MAGI
from magisystem.deliberation import Deliberations, Limits, ModelChoice, Proposal
from magisystem.deliberation.ports import EventLog
from magisystem.errors import ModelDenied, ModelStreamCut
from magisystem.logs import MemoryEventLog, SqliteEventLog
from magisystem.protocol.codec import decode
from magisystem.protocol.events import Start
from magisystem.protocol.values import Decision, Mode, Rule
from magisystem.testing.scripted import Script, ScriptedModel, Step, approval, speech

COMMAND = (sys.executable, "-c", "from magisystem.cli import main; main()")
DEADLINE_S = 40.0
OWNER = "local"
OF_DECISION = {"APPROVED": 0, "REJECTED": 10, None: 20}


def environment(**given: str) -> dict[str, str]:
    """Give this process's environment without what sets the system, and with what is ``given``."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name == "MAGI_DATA_DIR"
        or (not name.startswith(("MAGI_", "OPENAI_", "ANTHROPIC_", "AWS_")) and name not in {"NO_COLOR", "FORCE_COLOR"})
    }
    return {**kept, "MAGI_EMBEDDED_TOKENS_PER_S": "0", "PYTHONUTF8": "1", **given}


@asynccontextmanager
async def running(*arguments: str, **settings: str) -> AsyncGenerator[Process]:
    process = await asyncio.create_subprocess_exec(
        *COMMAND, *arguments, stdin=PIPE, stdout=PIPE, stderr=PIPE, env=environment(**settings)
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def magi(*arguments: str, stdin: bytes = b"", **settings: str) -> tuple[int, str, str]:
    """Run `magi` and give its exit code, its output and its errors."""
    async with running(*arguments, **settings) as process, asyncio.timeout(DEADLINE_S):
        out, err = await process.communicate(stdin)
        assert process.returncode is not None
        return process.returncode, out.decode(), err.decode()


async def heard(
    scripts: Mapping[str, Sequence[Script]],
    question: str = "Should we?",
    mode: Mode = Mode.DELIBERATE,
    rule: Rule = Rule.JUDGE,
    limits: Limits | None = None,
) -> list[Received]:
    """Give the whole log of a deliberation by scripted agents."""
    async with deliberating(MemoryEventLog(), scripts, limits) as deliberations:
        return await deliberated(deliberations, question, mode, rule)


@asynccontextmanager
async def deliberating(
    log: EventLog, scripts: Mapping[str, Sequence[Script]], limits: Limits | None = None
) -> AsyncGenerator[Deliberations]:
    """Open deliberations by scripted agents."""
    model = ScriptedModel(scripts)
    async with Deliberations(log, model, ModelChoice("scripted:model"), limits=limits) as deliberations:
        yield deliberations


async def deliberated(
    deliberations: Deliberations, question: str, mode: Mode = Mode.DELIBERATE, rule: Rule = Rule.JUDGE
) -> list[Received]:
    """Deliberate on a question to its end and give the log."""
    proposal = Proposal(Matter(question), mode, replace(MAGI, rule=rule))
    deliberation_id = await deliberations.start(proposal, OWNER)
    async with deliberations.follow(deliberation_id, OWNER) as batches:
        return [Received(decode(record.body), record.body) async for batch in batches for record in batch]


async def recorded(
    folder: Path, scripts: Mapping[str, Sequence[Script]] | None = None, question: str = "Should we?"
) -> str:
    """Put a finished deliberation into the log of a folder and give its id."""
    async with SqliteEventLog.open(folder) as log, deliberating(log, scripts or {}) as deliberations:
        return id_of(await deliberated(deliberations, question))


def id_of(log: Sequence[Received]) -> str:
    """Give the id of the deliberation whose log it is."""
    start = log[0].event
    assert isinstance(start, Start)
    return start.deliberation_id


def says(text: str, decision: Decision = Decision.APPROVED, confidence: float = 0.8) -> list[Script]:
    def script(brief: Brief) -> Sequence[Step]:
        return [*speech(text), *approval(brief, decision, confidence)]

    return [script]


def fails(_: Brief) -> Sequence[Step]:
    return [*speech("I was about to "), ModelDenied("no access")]


def breaks(_: Brief) -> Sequence[Step]:
    return [*speech("Void words. "), ModelStreamCut("the line went dead")]
