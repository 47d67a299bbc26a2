"""LiteLLM's stream as Strands events. Loads Strands and LiteLLM when imported, LiteLLM without any network.

Requests are Strands' own. The stream is read here, since LiteLLM makes up a ``finish_reason`` where the provider's
stream broke off, which only its response object tells, and since Strands does not close that object.
"""

import logging
import os
from collections.abc import AsyncGenerator, Iterator
from typing import Any, cast
from uuid import uuid4

# Read by LiteLLM while it is imported: by default it fetches a list of prices from the network, and reads a `.env` file
# of the working directory into the environment of this process. https://docs.litellm.ai/docs/proxy/config_settings
os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
os.environ.setdefault("LITELLM_MODE", "PRODUCTION")

import litellm
from strands.models.litellm import LiteLLMModel
from strands.types.content import Messages, SystemContentBlock
from strands.types.streaming import StreamEvent
from strands.types.tools import ToolChoice, ToolSpec
from typing_extensions import override

from magisystem.errors import ModelStreamCut
from magisystem.models.openai_stream import without_cached

# LiteLLM prints advice to standard output at every failure, and logs requests; both are ours to show.
litellm.suppress_debug_info = True
for _name in ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy"):
    logging.getLogger(_name).setLevel(logging.ERROR)


class LiteLLMStream(LiteLLMModel):
    """One model behind LiteLLM for one speech."""

    def __init__(self, client_args: dict[str, Any], **model_config: Any) -> None:
        super().__init__(client_args, **model_config)
        self._open: Any = None

    async def aclose(self) -> None:
        """Close the response that is open. Idempotent."""
        if self._open is not None:
            response, self._open = self._open, None
            await response.aclose()

    @override
    async def stream(
        self,
        messages: Messages,
        tool_specs: list[ToolSpec] | None = None,
        system_prompt: str | None = None,
        *,
        tool_choice: ToolChoice | None = None,
        system_prompt_content: list[SystemContentBlock] | None = None,
        **kwargs: Any,
    ) -> AsyncGenerator[StreamEvent, None]:
        """Stream the answer.

        Raises:
            ModelStreamCut: the stream is over, and the provider did not say that its answer is.
        """
        request = self.format_request(
            messages,
            tool_specs,
            system_prompt,
            tool_choice,
            system_prompt_content=system_prompt_content,
            agent_metadata=kwargs.get("agent_metadata"),
        )
        response = await cast("Any", litellm.acompletion)(**self.client_args, **request)
        self._open = response
        try:
            yield {"messageStart": {"role": "assistant"}}
            blocks = _Blocks()
            finish_reason, usage = None, None
            async for part in response:
                usage = getattr(part, "usage", None) or usage
                for choice in getattr(part, "choices", None) or ():
                    finish_reason = choice.finish_reason or finish_reason
                    for chunk in blocks.read(choice.delta):
                        yield chunk
            if finish_reason is None or not _is_finished(response):
                raise ModelStreamCut("The stream ended without a finish_reason.")
            for chunk in blocks.end():
                yield chunk
            yield self.format_chunk({"chunk_type": "message_stop", "data": finish_reason})
            if usage is not None:
                yield without_cached(self.format_chunk({"chunk_type": "metadata", "data": usage}))
        finally:
            await self.aclose()


class _Blocks:
    """Turns deltas into blocks. Calls of tools come in pieces that may be mixed, so they wait for the end."""

    def __init__(self) -> None:
        self._kind: str | None = None
        self._calls: dict[int, tuple[str, str, list[str]]] = {}

    def read(self, delta: Any) -> Iterator[StreamEvent]:
        if thought := getattr(delta, "reasoning_content", None):
            yield from self._switched("reasoning")
            yield {"contentBlockDelta": {"delta": {"reasoningContent": {"text": thought}}}}
        if text := getattr(delta, "content", None):
            yield from self._switched("text")
            yield {"contentBlockDelta": {"delta": {"text": text}}}
        for call in getattr(delta, "tool_calls", None) or ():
            name, tool_use_id, parts = self._calls.get(call.index, ("", "", []))
            parts.append(call.function.arguments or "")
            self._calls[call.index] = (name or call.function.name or "", tool_use_id or call.id or "", parts)

    def end(self) -> Iterator[StreamEvent]:
        yield from self._switched(None)
        for name, tool_use_id, parts in self._calls.values():
            use = {"name": name, "toolUseId": tool_use_id or f"call_{uuid4().hex}"}
            yield {"contentBlockStart": {"start": {"toolUse": cast("Any", use)}}}
            yield {"contentBlockDelta": {"delta": {"toolUse": {"input": "".join(parts)}}}}
            yield {"contentBlockStop": {}}

    def _switched(self, kind: str | None) -> Iterator[StreamEvent]:
        if kind == self._kind:
            return
        if self._kind is not None:
            yield {"contentBlockStop": {}}
        if kind is not None:
            yield {"contentBlockStart": {"start": {}}}
        self._kind = kind


def _is_finished(response: Any) -> bool:
    """Tell whether the provider itself said that it is finished; a response that keeps no record of it is believed."""
    if not hasattr(response, "received_finish_reason"):
        return True
    return bool(response.received_finish_reason or getattr(response, "intermittent_finish_reason", None))
