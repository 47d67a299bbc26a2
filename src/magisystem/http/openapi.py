"""The OpenAPI document behind ``GET /docs``: requests from their pydantic models, events from their msgspec structs.

The paths are written by hand: one of them takes several bodies, and answers with a stream of events.
"""

from importlib.metadata import version
from typing import Any, cast, get_args

import msgspec
from pydantic import BaseModel, TypeAdapter

from magisystem.http.problems import MEDIA_TYPE
from magisystem.protocol.events import KnownEvent
from magisystem.protocol.fold import DeliberationState
from magisystem.protocol.history import HistoryPage, Renamed, SessionPage, SessionTurns
from magisystem.protocol.probe import Frame
from magisystem.protocol.requests import (
    Action,
    ActionRequest,
    ListRequest,
    PageRequest,
    ProbeRequest,
    StartRequest,
    TitleRequest,
)
from magisystem.protocol.values import LONGEST_WAIT_S

DESCRIPTION = """\
Ask a question that wants a decision. Three sages deliberate at the same time, each streaming, each casting a vote; a
judge rules. `POST /invocations` answers with server-sent events: one frame an event, `id` its seq, `data` its JSON
(the schema **Event** below). Exactly one terminal event (`complete`, `cancelled` or `error`) ends a stream; a body that
ends without one was cut, and is resumed from the last seq.

`WS /ws` takes the same bodies as text frames of JSON, each with an optional `requestId`, and carries several
deliberations at once. What it sends has a `type`: `started` and `resumed` (`deliberationId`, `requestId`, `after`)
before the events of a following; `events` (`deliberationId`, `events`); `ended` (`deliberationId`, `cursor`) after the
last one; `state` (`deliberationId`, `state`, `requestId`), the answer to `get` and `cancel`; `page` (`page`,
`requestId`), the answer to `list`, `sessions` and `session`; `councils` (`councils`); `council` (`council`), the answer
to `get_council` and `put_council`; `models` (`models`); `deleted`; `renamed` (`title`); `probe_start`, `probe` and
`probe_end`, the frames of a probe (the schema **ProbeFrame**), each with the `requestId`; `error`
(`error{code,message,retryable,field}`, `requestId`, `deliberationId`), after which the socket stays. A message over 32
KiB comes as `part` frames (`index` from 0, `of`, `text`), one directly after the other: their texts, joined, are the
message; index 0 always begins a new one. It closes with 1012 where the server stops or the socket is an hour old, and
with 1013 where its reader is too slow, after an `error` of the code `slow_reader` with the `cursors` to resume from;
the deliberations go on.
"""
_REFERENCE = "#/components/schemas/{name}"
_EXAMPLE = {"question": "Should we move the billing service to Rust?"}

Schema = dict[str, Any]


def document() -> Schema:
    """Give the whole of the interface as an OpenAPI document."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "MAGISystem", "description": DESCRIPTION, "version": version("magisystem")},
        "paths": {path: _asking_who(item) if path != "/ping" else item for path, item in _paths().items()},
        "components": {
            "schemas": _schemas(),
            "responses": {
                "Refused": {"description": "A problem", "content": {MEDIA_TYPE: {"schema": _reference("Problem")}}}
            },
            "securitySchemes": {"token": _TOKEN},
        },
    }


_TOKEN: Schema = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "JWT",
    "description": "With `MAGI_AUTH=oidc`: an access or ID token of the issuer. On a socket it may be a subprotocol, "
    "`base64UrlBearerAuthorization.<token in base64url>`, beside the bare `base64UrlBearerAuthorization`.",
}
_METHODS = frozenset({"get", "post", "put", "patch", "delete"})


def _asking_who(item: Schema) -> Schema:
    """Give a path's item with what asking who it is comes to; where nobody is asked, no token is needed."""
    refusals = _refusals("401", "403", "429", "503")
    return {
        name: {**part, "security": [{}, {"token": []}], "responses": {**part["responses"], **refusals}}
        if name in _METHODS
        else part
        for name, part in item.items()
    }


def _schemas() -> Schema:
    state_and_events = (*get_args(KnownEvent), DeliberationState, HistoryPage, Renamed, SessionPage, SessionTurns)
    _, events = msgspec.json.schema_components(state_and_events, ref_template=_REFERENCE)
    _, requests = TypeAdapter.json_schemas(
        [
            ("start", "validation", TypeAdapter(StartRequest)),
            ("action", "validation", TypeAdapter(ActionRequest)),
            ("title", "validation", TypeAdapter(TitleRequest)),
        ],
        ref_template=_REFERENCE.replace("{name}", "{model}"),
    )
    names = [kind.__name__ for kind in get_args(KnownEvent)]
    return {
        "Event": {"oneOf": [_reference(name) for name in names], "discriminator": {"propertyName": "type"}},
        "Problem": _PROBLEM,
        **_probe_frames(),
        **{name: _opened(schema) for name, schema in events.items()},
        **cast("Schema", requests["$defs"]),
    }


def _probe_frames() -> Schema:
    kinds = get_args(Frame)
    _, schemas = msgspec.json.schema_components(kinds, ref_template=_REFERENCE)
    # Renamed, because the union of all of them is what a reader knows as a probe's frame.
    names = {kind.__name__: name for kind, name in zip(kinds, ("ProbeStart", "ProbeFill", "ProbeEnd"), strict=True)}
    return {
        "ProbeFrame": {
            "oneOf": [_reference(name) for name in names.values()],
            "discriminator": {"propertyName": "type"},
        },
        **{names[name]: _opened(schema) for name, schema in schemas.items()},
    }


def _opened(schema: Schema) -> Schema:
    """Allow what a newer writer may add, as every reader of events must; ``extra`` has no name on the wire."""
    properties = {name: part for name, part in schema.get("properties", {}).items() if name}
    opened = {name: part for name, part in schema.items() if name != "additionalProperties"}
    return {**opened, "properties": properties} if properties else opened


_PROBLEM: Schema = {
    "type": "object",
    "description": "RFC 9457. `code` is stable; `field` is the path of the field at fault; `faults` lists all of them.",
    "properties": {
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "detail": {"type": "string"},
        "retryable": {"type": "boolean"},
        "retryAfter": {"type": "integer", "description": "Seconds, as in the header `Retry-After`."},
        "field": {"type": "string"},
        "faults": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
            },
        },
    },
    "required": ["title", "status", "code", "detail"],
}


_PING: Schema = {
    "status": {"type": "string", "const": "healthy"},
    "timestamp": {"type": "string", "format": "date-time"},
    "service": {"type": "string"},
    "version": {"type": "string"},
    "time_of_last_update": {"type": "integer", "description": "Unix second of the last change of status."},
}
_MODELS: Schema = {
    "items": {
        "type": "array",
        "items": {
            "type": "object",
            "properties": {
                "prefix": {
                    "type": "string",
                    "description": "What the names of its models begin with, before the colon.",
                },
                "example": {"type": "string"},
                "note": {"type": ["string", "null"]},
                "usable": {"type": "boolean"},
                "reason": {
                    "type": ["string", "null"],
                    "description": "Where it cannot be used: why, and what mends it.",
                },
            },
            "required": ["prefix", "example", "note", "usable", "reason"],
        },
    },
    "default": {
        "type": "object",
        "description": "By agent id.",
        "additionalProperties": {"type": "string"},
    },
    "otherwise": {"type": "string", "description": "What every other agent gets."},
}


def _page_of(name: str) -> Schema:
    return {
        "events": {"type": "array", "items": _reference(name)},
        "cursor": {"type": "integer"},
        "done": {"type": "boolean", "description": "Whether the last one is among them or before them."},
    }


def _paths() -> Schema:
    by_id = [{"name": "deliberation_id", "in": "path", "required": True, "schema": {"type": "string"}}]
    cursors = [
        {"name": "after", "in": "query", "schema": {"type": "integer", "minimum": 0}},
        {"name": "Last-Event-ID", "in": "header", "schema": {"type": "integer", "minimum": 0}},
    ]
    wait = {
        "name": "wait",
        "in": "query",
        "schema": {"type": "number", "minimum": 0, "maximum": LONGEST_WAIT_S},
    }
    body = {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"anyOf": [_reference(kind.__name__) for kind in (StartRequest, *get_args(Action))]},
                "example": _EXAMPLE,
            }
        },
    }
    invocations = {
        "post": {
            "summary": "Start a deliberation and stream it, or act on one",
            "description": "With `stream: false`, or `Accept: application/json` alone, it waits and answers one "
            "JSON document. With `detached: true`, or `Prefer: respond-async`, a start is "
            "answered at once, with the id alone. With `action` it does the other verbs. A start that the server has "
            "no room for now is refused with 503 `overloaded`, and nothing was begun.",
            "parameters": [
                {
                    "name": "Idempotency-Key",
                    "in": "header",
                    "description": "A repeated start under the same key attaches to the first; see also "
                    "`idempotencyKey` in the body.",
                    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
                },
                {"name": "Prefer", "in": "header", "schema": {"type": "string", "enum": ["respond-async"]}},
            ],
            "requestBody": body,
            "responses": {
                "200": _answer(_STREAM | _STATE),
                "202": _answer(_json_of({"deliberationId": {"type": "string"}})),
                "204": {"description": "Deleted"},
                **_refusals("400", "404", "408", "409", "413", "415", "421", "503"),
            },
        }
    }
    return {
        "/invocations": invocations,
        "/runtimes/{arn}/invocations": _as_agentcore(invocations),
        "/ping": {"get": {"summary": "Health", "responses": {"200": _answer(_json_of(_PING))}}},
        "/probe": _probe(cursors, wait),
        **_councils(),
        "/models": {
            "get": {
                "summary": "Which models can be used here, what each of the others lacks, and which one an agent gets "
                "that nobody names one for",
                "responses": {"200": _answer(_json_of(_MODELS))},
            }
        },
        **_lists(),
        "/deliberations/{deliberation_id}": {
            "parameters": by_id,
            "get": {"summary": "The folded state", "responses": {"200": _answer(_STATE), **_refusals("404")}},
            "patch": {
                "summary": "Give it a title, or with `null` take its title away",
                "requestBody": {"required": True, "content": _json("TitleRequest")},
                "responses": {"200": _answer(_json("Renamed")), **_refusals("400", "404", "413", "415", "503")},
            },
            "delete": {
                "summary": "Stop the work and delete the deliberation, its log and its record",
                "responses": {"204": {"description": "Deleted"}, **_refusals("404", "503")},
            },
        },
        "/deliberations/{deliberation_id}/events": {
            "parameters": [*by_id, *cursors, wait],
            "get": {
                "summary": "Follow from a cursor",
                "description": "With `Accept: application/json` alone it answers one page of what there is after the "
                "cursor, waiting up to `wait` seconds for something.",
                "responses": {
                    "200": _answer(_STREAM | _json_of(_page_of("Event"))),
                    **_refusals("400", "404", "409", "503"),
                },
            },
        },
        "/deliberations/{deliberation_id}/cancel": {
            "parameters": by_id,
            "post": {"summary": "Stop the work", "responses": {"200": _answer(_STATE), **_refusals("404")}},
        },
    }


def _as_agentcore(invocations: Schema) -> Schema:
    arn = {
        "name": "arn",
        "in": "path",
        "required": True,
        "description": "Any, percent-encoded; it is not looked at.",
        "schema": {"type": "string"},
    }
    qualifier = {"name": "qualifier", "in": "query", "schema": {"type": "string"}}
    summary = "The same under the path of AgentCore's data plane, so that its clients can be pointed here"
    return {"parameters": [arn, qualifier], "post": {**invocations["post"], "summary": summary}}


def _probe(cursors: list[Schema], wait: Schema) -> Schema:
    parameters = [
        parameter for parameter in _query(ProbeRequest) if parameter["name"] not in {"after", "stream", "wait"}
    ]
    return {
        "parameters": [*parameters, *cursors, wait],
        "get": {
            "summary": "A probe: frames of no meaning, by whose times a path is measured (`magi doctor`)",
            "description": "With `wait`, or `Accept: application/json` alone, it answers one page of what is due after "
            "the cursor. To go on with a probe on any server: the same parameters, the cursor, and the `startedAt` of "
            "its first frame.",
            "responses": {
                "200": _answer(
                    {"text/event-stream": {"schema": _reference("ProbeFrame")}} | _json_of(_page_of("ProbeFrame"))
                ),
                **_refusals("400", "429"),
            },
        },
    }


def _councils() -> Schema:
    council_id = {"name": "council_id", "in": "path", "required": True, "schema": {"type": "string"}}
    council = _json("CouncilRequest")
    return {
        "/councils": {
            "get": {
                "summary": "The councils there are, presets first, in the form in which a request gives one whole",
                "responses": {
                    "200": _answer(_json_of({"items": {"type": "array", "items": _reference("CouncilRequest")}})),
                    **_refusals("503"),
                },
            }
        },
        "/councils/{council_id}": {
            "parameters": [council_id],
            "get": {"summary": "A council", "responses": {"200": _answer(council), **_refusals("404", "503")}},
            "put": {
                "summary": "Keep a council under an id, in place of what was kept under it",
                "requestBody": {"required": True, "content": council},
                "responses": {
                    "200": _answer(council),
                    "201": {"description": "It is new", "content": council},
                    **_refusals("400", "408", "409", "413", "415", "503"),
                },
            },
            "delete": {
                "summary": "Delete a council that is kept",
                "responses": {"204": {"description": "Deleted"}, **_refusals("404", "409", "503")},
            },
        },
    }


def _lists() -> Schema:
    session_id = {"name": "session_id", "in": "path", "required": True, "schema": {"type": "string"}}
    return {
        path: {
            "parameters": parameters,
            "get": {
                "summary": summary,
                "responses": {"200": _answer(_json(page)), **_refusals("400", *statuses, "503")},
            },
        }
        for path, summary, parameters, page, statuses in (
            ("/deliberations", "Search and list what there was", _query(ListRequest), "HistoryPage", ()),
            ("/sessions", "The conversations, the latest turn first", _query(PageRequest), "SessionPage", ()),
            (
                "/sessions/{session_id}",
                "A conversation's turns, the oldest first",
                [session_id, *_query(PageRequest)],
                "SessionTurns",
                ("404",),
            ),
        )
    }


def _query(kind: type[BaseModel]) -> list[Schema]:
    """Give the parameters of a URL's query that `parse_query` reads as ``kind``."""
    inline = kind.model_json_schema(ref_template=_REFERENCE.replace("{name}", "{model}"))["properties"]
    return [{"name": name, "in": "query", "schema": schema} for name, schema in inline.items() if name != "action"]


def _reference(name: str) -> Schema:
    return {"$ref": _REFERENCE.format(name=name)}


_STREAM: Schema = {"text/event-stream": {"schema": _reference("Event")}}


def _json(name: str) -> Schema:
    return {"application/json": {"schema": _reference(name)}}


_STATE: Schema = _json("DeliberationState")


def _json_of(properties: Schema) -> Schema:
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    return {"application/json": {"schema": schema}}


def _answer(content: Schema) -> Schema:
    return {"description": "As asked", "content": content}


def _refusals(*statuses: str) -> Schema:
    return {status: {"$ref": "#/components/responses/Refused"} for status in statuses}
