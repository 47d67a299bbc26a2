"""The Python client of a server elsewhere."""

from magisystem.client.errors import AddressInvalid, ServerRefused, ServerUnreachable, StreamCut
from magisystem.client.stream import Received, cancel, checked_address, stream

__all__ = [
    "AddressInvalid",
    "Received",
    "ServerRefused",
    "ServerUnreachable",
    "StreamCut",
    "cancel",
    "checked_address",
    "stream",
]
