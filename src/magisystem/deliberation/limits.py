"""How long a deliberation and its parts may take."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """All in seconds. ``silence_s`` bounds the wait for the next token, the first one included."""

    deliberation_s: float = 180.0
    sage_s: float = 90.0
    judge_s: float = 60.0
    silence_s: float = 30.0
