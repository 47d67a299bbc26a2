"""A gateway in the test's own event loop, and the chain from it over AgentCore's data plane to a real server."""

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
from botocore.credentials import Credentials
from starlette.types import ASGIApp

from magisystem.application import open_application
from magisystem.config import read_configuration
from magisystem.gateway.app import Awaited, create_gateway
from magisystem.gateway.opening import Opened, open_gateway
from magisystem.gateway.patience import Timing
from magisystem.gateway.settings import read_settings
from magisystem.http.app import create_app
from tests.support.agentcore import ARN, StandInAgentCore
from tests.support.bedrock import StandInBedrock
from tests.support.serving import NO_BUNDLE, listening

KEY = "0123456789abcdef0123456789abcdef"
CREDENTIALS = Credentials("AKIDEXAMPLE", "very-secret", "session-secret")
# Everything that is waited for comes at once on one machine, but a busy one is not to be taken for a broken one.
TIMING = Timing(head_s=5.0, back_off_s=0.01, longest_back_off_s=0.05, retry_s=10.0, give_up_s=10.0)
QUESTION = "Should we move the billing service to Rust?"


@dataclass(frozen=True)
class Gateway:
    """A gateway, its data plane, and its inside."""

    url: str
    http: httpx2.AsyncClient
    agentcore: StandInAgentCore
    opened: Opened
    stop: Callable[[], None]

    async def ask(self, body: Mapping[str, Any] | None = None, **headers: str) -> httpx2.Response:
        asked = {"question": QUESTION} if body is None else body
        return await self.http.post("/invocations", json=asked, headers=headers)


@asynccontextmanager
async def gateway(
    agentcore: StandInAgentCore, *, timing: Timing = TIMING, endpoint: str = "", **settings: str
) -> AsyncGenerator[Gateway]:
    """Serve a gateway in front of a data plane."""
    async with agentcore.serving() as data_plane:
        environment = {
            "MAGI_GATEWAY_KEY": KEY,
            "MAGI_RUNTIME_ARN": ARN,
            "MAGI_RUNTIME_ENDPOINT": endpoint or data_plane,
            **{f"MAGI_{name.upper()}": value for name, value in settings.items()},
        }
        read = read_settings(environment)
        awaited = Awaited()
        async with (
            open_gateway(read, timing) as opened,
            listening(app := create_gateway(read, awaited)) as url,
            httpx2.AsyncClient(base_url=url, timeout=30) as http,
        ):
            awaited.give(opened)
            yield Gateway(url, http, agentcore, opened, app.state.stopping.set)


@asynccontextmanager
async def container(**settings: Any) -> AsyncGenerator[ASGIApp]:
    """Open the server as it runs within AgentCore Runtime; its models are on a stand-in for Bedrock."""
    async with open_application(
        read_configuration(environment={}, platform="agentcore", insecure=True, model="bedrock:a.model", **settings)
    ) as application:
        yield create_app(application, NO_BUNDLE)


@asynccontextmanager
async def chain(bedrock: StandInBedrock, *, timing: Timing = TIMING, **settings: str) -> AsyncGenerator[Gateway]:
    """Serve gateway, data plane and server; ``bedrock`` is where AWS's settings lead already."""
    del bedrock
    is_signed = settings.get("runtime_auth") == "sigv4"
    async with container(**({"gateway_key": KEY} if is_signed else {})) as app:
        agentcore = StandInAgentCore(app, credentials=CREDENTIALS if is_signed else None)
        async with gateway(agentcore, timing=timing, **settings) as served:
            yield served
