"""The verbs that are answered with one document, the same on every way they come.

`POST /invocations` has them as bodies, for platforms that let one path through; a socket as messages; people and
browsers as paths. What follows a deliberation is no such verb: it is in http/app.py and http/socket.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

import msgspec

from magisystem.application import Application
from magisystem.council.presets import MAGI
from magisystem.errors import InvalidRequest
from magisystem.http import history
from magisystem.http.proposals import council_fields, kept_council
from magisystem.protocol.codec import encode_value
from magisystem.protocol.history import Renamed
from magisystem.protocol.requests import (
    CancelRequest,
    CouncilRequest,
    CouncilsRequest,
    DeleteCouncilRequest,
    ForgetRequest,
    GetCouncilRequest,
    GetRequest,
    ListRequest,
    ModelsRequest,
    PageRequest,
    PutCouncilRequest,
    RenameRequest,
    SessionRequest,
    SessionsRequest,
)
from magisystem.protocol.values import Value

VerbRequest = (
    CancelRequest
    | GetRequest
    | ForgetRequest
    | RenameRequest
    | ListRequest
    | SessionsRequest
    | SessionRequest
    | CouncilsRequest
    | GetCouncilRequest
    | PutCouncilRequest
    | DeleteCouncilRequest
    | ModelsRequest
)


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
                answering = self.forget(deliberation_id)
            case RenameRequest(deliberation_id=deliberation_id, title=title):
                answering = self.rename(deliberation_id, title)
            case CancelRequest(deliberation_id=deliberation_id):
                answering = self.cancel(deliberation_id)
            case GetRequest(deliberation_id=deliberation_id):
                answering = self.state(deliberation_id)
            case ListRequest():
                answering = self.past(request)
            case SessionsRequest():
                answering = self.sessions(request)
            case SessionRequest(session_id=session_id):
                answering = self.session(session_id, request)
            case CouncilsRequest():
                answering = self.councils()
            case GetCouncilRequest(council_id=council_id):
                answering = self.council(council_id)
            case PutCouncilRequest(council_id=council_id, council=council):
                answering = self.put_council(council_id, council)
            case DeleteCouncilRequest(council_id=council_id):
                answering = self.delete_council(council_id)
            case ModelsRequest():
                answering = self.models()
        return await answering

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

    async def councils(self) -> Answer:
        """Give the presets and the councils that are kept."""
        found = await self.application.councils.listed(self.owner)
        return _fields("councils", {"items": [council_fields(council) for council in found]})

    async def council(self, council_id: str) -> Answer:
        """Give a council."""
        return _fields("council", council_fields(await self.application.councils.get(self.owner, council_id)))

    async def put_council(self, council_id: str, request: CouncilRequest) -> Answer:
        """Keep a council. Fields at fault are named within ``council``."""
        if "id" in request.model_fields_set and request.id != council_id:
            raise InvalidRequest(
                f"`council.id`: It must be {council_id!r}, under which it is to be kept, or be left out.",
                field="council.id",
            )
        for place, seat in enumerate(request.agents):
            if seat.model is not None:
                self.application.catalogue.check(seat.model, field=f"council.agents.{place}.model")
        kept, is_new = await self.application.councils.keep(self.owner, kept_council(request, council_id))
        return _fields("council", council_fields(kept), HTTPStatus.CREATED if is_new else HTTPStatus.OK)

    async def delete_council(self, council_id: str) -> Answer:
        """Delete a council that is kept."""
        await self.application.councils.forget(self.owner, council_id)
        return Answer("deleted", status=HTTPStatus.NO_CONTENT, fields={"councilId": council_id})

    async def models(self) -> Answer:
        """Give what can be used here and what each of the others lacks, and which model an agent gets by default."""
        found = await self.application.catalogue.survey()
        choice = self.application.deliberations.choice
        agent_ids = [*(agent.id for agent in MAGI.agents), *choice.by_agent]
        items = [
            {
                "prefix": provider.prefix,
                "example": provider.example,
                "note": provider.note,
                "usable": provider.reason is None,
                "reason": provider.reason,
            }
            for provider in found
        ]
        default = {agent_id: choice.for_agent(agent_id) for agent_id in agent_ids}
        return _fields("models", {"items": items, "default": default, "otherwise": choice.default})


def _fields(kind: str, fields: Mapping[str, object], status: HTTPStatus = HTTPStatus.OK) -> Answer:
    body = msgspec.json.encode(fields)
    return Answer(kind, body, status, {kind: msgspec.Raw(body)})


def _document(kind: str, value: Value) -> Answer:
    body = encode_value(value)
    return Answer(kind, body, fields={kind: msgspec.Raw(body)})
