"""One agent's lane as a box: who speaks and how, the text, and at its foot the vote."""

from collections.abc import Sequence
from itertools import repeat

from rich.text import Text

from magisystem.cli import boxes
from magisystem.cli.boxes import FRAME_CELLS, Divider, Row
from magisystem.cli.plain_text import clean, clean_line
from magisystem.cli.scene import Scene, Seat
from magisystem.cli.words import Words
from magisystem.cli.wrapping import tail, wrap
from magisystem.protocol.values import Decision, LaneStatus, Role

# Longer lines are hard to read; a lane that is wider than this leaves the rest blank.
READING_CELLS = 110
_LIVE_REASONING_LINES = 4


def newest_box(seat: Seat, scene: Scene, words: Words, width: int, height: int) -> list[Text]:
    """Give a lane in exactly ``height`` lines: the newest of its text, and the vote at the foot."""
    return _boxed(seat, scene, words, width, _newest(seat, scene, words, width - FRAME_CELLS, height - 2))


def whole_box(seat: Seat, scene: Scene, words: Words, width: int, height: int = 0) -> list[Text]:
    """Give a lane with all of its text, in at least ``height`` lines, and the vote at the foot."""
    inner = width - FRAME_CELLS
    body, card = _body(seat, scene, words, inner), _card(seat, words, inner, None)
    blanks = max(height - 2 - len(body) - len(card), 0)
    return _boxed(seat, scene, words, width, [*body, *repeat(Text(), blanks), *card])


def _boxed(seat: Seat, scene: Scene, words: Words, width: int, rows: Sequence[Row]) -> list[Text]:
    elapsed_s = _elapsed_s(seat, scene)
    aside = "" if elapsed_s is None else words.seconds.format(s=f"{elapsed_s:.1f}")
    return boxes.box(Text(clean_line(seat.card.name), boxes.EMPHASIS), aside, rows, width, _style(seat))


def decision_label(decision: Decision, confidence: float | None, words: Words) -> Text:
    """Give a decision as symbol and word, with its confidence."""
    label = Text(f"{boxes.SYMBOLS[decision]} {words.decisions[decision]}", f"bold {boxes.STYLES[decision]}")
    if confidence is not None:
        label.append(f"  {words.confidence.format(percent=percent(confidence))}", boxes.SECONDARY)
    return label


def percent(share: float) -> str:
    """Give a share from 0 to 1 in per cent."""
    return f"{round(100 * share)}%"


def state_words(seat: Seat, scene: Scene, words: Words) -> str:
    """Say what an agent is doing, or how its lane ended."""
    lane = seat.lane
    if lane.status is not None:
        return words.statuses[lane.status]
    if scene.state.status not in {"running", "empty"}:
        return words.unfinished
    if not lane.attempt:
        return words.waiting_for_sages if seat.card.role is Role.JUDGE and scene.sages else words.waiting
    if seat.pulse.is_throttled:
        return words.throttled
    if lane.thinking and not lane.text:
        return words.thinking
    return words.speaking if lane.text else words.waiting


def _body(seat: Seat, scene: Scene, words: Words, width: int) -> list[Row]:
    head = _head(seat, scene, words, width)
    text = [Text(line) for line in wrap(clean(seat.lane.text).strip(), min(width, READING_CELLS))]
    return [*head, Text(), *text] if text else list(head)


def _newest(seat: Seat, scene: Scene, words: Words, width: int, n_rows: int) -> Sequence[Row]:
    """Give exactly ``n_rows`` rows, the vote at the bottom and the newest text above it."""
    if n_rows < 3:
        return _compact(seat, scene, words, width, n_rows)
    head = _head(seat, scene, words, width)[: n_rows - 1]
    card = _card(seat, words, width, min(_LIVE_REASONING_LINES, n_rows // 3))[: n_rows - len(head)]
    n_text = n_rows - len(head) - len(card)
    text = clean(seat.lane.text or seat.lane.thinking)
    style = "" if seat.lane.text else boxes.SECONDARY
    # A blank line under the head, where there is room for one.
    gap = [Text()] if n_text > 3 else []
    lines = [Text(line, style) for line in tail(text, min(width, READING_CELLS), n_text - len(gap))]
    return [*head, *gap, *lines, *repeat(Text(), n_text - len(gap) - len(lines)), *card]


def _compact(seat: Seat, scene: Scene, words: Words, width: int, n_rows: int) -> Sequence[Row]:
    lane = seat.lane
    line = (
        decision_label(lane.decision, lane.confidence, words)
        if lane.decision is not None
        else _head(seat, scene, words, width)[0]
    )
    text = [Text(line) for line in tail(clean(lane.text), width, n_rows - 1)]
    return [line, *text, *repeat(Text(), n_rows - 1 - len(text))][:n_rows]


def _head(seat: Seat, scene: Scene, words: Words, width: int) -> list[Text]:
    """Give the line that says what the agent does, and one that says why it began anew."""
    parts = [state_words(seat, scene, words)]
    if (usage := seat.lane.usage) is not None and usage.output_tokens:
        parts.append(words.tokens.format(n=f"{usage.output_tokens:,}"))
    elif seat.lane.status is None and (pace := seat.pulse.chars_per_s) is not None:
        parts.append(words.characters_per_s.format(n=round(pace)))
    head = [Text("  ".join([*parts, clean_line(seat.card.model)]), boxes.SECONDARY)]
    if seat.lane.attempt > 1:
        why = words.again.format(attempt=seat.lane.attempt, reason=clean_line(seat.pulse.again or ""))
        head.extend(Text(line, "yellow") for line in wrap(why.rstrip(": "), width)[:2])
    return [boxes.fitted(line, width) for line in head]


def _card(seat: Seat, words: Words, width: int, n_reasoning: int | None) -> list[Row]:
    """Give the vote, or why there is none, and the reasoning (its first ``n_reasoning`` lines)."""
    lane = seat.lane
    if lane.decision is not None:
        label, text = decision_label(lane.decision, lane.confidence, words), lane.reasoning or ""
    elif lane.status is not None and lane.cause is not None:
        style = f"bold {_style(seat)}"
        label, text = Text(f"{boxes.ALARM_SYMBOL} {words.statuses[lane.status]}", style), words.cause(lane.cause)
    else:
        return []
    lines = wrap(clean(text).strip(), min(width, READING_CELLS))
    if n_reasoning is not None and len(lines) > n_reasoning:
        lines = [*lines[: n_reasoning - 1], f"{lines[n_reasoning - 1]} …"] if n_reasoning > 0 else []
    return [Divider(label), *(Text(line) for line in lines)]


def _style(seat: Seat) -> str:
    lane = seat.lane
    if lane.decision is not None:
        return boxes.STYLES[lane.decision]
    match lane.status:
        case LaneStatus.FAILED:
            return boxes.FAILED
        case LaneStatus.ABSTAINED:
            return boxes.STYLES[Decision.ABSTAINED]
        case None if lane.attempt:
            return boxes.SPEAKING
        case _:
            return boxes.IDLE


def _elapsed_s(seat: Seat, scene: Scene) -> float | None:
    if seat.lane.duration_ms is not None:
        return seat.lane.duration_ms / 1000
    if seat.pulse.started_s is None or scene.state.status != "running":
        return None
    return scene.now_s - seat.pulse.started_s
