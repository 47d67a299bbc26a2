"""The client: one server, its deliberations, and the connections to it."""

from collections.abc import Mapping
from types import TracebackType
from typing import TypedDict, Unpack
from uuid import uuid4

import httpx2
import msgspec

from magisystem.client.address import address_of
from magisystem.client.credentials import Credentials, TokenSource
from magisystem.client.following import Following, Subject
from magisystem.client.patience import Timing, patiently
from magisystem.client.wire import Wire
from magisystem.protocol.fold import DeliberationState, Fold


class Health(msgspec.Struct, frozen=True):
    """What a server says of itself. ``status`` is ``healthy``, in any case of letters, or ``HealthyBusy``."""

    status: str
    service: str = ""
    version: str = ""
    timestamp: str = ""


class Seat(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """One agent of a council that a server has ready. What is ``None`` is left to the server."""

    agent_id: str
    name: str
    role: str
    system_prompt: str
    model: str | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    max_tokens: int | None = None
    enabled: bool = True


class Preset(msgspec.Struct, frozen=True, omit_defaults=True):
    """A council that a server has ready, its own or one that is kept there; ``agents`` in speaking order.

    It can be changed (`msgspec.structs.replace`) and given back as the ``council`` of a request. ``limits`` are in
    seconds, under their names on the wire.
    """

    id: str
    rule: str
    agents: tuple[Seat, ...]
    name: str | None = None
    limits: dict[str, float] | None = None


class _Presets(msgspec.Struct, frozen=True):
    items: tuple[Preset, ...]


class Options(TypedDict, total=False):
    """What can be asked for beside the question: the fields of ``POST /invocations``, nested ones named as there."""

    session_id: str
    council: str | Mapping[str, object] | Preset
    agents: Mapping[str, Mapping[str, object]]
    criteria: Mapping[str, str]
    mode: str
    language: str
    idempotency_key: str


class MagiClient:
    """Speaks to the server at ``url``. An async context manager; leaving it closes every connection, and stops nothing.

    ``url`` is an HTTP URL, or the ARN of a runtime of Amazon Bedrock AgentCore, which is reached at the data plane of
    its region (or at ``AWS_ENDPOINT_URL_BEDROCK_AGENTCORE``, as AWS's SDKs have it). A runtime does everything in a
    microVM of its own for each ``runtime_session``, so a deliberation is found again only under the same one; without
    one, a new one is made. ``wire`` has the requests, for verbs that have no method here.

    ``token`` is an access token, or an async callable that gives one: it is asked when a token is first needed, and
    again when the last one was refused. What it raises comes out of whatever was asked for. ``headers`` go with every
    request. The proxies that the environment names are used, as httpx does.

    Raises:
        AddressInvalid: ``url`` is no address of a server, or ``runtime_session`` is none.
        TokenInvalid: ``token`` can be no token.
    """

    def __init__(
        self,
        url: str,
        *,
        token: str | TokenSource | None = None,
        runtime_session: str | None = None,
        headers: Mapping[str, str] | None = None,
        timing: Timing | None = None,
    ) -> None:
        self._timing = timing or Timing()
        address, credentials = address_of(url, runtime_session), Credentials(token)
        # Unbounded: with a bound, enough open streams would keep a `cancel` from being sent.
        limits = httpx2.Limits(max_connections=None, max_keepalive_connections=20)
        self._http = httpx2.AsyncClient(headers=dict(headers or {}), limits=limits)
        self.wire = Wire(self._http, address, self._timing, credentials)
        self._followings: set[Following] = set()

    async def __aenter__(self) -> "MagiClient":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close every connection; the deliberations go on."""
        for following in tuple(self._followings):
            await following.aclose()
        await self._http.aclose()

    def deliberate(self, question: str, **options: Unpack[Options]) -> Following:
        """Ask a question; the deliberation starts when its events are first asked for.

        It runs once, however often its start has to be repeated: each has an idempotency key of its own.
        """
        return self.convene({"question": question} | {_camel(name): value for name, value in options.items()})

    def convene(self, request: Mapping[str, object]) -> Following:
        """Deliberate on a whole request body of ``POST /invocations``; see `deliberate`."""
        # A session left out would mean the runtime's own to a container of AgentCore, not a new one.
        return self._follow(Subject(request={"idempotencyKey": uuid4().hex, "sessionId": None, **request}))

    def follow(self, deliberation_id: str, after: int = 0) -> Following:
        """Follow a deliberation that runs or has ended, from the event after ``after``."""
        return self._follow(Subject(deliberation_id, after))

    async def get(self, deliberation_id: str) -> DeliberationState:
        """Give a deliberation as its events tell it now.

        Raises:
            ServerUnreachable, ServerRefused: see there.
        """
        # From the events, whose codec takes what a newer server adds; the server's own document is the same fold.
        fold = Fold()
        is_done = False
        while not is_done:
            cursor = fold.cursor
            page = await patiently(lambda: self.wire.page(deliberation_id, fold.cursor, 0), self._timing)
            for each in page.received:
                fold.add(each.event)
            is_done = page.is_done or fold.cursor == cursor
        return fold.state

    async def cancel(self, deliberation_id: str) -> None:
        """Stop a deliberation; when this returns, its terminal event is in the log. One that has ended stays so.

        Raises:
            ServerUnreachable, ServerRefused: see there.
        """
        await patiently(lambda: self.wire.cancel(deliberation_id), self._timing)

    async def delete(self, deliberation_id: str) -> None:
        """Stop a deliberation if it runs, and delete it.

        Tried once: that a repeated one finds nothing could mean that the first one did it, or that there was nothing.

        Raises:
            ServerUnreachable, ServerRefused: see there.
        """
        await self.wire.delete(deliberation_id)

    async def councils(self) -> tuple[Preset, ...]:
        """Give the councils that the server has ready.

        Raises:
            ServerUnreachable, ServerRefused: see there.
        """
        return (await patiently(lambda: self.wire.ask({"action": "councils"}, _Presets), self._timing)).items

    async def ping(self) -> Health:
        """Ask the server how it is, once. A runtime's platform keeps that to itself.

        Raises:
            ServerUnreachable, ServerRefused: see there.
        """
        return await self.wire.ping(Health)

    def _follow(self, subject: Subject) -> Following:
        following = Following(self.wire, self._timing, subject, self._followings.discard)
        self._followings.add(following)
        return following


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
