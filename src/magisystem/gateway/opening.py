"""What the gateway needs to relay, opened together. It loads what is heavy, so it is imported once the port is open."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from magisystem.gateway.asks import Ask
from magisystem.gateway.attempts import Attempts
from magisystem.gateway.calls import Call
from magisystem.gateway.late_refusals import LateRefusals
from magisystem.gateway.patience import Timing
from magisystem.gateway.relay import Relay
from magisystem.gateway.runtime import Runtime
from magisystem.gateway.settings import GatewaySettings
from magisystem.identity import Verifier
from magisystem.identity.callers import Callers


@dataclass(frozen=True, slots=True)
class Opened:
    """The parts that answer a request."""

    callers: Callers
    runtime: Runtime
    timing: Timing
    late: LateRefusals = field(default_factory=LateRefusals)

    def relay(self, call: Call, ask: Ask, stopping: asyncio.Event, left_s: float | None) -> Relay:
        """Give the response to a request; see `Relay`."""
        return Relay(Attempts(self.runtime, call, ask, self.timing), self.late, stopping, left_s)


@asynccontextmanager
async def open_gateway(settings: GatewaySettings, timing: Timing) -> AsyncGenerator[Opened]:
    """Open the parts, and close them after the block."""
    verifier = Verifier(settings.oidc) if settings.oidc else None
    try:
        async with Runtime.open(settings, timing) as runtime:
            yield Opened(Callers(verifier), runtime, timing)
    finally:
        if verifier is not None:
            await verifier.aclose()
