"""The error tree: what its drawing says is what it is."""

import re
from typing import Any

import pytest

from magisystem import errors
from magisystem.errors import (
    IdentityError,
    LimitError,
    LogError,
    MagiError,
    ModelError,
    Overloaded,
    RecordsError,
    RequestError,
    SettingsInvalid,
    UpstreamError,
)


def kinds_below(kind: type[MagiError]) -> list[type[MagiError]]:
    # Only the tree's own: others may derive from it elsewhere.
    below = [each for each in kind.__subclasses__() if each.__module__ == errors.__name__]
    return [found for each in below for found in (each, *kinds_below(each))]


TREE = [MagiError, *kinds_below(MagiError)]
LEAVES = [kind for kind in TREE if not kinds_below(kind)]
BRANCHES: list[type[MagiError]] = [
    SettingsInvalid,
    IdentityError,
    LimitError,
    Overloaded,
    RequestError,
    ModelError,
    LogError,
    UpstreamError,
    RecordsError,
]


def drawn() -> list[tuple[str, int, str]]:
    """Give the module docstring's tree as (name, depth, what it says)."""
    assert errors.__doc__ is not None
    lines = [re.fullmatch(r"    ([│├└─ ]*)(\w+)(?: +(\S.*))?", line) for line in errors.__doc__.splitlines()]
    return [(line[2], len(line[1]) // 4, line[3] or "") for line in lines if line]


def test_the_drawing_shows_every_error_once_under_its_parent() -> None:
    parents: dict[str, str] = {}
    path: list[str] = []
    for name, depth, _ in drawn():
        path[depth:] = [name]
        parents[name] = path[depth - 1] if depth else "Exception"
    assert len(parents) == len(drawn())
    assert parents == {kind.__name__: kind.__bases__[0].__name__ for kind in TREE}


def test_the_drawing_says_what_each_error_but_the_root_means() -> None:
    assert [name for name, _, meaning in drawn() if not meaning] == ["MagiError"]


def test_every_error_of_the_module_stands_in_the_tree() -> None:
    defined = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, BaseException)]
    assert set(defined) == set(TREE)


def test_every_leaf_has_a_code_of_its_own() -> None:
    codes = [kind.code for kind in LEAVES]
    assert len(set(codes)) == len(codes)
    assert MagiError.code not in codes
    assert LogError.code not in codes


@pytest.mark.parametrize("kind", TREE, ids=lambda kind: kind.__name__)
def test_a_code_is_snake_case_and_retryable_is_a_bool(kind: type[MagiError]) -> None:
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", kind.code)
    assert type(kind.retryable) is bool


# Clients, dashboards and recorded logs rely on these. A code is added here, never changed.
CODES = {
    "SettingsInvalid": "settings_invalid",
    "Unauthenticated": "unauthenticated",
    "NotAllowed": "not_allowed",
    "IdentityUnavailable": "identity_unavailable",
    "Overloaded": "overloaded",
    "RateLimited": "rate_limited",
    "TooManyRunning": "too_many_running",
    "SessionNotYours": "session_not_yours",
    "InvalidRequest": "invalid_request",
    "BodyTooLarge": "body_too_large",
    "UnknownAgent": "unknown_agent",
    "UnknownCouncil": "unknown_council",
    "UnknownModel": "unknown_model",
    "ModelUnavailable": "model_unavailable",
    "ModelThrottled": "model_throttled",
    "ModelDenied": "model_denied",
    "ModelNotFound": "model_not_found",
    "ModelRejected": "model_rejected",
    "ModelOverloaded": "model_overloaded",
    "ModelUnreachable": "model_unreachable",
    "ModelStreamCut": "model_stream_cut",
    "ModelFrameCut": "model_frame_cut",
    "ModelFrameCorrupt": "model_frame_corrupt",
    "ModelSilent": "model_silent",
    "ModelLate": "model_late",
    "ModelExhausted": "model_exhausted",
    "ModelWithheld": "model_withheld",
    "ModelFailed": "model_failed",
    "DeliberationNotFound": "deliberation_not_found",
    "DeliberationExists": "deliberation_exists",
    "CursorAhead": "cursor_ahead",
    "Fenced": "fenced",
    "LogUnavailable": "log_unavailable",
    "RuntimeUnreachable": "runtime_unreachable",
    "RuntimeBusy": "runtime_busy",
    "RuntimeThrottled": "runtime_throttled",
    "RuntimeQuotaExceeded": "runtime_quota_exceeded",
    "RuntimeDenied": "runtime_denied",
    "RuntimeNotFound": "runtime_not_found",
    "RuntimeRejected": "runtime_rejected",
    "RuntimeFailed": "runtime_failed",
    "RuntimeUnavailable": "runtime_unavailable",
    "RuntimeLate": "runtime_late",
    "RuntimeUnreadable": "runtime_unreadable",
    "CredentialsMissing": "credentials_missing",
    "SessionNotFound": "session_not_found",
    "RecordsNewer": "records_newer",
    "RecordsUnavailable": "records_unavailable",
}


def test_codes_are_stable() -> None:
    assert {kind.__name__: kind.code for kind in LEAVES}.items() >= CODES.items()


@pytest.mark.parametrize(
    ("error", "fields"),
    [
        (errors.InvalidRequest("m", field="question"), {"field": "question"}),
        (errors.InvalidRequest("m"), {"field": ""}),
        (errors.BodyTooLarge(5), {"limit_bytes": 5, "field": ""}),
        (errors.ModelUnavailable("m", field="model"), {"field": "model"}),
        (errors.ModelThrottled("m", retry_after_s=1.5), {"retry_after_s": 1.5}),
        (errors.ModelThrottled("m"), {"retry_after_s": None}),
        (errors.DeliberationNotFound("d1"), {"deliberation_id": "d1"}),
        (errors.DeliberationExists("d1"), {"deliberation_id": "d1"}),
        (errors.CursorAhead(9, 4), {"cursor": 9, "last_seq": 4}),
        (errors.RuntimeThrottled(retry_after_s=2.0), {"retry_after_s": 2.0}),
        (errors.SessionNotFound("s1"), {"session_id": "s1"}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_error_carries_its_facts_as_fields(error: MagiError, fields: dict[str, Any]) -> None:
    assert {name: getattr(error, name) for name in fields} == fields
    assert error.message == str(error)
    assert error.message


def test_each_branch_can_be_caught_as_one() -> None:
    assert {kind for kind in TREE if kind.__bases__ == (MagiError,)} == set(BRANCHES)
