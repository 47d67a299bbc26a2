"""How long a deliberation and its parts may take."""

from dataclasses import dataclass

from magisystem.council.agents import CouncilLimits
from magisystem.errors import Fault, InvalidRequest

_FIELDS = {"deliberation_s": "deliberationS", "sage_s": "sageS", "judge_s": "judgeS", "silence_s": "silenceS"}


@dataclass(frozen=True, slots=True)
class Limits:
    """All in seconds. ``silence_s`` bounds the wait for the next token, the first one included."""

    deliberation_s: float = 180.0
    sage_s: float = 90.0
    judge_s: float = 60.0
    silence_s: float = 30.0

    def check(self, wanted: CouncilLimits) -> None:
        """See that a council wants no more time than these limits give.

        Raises:
            InvalidRequest: it does; every field at fault is named with its bound.
        """
        faults = tuple(
            Fault(field, f"`{field}`: It must be at most {most_s:g}, this server's own limit in seconds.")
            for name, most_s, wanted_s in self._beside(wanted)
            if wanted_s is not None and wanted_s > most_s
            for field in [f"council.limits.{_FIELDS[name]}"]
        )
        if faults:
            raise InvalidRequest(faults[0].message, field=faults[0].field, faults=faults)

    def narrowed(self, wanted: CouncilLimits) -> "Limits":
        """Give the limits of a council: its own where it has them, and never more than these."""
        return Limits(
            **{
                name: most_s if wanted_s is None else min(wanted_s, most_s)
                for name, most_s, wanted_s in self._beside(wanted)
            }
        )

    def _beside(self, wanted: CouncilLimits) -> list[tuple[str, float, float | None]]:
        return [(name, getattr(self, name), getattr(wanted, name)) for name in _FIELDS]
