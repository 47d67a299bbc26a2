"""What the providers that Strands itself ships have in common: an extra to install, and nothing to close by hand.

Their SDKs open a client within each call and close it with the call's generator, so that cancelling a speech closes
its connection.
"""

from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from strands.models.model import Model


# The longest a whole speech may take is the sage's deadline; the SDKs' own limit only has to lie beyond it.
TIMEOUT_S = 600.0
MAX_TOKENS = 4096


@dataclass(frozen=True, slots=True)
class StrandsConnection:
    """A provider of Strands' own."""

    model: "Model"
    dropped: tuple[str, ...] = ()

    async def aclose(self) -> None:
        """Hold nothing: see the module."""


def reason_missing(package: str, extra: str) -> str | None:
    """Tell that an extra is not installed, and how to add it."""
    if find_spec(package) is not None:
        return None
    return f"the extra {extra!r} is not installed. Add it: pip install 'magisystem[{extra}]'."


def given(**fields: Any) -> dict[str, Any]:
    """Give the fields that are set."""
    return {name: value for name, value in fields.items() if value is not None}
