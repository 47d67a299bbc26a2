"""`magi models`: what can be used here, why the rest cannot, and which model each agent would get."""

import asyncio
import sys
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from magisystem.application import open_catalogue
from magisystem.cli.boxes import EMPHASIS, SECONDARY
from magisystem.cli.plain_text import clean_line
from magisystem.config import Configuration, read_configuration
from magisystem.council.presets import MAGI
from magisystem.errors import MagiError
from magisystem.models.catalogue import Catalogue


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a listing: a name, whether it can be used, and what is to be said about it."""

    name: str
    is_usable: bool
    remark: str


def run_models() -> int:
    """List the models, and give the exit code.

    Raises:
        SettingsInvalid: a setting is wrong.
    """
    configuration = read_configuration()
    models, agents = asyncio.run(_survey(configuration))
    console = Console(markup=False, highlight=False, emoji=False)
    if console.is_terminal:
        console.print(_table("Model", models), "", _table("Agent", agents), sep="\n")
    else:
        sys.stdout.write("".join(_lines(models)) + "\n" + "".join(_lines(agents)))
    return 0


async def _survey(configuration: Configuration) -> tuple[list[Row], list[Row]]:
    catalogue = open_catalogue(configuration.settings)
    try:
        models = [
            Row(found.example, found.reason is None, found.reason or found.note or "")
            for found in await catalogue.survey()
        ]
        agents = [await _agent_row(catalogue, configuration, agent.id) for agent in MAGI.agents]
    finally:
        await catalogue.aclose()
    return models, agents


async def _agent_row(catalogue: Catalogue, configuration: Configuration, agent_id: str) -> Row:
    model = configuration.models.for_agent(agent_id)
    variable = f"MAGI_MODEL_{agent_id.upper()}"
    if agent_id in configuration.models.by_agent:
        origin = f"from {variable}"
    elif "model" in configuration.settings.model_fields_set:
        origin = "from MAGI_MODEL"
    else:
        origin = "the default"
    try:
        await catalogue.find(model, field=variable)
    except MagiError as error:
        return Row(agent_id, is_usable=False, remark=f"{model} ({origin}): {error.message}")
    return Row(agent_id, is_usable=True, remark=f"{model} ({origin})")


def _table(heading: str, rows: list[Row]) -> Table:
    table = Table(box=None, header_style=SECONDARY, pad_edge=False, padding=(0, 3, 0, 0))
    table.add_column(heading, no_wrap=True)
    table.add_column("Usable", no_wrap=True)
    table.add_column("", overflow="fold")
    for row in rows:
        mark = Text("✓ yes", "green") if row.is_usable else Text("✗ no", "red")
        table.add_row(Text(clean_line(row.name), EMPHASIS), mark, Text(clean_line(row.remark)))
    return table


def _lines(rows: list[Row]) -> list[str]:
    width = max(cell_len(row.name) for row in rows)
    return [
        f"{row.name:<{width}}  {'yes' if row.is_usable else 'no ':<3}  {clean_line(row.remark)}".rstrip() + "\n"
        for row in rows
    ]
