"""`magi doctor URL` behind a real nginx and behind other things that stand on a way: each gets its own diagnosis."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
import pytest_asyncio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from tests.support.agentcore import StandInAgentCore
from tests.support.cli import magi
from tests.support.gatewaying import container, gateway
from tests.support.nginx import nginx
from tests.support.proxies import Proxy, Treatment, kept_for_ever, kept_to_the_end
from tests.support.serving import Server, listening, scripted_server
from tests.support.tcp import tcp_server

from magisystem.doctor import Diagnosis, Finding, Grade, Target, Wanted, diagnose, diagnose_refusal, examine
from magisystem.doctor.measurements import Refusal
from magisystem.http.probe import ProbeLimits, Probes
from magisystem.testing.scripted import ScriptedModel

in_one_loop = pytest.mark.asyncio(loop_scope="module")

# A twentieth of what a person would take: intervals, the quiet stretch and keep-alives shrink with it.
BRIEF = Wanted(seconds=2.0)
STREAM = Wanted(seconds=2.0, transports=frozenset({"stream"}))
POLLED = Wanted(seconds=2.0, transports=frozenset({"stream", "poll"}))
HOPELESS = Wanted(seconds=1.0, transports=frozenset({"stream"}), patience_s=0.3)
_UPGRADE = "proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $http_connection;"
_GZIP = f"{_UPGRADE} gzip on; gzip_types text/event-stream; gzip_min_length 0;"
_ARN = "arn%3Aaws%3Abedrock-agentcore%3Aeu-west-1%3A123456789012%3Aruntime%2Fmagi-0123456789"


async def diagnosed(url: str, wanted: Wanted = BRIEF, token: str | None = None) -> Diagnosis:
    target = Target.of(url)
    async with asyncio.timeout(30):
        measured = await examine(target, token, wanted)
    if isinstance(measured, Refusal):
        return diagnose_refusal(measured, target, has_token=token is not None)
    return diagnose(measured)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server() -> AsyncGenerator[Server]:
    """A server for examinations side by side, which would otherwise be refused for their number."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("magisystem.http.app.Probes", partial(Probes, limits=ProbeLimits(1000, 1000)))
        async with scripted_server(ScriptedModel(), cors_origins="https://app.example.com") as served:
            yield served


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def behind_nginx(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Diagnosis]:
    """What is found on each of several ways, all examined at once."""
    ways = {
        "unbuffered": f"{_UPGRADE} proxy_buffering off;",
        "impatient": f"{_UPGRADE} proxy_buffering off; proxy_read_timeout 400ms;",
        "gzip": _GZIP,
        "gzip held": f"{_GZIP} proxy_ignore_headers X-Accel-Buffering;",
        "without cursors": f'{_UPGRADE} proxy_set_header Last-Event-ID "";',
    }
    async with nginx(server.url, tmp_path_factory.mktemp("nginx"), ways) as running:
        urls = {"buffered": running.outer, **running.others, "no proxy": server.url}
        found = await asyncio.gather(*(diagnosed(url) for url in urls.values()))
    return dict(zip(urls, found, strict=True))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def behind_others(server: Server) -> Mapping[str, Diagnosis]:
    """The same for what is no nginx."""
    ways: Mapping[str, tuple[Treatment, Wanted]] = {
        "reset": (cut_in(1.2, end=b""), STREAM),
        "clean": (cut_in(1.2, end=b"0\r\n\r\n"), STREAM),
        "delayed": (delayed(0.7), STREAM),
        "kept to the end": (kept_to_the_end, POLLED),
        "kept for ever": (kept_for_ever, HOPELESS),
    }

    async def behind(treatment: Treatment, wanted: Wanted) -> Diagnosis:
        async with Proxy(server.url, [treatment]).serving() as proxy:
            return await diagnosed(proxy.url, wanted)

    found = await asyncio.gather(
        *(behind(*way) for way in ways.values()),
        diagnosed(f"{server.url}/runtimes/{_ARN}/invocations", STREAM),
    )
    return dict(zip([*ways, "data plane"], found, strict=True))


def by_code(diagnosis: Diagnosis) -> Mapping[str, Finding]:
    return {finding.code: finding for finding in diagnosis.findings}


def faults(diagnosis: Diagnosis) -> dict[str, Grade]:
    return {
        finding.code: finding.grade for finding in diagnosis.findings if finding.grade in {Grade.REMARK, Grade.PROBLEM}
    }


def test_a_way_without_anything_on_it_is_well(behind_nginx: Mapping[str, Diagnosis]) -> None:
    diagnosis = behind_nginx["no proxy"]
    assert faults(diagnosis) == {}
    assert diagnosis.transport == "stream"
    assert diagnosis.figures["pollWorks"]
    assert diagnosis.figures["socketWorks"]
    assert diagnosis.figures["resumeWorks"]
    assert diagnosis.figures["keepAlives"]
    assert diagnosis.figures["ending"] == "complete"


def test_an_nginx_that_does_not_buffer_is_well(behind_nginx: Mapping[str, Diagnosis]) -> None:
    diagnosis = behind_nginx["unbuffered"]
    assert faults(diagnosis) == {}
    assert diagnosis.transport == "stream"


def test_an_nginx_that_buffers_is_found_with_the_size_of_its_buffer(behind_nginx: Mapping[str, Diagnosis]) -> None:
    diagnosis = behind_nginx["buffered"]
    # It passes no upgrade on, either.
    assert faults(diagnosis) == {"buffering": Grade.PROBLEM, "socket": Grade.REMARK}
    assert 3_500 <= int(diagnosis.figures["heldBackBytes"]) <= 4_600
    assert diagnosis.transport == "poll"
    advice = by_code(diagnosis)["buffering"].advice
    assert [(each.place, "proxy_buffering off" in each.text) for each in advice] == [("nginx", True)]


def test_an_nginx_that_cuts_what_is_silent_is_found_with_its_time(behind_nginx: Mapping[str, Diagnosis]) -> None:
    diagnosis = behind_nginx["impatient"]
    assert faults(diagnosis)["silence"] is Grade.PROBLEM
    assert not {"buffering", "compression"} & set(faults(diagnosis))
    assert diagnosis.figures["isSilenceCut"]
    assert 350 <= float(diagnosis.figures["silenceBorneMs"]) <= 900
    advice = by_code(diagnosis)["silence"].advice
    assert [(each.place, "proxy_read_timeout" in each.text) for each in advice] == [("nginx", True)]


def test_an_nginx_that_compresses_is_found_though_it_flushes(behind_nginx: Mapping[str, Diagnosis]) -> None:
    diagnosis = behind_nginx["gzip"]
    assert faults(diagnosis) == {"compression": Grade.REMARK}
    assert diagnosis.figures["contentEncoding"] == "gzip"
    assert "gzip off" in by_code(diagnosis)["compression"].advice[0].text
    assert diagnosis.transport == "stream"


def test_an_nginx_that_holds_back_what_it_compresses_is_found(behind_nginx: Mapping[str, Diagnosis]) -> None:
    diagnosis = behind_nginx["gzip held"]
    assert faults(diagnosis) == {"compression": Grade.PROBLEM}
    assert diagnosis.transport == "socket"


def test_a_way_that_loses_the_cursor_in_the_header_resumes_by_the_body(behind_nginx: Mapping[str, Diagnosis]) -> None:
    diagnosis = behind_nginx["without cursors"]
    assert faults(diagnosis) == {"headers": Grade.REMARK, "resume": Grade.REMARK}
    assert "Last-Event-ID" in by_code(diagnosis)["headers"].summary
    assert diagnosis.figures["resumeWorks"]


def cut_in(seconds: float, *, end: bytes) -> Treatment:
    """Let everything through for so long, then ``end``, then reset the connection."""

    async def treatment(pieces: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
        loop = asyncio.get_running_loop()
        end_s = loop.time() + seconds
        while (left_s := end_s - loop.time()) > 0:
            reading = asyncio.ensure_future(anext(pieces, b""))
            await asyncio.wait([reading], timeout=left_s)
            if not reading.done():
                reading.cancel()
                await asyncio.wait([reading])
                break
            if not reading.result():
                return
            yield reading.result()
        yield end

    return treatment


def delayed(seconds: float) -> Treatment:
    """Let everything through in its own pace, but so much later."""

    async def treatment(pieces: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
        loop = asyncio.get_running_loop()
        waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

        async def read() -> None:
            async for piece in pieces:
                waiting.put_nowait((loop.time() + seconds, piece))
            waiting.put_nowait((0.0, b""))

        reading = asyncio.create_task(read())
        while (due := await waiting.get())[1]:
            await asyncio.sleep(max(0.0, due[0] - loop.time()))
            yield due[1]
        await reading

    return treatment


@pytest.mark.parametrize("ending", ["reset", "clean"])
def test_a_way_that_cuts_every_stream_is_found_with_the_time_and_the_manner(
    behind_others: Mapping[str, Diagnosis], ending: str
) -> None:
    diagnosis = behind_others[ending]
    assert faults(diagnosis) == {"cut_off": Grade.PROBLEM}
    assert diagnosis.figures["ending"] == ending
    assert 1_150 <= float(diagnosis.figures["endedMs"]) <= 1_900
    assert not diagnosis.figures["isSilenceCut"]
    # Clients of ours come back where it was cut.
    assert diagnosis.transport == "stream"


def test_a_way_that_is_slow_but_even_is_told_from_one_that_holds_back(behind_others: Mapping[str, Diagnosis]) -> None:
    diagnosis = behind_others["delayed"]
    assert faults(diagnosis) == {"delivery": Grade.REMARK}
    assert 650 <= float(diagnosis.figures["lagP50Ms"]) <= 1_000
    assert diagnosis.transport == "stream"


def test_a_way_that_holds_everything_to_the_end_leaves_polling(behind_others: Mapping[str, Diagnosis]) -> None:
    diagnosis = behind_others["kept to the end"]
    assert faults(diagnosis)["buffering"] is Grade.PROBLEM
    assert diagnosis.figures["isHeldBackWhole"]
    assert diagnosis.transport == "poll"


def test_a_way_that_lets_no_stream_through_is_given_up_in_time(behind_others: Mapping[str, Diagnosis]) -> None:
    diagnosis = behind_others["kept for ever"]
    assert faults(diagnosis) == {"first_byte": Grade.PROBLEM}
    assert diagnosis.transport is None


def test_the_data_planes_path_is_examined_by_its_one_path(behind_others: Mapping[str, Diagnosis]) -> None:
    diagnosis = behind_others["data plane"]
    assert faults(diagnosis) == {}
    assert diagnosis.transport == "stream"


@in_one_loop
@pytest.mark.parametrize(
    ("origin", "is_allowed"), [("https://app.example.com", True), ("https://other.example.com", False)]
)
async def test_whether_pages_of_an_origin_may_ask_is_seen(server: Server, origin: str, *, is_allowed: bool) -> None:
    diagnosis = await diagnosed(server.url, Wanted(1.0, frozenset({"poll"}), origin), token="a.b.c")
    assert by_code(diagnosis)["preflight"].grade is (Grade.WELL if is_allowed else Grade.PROBLEM)


async def test_a_gateway_is_examined_with_the_runtime_behind_it() -> None:
    async with container() as app, gateway(StandInAgentCore(app)) as served:
        # What loads with the first answer stalls this loop, in which everything runs, and a stall looks like a way that
        # gathers. So does a busy machine, now and then; a gateway that gathers does it each time.
        await served.ask({"action": "probe", "seconds": 0.2, "intervalMs": 50})
        looks = [await diagnosed(served.url, POLLED)]
        while "buffering" in faults(looks[-1]) and len(looks) < 3:
            looks.append(await diagnosed(served.url, POLLED))
        own = await served.http.get("/probe", params={"seconds": 0.1})
    diagnosis = looks[-1]
    # The gateway's own keep-alives are ten seconds apart, whatever a probe asks of the runtime: nothing is missed.
    assert faults(diagnosis) == {}
    assert diagnosis.transport == "stream"
    assert "on agentcore" in by_code(diagnosis)["reach"].summary
    assert b'"platform":"local"' in own.content


# --- What is no way at all --------------------------------------------------------------------------------------------


@in_one_loop
async def test_where_nothing_listens_it_is_said() -> None:
    diagnosis = await diagnosed("http://127.0.0.1:1")
    assert (list(by_code(diagnosis)), diagnosis.transport) == (["not_listening"], None)


@in_one_loop
async def test_a_name_that_nobody_knows_is_said() -> None:
    assert list(by_code(await diagnosed("http://no-such-host.invalid"))) == ["name_unknown"]


@in_one_loop
async def test_https_where_http_is_spoken_is_said_with_the_address_to_try(server: Server) -> None:
    diagnosis = await diagnosed(server.url.replace("http:", "https:"))
    assert list(by_code(diagnosis)) == ["tls"]
    assert server.url in by_code(diagnosis)["tls"].advice[0].text


@in_one_loop
async def test_what_speaks_no_http_is_said() -> None:
    async def speak(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH_9.9\r\n")

    async with tcp_server(speak) as port:
        assert list(by_code(await diagnosed(f"http://127.0.0.1:{port}"))) == ["not_http"]


@dataclass(frozen=True)
class Said:
    """What another server answers, and what that is found to be."""

    answer: Callable[[], Response]
    code: str
    word: str = ""


def problem(status: int, code: str, detail: str = "No.") -> Response:
    body = {"status": status, "code": code, "detail": detail}
    return JSONResponse(body, status, media_type="application/problem+json")


ANSWERS = {
    "unauthenticated": Said(lambda: problem(401, "unauthenticated"), "unauthenticated", "MAGI_TOKEN"),
    "in-band": Said(
        lambda: JSONResponse({"status": 401, "code": "unauthenticated", "detail": "No."}), "unauthenticated"
    ),
    "not allowed": Said(lambda: problem(403, "not_allowed"), "not_allowed", "MAGI_OIDC_CLIENTS"),
    "not found by AWS": Said(
        lambda: JSONResponse({"message": "none"}, 404, {"x-amzn-errortype": "ResourceNotFoundException:http://x"}),
        "not_found",
    ),
    "container failed": Said(
        lambda: JSONResponse({"message": "failed"}, 424, {"x-amzn-errortype": "RuntimeClientError"}),
        "runtime_failed",
        "linux/arm64",
    ),
    "too old": Said(lambda: problem(400, "invalid_request", "`action`: It must be one of resume."), "too_old"),
    "another host": Said(lambda: problem(421, "host_not_allowed"), "host_not_allowed", "MAGI_ALLOWED_HOSTS"),
    "too many": Said(lambda: problem(429, "too_many_probes"), "too_many"),
    "not allowed by a proxy": Said(lambda: HTMLResponse("<h1>403</h1>", 403), "not_allowed", "allow-list"),
    "elsewhere": Said(
        lambda: RedirectResponse("https://magi.example.com/invocations", 301), "redirected", "https://magi.example.com"
    ),
    "gateway": Said(lambda: HTMLResponse("<h1>502</h1>", 502), "upstream_failed"),
    "a page": Said(lambda: HTMLResponse("<h1>Hello</h1>"), "not_ours", "config.json"),
    "another API": Said(lambda: JSONResponse({"hello": "world"}), "not_ours"),
    "an API with codes": Said(lambda: JSONResponse({"status": "ok", "code": 5}), "not_ours"),
    "almost a page of events": Said(lambda: JSONResponse({"events": [{"seq": 1, "sentAt": "now"}]}), "not_ours"),
    "no path": Said(lambda: PlainTextResponse("no", 404), "not_ours"),
    "failing": Said(lambda: problem(500, "internal"), "server_failed"),
    "lambda": Said(lambda: Response(b'{"statusCode":200}' + b"\0" * 8 + b"{}"), "lambda_prelude", "RESPONSE_STREAM"),
}


@in_one_loop
@pytest.mark.parametrize("said", ANSWERS.values(), ids=ANSWERS.keys())
async def test_what_answers_otherwise_is_told_apart(said: Said, other: "Other") -> None:
    other.answer = said.answer
    diagnosis = await diagnosed(other.url, token="a.b.c")
    assert list(by_code(diagnosis)) == [said.code]
    assert diagnosis.transport is None
    assert said.word in str(diagnosis.findings)
    assert "a.b.c" not in str(diagnosis)


@dataclass
class Other:
    url: str
    answer: Callable[[], Response]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def other() -> AsyncGenerator[Other]:
    async def answer(_: Request) -> Response:
        return served.answer()

    served = Other("", Response)
    async with listening(Starlette(routes=[Route("/{path:path}", answer, methods=["POST", "GET"])])) as url:
        served.url = url
        yield served


# --- The command ------------------------------------------------------------------------------------------------------


@in_one_loop
async def test_the_command_shows_what_was_found_and_ends_with_its_code(server: Server) -> None:
    polled = ("--seconds", "1", "--transport", "poll")
    (well, shown, well_err), (failed, told, failed_err) = await asyncio.gather(
        magi("doctor", server.url, *polled),
        magi("doctor", "http://127.0.0.1:1", "--json", MAGI_TOKEN="a.b.c"),
    )
    assert (well, failed, well_err, failed_err) == (0, 30, "", "")
    assert "Streams were not tried; long-polls come through. Use polling." in shown
    assert "\x1b" not in shown
    assert max(len(line) for line in shown.splitlines()) <= 80
    document: dict[str, Any] = json.loads(told)
    assert (document["form"], document["of"], document["transport"], document["grade"]) == (1, "path", None, "problem")
    (finding,) = document["findings"]
    assert set(finding) == {"code", "grade", "summary", "advice"}
