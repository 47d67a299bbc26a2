"""Cursors of pages: where one ended, in a form that says nothing to whoever holds it and is checked when it returns."""

import base64
import binascii
from typing import Annotated, TypeVar

import msgspec

from magisystem.errors import InvalidRequest

T = TypeVar("T")

# No larger number can be compared with in SQLite and PostgreSQL.
_Ms = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]


class EntryCursor(msgspec.Struct, frozen=True, array_like=True, tag="e", forbid_unknown_fields=True):
    """The last entry of a page."""

    started_ms: _Ms
    deliberation_id: str


class SessionCursor(msgspec.Struct, frozen=True, array_like=True, tag="s", forbid_unknown_fields=True):
    """The last session of a page, and the moment as of which the sessions are being read."""

    as_of_ms: _Ms
    last_ms: _Ms
    session_id: str


def given(cursor: EntryCursor | SessionCursor) -> str:
    """Give a cursor as it is given out."""
    return base64.urlsafe_b64encode(msgspec.json.encode(cursor)).rstrip(b"=").decode()


def taken(cursor: str, kind: type[T]) -> T:
    """Read a cursor that was given out.

    Raises:
        InvalidRequest: it is none of that kind.
    """
    try:
        body = base64.b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        return msgspec.json.decode(body, type=kind)
    except (UnicodeError, binascii.Error, msgspec.DecodeError) as error:
        raise InvalidRequest("`cursor`: It must be the `nextCursor` of an earlier page.", field="cursor") from error
