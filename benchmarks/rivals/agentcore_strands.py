"""The guide's way: a `BedrockAgentCoreApp` whose entrypoint streams Strands agents on Amazon Bedrock.

    python -m benchmarks.rivals.agentcore_strands --port 9001

Guides followed:

- the entrypoint is an async generator that passes on what ``agent.stream_async`` gives:
  https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/response-streaming.html
- ``stream_async`` without a callback handler, whose events with ``data`` are the text:
  https://strandsagents.com/docs/user-guide/sdk/streaming/async-iterators/

In its favour, beyond the guides:

- Only ``{"agent", "text"}`` of an event is sent; the guide sends every event whole, which costs 40 % more CPU time and
  twelve times the bytes.
- One `BedrockModel`, and so one boto3 client, serves all agents; the guide's model an agent costs a client each. Its
  connection pool is as large as the load, so that no connection is thrown away after one call (botocore's is 10).
- The sages run at once, as tasks whose streams one queue merges; neither guide shows more than one agent.
- Agents that are left are cancelled with ``agent.cancel()``, so that their threads come free.
- Threads for the whole load. A stream of boto3's holds a thread of asyncio's default executor, which has
  ``min(32, cores + 4)`` of them, and a response holds one of AnyIO's 40: on two cores, with ten deliberations at once,
  half the first tokens come after more than 8 s, instead of 0.4 s. Both are raised, the way Python and Starlette
  document; ``--as-guide`` leaves them as they are.
  https://docs.python.org/3/library/asyncio-eventloop.html#asyncio.loop.set_default_executor
  https://www.starlette.io/threadpool/

What a client leaves goes on until Python collects the framework's generator, some seconds later; the framework offers
no earlier word of it.
"""

import argparse
import asyncio
from collections.abc import AsyncGenerator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, cast

import anyio.to_thread
from bedrock_agentcore import BedrockAgentCoreApp
from botocore.config import Config
from starlette.applications import Starlette
from strands import Agent
from strands.models import BedrockModel

from benchmarks.rivals.council import MODEL_ID, judge_matter, prompts

# The largest load; three of a deliberation's calls are open at once.
N_DELIBERATIONS = 400
N_CALLS = 3 * N_DELIBERATIONS
# Strands' own, which giving a client configuration sets aside (strands/models/bedrock.py, DEFAULT_READ_TIMEOUT).
READ_TIMEOUT_S = 120


class Rival:
    """The entrypoint, and what its invocations share.

    Args:
        as_guide: whether the pools of threads stay as the guide leaves them.
    """

    def __init__(self, *, as_guide: bool) -> None:
        self._executor = None if as_guide else ThreadPoolExecutor(N_CALLS)
        self._prompts = prompts()
        self._model = BedrockModel(
            model_id=MODEL_ID,
            boto_client_config=Config(max_pool_connections=N_CALLS, read_timeout=READ_TIMEOUT_S),
        )
        # As `Any`, because the types of its methods are unfinished.
        self.app = cast("Any", BedrockAgentCoreApp(lifespan=self._lifespan))
        self.app.entrypoint(self.deliberate)

    async def deliberate(self, payload: Mapping[str, str]) -> AsyncGenerator[dict[str, Any]]:
        """Stream three sages at once, then the judge. What a model call raises, the framework streams as an error."""
        if self._executor is not None:
            # The framework makes the loop that entrypoints run on, and offers no other place to reach it.
            asyncio.get_running_loop().set_default_executor(self._executor)
        question = payload.get("question", "")
        if not question:
            yield {"error": "`question` must be a string that is not empty."}
            return
        statements: dict[str, list[str]] = {sage: [] for sage in self._prompts.sages}
        async for sage, text in _spoken({n: self._agent(p) for n, p in self._prompts.sages.items()}, question):
            statements[sage].append(text)
            yield {"agent": sage, "text": text}
        judge = self._agent(self._prompts.judge)
        async for name, text in _spoken({"judge": judge}, judge_matter(question, statements)):
            yield {"agent": name, "text": text}
        yield {"complete": True}

    def _agent(self, system_prompt: str) -> Agent:
        return Agent(model=self._model, system_prompt=system_prompt, callback_handler=None)

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncGenerator[None]:
        if self._executor is not None:
            anyio.to_thread.current_default_thread_limiter().total_tokens = N_DELIBERATIONS
        yield


async def _spoken(agents: Mapping[str, Agent], matter: str) -> AsyncGenerator[tuple[str, str]]:
    """Give what the agents say as they say it, until all have ended; raises what the first to fail raises."""
    said: asyncio.Queue[tuple[str, str] | asyncio.Task[None]] = asyncio.Queue()

    async def speak(name: str, agent: Agent) -> None:
        async for event in agent.stream_async(matter):
            if "data" in event:
                said.put_nowait((name, event["data"]))

    tasks = [asyncio.create_task(speak(name, agent)) for name, agent in agents.items()]
    for task in tasks:
        task.add_done_callback(said.put_nowait)
    n_speaking = len(tasks)
    try:
        while n_speaking:
            item = await said.get()
            if isinstance(item, tuple):
                yield item
            else:
                item.result()
                n_speaking -= 1
    finally:
        for agent, task in zip(agents.values(), tasks, strict=True):
            if not task.done():
                agent.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def main() -> None:
    """Serve until a signal comes."""
    parser = argparse.ArgumentParser(description="Serve the guide's way.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--as-guide", action="store_true", help="leave the pools of threads as the guide does")
    arguments = parser.parse_args()
    Rival(as_guide=arguments.as_guide).app.run(port=arguments.port)


if __name__ == "__main__":
    main()
