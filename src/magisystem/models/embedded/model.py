"""The advisor as a Strands model: it streams its advice in tokens, at a pace, and casts through the ballot's tool.

This module imports Strands and is therefore imported only where a speech begins (ARCHITECTURE.md, import cost).
"""

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Iterator
from typing import Any, TypedDict, TypeVar

from pydantic import BaseModel
from strands.models import Model
from strands.types.content import Messages, SystemContentBlock
from strands.types.event_loop import Usage
from strands.types.streaming import StreamEvent
from strands.types.tools import ToolSpec
from typing_extensions import override

from magisystem.council.briefs import Brief
from magisystem.errors import ModelRejected
from magisystem.models.embedded.advice import advise

T = TypeVar("T", bound=BaseModel)

_N_TOKENS_BETWEEN_TURNS = 64
"""How many tokens may leave before the loop gets a turn, where nothing is waited for."""
_N_INPUT_FRAGMENTS = 6
_TOKEN = re.compile(
    r"[ \t]*[A-Za-z]{1,8}|[ \t]*\d{1,3}|[\u3040-\u309f]{1,3}|[\u30a0-\u30ff]{1,3}|[\u3400-\u9fff々]{1,2}|\s{1,16}|.",
    re.DOTALL,
)


class EmbeddedConfig(TypedDict):
    """What Strands may ask a model about itself."""

    model_id: str
    tokens_per_s: float


class EmbeddedModel(Model):
    """One speech of the advisor on one brief; it knows the brief as data and does not parse the messages it is sent.

    ``tokens_per_s`` is the pace; 0 sends everything at once. The advice is worked out on the first step of `stream`,
    in a few milliseconds, and cancellation between tokens leaves nothing behind.
    """

    def __init__(self, brief: Brief, tokens_per_s: float) -> None:
        self._brief = brief
        self._config = EmbeddedConfig(model_id="embedded", tokens_per_s=tokens_per_s)

    @override
    def update_config(self, **model_config: Any) -> None:
        """Change the pace; the model has no other setting, and what else is passed is left aside."""
        self._config["tokens_per_s"] = float(model_config.get("tokens_per_s", self._config["tokens_per_s"]))

    @override
    def get_config(self) -> EmbeddedConfig:
        """Give the configuration."""
        return self._config

    @override
    async def stream(
        self,
        messages: Messages,
        tool_specs: list[ToolSpec] | None = None,
        system_prompt: str | None = None,
        **kwargs: Any,
    ) -> AsyncGenerator[StreamEvent, None]:
        """Stream the advice as Converse stream events.

        The text deltas join to exactly the prose of `advise`. With ``tool_specs`` and a ballot in the brief the tool
        use follows and the stream stops with ``tool_use``, else with ``end_turn``. Usage counts this model's tokens.
        """
        advice = advise(self._brief)
        ballot = self._brief.ballot if tool_specs else None
        written = "" if advice.casting is None or ballot is None else json.dumps(advice.casting, ensure_ascii=False)
        pace = _Pace(self._config["tokens_per_s"])
        yield {"messageStart": {"role": "assistant"}}
        yield {"contentBlockStart": {"contentBlockIndex": 0, "start": {}}}
        for token in tokens(advice.prose):
            await pace.next()
            yield {"contentBlockDelta": {"contentBlockIndex": 0, "delta": {"text": token}}}
        yield {"contentBlockStop": {"contentBlockIndex": 0}}
        if ballot is not None and written:
            for event in _tool_use(f"embedded-{self._brief.agent.id}-{ballot.tool}", ballot.tool, written):
                yield event
        yield {"messageStop": {"stopReason": "tool_use" if written else "end_turn"}}
        n_input, n_output = _n_brief_tokens(self._brief), n_tokens(advice.prose) + n_tokens(written)
        usage: Usage = {"inputTokens": n_input, "outputTokens": n_output, "totalTokens": n_input + n_output}
        yield {"metadata": {"usage": usage, "metrics": {"latencyMs": pace.elapsed_ms}}}

    @override
    def structured_output(
        self, output_model: type[T], prompt: Messages, system_prompt: str | None = None, **kwargs: Any
    ) -> AsyncGenerator[dict[str, T | Any], None]:
        """Refuse: the advisor fills in no forms but its ballot.

        Raises:
            ModelRejected: always.
        """
        raise ModelRejected(
            "The embedded advisor is rule-based and gives no structured output. A language model (MAGI_MODEL) does."
        )

    @override
    async def count_tokens(
        self,
        messages: Messages,
        tool_specs: list[ToolSpec] | None = None,
        system_prompt: str | None = None,
        system_prompt_content: list[SystemContentBlock] | None = None,
    ) -> int:
        """Count the brief in the model's own tokens."""
        return _n_brief_tokens(self._brief)

    async def aclose(self) -> None:
        """Close nothing: there is no connection."""


def tokens(text: str) -> Iterator[str]:
    """Split ``text`` into this model's tokens; they join to ``text`` exactly."""
    return (found[0] for found in _TOKEN.finditer(text))


def n_tokens(text: str) -> int:
    """Count the tokens of ``text``."""
    return sum(1 for _ in _TOKEN.finditer(text))


class _Pace:
    """Lets one token pass at a time, against a schedule that starts with the first and does not drift."""

    def __init__(self, tokens_per_s: float) -> None:
        self._interval_s = 1 / tokens_per_s if tokens_per_s > 0 else 0.0
        self._loop = asyncio.get_running_loop()
        self._started_at = self._loop.time()
        self._n_passed = 0

    @property
    def elapsed_ms(self) -> int:
        """Give the time since the start."""
        return round((self._loop.time() - self._started_at) * 1000)

    async def next(self) -> None:
        """Wait until the next token is due; a late one leaves at once."""
        due_in_s = self._started_at + self._n_passed * self._interval_s - self._loop.time() if self._interval_s else 0.0
        self._n_passed += 1
        if due_in_s > 0:
            await asyncio.sleep(due_in_s)
        elif self._n_passed % _N_TOKENS_BETWEEN_TURNS == 0:
            await asyncio.sleep(0)


def _tool_use(use_id: str, name: str, written: str) -> Iterator[StreamEvent]:
    yield {"contentBlockStart": {"contentBlockIndex": 1, "start": {"toolUse": {"toolUseId": use_id, "name": name}}}}
    for fragment in _fragments(written):
        yield {"contentBlockDelta": {"contentBlockIndex": 1, "delta": {"toolUse": {"input": fragment}}}}
    yield {"contentBlockStop": {"contentBlockIndex": 1}}


def _fragments(written: str) -> Iterator[str]:
    size = -(-len(written) // _N_INPUT_FRAGMENTS)
    return (written[start : start + size] for start in range(0, len(written), size))


def _n_brief_tokens(brief: Brief) -> int:
    return n_tokens(brief.system) + sum(n_tokens(message.content) for message in brief.messages)
