"""What lists of the past look like on the wire. Everything is written out, `null` where there is nothing.

A reader passes over fields of a newer server: nothing is written back from here, so nothing has to be kept.
"""

from magisystem.protocol.values import Decision, Mode, Outcome, Value


class HistoryItem(Value, frozen=True, forbid_unknown_fields=False):
    """One deliberation in a list. ``council`` is its council's id; ``status`` as in `DeliberationState`.

    ``started_at`` and ``ended_at`` are RFC 3339 in UTC with milliseconds. ``summary`` is the verdict's; in a chat, the
    beginning of the answer. ``title`` is what its owner calls it.
    """

    deliberation_id: str
    session_id: str
    question: str
    mode: Mode
    council: str
    status: str
    outcome: Outcome | None
    decision: Decision | None
    confidence: float | None
    started_at: str
    ended_at: str | None
    summary: str | None
    title: str | None


class HistoryPage(Value, frozen=True, forbid_unknown_fields=False):
    """A page of deliberations. ``next_cursor`` is ``null`` on the last one."""

    items: tuple[HistoryItem, ...]
    next_cursor: str | None


class SessionItem(Value, frozen=True, forbid_unknown_fields=False):
    """A conversation. ``title`` is its first question, ``turns`` their number, ``last_at`` when the last one began."""

    session_id: str
    title: str
    turns: int
    last_at: str


class SessionPage(Value, frozen=True, forbid_unknown_fields=False):
    """A page of sessions. ``next_cursor`` is ``null`` on the last one."""

    items: tuple[SessionItem, ...]
    next_cursor: str | None


class SessionTurns(Value, frozen=True, forbid_unknown_fields=False):
    """A page of a session's turns, the oldest first. ``next_cursor`` is ``null`` on the last one."""

    session_id: str
    items: tuple[HistoryItem, ...]
    next_cursor: str | None


class Renamed(Value, frozen=True, forbid_unknown_fields=False):
    """A deliberation and its title, as they are from now on."""

    deliberation_id: str
    title: str | None
