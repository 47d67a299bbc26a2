"""The golden logs: what the fold of the server and the fold of the web client must agree on, event by event.

``tests/golden/<name>.jsonl`` has a log, one event a line, as a log holds it; ``<name>.states.jsonl`` the state after
each of its events. Both are committed. ``python -m tests.support.golden`` renews them.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from magisystem.protocol.codec import decode, encode, encode_value
from magisystem.protocol.digest import Digest
from magisystem.protocol.fold import Fold

FOLDER = Path(__file__).parents[1] / "golden"

_NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
_SAGES = ("caspar", "balthasar", "melchior")
_JUDGE = "solomon"
_USAGE = {"inputTokens": 120, "outputTokens": 34}


class _Log:
    """Events as they are written: numbered, with times and, at the end, the digest of what came before."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self._digest = Digest()

    def add(self, kind: str, **fields: Any) -> None:
        seq = len(self.bodies) + 1
        moment = _NOON + timedelta(milliseconds=137 * seq)
        timestamp = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        event = decode(msgspec.json.encode({"type": kind, "seq": seq, "timestamp": timestamp, **fields}))
        body = encode(event)
        self.bodies.append(body)
        self._digest.add(body)

    def start(self, *, sages: tuple[str, ...] = _SAGES, mode: str = "deliberate", **fields: Any) -> None:
        agents = [
            {"agentId": agent_id, "name": agent_id.upper(), "role": role, "model": "embedded", "note": "rule-based"}
            for agent_id, role in [*((sage, "sage") for sage in sages), (_JUDGE, "judge")]
        ]
        council = {"id": "magi", "rule": "judge", "agents": agents}
        ids = {"deliberationId": "dlb_golden", "sessionId": "ses_golden"}
        self.add("start", **ids, question="Should we move to Rust?", mode=mode, council=council, **fields)

    def begin(self, *agent_ids: str, attempt: int = 1) -> None:
        for agent_id in agent_ids:
            self.add("agent_start", agentId=agent_id, attempt=attempt, model="embedded")

    def say(self, agent_id: str, *texts: str) -> None:
        for text in texts:
            self.add("chunk", agentId=agent_id, content=text)

    def vote(self, agent_id: str, decision: str, confidence: float = 0.75) -> None:
        self.add("vote", agentId=agent_id, decision=decision, confidence=confidence, reasoning=f"It is {decision}.")

    def end(self, agent_id: str, status: str, **fields: Any) -> None:
        self.add("agent_complete", agentId=agent_id, status=status, usage=_USAGE, durationMs=1500, **fields)

    def speak(self, agent_id: str, decision: str) -> None:
        """Take a sage from its beginning to its vote."""
        self.begin(agent_id)
        self.say(agent_id, f"{agent_id} thinks ", "aloud.")
        self.vote(agent_id, decision)
        self.end(agent_id, "voted", costUsd=0.0125)

    def rule(self, decision: str = "APPROVED") -> None:
        self.begin(_JUDGE)
        self.say(_JUDGE, "All told, ", "yes.")
        self.add(
            "verdict",
            agentId=_JUDGE,
            decision=decision,
            # A whole number with a point: written again by JavaScript, it would be another text.
            confidence=1.0,
            summary="Yes.",
            reasoning="The case is made.",
            recommendation="Begin small.",
            scores=[{"agentId": sage, "score": 80, "reasoning": "Clear."} for sage in _SAGES],
        )
        self.end(_JUDGE, "ruled")

    def complete(self, outcome: str, tally: Mapping[str, int], **fields: Any) -> None:
        n_missing = tally["failed"]
        authority = {
            "votersExpected": 3,
            "votersValid": 3 - n_missing,
            "judge": "primary" if "decision" in fields else "none",
            "rule": "judge",
            "overturned": False,
            "missing": [{"agentId": sage, "cause": "model_late"} for sage in _SAGES[:n_missing]],
        }
        measured = {"usage": _USAGE, "executionTime": 4321, "chunkCount": 8, "digest": str(self._digest)}
        self.add("complete", outcome=outcome, tally=tally, authority=authority, **measured, **fields)


def _decided(log: _Log) -> None:
    log.start()
    log.begin(*_SAGES)
    for n in range(3):
        for sage in _SAGES:
            log.say(sage, f"{n}. {sage} says — “so”.\n")
    for sage, decision in zip(_SAGES, ("REJECTED", "APPROVED", "APPROVED"), strict=True):
        log.vote(sage, decision)
        log.end(sage, "voted", costUsd=0.5)
    log.rule()
    tally = {"approved": 2, "rejected": 1, "abstained": 0, "failed": 0}
    log.complete("decided", tally, decision="APPROVED", confidence=1.0, costUsd=1.5)


def _second_attempt(log: _Log) -> None:
    log.start()
    log.begin("caspar")
    log.add("thinking", agentId="caspar", content="Hm.")
    log.say("caspar", "This will be ", "void.")
    log.vote("caspar", "REJECTED")
    log.end("caspar", "failed", cause="model_cut")
    log.begin("caspar", attempt=2)
    log.say("caspar", "This stands.")
    log.vote("caspar", "APPROVED")
    log.end("caspar", "voted")
    log.speak("balthasar", "APPROVED")
    log.speak("melchior", "APPROVED")
    log.rule("REJECTED")
    # Recovery lets the judge speak again: the verdict is void.
    log.add("trace", trace={"action": "recovery", "details": "Taken over."})
    log.begin(_JUDGE, attempt=2)
    log.rule()
    tally = {"approved": 3, "rejected": 0, "abstained": 0, "failed": 0}
    log.complete("decided", tally, decision="APPROVED", confidence=1.0)


def _degraded(log: _Log) -> None:
    log.start()
    log.begin("caspar")
    log.say("caspar", "I am cut ")
    log.end("caspar", "failed", cause="model_late")
    log.speak("balthasar", "APPROVED")
    log.speak("melchior", "APPROVED")
    log.rule()
    tally = {"approved": 2, "rejected": 0, "abstained": 0, "failed": 1}
    log.complete("decided_degraded", tally, decision="APPROVED", confidence=1.0)


def _inconclusive(log: _Log) -> None:
    log.start()
    for sage in _SAGES[:2]:
        log.begin(sage)
        log.end(sage, "failed", cause="model_late")
    log.begin("melchior")
    log.say("melchior", "Who knows?")
    log.end("melchior", "abstained", cause="vote_missing")
    log.complete("inconclusive", {"approved": 0, "rejected": 0, "abstained": 1, "failed": 2})


def _cancelled(log: _Log) -> None:
    log.start()
    log.begin(*_SAGES)
    log.say("caspar", "I had begun ")
    for sage in _SAGES:
        log.end(sage, "cancelled")
    line = {"outputTokens": 3, "estimated": True, "upstreamClosed": True}
    log.add("cancelled", by="local", receipt={"agents": [{"agentId": sage, **line} for sage in _SAGES]})


def _failed(log: _Log) -> None:
    log.start()
    log.begin("caspar")
    log.add("error", error="log_unavailable", message="The log could not be written.", retryable=True)


def _chat(log: _Log) -> None:
    log.start(sages=(), mode="chat")
    log.begin(_JUDGE)
    log.say(_JUDGE, "Because ", "of that.")
    log.end(_JUDGE, "answered")
    log.complete("answered", {"approved": 0, "rejected": 0, "abstained": 0, "failed": 0})


def _underneath(log: _Log) -> None:
    """Traces and thinking, of lanes and of the whole."""
    log.start()
    log.add("trace", trace={"action": "warm_up", "details": "Of nobody."})
    log.begin("caspar")
    log.add("trace", agentId="caspar", trace={"action": "throttled", "details": "Waits.", "durationMs": 1200})
    log.add("thinking", agentId="caspar", content="First ")
    log.say("caspar", "Said ")
    log.add("thinking", agentId="caspar", content="then.")
    log.say("caspar", "aloud.")
    log.add("trace", agentId="nobody", trace={"action": "tool", "details": "A lane that there is not."})


def _newer(log: _Log) -> None:
    """What a newer writer may say: types and fields that nobody here knows, all the way down."""
    log.start(colour="blue")
    log.add("omen", agentId="caspar", signs=[1, {"deep": None}])
    log.begin("caspar")
    log.add("chunk", agentId="caspar", content="Old words", tone="new")
    log.add("vote", agentId="caspar", decision="APPROVED", confidence=0.5, reasoning="r", weight=2)
    usage = {**_USAGE, "thinkingTokens": 7}
    log.add("agent_complete", agentId="caspar", status="voted", usage=usage, durationMs=9, mood="calm")
    log.add("agent_pause", agentId="balthasar")
    log.add("error", error="later", message="?", retryable=False, since=3)


def _strangers(log: _Log) -> None:
    """Lanes that no council has, and a log with a hole at its beginning."""
    log.say("melchior", "Too early. ")
    log.say("stranger", "Who am I? ")
    log.start()
    log.say("stranger", "Still here.")
    log.vote("outsider", "ABSTAINED")
    log.end("latecomer", "failed", cause="model_cut")
    # The last word on a lane counts, its cause or none included.
    log.end("latecomer", "voted")
    log.add(
        "verdict",
        agentId="usurper",
        decision="REJECTED",
        confidence=0.25,
        summary="",
        reasoning="",
        recommendation="",
        scores=[],
    )
    log.begin("outsider")


def _odd_texts(log: _Log) -> None:
    """Texts that have broken codecs and framings before."""
    log.start()
    log.begin("caspar")
    log.say("caspar", '"', "\\", "\r\n", "\n\n", "data: x", "\0", "\u2028\u2029\x85", "é決裁👩‍⚖️", "</script>", "")


LOGS = {
    "decided": _decided,
    "second_attempt": _second_attempt,
    "degraded": _degraded,
    "inconclusive": _inconclusive,
    "cancelled": _cancelled,
    "failed": _failed,
    "chat": _chat,
    "underneath": _underneath,
    "newer": _newer,
    "strangers": _strangers,
    "odd_texts": _odd_texts,
}


def golden_files() -> Iterator[tuple[Path, bytes]]:
    """Give what is to stand in each file."""
    for name, write in LOGS.items():
        log = _Log()
        write(log)
        folded = Fold()
        states: list[bytes] = []
        for body in log.bodies:
            folded.add(decode(body))
            states.append(encode_value(folded.state))
        yield FOLDER / f"{name}.jsonl", b"".join(body + b"\n" for body in log.bodies)
        yield FOLDER / f"{name}.states.jsonl", b"".join(state + b"\n" for state in states)


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for path, content in golden_files():
        path.write_bytes(content)
