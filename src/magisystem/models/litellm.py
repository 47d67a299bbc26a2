"""LiteLLM: whatever provider it knows, by its own names (``litellm:gemini/gemini-3-pro``)."""

from dataclasses import dataclass
from typing import Any, cast

from magisystem.council.briefs import Brief
from magisystem.models.strands_provider import MAX_TOKENS, TIMEOUT_S, StrandsConnection, given, reason_missing


@dataclass(slots=True)
class LiteLLM:
    """Keys are found by LiteLLM in the environment, under each provider's own name for them."""

    prefix: str = "litellm"
    example: str = "litellm:gemini/gemini-3-pro"
    note: str | None = None
    module: str = "strands.models.litellm"

    async def reason_unusable(self, model_id: str | None) -> str | None:
        """See `Provider.reason_unusable`."""
        if (missing := reason_missing("litellm", "litellm")) or model_id is None:
            return missing
        import litellm

        found = cast("dict[str, Any]", litellm.validate_environment(model_id))  # pyright: ignore[reportUnknownMemberType] - untyped
        if found["keys_in_environment"] or not found["missing_keys"]:
            return None
        return f"{', '.join(found['missing_keys'])} is not set."

    def connect(self, model_id: str, brief: Brief) -> StrandsConnection:
        """See `Provider.connect`."""
        from strands.models.litellm import LiteLLMModel

        sampling = brief.agent.sampling
        return StrandsConnection(
            LiteLLMModel(
                client_args={"timeout": TIMEOUT_S, "num_retries": 0},
                model_id=model_id,
                params=given(
                    temperature=sampling.temperature,
                    top_p=sampling.top_p,
                    top_k=sampling.top_k,
                    max_tokens=sampling.max_tokens or MAX_TOKENS,
                ),
            )
        )

    async def aclose(self) -> None:
        """Hold nothing."""
