"""`magi cancel`: stopping a deliberation on the server where it runs."""

import asyncio

from magisystem.cli.archive import open_archive
from magisystem.cli.plain_text import clean_line
from magisystem.cli.servers import client_of
from magisystem.cli.showing import write
from magisystem.cli.words import Words, words_for
from magisystem.client import ServerUnreachable
from magisystem.protocol.fold import DeliberationState, fold
from magisystem.protocol.values import Receipt

DEFAULT_URL = "http://localhost:8080"


def run_cancel(name: str, url: str | None) -> int:
    """Stop a deliberation, say what it had come to, and give the exit code: 0 where it runs no more.

    Raises:
        MagiError: the server cannot be reached, has no such deliberation, or is not the one that runs it.
    """
    return asyncio.run(_cancel(name, url or DEFAULT_URL, is_assumed=url is None))


async def _cancel(name: str, url: str, *, is_assumed: bool) -> int:
    try:
        async with open_archive(url) as archive, client_of(url) as client:
            deliberation_id = await archive.find(name)
            before = fold(received.event for received in await archive.read(deliberation_id))
            await client.cancel(deliberation_id)
            after = fold(received.event for received in await archive.read(deliberation_id))
    except ServerUnreachable as error:
        if not is_assumed:
            raise
        raise ServerUnreachable(
            f"No server answers at {url}, and a deliberation is stopped where it runs: name its server with --url."
        ) from error
    return _tell(before, after)


def _tell(before: DeliberationState, after: DeliberationState) -> int:
    words = words_for(after.start.question if after.start is not None else "", None)
    if before.status != "running" or after.cancelled is None:
        write(f"{words.ended_before}\n")
        return 0
    write(f"{words.cancelled}\n")
    write("".join(_receipt(after, after.cancelled.receipt, words)))
    return 0


def _receipt(state: DeliberationState, receipt: Receipt, words: Words) -> list[str]:
    cards = state.start.council.agents if state.start is not None else ()
    names = {card.agent_id: clean_line(card.name) for card in cards}
    lines: list[str] = []
    for line in receipt.agents:
        count = f"{'≈ ' if line.estimated else ''}{line.output_tokens:,}"
        lines.append(f"{names.get(line.agent_id, clean_line(line.agent_id))}: {words.tokens.format(n=count)}\n")
    return lines
