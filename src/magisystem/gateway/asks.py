"""What is asked of the gateway: the body of ``POST /invocations``, read no further than relaying it needs.

Whether a question is a good one the runtime says. AgentCore lets few headers through to it, so what the client said in
headers of ours is put into the body, which comes through whole.
"""

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec
from starlette.datastructures import Headers

from magisystem.errors import InvalidRequest
from magisystem.http.heads import idempotency_key, prefers_no_wait, wants_only_json
from magisystem.protocol.agentcore import SESSION_HEADER
from magisystem.protocol.malformed import not_an_object, not_json

_SESSION = re.compile(r"[!-~]{1,256}")
# The verbs whose answer is a stream unless told otherwise; a body without a verb starts a deliberation.
_START, _RESUME, _PROBE = "", "resume", "probe"
_STREAMED = frozenset({_START, _RESUME, _PROBE})

T = TypeVar("T")
Fields = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reached:
    """How far a reader has come, the seq ``after``, and in what.

    ``deliberation_id`` is empty before it is known; ``started_at`` is a probe's own beginning, in Unix milliseconds.
    """

    after: int = 0
    deliberation_id: str = ""
    started_at: int | None = None


@dataclass(frozen=True, slots=True)
class Ask:
    """One request, and how what came of it is gone on with where it breaks.

    ``reached`` is from where it is read. ``has_own_key`` is true of a start whose client gave an idempotency key,
    ``is_detached`` of one that is answered with its id alone, ``is_preferred`` where it is so by a `Prefer` (RFC 7240).
    """

    action: str
    is_streamed: bool
    reached: Reached
    has_own_key: bool
    is_detached: bool
    is_preferred: bool
    _fields: Fields = field(repr=False)

    def body(self) -> bytes:
        """Give what is sent first, and again as long as no event of it has come: a start has an idempotency key."""
        return msgspec.json.encode(self._fields)

    def rest(self, reached: Reached) -> bytes:
        """Give what asks for the rest of what was asked for; from the beginning, while it has no name."""
        asked = self._asked(reached)
        return self.body() if asked is None else msgspec.json.encode(asked)

    def page(self, reached: Reached) -> bytes | None:
        """Give what asks, without waiting, whether there is anything further; ``None`` while it has no name."""
        asked = self._asked(reached)
        return None if asked is None else msgspec.json.encode({**asked, "stream": False, "wait": 0})

    def comeback(self, reached: Reached) -> bytes | None:
        """Give what a client asks that comes back after it got so far: the rest, or the same under its own key.

        ``None`` where nobody can be told by it from somebody who asks for the first time.
        """
        is_known = bool(reached.deliberation_id) or self.has_own_key
        return self.rest(reached) if is_known and self.action in {_START, _RESUME} else None

    def _asked(self, reached: Reached) -> Fields | None:
        if self.action == _PROBE:
            began = {} if reached.started_at is None else {"startedAt": reached.started_at}
            return {**self._fields, **began, "after": reached.after}
        if not reached.deliberation_id:
            return None
        return {"action": _RESUME, "deliberationId": reached.deliberation_id, "after": reached.after}


def read_ask(body: bytes, headers: Headers) -> Ask:
    """Read a request.

    Raises:
        InvalidRequest: the body is no JSON object, or a header is wrong.
    """
    try:
        fields = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except msgspec.ValidationError as error:
        raise not_an_object() from error
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise not_json(body, error) from error
    # A value of another kind than a verb's name is no verb that is known here; the runtime says what is wrong with it.
    action = _told(fields, "action", str, "unknown") if "action" in fields else _START
    sent: Fields = dict(fields)
    if action in _STREAMED and wants_only_json(headers):
        sent["stream"] = False
    has_own_key = action == _START and _complete_start(sent, headers)
    is_detached = action == _START and _is(sent, "detached")
    is_streamed = action in _STREAMED and _is(sent, "stream", otherwise=True) and not is_detached
    after = max(0, _told(fields, "after", int, 0)) if action in {_RESUME, _PROBE} else 0
    deliberation_id = _told(fields, "deliberationId", str, "") if action == _RESUME else ""
    return Ask(
        action=action,
        is_streamed=is_streamed,
        reached=Reached(after, deliberation_id),
        has_own_key=has_own_key,
        is_detached=is_detached,
        is_preferred=is_detached and prefers_no_wait(headers),
        _fields=sent,
    )


def read_session(headers: Headers) -> str:
    """Give what the client names to have a runtime session of its own; empty where it names nothing.

    Raises:
        InvalidRequest: it cannot be a name.
    """
    session = headers.get(SESSION_HEADER, "")
    if session and not _SESSION.fullmatch(session):
        raise InvalidRequest(
            f"`{SESSION_HEADER}`: It must be 1 to 256 visible ASCII characters without spaces.", field=SESSION_HEADER
        )
    return session


def _complete_start(sent: Fields, headers: Headers) -> bool:
    """Put into a start's body what its headers say, and a key, so that it can be sent again without running twice.

    Gives whether the client gave the key.
    """
    key = idempotency_key(headers)
    has_key_in_body = sent.get("idempotencyKey", msgspec.Raw(b"null")) != msgspec.Raw(b"null")
    if not has_key_in_body:
        sent["idempotencyKey"] = key or f"gateway-{uuid.uuid4()}"
    # Left out, it would mean the runtime's own session to the container, which is where an owner's work is done.
    sent.setdefault("sessionId", msgspec.Raw(b"null"))
    if prefers_no_wait(headers):
        sent["detached"] = True
    return has_key_in_body or key is not None


def _told(fields: Mapping[str, msgspec.Raw], name: str, kind: type[T], otherwise: T) -> T:
    """Give a field's value; ``otherwise`` where there is none or one of another kind, which the runtime refuses."""
    try:
        return msgspec.json.decode(fields[name], type=kind)
    except (KeyError, msgspec.DecodeError):
        return otherwise


def _is(sent: Fields, name: str, *, otherwise: bool = False) -> bool:
    value = sent.get(name, otherwise)
    return value if isinstance(value, bool) else bytes(value) == b"true"
