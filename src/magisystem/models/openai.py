"""OpenAI, and every server that speaks its chat completions: vLLM, LM Studio, llama.cpp and the like."""

from dataclasses import dataclass, field

from magisystem.council.briefs import Brief
from magisystem.models.strands_provider import MAX_TOKENS, TIMEOUT_S, StrandsConnection, given, reason_missing


@dataclass(slots=True)
class OpenAI:
    """OpenAI's own API. ``api_key`` is ``OPENAI_API_KEY``."""

    api_key: str | None = field(repr=False)
    prefix: str = "openai"
    example: str = "openai:gpt-5.1"
    note: str | None = None
    module: str = "strands.models.openai"

    async def reason_unusable(self, model_id: str | None) -> str | None:
        """See `Provider.reason_unusable`."""
        if missing := reason_missing("openai", "openai"):
            return missing
        return None if self.api_key else "OPENAI_API_KEY is not set."

    def connect(self, model_id: str, brief: Brief) -> StrandsConnection:
        """See `Provider.connect`. OpenAI has no ``topK``, and takes ``max_completion_tokens`` for every chat model."""
        from strands.models.openai import OpenAIModel

        sampling = brief.agent.sampling
        return StrandsConnection(
            OpenAIModel(
                client_args={"api_key": self.api_key, "max_retries": 0, "timeout": TIMEOUT_S},
                model_id=model_id,
                params=given(
                    temperature=sampling.temperature,
                    top_p=sampling.top_p,
                    max_completion_tokens=sampling.max_tokens or MAX_TOKENS,
                ),
            )
        )

    async def aclose(self) -> None:
        """Hold nothing."""


@dataclass(slots=True)
class OpenAICompatible:
    """A server at ``base_url`` (``MAGI_OPENAI_COMPATIBLE_BASE_URL``, such as ``http://localhost:8000/v1``)."""

    base_url: str | None
    api_key: str | None = field(repr=False)
    prefix: str = "openai-compatible"
    example: str = "openai-compatible:qwen3-32b"
    note: str | None = None
    module: str = "strands.models.openai"

    async def reason_unusable(self, model_id: str | None) -> str | None:
        """See `Provider.reason_unusable`."""
        if missing := reason_missing("openai", "openai"):
            return missing
        if not self.base_url:
            return "MAGI_OPENAI_COMPATIBLE_BASE_URL is not set. Set it to the server's address, with its /v1."
        return None

    def connect(self, model_id: str, brief: Brief) -> StrandsConnection:
        """See `Provider.connect`. Servers that need no key still need a header with one."""
        from strands.models.openai import OpenAIModel

        sampling = brief.agent.sampling
        return StrandsConnection(
            OpenAIModel(
                client_args={
                    "api_key": self.api_key or "none",
                    "base_url": self.base_url,
                    "max_retries": 0,
                    "timeout": TIMEOUT_S,
                },
                model_id=model_id,
                params=given(
                    temperature=sampling.temperature,
                    top_p=sampling.top_p,
                    max_tokens=sampling.max_tokens or MAX_TOKENS,
                    extra_body=given(top_k=sampling.top_k) or None,
                ),
            )
        )

    async def aclose(self) -> None:
        """Hold nothing."""
