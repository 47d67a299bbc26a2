"""`magi verify`: whether a log is whole, and its end what its votes come to."""

import asyncio
import sys
from pathlib import Path

from rich.cells import cell_len
from rich.text import Text

from magisystem.cli.archive import open_archive
from magisystem.cli.boxes import EMPHASIS, SECONDARY, STYLES
from magisystem.cli.exits import DIFFERS
from magisystem.cli.plain_text import clean_line
from magisystem.cli.showing import open_console, write
from magisystem.cli.wrapping import wrap
from magisystem.council.verification import Check, verify
from magisystem.errors import RequestError
from magisystem.protocol.codec import MalformedEvent, decode
from magisystem.protocol.events import Start
from magisystem.protocol.values import Decision

STANDARD_INPUT = "-"
_MOST_CHARS = 400


class InputUnreadable(RequestError):
    """The file to be verified cannot be read."""

    code = "input_unreadable"


def run_verify(name: str, url: str | None) -> int:
    """Check a deliberation, or an exported log (a file, or ``-``), and give 0 only where every check holds.

    Raises:
        InputUnreadable: the file cannot be read.
        MagiError: the deliberation cannot be read.
    """
    if _is_file(name):
        bodies = _lines(_content(name))
        checks = verify(bodies)
    else:
        deliberation_id, bodies = asyncio.run(_read(name, url))
        checks = [_identity(deliberation_id, bodies), *verify(bodies)]
    console = open_console()
    if console.is_terminal:
        console.print(Text("\n").join(_drawn(checks, console.width)), soft_wrap=True)
    else:
        write("".join(_report(checks)))
    return 0 if all(check.holds for check in checks) else DIFFERS


def _is_file(name: str) -> bool:
    return name == STANDARD_INPUT or "/" in name or name.endswith(".jsonl") or Path(name).is_file()


def _content(name: str) -> bytes:
    if name == STANDARD_INPUT:
        return sys.stdin.buffer.read()
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise InputUnreadable(f"{name} cannot be read: {error.strerror}.") from error


def _lines(content: bytes) -> list[bytes]:
    lines = content.split(b"\n")
    return lines[:-1] if not lines[-1] else lines


async def _read(name: str, url: str | None) -> tuple[str, list[bytes]]:
    async with open_archive(url) as archive:
        deliberation_id = await archive.find(name)
        return deliberation_id, [received.body for received in await archive.read(deliberation_id)]


def _identity(deliberation_id: str, bodies: list[bytes]) -> Check:
    try:
        first = decode(bodies[0]) if bodies else None
    except MalformedEvent:
        first = None
    stated = first.deliberation_id if isinstance(first, Start) else None
    if stated == deliberation_id:
        return Check("id", holds=True, details=deliberation_id)
    return Check("id", holds=False, details=f"asked for {deliberation_id}, the log is of {stated or 'none'}")


def _report(checks: list[Check]) -> list[str]:
    width = max(cell_len(check.name) for check in checks)
    lines = [f"{_word(check):<7}  {check.name:<{width}}  {_cut(clean_line(check.details))}\n" for check in checks]
    return [*lines, f"\n{_conclusion(checks)}\n"]


def _drawn(checks: list[Check], width: int) -> list[Text]:
    """Give the report for a terminal, the further lines of a check under its first."""
    widest = max(cell_len(check.name) for check in checks)
    lines: list[Text] = []
    for check in checks:
        mark, style = ("✓", STYLES[Decision.APPROVED]) if check.holds else ("✗", STYLES[Decision.REJECTED])
        lead = f"{mark} {_word(check):<7}  "
        indent = " " * (cell_len(lead) + widest + 2)
        first, *further = wrap(_cut(clean_line(check.details)), width - len(indent)) or [""]
        lines.append(Text.assemble((lead, style), f"{check.name:<{widest}}  ", (first, SECONDARY)))
        lines += [Text(f"{indent}{line}", SECONDARY) for line in further]
    return [*lines, Text(), Text(_conclusion(checks), EMPHASIS)]


def _word(check: Check) -> str:
    return "ok" if check.holds else "differs"


def _conclusion(checks: list[Check]) -> str:
    n_failed = sum(not check.holds for check in checks)
    if n_failed:
        return f"Not verified: {n_failed} of {len(checks)} checks differ."
    return f"Verified: {len(checks)} checks hold."


def _cut(details: str) -> str:
    return details if len(details) <= _MOST_CHARS else f"{details[:_MOST_CHARS]} …"
