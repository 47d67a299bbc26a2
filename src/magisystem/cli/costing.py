"""`magi cost`: reads the list of prices, reckons, and writes a page or JSON."""

import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum, auto
from importlib.resources import files
from math import isfinite
from pathlib import Path

from magisystem.cli.bill_document import document
from magisystem.cli.bill_page import page
from magisystem.costs import TOPOLOGIES, PriceList, Workload, bill, read_prices
from magisystem.errors import Fault, InvalidRequest, PricesInvalid

_OURS = "prices.toml"


class Form(Enum):
    """What is written."""

    PAGE = auto()
    PAGE_WITH_SOURCES = auto()
    JSON = auto()


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be reckoned."""

    month: Workload
    region: str
    counts_allowances: bool


def run_cost(asked: Asked, prices_file: Path | None, form: Form) -> int:
    """Reckon and write, and give the exit code.

    Raises:
        PricesInvalid: the list of prices cannot be read, or is wrong.
        InvalidRequest: a month cannot be as asked, or no region is named.
    """
    if not asked.region.strip():
        raise InvalidRequest("`--region` is empty. Name a region, such as us-east-1, or leave it out.", field="region")
    asked.month.check()
    prices = _read(prices_file)
    bills = [
        bill(topology, asked.month, prices, asked.region, counts_allowances=asked.counts_allowances)
        for topology in TOPOLOGIES
    ]
    today = datetime.now(UTC).date()
    if form is Form.JSON:
        sys.stdout.buffer.write(document(bills, asked.month, prices, asked.region, today))
    else:
        told = page(bills, asked.month, prices, asked.region, today, with_sources=form is Form.PAGE_WITH_SOURCES)
        sys.stdout.write(told)
    return 0


def write_prices(prices_file: Path | None) -> None:
    """Write the list of prices as it is, so that it can be kept and changed.

    Raises:
        PricesInvalid: a list of one's own was named and is wrong.
    """
    _read(prices_file)
    sys.stdout.write(_content(prices_file))


def decimal_of(given: float) -> Decimal:
    """Give the number a person wrote, not the binary fraction beside it.

    Raises:
        InvalidRequest: it is none that can be reckoned with.
    """
    if not isfinite(given):
        raise InvalidRequest(f"Numbers should be finite; one is {given}.")
    return Decimal(repr(given))


def _read(prices_file: Path | None) -> PriceList:
    return read_prices(_content(prices_file), _OURS if prices_file is None else str(prices_file))


def _content(prices_file: Path | None) -> str:
    if prices_file is None:
        return files("magisystem.costs").joinpath(_OURS).read_text(encoding="utf-8")
    try:
        # Editors on Windows put a mark before the text.
        return prices_file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise PricesInvalid(str(prices_file), (Fault("", f"cannot be read: {error.strerror}"),)) from error
    except UnicodeDecodeError as error:
        raise PricesInvalid(str(prices_file), (Fault("", "is no UTF-8 text"),)) from error
