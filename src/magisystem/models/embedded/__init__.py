"""The embedded advisor: deterministic, rule-based, no language model; it works with no network and no key.

`magisystem.models.embedded.model` streams it as Strands' models stream, and alone imports Strands.
"""

from magisystem.models.embedded.advice import Advice, advise

NOTE = "rule-based, no language model"
"""What must be said wherever its words are shown."""

__all__ = ["NOTE", "Advice", "advise"]
