"""The framing of ``application/vnd.amazon.eventstream``: bytes in, messages out. Pure; knows nothing of Bedrock.

botocore has a decoder too. It drops half a frame at the end of a stream without a word, and is several times slower.

A frame: total length, headers length, CRC-32 of these eight bytes, headers, payload, CRC-32 of all before; big-endian.
Source: https://docs.aws.amazon.com/AmazonS3/latest/API/RESTSelectObjectAppendix.html and botocore/eventstream.py.
"""

import struct
import zlib
from collections.abc import Iterator, Mapping

import msgspec

from magisystem.errors import ModelFrameCorrupt, ModelFrameCut

# Limits of the format, as botocore/eventstream.py has them.
MAX_HEADERS_BYTES = 128 * 1024
MAX_PAYLOAD_BYTES = 24 * 1024 * 1024

_PRELUDE = struct.Struct("!III")
_CRC = struct.Struct("!I")
_U16 = struct.Struct("!H")
_OVERHEAD_BYTES = _PRELUDE.size + _CRC.size

# Header value types and the bytes they take; 6 and 7 state their length, and only 7, a string, is kept.
_FIXED_BYTES = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
_BYTES, _STRING = 6, 7

# A service sends few different header blocks, so each is read once; the bound keeps a hostile one from filling memory.
_MAX_KNOWN_HEADERS = 64


class Message(msgspec.Struct, frozen=True, gc=False):
    """One message: its headers of type string, and its payload."""

    headers: Mapping[str, str]
    payload: bytes


class EventStreamDecoder:
    """Decodes one stream, from its first byte to its last.

    However the bytes are split into chunks, the messages are the same, and so is the error at the first bad frame.
    """

    def __init__(self) -> None:
        # The beginning of a frame that is not whole, and how long it must be for more of it to be read.
        self._begun = bytearray()
        self._needed = _PRELUDE.size
        self._known_headers: dict[bytes, Mapping[str, str]] = {}

    def feed(self, chunk: bytes) -> Iterator[Message]:
        """Give the messages that ``chunk`` completes, in order, as they are asked for; ask for all of them.

        Raises:
            ModelFrameCorrupt: a checksum, length or header is wrong; the messages before it have been given.
        """
        if self._begun:
            self._begun += chunk
            if len(self._begun) < self._needed:
                return
            chunk = bytes(self._begun)
            self._begun.clear()
        at, n_bytes = 0, len(chunk)
        self._needed = _PRELUDE.size
        while n_bytes - at >= _PRELUDE.size:
            total, n_headers, prelude_crc = _PRELUDE.unpack_from(chunk, at)
            # Checked before the rest of the frame is here: a wrong length would have us wait for what never comes.
            _check_prelude(chunk[at : at + 8], prelude_crc, total, n_headers)
            if n_bytes - at < total:
                self._needed = total
                break
            payload_at, crc_at = at + _PRELUDE.size + n_headers, at + total - _CRC.size
            if zlib.crc32(chunk[at:crc_at]) != _CRC.unpack_from(chunk, crc_at)[0]:
                raise ModelFrameCorrupt("The checksum of a frame is wrong.")
            headers = self._headers(chunk[at + _PRELUDE.size : payload_at])
            yield Message(headers, chunk[payload_at:crc_at])
            at += total
        # Once a chunk, not once a frame: a chunk of n frames would otherwise be moved n times.
        self._begun += chunk[at:]

    def whole(self, chunk: bytes) -> Message | None:
        """Give the message of ``chunk`` where it is one frame, as a token's is; where not, it is for `feed`."""
        if self._begun or len(chunk) < _OVERHEAD_BYTES:
            return None
        total, n_headers, _ = _PRELUDE.unpack_from(chunk)
        payload_at, crc_at = _PRELUDE.size + n_headers, len(chunk) - _CRC.size
        if total != len(chunk) or payload_at > crc_at:
            return None
        # The checksum of the prelude is covered by this one.
        if zlib.crc32(chunk[:crc_at]) != _CRC.unpack_from(chunk, crc_at)[0]:
            return None
        return Message(self._headers(chunk[_PRELUDE.size : payload_at]), chunk[payload_at:crc_at])

    def finish(self) -> None:
        """Say that no more bytes come.

        Raises:
            ModelFrameCut: the last frame is not whole.
        """
        if self._begun:
            raise ModelFrameCut(f"The model's stream ended within a frame, {len(self._begun)} bytes into it.")

    def _headers(self, block: bytes) -> Mapping[str, str]:
        headers = self._known_headers.get(block)
        if headers is None:
            headers = _read_headers(block)
            if len(self._known_headers) < _MAX_KNOWN_HEADERS:
                self._known_headers[block] = headers
        return headers


def _check_prelude(lengths: bytes, crc: int, total: int, n_headers: int) -> None:
    if zlib.crc32(lengths) != crc:
        raise ModelFrameCorrupt("The checksum of a frame's prelude is wrong.")
    if n_headers > MAX_HEADERS_BYTES or not 0 <= total - n_headers - _OVERHEAD_BYTES <= MAX_PAYLOAD_BYTES:
        raise ModelFrameCorrupt(f"A frame of {total} bytes with {n_headers} bytes of headers is out of bounds.")


def _read_headers(block: bytes) -> Mapping[str, str]:
    headers: dict[str, str] = {}
    at = 0
    try:
        while at < len(block):
            name_at, value_type_at = at + 1, at + 1 + block[at]
            value_at = value_type_at + 1
            value_type = block[value_type_at]
            if value_type in (_BYTES, _STRING):
                n_value = _U16.unpack_from(block, value_at)[0]
                value_at += _U16.size
            else:
                n_value = _FIXED_BYTES[value_type]
            at = value_at + n_value
            if at > len(block):
                raise ModelFrameCorrupt("A header of a frame is longer than its headers.")
            if value_type == _STRING:
                headers[block[name_at:value_type_at].decode()] = block[value_at:at].decode()
    except (IndexError, KeyError, struct.error, UnicodeDecodeError) as error:
        raise ModelFrameCorrupt("The headers of a frame cannot be read.") from error
    return headers
