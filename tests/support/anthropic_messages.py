"""A stand-in for Anthropic's ``/v1/messages``: https://docs.claude.com/en/docs/build-with-claude/streaming."""

import json
from collections.abc import Iterator
from typing import Any

from aiohttp import web

from tests.support.bedrock import tokens
from tests.support.chat_completions import (
    N_CACHED_TOKENS,
    N_INPUT_TOKENS,
    Frame,
    How,
    Refusal,
    Reply,
    StandIn,
    input_of,
)

_KINDS = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
    529: "overloaded_error",
}


class StandInAnthropic(StandIn):
    """Streams messages; ``models`` is what ``/v1/models/{id}`` knows."""

    content_type = "text/event-stream"
    path = "/v1/messages"

    def add_routes(self, app: web.Application) -> None:
        app.router.add_get("/v1/models/{model:.+}", self._model)

    def frames(self, reply: Reply) -> Iterator[Frame]:
        usage = {
            "input_tokens": N_INPUT_TOKENS - N_CACHED_TOKENS,
            "cache_read_input_tokens": N_CACHED_TOKENS,
            "output_tokens": 1,
        }
        message: dict[str, Any] = {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": "a-model",
            "content": [],
        }
        yield _event("message_start", message={**message, "stop_reason": None, "stop_sequence": None, "usage": usage})
        yield _event("ping")
        index = -1
        if reply.thinking:
            index += 1
            yield _event("content_block_start", index=index, content_block={"type": "thinking", "thinking": ""})
            for token in tokens(reply.thinking):
                yield _delta(index, {"type": "thinking_delta", "thinking": token})
            yield _delta(index, {"type": "signature_delta", "signature": "c2lnbmF0dXJl"})
            yield _event("content_block_stop", index=index)
        if reply.text:
            index += 1
            yield _event("content_block_start", index=index, content_block={"type": "text", "text": ""})
            for token in tokens(reply.text):
                yield _delta(index, {"type": "text_delta", "text": token})
            yield _event("content_block_stop", index=index)
        for call in reply.calls:
            index += 1
            block: dict[str, Any] = {"type": "tool_use", "id": f"toolu_{index}", "name": call.name, "input": {}}
            yield _event("content_block_start", index=index, content_block=block)
            for token in tokens(input_of(call)):
                yield _delta(index, {"type": "input_json_delta", "partial_json": token})
            yield _event("content_block_stop", index=index)
        stop = reply.stop or ("tool_use" if reply.calls else "end_turn")
        n_output = len(tokens(reply.text)) + 1
        yield _event(
            "message_delta", delta={"stop_reason": stop, "stop_sequence": None}, usage={"output_tokens": n_output}
        )
        yield _event("message_stop")

    def failure(self, how: How) -> bytes:
        kind = "rate_limit_error" if how is How.THROTTLE else "overloaded_error"
        return _event("error", error={"type": kind, "message": "The stand-in was told to fail."}).sent

    def refusal(self, refusal: Refusal) -> dict[str, Any]:
        kind = refusal.kind or _KINDS.get(refusal.status, "api_error")
        return {"type": "error", "error": {"type": kind, "message": refusal.message}, "request_id": "req_1"}

    async def _model(self, request: web.Request) -> web.Response:
        await self.listing_asked()
        name = request.match_info["model"]
        status = self.listing_status
        if status == 200 and self.models is not None and name not in self.models:
            status = 404
        if status != 200:
            return web.json_response(self.refusal(Refusal(status, f"model: {name}")), status=status)
        return web.json_response({"type": "model", "id": name, "display_name": name, "created_at": "2026-01-01"})


def _delta(index: int, delta: dict[str, Any]) -> Frame:
    return Frame(_event("content_block_delta", index=index, delta=delta).sent, is_delta=True)


def _event(kind: str, **fields: Any) -> Frame:
    return Frame(f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode())
