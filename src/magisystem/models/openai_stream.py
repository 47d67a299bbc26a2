"""OpenAI's chat completions as Strands reads them, with the end of a stream told apart from its breaking off.

Loads Strands and OpenAI's SDK when imported.
"""

from typing import Any, cast

from strands.models.openai import OpenAIModel
from strands.types.streaming import StreamEvent
from typing_extensions import override

from magisystem.errors import ModelStreamCut


class OpenAIStream(OpenAIModel):
    """Strands' provider, strict where it is lenient."""

    @override
    def format_chunk(self, event: dict[str, Any], **kwargs: Any) -> StreamEvent:
        """Give Strands' event for a part of the stream.

        Raises:
            ModelStreamCut: the stream is over and no ``finish_reason`` came. Strands makes up "end_turn" then, which is
                none of OpenAI's words.
        """
        if event["chunk_type"] == "message_stop" and event["data"] in (None, "end_turn"):
            raise ModelStreamCut("The stream ended without a finish_reason.")
        return without_cached(super().format_chunk(event, **kwargs))


def without_cached(chunk: StreamEvent) -> StreamEvent:
    """Take what was read from or written to a prompt cache out of the input tokens, where OpenAI counts it as well.

    https://platform.openai.com/docs/guides/prompt-caching
    """
    metadata = cast("dict[str, dict[str, int]]", chunk.get("metadata", {}))
    if usage := metadata.get("usage"):
        cached = usage.get("cacheReadInputTokens", 0) + usage.get("cacheWriteInputTokens", 0)
        usage["inputTokens"] = max(0, usage["inputTokens"] - cached)
    return chunk
