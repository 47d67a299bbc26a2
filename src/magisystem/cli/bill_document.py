"""Bills as one JSON document. Amounts are texts, so that no reader rounds them to binary fractions."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from decimal import Decimal
from typing import Any, cast

import msgspec

from magisystem.cli.bill_page import remarks
from magisystem.costs import Bill, Line, PriceList, Workload


def document(bills: Sequence[Bill], month: Workload, prices: PriceList, region: str, today: date) -> bytes:
    """Give the document, with a line feed at its end."""
    content = {
        "region": region,
        "currency": "USD",
        "asOf": prices.as_of,
        "isStale": prices.is_stale(today),
        "assumed": _camel(asdict(month)),
        "remarks": remarks(bills, month, prices, region, today),
        "bills": [_bill(each, month) for each in bills],
    }
    return msgspec.json.format(msgspec.json.encode(content), indent=2) + b"\n"


def _bill(bill: Bill, month: Workload) -> dict[str, Any]:
    return {
        "topology": bill.topology,
        "totalUsd": _plain(bill.total),
        "aDeliberationUsd": _plain(bill.total / month.deliberations) if month.deliberations else None,
        "isComplete": bill.is_complete,
        "isConfirmed": bill.is_confirmed,
        "lines": [_line(line) for line in bill.lines],
    }


def _line(line: Line) -> dict[str, Any]:
    origin = line.origin
    return {
        "part": line.part,
        "what": line.what,
        "formula": line.quantity.words,
        "numbers": line.quantity.numbers,
        "steps": [
            {"name": name, "formula": step.words, "numbers": step.numbers, "value": _plain(step.value)}
            for name, step in line.steps
        ],
        "quantity": _plain(line.quantity.value),
        "unit": line.unit,
        "freeQuantity": _plain(line.free),
        "charges": [
            {"quantity": _plain(charge.quantity), "usd": _plain(charge.usd), "amountUsd": _plain(charge.amount)}
            for charge in line.charges
        ],
        "amountUsd": None if line.amount is None else _plain(line.amount),
        "problem": line.problem or None,
        "price": {"source": origin.source, "read": origin.read, "isPrimary": origin.is_primary, "note": origin.note}
        if origin
        else None,
    }


def _plain(value: Decimal) -> str:
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _camel(fields: dict[str, Any]) -> dict[str, Any]:
    return {_camel_name(name): _camel_value(value) for name, value in fields.items()}


def _camel_name(name: str) -> str:
    first, *further = name.split("_")
    return first + "".join(part.capitalize() for part in further)


def _camel_value(value: Any) -> Any:
    if isinstance(value, Decimal):
        return _plain(value)
    return _camel(cast("dict[str, Any]", value)) if isinstance(value, dict) else value
