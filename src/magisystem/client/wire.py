"""The requests to a server, and what an answer that is not what was asked for comes to.

All verbs travel in the body of ``POST /invocations``: it is the one path that every platform lets through.
"""

import asyncio
from collections.abc import Mapping
from typing import TypeVar
from urllib.parse import urlsplit

import httpx2
import msgspec

from magisystem.client.errors import AddressInvalid, ServerRefused, ServerUnreachable
from magisystem.client.patience import Timing
from magisystem.client.received import Batch, Dropped, HeldBack, Received
from magisystem.client.stream import EventStream
from magisystem.protocol.codec import MalformedEvent

# Far above any problem body; what else answers with an error may be of any size.
_PROBLEM_BYTES = 64 * 1024
# After this has been reported by the transport below, the server has all of the request.
_SENT = "send_request_body.complete"

T = TypeVar("T")


class _Problem(msgspec.Struct, frozen=True):
    """What is read of an RFC 9457 problem body."""

    detail: str
    code: str
    field: str = ""
    retryable: bool = False


class _Page(msgspec.Struct, frozen=True):
    """The answer to a long-poll; each event in the very bytes of the log."""

    events: list[msgspec.Raw]
    done: bool


class Wire:
    """One server, spoken to over ``http``, which whoever made it closes.

    Every method raises `ServerUnreachable` where no answer came and `ServerRefused` where another one came.
    """

    def __init__(self, http: httpx2.AsyncClient, url: str, timing: Timing) -> None:
        self._http = http
        self._url = checked_address(url)
        self._timing = timing

    async def stream(self, body: Mapping[str, object]) -> EventStream:
        """Ask for a stream and give it once its head has come; whoever asked closes it.

        Raises:
            HeldBack: the head did not come in time after the request had been sent.
        """
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
                        f"{self._url}/invocations",
                        headers=_headers("text/event-stream"),
                        content=msgspec.json.encode(body),
                        timeout=httpx2.Timeout(None, connect=self._timing.connect_s),
                        extensions={"trace": on_progress},
                    )
                )
        except TimeoutError as error:
            raise HeldBack(f"no byte of the stream came in {self._timing.first_byte_s:g} s") from error
        if response.status_code == 200 and _media_type(response) == "text/event-stream":
            return EventStream(response, self._timing, sent_s)
        try:
            raise await _refusal(response)
        finally:
            await response.aclose()

    async def resume(self, deliberation_id: str, after: int) -> EventStream:
        """Ask for a stream of a deliberation from the event after ``after``; see `stream`."""
        return await self.stream(_verb("resume", deliberation_id, after=after))

    async def begin(self, request: Mapping[str, object]) -> str:
        """Start a deliberation and give its id, without waiting for anything it does."""
        answer = await self._ask("POST", "/invocations", {**request, "detached": True})
        return _read(answer, _Begun).deliberation_id

    async def page(self, deliberation_id: str, after: int, wait_s: float) -> Batch:
        """Give what a log holds after ``after``; where that is nothing yet, the server waits ``wait_s`` for something.

        Raises:
            Dropped: what came is no event.
        """
        body = _verb("resume", deliberation_id, after=after, stream=False, wait=wait_s)
        page = _read(await self._ask("POST", "/invocations", body, wait_s=wait_s), _Page)
        try:
            received = [Received.of(bytes(event)) for event in page.events]
        except MalformedEvent as error:
            raise Dropped(f"what came is no event ({error})") from error
        return Batch(received, is_done=page.done)

    async def cancel(self, deliberation_id: str) -> None:
        """Stop a deliberation; its log has its terminal event when this returns."""
        await self._ask("POST", "/invocations", _verb("cancel", deliberation_id))

    async def delete(self, deliberation_id: str) -> None:
        """Stop a deliberation if it runs, and delete it."""
        await self._ask("POST", "/invocations", _verb("delete", deliberation_id))

    async def get(self, path: str, kind: type[T]) -> T:
        """Read what stands at ``path``; fields that ``kind`` does not have are passed over."""
        return _read(await self._ask("GET", path), kind)

    async def _ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        wait_s: float = 0,
    ) -> httpx2.Response:
        """Give a short answer whole."""
        answer_s = wait_s + self._timing.answer_s
        request = self._http.build_request(
            method,
            f"{self._url}{path}",
            headers={**_headers("application/json"), **(headers or {})},
            content=None if body is None else msgspec.json.encode(body),
            timeout=httpx2.Timeout(answer_s, connect=self._timing.connect_s),
        )
        response = await self._send(request)
        try:
            if not response.is_success:
                raise await _refusal(response)
            await response.aread()
        except httpx2.HTTPError as error:
            raise self._unreachable(error) from error
        finally:
            await response.aclose()
        return response

    async def _send(self, request: httpx2.Request) -> httpx2.Response:
        try:
            return await self._http.send(request, stream=True)
        except httpx2.HTTPError as error:
            raise self._unreachable(error) from error

    def _unreachable(self, error: httpx2.HTTPError) -> ServerUnreachable:
        reason = str(error) or type(error).__name__
        return ServerUnreachable(
            f"No server answers at {self._url} ({reason}). `magi serve` starts one.",
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


def checked_address(url: str) -> str:
    """Give the address of a server, without a slash at its end.

    Raises:
        AddressInvalid: it is no HTTP URL.
    """
    try:
        parts = urlsplit(url)
        is_valid = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 80) > 0
        httpx2.URL(url)
    except (ValueError, httpx2.InvalidURL):
        # A port out of range, half an IPv6 address, a character that no address has.
        is_valid = False
    if not is_valid:
        raise AddressInvalid(f"{url!r} is no address of a server; one looks like http://localhost:8080.")
    return url.rstrip("/")


def _verb(action: str, deliberation_id: str, **fields: object) -> dict[str, object]:
    return {"action": action, "deliberationId": deliberation_id, **fields}


def _headers(accept: str) -> dict[str, str]:
    # `identity`: a proxy that compresses a stream holds it back until a block is full.
    return {"accept": accept, "accept-encoding": "identity", "content-type": "application/json"}


def _read(response: httpx2.Response, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(response.content, type=kind)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise _no_such_server(response) from error


async def _refusal(response: httpx2.Response) -> ServerRefused:
    """Give what an answer that is not what was asked for comes to."""
    body = bytearray()
    try:
        async for piece in response.aiter_bytes():
            body += piece
            if len(body) > _PROBLEM_BYTES:
                break
        problem = msgspec.json.decode(body, type=_Problem)
    except (httpx2.HTTPError, msgspec.DecodeError, UnicodeError):
        return _no_such_server(response)
    return ServerRefused(
        problem.detail,
        status=response.status_code,
        refusal=problem.code,
        field=problem.field,
        is_retryable=problem.retryable,
    )


def _no_such_server(response: httpx2.Response) -> ServerRefused:
    what = _media_type(response) or "nothing readable"
    return ServerRefused(
        f"{response.url} answered {response.status_code} with {what}; is that a MAGISystem server?",
        status=response.status_code,
        refusal=f"http_{response.status_code}",
    )


def _media_type(response: httpx2.Response) -> str:
    return response.headers.get("content-type", "").partition(";")[0].strip().lower()
