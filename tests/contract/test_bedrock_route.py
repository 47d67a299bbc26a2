"""The way to Bedrock: TLS, proxies and IPv6, on both kinds of loop; and what is sent, signed as botocore signs it."""

import asyncio
import base64
import re
import socket
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import uvloop
from tests.support.aws import leave_aws_bare
from tests.support.bedrock_peer import Peer
from tests.support.certificates import Authority
from tests.support.tcp import tcp_server

from magisystem.errors import ModelError, ModelUnavailable, ModelUnreachable
from magisystem.models.bedrock import BedrockRuntime

ASKED = {"modelId": "a.model", "messages": [{"role": "user", "content": [{"text": "Should the office move?"}]}]}
# Of a proxy that wants to know who asks.
USER = "council:p%40ss%20word"
CREDENTIALS = f"Basic {base64.b64encode(b'council:p@ss word').decode()}"

Run = Callable[[Coroutine[Any, Any, None]], None]


@pytest.fixture(params=[asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    return request.param


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    leave_aws_bare(monkeypatch, tmp_path)
    for name in ("http_proxy", "https_proxy", "no_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "very-secret")


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def trusting(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Authority:
    monkeypatch.setenv("AWS_CA_BUNDLE", str(authority.bundle))
    return authority


@pytest.fixture
def point(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Lead the runtime to an endpoint."""
    return lambda url: monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", url)


async def heard(connect_timeout_s: float = 5.0) -> str:
    runtime = BedrockRuntime(connect_timeout_s=connect_timeout_s)
    try:
        async with runtime.converse(ASKED) as conversation:
            deltas = [
                event["contentBlockDelta"]["delta"] async for event in conversation if "contentBlockDelta" in event
            ]
    finally:
        await runtime.aclose()
    return "".join(delta["text"] for delta in deltas)


async def failed(error: type[ModelError], connect_timeout_s: float = 5.0) -> str:
    with pytest.raises(error) as raised:
        await heard(connect_timeout_s)
    assert "p@ss" not in raised.value.message
    assert "p%40ss" not in raised.value.message
    return raised.value.message


# --- TLS and IPv6 ---------------------------------------------------------------------------------------------------


def test_a_private_authority_is_trusted_where_it_is_named(run: Run, trusting: Authority, point: Callable[[str], None]):
    async def scenario() -> None:
        async with Peer().serving(tls=trusting.server("127.0.0.1")) as peer:
            point(f"https://127.0.0.1:{peer.port}")
            assert await heard() == "Yes."

    run(scenario())


def test_one_that_is_not_named_is_not(run: Run, authority: Authority, point: Callable[[str], None]):
    async def scenario() -> None:
        async with Peer().serving(tls=authority.server("127.0.0.1")) as peer:
            point(f"https://127.0.0.1:{peer.port}")
            assert "certificate" in await failed(ModelUnreachable)
            assert peer.requests == []

    run(scenario())


def test_a_certificate_for_another_host_is_refused(run: Run, trusting: Authority, point: Callable[[str], None]):
    async def scenario() -> None:
        async with Peer().serving(tls=trusting.server("bedrock.example.com")) as peer:
            point(f"https://127.0.0.1:{peer.port}")
            assert "certificate" in await failed(ModelUnreachable)
            assert peer.requests == []

    run(scenario())


async def test_certificates_that_cannot_be_read_are_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, point: Callable[[str], None]
):
    point("https://127.0.0.1:1")
    for content in (None, "no certificate"):
        if content:
            (tmp_path / "bundle.pem").write_text(content)
        monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / "bundle.pem"))

        assert "AWS_CA_BUNDLE" in await failed(ModelUnavailable)


async def test_a_server_that_speaks_no_tls_is_unreachable(trusting: Authority, point: Callable[[str], None]):
    async with Peer().serving() as peer:
        point(f"https://127.0.0.1:{peer.port}")
        await failed(ModelUnreachable, connect_timeout_s=0.1)


def test_an_address_of_ipv6_is_called(run: Run, point: Callable[[str], None]):
    async def scenario() -> None:
        async with Peer().serving(host="::1") as peer:
            point(f"http://[::1]:{peer.port}")
            assert await heard() == "Yes."
            assert f"\r\nhost: [::1]:{peer.port}\r\n" in peer.requests[0].head

    if not has_ipv6():
        pytest.skip("This machine has no IPv6.")
    run(scenario())


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


# --- Proxies --------------------------------------------------------------------------------------------------------


class ConnectProxy:
    """A proxy that passes bytes on (CONNECT) for ``CREDENTIALS`` alone; ``refusal`` is its answer to all, if set."""

    def __init__(self, refusal: bytes = b"") -> None:
        self.asked: list[str] = []
        self.gone = asyncio.Event()
        self._refusal = refusal

    async def serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        target = re.match(r"CONNECT \[?([^ \]]+?)\]?:(\d+) HTTP/1\.1\r\n", head)
        assert target, head
        self.asked.append(f"{target[1]}:{target[2]}")
        if self._refusal or CREDENTIALS not in head:
            writer.write(self._refusal or b"HTTP/1.1 407 Who are you\r\ncontent-length: 0\r\n\r\n")
            await reader.read()
            self.gone.set()
            return
        upstream, onwards = await asyncio.open_connection(target[1], int(target[2]))
        # In two pieces: a head may come in any.
        writer.write(b"HTTP/1.1 200 Conn")
        await writer.drain()
        await asyncio.sleep(0)
        writer.write(b"ection established\r\nx: y\r\n\r\n")
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(_passed_on(reader, onwards))
                tasks.create_task(_passed_on(upstream, writer))
        finally:
            onwards.transport.abort()


async def _passed_on(source: StreamReader, sink: StreamWriter) -> None:
    with suppress(ConnectionError):
        while piece := await source.read(65536):
            sink.write(piece)
            await sink.drain()
        sink.close()


@asynccontextmanager
async def endpoint_behind(
    proxy: ConnectProxy, trusting: Authority, point: Callable[[str], None], **proxy_options: Any
) -> AsyncGenerator[tuple[Peer, int]]:
    tls = trusting.server("127.0.0.1")
    async with Peer().serving(tls=tls) as peer, tcp_server(proxy.serve, **proxy_options) as port:
        point(f"https://127.0.0.1:{peer.port}")
        yield peer, port


def test_a_proxy_is_asked_to_pass_bytes_on(
    run: Run, trusting: Authority, point: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
):
    async def scenario() -> None:
        proxy = ConnectProxy()
        async with endpoint_behind(proxy, trusting, point) as (peer, port):
            monkeypatch.setenv("HTTPS_PROXY", f"http://{USER}@127.0.0.1:{port}")
            assert await heard() == "Yes."

            assert proxy.asked == [f"127.0.0.1:{peer.port}"]
            # The proxy is told who asks; Bedrock is not.
            assert "proxy-authorization" not in peer.requests[0].head.lower()

    run(scenario())


def test_tls_is_spoken_with_a_proxy_that_wants_it(
    run: Run, trusting: Authority, point: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
):
    async def scenario() -> None:
        proxy = ConnectProxy()
        async with endpoint_behind(proxy, trusting, point, tls=trusting.server("127.0.0.1")) as (_, port):
            monkeypatch.setenv("HTTPS_PROXY", f"https://{USER}@127.0.0.1:{port}")
            assert await heard() == "Yes."
            assert len(proxy.asked) == 1

    run(scenario())


async def test_no_proxy_is_asked_for_a_host_that_needs_none(
    trusting: Authority, point: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
):
    proxy = ConnectProxy()
    async with endpoint_behind(proxy, trusting, point) as (_, port):
        monkeypatch.setenv("HTTPS_PROXY", f"http://{USER}@127.0.0.1:{port}")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")

        assert await heard() == "Yes."
        assert proxy.asked == []


@pytest.mark.parametrize(
    ("user", "answer", "told"),
    [
        ("", b"", "407"),
        (f"{USER}@", b"HTTP/1.1 503 Busy\r\n\r\n", "503"),
        (f"{USER}@", b"SSH-2.0-OpenSSH\r\n\r\n", "no HTTP"),
        (f"{USER}@", b"HTTP/1.1 200 Yes\r\nx: " + b"y" * 100_000, "head"),
    ],
    ids=["wrong credentials", "busy", "no proxy", "a head without end"],
)
async def test_what_a_proxy_answers_instead_is_said(
    trusting: Authority,
    point: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
    user: str,
    answer: bytes,
    told: str,
):
    proxy = ConnectProxy(answer)
    async with endpoint_behind(proxy, trusting, point) as (peer, port):
        monkeypatch.setenv("HTTPS_PROXY", f"http://{user}127.0.0.1:{port}")

        assert told in await failed(ModelUnreachable)
        await proxy.gone.wait()
        assert peer.requests == []


async def test_a_proxy_that_says_nothing_is_waited_for_as_long_as_a_connection_may_take(
    trusting: Authority, point: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
):
    proxy = ConnectProxy(b" ")
    async with endpoint_behind(proxy, trusting, point) as (_, port):
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")

        await failed(ModelUnreachable, connect_timeout_s=0.1)
        await proxy.gone.wait()


async def test_a_proxy_is_sent_the_requests_of_an_endpoint_without_tls(
    point: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
):
    point("http://bedrock.example.com:8000/base/")
    async with Peer().serving() as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"{USER}@127.0.0.1:{proxy.port}")

        assert await heard() == "Yes."

        head = proxy.requests[0].head
        url = "http://bedrock.example.com:8000/base/model/a.model/converse-stream"
        assert head.startswith(f"POST {url} HTTP/1.1\r\nhost: bedrock.example.com:8000\r\n")
        assert f"\r\nproxy-authorization: {CREDENTIALS}\r\n" in head


@pytest.mark.parametrize("url", ["socks5://127.0.0.1:1080", "http://", "http://127.0.0.1:port"])
async def test_a_proxy_that_is_none_is_said(point: Callable[[str], None], monkeypatch: pytest.MonkeyPatch, url: str):
    point("http://bedrock.example.com")
    monkeypatch.setenv("HTTP_PROXY", url)

    assert "HTTP_PROXY" in await failed(ModelUnavailable)


async def test_a_name_without_an_address_is_said(point: Callable[[str], None]):
    point("http://bedrock.invalid")

    assert "bedrock.invalid has no address" in await failed(ModelUnreachable)
