"""What the Lambda Web Adapter 1.0.0 does between the Runtime API and a web server, in the same words of configuration.

Read off its source (https://github.com/aws/aws-lambda-web-adapter, `src/lib.rs`) and that of the runtime it is built on
(https://github.com/aws/aws-lambda-rust-runtime, `lambda-http/src/request.rs`, `lambda-runtime/src/requests.rs`). Two
things differ: every request has a connection of its own (there: a pool, 4 s idle), and compression is left out, which
the adapter itself does without where it streams.
"""

import asyncio
import json
import os
import signal
from base64 import b64decode, b64encode
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import h11
from starlette.types import ASGIApp

from tests.support.http1 import Broken, Fields, Peer, connected, fields_of
from tests.support.lambda_function import INTEGRATION_RESPONSE, Bootstrap, Sandbox
from tests.support.serving import listening

_POLL_S = 0.01
_RUNTIME = "/2018-06-01/runtime/"
_STREAMED: Fields = [
    ("transfer-encoding", "chunked"),
    ("lambda-runtime-function-response-mode", "streaming"),
    ("trailer", "Lambda-Runtime-Function-Error-Type"),
    ("trailer", "Lambda-Runtime-Function-Error-Body"),
    ("content-type", INTEGRATION_RESPONSE),
]


@dataclass(frozen=True, slots=True)
class WebServer:
    """A web server that was started: ``address`` is ``host:port``; ``freeze`` and ``thaw`` where it is a process."""

    address: str
    process: asyncio.subprocess.Process | None = None

    def freeze(self) -> None:
        self._send(signal.SIGSTOP)

    def thaw(self) -> None:
        self._send(signal.SIGCONT)

    def _send(self, number: signal.Signals) -> None:
        if self.process and self.process.returncode is None:
            self.process.send_signal(number)


# Starts a web server, which may not be ready yet; leaving it kills that.
Start = Callable[[], AbstractAsyncContextManager[WebServer]]


@dataclass(frozen=True, slots=True)
class AdapterOptions:
    """The adapter's configuration, by the environment variables it reads."""

    readiness_path: str = "/"
    healthy: frozenset[int] = field(default_factory=lambda: frozenset(range(100, 500)))
    base_path: str = ""
    pass_through_path: str = "/events"
    is_streaming: bool = False
    authorization_source: str = ""
    error_statuses: frozenset[int] = frozenset()

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> "AdapterOptions":
        """Read what begins with ``AWS_LWA_``; the port is the web server's own matter here."""
        own = {name.removeprefix("AWS_LWA_"): value for name, value in environ.items() if name.startswith("AWS_LWA_")}
        return cls(
            readiness_path=own.get("READINESS_CHECK_PATH", "/"),
            healthy=_statuses(own.get("READINESS_CHECK_HEALTHY_STATUS", "100-499")),
            base_path=own.get("REMOVE_BASE_PATH", ""),
            pass_through_path=own.get("PASS_THROUGH_PATH", "/events"),
            is_streaming=own.get("INVOKE_MODE", "buffered").lower() == "response_stream",
            authorization_source=own.get("AUTHORIZATION_SOURCE", "").lower(),
            error_statuses=_statuses(own.get("ERROR_STATUS_CODES", "")),
        )


def adapted(start: Start, environ: Mapping[str, str]) -> Bootstrap:
    """Give what runs in an environment where the adapter stands before the web server that ``start`` starts."""
    options = AdapterOptions.of(environ)

    @asynccontextmanager
    async def bootstrap(runtime_api: str) -> AsyncGenerator[Sandbox]:
        async with start() as server:
            adapter = _Adapter(options, server.address, runtime_api)
            tasks = [asyncio.create_task(adapter.run()), asyncio.create_task(adapter.register())]
            try:
                yield server
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    return bootstrap


def in_process(app: Callable[[], AbstractAsyncContextManager[ASGIApp]]) -> Start:
    """Serve an application in the test's own loop. It is not frozen, and a kill cuts its connections only."""

    @asynccontextmanager
    async def start() -> AsyncGenerator[WebServer]:
        async with app() as opened, listening(opened) as url:
            yield WebServer(urlsplit(url).netloc)

    return start


def as_process(argv: Sequence[str], environ: Mapping[str, str], port: int) -> Start:
    """Serve by a process, which is told its port as the adapter's users do: by ``PORT`` and ``AWS_LWA_PORT``."""

    @asynccontextmanager
    async def start() -> AsyncGenerator[WebServer]:
        told = {**environ, "PORT": str(port), "AWS_LWA_PORT": str(port)}
        process = await asyncio.create_subprocess_exec(*argv, env=told)
        try:
            yield WebServer(f"127.0.0.1:{port}", process)
        finally:
            if process.returncode is None:
                os.kill(process.pid, signal.SIGKILL)
            await process.wait()

    return start


class _Adapter:
    def __init__(self, options: AdapterOptions, server: str, runtime_api: str) -> None:
        self._options = options
        self._server = server
        self._runtime_api = runtime_api

    async def register(self) -> None:
        """Register as an extension, which lets Lambda keep the environment until the adapter is done."""
        async with connected(self._runtime_api) as peer:
            body = b'{ "events": [] }'
            head = _request("POST", "/2020-01-01/extension/register", self._runtime_api, body)
            await peer.send(head, h11.Data(data=body), h11.EndOfMessage())
            registered = await peer.response()
            await peer.read()
            identifier = fields_of(registered.headers)["lambda-extension-identifier"]
        async with connected(self._runtime_api) as peer:
            own: Fields = [("lambda-extension-identifier", identifier)]
            head = _request("GET", "/2020-01-01/extension/event/next", self._runtime_api, b"", own)
            await peer.send(head, h11.EndOfMessage())
            await peer.response()

    async def run(self) -> None:
        """Wait until the server is ready, then serve one invocation after the other."""
        is_ready = await self._is_ready()
        while not is_ready:
            await asyncio.sleep(_POLL_S)
            is_ready = await self._is_ready()
        while True:
            await self._serve_one()

    async def _is_ready(self) -> bool:
        try:
            async with connected(self._server) as peer:
                head = _request("GET", self._options.readiness_path, self._server, b"")
                await peer.send(head, h11.EndOfMessage())
                return (await peer.response()).status_code in self._options.healthy
        except ConnectionError:
            return False

    async def _serve_one(self) -> None:
        async with connected(self._runtime_api) as peer:
            await peer.send(_request("GET", f"{_RUNTIME}invocation/next", self._runtime_api, b""), h11.EndOfMessage())
            fields = fields_of((await peer.response()).headers)
            event = json.loads(await peer.read())
        target = f"{_RUNTIME}invocation/{fields['lambda-runtime-aws-request-id']}"
        try:
            async with connected(self._server) as server:
                head, body = self._translated(event, fields)
                await server.send(head, h11.Data(data=body), h11.EndOfMessage())
                answer = await server.response()
                if answer.status_code in self._options.error_statuses:
                    body = (await server.read()).decode(errors="replace")
                    await self._fail(target, json.dumps({"statusCode": answer.status_code, "body": body}))
                else:
                    await self._answer(target, answer, server)
        except ConnectionError as error:
            await self._fail(target, str(error))

    def _translated(self, event: dict[str, Any], fields: Mapping[str, str]) -> tuple[h11.Request, bytes]:
        options = self._options
        context = event.get("requestContext") if isinstance(event.get("requestContext"), dict) else None
        is_http = context is not None and "http" in context
        path, method = (event["rawPath"], context["http"]["method"]) if is_http and context else ("", "POST")
        if options.base_path:
            # As Rust's `trim_start_matches`: as often as it stands there.
            while path.startswith(options.base_path):
                path = path.removeprefix(options.base_path)
        if not is_http:
            path = options.pass_through_path
        text = event.get("body") or ""
        body = b64decode(text) if event.get("isBase64Encoded") else text.encode()
        headers: dict[str, str] = dict(event.get("headers") or {}) if is_http else {}
        if not is_http:
            body = json.dumps(event).encode()
        if trace_id := fields.get("lambda-runtime-trace-id"):
            headers["x-amzn-trace-id"] = trace_id
        if event.get("cookies"):
            headers["cookie"] = ";".join(event["cookies"])
        headers["x-amzn-request-context"] = json.dumps(context, separators=(",", ":"), ensure_ascii=False)
        headers["x-amzn-lambda-context"] = json.dumps(_lambda_context(fields), separators=(",", ":"))
        if options.authorization_source and (given := headers.pop(options.authorization_source, None)) is not None:
            headers["authorization"] = given
        query = event.get("rawQueryString") or ""
        target = (path or "/") + (f"?{query}" if query else "")
        headers.setdefault("host", self._server)
        headers["content-length"] = str(len(body))
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        return h11.Request(method=method, target=target, headers=raw), body

    async def _answer(self, target: str, answer: h11.Response, server: Peer) -> None:
        """Pass the response on; where it breaks, the trailers' text is written into the body, and that ends well."""
        if not self._options.is_streaming:
            await self._post(
                f"{target}/response", _buffered(answer, await server.read()), [("content-type", "application/json")]
            )
            return
        async with connected(self._runtime_api) as peer:
            head = h11.Request(
                method="POST", target=f"{target}/response", headers=[("host", self._runtime_api), *_STREAMED]
            )
            await peer.send(head, h11.Data(data=_prelude(answer)), h11.Data(data=bytes(8)))
            try:
                async for piece in server.body():
                    await peer.send(h11.Data(data=piece))
            except Broken as broken:
                said = b64encode(f"error reading a body from connection: {broken}".encode()).decode()
                trailer = (
                    "Lambda-Runtime-Function-Error-Type: Runtime.StreamError\r\n"
                    f"Lambda-Runtime-Function-Error-Body: {said}\r\n"
                )
                await peer.send(h11.Data(data=trailer.encode()))
            await peer.send(h11.EndOfMessage())
            await peer.response()

    async def _fail(self, target: str, message: str) -> None:
        said = json.dumps({"errorType": "Unhandled", "errorMessage": message}).encode()
        await self._post(f"{target}/error", said, [("lambda-runtime-function-error-type", "unhandled")])

    async def _post(self, target: str, body: bytes, headers: Fields) -> None:
        async with connected(self._runtime_api) as peer:
            head = _request("POST", target, self._runtime_api, body, headers)
            await peer.send(head, h11.Data(data=body), h11.EndOfMessage())
            await peer.response()


def _request(method: str, target: str, host: str, body: bytes, headers: Fields | None = None) -> h11.Request:
    length = [("content-length", str(len(body)))] if method == "POST" else []
    return h11.Request(method=method, target=target, headers=[("host", host), *length, *(headers or [])])


def _lambda_context(fields: Mapping[str, str]) -> dict[str, object]:
    return {
        "request_id": fields["lambda-runtime-aws-request-id"],
        "deadline": int(fields["lambda-runtime-deadline-ms"]),
        "invoked_function_arn": fields["lambda-runtime-invoked-function-arn"],
        "xray_trace_id": fields.get("lambda-runtime-trace-id"),
        "client_context": None,
        "identity": None,
        "env_config": {"function_name": fields["lambda-runtime-invoked-function-arn"].rpartition(":")[2]},
    }


def _sorted_out(answer: h11.Response) -> tuple[dict[str, Any], list[str]]:
    """Give the headers, a list where a name came more than once, and the cookies, which stand by themselves."""
    headers: dict[str, Any] = {}
    cookies: list[str] = []
    for raw_name, raw_value in answer.headers:
        name, value = raw_name.decode().lower(), raw_value.decode("latin-1")
        if name == "set-cookie":
            cookies.append(value)
        elif name != "transfer-encoding":
            kept = headers.get(name)
            headers[name] = value if kept is None else [*(kept if isinstance(kept, list) else [kept]), value]
    return headers, cookies


def _prelude(answer: h11.Response) -> bytes:
    headers, cookies = _sorted_out(answer)
    headers.setdefault("content-type", "application/octet-stream")
    return json.dumps({"statusCode": answer.status_code, "headers": headers, "cookies": cookies}).encode()


def _buffered(answer: h11.Response, body: bytes) -> bytes:
    headers, cookies = _sorted_out(answer)
    try:
        text, is_base64 = body.decode(), False
    except UnicodeDecodeError:
        text, is_base64 = b64encode(body).decode(), True
    said = {"statusCode": answer.status_code, "headers": headers, "cookies": cookies}
    return json.dumps({**said, "body": text, "isBase64Encoded": is_base64}).encode()


def _statuses(text: str) -> frozenset[int]:
    """Read statuses and ranges of them, as in ``500,502-504``."""
    ranges = [part.strip().partition("-") for part in text.split(",") if part.strip()]
    return frozenset(status for low, _, high in ranges for status in range(int(low), int(high or low) + 1))
