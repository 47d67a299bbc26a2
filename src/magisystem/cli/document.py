"""A deliberation as a Markdown page: how it ended and what that is worth, the votes, and what everybody said."""

from collections.abc import Iterator

from magisystem.cli.boxes import ALARM_SYMBOL, SYMBOLS
from magisystem.cli.conclusion import notes, tally_line, warnings
from magisystem.cli.lanes import percent, state_words
from magisystem.cli.markup import inline, quoted
from magisystem.cli.scene import Scene, Seat
from magisystem.cli.words import Words
from magisystem.protocol.events import Start, VerdictGiven
from magisystem.protocol.values import Decision, Outcome, Score


def document(scene: Scene, words: Words, title: str | None = None) -> str:
    """Give the page, of an unfinished deliberation too. Nothing that a model wrote leaves its block quote or cell."""
    start = scene.state.start
    if start is None:
        return f"{words.waiting}\n"
    lines = [
        *((f"# {inline(title)}", "", f"## {words.question}") if title else (f"# {words.question}",)),
        "",
        *quoted(start.question),
        *_result(scene, words),
        *_votes(scene, words),
        *(line for seat in _seats(scene) for line in _lane(seat, scene, words)),
        *_record(start, scene, words),
    ]
    return "\n".join(lines) + "\n"


def _seats(scene: Scene) -> list[Seat]:
    return [*scene.sages, *filter(None, [scene.judge])]


def _result(scene: Scene, words: Words) -> Iterator[str]:
    complete, verdict = scene.state.complete, scene.state.verdict
    is_answer = complete is not None and complete.outcome is Outcome.ANSWERED
    heading = words.answer if is_answer else words.no_verdict if complete is None else words.verdict
    yield from ("", f"## {heading}", "")
    remarks = [f"- **{ALARM_SYMBOL} {words.warning}**: {inline(text)}" for text in warnings(scene, words)]
    remarks += [f"- **{words.note}**: {inline(text)}" for text in notes(scene, words)]
    yield from remarks
    if complete is not None and not is_answer:
        if remarks:
            yield ""
        if complete.decision is None:
            yield f"**? {words.undecided}**"
        else:
            yield _decision(complete.decision, complete.confidence, words)
    if verdict is not None:
        if complete is None or complete.decision is not verdict.decision:
            yield from ("", f"{words.ruling}: {_decision(verdict.decision, verdict.confidence, words)}")
        yield from _grounds(verdict, words)


def _grounds(verdict: VerdictGiven, words: Words) -> Iterator[str]:
    for heading, text in (
        (words.summary, verdict.summary),
        (words.recommendation, verdict.recommendation),
        (words.reasoning, verdict.reasoning),
    ):
        if text.strip():
            yield from ("", f"### {heading}", "", *quoted(text))


def _votes(scene: Scene, words: Words) -> Iterator[str]:
    if not scene.sages:
        return
    scores = _scores(scene)
    headings = (words.agent, words.vote, words.confidence.format(percent=""), words.score)
    capitalised = (heading.strip().capitalize() for heading in headings)
    yield from ("", f"## {words.tally}", "", _row(*capitalised), "| --- | --- | ---: | ---: |")
    for seat in scene.sages:
        lane, score = seat.lane, scores.get(seat.card.agent_id)
        yield _row(
            inline(seat.card.name),
            words.no_vote if lane.decision is None else _label(lane.decision, words),
            "" if lane.confidence is None else percent(lane.confidence),
            "" if score is None else str(score.score),
        )
    if (complete := scene.state.complete) is not None:
        yield from ("", tally_line(complete, words))


def _lane(seat: Seat, scene: Scene, words: Words) -> Iterator[str]:
    lane, score = seat.lane, _scores(scene).get(seat.card.agent_id)
    if not lane.attempt and scene.sages:
        return
    yield from ("", f"## {inline(seat.card.name)}")
    if lane.cause is not None:
        yield from ("", f"**{ALARM_SYMBOL} {state_words(seat, scene, words)}**: {inline(words.cause(lane.cause))}")
    elif lane.status is None:
        yield from ("", f"*{state_words(seat, scene, words)}*")
    if lane.text.strip():
        yield from ("", *quoted(lane.text))
    if lane.decision is not None:
        yield from ("", f"{words.vote.capitalize()}: {_decision(lane.decision, lane.confidence, words)}")
        yield from ("", *quoted(lane.reasoning or ""))
    if score is not None:
        yield from ("", f"{words.score}: **{score.score}**", "", *quoted(score.reasoning))


def _record(start: Start, scene: Scene, words: Words) -> Iterator[str]:
    complete = scene.state.complete
    models = dict.fromkeys(inline(card.model) for card in start.council.agents)
    facts = [
        (words.deliberation, inline(start.deliberation_id)),
        (words.session, inline(start.session_id)),
        (words.council, f"{inline(start.council.id)} ({words.rule}: {start.council.rule})"),
        (words.models, ", ".join(models)),
        (words.began, inline(start.timestamp)),
    ]
    if complete is not None:
        usage = complete.usage
        facts.append((words.duration, words.seconds.format(s=f"{complete.execution_time / 1000:.1f}")))
        if usage.input_tokens or usage.output_tokens:
            counts = words.used.format(input=f"{usage.input_tokens:,}", output=f"{usage.output_tokens:,}")
            facts.append((words.usage, counts))
        if complete.cost_usd is not None:
            facts.append((words.cost, f"${complete.cost_usd:.4f}"))
    yield from ("", f"## {words.record}", "", *(f"- {name}: {fact}" for name, fact in facts))


def _scores(scene: Scene) -> dict[str, Score]:
    verdict = scene.state.verdict
    return {score.agent_id: score for score in verdict.scores} if verdict is not None else {}


def _decision(decision: Decision, confidence: float | None, words: Words) -> str:
    told = "" if confidence is None else f" ({words.confidence.format(percent=percent(confidence))})"
    return f"**{_label(decision, words)}**{told}"


def _label(decision: Decision, words: Words) -> str:
    return f"{SYMBOLS[decision]} {words.decisions[decision]}"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
