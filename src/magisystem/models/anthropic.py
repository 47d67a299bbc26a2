"""Anthropic's own API."""

from dataclasses import dataclass, field

from magisystem.council.briefs import Brief
from magisystem.models.strands_provider import MAX_TOKENS, TIMEOUT_S, StrandsConnection, given, reason_missing


@dataclass(slots=True)
class Anthropic:
    """``api_key`` is ``ANTHROPIC_API_KEY``."""

    api_key: str | None = field(repr=False)
    prefix: str = "anthropic"
    example: str = "anthropic:claude-sonnet-5"
    note: str | None = None
    module: str = "strands.models.anthropic"

    async def reason_unusable(self, model_id: str | None) -> str | None:
        """See `Provider.reason_unusable`."""
        if missing := reason_missing("anthropic", "anthropic"):
            return missing
        return None if self.api_key else "ANTHROPIC_API_KEY is not set."

    def connect(self, model_id: str, brief: Brief) -> StrandsConnection:
        """See `Provider.connect`."""
        from strands.models.anthropic import AnthropicModel

        sampling = brief.agent.sampling
        return StrandsConnection(
            AnthropicModel(
                client_args={"api_key": self.api_key, "max_retries": 0, "timeout": TIMEOUT_S},
                model_id=model_id,
                max_tokens=sampling.max_tokens or MAX_TOKENS,
                params=given(temperature=sampling.temperature, top_p=sampling.top_p, top_k=sampling.top_k),
            )
        )

    async def aclose(self) -> None:
        """Hold nothing."""
