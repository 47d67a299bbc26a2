"""The verbs that are answered with one document, the same on every way they come.

`POST /invocations` has them as bodies, for platforms that let one path through; a socket as messages; people and
browsers as paths. What follows a deliberation is no such verb: it is in http/app.py and http/socket.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

import msgspec

from magisystem.application import Application
from magisystem.http import history
from magisystem.protocol.codec import encode_value
from magisystem.protocol.history import Renamed
from magisystem.protocol.requests import (
    CancelRequest,
    ForgetRequest,
    GetRequest,
    ListRequest,
    PageRequest,
    RenameRequest,
)
from magisystem.protocol.values import Value

VerbRequest = CancelRequest | GetRequest | ForgetRequest | RenameRequest | ListRequest


@dataclass(frozen=True, slots=True)
class Answer:
    """What a verb comes to: over HTTP a status and, unless there is nothing to say, a body of JSON.

    ``kind`` and ``fields`` are the type and the further fields of the message that says the same on a socket.
    """

    kind: str
    body: bytes = b""
    status: HTTPStatus = HTTPStatus.OK
    fields: Mapping[str, object] = field(default_factory=dict[str, object])


@dataclass(frozen=True, slots=True)
class Verbs:
    """What ``owner`` can do. Every method raises `MagiError` where it cannot be done; the leaf says what is wrong."""

    application: Application
    owner: str

    async def perform(self, request: VerbRequest) -> Answer:
        """Do what a request's ``action`` says."""
        match request:
            case ForgetRequest(deliberation_id=deliberation_id):
                return await self.forget(deliberation_id)
            case RenameRequest(deliberation_id=deliberation_id, title=title):
                return await self.rename(deliberation_id, title)
            case CancelRequest(deliberation_id=deliberation_id):
                return await self.cancel(deliberation_id)
            case GetRequest(deliberation_id=deliberation_id):
                return await self.state(deliberation_id)
            case ListRequest():
                return await self.past(request)

    async def state(self, deliberation_id: str) -> Answer:
        """Give a deliberation's folded state."""
        return _document("state", await self.application.deliberations.state(deliberation_id, self.owner))

    async def cancel(self, deliberation_id: str) -> Answer:
        """Stop a deliberation."""
        return _document("state", await self.application.deliberations.cancel(deliberation_id, self.owner))

    async def forget(self, deliberation_id: str) -> Answer:
        """Stop a deliberation if it runs, and delete it."""
        await self.application.deliberations.forget(deliberation_id, self.owner)
        return Answer("deleted", status=HTTPStatus.NO_CONTENT)

    async def rename(self, deliberation_id: str, title: str | None) -> Answer:
        """Give a deliberation a title, or take it away."""
        await self.application.deliberations.history.rename(self.owner, deliberation_id, title)
        body = encode_value(Renamed(deliberation_id=deliberation_id, title=title))
        return Answer("renamed", body, fields={"title": title})

    async def past(self, listing: ListRequest) -> Answer:
        """Give a page of the deliberations of the past."""
        return _document("page", await history.page(self.application.deliberations.history, self.owner, listing))

    async def sessions(self, page: PageRequest) -> Answer:
        """Give a page of the sessions."""
        return _document("page", await history.session_page(self.application.deliberations.history, self.owner, page))

    async def session(self, session_id: str, page: PageRequest) -> Answer:
        """Give a page of a session's turns."""
        found = await history.session_turns(self.application.deliberations.history, self.owner, session_id, page)
        return _document("page", found)


def _document(kind: str, value: Value) -> Answer:
    body = encode_value(value)
    return Answer(kind, body, fields={kind: msgspec.Raw(body)})
