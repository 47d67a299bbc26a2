"""What one deliberation takes: tokens, bytes on the wire, processor time, memory. `magi cost` assumes these figures.

The server as `magi serve` runs it, on Linux, and in this process a stand-in for Amazon Bedrock whose statements are as
long as a brief allows (300 words a sage, 250 the judge), at 50 pieces a second. Tokens are counted as characters
divided by four, which is about what English comes to and no provider's own count; a piece is what one event carries.

    .venv/bin/python -m benchmarks.footprint [--deliberations 20]
"""

import argparse
import asyncio
import json
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx2
from tests.support.bedrock import Reply, StandInBedrock, ToolCall

from benchmarks.hot_path.load import QUESTION
from benchmarks.hot_path.standin import FIRST_TOKEN_S, TOKEN_MS
from benchmarks.hot_path.systems import environment
from benchmarks.processes import MAGI, free_port, process, processor_s, ready
from magisystem.protocol.codec import decode
from magisystem.protocol.events import AgentComplete, Complete
from magisystem.protocol.sse import FrameDecoder

_SENTENCE = "The estimate holds only if the team that runs the service today can run it tomorrow as well. "
_WORDS_A_SENTENCE = 17
_REASON = "The benefit is clear and the way back stays open; what it costs to undo should be settled first."
_AGENTS = 4
_CHARS_A_TOKEN = 4
_IDLE_S = 20


def statement(n_words: int) -> str:
    """Give a statement of about ``n_words`` words."""
    return _SENTENCE * round(n_words / _WORDS_A_SENTENCE)


SAGE = Reply(
    statement(300), call=ToolCall("cast_vote", {"decision": "APPROVED", "confidence": 0.8, "reasoning": _REASON})
)
JUDGE = Reply(
    statement(250),
    call=ToolCall(
        "give_verdict",
        {
            "decision": "APPROVED",
            "confidence": 0.8,
            "summary": _REASON,
            "reasoning": _REASON,
            "recommendation": _REASON,
            "scores": [{"sage": letter, "score": 80, "reasoning": _REASON} for letter in "ABC"],
        },
    ),
)


def tokens(reply: Reply) -> int:
    """Give about how many tokens a model would have written."""
    assert isinstance(reply.call, ToolCall)
    return (len(reply.text) + len(json.dumps(reply.call.input))) // _CHARS_A_TOKEN


def peak_mib(pid: int) -> float:
    """Give the largest resident memory a process has had."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


async def deliberate(http: httpx2.AsyncClient) -> tuple[int, list[AgentComplete], float]:
    """Ask once; give the bytes of the stream, what each agent used, and the seconds it took."""
    began, n_bytes, ends = time.perf_counter(), 0, list[AgentComplete]()
    decoder, outcome = FrameDecoder(), ""
    async with http.stream("POST", "/invocations", json={"question": QUESTION}) as answer:
        async for piece in answer.aiter_raw():
            n_bytes += len(piece)
            for frame in decoder.feed(piece):
                event = decode(frame.data)
                if isinstance(event, AgentComplete):
                    ends.append(event)
                elif isinstance(event, Complete):
                    outcome = event.outcome
    if outcome != "decided" or len(ends) != _AGENTS:
        raise RuntimeError(f"a deliberation ended {outcome or 'without an outcome'}")
    return n_bytes, ends, time.perf_counter() - began


async def measure(n: int) -> None:
    """Run a server, ask it ``n`` times one after the other, and print what that took."""
    port = free_port()
    with TemporaryDirectory(prefix="bench-") as data_dir:
        async with StandInBedrock(first_token_s=FIRST_TOKEN_S, tokens_per_s=1000 / TOKEN_MS) as bedrock:
            bedrock.script("sage", SAGE)
            bedrock.script("judge", JUDGE)
            settings = environment(bedrock.url, data_dir)
            settings |= {"MAGI_MODEL": "bedrock:sage", "MAGI_MODEL_SOLOMON": "bedrock:judge"}
            async with (
                process(MAGI, "serve", "--port", str(port), environment=settings) as server,
                httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=120) as http,
            ):
                await ready(port, server)
                await report(http, server.pid, n)


async def report(http: httpx2.AsyncClient, pid: int, n: int) -> None:
    """Ask, and print."""
    start_s = processor_s(pid)
    await deliberate(http)
    first_s = processor_s(pid) - start_s
    seen = [await deliberate(http) for _ in range(n)]
    each_s = (processor_s(pid) - start_s - first_s) / n
    n_bytes, ends, _ = seen[-1]
    before_s = processor_s(pid)
    await asyncio.sleep(_IDLE_S)
    idle_s = (processor_s(pid) - before_s) * 60 / _IDLE_S
    n_pieces = sum(end.usage.output_tokens for end in ends)
    n_input = {end.agent_id: end.usage.input_tokens for end in ends}
    print("| what | measured |")
    print("|---|---|")
    print(f"| input tokens of a sage, of the judge | {n_input['caspar']:,}, {n_input['solomon']:,} |")
    print(f"| output tokens of a sage, of the judge | {tokens(SAGE):,}, {tokens(JUDGE):,} |")
    print(f"| seconds a deliberation | {sum(s for *_, s in seen) / n:.1f} |")
    print(f"| bytes streamed a deliberation | {n_bytes:,} ({n_bytes / n_pieces:.0f} a piece) |")
    print(f"| processor time of the start | {start_s:.2f} s |")
    print(f"| processor time of the first deliberation | {first_s:.2f} s |")
    print(f"| processor time of each further one | {each_s:.2f} s |")
    print(f"| processor time of an idle minute | {idle_s:.2f} s |")
    print(f"| memory at its peak | {peak_mib(pid):.0f} MiB |")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--deliberations", type=int, default=20)
    asyncio.run(measure(parser.parse_args().deliberations))
