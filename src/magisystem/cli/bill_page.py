"""Bills as a page of plain lines, none wider than 80 columns but for the URLs of sources. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from magisystem.cli.plain_text import clean_line
from magisystem.cli.wrapping import wrap
from magisystem.costs import PARTS, Bill, Line, Origin, PriceList, Workload
from magisystem.costs.formulas import Formula, number
from magisystem.costs.workload import EMBEDDED

_COLUMNS = 80
_AMOUNT = 14
_CENT = Decimal("0.01")
_UNKNOWN = "unknown"
_NOT_COUNTED = (
    "Not counted: retries and repairs of model calls, prompt caches, storage of the image, traces, traffic within a "
    "region, support, taxes and discounts; and on Fargate alarms, and whatever keeps the history, whose disk ends with "
    "its task."
)


def page(
    bills: Sequence[Bill], month: Workload, prices: PriceList, region: str, today: date, *, with_sources: bool
) -> str:
    """Give the whole page: the comparison, how each line comes about, and what is to be known about it."""
    lines = [
        *wrap(
            f"A month in {clean_line(region)}: {number(month.deliberations)} deliberations, in US dollars, by prices "
            f"as of {prices.as_of}",
            _COLUMNS,
        ),
        "",
        *_comparison(bills, month),
        "",
        "How it comes about",
        *_explanation(bills),
        "",
        *(line for remark in remarks(bills, month, prices, region, today) for line in wrap(f"- {remark}", _COLUMNS)),
    ]
    if with_sources:
        lines += ["", "Where the prices stand", *_sources(bills)]
    return "".join(f"{line}\n" for line in lines)


def remarks(bills: Sequence[Bill], month: Workload, prices: PriceList, region: str, today: date) -> list[str]:
    """Give what is to be known about the bills, as sentences, the gravest first."""
    found: list[str] = []
    problems = list(dict.fromkeys(line.problem for bill in bills for line in bill.lines if line.problem))
    if region not in prices.regions:
        known = ", ".join(prices.regions) or "no region"
        found.append(f"Incomplete: the list of prices has no region {region}; it has {known}.")
        problems = [problem for problem in problems if not problem.endswith(f" in {region}")]
    if problems:
        found.append(f"Incomplete: {'; '.join(problems)}. Totals are of the known lines alone.")
    if prices.is_stale(today):
        found.append(
            f"The prices are {(today - prices.as_of).days} days old. Look them up anew (`magi cost --sources` tells "
            "where), and give them with --prices."
        )
    origins = _origins(bills)
    n_unconfirmed = sum(not origin.is_primary for origin in origins)
    if n_unconfirmed:
        found.append(
            f"?: a price that was not read from who sells, and wants to be looked up before you rely on it; "
            f"{n_unconfirmed} of the {len(origins)} origins used here are such (`--sources` tells where and when)."
        )
    if any(line.free for bill in bills for line in bill.lines):
        found.append("The account's monthly allowances are counted, as if nothing else in the account used them.")
    else:
        found.append("The account's monthly allowances are not counted; --free-tier counts them.")
    if any(speaker.model == EMBEDDED for speaker in month.speakers):
        found.append("The model embedded is a rule-based advisor, no language model: it costs nothing.")
    return [clean_line(remark) for remark in [*found, _NOT_COUNTED]]


def money(amount: Decimal) -> str:
    """Write an amount for a person."""
    if 0 < amount < _CENT:
        return "<$0.01"
    return f"${amount.quantize(_CENT, ROUND_HALF_UP):,}"


def _comparison(bills: Sequence[Bill], month: Workload) -> Iterator[str]:
    yield _row("", [bill.topology for bill in bills])
    for part in _parts(bills):
        yield _row(part, [_part_amount(bill.of_part(part)) for bill in bills])
    yield _row("Total", [money(bill.total) + ("" if bill.is_complete else " +") for bill in bills])
    if month.deliberations:
        each = [f"${bill.total / month.deliberations:.4f}" + ("" if bill.is_complete else " +") for bill in bills]
        yield _row("A deliberation", each)
    if not all(bill.is_complete for bill in bills):
        yield ""
        yield from wrap("+ incomplete: at least one price is not known (see below).", _COLUMNS)


def _row(name: str, cells: Iterable[str]) -> str:
    return f"{name:<24}{''.join(f'{cell:>{_AMOUNT}}' for cell in cells)}".rstrip()


def _part_amount(lines: Sequence[Line]) -> str:
    if not lines:
        return "-"
    known = [line.amount for line in lines if line.amount is not None]
    if not known:
        return _UNKNOWN
    return money(sum(known, Decimal(0))) + (" +" if len(known) < len(lines) else "")


def _explanation(bills: Sequence[Bill]) -> Iterator[str]:
    for part in _parts(bills):
        yield ""
        yield part
        for line in dict.fromkeys(line for bill in bills for line in bill.of_part(part)):
            within = [bill.topology for bill in bills if line in bill.lines]
            is_everywhere = len(within) == len([bill for bill in bills if bill.of_part(part)])
            yield from _explained(line, "" if is_everywhere else f" [{', '.join(within)}]")


def _explained(line: Line, where: str) -> Iterator[str]:
    amount = line.amount
    right = _UNKNOWN if amount is None else money(amount)
    yield from _with_amount(f"  {clean_line(line.what)}{where}", right)
    if len(line.quantity.summands[0]) > 1:
        yield from _wrapped(line.quantity.words)
    for name, step in line.steps:
        yield from _wrapped(f"{name}: {step.words} = {_reckoned(step)}")
    yield from _wrapped(f"{_reckoned(line.quantity)} {line.unit}".rstrip())
    if line.free:
        yield from _wrapped(f"{number(line.free)} of them free")
    mark = "" if line.origin is None or line.origin.is_primary else " ?"
    for charge in line.charges if line.origin else ():
        yield from _wrapped(f"{number(charge.quantity)} x ${_exact(charge.usd)}{mark} = {money(charge.amount)}")
    if line.problem:
        yield from _wrapped(clean_line(line.problem))


def _reckoned(formula: Formula) -> str:
    numbers, result = formula.numbers, number(formula.value)
    return result if numbers == result else f"{numbers} = {result}"


def _with_amount(text: str, right: str) -> Iterator[str]:
    *before, last = [f"    {part}" if place else part for place, part in enumerate(wrap(text, _COLUMNS - _AMOUNT - 4))]
    yield from before
    yield f"{last:<{_COLUMNS - _AMOUNT}}{right:>{_AMOUNT}}"


def _wrapped(text: str) -> Iterator[str]:
    for place, part in enumerate(wrap(text, _COLUMNS - _AMOUNT - 6)):
        yield f"{'      ' if place else '    '}{part}"


def _exact(usd: Decimal) -> str:
    text = f"{usd:f}"
    return f"{usd:.2f}" if -usd.as_tuple().exponent <= 2 else text  # pyright: ignore[reportOperatorIssue]


def _parts(bills: Sequence[Bill]) -> list[str]:
    return [part for part in PARTS if any(bill.of_part(part) for bill in bills)]


def _origins(bills: Sequence[Bill]) -> list[Origin]:
    used = [line.origin for bill in bills for line in bill.lines if line.origin is not None]
    return list(dict.fromkeys(used))


def _sources(bills: Sequence[Bill]) -> Iterator[str]:
    lines = [line for bill in bills for line in bill.lines]
    for origin in _origins(bills):
        of = dict.fromkeys(f"{line.part}: {line.what}" for line in lines if line.origin == origin)
        mark = "primary" if origin.is_primary else "unconfirmed ?"
        yield ""
        yield from wrap(clean_line("; ".join(of)), _COLUMNS)
        yield from _wrapped(f"{mark}, read {origin.read}{': ' if origin.note else ''}{clean_line(origin.note)}")
        yield f"    {clean_line(origin.source)}"
