"""The Python client of a server elsewhere.

::

    async with MagiClient("http://localhost:8080") as magi:
        async for event in magi.deliberate("Should we move the billing service to Rust?"):
            print(event)
"""

from magisystem.client.address import checked_address, is_runtime, new_runtime_session
from magisystem.client.credentials import TokenSource
from magisystem.client.errors import AddressInvalid, ServerRefused, ServerUnreachable, StreamCut, TokenInvalid
from magisystem.client.following import Following, Notice, NoticeKind
from magisystem.client.magi_client import Health, MagiClient, Options, Preset, Seat
from magisystem.client.patience import Timing
from magisystem.client.received import Received
from magisystem.client.sync import FollowingSync, MagiClientSync

__all__ = [
    "AddressInvalid",
    "Following",
    "FollowingSync",
    "Health",
    "MagiClient",
    "MagiClientSync",
    "Notice",
    "NoticeKind",
    "Options",
    "Preset",
    "Received",
    "Seat",
    "ServerRefused",
    "ServerUnreachable",
    "StreamCut",
    "Timing",
    "TokenInvalid",
    "TokenSource",
    "checked_address",
    "is_runtime",
    "new_runtime_session",
]
