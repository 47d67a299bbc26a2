"""`magi serve`, and `magi ask --url` against it."""

import asyncio
import json
import re
import socket

from tests.support.cli import DEADLINE_S, OF_DECISION, magi, running


def free_port() -> int:
    """Give a port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


async def test_serve_says_what_to_do_next_and_answers_ask() -> None:
    port = free_port()
    async with running("serve", "--port", str(port)) as server, asyncio.timeout(DEADLINE_S):
        assert server.stdout is not None
        line = (await server.stdout.readline()).decode()
        found = re.search(r"magi ask --url (\S+) ", line)
        assert found
        code, out, err = await magi("ask", "--json", "--url", found[1], "Should we move billing to Rust?")
        events = [json.loads(event) for event in out.splitlines()]
        assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
        assert (code, err) == (OF_DECISION[events[-1].get("decision")], "")

        code, out, err = await magi("ask", "--url", found[1], "Why?", "--agent-model", "gaspard=embedded")
        assert (code, out) == (2, "")
        assert "gaspard" in err
        assert err.endswith("(unknown_agent)\n")

        code, out, err = await magi("serve", "--port", str(port))
        assert (code, out, err.count("\n")) == (1, "", 1)
        assert str(port) in err
