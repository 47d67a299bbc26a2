"""Amazon Bedrock as a provider."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from magisystem.council.briefs import Brief

if TYPE_CHECKING:
    from magisystem.models.bedrock.model import BedrockModel
    from magisystem.models.bedrock.runtime import BedrockRuntime, Sources


@dataclass(frozen=True, slots=True)
class _Connection:
    model: "BedrockModel"

    @property
    def dropped(self) -> tuple[str, ...]:
        return self.model.dropped

    async def aclose(self) -> None:
        await self.model.aclose()


@dataclass(slots=True)
class Bedrock:
    """Region, credentials and endpoint are found the AWS way, on first use."""

    prefix: str = "bedrock"
    example: str = "bedrock:global.anthropic.claude-sonnet-5"
    note: str | None = None
    module: str = "magisystem.models.bedrock.model"
    _runtime: "BedrockRuntime | None" = None

    async def reason_unusable(self, model_id: str | None) -> str | None:
        """See `Provider.reason_unusable`."""
        return await self._opened().reason_unusable()

    def connect(self, model_id: str, brief: Brief) -> _Connection:
        """See `Provider.connect`."""
        from magisystem.models.bedrock.model import BedrockModel

        return _Connection(BedrockModel(self._opened(), model_id, brief.agent.sampling))

    async def sources(self) -> "Sources":
        """Tell where what is needed to call Bedrock comes from; see `BedrockRuntime.sources`."""
        return await self._opened().sources()

    async def say_a_token(self, model_id: str) -> None:
        """Let a model say one token, to see that it may be called.

        Raises:
            ModelError: it may not, or it failed; the leaf says how.
        """
        request = {
            "modelId": model_id,
            "messages": [{"role": "user", "content": [{"text": "Say yes."}]}],
            "inferenceConfig": {"maxTokens": 1},
        }
        async with self._opened().converse(request) as conversation:
            async for _ in conversation:
                pass

    async def aclose(self) -> None:
        """Close the connections to Bedrock."""
        if self._runtime is not None:
            await self._runtime.aclose()

    def _opened(self) -> "BedrockRuntime":
        from magisystem.models.bedrock.runtime import BedrockRuntime

        if self._runtime is None:
            self._runtime = BedrockRuntime()
        return self._runtime
