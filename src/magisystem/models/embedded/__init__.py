"""The embedded advisor: deterministic, rule-based, no language model; it works with no network and no key.

`advice` is the door to what it says. `model` streams it as Strands' models stream, and alone imports Strands. Importing
this package loads neither: the server names the advisor before it opens its port, and asks it later.
"""

NOTE = "rule-based, no language model"
"""What must be said wherever its words are shown."""

__all__ = ["NOTE"]
