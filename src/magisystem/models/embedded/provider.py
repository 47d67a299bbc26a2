"""The embedded advisor as a provider."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from magisystem.council.briefs import Brief
from magisystem.models.embedded import NOTE

if TYPE_CHECKING:
    from magisystem.models.embedded.model import EmbeddedModel


@dataclass(frozen=True, slots=True)
class _Connection:
    model: "EmbeddedModel"
    dropped: tuple[str, ...] = ()

    async def aclose(self) -> None:
        await self.model.aclose()


@dataclass(slots=True)
class Embedded:
    """Always usable. ``tokens_per_s`` is its pace; 0 is at once."""

    tokens_per_s: float
    prefix: str = "embedded"
    example: str = "embedded"
    note: str | None = NOTE
    module: str = "magisystem.models.embedded.model"

    async def reason_unusable(self, model_id: str | None) -> str | None:
        """See `Provider.reason_unusable`."""
        return None

    def connect(self, model_id: str, brief: Brief) -> _Connection:
        """See `Provider.connect`."""
        from magisystem.models.embedded.model import EmbeddedModel

        return _Connection(EmbeddedModel(brief, self.tokens_per_s))

    async def aclose(self) -> None:
        """Hold nothing."""
