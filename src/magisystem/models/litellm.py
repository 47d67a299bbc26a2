"""LiteLLM: whatever provider it knows, by its own names (``litellm:gemini/gemini-3-pro``)."""

import asyncio
from dataclasses import dataclass
from typing import Any, cast

from magisystem.council.briefs import Brief
from magisystem.models.strands_provider import MAX_TOKENS, StrandsConnection, given, loaded, reason_missing

# The deadlines of a deliberation are what ends a speech; this only has to lie beyond them.
_TIMEOUT_S = 600.0
# Their credentials may come from a profile, a role or a machine, which LiteLLM's check of the environment does not see.
_FOUND_ELSEWHERE = frozenset(
    {"bedrock", "bedrock_converse", "sagemaker", "sagemaker_chat", "vertex_ai", "azure", "azure_ai"}
)


@dataclass(slots=True)
class LiteLLM:
    """Keys are found by LiteLLM in the environment, under each provider's own name for them."""

    prefix: str = "litellm"
    example: str = "litellm:gemini/gemini-3-pro"
    note: str | None = None
    module: str = "magisystem.models.litellm_stream"

    async def reason_unusable(self, model_id: str | None) -> str | None:
        """See `Provider.reason_unusable`. LiteLLM is loaded for it, which takes seconds; nothing is called."""
        if (missing := reason_missing("litellm", "litellm")) or model_id is None:
            return missing
        await loaded(self.module)
        litellm = await loaded("litellm")
        try:
            provider = litellm.get_llm_provider(model_id)[1]
        except litellm.BadRequestError:
            return f"LiteLLM knows no provider for {model_id!r}. The form is {self.example!r}: https://docs.litellm.ai/docs/providers."
        if provider in _FOUND_ELSEWHERE:
            return None
        found = cast("dict[str, Any]", await asyncio.to_thread(litellm.validate_environment, model_id))
        if found["keys_in_environment"] or not found["missing_keys"]:
            return None
        return f"{' and '.join(found['missing_keys'])} is not set."

    def connect(self, model_id: str, brief: Brief) -> StrandsConnection:
        """See `Provider.connect`."""
        from magisystem.models.litellm_stream import LiteLLMStream

        sampling = brief.agent.sampling
        model = LiteLLMStream(
            {"timeout": _TIMEOUT_S, "max_retries": 0, "num_retries": 0},
            model_id=model_id,
            params=given(
                temperature=sampling.temperature,
                top_p=sampling.top_p,
                top_k=sampling.top_k,
                max_tokens=sampling.max_tokens or MAX_TOKENS,
            ),
        )
        return StrandsConnection(model, model.aclose)

    async def aclose(self) -> None:
        """Hold nothing."""
