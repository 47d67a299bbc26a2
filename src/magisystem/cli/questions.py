"""From what stands on the command line to a request, checked as every request is."""

import sys
from dataclasses import dataclass
from typing import Any

import msgspec

from magisystem.council.presets import MAGI
from magisystem.errors import InvalidRequest
from magisystem.protocol.codec import well_formed
from magisystem.protocol.requests import StartRequest, parse_invocation


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked, as it was typed. A text of ``-`` stands for standard input."""

    text: str
    model: str | None = None
    agent_models: tuple[str, ...] = ()
    approve_if: str = ""
    reject_if: str = ""
    language: str | None = None
    mode: str = "deliberate"


def request_fields(question: Question) -> dict[str, Any]:
    """Give the request as it is sent, of what was given and nothing else.

    Raises:
        InvalidRequest: an ``--agent-model`` is not of the form ``agent=model``.
    """
    fields: dict[str, Any] = {"question": _text(question.text)}
    if models := _models(question):
        fields["agents"] = {agent_id: {"model": model} for agent_id, model in models.items()}
    criteria = {"approveIf": question.approve_if, "rejectIf": question.reject_if}
    if given := {name: well_formed(words) for name, words in criteria.items() if words}:
        fields["criteria"] = given
    if question.language is not None:
        fields["language"] = question.language
    if question.mode != "deliberate":
        fields["mode"] = question.mode
    return fields


def checked(fields: dict[str, Any]) -> StartRequest:
    """Give the request that ``fields`` make.

    Raises:
        InvalidRequest: a field is wrong; it is named.
    """
    request = parse_invocation(msgspec.json.encode(fields))
    assert isinstance(request, StartRequest)  # noqa: S101 - there is no `action` in it
    return request


def _text(given: str) -> str:
    if given == "-":
        return sys.stdin.buffer.read().decode("utf-8-sig", "replace").strip()
    return well_formed(given)


def _models(question: Question) -> dict[str, str]:
    # Every agent of the preset, not "the default": only this way does it hold on a server with settings of its own.
    models = {agent.id: question.model for agent in MAGI.agents} if question.model is not None else {}
    for given in question.agent_models:
        agent_id, equals, model = given.partition("=")
        if not (agent_id and equals and model):
            raise InvalidRequest(
                f"`--agent-model`: {given!r} is not of the form caspar=bedrock:MODEL.", field="--agent-model"
            )
        models[agent_id.strip().lower()] = model.strip()
    return models
