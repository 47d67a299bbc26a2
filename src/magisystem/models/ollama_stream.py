"""Ollama's chat as Strands reads it, with the end of a stream told apart from its breaking off.

Loads Strands and Ollama's SDK when imported.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from strands.models.ollama import OllamaModel
from strands.types.streaming import StreamEvent
from typing_extensions import override

from magisystem.errors import ModelStreamCut


class OllamaStream(OllamaModel):
    """Strands' provider, strict where it is lenient. For one speech."""

    _is_done = False

    @override
    def format_chunk(self, event: dict[str, Any]) -> StreamEvent:
        """Give Strands' event for a part of the stream."""
        if event["chunk_type"] == "metadata":
            last = event["data"]
            self._is_done = bool(last.done)
            # Ollama leaves out a count that is zero, and Strands adds the counts up.
            last.prompt_eval_count = last.prompt_eval_count or 0
            last.eval_count = last.eval_count or 0
            last.total_duration = last.total_duration or 0
        elif event["chunk_type"] == "content_delta" and event["data_type"] == "text" and event["data"] is None:
            event["data"] = ""
        return super().format_chunk(event)

    @override
    async def stream(self, *args: Any, **kwargs: Any) -> AsyncGenerator[StreamEvent, None]:
        """Stream the answer.

        What Strands says before it has sent the request is held back until the server has answered, since its first
        event is what tells that a call was accepted.

        Raises:
            ModelStreamCut: the stream is over and no line of it said ``"done": true``.
        """
        self._is_done = False
        has_answered = False
        held: list[StreamEvent] = []
        async with aclosing(super().stream(*args, **kwargs)) as chunks:
            async for chunk in chunks:
                if not has_answered and ("messageStart" in chunk or "contentBlockStart" in chunk):
                    held.append(chunk)
                    continue
                has_answered = True
                for earlier in held:
                    yield earlier
                held.clear()
                yield chunk
        if not self._is_done:
            raise ModelStreamCut("The stream ended without a line that says it is done.")
