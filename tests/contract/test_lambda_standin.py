"""The stand-in of Lambda is like the real one: AWS's own clients understand it, and its limits are Lambda's."""

import asyncio
import json
import os
import sys
from base64 import b64decode, b64encode
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import boto3
import h11
import httpx2
import pytest
from botocore.config import Config
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp
from tests.support.http1 import connected, fields_of
from tests.support.lambda_adapter import WebServer, adapted, in_process
from tests.support.lambda_function import Bootstrap, Function, Sandbox
from tests.support.lambda_url import Cors, FunctionUrl

STREAMING = {"AWS_LWA_INVOKE_MODE": "response_stream", "AWS_LWA_READINESS_CHECK_PATH": "/ping"}
HANDLER = """
import os

def handle(event, context):
    if event["rawPath"] == "/fail":
        raise ValueError("as asked")
    said = {
        "event": event,
        "arn": context.invoked_function_arn,
        "left_ms": context.get_remaining_time_in_millis(),
        "trace": os.environ["_X_AMZN_TRACE_ID"],
    }
    if event["rawPath"] == "/bare":
        return said
    return {"statusCode": 201, "headers": {"x-own": "1"}, "cookies": ["a=1", "b=2"], "body": str(event.get("body"))}
"""


@asynccontextmanager
async def asking(url: FunctionUrl) -> AsyncGenerator[httpx2.AsyncClient]:
    async with url.serving() as address, httpx2.AsyncClient(base_url=address, timeout=20) as http:
        yield http


def runtime_client(folder: Path) -> Bootstrap:
    """Give AWS's own runtime interface client for Python, as its images start it."""
    folder.joinpath("own.py").write_text(HANDLER)

    @asynccontextmanager
    async def bootstrap(runtime_api: str) -> AsyncGenerator[Sandbox]:
        environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
            "AWS_LAMBDA_RUNTIME_API": runtime_api,
            "LAMBDA_TASK_ROOT": str(folder),
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
            "PYTHONPATH": str(folder),
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "awslambdaric", "own.handle", cwd=folder, env=environ
        )
        try:
            yield WebServer("", process)
        finally:
            process.kill()
            await process.wait()

    return bootstrap


async def test_awss_own_runtime_client_gets_its_events_and_is_understood(tmp_path: Path) -> None:
    function = Function(runtime_client(tmp_path))
    async with asking(FunctionUrl(function, is_streaming=False)) as http:
        answer = await http.post("/a/b", content="賛成", headers={"content-type": "text/plain; charset=utf-8"})
        assert (answer.status_code, answer.text, answer.headers["x-own"]) == (201, "賛成", "1")
        assert answer.headers.get_list("set-cookie") == ["a=1", "b=2"]
        asked = {"cookie": "c=3; d=4", "x-many": "1", "X-Amzn-Trace-Id": "Root=1-5759e988-bd862e3fe1be46a994272793"}
        said = (await http.get("/bare?q=%E8%B3%9B&q=2", headers=asked)).json()
        failed = await http.get("/fail")
    event = said["event"]
    assert (event["version"], event["rawPath"], event["rawQueryString"]) == ("2.0", "/bare", "q=%E8%B3%9B&q=2")
    assert event["cookies"] == ["c=3", "d=4"]
    assert event["headers"]["x-many"] == "1"
    assert event["headers"]["host"] == event["requestContext"]["domainName"]
    assert "body" not in event
    assert said["trace"].startswith("Root=1-5759e988-bd862e3fe1be46a994272793;")
    assert said["trace"].partition(";Sampled=")[2].startswith("0")
    assert said["arn"] == function.arn
    assert 0 < said["left_ms"] <= 900_000
    assert failed.status_code == 502
    error = function.invocations[-1].error
    assert error is not None
    assert json.loads(error.body)["errorMessage"] == "as asked"
    # One after the other: they never needed a second environment.
    assert len(function.invocations) == 3


# --- What the adapter makes of it -----------------------------------------------------------------------------------


class Site:
    """A web server that tells what it was asked, and streams as it is told."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()
        self.begun = asyncio.Event()
        self.n_pieces = 0
        self.pings = [500, 500, 200]
        self.app = Starlette(
            routes=[
                Route("/ping", self.ping),
                Route("/stream", self.stream),
                Route("/{path:path}", self.echo, methods=["GET", "POST", "OPTIONS"]),
            ]
        )

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[ASGIApp]:
        yield self.app

    async def ping(self, _: Request) -> Response:
        return Response(status_code=self.pings.pop(0) if len(self.pings) > 1 else self.pings[0])

    async def echo(self, request: Request) -> Response:
        said = {
            "method": request.method,
            "target": str(request.url).partition(request.url.netloc)[2],
            "headers": dict(request.headers),
            "body": b64encode(await request.body()).decode(),
        }
        answer = JSONResponse(said, headers={"access-control-allow-origin": "from-the-function"})
        answer.set_cookie("a", "1")
        answer.set_cookie("b", "2")
        return answer

    async def stream(self, request: Request) -> Response:
        async def pieces() -> AsyncGenerator[bytes]:
            yield b"first\n"
            self.begun.set()
            await self.go_on.wait()
            for _ in range(3):
                self.n_pieces += 1
                yield b"more\n"
            if "break" in request.query_params:
                raise ConnectionAbortedError
            yield b"last\n"

        return StreamingResponse(pieces(), headers={"content-type": "text/plain"})


def gateway_like(site: Site, environ: dict[str, str] = STREAMING, **options: Any) -> Function:
    return Function(adapted(in_process(site.open), environ), **options)


async def test_a_request_comes_through_the_adapter_as_it_was_sent() -> None:
    site = Site()
    body = "決めるのは誰か。".encode() + bytes([0, 255])
    async with asking(FunctionUrl(gateway_like(site))) as http:
        answer = await http.post(
            "/deep/er?x=1&x=%20",
            content=body,
            headers={
                "content-type": "application/octet-stream",
                "cookie": "a=1; b=2",
                "x-amzn-request-context": '{"forged":true}',
                "x-amzn-lambda-context": "forged",
            },
        )
    said = answer.json()
    headers = said["headers"]
    assert (said["method"], said["target"], b64decode(said["body"])) == ("POST", "/deep/er?x=1&x=%20", body)
    assert headers["cookie"] == "a=1;b=2"
    assert headers["content-length"] == str(len(body))
    assert json.loads(headers["x-amzn-request-context"])["http"]["path"] == "/deep/er"
    assert json.loads(headers["x-amzn-lambda-context"])["deadline"] > 0
    assert headers["x-forwarded-proto"] == "https"
    assert answer.headers.get_list("set-cookie") == ["a=1; Path=/; SameSite=lax", "b=2; Path=/; SameSite=lax"]
    # What the connection is framed by is the front's, not the function's.
    assert "content-length" not in answer.headers
    assert answer.headers["x-amzn-remapped-content-length"] == str(len(answer.content))
    # It was asked how it is until it was well.
    assert site.pings == [200]


@pytest.mark.parametrize(
    ("environ", "path", "arrives"),
    [
        ({"AWS_LWA_REMOVE_BASE_PATH": "/prod"}, "/prod/ping-not", "/ping-not"),
        ({"AWS_LWA_AUTHORIZATION_SOURCE": "X-Token"}, "/a", "/a"),
    ],
)
async def test_the_adapter_heeds_its_configuration(environ: dict[str, str], path: str, arrives: str) -> None:
    async with asking(FunctionUrl(gateway_like(Site(), STREAMING | environ))) as http:
        said = (await http.get(path, headers={"x-token": "Bearer t"})).json()
    assert said["target"] == arrives
    assert said["headers"].get("authorization") == ("Bearer t" if "AWS_LWA_AUTHORIZATION_SOURCE" in environ else None)


async def test_a_status_that_counts_as_an_error_fails_the_invocation() -> None:
    environ = STREAMING | {"AWS_LWA_ERROR_STATUS_CODES": "404, 200-201"}
    function = gateway_like(Site(), environ)
    async with asking(FunctionUrl(function)) as http:
        assert (await http.get("/any")).status_code == 502
    error = function.invocations[0].error
    assert error is not None
    assert json.loads(json.loads(error.body)["errorMessage"])["statusCode"] == 200


async def test_a_stream_arrives_while_it_is_made_and_its_pieces_are_not_kept_together() -> None:
    site = Site()
    async with asking(FunctionUrl(gateway_like(site))) as http, http.stream("GET", "/stream") as answer:
        pieces = answer.aiter_bytes()
        assert b"first\n".startswith(await anext(pieces))
        site.go_on.set()
        rest = b"".join([piece async for piece in pieces])
    assert rest.endswith(b"more\n" * 3 + b"last\n")


async def test_a_body_that_breaks_ends_well_with_the_trailers_in_its_text() -> None:
    site = Site()
    site.go_on.set()
    async with asking(FunctionUrl(gateway_like(site))) as http:
        answer = await http.get("/stream?break=1")
    assert answer.text.startswith("first\n" + "more\n" * 3 + "Lambda-Runtime-Function-Error-Type: Runtime.StreamError")


@pytest.mark.parametrize("ends_clean", [False, True])
async def test_at_the_deadline_the_environment_is_killed_and_the_next_invocation_gets_another(
    ends_clean: bool,  # noqa: FBT001 - what is tried out
) -> None:
    site = Site()
    function = gateway_like(site, timeout_s=0.2)
    async with asking(FunctionUrl(function, ends_clean=ends_clean)) as http:
        try:
            answer = await http.get("/stream")
            assert (ends_clean, answer.content) == (True, b"first\n")
        except httpx2.RemoteProtocolError:
            assert not ends_clean
        assert await function.killed.get() is function.invocations[0]
        assert (await http.get("/any")).status_code == 200
    assert site.n_pieces == 0


async def test_a_client_that_leaves_does_not_stop_the_function() -> None:
    site = Site()
    function = gateway_like(site)
    async with asking(FunctionUrl(function)) as http:
        async with http.stream("GET", "/stream"):
            await site.begun.wait()
        site.go_on.set()
        async with asyncio.timeout(10):
            await function.environments[0].idle.wait()
    assert (site.n_pieces, function.invocations[0].error) == (3, None)


async def test_an_environment_does_one_invocation_at_a_time() -> None:
    site = Site()
    function = gateway_like(site, max_environments=2)
    async with asking(FunctionUrl(function)) as http, http.stream("GET", "/stream"), http.stream("GET", "/stream"):
        assert len(function.environments) == 2
        assert (await http.get("/any")).status_code == 429
        site.go_on.set()


async def test_what_never_gets_well_never_serves() -> None:
    site = Site()
    site.pings = [500]
    function = gateway_like(site, init_s=0.1)
    async with asking(FunctionUrl(function)) as http:
        assert (await http.get("/any")).status_code == 502
    assert function.invocations == []


async def test_a_request_over_the_limit_never_reaches_the_function() -> None:
    function = gateway_like(Site())
    async with asking(FunctionUrl(function)) as http:
        # In base64, which counts, it is over 6 MB.
        answer = await http.post("/any", content=bytes(5 * 1024 * 1024))
        assert (answer.status_code, function.invocations) == (413, [])
        answer = await http.post("/any", content="a" * 5 * 1024 * 1024, headers={"content-type": "text/plain"})
        assert answer.status_code == 200


# --- CORS -----------------------------------------------------------------------------------------------------------

ORIGIN = "https://magi.example.com"
PREFLIGHT = {"origin": ORIGIN, "access-control-request-method": "POST"}


async def test_with_cors_configured_the_front_answers_preflights_and_adds_to_what_the_function_says() -> None:
    function = gateway_like(Site())
    url = FunctionUrl(function, cors=Cors((ORIGIN,), max_age_s=600))
    async with asking(url) as http:
        preflight = await http.options("/any", headers=PREFLIGHT)
        answer = await http.get("/any", headers={"origin": ORIGIN})
        stranger = await http.options("/any", headers=PREFLIGHT | {"origin": "https://elsewhere.example"})
    assert (url.n_preflights, len(function.invocations)) == (2, 1)
    assert preflight.headers["access-control-allow-origin"] == ORIGIN
    assert preflight.headers["access-control-max-age"] == "600"
    assert answer.headers.get_list("access-control-allow-origin") == ["from-the-function", ORIGIN]
    assert "access-control-allow-origin" not in stranger.headers


async def test_without_cors_the_function_is_asked_for_all_of_it() -> None:
    function = gateway_like(Site())
    async with asking(FunctionUrl(function)) as http:
        assert (await http.options("/any", headers=PREFLIGHT)).json()["method"] == "OPTIONS"
    assert len(function.invocations) == 1


# --- The Runtime API and Lambda's own, by the SDK --------------------------------------------------------------------

Answer = Callable[[str, str], Awaitable[None]]


def by_hand(answer: Answer) -> Bootstrap:
    """Give a runtime that asks for one invocation and does with it what ``answer`` does, told the API and the id."""

    @asynccontextmanager
    async def bootstrap(runtime_api: str) -> AsyncGenerator[Sandbox]:
        async def run() -> None:
            async with connected(runtime_api) as peer:
                target = "/2018-06-01/runtime/invocation/next"
                await peer.send(
                    h11.Request(method="GET", target=target, headers=[("host", runtime_api)]), h11.EndOfMessage()
                )
                request_id = fields_of((await peer.response()).headers)["lambda-runtime-aws-request-id"]
                await peer.read()
            await answer(runtime_api, request_id)

        running = asyncio.create_task(run())
        try:
            yield WebServer("")
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    return bootstrap


def invoked_by_sdk(url: str) -> tuple[bytes, dict[str, Any]]:
    """Invoke by `InvokeWithResponseStream`; give the payload and how it completed."""
    client = cast("Any", boto3).client(
        "lambda",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="a",
        aws_secret_access_key="b",
        config=Config(retries={"total_max_attempts": 1}),
    )
    answer = client.invoke_with_response_stream(FunctionName="magi-gateway", Payload=b"{}")
    events: list[Any] = list(answer["EventStream"])
    payload: list[bytes] = [event["PayloadChunk"]["Payload"] for event in events[:-1]]
    return b"".join(payload), events[-1]["InvokeComplete"]


async def test_an_error_in_the_trailers_reaches_the_caller_of_the_sdk() -> None:
    async def answer(runtime_api: str, request_id: str) -> None:
        async with connected(runtime_api) as peer:
            head = h11.Request(
                method="POST",
                target=f"/2018-06-01/runtime/invocation/{request_id}/response",
                headers=[
                    ("host", runtime_api),
                    ("transfer-encoding", "chunked"),
                    ("lambda-runtime-function-response-mode", "streaming"),
                    ("trailer", "Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body"),
                ],
            )
            trailers = [
                ("lambda-runtime-function-error-type", "Own.Error"),
                ("lambda-runtime-function-error-body", b64encode(b'{"errorMessage":"as asked"}').decode()),
            ]
            await peer.send(head, h11.Data(data=b"some"), h11.EndOfMessage(headers=trailers))
            assert (await peer.response()).status_code == 202

    async with FunctionUrl(Function(by_hand(answer))).serving() as url:
        payload, completion = await asyncio.to_thread(invoked_by_sdk, url)
    assert payload == b"some"
    assert (completion["ErrorCode"], completion["ErrorDetails"]) == ("Own.Error", '{"errorMessage":"as asked"}')


async def test_an_answer_to_a_wrong_invocation_or_a_second_one_is_refused() -> None:
    statuses: list[int] = []
    is_over = asyncio.Event()

    async def answer(runtime_api: str, request_id: str) -> None:
        for each in ("another", request_id, request_id):
            async with connected(runtime_api) as peer:
                target = f"/2018-06-01/runtime/invocation/{each}/response"
                headers = [("host", runtime_api), ("content-length", "2")]
                head = h11.Request(method="POST", target=target, headers=headers)
                await peer.send(head, h11.Data(data=b"{}"), h11.EndOfMessage())
                statuses.append((await peer.response()).status_code)
        is_over.set()

    async with FunctionUrl(Function(by_hand(answer))).serving() as url:
        await asyncio.to_thread(invoked_by_sdk, url)
        await is_over.wait()
    assert statuses == [400, 202, 403]


async def test_the_adapters_stream_is_a_prelude_eight_nul_bytes_and_the_body() -> None:
    site = Site()
    site.go_on.set()
    passed: list[str] = []

    class Passing(Site):
        async def echo(self, request: Request) -> Response:
            passed.append(request.url.path)
            return PlainTextResponse("passed")

    async with FunctionUrl(gateway_like(Passing())).serving() as url:
        payload, completion = await asyncio.to_thread(invoked_by_sdk, url)
    prelude, _, body = payload.partition(bytes(8))
    assert json.loads(prelude)["statusCode"] == 200
    assert json.loads(prelude)["headers"]["content-type"] == "text/plain; charset=utf-8"
    # What is no HTTP event is posted to one path.
    assert (body, passed, completion) == (b"passed", ["/events"], {})
