"""Anthropic's own API."""

from dataclasses import dataclass, field
from typing import Any

from magisystem.council.briefs import Brief
from magisystem.models.bedrock import sampling_fields
from magisystem.models.strands_provider import PROBE_S, StrandsConnection, given, loaded, reason_missing
from magisystem.models.wire import Wire


@dataclass(slots=True)
class Anthropic:
    """``api_key`` is ``ANTHROPIC_API_KEY``; the SDK itself heeds ``ANTHROPIC_BASE_URL``."""

    api_key: str | None = field(repr=False)
    prefix: str = "anthropic"
    example: str = "anthropic:claude-sonnet-5"
    note: str | None = None
    module: str = "strands.models.anthropic"
    _wire: Wire = field(default_factory=Wire, repr=False)

    async def reason_unusable(self, model_id: str | None) -> str | None:
        """See `Provider.reason_unusable`. The API is asked for the model; where it does not answer, the call tells."""
        if missing := reason_missing("anthropic", "anthropic"):
            return missing
        if not self.api_key:
            return "ANTHROPIC_API_KEY is not set. Set it to a key of https://platform.claude.com/settings/keys."
        if model_id is None:
            return None
        anthropic = await loaded("anthropic")
        await self._wire.prepare()
        async with anthropic.AsyncAnthropic(**self._client_args(PROBE_S)) as client:
            try:
                await client.models.retrieve(model_id)
            except anthropic.AuthenticationError:
                return "the API refuses ANTHROPIC_API_KEY. Set it to a key that is valid."
            except anthropic.NotFoundError as error:
                # Gateways behind ANTHROPIC_BASE_URL may know no such list at all; Anthropic's 404 names the model.
                if f"model: {model_id}" in str(error):
                    return f"the API has no model {model_id!r}. See https://platform.claude.com/docs/en/about-claude/models."
            except anthropic.AnthropicError:
                pass
        return None

    def connect(self, model_id: str, brief: Brief) -> StrandsConnection:
        """See `Provider.connect`. What a Claude model refuses, it refuses here as on Bedrock."""
        from strands.models.anthropic import AnthropicModel

        sampling = sampling_fields(f"anthropic.{model_id}", brief.agent.sampling)
        wished = sampling.inference_config
        model = AnthropicModel(
            client_args=self._client_args(),
            model_id=model_id,
            max_tokens=wished["maxTokens"],
            params=given(
                temperature=wished.get("temperature"),
                top_p=wished.get("topP"),
                top_k=sampling.additional_fields.get("top_k"),
            ),
        )
        return StrandsConnection(model, model.client.close, sampling.dropped)

    async def aclose(self) -> None:
        """Hold nothing."""

    def _client_args(self, timeout_s: float | None = None) -> dict[str, Any]:
        http_client = self._wire.client(timeout_s)
        return {
            "api_key": self.api_key,
            "http_client": http_client,
            "timeout": http_client.timeout,
            "max_retries": 0,
        }
