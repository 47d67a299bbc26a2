"""What can be asked of a server: the bodies of ``POST /invocations``, checked at the edge.

Strict: no number passes for text, no object for a message's content (a smuggled tool block would reach the model), and
a field nobody knows is a mistake that its sender wants to hear of. In messages of a chat history, fields beside role
and content are left unread, because chat clients keep ids and times there.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar, cast, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    TypeAdapter,
    ValidationError,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError, from_json, to_json

from magisystem.errors import Fault, InvalidRequest
from magisystem.protocol.malformed import not_an_object, not_json
from magisystem.protocol.probe import INTERVAL_MS, KEEP_ALIVE_MS, LEAST_S, LONGEST_S, MOST_BYTES, Probe
from magisystem.protocol.values import LONGEST_WAIT_S, Decision, Mode, Outcome, Role, Rule

QUESTION_CHARS = 32_000
MESSAGES = 500


def _visible(text: str) -> str:
    if not any(char.isprintable() and not char.isspace() for char in text):
        raise PydanticCustomError("text_invisible", "It has nothing that can be seen")
    return text


_IDENTIFIER = r"[a-z][a-z0-9_-]{0,31}"
_IDENTIFIER_IN_WORDS = "It must be 1 to 32 lower-case letters, digits, _ and -, the first a letter"
Identifier = Annotated[str, StringConstraints(pattern=f"^{_IDENTIFIER}$")]
DeliberationId = Annotated[str, StringConstraints(min_length=1, max_length=128)]
SESSION_ID = r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}"
SessionId = Annotated[str, StringConstraints(pattern=f"^{SESSION_ID}$")]
ModelName = Annotated[str, StringConstraints(pattern=r"^\S{1,300}$")]
IdempotencyKey = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,255}$")]
Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), AfterValidator(_visible)]
Seconds = Annotated[float, Field(gt=0)]
Words = Annotated[str, StringConstraints(max_length=16_000)]


class Request(BaseModel):
    """What every request's object has in common."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        extra="forbid",
        strict=True,
        frozen=True,
        allow_inf_nan=False,
        hide_input_in_errors=True,
    )


class ChatMessage(Request):
    """One message of a chat history. ``content`` is text and nothing else."""

    model_config = ConfigDict(extra="ignore")

    role: Literal["user", "assistant"]
    content: str


class CriteriaRequest(Request):
    """What the votes are to hang on, in words."""

    approve_if: Words = ""
    reject_if: Words = ""


class SamplingRequest(Request):
    """Which model speaks for an agent, and how it draws its tokens. A model that refuses a field is not sent it."""

    model: ModelName | None = None
    temperature: float | None = Field(None, ge=0, le=1)
    top_p: float | None = Field(None, gt=0, le=1)
    top_k: int | None = Field(None, ge=1, le=1_000)
    max_tokens: int | None = Field(None, ge=1, le=128_000)
    enabled: bool = True


class AgentRequest(SamplingRequest):
    """What is to be different for one agent of the council."""

    system_prompt: Words | None = Field(None, description="The agent's point of view, in place of its own.")


class SeatRequest(SamplingRequest):
    """One agent of a council that is given whole."""

    agent_id: Identifier
    name: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    role: Role
    system_prompt: Annotated[str, StringConstraints(min_length=1, max_length=16_000)] = Field(
        description="The agent's point of view."
    )


class LimitsRequest(Request):
    """How long a council may take, in seconds: at most what the server's own settings say, which hold where none is."""

    deliberation_s: Seconds | None = None
    sage_s: Seconds | None = None
    judge_s: Seconds | None = None
    silence_s: Seconds | None = None


class CouncilRequest(Request):
    """A council, given whole."""

    id: Identifier = "custom"
    name: Annotated[
        str | None, StringConstraints(strip_whitespace=True, min_length=1, max_length=64), AfterValidator(_visible)
    ] = Field(None, description="What people call it.")
    rule: Rule = Rule.JUDGE
    agents: list[SeatRequest] = Field(min_length=1, max_length=10)
    limits: LimitsRequest = LimitsRequest()
    preset: bool | None = Field(None, description="As it is listed; not read.")
    updated_at: str | None = Field(None, description="As it is listed; not read.")


class StartRequest(Request):
    """Starts a deliberation. Exactly one of ``messages``, ``question`` and ``prompt`` is given.

    In ``messages`` the last one is the user's and is the question; the others are context.
    """

    messages: list[ChatMessage] | None = Field(None, min_length=1, max_length=MESSAGES)
    question: str | None = None
    prompt: str | None = None
    session_id: SessionId | None = Field(
        None,
        description="The session that this is a turn of; without it, or null, a new one. Through AgentCore, leaving it "
        "out means the runtime session, and null a new one.",
    )
    council: Annotated[
        Annotated[Identifier, Tag("<id>")] | Annotated[CouncilRequest, Tag("<whole>")],
        Discriminator(lambda given: "<id>" if isinstance(given, str) else "<whole>"),
    ] = "magi"
    agents: dict[str, AgentRequest] = Field(default_factory=dict[str, AgentRequest], max_length=10)
    criteria: CriteriaRequest = CriteriaRequest()
    mode: Mode = Mode.DELIBERATE
    language: Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}$")] | None = None
    idempotency_key: IdempotencyKey | None = Field(
        None, description="A repeated start under the same key attaches to the first; it never runs twice."
    )
    stream: bool = Field(default=True, description="false: wait, and answer one JSON document.")
    detached: bool = Field(
        default=False,
        description="true: answer the id alone and at once, as with the header `Prefer: respond-async`, which does not "
        "come through everywhere.",
    )

    @model_validator(mode="after")
    def _has_one_question(self) -> "StartRequest":
        given = [name for name in ("messages", "question", "prompt") if getattr(self, name) is not None]
        if len(given) != 1:
            raise PydanticCustomError(
                "question_missing" if not given else "question_twice",
                "Give exactly one of `messages`, `question` and `prompt`; {given} given.",
                {"given": " and ".join(given) if given else "none is", "field": given[-1] if given else "question"},
            )
        if self.messages and self.messages[-1].role != "user":
            raise PydanticCustomError(
                "question_missing", "The last message must be the user's: it is the question.", {"field": "messages"}
            )
        text = self.question_text
        field = "messages" if self.messages else given[0]
        if not any(char.isprintable() and not char.isspace() for char in text):
            raise PydanticCustomError("question_empty", "The question is empty.", {"field": field})
        if len(text) > QUESTION_CHARS:
            raise PydanticCustomError(
                "question_too_long",
                "The question has {length} characters; at most {most} are read. Shorten it.",
                {"field": field, "length": len(text), "most": QUESTION_CHARS},
            )
        return self

    @property
    def question_text(self) -> str:
        """The question itself."""
        if self.messages:
            return self.messages[-1].content
        return self.question or self.prompt or ""


class DeliberationAction(Request):
    """What is asked of one deliberation."""

    deliberation_id: DeliberationId


class ResumeRequest(DeliberationAction):
    """Follows a deliberation from the event after ``after``."""

    action: Literal["resume"]
    after: int = Field(0, ge=0)
    stream: bool = True
    wait: float = Field(0, ge=0, le=LONGEST_WAIT_S, description="With `stream: false`: seconds to wait for something.")


class ForgetRequest(DeliberationAction):
    """Stops a deliberation if it runs, and deletes it."""

    action: Literal["delete"]


class TitleRequest(Request):
    """What a deliberation is to be called; ``null`` takes its title away."""

    title: Title | None


class RenameRequest(DeliberationAction, TitleRequest):
    """Gives a deliberation a title."""

    action: Literal["rename"]


class CancelRequest(DeliberationAction):
    """Stops a deliberation."""

    action: Literal["cancel"]


class GetRequest(DeliberationAction):
    """Asks for a deliberation's folded state."""

    action: Literal["get"]


class PageRequest(Request):
    """Which stretch of a list is asked for."""

    limit: int = Field(20, ge=1, le=100)
    cursor: Annotated[str, StringConstraints(min_length=1, max_length=1_000)] | None = Field(
        None, description="The `nextCursor` of the page before."
    )


class ListRequest(PageRequest):
    """Asks for deliberations of the past, the newest first. Every condition given must hold."""

    action: Literal["list"] = "list"
    q: Annotated[str, StringConstraints(max_length=1_000)] = Field(
        "", description="Words that must all occur in question, statements or verdict, parts of words included."
    )
    outcome: Outcome | None = None
    decision: Decision | None = None
    session_id: SessionId | None = None
    deliberation_id: DeliberationId | None = Field(None, description="That one alone.")


class SessionsRequest(PageRequest):
    """Asks for the conversations, the latest turn first."""

    action: Literal["sessions"]


class SessionRequest(PageRequest):
    """Asks for a conversation's turns, the oldest first."""

    action: Literal["session"]
    session_id: SessionId


class CouncilsRequest(Request):
    """Asks for the councils there are."""

    action: Literal["councils"]


class GetCouncilRequest(Request):
    """Asks for a council."""

    action: Literal["get_council"]
    council_id: Identifier


class PutCouncilRequest(Request):
    """Keeps a council under an id, in place of what was kept under it."""

    action: Literal["put_council"]
    council_id: Identifier
    council: CouncilRequest


class DeleteCouncilRequest(Request):
    """Deletes a council that is kept."""

    action: Literal["delete_council"]
    council_id: Identifier


class ModelsRequest(Request):
    """Asks which models can be used."""

    action: Literal["models"]


class ProbeRequest(Request):
    """Asks for a probe stream, by which a path is measured: numbered frames of no meaning, and no model."""

    action: Literal["probe"]
    seconds: float = Field(40.0, ge=LEAST_S, le=LONGEST_S, description="The whole length.")
    interval_ms: int = Field(500, ge=INTERVAL_MS[0], le=INTERVAL_MS[1], description="Between two frames.")
    fill_bytes: int = Field(64, ge=0, le=MOST_BYTES, alias="bytes", description="Of fill, in every frame.")
    quiet_ms: int = Field(0, ge=0, description="How long there are no frames, in the middle.")
    keep_alive_ms: int = Field(10_000, ge=KEEP_ALIVE_MS[0], le=KEEP_ALIVE_MS[1])
    after: int = Field(0, ge=0, description="The last seq received: the probe goes on behind it.")
    started_at: int | None = Field(
        None, ge=0, description="To go on with a probe on its own schedule: the `startedAt` of its first frame."
    )
    stream: bool = True
    wait: float = Field(0, ge=0, le=LONGEST_WAIT_S, description="With `stream: false`: seconds to wait for something.")

    @property
    def probe(self) -> Probe:
        """The probe that is asked for.

        Raises:
            InvalidRequest: what is asked for does not go together.
        """
        return Probe(
            self.seconds,
            self.interval_ms,
            self.fill_bytes,
            self.quiet_ms,
            self.keep_alive_ms,
            self.after,
            self.started_at,
        )


Action = (
    ResumeRequest
    | CancelRequest
    | GetRequest
    | ForgetRequest
    | RenameRequest
    | ListRequest
    | SessionsRequest
    | SessionRequest
    | CouncilsRequest
    | GetCouncilRequest
    | PutCouncilRequest
    | DeleteCouncilRequest
    | ModelsRequest
    | ProbeRequest
)
ActionRequest = Annotated[Action, Field(discriminator="action")]
Invocation = StartRequest | Action

_ACTION: TypeAdapter[Action] = TypeAdapter(ActionRequest)
R = TypeVar("R", bound=Request)


def parse_invocation(body: bytes) -> Invocation:
    """Read a body of ``POST /invocations``.

    Raises:
        InvalidRequest: it is not JSON in UTF-8, no object, or a field is wrong; every fault is named.
    """
    has_action = "action" in _object(body)
    try:
        return _ACTION.validate_json(body) if has_action else StartRequest.model_validate_json(body)
    except ValidationError as error:
        raise _invalid(error) from error


def parse_body(body: bytes, kind: type[R]) -> R:
    """Read a body that is of one kind, which its path names.

    Raises:
        InvalidRequest: it is not JSON in UTF-8, no object, or a field is wrong; every fault is named.
    """
    _object(body)
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        raise _invalid(error) from error


def parse_identifier(text: str, *, field: str) -> str:
    """Read an id that stands in a path.

    Raises:
        InvalidRequest: it is not of the form of one; ``field`` is named in it.
    """
    if not re.fullmatch(_IDENTIFIER, text):
        raise InvalidRequest(f"`{field}`: {_IDENTIFIER_IN_WORDS}.", field=field)
    return text


def parse_query(parameters: Mapping[str, str], kind: type[R]) -> R:
    """Read the parameters of a URL's query. One that is empty counts as not given.

    Raises:
        InvalidRequest: one is wrong, or there is none of that name; every fault is named.
    """
    # All that arrives is text; what is a number is told by its field.
    fields = {
        name: int(value) if name == "limit" and re.fullmatch(r"-?[0-9]{1,9}", value) else value
        for name, value in parameters.items()
        if value
    }
    try:
        return kind.model_validate_json(to_json(fields))
    except ValidationError as error:
        raise _invalid(error) from error


# The discriminators of unions are pydantic's words, not the sender's. A verb stands first in a path, or is a field.
_UNION_TAGS = frozenset({"<id>", "<whole>"})
_VERBS = frozenset(word for kind in get_args(Action) for word in get_args(kind.model_fields["action"].annotation))
# In words what the patterns above say, by the name of the field that has one.
_FORMS = {
    "language": "It must be a language's code, such as ja or en",
    "sessionId": "It must be 1 to 128 letters, digits and . _ : -, the first a letter or digit",
    "model": "It must be a model's name, such as embedded or bedrock:global.anthropic.claude-sonnet-5",
    "agentId": _IDENTIFIER_IN_WORDS,
    "id": _IDENTIFIER_IN_WORDS,
    "councilId": _IDENTIFIER_IN_WORDS,
    "idempotencyKey": "It must be 1 to 255 visible ASCII characters without spaces",
    "council": "It must be the id of a council, such as magi, or a whole council",
}


def _object(body: bytes) -> Mapping[str, object]:
    try:
        fields: object = from_json(body)
    except ValueError as error:
        raise not_json(body, error) from error
    if not isinstance(fields, Mapping):
        raise not_an_object()
    return cast("Mapping[str, object]", fields)


def _invalid(error: ValidationError) -> InvalidRequest:
    faults = tuple(_fault(dict(found)) for found in error.errors(include_url=False, include_input=False))
    return InvalidRequest(faults[0].message, field=faults[0].field, faults=faults)


def _fault(found: dict[str, Any]) -> Fault:
    where = [str(part) for part in found["loc"] if part not in _UNION_TAGS]
    if where and where[0] in _VERBS:
        where = where[1:]
    context = cast("dict[str, Any]", found.get("ctx") or {})
    message = str(found["msg"]).rstrip(".")
    match found["type"]:
        case "extra_forbidden":
            message = "There is no such field"
        case "union_tag_invalid":
            where, message = ["action"], f"It must be one of {context['expected_tags']}"
        case "string_pattern_mismatch":
            message = _FORMS[where[-1]]
        case "string_type":
            message = "It must be text"
        case "missing":
            message = "It is missing"
        case _ if "field" in context:
            where = [str(context["field"])]
        case _:
            pass
    field = ".".join(where)
    return Fault(field, f"`{field}`: {message}." if field else f"{message}.")
