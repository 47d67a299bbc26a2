"""The systems that are measured side by side, and how each is started.

All take ``--port`` and find Bedrock by AWS's variables. The rivals are in ``benchmarks/rivals``.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.processes import MAGI

_RIVALS = Path(__file__).parents[1] / "rivals"
_NODE = str(Path(sys.executable).with_name("node"))


@dataclass(frozen=True)
class System:
    """One system: its command, and an expression for what the end of a whole answer of it has in it."""

    name: str
    title: str
    command: tuple[str, ...]
    last_words: str = '"complete": ?true'


_AGENTCORE = (sys.executable, "-m", "benchmarks.rivals.agentcore_strands")

SYSTEMS = {
    system.name: system
    for system in (
        System("magi", "this server", (MAGI, "serve"), '"type":"complete".*"outcome":"decided"'),
        System("agentcore", "BedrockAgentCoreApp, Strands", _AGENTCORE),
        System("agentcore-as-guide", "… with no more threads than its guide gives", (*_AGENTCORE, "--as-guide")),
        System("ai-sdk", "AI SDK on Node", (_NODE, str(_RIVALS / "ai_sdk" / "server.js"))),
        System("floor", "floor: frames in, SSE out", (sys.executable, "-m", "benchmarks.rivals.floor")),
    )
}
# Measured unless others are named.
USUAL = ("magi", "agentcore", "ai-sdk", "floor")


def environment(bedrock_url: str, folder: str) -> dict[str, str]:
    """Give what every system is told: where Bedrock is; this server, too, its model and where its log is kept."""
    return {
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": bedrock_url,
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench",
        "MAGI_MODEL": "bedrock:a.model",
        "MAGI_DATA_DIR": folder,
        # Beyond its bound it would refuse; what is measured here is what so many cost.
        "MAGI_RUNNING": "1000",
        "NODE_ENV": "production",
    }
