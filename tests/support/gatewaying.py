"""A gateway in the test's own event loop, and the chain from it over AgentCore's data plane to a real server."""

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
from botocore.credentials import Credentials
from starlette.applications import Starlette

from magisystem.application import Application, open_application, open_catalogue
from magisystem.config import read_configuration
from magisystem.deliberation import Deliberations, ModelChoice
from magisystem.gateway.app import Awaited, create_gateway
from magisystem.gateway.opening import Opened, open_gateway
from magisystem.gateway.patience import Timing
from magisystem.gateway.settings import read_settings
from magisystem.http.app import create_app
from magisystem.logs import MemoryEventLog
from magisystem.testing.scripted import ScriptedModel
from tests.support.agentcore import ARN, StandInAgentCore
from tests.support.issuer import CLIENT, Issuer
from tests.support.serving import NO_BUNDLE, listening

KEY = "0123456789abcdef0123456789abcdef"
SIGNED_BY = ("AKIDEXAMPLE", "very-secret", "session-secret")
CREDENTIALS = Credentials(*SIGNED_BY)
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

    async def ask(
        self, body: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None
    ) -> httpx2.Response:
        asked = {"question": QUESTION} if body is None else body
        return await self.http.post("/invocations", json=asked, headers=headers)


@asynccontextmanager
async def gateway(
    agentcore: StandInAgentCore,
    settings: Mapping[str, str] | None = None,
    *,
    timing: Timing = TIMING,
    endpoint: str = "",
) -> AsyncGenerator[Gateway]:
    """Serve a gateway in front of a data plane."""
    async with agentcore.serving() as data_plane:
        environment = {
            "MAGI_GATEWAY_KEY": KEY,
            "MAGI_RUNTIME_ARN": ARN,
            "MAGI_RUNTIME_ENDPOINT": endpoint or data_plane,
            **{f"MAGI_{name.upper()}": value for name, value in (settings or {}).items()},
        }
        read = read_settings(environment)
        awaited = Awaited()
        async with (
            open_gateway(read, timing) as opened,
            listening(app := create_gateway(read, awaited)) as url,
            httpx2.AsyncClient(base_url=url, timeout=30, verify=False) as http,
        ):
            awaited.give(opened)
            yield Gateway(url, http, agentcore, opened, app.state.stopping.set)


def oidc(issuer: Issuer) -> dict[str, str]:
    """Give the settings under which this issuer's tokens are asked for."""
    return {"auth": "oidc", "oidc_discovery_url": issuer.discovery_url, "oidc_clients": CLIENT}


@asynccontextmanager
async def container(**settings: Any) -> AsyncGenerator[Starlette]:
    """Open the server as it runs within AgentCore Runtime; its models are on a stand-in for Bedrock."""
    configuration = read_configuration(
        environment={}, platform="agentcore", insecure=True, model="bedrock:a.model", **settings
    )
    async with open_application(configuration) as application:
        yield create_app(application, NO_BUNDLE)


@asynccontextmanager
async def scripted_container() -> AsyncGenerator[Starlette]:
    """Open the same with models that say at once what they are told to, and a log in memory."""
    settings = read_configuration(environment={}, platform="agentcore", insecure=True).settings
    model = ScriptedModel()
    async with Deliberations(MemoryEventLog(), model, ModelChoice("scripted:model")) as running:
        yield create_app(Application(settings, running, open_catalogue(settings)), NO_BUNDLE)


@asynccontextmanager
async def chain(*, timing: Timing = TIMING, **settings: str) -> AsyncGenerator[Gateway]:
    """Serve gateway, data plane and server; its models are on a stand-in for Bedrock, to which AWS's settings lead."""
    is_signed = settings.get("runtime_auth") == "sigv4"
    async with container(**({"gateway_key": KEY} if is_signed else {})) as app:
        agentcore = StandInAgentCore(app, credentials=CREDENTIALS if is_signed else None)
        async with gateway(agentcore, settings, timing=timing) as served:
            yield served


@asynccontextmanager
async def scripted_chain(*, timing: Timing = TIMING, **settings: str) -> AsyncGenerator[Gateway]:
    """Serve the same with scripted models."""
    async with scripted_container() as app, gateway(StandInAgentCore(app), settings, timing=timing) as served:
        yield served
