"""What the providers that Strands itself ships have in common: an extra to install, and a connection a speech.

Strands' generators drop what they were reading when they are left, and the garbage collector closes it at some later
time. So nothing here relies on them: each speech gets a client of its own, which is closed with the speech.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from strands.models.model import Model

MAX_TOKENS = 4096
# A question about what a server has is asked before a deliberation starts, while a person waits.
PROBE_S = 2.0
_NAMED = 5


@dataclass(frozen=True, slots=True)
class StrandsConnection:
    """A provider of Strands' own, for one speech. ``close`` closes what it has open; it may be called twice."""

    model: "Model"
    close: Callable[[], Awaitable[None]]
    dropped: tuple[str, ...] = ()

    async def aclose(self) -> None:
        """See `Connection.aclose`."""
        await self.close()


def reason_missing(package: str, extra: str) -> str | None:
    """Tell that an extra is not installed, and how to add it."""
    if find_spec(package) is not None:
        return None
    return f"the extra {extra!r} is not installed. Add it: pip install 'magisystem[{extra}]'."


async def loaded(module: str) -> Any:
    """Import ``module`` beside the event loop: an SDK takes a second and more, which would hold up every stream."""
    return await asyncio.to_thread(import_module, module)


def given(**fields: Any) -> dict[str, Any]:
    """Give the fields that are set."""
    return {name: value for name, value in fields.items() if value is not None}


def shown(url: str) -> str:
    """Give ``url`` as it may be shown: without a user's name, a password, a query."""
    return re.sub(r"^(\w+://)?[^/@]*@", r"\1", url).partition("?")[0]


def some_of(names: set[str]) -> str:
    """Name a few of the models a server has."""
    listed = sorted(names)
    return ", ".join(listed[:_NAMED]) + (f" and {len(listed) - _NAMED} more" if len(listed) > _NAMED else "")
