"""Bedrock as a Strands model provider: requests and events are Strands' own, which are Converse's.

Loads Strands when imported. The connection is `runtime`'s; a `BedrockModel` is made for one speech and thrown away.
"""

import threading
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, cast

from pydantic import BaseModel
from strands.models import Model
from strands.types.content import Messages, SystemContentBlock
from strands.types.streaming import StreamEvent
from strands.types.tools import ToolChoice, ToolSpec
from typing_extensions import override

from magisystem.council.agents import Sampling
from magisystem.errors import ModelFailed, ModelRejected, ModelWithheld
from magisystem.models.bedrock.runtime import BedrockRuntime, Conversation
from magisystem.models.bedrock.sampling import sampling_fields

if TYPE_CHECKING:
    from strands.agent.agent_metadata import AgentMetadata

T = TypeVar("T", bound=BaseModel)

_ENDS = frozenset({"end_turn", "tool_use", "stop_sequence", "max_tokens"})
# `refusal` is what Claude's own API says; Converse does not list it, but additional words have come before.
_WITHHELD = frozenset({"guardrail_intervened", "content_filtered", "refusal"})

# The fields Converse knows; an unknown one fails the request. Blocks that are not here pass as they are.
# https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ContentBlock.html
_BLOCK_FIELDS: Mapping[str, tuple[str, ...]] = {
    "toolUse": ("toolUseId", "name", "input"),
    "toolResult": ("toolUseId", "content", "status"),
    "reasoningContent": ("reasoningText", "redactedContent"),
}
_TOOL_FIELDS = ("name", "description", "inputSchema")


class BedrockModel(Model):
    """One model on Bedrock for one speech.

    Args:
        runtime: whose connections are used; it stays open.
        model_id: a model's id, an inference profile's id, or the ARN of either.
        sampling: what is wished; what the model refuses is not sent and named in ``dropped``.
    """

    def __init__(self, runtime: BedrockRuntime, model_id: str, sampling: Sampling) -> None:
        self._runtime = runtime
        self._model_id = model_id
        self._sampling = sampling_fields(model_id, sampling)
        self._open: set[Conversation] = set()
        self._is_closed = False

    @property
    def dropped(self) -> tuple[str, ...]:
        """The sampling fields that were wished for but are not sent, since the model would refuse them."""
        return self._sampling.dropped

    @override
    def update_config(self, **model_config: Any) -> None:
        """Refuse: a model is made for one speech and does not change in it.

        Raises:
            NotImplementedError: always.
        """
        raise NotImplementedError("A BedrockModel is made for one speech; make another one.")

    @override
    def get_config(self) -> dict[str, Any]:
        """Give the configuration as Strands shows it in its traces."""
        return {"model_id": self._model_id, **self._sampling.inference_config}

    @override
    def structured_output(
        self, output_model: type[T], prompt: Messages, system_prompt: str | None = None, **kwargs: Any
    ) -> AsyncGenerator[dict[str, T | Any], None]:
        """Refuse: some models take no forced tool choice, so a council's answers come through a free tool call.

        Raises:
            NotImplementedError: always.
        """
        raise NotImplementedError("BedrockModel has no structured output; give the agent a tool instead.")

    @override
    async def stream(
        self,
        messages: Messages,
        tool_specs: list[ToolSpec] | None = None,
        system_prompt: str | None = None,
        *,
        tool_choice: ToolChoice | None = None,
        system_prompt_content: list[SystemContentBlock] | None = None,
        invocation_state: dict[str, Any] | None = None,
        cancel_signal: threading.Event | None = None,
        agent_metadata: "AgentMetadata | None" = None,
        structured_output_model: type[BaseModel] | None = None,
        **kwargs: Any,
    ) -> AsyncGenerator[StreamEvent, None]:
        """Send the conversation and give the answer's events as they come.

        Ends normally only after ``messageStop``, with a stop reason that is an end, and ``metadata``. A speech is
        stopped by cancelling it and `aclose`, not by ``cancel_signal``.

        Raises:
            ModelError: nothing else is raised for a failure of the provider. Where the stop reason is the failure, the
                usage has been given before.
        """
        request = self._request(messages, tool_specs, system_prompt, tool_choice, system_prompt_content)
        stop_reason = ""
        self._check_open()
        async with self._runtime.converse(request) as conversation:
            self._open.add(conversation)
            try:
                self._check_open()
                async for event in conversation:
                    if "messageStop" in event:
                        stop_reason = event["messageStop"].get("stopReason", "")
                    yield cast("StreamEvent", event)
            finally:
                self._open.discard(conversation)
        _check_end(stop_reason)

    async def aclose(self) -> None:
        """Close the responses that are open, even while they are being read. Idempotent; nothing opens after it."""
        self._is_closed = True
        while self._open:
            self._open.pop().close()

    def _check_open(self) -> None:
        if self._is_closed:
            raise ModelFailed("The speech has been closed.")

    def _request(
        self,
        messages: Messages,
        tool_specs: Sequence[ToolSpec] | None,
        system_prompt: str | None,
        tool_choice: ToolChoice | None,
        system_prompt_content: Sequence[SystemContentBlock] | None,
    ) -> dict[str, Any]:
        request: dict[str, Any] = {
            "modelId": self._model_id,
            "messages": [
                {"role": message["role"], "content": [_block(block) for block in message["content"]]}
                for message in cast("list[dict[str, Any]]", messages)
            ],
            "inferenceConfig": self._sampling.inference_config,
        }
        if self._sampling.additional_fields:
            request["additionalModelRequestFields"] = self._sampling.additional_fields
        if system_prompt_content:
            request["system"] = list(system_prompt_content)
        elif system_prompt:
            request["system"] = [{"text": system_prompt}]
        if tool_specs:
            tools = [{"toolSpec": _only(cast("dict[str, Any]", spec), _TOOL_FIELDS)} for spec in tool_specs]
            # The choice is only ever the caller's: a forced tool and thinking exclude each other on several models.
            request["toolConfig"] = {"tools": tools, **({"toolChoice": tool_choice} if tool_choice else {})}
        return request


def _block(block: dict[str, Any]) -> dict[str, Any]:
    kept = {
        kind: _only(cast("dict[str, Any]", content), _BLOCK_FIELDS[kind]) if kind in _BLOCK_FIELDS else content
        for kind, content in block.items()
    }
    if "toolUse" in kept and not isinstance(kept["toolUse"]["input"], dict):
        # Converse takes only an object here. What the model wrote instead is kept, for it to see and mend.
        kept["toolUse"]["input"] = {"input": kept["toolUse"]["input"]}
    return kept


def _only(fields: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: fields[name] for name in names if name in fields}


def _check_end(stop_reason: str) -> None:
    if stop_reason in _ENDS:
        return
    if stop_reason in _WITHHELD:
        raise ModelWithheld(f"Bedrock withheld the answer ({stop_reason}).")
    if stop_reason == "model_context_window_exceeded":
        raise ModelRejected("The conversation does not fit the model's context window.")
    raise ModelFailed(f"The model stopped for a reason that is no end: {stop_reason or 'none was given'}.")
