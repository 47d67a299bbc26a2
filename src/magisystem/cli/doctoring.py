"""`magi doctor`: whether a path streams, or whether this machine is ready; and what to change."""

import asyncio
import sys
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress

from rich.console import Console

from magisystem.cli.exits import APPROVED, FAILED, INTERRUPTED, WITH_REMARKS
from magisystem.cli.plain_text import clean_line
from magisystem.cli.report import drawn, machine_form, plain
from magisystem.cli.showing import done_unless_interrupted, open_console, write
from magisystem.client.credentials import checked_token
from magisystem.config import read_token
from magisystem.doctor import Diagnosis, Grade, Target, Wanted, diagnose, diagnose_refusal, examine
from magisystem.doctor.measurements import Refusal

_TICK_S = 0.2


def run_doctor_of_path(url: str, wanted: Wanted, *, is_json: bool) -> int:
    """Examine the path to a server, show what was found, and give the exit code.

    Raises:
        AddressInvalid: ``url`` is no address of a server.
        TokenInvalid: what MAGI_TOKEN holds is no token.
    """
    target = Target.of(url)
    token = checked_token(read_token())
    found: list[Diagnosis] = []

    async def work() -> None:
        measured = await examine(target, token, wanted)
        if isinstance(measured, Refusal):
            found.append(diagnose_refusal(measured, target, has_token=token is not None))
        else:
            found.append(diagnose(measured))

    waiting = f"Examining {clean_line(target.shown)}"
    if not asyncio.run(_waited_for(work, waiting, wanted.seconds)):
        return INTERRUPTED
    _show(found[0], "path", target.shown, is_json=is_json)
    return _exit_code(found[0], needs_transport=True)


def run_doctor_of_machine(*, are_models_called: bool, is_json: bool) -> int:
    """Examine this machine's configuration, show what was found, and give the exit code."""
    from magisystem.doctor.machine import examine_machine

    found: list[Diagnosis] = []

    async def work() -> None:
        found.append(await examine_machine(are_models_called=are_models_called))

    if not asyncio.run(_waited_for(work, "Examining this machine", None)):
        return INTERRUPTED
    _show(found[0], "machine", "this machine", is_json=is_json)
    return _exit_code(found[0], needs_transport=False)


async def _waited_for(work: Callable[[], Coroutine[object, object, None]], waiting: str, seconds: float | None) -> bool:
    """Do ``work``, on a terminal with a line that says how long it takes; tell whether it was done."""
    ticking = asyncio.create_task(_tick(Console(stderr=True, markup=False, highlight=False), waiting, seconds))
    try:
        return await done_unless_interrupted(work())
    finally:
        ticking.cancel()
        with suppress(asyncio.CancelledError):
            await ticking


async def _tick(console: Console, waiting: str, seconds: float | None) -> None:
    if not console.is_terminal or console.is_dumb_terminal:
        return
    began_s = time.monotonic()
    room = max(console.width - 20, 10)
    try:
        while True:
            passed_s = time.monotonic() - began_s
            of = f" of about {seconds:g}" if seconds else ""
            sys.stderr.write(f"\r\x1b[K{waiting[:room]}: {passed_s:.0f}{of} s")
            sys.stderr.flush()
            await asyncio.sleep(_TICK_S)
    finally:
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()


def _show(found: Diagnosis, kind: str, subject: str, *, is_json: bool) -> None:
    if is_json:
        write(machine_form(found, kind, subject))
        return
    console = open_console()
    if console.is_terminal:
        for line in drawn(found, subject, console.width):
            console.print(line, soft_wrap=True)
    else:
        write(plain(found, subject))


def _exit_code(found: Diagnosis, *, needs_transport: bool) -> int:
    if needs_transport:
        if found.transport is None:
            return FAILED
        return APPROVED if found.worst in {Grade.WELL, Grade.NOTE} else WITH_REMARKS
    return {Grade.PROBLEM: FAILED, Grade.REMARK: WITH_REMARKS}.get(found.worst, APPROVED)
