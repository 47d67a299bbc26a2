"""`magi gateway` as a command: its line, its exit codes, and what it may load before it answers."""

import asyncio
import re
import signal
import sys
from asyncio.subprocess import PIPE

import httpx2
from starlette.applications import Starlette
from tests.interaction.test_cli_serve import free_port
from tests.support.agentcore import ARN, Answer, StandInAgentCore
from tests.support.cli import DEADLINE_S, environment, magi, running
from tests.support.gatewaying import KEY, TIMING
from tests.support.serving import listening

from magisystem.gateway.app import Awaited, create_gateway
from magisystem.gateway.opening import open_gateway
from magisystem.gateway.settings import read_settings

COUNCILS = {"action": "councils"}
SETTINGS = {"MAGI_GATEWAY_KEY": KEY, "MAGI_RUNTIME_ARN": ARN}


async def test_gateway_says_what_to_do_next_and_relays() -> None:
    agentcore = StandInAgentCore()
    agentcore.script(Answer(b'{"items":[]}'))
    async with asyncio.timeout(DEADLINE_S), agentcore.serving() as url:
        settings = {**SETTINGS, "MAGI_RUNTIME_ENDPOINT": url}
        port = str(free_port())
        async with running("gateway", "--port", port, **settings) as process, httpx2.AsyncClient(verify=False) as http:
            assert process.stdout is not None
            line = (await process.stdout.readline()).decode()
            found = re.search(r"magi ask --url (\S+) ", line)
            assert found
            assert ARN in line
            assert KEY not in line
            # Asked at once, it waits for what is being loaded.
            answer = await http.post(f"{found[1]}/invocations", json=COUNCILS, timeout=DEADLINE_S)
            assert answer.json() == {"items": []}

            code, out, err = await magi("gateway", "--port", port, stdin=b"", **settings)
            assert (code, out, err.count("\n")) == (1, "", 1)
            assert err.endswith("(port_taken)\n")

            process.send_signal(signal.SIGTERM)
            assert await process.wait() == -signal.SIGTERM


async def test_settings_that_are_wrong_end_the_start_with_all_that_is_wrong() -> None:
    code, out, err = await magi("gateway", "--host", "0.0.0.0", MAGI_GATEWAY_KEY="too-short", MAGI_RUNTIME_ARN="x")  # noqa: S104 - refused
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.endswith("(settings_invalid)\n")
    assert all(named in err for named in ("MAGI_GATEWAY_KEY", "MAGI_RUNTIME_ARN", "--insecure"))
    assert "too-short" not in err


async def test_a_start_loads_nothing_that_answering_ping_does_not_need() -> None:
    probe = (
        "import sys\n"
        "from magisystem.cli import commands, gateway\n"
        "from magisystem.gateway import server\n"
        "from magisystem.gateway.app import Awaited, create_gateway\n"
        "from magisystem.gateway.settings import read_settings\n"
        "settings = read_settings()\n"
        "server.uvicorn_config(create_gateway(settings, Awaited()), settings).load()\n"
        "heavy = {'pydantic', 'sqlalchemy', 'strands', 'aiohttp', 'aiobotocore', 'botocore', 'jwt', 'cryptography',\n"
        "         'httpx2', 'rich', 'websockets', 'opentelemetry'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
        "from magisystem.gateway import opening\n"
        "never = {'pydantic', 'sqlalchemy', 'strands', 'aiobotocore', 'botocore'}\n"
        "assert not never & set(sys.modules), never & set(sys.modules)\n"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", probe, stderr=PIPE, env=environment(**SETTINGS)
    )
    _, err = await process.communicate()
    assert (process.returncode, err) == (0, b"")


async def test_ping_is_answered_while_everything_else_waits_for_what_it_needs() -> None:
    agentcore = StandInAgentCore()
    agentcore.script(Answer(b'{"items":[]}'))
    async with asyncio.timeout(DEADLINE_S), agentcore.serving() as endpoint:
        settings = read_settings({**SETTINGS, "MAGI_RUNTIME_ENDPOINT": endpoint})
        awaited = Awaited()
        app: Starlette = create_gateway(settings, awaited)
        async with (
            listening(app) as url,
            httpx2.AsyncClient(base_url=url, timeout=DEADLINE_S, verify=False) as http,
            open_gateway(settings, TIMING) as opened,
        ):
            asked = asyncio.create_task(http.post("/invocations", json=COUNCILS))
            for _ in range(10):
                ping = (await http.get("/ping")).json()
                assert (ping["status"], ping["service"]) == ("healthy", "magisystem-gateway")
            assert not asked.done()
            awaited.give(opened)
            assert (await asked).json() == {"items": []}
