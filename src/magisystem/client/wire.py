"""The requests to a server, and what an answer that is not what was asked for comes to.

All verbs travel in the body of ``POST /invocations``: it is the one path that every platform lets through.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

import httpx2
import msgspec

from magisystem.client.address import Address
from magisystem.client.credentials import Credentials
from magisystem.client.errors import ServerRefused, ServerUnreachable
from magisystem.client.patience import Timing
from magisystem.client.received import Batch, Dropped, HeldBack, Received
from magisystem.client.refusals import PROBLEM, media_type, no_such_server, refusal_of, refused_by_body
from magisystem.client.stream import EventStream
from magisystem.protocol.codec import MalformedEvent

# After this has been reported by the transport below, the server has all of the request.
_SENT = "send_request_body.complete"
_UNAUTHENTICATED = 401

T = TypeVar("T")


class _Page(msgspec.Struct, frozen=True):
    """The answer to a long-poll; each event in the very bytes of the log."""

    events: list[msgspec.Raw]
    done: bool


class Wire:
    """One server, spoken to over ``http``, which whoever made it closes.

    A request that is refused for its token is sent once more, if ``credentials`` have another one.

    Every method raises `ServerUnreachable` where no answer came, `ServerRefused` where another one came, `TokenInvalid`
    where there is no usable token, and whatever the source of tokens raises.
    """

    def __init__(
        self, http: httpx2.AsyncClient, address: Address, timing: Timing, credentials: Credentials | None = None
    ) -> None:
        self._http = http
        self._address = address
        self._timing = timing
        self._credentials = credentials or Credentials(None)

    @property
    def is_runtime(self) -> bool:
        """Whether what is asked goes to a runtime session of AgentCore."""
        return self._address.runtime_session is not None

    async def stream(self, body: Mapping[str, object]) -> EventStream:
        """Ask for a stream and give it once its head has come; whoever asked closes it.

        Raises:
            HeldBack: the head did not come in time after the request had been sent.
        """
        return await self._admitted(lambda token: self._streamed(body, token))

    async def _streamed(self, body: Mapping[str, object], token: str | None) -> EventStream:
        loop = asyncio.get_running_loop()
        sent_s = loop.time()
        try:
            async with asyncio.timeout(None) as deadline:

                async def on_progress(name: str, _: object) -> None:
                    nonlocal sent_s
                    if name.endswith(_SENT):
                        sent_s = loop.time()
                        deadline.reschedule(sent_s + self._timing.first_byte_s)

                response = await self._send(
                    self._http.build_request(
                        "POST",
                        self._address.invocations,
                        headers=self._headers("text/event-stream", token),
                        content=msgspec.json.encode(body),
                        timeout=httpx2.Timeout(None, connect=self._timing.connect_s),
                        extensions={"trace": on_progress},
                    )
                )
        except TimeoutError as error:
            raise HeldBack(f"no byte of the stream came in {self._timing.first_byte_s:g} s") from error
        if response.status_code == 200 and media_type(response) == "text/event-stream":
            return EventStream(response, self._timing, sent_s)
        try:
            raise await refusal_of(response)
        finally:
            await response.aclose()

    async def resume(self, deliberation_id: str, after: int) -> EventStream:
        """Ask for a stream of a deliberation from the event after ``after``; see `stream`."""
        return await self.stream(_verb("resume", deliberation_id, after=after))

    async def begin(self, request: Mapping[str, object]) -> str:
        """Start a deliberation and give its id, without waiting for anything it does."""
        return (await self.ask({**request, "detached": True}, _Begun)).deliberation_id

    async def page(self, deliberation_id: str, after: int, wait_s: float) -> Batch:
        """Give what a log holds after ``after``; where that is nothing yet, the server waits ``wait_s`` for something.

        Raises:
            Dropped: what came is no event.
        """
        body = _verb("resume", deliberation_id, after=after, stream=False, wait=wait_s)
        page = _read(await self._answer(body, wait_s), _Page)
        try:
            received = [Received.of(bytes(event)) for event in page.events]
        except MalformedEvent as error:
            raise Dropped(f"what came is no event ({error})") from error
        return Batch(received, is_done=page.done)

    async def cancel(self, deliberation_id: str) -> None:
        """Stop a deliberation; its log has its terminal event when this returns."""
        await self._answer(_verb("cancel", deliberation_id))

    async def delete(self, deliberation_id: str) -> None:
        """Stop a deliberation if it runs, and delete it."""
        await self._answer(_verb("delete", deliberation_id))

    async def ask(self, body: Mapping[str, object], kind: type[T]) -> T:
        """Ask for what ``body`` says; fields of the answer that ``kind`` does not have are passed over."""
        return _read(await self._answer(body), kind)

    async def ping(self, kind: type[T]) -> T:
        """Read how the server is, which needs no token."""
        if not self._address.ping:
            raise ServerRefused(
                f"{self._address.name} is a runtime, whose ping only its platform sees; `councils` is answered.",
                status=404,
                refusal="no_ping",
            )
        return _read(await self._short("GET", self._address.ping, self._headers("application/json", None)), kind)

    async def _answer(self, body: Mapping[str, object], wait_s: float = 0) -> httpx2.Response:
        content = msgspec.json.encode(body)
        return await self._admitted(
            lambda token: self._short(
                "POST", self._address.invocations, self._headers("application/json", token), content, wait_s
            )
        )

    async def _short(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes | None = None, wait_s: float = 0
    ) -> httpx2.Response:
        """Give a short answer whole."""
        answer_s = wait_s + self._timing.answer_s
        timeout = httpx2.Timeout(answer_s, connect=self._timing.connect_s)
        request = self._http.build_request(method, url, headers=headers, content=content, timeout=timeout)
        response = await self._send(request)
        try:
            if not response.is_success or media_type(response) == PROBLEM:
                raise await refusal_of(response)
            await response.aread()
        except httpx2.HTTPError as error:
            raise self._unreachable(error) from error
        finally:
            await response.aclose()
        # Some platforms hand a refusal on as a success, and its media type with it or not.
        if (refused := refused_by_body(response, response.content)) is not None:
            raise refused
        return response

    async def _admitted(self, attempt: Callable[[str | None], Awaitable[T]]) -> T:
        """Give what ``attempt`` gives with the token, or, where that is refused, with another one."""
        token = await self._credentials.token()
        try:
            return await attempt(token)
        except ServerRefused as refused:
            if refused.status != _UNAUTHENTICATED:
                raise
            renewed = await self._credentials.renewed(token)
            if renewed is None:
                raise
        return await attempt(renewed)

    def _headers(self, accept: str, token: str | None) -> dict[str, str]:
        # `identity`: a proxy that compresses a stream holds it back until a block is full.
        headers = {"accept": accept, "accept-encoding": "identity", "content-type": "application/json"}
        bearer = {} if token is None else {"authorization": f"Bearer {token}"}
        return {**headers, **self._address.headers, **bearer}

    async def _send(self, request: httpx2.Request) -> httpx2.Response:
        try:
            return await self._http.send(request, stream=True)
        except httpx2.HTTPError as error:
            raise self._unreachable(error) from error

    def _unreachable(self, error: httpx2.HTTPError) -> ServerUnreachable:
        reason = str(error) or type(error).__name__
        # Elsewhere it is no server of this machine's that is missing.
        mend = " `magi serve` starts one." if self._address.is_here else ""
        return ServerUnreachable(
            f"No server answers at {self._address.name} ({reason}).{mend}",
            may_be_begun=not isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout),
        )


class Polls:
    """Reads a log by long-polls: a `Transport` that nothing on the way can hold back."""

    def __init__(self, wire: Wire, deliberation_id: str, timing: Timing) -> None:
        self._wire = wire
        self._deliberation_id = deliberation_id
        self._timing = timing

    async def read(self, after: int) -> Batch:
        """See `Transport.read`."""
        batch = await self._wire.page(self._deliberation_id, after, self._timing.poll_wait_s)
        if not batch.received and not batch.is_done:
            # So that what answers without waiting, as something on the way may, is not asked without a pause.
            await asyncio.sleep(self._timing.back_off_s)
        return batch

    async def aclose(self) -> None:
        """See `Transport.aclose`; between two polls there is nothing to let go of."""


class _Begun(msgspec.Struct, frozen=True, rename="camel"):
    deliberation_id: str


def _verb(action: str, deliberation_id: str, **fields: object) -> dict[str, object]:
    return {"action": action, "deliberationId": deliberation_id, **fields}


def _read(response: httpx2.Response, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(response.content, type=kind)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise no_such_server(response) from error
