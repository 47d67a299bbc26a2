"""The form of a phrasebook: everything `writing` and `ruling` say, in one language. Filled in ``phrases_*.py``."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from magisystem.models.embedded.lexicon import Factor
from magisystem.protocol.values import Decision


@dataclass(frozen=True, slots=True)
class Phrasebook:
    """One language.

    Shapes: ``pros`` and ``cons`` name a factor as it speaks for a proposal and against it. ``parts`` is part, then
    voice ("" for agents without a voice of their own), then variants; the part ``vote`` is by decision instead.
    Placeholders are written ``{x}`` and filled by `writing.fill`, never by ``str.format``: what fills them is a
    stranger's text. ``quote`` has the quotation marks of the language, ``inner`` what replaces them in a quotation.
    """

    label: str
    quote: tuple[str, str]
    inner: tuple[str, str]
    list_comma: str
    list_and: str
    sentence_gap: str
    pros: Mapping[Factor, str]
    cons: Mapping[Factor, str]
    decisions: Mapping[Decision, str]
    asks: Mapping[Factor, str]
    mends: Mapping[Factor, str]
    threats: Mapping[Factor, str]
    steps: Mapping[Factor, str]
    principles: Mapping[Factor, str]
    lenses: Mapping[str, Mapping[Factor, str]]
    parts: Mapping[str, Mapping[Any, tuple[str, ...]]]
    criteria: Mapping[tuple[str, int], str]
    reasons: Mapping[Any, str]
    abstentions: Mapping[str, Any]
    words: Mapping[str, str]
    ruling: Mapping[str, Any]
    chat: Mapping[str, str]
