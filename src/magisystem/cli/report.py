"""What an examination found, as a person reads it on a terminal or in a file, and as a program does."""

from collections.abc import Iterator
from textwrap import wrap

import msgspec
from rich.text import Text

from magisystem.cli.boxes import EMPHASIS, SECONDARY
from magisystem.cli.plain_text import clean_line
from magisystem.doctor import Advice, Diagnosis, Finding, Grade

# The form of `--json`: a field may be added, and none changed, under the same number.
_FORM = 1
_WIDEST = 100
_PLAIN_WIDTH = 80

_MARKS = {Grade.WELL: "✓", Grade.NOTE: "–", Grade.REMARK: "!", Grade.PROBLEM: "✗"}
_WORDS = {Grade.WELL: "ok", Grade.NOTE: "note", Grade.REMARK: "remark", Grade.PROBLEM: "problem"}
_STYLES = {Grade.WELL: "green", Grade.NOTE: SECONDARY, Grade.REMARK: "yellow", Grade.PROBLEM: "bold red"}
_LABELS = {
    "first_byte": "first byte",
    "cut_off": "cut-off",
    "keep_alives": "keep-alives",
    "poll": "long-poll",
    "socket": "WebSocket",
    "preflight": "CORS",
    "name_unknown": "name",
    "not_listening": "connection",
    "unreachable": "connection",
    "tls": "TLS",
}


def drawn(found: Diagnosis, subject: str, width: int) -> Iterator[Text]:
    """Give the lines of a report for a terminal of ``width`` cells."""
    return _lines(found, subject, min(width, _WIDEST), _MARKS)


def plain(found: Diagnosis, subject: str) -> str:
    """Give a report for a file or a pipe: no colours, and words in place of marks."""
    return "".join(f"{line.plain.rstrip()}\n" for line in _lines(found, subject, _PLAIN_WIDTH, _WORDS))


def machine_form(found: Diagnosis, kind: str, subject: str) -> str:
    """Give a report as one line of JSON."""
    document = {
        "form": _FORM,
        "of": kind,
        "subject": subject,
        "grade": found.worst,
        "transport": found.transport,
        "verdict": found.verdict,
        "figures": found.figures,
        "findings": [
            {
                "code": finding.code,
                "grade": finding.grade,
                "summary": finding.summary,
                "advice": [{"place": advice.place, "text": advice.text} for advice in finding.advice],
            }
            for finding in found.findings
        ],
    }
    return f"{msgspec.json.encode(document).decode()}\n"


def _lines(found: Diagnosis, subject: str, width: int, marks: dict[Grade, str]) -> Iterator[Text]:
    yield Text(clean_line(subject), EMPHASIS)
    yield Text()
    widest_mark = max(len(mark) for mark in marks.values())
    widest = max(len(_label(finding)) for finding in found.findings)
    for finding in found.findings:
        yield from _rows(finding, f"{marks[finding.grade]:<{widest_mark}}", widest, width)
    yield Text()
    for line in wrap(clean_line(found.verdict), width):
        yield Text(line, EMPHASIS)
    if to_change := _to_change(found):
        yield Text()
        yield Text("To change:")
        for advice in to_change:
            yield from _item(advice, width)


def _rows(finding: Finding, mark: str, widest: int, width: int) -> Iterator[Text]:
    lead = f"  {mark}  "
    indent = len(lead) + widest + 2
    style = _STYLES[finding.grade]
    is_quiet = finding.grade in {Grade.WELL, Grade.NOTE}
    first, *further = wrap(clean_line(finding.summary), width - indent, break_on_hyphens=False) or [""]
    yield Text.assemble((lead, style), f"{_label(finding):<{widest}}  ", (first, SECONDARY if is_quiet else ""))
    for line in further:
        yield Text(f"{' ' * indent}{line}", SECONDARY if is_quiet else "")


def _label(finding: Finding) -> str:
    return _LABELS.get(finding.code, finding.code.replace("_", " "))


def _to_change(found: Diagnosis) -> list[Advice]:
    return list(dict.fromkeys(advice for finding in found.findings for advice in finding.advice))


def _item(advice: Advice, width: int) -> Iterator[Text]:
    place = f"{advice.place}: " if advice.place else ""
    first, *further = wrap(f"{place}{clean_line(advice.text)}", width - 4, break_on_hyphens=False)
    yield Text.assemble("  - ", (first[: len(place)], EMPHASIS), first[len(place) :])
    for line in further:
        yield Text(f"    {line}")
