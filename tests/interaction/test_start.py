"""A server's start: what it loads before its port is open, what it answers meanwhile, what it refuses to start on."""

import asyncio
import os
import sqlite3
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import httpx2
import pytest
from tests.interaction.test_cli_serve import free_port
from tests.support.cli import DEADLINE_S, magi
from tests.support.serving import listening
from websockets.asyncio.client import connect

from magisystem.application import open_application
from magisystem.config import read_configuration
from magisystem.http.app import create_app
from magisystem.records import RECORDS_FILE, SqlRecords


async def test_a_start_loads_nothing_that_answering_ping_does_not_need() -> None:
    probe = (
        "import asyncio, sys\n"
        "from magisystem.cli import commands, serving\n"
        "from magisystem.application import open_application\n"
        "from magisystem.config import read_configuration\n"
        "from magisystem.http import server\n"
        "async def main():\n"
        "    async with open_application(read_configuration()) as application:\n"
        "        server.uvicorn_config(server.create_app(application), host='127.0.0.1', port=0).load()\n"
        "        heavy = {'sqlalchemy', 'alembic', 'fastapi', 'strands', 'aiobotocore', 'httpx2', 'rich'}\n"
        "        assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
        "asyncio.run(main())\n"
    )
    for _ in ("the first start", "a later one"):
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", probe, stderr=PIPE)
        _, err = await process.communicate()
        assert (process.returncode, err) == (0, b"")


async def test_ping_is_answered_while_everything_else_waits_for_what_it_needs() -> None:
    loaded = asyncio.Event()
    async with (
        open_application(read_configuration(environment={})) as application,
        listening(create_app(application, loaded=loaded)) as url,
        httpx2.AsyncClient(base_url=url, timeout=20) as http,
        asyncio.timeout(DEADLINE_S),
    ):

        async def followed() -> None:
            async with connect(url.replace("http:", "ws:") + "/ws"):
                pass

        listed = asyncio.create_task(http.get("/deliberations"))
        following = asyncio.create_task(followed())
        for _ in range(10):
            assert (await http.get("/ping")).json()["status"] == "healthy"
        assert not listed.done()
        assert not following.done()
        loaded.set()
        assert (await listed).status_code == 200
        await following


async def test_a_turn_asked_as_soon_as_the_port_is_open_is_told_of_the_turns_before(data_dir: Path) -> None:
    port = free_port()
    turn = {"question": "Should we move billing to Rust?", "sessionId": "one", "stream": False}
    errors: list[bytes] = []
    for _ in range(2):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", "from magisystem.cli import main; main()", "serve", "--port", str(port),
            stdout=PIPE, stderr=PIPE, env=os.environ | {"MAGI_EMBEDDED_TOKENS_PER_S": "0"},
        )  # fmt: skip
        try:
            assert process.stdout is not None
            async with asyncio.timeout(DEADLINE_S), httpx2.AsyncClient(timeout=DEADLINE_S) as http:
                await process.stdout.readline()
                answer = await http.post(f"http://127.0.0.1:{port}/invocations", json=turn)
                assert answer.status_code == 200
        finally:
            process.terminate()
            errors.append((await process.communicate())[1])
    # The history says so where a turn goes on without.
    assert not any(b"without its earlier turns" in err for err in errors)
    with sqlite3.connect(data_dir / RECORDS_FILE) as connection:
        assert connection.execute("SELECT count(*) FROM deliberations").fetchone() == (2,)
    connection.close()


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("UPDATE alembic_version SET version_num = '9999'", "records_newer"),
        ("PRAGMA application_id = 1", "records_unavailable"),
    ],
)
async def test_records_that_cannot_be_used_end_the_start_before_it_says_that_it_listens(
    data_dir: Path, statement: str, code: str
) -> None:
    async with SqlRecords.open(data_dir / RECORDS_FILE):
        pass
    with sqlite3.connect(data_dir / RECORDS_FILE) as connection:
        connection.execute(statement)
    connection.close()
    ended, out, err = await magi("serve", "--port", str(free_port()))
    assert (ended, out, err.count("\n")) == (30, "", 1)
    assert err.endswith(f"({code})\n")
