"""A stand-in for a Function URL of AWS Lambda, and for Lambda's own API, before a stand-in of a function.

Within a test's loop::

    function = Function(adapted(in_process(app), {"AWS_LWA_INVOKE_MODE": "response_stream"}))
    async with FunctionUrl(function, cors=Cors(("https://magi.example.com",))).serving() as url:
        ...  # ask ``url`` as a browser would; `boto3` with the same endpoint invokes the function

Payload format and CORS: https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html and API_Cors.html. Where AWS
is silent the worse of the known reports is taken: what a function sends of CORS beside the configured is not taken out,
so it would come twice; pieces of a stream are cut and joined at random; a stream may end by a reset or, with
``ends_clean``, as if it were whole.
"""

import json
import random
import re
from base64 import b64decode, b64encode
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import h11
import msgspec

from tests.support.bedrock import frame
from tests.support.http1 import Fields, Peer, fields_of, serving
from tests.support.lambda_function import INTEGRATION_RESPONSE, PAYLOAD_BYTES, Function, Invocation, Throttled

__all__ = ["Cors", "FunctionUrl"]

_URL_ID = "mq75dt64puwxk3u6gjw2rhak4m0bcmmi"
_DOMAIN = f"{_URL_ID}.lambda-url.us-east-1.on.aws"
_JSON: Fields = [("content-type", "application/json")]
_HOP_BY_HOP = frozenset({"connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "expect"})
# A function that sets these sees them come out as `x-amzn-remapped-…`: the connection is the front's own matter.
_REMAPPED = frozenset({"connection", "content-length", "date", "www-authenticate"})
_DELIMITER = bytes(8)


@dataclass(frozen=True, slots=True)
class Cors:
    """The CORS configuration of a URL. One that names an origin twice, or allows by ``OPTIONS``, AWS refuses."""

    allow_origins: tuple[str, ...]
    allow_methods: tuple[str, ...] = ("GET", "POST")
    allow_headers: tuple[str, ...] = ("content-type", "authorization")
    expose_headers: tuple[str, ...] = ()
    allow_credentials: bool = False
    max_age_s: int = 0

    def __post_init__(self) -> None:
        # Each item of AllowMethods has at most six characters, which `OPTIONS` has not.
        assert all(len(method) <= len("DELETE") for method in self.allow_methods), self.allow_methods

    def on_answers(self, origin: str) -> Fields:
        """Give what is added to every answer to ``origin``; nothing, if it is not allowed."""
        if "*" not in self.allow_origins and origin not in self.allow_origins:
            return []
        allowed = "*" if "*" in self.allow_origins and not self.allow_credentials else origin
        exposed = [("access-control-expose-headers", ",".join(self.expose_headers))] if self.expose_headers else []
        credentials = [("access-control-allow-credentials", "true")] if self.allow_credentials else []
        return [("access-control-allow-origin", allowed), ("vary", "Origin"), *exposed, *credentials]

    def on_preflight(self, origin: str) -> Fields:
        """Give the answer to a preflight of ``origin``."""
        if not (common := self.on_answers(origin)):
            return []
        return [
            *common,
            ("access-control-allow-methods", ",".join(self.allow_methods)),
            ("access-control-allow-headers", ",".join(self.allow_headers)),
            ("access-control-max-age", str(self.max_age_s)),
        ]


class FunctionUrl:
    """The front of a function: its URL; and Lambda's API at the same address, for SDKs.

    ``n_preflights`` counts what was answered without the function.
    """

    def __init__(
        self,
        function: Function,
        *,
        cors: Cors | None = None,
        is_streaming: bool = True,
        ends_clean: bool = False,
        seed: int = 1,
    ) -> None:
        self.function = function
        self.n_preflights = 0
        self._cors = cors
        self._is_streaming = is_streaming
        self._ends_clean = ends_clean
        self._random = random.Random(seed)

    @asynccontextmanager
    async def serving(self) -> AsyncGenerator[str]:
        """Serve, and give the URL."""
        async with self.function.running(), serving(self._answer) as address:
            yield f"http://{address}"

    async def _answer(self, peer: Peer, request: h11.Request) -> None:
        path = request.target.decode().partition("?")[0]
        if path == f"/2021-11-15/functions/{self.function.name}/response-streaming-invocations":
            await _invoked_by_sdk(peer, self.function)
            return
        fields = fields_of(request.headers)
        origin = fields.get("origin", "")
        is_preflight = request.method == b"OPTIONS" and "access-control-request-method" in fields
        if self._cors and origin and is_preflight:
            self.n_preflights += 1
            await peer.read()
            await peer.answer(200, self._cors.on_preflight(origin))
            return
        added = self._cors.on_answers(origin) if self._cors and origin else []
        body = await peer.read()
        trace_id = _traced(fields)
        event = json.dumps(_event(request, fields, body, trace_id), ensure_ascii=False).encode()
        if len(event) > PAYLOAD_BYTES:
            await peer.answer(413, [*_JSON, *added], b'{"Message":"Request Entity Too Large"}')
            return
        try:
            invocation = await self.function.invoke(event, trace_id)
        except Throttled:
            await peer.answer(429, [*_JSON, *added], b'{"Message":"Rate Exceeded."}')
            return
        await self._passed_back(peer, invocation, added)

    async def _passed_back(self, peer: Peer, invocation: Invocation, added: Fields) -> None:
        pieces = invocation.pieces()
        if not await invocation.answered():
            await peer.answer(502, [*_JSON, *added], b'{"Message":"Internal Server Error"}')
            return
        if not self._is_streaming:
            answer = b"".join([piece async for piece in pieces])
            status, headers, body = _whole(answer)
            await peer.answer(status, [*headers, *added], body)
            return
        status, headers, rest = 200, [("content-type", "application/octet-stream")], b""
        if invocation.content_type == INTEGRATION_RESPONSE:
            held = b""
            while _DELIMITER not in held and (piece := await anext(pieces, None)) is not None:
                held += piece
            prelude, delimiter, rest = held.partition(_DELIMITER)
            if not delimiter:
                await peer.answer(502, [*_JSON, *added], b'{"Message":"Internal Server Error"}')
                return
            status, headers = msgspec.json.decode(prelude, type=_Answer).head()
        await self._stream(peer, h11.Response(status_code=status, headers=[*headers, *added]), rest, invocation)

    async def _stream(self, peer: Peer, head: h11.Response, rest: bytes, invocation: Invocation) -> None:
        """Stream to the client. That it leaves is nothing to the function, which runs to its end."""
        is_there = True
        pieces = invocation.pieces()
        try:
            await peer.send(head, *(h11.Data(data=part) for part in self._cut(rest)))
        except ConnectionError:
            is_there = False
        async for piece in pieces:
            try:
                if is_there:
                    await peer.send(*(h11.Data(data=part) for part in self._cut(piece)))
            except ConnectionError:
                is_there = False
        if invocation.error and not self._ends_clean:
            peer.abort()
        elif is_there:
            await peer.send(h11.EndOfMessage())

    def _cut(self, piece: bytes) -> list[bytes]:
        """Cut where it comes to: no boundary of a chunk outlives Lambda."""
        n_cuts = self._random.randint(0, min(3, len(piece) // 2))
        cuts = sorted(self._random.randrange(1, len(piece)) for _ in range(n_cuts))
        return [piece[start:end] for start, end in zip([0, *cuts], [*cuts, len(piece)], strict=True) if end > start]


async def _invoked_by_sdk(peer: Peer, function: Function) -> None:
    """Answer `InvokeWithResponseStream`: the function's bytes in the frames of an AWS event stream."""
    try:
        invocation = await function.invoke(await peer.read())
    except Throttled:
        refusal: Fields = [*_JSON, ("x-amzn-errortype", "TooManyRequestsException")]
        await peer.answer(429, refusal, b'{"Reason":"ConcurrentInvocationLimitExceeded","message":"Rate Exceeded."}')
        return
    headers = [("content-type", "application/vnd.amazon.eventstream"), ("x-amzn-requestid", invocation.request_id)]
    await invocation.answered()
    await peer.send(h11.Response(status_code=200, headers=[*headers, ("x-amz-executed-version", "$LATEST")]))
    async for piece in invocation.pieces():
        await peer.send(h11.Data(data=frame(_frame_headers("PayloadChunk", "application/octet-stream"), piece)))
    error = invocation.error
    said = {"ErrorCode": error.kind, "ErrorDetails": error.body.decode(errors="replace")} if error else {}
    end = frame(_frame_headers("InvokeComplete", "application/json"), json.dumps(said).encode())
    await peer.send(h11.Data(data=end), h11.EndOfMessage())


def _frame_headers(kind: str, content_type: str) -> dict[str, str]:
    return {":message-type": "event", ":event-type": kind, ":content-type": content_type}


def _event(request: h11.Request, fields: Mapping[str, str], body: bytes, trace_id: str) -> dict[str, Any]:
    """Give a request as a function gets it: payload format 2.0."""
    path, _, query = request.target.decode().partition("?")
    now = datetime.now(UTC)
    headers = {name: value for name, value in fields.items() if name not in _HOP_BY_HOP | {"cookie"}}
    headers |= {
        "host": _DOMAIN,
        "x-forwarded-for": "203.0.113.7",
        "x-forwarded-port": "443",
        "x-forwarded-proto": "https",
        "x-amzn-trace-id": trace_id,
    }
    text, is_base64 = _text(body, fields.get("content-type", ""))
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        **({"cookies": [each.strip() for each in fields["cookie"].split(";")]} if "cookie" in fields else {}),
        "headers": headers,
        "requestContext": {
            "accountId": "anonymous",
            "apiId": _URL_ID,
            "domainName": _DOMAIN,
            "domainPrefix": _URL_ID,
            "http": {
                "method": request.method.decode(),
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "203.0.113.7",
                "userAgent": fields.get("user-agent", ""),
            },
            "requestId": str(uuid4()),
            "routeKey": "$default",
            "stage": "$default",
            "time": now.strftime("%d/%b/%Y:%H:%M:%S +0000"),
            "timeEpoch": int(now.timestamp() * 1_000),
        },
        **({"body": text} if body else {}),
        "isBase64Encoded": is_base64,
    }


def _text(body: bytes, content_type: str) -> tuple[str, bool]:
    """Give a body as it stands in an event: only what is announced as text, and is, stands there as it is."""
    media_type = content_type.partition(";")[0].strip().lower()
    is_announced = media_type.startswith("text/") or media_type in {
        "application/json",
        "application/javascript",
        "application/xml",
    }
    try:
        return (body.decode(), False) if is_announced or not body else (b64encode(body).decode(), True)
    except UnicodeDecodeError:
        return b64encode(body).decode(), True


def _traced(fields: Mapping[str, str]) -> str:
    """Go on with the client's trace, unsampled: a function's tracing is off by default."""
    given = re.search(r"Root=([^;]+)", fields.get("x-amzn-trace-id", ""))
    root = given[1] if given else f"1-{int(datetime.now(UTC).timestamp()):08x}-{uuid4().hex[:24]}"
    return f"Root={root};Parent={uuid4().hex[:16]};Sampled=0;Lineage=1:{uuid4().hex[:8]}:0"


class _Answer(msgspec.Struct, rename="camel"):
    """What a function answers with, whole or as the prelude of a stream."""

    status_code: int
    headers: dict[str, str | list[str]] = {}
    cookies: list[str] = []
    body: str | None = None
    is_base64_encoded: bool = False

    def head(self) -> tuple[int, Fields]:
        headers: Fields = []
        for name, value in self.headers.items():
            outer = f"x-amzn-remapped-{name}" if name.lower() in _REMAPPED else name
            headers += [(outer, each) for each in (value if isinstance(value, list) else [value])]
        return self.status_code, [*headers, *(("set-cookie", cookie) for cookie in self.cookies)]


def _whole(answer: bytes) -> tuple[int, Fields, bytes]:
    """Read what a function gives that is not streamed; what has no ``statusCode`` is a body of JSON itself."""
    try:
        said = msgspec.json.decode(answer, type=_Answer)
    except msgspec.DecodeError:
        return 200, _JSON, answer
    body = said.body or ""
    return *said.head(), b64decode(body) if said.is_base64_encoded else body.encode()
