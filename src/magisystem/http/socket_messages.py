"""What is said on ``/ws``, as bytes: requests in, messages out, cut into frames. Pure; http/socket.py speaks it.

In: one JSON object a text frame, the very bodies of ``POST /invocations`` (`parse_invocation`), each with an optional
``requestId`` of at most 128 characters that its answer repeats. ``stream: false`` and ``detached`` are refused:
a socket streams.

Out: one JSON object a text frame, of at most `FRAME_BYTES`, told apart by ``type``:

============ ============================================================ ==============================================
type         further fields                                               meaning
============ ============================================================ ==============================================
``started``  ``deliberationId``, ``requestId``?                           a start is made; its events from 1 follow
``resumed``  ``deliberationId``, ``after``, ``requestId``?                the events after ``after`` follow; a following
                                                                          of the same deliberation before it is over
``events``   ``deliberationId``, ``events[…]``                            the next events that are there together, each
                                                                          the very bytes of the log
``ended``    ``deliberationId``, ``cursor``                               its log has ended and was sent to the end
``state``    ``deliberationId``, ``state``, ``requestId``?                the answer to ``get`` and ``cancel``
``deleted``  ``deliberationId`` or ``councilId``, ``requestId``?          the answer to ``delete`` and
                                                                          ``delete_council``
``renamed``  ``deliberationId``, ``title``, ``requestId``?                the answer to ``rename``
``page``     ``page{items,nextCursor?}``, ``requestId``?                  the answer to ``list``, ``sessions`` and
                                                                          ``session``
``council``  ``council{…}``, ``requestId``?                               the answer to ``get_council`` and
                                                                          ``put_council``
``councils`` ``councils{items}``, ``requestId``?                          the answer to ``councils``
``models``   ``models{items,default,otherwise}``, ``requestId``?          the answer to ``models``
``probe…``   as in ``magisystem.protocol.probe``, ``requestId``?          ``probe_start``, ``probe`` and ``probe_end``:
                                                                          the answer to ``probe``
``error``    ``error{code,message,retryable,field?,faults?,cursor?,``     what was asked, or following that
             ``retryAfter?}``, ``requestId``?, ``deliberationId``?,       deliberation, failed; the socket stays
             ``cursors``?
``part``     ``index``, ``of``, ``text``                                  a piece of a message over the limit
============ ============================================================ ==============================================

A message over the limit (a long question's ``start``, a ``state``) comes as ``part`` frames, ``index`` 0 to ``of`` - 1,
with no other frame among them: the ``text`` of all of them, joined, is the message. Index 0 always begins a new one,
because a message whose following is replaced or whose socket is ended is not finished.

An ``error`` with ``cursors{deliberationId: seq}`` is the last message before a close: what was sent of each, up to
which everything has arrived when this message has.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

import msgspec
from pydantic_core import from_json, to_json

from magisystem.deliberation.ports import Record
from magisystem.errors import CursorAhead, InvalidRequest, MagiError
from magisystem.http.problems import retry_after

# The most that a WebSocket frame on AgentCore Runtime may hold: 32 KB on its WebSocket page, 64 KB on its quota page.
FRAME_BYTES = 32 * 1024
REQUEST_ID_CHARS = 128

_PART = b'{"type":"part","index":%d,"of":%d,"text":"%b"}'
# What `_PART` takes beside the text, with numbers of up to six digits.
_PART_BYTES = len(_PART) + 6


def opened(text: str) -> tuple[bytes, str | None]:
    """Take the ``requestId`` out of a request: give the body without it, and the id, if there is one.

    What is no JSON object is given back as it is, for `parse_invocation` to say so.

    Raises:
        InvalidRequest: the id is not one.
    """
    body = text.encode()
    if "requestId" not in text:
        return body, None
    try:
        given = from_json(body)
    except ValueError:
        return body, None
    if not isinstance(given, dict) or "requestId" not in given:
        return body, None
    fields = cast("dict[str, Any]", given)
    request_id = fields.pop("requestId")
    if not isinstance(request_id, str) or len(request_id) > REQUEST_ID_CHARS:
        raise InvalidRequest(
            f"`requestId`: It must be text of at most {REQUEST_ID_CHARS} characters.", field="requestId"
        )
    # A NaN must reach the check that refuses it, and not become the null that passes.
    return to_json(fields, inf_nan_mode="constants"), request_id


def events_messages(deliberation_id: str, batch: Sequence[Record]) -> Iterator[tuple[bytes, int]]:
    """Give the messages of a batch, as few as the frame's limit allows, each with the seq of its last event.

    Few, because AgentCore Runtime takes 250 frames a second on a connection, which one event a frame would pass in a
    replay. https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/bedrock-agentcore-limits.html
    """
    head = b'{"type":"events","deliberationId":%b,"events":[' % msgspec.json.encode(deliberation_id)
    room = FRAME_BYTES - len(head) - 2
    gathered: list[bytes] = []
    n_bytes = last_seq = 0
    for record in batch:
        if gathered and n_bytes + len(record.body) > room:
            yield head + b",".join(gathered) + b"]}", last_seq
            gathered, n_bytes = [], 0
        gathered.append(record.body)
        n_bytes += len(record.body) + 1
        last_seq = record.seq
    if gathered:
        yield head + b",".join(gathered) + b"]}", last_seq


def probe_message(body: bytes, request_id: str | None = None) -> bytes:
    """Give the message of an encoded frame of a probe: the frame itself, and the id of the request it answers."""
    if request_id is None:
        return body
    return b'%b,"requestId":%b}' % (body[:-1], msgspec.json.encode(request_id))


def answer_message(
    kind: str, deliberation_id: str | None = None, request_id: str | None = None, **fields: Any
) -> bytes:
    """Give the answer of type ``kind``; a field may be `msgspec.Raw`, JSON already."""
    return msgspec.json.encode({"type": kind, **_ids(deliberation_id, request_id), **fields})


def error_message(
    error: MagiError,
    request_id: str | None = None,
    deliberation_id: str | None = None,
    cursors: Mapping[str, int] | None = None,
) -> bytes:
    """Give the message of an error of ours."""
    fields: dict[str, Any] = {"code": error.code, "message": error.told, "retryable": error.retryable}
    if field := getattr(error, "field", ""):
        fields["field"] = field
    if isinstance(error, InvalidRequest) and len(error.faults) > 1:
        fields["faults"] = [{"field": fault.field, "message": fault.message} for fault in error.faults]
    if isinstance(error, CursorAhead):
        fields["cursor"] = error.last_seq
    if (wait_s := retry_after(error)) is not None:
        fields["retryAfter"] = wait_s
    farewell = {} if cursors is None else {"cursors": cursors}
    return msgspec.json.encode({"type": "error", "error": fields, **_ids(deliberation_id, request_id), **farewell})


def frames(message: bytes) -> Sequence[str]:
    """Cut a message into the frames that carry it: itself, or its parts. Each is of at most `FRAME_BYTES` in UTF-8."""
    if len(message) <= FRAME_BYTES:
        return (message.decode(),)
    pieces = _pieces(msgspec.json.encode(message.decode())[1:-1], FRAME_BYTES - _PART_BYTES)
    return [(_PART % (index, len(pieces), piece)).decode() for index, piece in enumerate(pieces)]


def _pieces(text: bytes, most: int) -> list[bytes]:
    r"""Cut the inside of a JSON string where neither a character nor an escape is torn.

    The string holds JSON, which has no raw control characters: its only escapes are ``\\`` and ``\"``.
    """
    pieces: list[bytes] = []
    start = 0
    while len(text) - start > most:
        end = start + most
        while text[end] & 0xC0 == 0x80:
            end -= 1
        piece = text[start:end]
        if (len(piece) - len(piece.rstrip(b"\\"))) % 2:
            piece = piece[:-1]
        pieces.append(piece)
        start += len(piece)
    return [*pieces, text[start:]]


def _ids(deliberation_id: str | None, request_id: str | None) -> dict[str, str]:
    ids = {"deliberationId": deliberation_id, "requestId": request_id}
    return {name: value for name, value in ids.items() if value is not None}
