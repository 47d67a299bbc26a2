"""Votes and verdicts: their form as a tool that a model calls, and how a model's input is read.

A ballot is read strictly: what does not fit is spoilt, with reasons a model can act on, and never guessed at. Callers
are the model adapters (through `Ballot.read`) and the lanes, which look for a fenced block when no tool was called.
"""

import json
import re
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Literal, TypeVar, cast

import msgspec

from magisystem.protocol.values import Decision

_FENCE = re.compile(r"```(?:json)?\s*(?=\{)", re.IGNORECASE)
_FENCE_END = re.compile(r"\s*```")
_fenced_json = json.JSONDecoder()

REASONING_CHARS = 3_000
SUMMARY_CHARS = 1_000
RECOMMENDATION_CHARS = 2_000
SCORE_REASONING_CHARS = 500


class SpoiltBallot(ValueError):
    """What a model cast does not fit the ballot; the message says why, for the model to mend."""


@dataclass(frozen=True, slots=True)
class Vote:
    """A sage's vote. ``confidence`` from 0 to 1."""

    decision: Decision
    confidence: float
    reasoning: str


@dataclass(frozen=True, slots=True)
class Mark:
    """The judge's mark for one sage: ``score`` from 0 to 100."""

    agent_id: str
    score: int
    reasoning: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """The judge's ruling; ``marks`` holds one for every sage whose statement the judge read, in the council's order."""

    decision: Decision
    confidence: float
    summary: str
    reasoning: str
    recommendation: str
    marks: tuple[Mark, ...]


Casting = Vote | Verdict


@dataclass(frozen=True, slots=True)
class Ballot:
    """A tool through which a model casts a vote or gives a verdict.

    ``read`` takes what the model passed, any JSON value, and gives the casting or raises `SpoiltBallot`. ``schema`` is
    a JSON Schema of type ``object``.
    """

    tool: str
    description: str
    schema: dict[str, Any]
    read: Callable[[Any], Casting]


class _Form(msgspec.Struct, frozen=True, kw_only=True):
    decision: Annotated[Literal["APPROVED", "REJECTED", "ABSTAINED"], msgspec.Meta(description="Your decision.")]
    confidence: Annotated[float, msgspec.Meta(ge=0, le=1, description="From 0 to 1: how sure you are.")]


F = TypeVar("F", bound="_Form")


class _VoteForm(_Form, frozen=True, kw_only=True):
    reasoning: Annotated[
        str,
        msgspec.Meta(min_length=1, max_length=REASONING_CHARS, description="What decided it, in one or two sentences."),
    ]


class _MarkForm(msgspec.Struct, frozen=True, kw_only=True):
    sage: Annotated[str, msgspec.Meta(description="The sage's letter.")]
    score: Annotated[float, msgspec.Meta(ge=0, le=100, description="From 0 to 100: how sound the statement is.")]
    reasoning: Annotated[str, msgspec.Meta(max_length=SCORE_REASONING_CHARS, description="Why, in one sentence.")]


class _VerdictForm(_Form, frozen=True, kw_only=True):
    summary: Annotated[
        str, msgspec.Meta(min_length=1, max_length=SUMMARY_CHARS, description="The ruling in one sentence.")
    ]
    reasoning: Annotated[
        str,
        msgspec.Meta(min_length=1, max_length=REASONING_CHARS, description="What decided it, and what spoke against."),
    ]
    recommendation: Annotated[
        str, msgspec.Meta(min_length=1, max_length=RECOMMENDATION_CHARS, description="What to do next, concretely.")
    ]
    scores: Annotated[list[_MarkForm], msgspec.Meta(description="One mark for every sage.")]


def vote_ballot() -> Ballot:
    """Give the ballot a sage casts its vote with."""
    return Ballot(
        tool="cast_vote",
        description="Cast your vote. Call this exactly once, after you have written your statement.",
        schema=deepcopy(_inlined_schema(_VoteForm)),
        read=_read_vote,
    )


def verdict_ballot(labels: Sequence[tuple[str, str]]) -> Ballot:
    """Give the ballot the judge rules with.

    Args:
        labels: the letter under which the judge knows a sage, and that sage's agent id, in the council's order.
    """
    return Ballot(
        tool="give_verdict",
        description="Give your verdict. Call this exactly once, after you have written your considerations.",
        schema=_verdict_schema([label for label, _ in labels]),
        read=lambda cast_input: _read_verdict(cast_input, labels),
    )


def read_fenced(text: str, ballot: Ballot, given: Sequence[str] = ()) -> Casting | None:
    """Find the fenced JSON block that ends ``text`` and is a valid casting, or ``None``.

    Only the end of a text counts, as only there a block is the speaker's own word and not a quotation that it goes on
    to answer; and a block that stands in what the speaker was ``given`` to read is a quotation even there.

    A block begins at a fence that an object follows and ends where the object does, so that neither the fences of other
    code before it nor backticks within its strings matter, unless a brace follows those. Linear in ``text``, whatever
    it holds.
    """
    end_of_text = len(text)
    for opening in reversed(list(_FENCE.finditer(text))):
        # No further than the next opening, whose backticks may be this block's closing fence: so no part is read twice.
        block = text[opening.end() : end_of_text]
        end_of_text = opening.start() + len("```")
        try:
            cast_input, end = _fenced_json.raw_decode(block)
            if not (closing := _FENCE_END.match(block, end)):
                continue
            is_last = not text[opening.end() + closing.end() :].strip("` \t\r\n")
            if not is_last or any(block[:end].strip() in source for source in given):
                return None
            return ballot.read(cast_input)
        except (ValueError, RecursionError):
            continue
    return None


def _read_vote(cast_input: Any) -> Vote:
    form = _read_form(cast_input, _VoteForm)
    return Vote(Decision(form.decision), form.confidence, form.reasoning)


def _read_verdict(cast_input: Any, labels: Sequence[tuple[str, str]]) -> Verdict:
    form = _read_form(cast_input, _VerdictForm)
    marks = {mark.sage.strip().upper().removeprefix("SAGE").strip(): mark for mark in form.scores}
    expected = [label for label, _ in labels]
    if len(marks) != len(form.scores) or set(marks) != set(expected):
        raise SpoiltBallot(f"`scores` needs exactly one mark for each of the sages {', '.join(expected)}")
    return Verdict(
        decision=Decision(form.decision),
        confidence=form.confidence,
        summary=form.summary,
        reasoning=form.reasoning,
        recommendation=form.recommendation,
        marks=tuple(Mark(agent_id, round(marks[label].score), marks[label].reasoning) for label, agent_id in labels),
    )


def _read_form(cast_input: Any, kind: type[F]) -> F:
    fields = cast_input
    if isinstance(cast_input, dict):
        # Case and surrounding space carry no meaning; everything else is taken as it was written.
        given = cast("dict[str, Any]", cast_input)
        decision = given.get("decision")
        fields = {**given, "decision": decision.strip().upper()} if isinstance(decision, str) else given
    try:
        return msgspec.convert(fields, kind)
    except (msgspec.ValidationError, UnicodeError) as error:
        raise SpoiltBallot(str(error)) from error


def _verdict_schema(labels: Sequence[str]) -> dict[str, Any]:
    schema = deepcopy(_inlined_schema(_VerdictForm))
    if labels:
        schema["properties"]["scores"]["items"]["properties"]["sage"]["enum"] = list(labels)
    return schema


@cache
def _inlined_schema(kind: type[msgspec.Struct]) -> dict[str, Any]:
    """Give the JSON Schema of ``kind`` without ``$ref``, which several providers refuse in a tool's schema."""
    _, components = msgspec.json.schema_components([kind], ref_template="{name}")
    return cast("dict[str, Any]", _inline(components[kind.__name__], components))


def _inline(node: Any, components: dict[str, Any]) -> Any:
    if isinstance(node, dict):
        fields = cast("dict[str, Any]", node)
        if reference := fields.get("$ref"):
            return _inline(components[reference], components)
        inlined = {name: _inline(item, components) for name, item in fields.items() if name != "title"}
        # msgspec gives an enumeration without its type, which several providers ask for; ours are all of strings.
        return {"type": "string", **inlined} if "enum" in inlined else inlined
    if isinstance(node, list):
        return [_inline(item, components) for item in cast("list[Any]", node)]
    return node
