"""The values that events are made of.

Shared by the wire, the log, the council's rules and every client. Pure data: frozen msgspec structs in camelCase JSON.
"""

from enum import StrEnum
from typing import Any, cast

import msgspec

# The most that the body of a request may have. It stands here, without a library, because the gateway holds to it too.
BODY_BYTES = 1024 * 1024
# Of a long-poll. Below the 30 s after which static hosts and their proxies cut an answer.
LONGEST_WAIT_S = 25.0


class Decision(StrEnum):
    """What a sage votes and what a judge rules."""

    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    ABSTAINED = "ABSTAINED"


class Mode(StrEnum):
    """``deliberate`` convenes the whole council; in ``chat`` the judge alone answers."""

    DELIBERATE = "deliberate"
    CHAT = "chat"


class Role(StrEnum):
    """What an agent does in a council."""

    SAGE = "sage"
    JUDGE = "judge"


class Rule(StrEnum):
    """How a council's votes and verdict become an outcome (council/outcome.py)."""

    JUDGE = "judge"
    MAJORITY = "majority"
    UNANIMOUS = "unanimous"


class LaneStatus(StrEnum):
    """How a lane ended."""

    VOTED = "voted"
    RULED = "ruled"
    ANSWERED = "answered"
    ABSTAINED = "abstained"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Outcome(StrEnum):
    """What the code concludes from votes and verdict; never a model's word.

    ``answered`` ends a ``chat``, where nothing is put to a vote.
    """

    DECIDED = "decided"
    DECIDED_DEGRADED = "decided_degraded"
    INCONCLUSIVE = "inconclusive"
    ANSWERED = "answered"


class Value(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True):
    """A JSON object of the protocol.

    ``extra`` holds the fields this version does not know, so that a reader of an older version hands on what a writer
    of a newer one wrote. It is flattened on the wire (protocol/codec.py) and has no name of its own there.
    """

    # The bare `dict` at run time: with `dict[str, Any]` msgspec would not leave the empty default out, and every event
    # would be encoded the slow way.
    extra: dict[str, Any] = msgspec.field(default_factory=cast("type[dict[str, Any]]", dict), name="")


class AgentCard(Value, frozen=True):
    """One agent of a council, as `start` shows it.

    ``note`` is said wherever a person could take the model for something it is not ("rule-based, no language model").
    """

    agent_id: str
    name: str
    role: Role
    model: str
    note: str | None = None


class CouncilCard(Value, frozen=True):
    """A council, as `start` shows it. ``agents`` holds the sages in speaking order, then the judge, if it has one."""

    id: str
    rule: Rule
    agents: tuple[AgentCard, ...]


class Trace(Value, frozen=True):
    """Something that happened underneath. ``action`` is a stable word, ``details`` a sentence for an engineer."""

    action: str
    details: str
    duration_ms: int | None = None


class Usage(Value, frozen=True):
    """Tokens as the provider counted them, over all calls of a lane or a deliberation. Absent fields were not reported.

    ``input_tokens`` leaves out what was read from or written to a prompt cache. ``uncounted_calls`` is how many calls
    ended, cut or cancelled, before the provider had counted them: their tokens are in none of the figures.
    """

    input_tokens: int
    output_tokens: int
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    uncounted_calls: int | None = None

    def __add__(self, other: "Usage") -> "Usage":
        """Add field by field; what neither side reports stays absent."""
        return Usage(
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cache_read_tokens=_sum(self.cache_read_tokens, other.cache_read_tokens),
            cache_write_tokens=_sum(self.cache_write_tokens, other.cache_write_tokens),
            uncounted_calls=_sum(self.uncounted_calls, other.uncounted_calls),
        )


class Score(Value, frozen=True):
    """The judge's mark for one sage's case: ``score`` from 0 to 100."""

    agent_id: str
    score: int
    reasoning: str


class Tally(Value, frozen=True):
    """How the sages' votes fell. The four add up to the number of sages."""

    approved: int
    rejected: int
    abstained: int
    failed: int


class Missing(Value, frozen=True):
    """An agent that did not contribute, and the stable code of the reason."""

    agent_id: str
    cause: str


class Authority(Value, frozen=True):
    """How much an outcome is worth.

    ``judge`` is ``primary`` where the judge ruled, else ``none``. ``overturned`` is true where the judge ruled against
    the sages' majority. ``missing`` names every agent that failed or abstained for a technical reason.
    """

    voters_expected: int
    voters_valid: int
    judge: str
    rule: Rule
    overturned: bool
    missing: tuple[Missing, ...]


class ReceiptLine(Value, frozen=True):
    """What a cancelled lane had cost.

    Tokens, ``estimated`` or as the provider counted, and whether its stream is closed.
    """

    agent_id: str
    output_tokens: int
    estimated: bool
    upstream_closed: bool


class Receipt(Value, frozen=True):
    """What a cancelled deliberation had cost, a line an agent that had started."""

    agents: tuple[ReceiptLine, ...]


def _sum(a: int | None, b: int | None) -> int | None:
    return None if a is None and b is None else (a or 0) + (b or 0)
