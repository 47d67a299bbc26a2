"""What happens in a month: the assumptions of an estimate, each of which can be set.

The defaults are measured by ``benchmarks/footprint.py`` (docs/topologies.md says on what) or, where nothing could be
measured without an account, chosen and said so.
"""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Self

from magisystem.errors import InvalidRequest

EMBEDDED = "embedded"

# Lambda ends an invocation after 15 minutes, so a longer stream takes several.
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
LAMBDA_MOST_S = Decimal(900)
# A runtime session ends after 8 hours at the latest.
# https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/runtime-lifecycle-settings.html
_SESSION_MOST_S = Decimal(28_800)
# An event with one token's text, framed for SSE; measured, too.
_BYTES_A_TOKEN = Decimal(105)


@dataclass(frozen=True, slots=True)
class Speaker:
    """Agents that use the same model in the same way: how many, and the tokens of one in one deliberation."""

    name: str
    n: Decimal
    model: str
    input_tokens: Decimal
    output_tokens: Decimal


@dataclass(frozen=True, slots=True)
class Workload:
    """A month. Counts are a month's unless they say otherwise; no value is negative.

    A **runtime session** of AgentCore begins with its first request, serves ``deliberations_a_session`` one after the
    other with ``pause_s`` between them, and is paid for until it has been idle for ``idle_timeout_min``.
    """

    deliberations: Decimal = Decimal(10_000)
    viewers: Decimal = Decimal(1)  # streams a deliberation, the asker's included
    users: Decimal = Decimal(100)
    # 300 words a sage and 250 the judge, as their briefs ask for, and their ballots; in English.
    sages: Speaker = Speaker("sages", Decimal(3), EMBEDDED, Decimal(510), Decimal(460))
    judge: Speaker = Speaker("judge", Decimal(1), EMBEDDED, Decimal(2_200), Decimal(560))
    seconds: Decimal = Decimal(20)
    # None: what the output tokens come to, an event each.
    stream_bytes: Decimal | None = None

    deliberations_a_session: Decimal = Decimal(1)
    pause_s: Decimal = Decimal(60)
    idle_timeout_min: Decimal = Decimal(15)
    # Sessions that only read: a visit to the history starts one, too.
    reading_sessions: Decimal = Decimal(0)
    session_memory_mb: Decimal = Decimal(256)
    session_cpu_s: Decimal = Decimal("3.2")
    deliberation_cpu_s: Decimal = Decimal(1)
    idle_cpu_s_a_minute: Decimal = Decimal("0.2")

    lambda_memory_mb: Decimal = Decimal(512)
    short_requests: Decimal = Decimal(6)
    short_request_s: Decimal = Decimal("0.3")

    tasks: Decimal = Decimal(1)
    task_vcpu: Decimal = Decimal(1)
    task_memory_gb: Decimal = Decimal(2)

    page_visits: Decimal | None = None  # None: one a viewer of a deliberation
    page_kb: Decimal = Decimal(280)
    bundle_mb: Decimal = Decimal("1.5")
    log_kb: Decimal = Decimal(4)

    def check(self) -> None:
        """See that a session can be as long as the month has it.

        Raises:
            InvalidRequest: it would end between two deliberations, or last longer than a session may.
        """
        n = self.deliberations_a_session
        if n > 1 and self.pause_s > self.idle_timeout_min * 60:
            raise InvalidRequest(
                f"--pause-s should be at most the {self.idle_timeout_min * 60:,f} s of the idle timeout: in a longer "
                f"pause the session ends, and each deliberation has its own (--per-session 1); it is "
                f"{self.pause_s:,f}.",
                field="--pause-s",
            )
        lasting_s = n * self.seconds + (n - 1) * self.pause_s
        if lasting_s > _SESSION_MOST_S:
            raise InvalidRequest(
                f"--per-session should be so many deliberations as fit into the {_SESSION_MOST_S:,} s that a session "
                f"may last; {n:,f} take {lasting_s:,f} s.",
                field="--per-session",
            )

    def with_models(self, model: str, judge_model: str | None = None) -> Self:
        """Give the same month with these models."""
        return replace(
            self,
            sages=replace(self.sages, model=model),
            judge=replace(self.judge, model=judge_model or model),
        )

    @property
    def speakers(self) -> tuple[Speaker, ...]:
        """Who speaks in a deliberation."""
        return tuple(speaker for speaker in (self.sages, self.judge) if speaker.n)

    @property
    def bytes_a_stream(self) -> Decimal:
        """The bytes of one stream of one deliberation."""
        if self.stream_bytes is not None:
            return self.stream_bytes
        return sum((each.n * each.output_tokens for each in self.speakers), Decimal(0)) * _BYTES_A_TOKEN

    @property
    def visits(self) -> Decimal:
        """How often the page is loaded."""
        return self.deliberations * self.viewers if self.page_visits is None else self.page_visits
