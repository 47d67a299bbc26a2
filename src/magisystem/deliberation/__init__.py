"""The life of a deliberation: convene, speak, rule, follow, cancel. Everything that awaits, nothing of any vendor."""

from magisystem.deliberation.deliberations import Deliberations, ModelChoice, Proposal
from magisystem.deliberation.limits import Limits

__all__ = ["Deliberations", "Limits", "ModelChoice", "Proposal"]
