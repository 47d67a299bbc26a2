"""The council that the rivals in Python convene: the prompts, and what the judge is given to read."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

MODEL_ID = "a.model"


class Prompts(msgspec.Struct, frozen=True):
    """The system prompts; a sage is known by its key."""

    sages: dict[str, str]
    judge: str


def prompts() -> Prompts:
    """Read the prompts that all rivals share."""
    return msgspec.json.decode(Path(__file__).with_name("prompts.json").read_bytes(), type=Prompts)


def judge_matter(question: str, statements: Mapping[str, Sequence[str]]) -> str:
    """Give the judge's message: the question, then every sage's statement, which comes in pieces."""
    spoken = (f"Statement of the {sage} sage:\n{''.join(pieces)}" for sage, pieces in statements.items())
    return "\n\n".join((f"Question:\n{question}", *spoken))
