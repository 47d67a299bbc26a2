"""A real nginx in front of a server."""

import asyncio
import os
import shutil
import socket
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncGenerator, Mapping
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

# As distributions start nginx, with its default buffers. `proxy_http_version` is nginx's own default before 1.29.7.
_CONFIGURATION = """
daemon off;
master_process off;
pid nginx.pid;
error_log stderr error;
events {{}}
http {{
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    proxy_http_version 1.0;
    proxy_buffering on;
    proxy_read_timeout 30s;
    server {{
        listen 127.0.0.1:{inner};
        location / {{ proxy_pass {upstream}; }}
    }}
    server {{
        listen 127.0.0.1:{outer};
        location / {{
            proxy_pass http://127.0.0.1:{inner};
            proxy_ignore_headers X-Accel-Buffering;
        }}
    }}
    {others}
}}
"""
_OTHER = """
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass {upstream};
            proxy_http_version 1.1;
            {directives}
        }}
    }}
"""


@dataclass(frozen=True, slots=True)
class Nginx:
    """The URLs of one nginx, with `proxy_buffering on`, in front of a server, and of another in front of that one.

    What uvicorn streams is chunked, and nginx passes whole chunks on as they come, whatever it is told of buffering.
    Between the two it is not, because nginx asks in HTTP/1.0; so the outer one passes on whole buffers of 4 KiB only.
    `X-Accel-Buffering: no` does not reach it: the inner one keeps it to itself, and the outer would not heed it.
    """

    inner: str
    outer: str
    # Of the further servers, by their names.
    others: Mapping[str, str] = field(default_factory=dict[str, str])


@asynccontextmanager
async def nginx(upstream: str, folder: Path, others: Mapping[str, str] | None = None) -> AsyncGenerator[Nginx]:
    """Run nginx, twice over, in front of ``upstream``; and once for each of ``others``, with its own directives."""
    others = others or {}
    program = shutil.which(
        "nginx", path=f"{os.environ.get('PATH', '')}{os.pathsep}/usr/sbin{os.pathsep}/usr/local/sbin"
    )
    if program is None:
        pytest.fail("This test needs nginx: on Debian and Ubuntu, apt-get install nginx-light")
    inner, outer, *ports = _free_ports(2 + len(others))
    servers = [
        _OTHER.format(port=port, upstream=upstream, directives=directives)
        for port, directives in zip(ports, others.values(), strict=True)
    ]
    configuration = _CONFIGURATION.format(inner=inner, outer=outer, upstream=upstream, others="".join(servers))
    _write(folder, configuration)
    process = await asyncio.create_subprocess_exec(
        program, "-p", str(folder), "-c", "nginx.conf", stdin=DEVNULL, stdout=DEVNULL, stderr=PIPE
    )
    try:
        while not await _is_listening(outer):
            if process.returncode is not None:
                assert process.stderr is not None
                pytest.fail(f"nginx did not start: {(await process.stderr.read()).decode()}")
        yield Nginx(
            inner=f"http://127.0.0.1:{inner}",
            outer=f"http://127.0.0.1:{outer}",
            others={name: f"http://127.0.0.1:{port}" for name, port in zip(others, ports, strict=True)},
        )
    finally:
        if process.returncode is None:
            process.terminate()
        await process.communicate()


def _free_ports(n: int) -> list[int]:
    with ExitStack() as held:
        ports = [held.enter_context(socket.socket()) for _ in range(n)]
        for port in ports:
            port.bind(("127.0.0.1", 0))
        return [port.getsockname()[1] for port in ports]


def _write(folder: Path, configuration: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "nginx.conf").write_text(configuration, encoding="utf-8")


async def _is_listening(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionRefusedError:
        await asyncio.sleep(0.01)
        return False
    writer.close()
    await writer.wait_closed()
    return True
