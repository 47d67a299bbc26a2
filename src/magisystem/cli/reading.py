"""`magi show` and `magi export`: a deliberation as a page, as its folded state, or as the very log."""

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from pathlib import Path

from magisystem.cli.archive import Archive, open_archive
from magisystem.cli.clock import EventClock
from magisystem.cli.document import document
from magisystem.cli.pages import draw
from magisystem.cli.scene import Stage
from magisystem.cli.showing import open_console, write_bytes
from magisystem.cli.words import words_for
from magisystem.client import Received, ServerRefused
from magisystem.deliberation.ports import Query
from magisystem.errors import RecordsError, RequestError
from magisystem.protocol.codec import encode_value
from magisystem.protocol.fold import fold


class Format(StrEnum):
    """What can be exported: a page for people, the folded state, or the events byte for byte."""

    MD = "md"
    JSON = "json"
    JSONL = "jsonl"


class OutputExists(RequestError):
    """The file to be written exists, and it was not said that it may be replaced."""

    code = "output_exists"


class OutputUnwritable(RequestError):
    """The file cannot be written there."""

    code = "output_unwritable"


def run_show(name: str, url: str | None) -> int:
    """Show a deliberation as a page: drawn on a terminal, as Markdown anywhere else.

    Raises:
        MagiError: it cannot be read.
    """
    received, title = asyncio.run(_read(name, url))
    console = open_console()
    if console.is_terminal:
        draw(markdown(received, title), console)
    else:
        write_bytes(exported(received, title, Format.MD))
    return 0


def run_export(name: str, url: str | None, kind: Format, output: Path | None, *, may_replace: bool) -> int:
    """Write a deliberation to a file, or to standard output.

    Raises:
        OutputExists: the file exists and may not be replaced; nothing was read or written.
        OutputUnwritable: the file cannot be written.
        MagiError: the deliberation cannot be read.
    """
    if output is not None and output.exists() and not may_replace:
        raise OutputExists(f"{output} exists. Choose another file, or replace it with --force.", field="--output")
    content = exported(*asyncio.run(_read(name, url)), kind)
    if output is not None:
        _save(content, output, may_replace=may_replace)
    else:
        write_bytes(content)
    return 0


def exported(received: Sequence[Received], title: str | None, kind: Format) -> bytes:
    """Give a deliberation in a format, as it goes into a file; the title stands on the page alone."""
    match kind:
        case Format.MD:
            return markdown(received, title).encode("utf-8", "replace")
        case Format.JSON:
            return encode_value(fold(each.event for each in received)) + b"\n"
        case Format.JSONL:
            return b"".join(each.body + b"\n" for each in received)


def markdown(received: Sequence[Received], title: str | None = None) -> str:
    """Give the page of a deliberation, in the language of its question, under the title its owner gave it."""
    stage, clock = Stage(), EventClock(pace=0)
    for each in received:
        stage.add(each.event, clock.at(each.event))
    start = stage.state.start
    words = words_for(start.question if start is not None else "", None)
    return document(stage.scene(clock.now()), replace(words, incomplete=words.not_ended), title)


async def _read(name: str, url: str | None) -> tuple[list[Received], str | None]:
    async with open_archive(url) as archive:
        deliberation_id = await archive.find(name)
        return await archive.read(deliberation_id), await _title(archive, deliberation_id)


async def _title(archive: Archive, deliberation_id: str) -> str | None:
    try:
        found = await archive.search(Query(deliberation_id=deliberation_id))
    except (RecordsError, ServerRefused):
        # The records are away, or the server is of an older version: the page goes without.
        return None
    return found.items[0].title if found.items else None


def _save(content: bytes, output: Path, *, may_replace: bool) -> None:
    try:
        with output.open("wb" if may_replace else "xb") as file:
            file.write(content)
    except FileExistsError as error:
        raise OutputExists(f"{output} exists. Choose another file, or replace it with --force.") from error
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise OutputUnwritable(f"{output} cannot be written: {reason}.", field="--output") from error
    sys.stderr.write(f"{output}: {len(content):,} bytes\n")
