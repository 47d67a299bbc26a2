"""`magi list` and `magi records`: what there has been, and making that index anew."""

import asyncio
import sys
from datetime import datetime

from rich.console import Console
from rich.table import Table
from rich.text import Text

from magisystem.application import rebuild_records
from magisystem.cli.archive import entries, open_archive
from magisystem.cli.boxes import ALARM, EMPHASIS, FAILED, SECONDARY, STYLES, SYMBOLS
from magisystem.cli.lanes import percent
from magisystem.cli.plain_text import clean_line
from magisystem.cli.showing import open_console, write, write_bytes
from magisystem.cli.words import Words, words_for
from magisystem.config import read_configuration
from magisystem.deliberation.listing import item_of, time_of
from magisystem.deliberation.ports import Entry, Query
from magisystem.protocol.codec import encode_value
from magisystem.protocol.values import Outcome

_SHOWN_ID_CHARS = 8
_LEAST_QUESTION_CELLS = 16


def run_list(query: Query, url: str | None, limit: int, *, as_json: bool) -> int:
    """List deliberations, the newest first; a table on a terminal, a line each anywhere else.

    Raises:
        MagiError: they cannot be read.
    """
    found = asyncio.run(_read(query, url, limit))
    console = open_console()
    if as_json:
        for entry in found:
            write_bytes(encode_value(item_of(entry)) + b"\n")
    elif not console.is_terminal:
        write("".join(f"{line}\n" for line in lines(found)))
    elif found:
        console.print(table(found, console))
    else:
        sys.stderr.write("Nothing was found.\n")
    return 0


def run_rebuild() -> int:
    """Make the records of this machine anew from its log.

    Raises:
        MagiError: the log or the records cannot be used.
    """
    n_recorded = asyncio.run(rebuild_records(read_configuration().settings))
    write(f"Recorded anew from the log: {n_recorded:,} deliberations.\n")
    return 0


async def _read(query: Query, url: str | None, limit: int) -> list[Entry]:
    async with open_archive(url) as archive:
        return [entry async for entry in entries(archive, query, limit)]


def lines(found: list[Entry]) -> list[str]:
    """Give a line an entry: the whole id, when it began, how it ended in the protocol's words, title or question."""
    return [
        "\t".join(
            (
                clean_line(entry.deliberation_id),
                time_of(entry.started_at),
                entry.outcome or clean_line(entry.status),
                entry.decision or "-",
                "-" if entry.confidence is None else percent(entry.confidence),
                clean_line(entry.title or entry.question),
            )
        )
        for entry in found
    ]


def table(found: list[Entry], console: Console) -> Table:
    """Give a table as wide as the terminal, title or question cut to what is left."""
    drawn = Table(box=None, header_style=SECONDARY, pad_edge=False, padding=(0, 2, 0, 0), width=console.width)
    drawn.add_column("ID", no_wrap=True)
    drawn.add_column("Began", no_wrap=True)
    drawn.add_column("Ended as", no_wrap=True)
    drawn.add_column("Question", no_wrap=True, overflow="ellipsis", ratio=1, min_width=_LEAST_QUESTION_CELLS)
    for entry in found:
        words = words_for(entry.question, None)
        drawn.add_row(
            Text(clean_line(entry.deliberation_id)[:_SHOWN_ID_CHARS], EMPHASIS),
            Text(_local(entry.started_at), SECONDARY),
            _ending(entry, words),
            Text(clean_line(entry.title or entry.question)),
        )
    return drawn


def _local(moment: datetime) -> str:
    return moment.astimezone().strftime("%Y-%m-%d %H:%M")


def _ending(entry: Entry, words: Words) -> Text:
    if entry.decision is not None:
        share = "" if entry.confidence is None else f" {percent(entry.confidence)}"
        label = Text(f"{SYMBOLS[entry.decision]} {words.decisions[entry.decision]}", STYLES[entry.decision])
        label.append(share, SECONDARY)
        if entry.outcome is Outcome.DECIDED_DEGRADED:
            label.append(" !", ALARM)
        return label
    if entry.outcome is Outcome.ANSWERED:
        return Text(words.answer)
    if entry.outcome is Outcome.INCONCLUSIVE:
        return Text(f"? {words.undecided}", ALARM)
    return Text(clean_line(entry.status), FAILED if entry.status == "error" else SECONDARY)
