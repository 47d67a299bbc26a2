"""The systems that are measured side by side, and how each is started.

All take ``--port`` and find Bedrock by AWS's variables.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.processes import MAGI

_RIVALS = Path(__file__).parents[1] / "rivals"
_NODE = str(Path(sys.executable).with_name("node"))


@dataclass(frozen=True)
class System:
    """One system: what it is, and its command for a number of workers."""

    name: str
    title: str
    command: Callable[[int], tuple[str, ...]]


def _magi(n_workers: int) -> tuple[str, ...]:
    return (MAGI, "serve", *(("--workers", str(n_workers)) if n_workers > 1 else ()))


SYSTEMS = {
    system.name: system
    for system in (
        System("magi", "this server", _magi),
        System(
            "agentcore",
            "BedrockAgentCoreApp + Strands",
            lambda _: (sys.executable, "-m", "benchmarks.rivals.agentcore_strands"),
        ),
        System("ai-sdk", "AI SDK on Node", lambda _: (_NODE, str(_RIVALS / "ai_sdk" / "server.js"))),
        System(
            "floor", "floor: frames decoded, SSE written", lambda _: (sys.executable, "-m", "benchmarks.rivals.floor")
        ),
    )
}


def environment(bedrock_url: str, folder: str) -> dict[str, str]:
    """Give what every system is told: where Bedrock is, and this server its model and where to keep its log."""
    return {
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": bedrock_url,
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench",
        "MAGI_MODEL": "bedrock:a.model",
        "MAGI_DATA_DIR": folder,
        "NODE_ENV": "production",
    }
