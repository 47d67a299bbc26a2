"""Events to JSON and back, exactly inverse, carrying over what this version does not know.

The common case costs one pass of msgspec each way. Only an event with fields or a type of a newer version takes the
slow way, on which those are set apart into ``extra`` (or a whole `Unknown`) and put back when the event is encoded.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, cast, get_args, get_origin

import msgspec

from magisystem.protocol.events import AnyEvent, KnownEvent, Unknown
from magisystem.protocol.values import Value

_encoder = msgspec.json.Encoder()
_strict = msgspec.json.Decoder(KnownEvent)
_loose = msgspec.json.Decoder(dict[str, Any])
_TYPES: dict[str, type[Value]] = {
    cast("str", kind.__struct_config__.tag): cast("type[Value]", kind) for kind in get_args(KnownEvent)
}

# What is decoded deep in the stack must still be encodable deeper in it: msgspec recurses, and shares Python's limit.
MAX_DEPTH = 64

# A field that is really called "" would be taken for `Value.extra`, whose name on the wire it is.
_EMPTY_NAME = re.compile(rb'""\s*:')


_LINE_ENDS = ((b"\xe2\x80\xa8", b"\\u2028"), (b"\xe2\x80\xa9", b"\\u2029"), (b"\xc2\x85", b"\\u0085"))


class MalformedEvent(ValueError):
    """The text is not an event.

    It is no JSON object, a field of a known type has the wrong form, or it nests deeper than `MAX_DEPTH`.
    """


def encode(event: AnyEvent) -> bytes:
    """Give an event's JSON: one line, camelCase, UTF-8, no white space. What `well_formed` mends is written mended."""
    if isinstance(event, Unknown):
        fields = {**event.fields, "seq": event.seq, "timestamp": event.timestamp, "type": event.type}
        return _on_one_line(_encoder.encode(fields))
    return encode_value(event)


def encode_value(value: Value) -> bytes:
    """Give any protocol value's JSON, such as a folded state's."""
    try:
        body = _encoder.encode(value)
    except UnicodeEncodeError:
        body = _encoder.encode(_mended(_flatten(msgspec.to_builtins(value))))
    else:
        if b'"":' in body:
            body = _encoder.encode(_flatten(msgspec.to_builtins(value)))
    return _on_one_line(body)


def _on_one_line(body: bytes) -> bytes:
    """Escape what JSON and SSE allow raw but many line readers (Python's `splitlines`) take for a line's end."""
    if b"\xe2\x80" in body or b"\xc2\x85" in body:
        for raw, escaped in _LINE_ENDS:
            body = body.replace(raw, escaped)
    return body


def well_formed(text: str) -> str:
    """Give ``text`` as UTF-8 can hold it: halves of a surrogate pair that met are joined, a lone one becomes U+FFFD.

    Such halves come from JSON readers that take a lone surrogate as it stands, Python's own among them.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def decode(body: bytes | str) -> AnyEvent:
    """Read an event.

    Raises:
        MalformedEvent: the text is not an event.
    """
    try:
        raw = body.encode() if isinstance(body, str) else body
        if b'""' in raw and _EMPTY_NAME.search(raw):
            return _decode_foreign(raw)
        try:
            return _strict.decode(raw)
        except msgspec.ValidationError:
            return _decode_foreign(raw)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise MalformedEvent(str(error)) from error


def _decode_foreign(raw: bytes) -> AnyEvent:
    fields = _loose.decode(raw)
    if _is_too_deep(fields):
        raise MalformedEvent(f"an event nests at most {MAX_DEPTH} levels")
    name = fields.get("type")
    if not isinstance(name, str):
        raise MalformedEvent("an event needs a `type`")
    if kind := _TYPES.get(name):
        return cast("KnownEvent", msgspec.convert(_set_apart(fields, kind), kind))
    return Unknown(
        seq=msgspec.convert(fields.get("seq"), int),
        timestamp=msgspec.convert(fields.get("timestamp"), str),
        type=name,
        fields=fields,
    )


def _is_too_deep(fields: dict[str, Any]) -> bool:
    level: list[Any] = [fields]
    for _ in range(MAX_DEPTH):
        level = [inner for item in level for inner in _within(item)]
        if not level:
            return False
    return True


def _within(item: Any) -> Iterable[Any]:
    if isinstance(item, dict):
        return cast("dict[str, Any]", item).values()
    return cast("list[Any]", item) if isinstance(item, list) else ()


def _set_apart(fields: dict[str, Any], kind: type[Value]) -> dict[str, Any]:
    """Move the fields that ``kind`` does not have into its ``extra``, all the way down."""
    known = _nested(kind)
    tag = kind.__struct_config__.tag_field
    kept: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    for name, value in fields.items():
        if name == tag:
            kept[name] = value
        elif name not in known:
            extra[name] = value
        elif (inner := known[name]) is None:
            kept[name] = value
        else:
            kept[name] = _set_apart_within(value, inner)
    return {**kept, "": extra} if extra else kept


def _set_apart_within(value: Any, kind: type[Value]) -> Any:
    if isinstance(value, dict):
        return _set_apart(cast("dict[str, Any]", value), kind)
    if isinstance(value, list):
        return [_set_apart_within(item, kind) for item in cast("list[Any]", value)]
    return value


@lru_cache
def _nested(kind: type[Value]) -> dict[str, type[Value] | None]:
    """Map each field's name on the wire to the `Value` within it, if any."""
    return {
        field.encode_name: _value_in(field.type) for field in msgspec.structs.fields(kind) if field.encode_name != ""
    }


def _value_in(annotation: Any) -> type[Value] | None:
    if isinstance(annotation, type) and issubclass(annotation, Value):
        return annotation
    if get_origin(annotation) is None:
        return None
    return next((found for arg in get_args(annotation) if (found := _value_in(arg))), None)


def _flatten(value: Any) -> Any:
    if isinstance(value, dict):
        fields = cast("dict[str, Any]", value)
        extra = cast("dict[str, Any]", fields.pop("", {}))
        return {**{name: _flatten(item) for name, item in fields.items()}, **extra}
    if isinstance(value, (list, tuple)):
        return [_flatten(item) for item in cast("list[Any]", value)]
    return value


def _mended(value: Any) -> Any:
    if isinstance(value, str):
        return well_formed(value)
    if isinstance(value, dict):
        return {well_formed(name): _mended(item) for name, item in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [_mended(item) for item in cast("list[Any]", value)]
    return value
