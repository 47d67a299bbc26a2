"""The connection to Amazon Bedrock: one client a process, shared by every speech, and the streams opened through it.

Owns the client, the pool of connections and the reading of what comes over them. Does not know Strands; does not retry:
botocore's own retries are off, so that every wait is visible to the caller.
"""

import asyncio
import base64
import os
from collections import deque
from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from importlib import import_module
from itertools import groupby
from typing import TYPE_CHECKING, Any, Protocol, cast

import msgspec

from magisystem.errors import ModelError, ModelFrameCorrupt, ModelSilent, ModelStreamCut, ModelUnavailable
from magisystem.models.bedrock.eventstream import EventStreamDecoder, Message

if TYPE_CHECKING:
    import aiohttp

# botocore's default of 10 would make the eleventh stream wait for another to end.
MAX_CONNECTIONS = 2000
# Nothing of a credentials chain should take longer; an instance's metadata service is asked for 1 s, once, by default.
CREDENTIALS_TIMEOUT_S = 10.0
# How long "not usable" is believed: a council asks for each of its agents at once, and each look may cost seconds.
UNUSABLE_FOR_S = 5.0
# What is decoded at once. A frame of a few letters is some 200 bytes long, and 700 once it is a dict.
READ_BYTES = 64 * 1024

_SERVICE = "bedrock-runtime"
_RAW_BODY = "magisystem.raw-body"
_EVENTS = frozenset(
    {"messageStart", "contentBlockStart", "contentBlockDelta", "contentBlockStop", "messageStop", "metadata"}
)

Event = dict[str, dict[str, Any]]


class _Client(Protocol):
    """What is used of an aiobotocore client, which has no types."""

    @property
    def meta(self) -> Any: ...
    async def converse_stream(self, **request: Any) -> dict[str, Any]: ...


class _Session(Protocol):
    """What is used of an aiobotocore session, which has no types."""

    async def get_credentials(self) -> object | None: ...
    def get_config_variable(self, logical_name: str) -> str | None: ...
    def get_component(self, name: str) -> Any: ...
    def create_client(self, service_name: str, *, region_name: str | None, config: Any) -> Any: ...


# botocore's names for its sources, where they say too little.
_METHODS = {
    "env": "the environment (AWS_ACCESS_KEY_ID)",
    "shared-credentials-file": "the credentials file",
    "config-file": "the config file",
    "iam-role": "the instance's role",
    "container-role": "the container's role",
    "assume-role": "a role that is assumed",
    "assume-role-with-web-identity": "a role by web identity",
    "sso": "IAM Identity Center (SSO)",
    "custom-process": "a program (credential_process)",
}


@dataclass(frozen=True, slots=True)
class Sources:
    """Where what is needed to call Bedrock comes from.

    ``is_redirected`` where the endpoint is none of AWS's, as with a stand-in.
    """

    region: str
    credentials: str
    endpoint: str
    is_redirected: bool


class Conversation:
    """One open response of ConverseStream.

    Iterating gives its events as they come, in botocore's shape (``{"contentBlockDelta": {…}}``): blobs are bytes,
    padding is gone, events of unknown types are left out, and the text that has come together is one delta. It ends
    normally only after ``messageStop`` and ``metadata``.

    Raises:
        ModelError: while iterating; every way of failing has its leaf.
    """

    def __init__(self, body: "aiohttp.ClientResponse") -> None:
        self._body = body
        self._decoder = EventStreamDecoder()
        self._events: deque[Event] = deque()
        # What is wrong with the stream after these events.
        self._failure: ModelError | None = None
        self._missing = {"messageStop", "metadata"}

    def __aiter__(self) -> "Conversation":
        return self

    # Not a generator: one that is left suspended is closed at some later time by a task of the loop's own.
    async def __anext__(self) -> Event:
        while not self._events:
            if self._failure is not None:
                raise self._failure
            chunk = await self._chunk()
            if not chunk:
                self._check_end()
                raise StopAsyncIteration
            self._events.extend(_merged(self._read(chunk)))
        event = self._events.popleft()
        self._missing -= event.keys()
        return event

    def close(self) -> None:
        """Close the connection if the response has not ended, so that Bedrock stops generating. Idempotent.

        A response that was read to its end has given its connection back to the pool already.
        """
        self._body.close()

    async def _chunk(self) -> bytes:
        import aiohttp

        try:
            return await self._body.content.read(READ_BYTES)
        except TimeoutError as error:
            raise ModelSilent("Bedrock's stream went silent.") from error
        except (aiohttp.ClientError, OSError) as error:
            raise ModelStreamCut(f"The connection to Bedrock broke ({type(error).__name__}).") from error

    def _read(self, chunk: bytes) -> Iterator[Event]:
        try:
            for message in self._decoder.feed(chunk):
                if (event := _event(message)) is not None:
                    yield event
        except ModelError as error:
            self._failure = error

    def _check_end(self) -> None:
        self._decoder.finish()
        if self._missing:
            raise ModelStreamCut(f"Bedrock's stream ended without {' and '.join(sorted(self._missing))}.")


class BedrockRuntime:
    """Opens streams on Amazon Bedrock.

    Region, credentials, profile, endpoint and proxies are found the AWS way, whichever of AWS_PROFILE, AWS_REGION,
    AWS_ENDPOINT_URL_BEDROCK_RUNTIME, AWS_BEARER_TOKEN_BEDROCK, config files, roles and SSO are in place.

    Args:
        region: instead of the one the environment names.
        profile: instead of the one the environment names.
        connect_timeout_s: how long a connection may take to open.
        read_timeout_s: how long the connection may be silent. Above the deliberation's own limit on silence, which acts
            first and says more; this one is the net below it.
    """

    def __init__(
        self,
        region: str | None = None,
        profile: str | None = None,
        *,
        connect_timeout_s: float = 5.0,
        read_timeout_s: float = 120.0,
    ) -> None:
        self._region = region
        self._profile = profile
        self._timeouts_s = (connect_timeout_s, read_timeout_s)
        self._opening = asyncio.Lock()
        self._session: _Session | None = None
        self._client: _Client | None = None
        self._closing = AsyncExitStack()
        self._unusable: tuple[str, float] | None = None

    @asynccontextmanager
    async def converse(self, request: Mapping[str, Any]) -> AsyncGenerator[Conversation, None]:
        """Send a ConverseStream request and give its response; leaving closes what has not ended.

        Args:
            request: the request's fields, ``modelId`` among them, as boto3's ``converse_stream`` takes them.

        Raises:
            ModelError: on entering; the leaf says what failed. Cancelling while entering leaves no connection behind.
        """
        conversation = await self._open(request)
        try:
            yield conversation
        finally:
            conversation.close()

    async def reason_unusable(self) -> str | None:
        """Say in a sentence what is missing to call Bedrock from here, or ``None``.

        Nothing is called but the sources of credentials; whether they are accepted, and for what, only a call tells.
        """
        async with self._opening:
            return await self._reason_unusable()

    async def sources(self) -> Sources:
        """Tell where what is needed comes from, once `reason_unusable` has found nothing missing. No values of it.

        Raises:
            ModelError: the client cannot be made; the leaf says why.
        """
        from botocore import utils as botocore_utils

        session = self._opened_session()
        if cast("Any", botocore_utils).get_token_from_environment("bedrock"):
            credentials = "AWS_BEARER_TOKEN_BEDROCK"
        else:
            async with asyncio.timeout(CREDENTIALS_TIMEOUT_S):
                found = await session.get_credentials()
            method = str(getattr(found, "method", "an unknown source"))
            credentials = _METHODS.get(method, method)
        region = self._found_region(session) or ""
        endpoint = str((await self._opened_client()).meta.endpoint_url)
        is_redirected = not endpoint.endswith((".amazonaws.com", ".amazonaws.com.cn"))
        return Sources(region, credentials, endpoint, is_redirected)

    async def aclose(self) -> None:
        """Close the client and every connection. Idempotent; a later call opens a new client."""
        async with self._opening:
            self._client = None
            await self._closing.aclose()

    async def _open(self, request: Mapping[str, Any]) -> Conversation:
        client = await self._opened_client()
        from magisystem.models.bedrock.failures import OPENING_FAILURES, translated

        try:
            response = await client.converse_stream(**request)
        except OPENING_FAILURES as error:
            raise translated(error) from error
        return Conversation(response[_RAW_BODY])

    async def _opened_client(self) -> _Client:
        if self._client is None:
            async with self._opening:
                if self._client is None:
                    if reason := await self._reason_unusable():
                        raise ModelUnavailable(reason)
                    self._client = await self._new_client(self._opened_session())
        return self._client

    async def _new_client(self, session: _Session) -> _Client:
        from aiobotocore.config import AioConfig

        from magisystem.models.bedrock.failures import OPENING_FAILURES, translated

        connect_timeout_s, read_timeout_s = self._timeouts_s
        config = AioConfig(
            connect_timeout=connect_timeout_s,
            read_timeout=read_timeout_s,
            max_pool_connections=MAX_CONNECTIONS,
            retries={"total_max_attempts": 1, "mode": "standard"},
            warm_up_loader_caches=True,  # reads the service's description off the loop
        )
        try:
            client = await self._closing.enter_async_context(
                session.create_client(_SERVICE, region_name=self._found_region(session), config=config)
            )
        except OPENING_FAILURES as error:
            raise translated(error) from error
        except ValueError as error:
            raise ModelUnavailable("AWS_ENDPOINT_URL_BEDROCK_RUNTIME or AWS_ENDPOINT_URL is not a URL.") from error
        client.meta.events.register(f"after-call.{_SERVICE}.ConverseStream", _hand_over_raw_body)
        return cast("_Client", client)

    async def _reason_unusable(self) -> str | None:
        if self._client is not None:
            return None
        now = asyncio.get_running_loop().time()
        if self._unusable is not None and now < self._unusable[1]:
            return self._unusable[0]
        reason = await self._missing()
        # The session keeps the credentials it found, so a good answer needs no keeping here. It also keeps the config
        # files as it read them: where something was missing, the next look must read them anew.
        if reason:
            self._session = None
            self._unusable = (reason, asyncio.get_running_loop().time() + UNUSABLE_FOR_S)
        return reason

    async def _missing(self) -> str | None:
        # The SDK's import takes a third of a second, which on the loop would hold up every stream.
        await asyncio.to_thread(import_module, "aiobotocore.session")
        from botocore import utils as botocore_utils

        from magisystem.models.bedrock.failures import NO_CREDENTIALS, NO_REGION, OPENING_FAILURES, translated

        try:
            session = self._opened_session()
            if not self._found_region(session):
                return NO_REGION
            if cast("Any", botocore_utils).get_token_from_environment("bedrock"):
                # The token is all that is sent, so an instance's metadata service need not be waited for.
                session.get_component("credential_provider").remove("iam-role")
                return None
            async with asyncio.timeout(CREDENTIALS_TIMEOUT_S):
                return None if await session.get_credentials() else NO_CREDENTIALS
        except TimeoutError:
            return (
                f"AWS credentials did not come within {CREDENTIALS_TIMEOUT_S:g} s. Check the profile's source of them."
            )
        except OPENING_FAILURES as error:
            return translated(error).message

    def _opened_session(self) -> _Session:
        if self._session is None:
            from aiobotocore.session import AioSession

            self._session = cast("_Session", AioSession(profile=self._profile))
        return self._session

    def _found_region(self, session: _Session) -> str | None:
        # botocore reads AWS_DEFAULT_REGION only. AWS_REGION is what AWS's runtimes set and its other SDKs read first.
        # https://docs.aws.amazon.com/sdkref/latest/guide/feature-region.html
        return self._region or os.environ.get("AWS_REGION") or session.get_config_variable("region")


def _hand_over_raw_body(http_response: Any, parsed: dict[str, Any], **_: Any) -> None:
    """Put the raw HTTP response beside the parsed one.

    botocore's decoder hides behind ``parsed["stream"]``, drops half a frame at the end without a word, and is several
    times slower than ours. The ``after-call`` event is botocore's documented place to see the raw response; the other
    way to it, the stream's ``_raw_stream``, is private. ``parsed`` is the very dict that the call returns.
    """
    parsed[_RAW_BODY] = http_response.raw


_decode_payload = msgspec.json.Decoder(dict[str, Any]).decode


def _event(message: Message) -> Event | None:
    headers = message.headers
    name = headers.get(":event-type")
    if headers.get(":message-type") != "event":
        raise _stream_failure(message)
    if name not in _EVENTS:
        return None
    content = _decoded(message.payload)
    # Padding of random length, so that the sizes of packets do not betray the text; no part of the event.
    content.pop("p", None)
    if name == "contentBlockDelta":
        _decode_blob(content)
    return {name: content}


def _merged(events: Iterable[Event]) -> Iterator[Event]:
    """Give ``events`` with the text that goes on within a block as one delta.

    It comes together where a model is faster than whoever reads it, and then each delta is dear: Strands copies, at
    every one of them, all that the block has said so far, which for 1 MiB of tokens is 100 GiB.
    """
    for place, run in groupby(events, _place_of_text):
        if place is None:
            yield from run
            continue
        first, *rest = run
        if rest:
            _text_holder(first)["text"] = "".join(_text_holder(event)["text"] for event in (first, *rest))
        yield first


def _place_of_text(event: Event) -> tuple[int, str] | None:
    """Give the block and the kind of a delta's text; ``None`` for every other event."""
    match event:
        case {"contentBlockDelta": {"contentBlockIndex": block, "delta": {"text": str()}}}:
            return block, "text"
        case {"contentBlockDelta": {"contentBlockIndex": block, "delta": {"reasoningContent": {"text": str()}}}}:
            return block, "reasoning"
        case _:
            return None


def _text_holder(event: Event) -> dict[str, Any]:
    delta = event["contentBlockDelta"]["delta"]
    return delta.get("reasoningContent", delta)


def _decode_blob(content: dict[str, Any]) -> None:
    reasoning = content.get("delta", {}).get("reasoningContent")
    if reasoning and "redactedContent" in reasoning:
        try:
            reasoning["redactedContent"] = base64.b64decode(reasoning["redactedContent"])
        except ValueError as error:
            raise ModelFrameCorrupt("The redacted reasoning in a frame is no base64.") from error


def _decoded(payload: bytes) -> dict[str, Any]:
    try:
        return _decode_payload(payload)
    except msgspec.DecodeError as error:
        raise ModelFrameCorrupt("The payload of a frame is no JSON object.") from error


def _stream_failure(message: Message) -> ModelError:
    from magisystem.models.bedrock.failures import reported

    headers = message.headers
    if headers.get(":message-type") == "error":
        return reported(headers.get(":error-code", ""), headers.get(":error-message", ""))
    content = _decoded(message.payload) if message.payload else {}
    text = content.get("message") or content.get("Message") or content.get("originalMessage") or ""
    return reported(headers.get(":exception-type", ""), str(text))
