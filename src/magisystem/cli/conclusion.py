"""How a deliberation ended: first what limits the result's worth, then the result, then its grounds."""

from collections.abc import Iterator

from rich.cells import cell_len
from rich.text import Text

from magisystem.cli import boxes
from magisystem.cli.boxes import FRAME_CELLS, Divider, Row
from magisystem.cli.lanes import READING_CELLS, decision_label
from magisystem.cli.plain_text import clean, clean_line
from magisystem.cli.scene import Scene
from magisystem.cli.words import Words
from magisystem.cli.wrapping import wrap
from magisystem.protocol.events import Complete, VerdictGiven
from magisystem.protocol.values import Decision, Outcome, Usage

_BAR_CELLS = 20
# A narrower box needs the room for words.
_BAR_FROM_CELLS = 84


def notes(scene: Scene, words: Words) -> list[str]:
    """Give what must be said of the models, each note once, with the models that it is about."""
    start = scene.state.start
    models_by_note: dict[str, list[str]] = {}
    for card in start.council.agents if start is not None else ():
        if card.note:
            models = models_by_note.setdefault(words.notes.get(card.note, clean_line(card.note)), [])
            if (model := clean_line(card.model)) not in models:
                models.append(model)
    return [f"{', '.join(models)}: {note}" for note, models in models_by_note.items()]


def warnings(scene: Scene, words: Words) -> list[str]:
    """Give what limits the result's worth, in words; nothing where nothing does."""
    state = scene.state
    if state.cancelled is not None:
        return [words.cancelled]
    if state.error is not None:
        message = words.causes.get(state.error.error) or clean_line(state.error.message)
        return [words.failed.format(message=message, code=clean_line(state.error.error))]
    return [words.incomplete] if state.complete is None else list(_reservations(state.complete, scene, words))


def _reservations(complete: Complete, scene: Scene, words: Words) -> Iterator[str]:
    authority = complete.authority
    if complete.outcome is Outcome.INCONCLUSIVE:
        yield words.inconclusive
    elif complete.outcome is Outcome.DECIDED_DEGRADED:
        counted = words.degraded.format(valid=authority.voters_valid, expected=authority.voters_expected)
        yield words.no_judge if authority.voters_valid == authority.voters_expected else counted
    if authority.overturned:
        yield words.overturned
    for missing in authority.missing:
        name = clean_line(scene.names.get(missing.agent_id, missing.agent_id))
        yield words.missing.format(name=name, cause=words.cause(clean_line(missing.cause)))


def conclusion_box(scene: Scene, words: Words, width: int) -> list[Text]:
    """Give the lines of the closing box."""
    state, inner = scene.state, width - FRAME_CELLS
    reading = min(inner, READING_CELLS)
    rows: list[Row] = []
    for lead, texts in ((f"{boxes.ALARM_SYMBOL} ", warnings(scene, words)), (f"{words.note}: ", notes(scene, words))):
        for text in texts:
            rows += _hanging(lead, text, reading, boxes.ALARM)
    complete, verdict = state.complete, state.verdict
    if complete is not None and complete.outcome is not Outcome.ANSWERED:
        rows += [*([Text()] if rows else []), _decision(complete, words)]
    if verdict is not None:
        rows += _grounds(verdict, complete, words, reading)
        rows += _scores(verdict, scene, words, inner)
    if complete is not None:
        rows += _counts(complete, words)
    elapsed_s = complete.execution_time / 1000 if complete is not None else scene.elapsed_s
    return boxes.box(
        Text(_title(complete, words), boxes.EMPHASIS),
        words.seconds.format(s=f"{elapsed_s:.1f}"),
        rows,
        width,
        _style(complete),
    )


def _title(complete: Complete | None, words: Words) -> str:
    if complete is None:
        return words.no_verdict
    return words.answer if complete.outcome is Outcome.ANSWERED else words.verdict


def _hanging(lead: str, text: str, width: int, style: str) -> Iterator[Row]:
    """Give ``text`` after ``lead``, its further lines under its first."""
    indent = " " * cell_len(lead)
    for number, line in enumerate(wrap(text, width - len(indent))):
        yield Text(f"{indent if number else lead}{line}", style)


def tally_line(complete: Complete, words: Words) -> str:
    """Give how the votes fell."""
    tally = complete.tally
    return words.tally_line.format(
        approved=tally.approved, rejected=tally.rejected, abstained=tally.abstained, failed=tally.failed
    )


def cost_line(usage: Usage, cost_usd: float | None, words: Words) -> str:
    """Give what was used, as far as it was counted."""
    counted = [words.tokens.format(n=f"{usage.output_tokens:,}")] if usage.output_tokens else []
    return "  ".join([*counted, *([f"${cost_usd:.4f}"] if cost_usd is not None else [])])


def _decision(complete: Complete, words: Words) -> Text:
    if complete.decision is None:
        return Text(f"? {words.undecided}", boxes.ALARM)
    return decision_label(complete.decision, complete.confidence, words)


def _grounds(verdict: VerdictGiven, complete: Complete | None, words: Words, width: int) -> Iterator[Row]:
    if complete is None or complete.decision is not verdict.decision:
        yield Text()
        yield Text.assemble(f"{words.ruling}: ", decision_label(verdict.decision, verdict.confidence, words))
    for heading, text in (
        (words.summary, verdict.summary),
        (words.reasoning, verdict.reasoning),
        (words.recommendation, verdict.recommendation),
    ):
        if lines := wrap(clean(text).strip(), width):
            yield Text()
            yield Text(heading, boxes.EMPHASIS)
            yield from (Text(line) for line in lines)


def _scores(verdict: VerdictGiven, scene: Scene, words: Words, width: int) -> Iterator[Row]:
    if not verdict.scores:
        return
    yield Divider(Text(words.scores))
    names = {score.agent_id: clean_line(scene.names.get(score.agent_id, score.agent_id)) for score in verdict.scores}
    widest = min(max(cell_len(name) for name in names.values()), width // 3)
    for score in verdict.scores:
        lead = Text.assemble(
            boxes.fitted(Text(names[score.agent_id]), widest),
            (f" {score.score:>3}  ", boxes.EMPHASIS),
            *(_bar(score.score) if width >= _BAR_FROM_CELLS else ()),
        )
        room = min(max(width - cell_len(lead.plain), 1), READING_CELLS)
        first, *further = wrap(clean_line(score.reasoning), room) or [""]
        yield Text.assemble(lead, first)
        yield from (Text(f"{' ' * cell_len(lead.plain)}{line}") for line in further)


def _bar(score: int) -> Iterator[tuple[str, str]]:
    filled = round(_BAR_CELLS * max(0, min(score, 100)) / 100)
    yield "━" * filled, boxes.SPEAKING
    yield "─" * (_BAR_CELLS - filled), boxes.IDLE
    yield "  ", ""


def _counts(complete: Complete, words: Words) -> Iterator[Row]:
    cost = cost_line(complete.usage, complete.cost_usd, words)
    if complete.outcome is Outcome.ANSWERED:
        yield Text(cost, boxes.SECONDARY)
        return
    yield Divider(Text(words.tally))
    yield Text(tally_line(complete, words))
    if cost:
        yield Text(cost, boxes.SECONDARY)


def _style(complete: Complete | None) -> str:
    if complete is None:
        return boxes.FAILED
    if complete.outcome is Outcome.ANSWERED:
        return boxes.IDLE
    return boxes.STYLES[complete.decision or Decision.ABSTAINED]
