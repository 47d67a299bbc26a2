"""A lane: one agent speaking, from `agent_start` to `agent_complete`, whatever its model does.

A lane has two calls to its model. The second is spent on whichever comes first: mending a ballot (the model adapter
asks again) or a fresh attempt after a stream broke (this module). Throttled calls are not counted, so patience lasts
as long as the deadline. Its own failure ends a lane; it never reaches the other lanes.
"""

import asyncio
import logging
from dataclasses import dataclass, field
from functools import partial
from types import TracebackType
from typing import Self

from magisystem.council.ballots import Ballot, Casting, Verdict, Vote, read_fenced
from magisystem.council.briefs import Brief
from magisystem.deliberation.journal import Journal
from magisystem.deliberation.ports import (
    MODEL_CALL,
    THROTTLE_WAIT,
    Cast,
    Model,
    Noted,
    Said,
    Spent,
    Spoilt,
    Thought,
    Utterance,
)
from magisystem.deliberation.running_text import RunningText
from magisystem.errors import LogError, ModelError, ModelFailed, ModelLate, ModelSilent, ModelThrottled
from magisystem.protocol.events import AgentComplete, AgentStart, Traced, VerdictGiven, VoteCast
from magisystem.protocol.values import LaneStatus, Score, Trace, Usage

MAX_CALLS = 2
_log = logging.getLogger(__name__)
VOTE_MISSING = "vote_missing"
VOTE_UNREADABLE = "vote_unreadable"


@dataclass(slots=True)
class Lane:
    """One agent's turn, and what it has come to so far."""

    brief: Brief
    model: Model
    journal: Journal
    deadline_s: float
    silence_s: float
    text: RunningText = field(default_factory=RunningText)
    casting: Casting | None = None
    status: LaneStatus | None = None
    cause: str | None = None
    # Whether what failed the lane may succeed another time.
    is_retryable: bool = False
    usage: Usage = field(default_factory=lambda: Usage(input_tokens=0, output_tokens=0))
    attempt: int = 0
    n_calls: int = 0
    # Calls that the provider accepted, and those of them whose tokens it has counted.
    n_accepted: int = 0
    n_counted: int = 0
    # What was uttered since the last count, voided attempts too: what an estimate of its tokens rests on.
    n_chars_uncounted: int = 0
    is_open: bool = False
    _spoilt: str | None = None
    # Where in the text each call of this attempt began.
    _calls_at: list[int] = field(default_factory=list[int])
    _is_throttled: bool = False
    _silence: "_Silence" = field(init=False)
    # Whose lane it is.
    agent_id: str = field(init=False)

    def __post_init__(self) -> None:
        self.agent_id = self.brief.agent.id

    def take_statement(self) -> str:
        """Give the visible text of the attempt that stands, and let go of it: a long one is not kept twice."""
        said, self.text = str(self.text), RunningText()
        return said.strip()

    @property
    def measured_usage(self) -> Usage:
        """The tokens that the provider counted, and how many calls it did not count."""
        return self.usage + Usage(
            input_tokens=0, output_tokens=0, uncounted_calls=max(0, self.n_accepted - self.n_counted) or None
        )

    async def run(self) -> None:
        """Speak, and end the lane.

        Raises:
            LogError: the log refused an event.

        Cancellation ends the lane as `cancelled` with its `agent_complete` written, and goes on.
        """
        started = asyncio.get_running_loop().time()
        try:
            await self._speak_until_done()
        except asyncio.CancelledError:
            self.status = LaneStatus.CANCELLED
            await self._complete(started)
            raise
        await self._complete(started)

    async def _speak_until_done(self) -> None:
        try:
            async with asyncio.timeout(self.deadline_s):
                while not await self._attempt():
                    pass
        except TimeoutError:
            kind = ModelThrottled if self._is_throttled else ModelLate
            await self._fail(kind(f"The agent was not done after {self.deadline_s:g} s."))

    async def _attempt(self) -> bool:
        """Make one attempt; tell whether the lane is done."""
        self.attempt += 1
        self.text = RunningText()
        self._calls_at.clear()
        self._spoilt = None
        n_calls_before = self.n_calls
        await self.journal.write(
            partial(AgentStart, agent_id=self.agent_id, attempt=self.attempt, model=self.model.name),
            agent_id=self.agent_id,
        )
        try:
            await self._listen()
        except ModelError as error:
            # A call that never opened was a call, too, unless it was throttled: then it cost nothing.
            if not isinstance(error, ModelThrottled):
                self.n_calls = max(self.n_calls, n_calls_before + 1)
            if error.retryable and self.casting is None and self.n_calls < MAX_CALLS:
                await self._note("retry", f"{error.code}: {error.message}")
                return False
            await self._fail(error)
            return True
        except LogError:
            raise
        except Exception:  # noqa: BLE001 - the lane's supervisor: a fault in one adapter must not end the other lanes
            _log.exception("lane %s failed", self.agent_id)
            await self._fail(ModelFailed(f"{self.model.name}: a fault of the server; its log has the details."))
            return True
        await self._conclude()
        return True

    async def _listen(self) -> None:
        self.is_open = True
        try:
            async with _Silence(self.silence_s) as self._silence:
                await self.model.speak(self.brief, self, max_calls=MAX_CALLS - self.n_calls)
        finally:
            self.is_open = False

    async def hear(self, utterance: Utterance) -> None:
        """Hear what the model utters; see `Hearer`."""
        self._silence.broken()
        match utterance:
            case Said(text):
                self.text.append(text)
                self.n_chars_uncounted += len(text)
                if self.journal.say(self.agent_id, text):
                    await self.journal.room()
            case Thought(text):
                self.n_chars_uncounted += len(text)
                if self.journal.think(self.agent_id, text):
                    await self.journal.room()
            case Noted(action, details, duration_ms):
                self._is_throttled = action == THROTTLE_WAIT
                if self._is_throttled and duration_ms is not None:
                    # A wait that the provider asked for is announced, and is no silence.
                    self._silence.broken(for_s=duration_ms / 1000)
                if action == MODEL_CALL:
                    self.n_calls += 1
                    self.n_accepted += 1
                    self._calls_at.append(len(self.text))
                await self._note(action, details, duration_ms)
            case Cast(casting):
                self.casting = casting
                await self._write_casting(casting)
            case Spoilt(reason):
                self._spoilt = reason
                await self._note("ballot_spoilt", reason)
            case Spent(usage):
                self.usage = self.usage + usage
                self.n_counted += 1
                self.n_chars_uncounted = 0

    async def _conclude(self) -> None:
        ballot = self.brief.ballot
        if ballot is None:
            self.status = LaneStatus.ANSWERED
            return
        if self.casting is None and (fenced := self._fenced(ballot)):
            self.casting = fenced
            await self._note("ballot_fenced", "The ballot was not cast by tool; it was read from a fenced block.")
            await self._write_casting(fenced)
        match self.casting:
            case Vote():
                self.status = LaneStatus.VOTED
            case Verdict():
                self.status = LaneStatus.RULED
            case None:
                self.status = LaneStatus.ABSTAINED
                self.cause = VOTE_MISSING if self._spoilt is None else VOTE_UNREADABLE

    async def _fail(self, error: ModelError) -> None:
        """End the lane by ``error``, unless what matters had already come."""
        await self._note(error.code, error.message)
        if self.casting is not None:
            await self._conclude()
            return
        self.status = LaneStatus.FAILED
        self.cause = error.code
        self.is_retryable = error.retryable

    def _fenced(self, ballot: Ballot) -> Casting | None:
        """Find a ballot that ends what a call said; the last one that has one counts."""
        said = str(self.text)
        begins = self._calls_at or [0]
        for begin, end in reversed(list(zip(begins, [*begins[1:], len(said)], strict=True))):
            if fenced := read_fenced(said[begin:end], ballot, self.brief.read):
                return fenced
        return None

    async def _write_casting(self, casting: Casting) -> None:
        match casting:
            case Vote(decision, confidence, reasoning):
                draft = partial(
                    VoteCast,
                    agent_id=self.agent_id,
                    decision=decision,
                    confidence=confidence,
                    reasoning=reasoning,
                )
            case Verdict():
                draft = partial(
                    VerdictGiven,
                    agent_id=self.agent_id,
                    decision=casting.decision,
                    confidence=casting.confidence,
                    summary=casting.summary,
                    reasoning=casting.reasoning,
                    recommendation=casting.recommendation,
                    scores=tuple(
                        Score(agent_id=mark.agent_id, score=mark.score, reasoning=mark.reasoning)
                        for mark in casting.marks
                    ),
                )
        await self.journal.write(draft, agent_id=self.agent_id)

    async def _note(self, action: str, details: str, duration_ms: int | None = None) -> None:
        trace = Trace(action=action, details=details, duration_ms=duration_ms)
        await self.journal.write(partial(Traced, trace=trace, agent_id=self.agent_id), agent_id=self.agent_id)

    async def _complete(self, started: float) -> None:
        assert self.status is not None  # noqa: S101 - every way through `run` sets it
        await self.journal.write(
            partial(
                AgentComplete,
                agent_id=self.agent_id,
                status=self.status,
                cause=self.cause,
                usage=self.measured_usage,
                duration_ms=round(1000 * (asyncio.get_running_loop().time() - started)),
            ),
            agent_id=self.agent_id,
        )


class _Silence:
    """Ends its block with `ModelSilent` once nothing has been heard for ``longest_s``; an async context manager.

    One timer looks now and then at when something was last heard: setting it anew for each token would cost more than
    hearing the token does.
    """

    def __init__(self, longest_s: float) -> None:
        self._longest_s = longest_s
        self._loop = asyncio.get_running_loop()
        self._timeout = asyncio.timeout(None)
        self._ends_at = 0.0
        self._timer: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> Self:
        await self._timeout.__aenter__()
        self.broken()
        self._look()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Let go of what leads back to the task and the lane: ended, they are not to wait for the garbage collector.
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
        timeout, self._timeout = self._timeout, asyncio.timeout(None)
        try:
            await timeout.__aexit__(kind, error, trace)
        except TimeoutError as expired:
            raise ModelSilent(f"No token came for {self._longest_s:g} s.") from expired

    def broken(self, *, for_s: float = 0.0) -> None:
        """Begin to count anew, after ``for_s``."""
        self._ends_at = self._loop.time() + for_s + self._longest_s

    def _look(self) -> None:
        if self._loop.time() >= self._ends_at:
            self._timeout.reschedule(self._ends_at)
        else:
            self._timer = self._loop.call_at(self._ends_at, self._look)
