"""A stand-in for Ollama's ``/api/chat`` and ``/api/tags``: https://github.com/ollama/ollama/blob/main/docs/api.md."""

import json
from collections.abc import Iterator
from typing import Any

from aiohttp import web

from tests.support.bedrock import tokens
from tests.support.chat_completions import N_INPUT_TOKENS, Frame, How, Refusal, Reply, StandIn


class StandInOllama(StandIn):
    """Streams lines of JSON. A tool's call comes whole: Ollama has no deltas of one."""

    content_type = "application/x-ndjson"
    path = "/api/chat"

    def add_routes(self, app: web.Application) -> None:
        app.router.add_get("/api/tags", self._list)

    def frames(self, reply: Reply) -> Iterator[Frame]:
        for token in tokens(reply.thinking):
            yield _line({"message": {"role": "assistant", "content": "", "thinking": token}}, is_delta=True)
        for token in tokens(reply.text):
            yield _line({"message": {"role": "assistant", "content": token}}, is_delta=True)
        for call in reply.calls:
            function = {"name": call.name, "arguments": call.input}
            message = {"role": "assistant", "content": "", "tool_calls": [{"function": function}]}
            yield _line({"message": message}, is_delta=True)
        counts = {"prompt_eval_count": N_INPUT_TOKENS, "eval_count": len(tokens(reply.text)) + 1}
        yield _line(
            {
                "message": {"role": "assistant", "content": ""},
                "done": True,
                "done_reason": reply.stop or "stop",
                "total_duration": 1_000_000,
                **(counts if reply.has_usage else {}),
            }
        )

    def failure(self, how: How) -> bytes:
        return _line({"error": "The stand-in was told to fail."}).sent

    def refusal(self, refusal: Refusal) -> dict[str, Any]:
        return {"error": refusal.message}

    async def _list(self, _: web.Request) -> web.Response:
        await self.listing_asked()
        listed = [{"name": name, "model": name} for name in self.models or ()]
        return web.json_response({"models": listed}, status=self.listing_status)


def _line(fields: dict[str, Any], *, is_delta: bool = False) -> Frame:
    line = {"model": "a-model", "created_at": "2026-01-01T00:00:00Z", "done": False, **fields}
    if "error" in fields:
        line = fields
    return Frame(json.dumps(line).encode() + b"\n", is_delta)
