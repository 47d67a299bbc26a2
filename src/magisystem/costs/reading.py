"""Reading a list of prices from TOML, and saying everything that is wrong with it.

The form is that of ``prices.toml`` beside this file, which explains itself.
"""

import tomllib
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, cast
from urllib.parse import urlsplit

from magisystem.costs.prices import ModelPrice, Origin, Price, PriceList, Tier
from magisystem.errors import Fault, PricesInvalid

_TOP = {"as_of", "currency", "origins", "price", "model"}
_ORIGIN = {"source", "read", "primary", "note"}
_PRICE = {"key", "region", "unit", "usd", "tiers", "free", "origin"}
_TIER = {"usd", "up_to"}
_MODEL = {"names", "input_usd", "output_usd", "up_to_input_tokens", "origin"}
# Far above any price or quantity; what is far above this cannot be multiplied.
_MOST = Decimal(10**15)
_NOWHERE = Origin("", date.min, is_primary=False)


def read_prices(text: str, name: str) -> PriceList:
    """Read a list of prices; ``name`` is what messages call it.

    Raises:
        PricesInvalid: it is no TOML, or something in it is wrong; every fault is named.
    """
    try:
        document = tomllib.loads(text, parse_float=Decimal)
    except ValueError as error:
        # Also of a number of more than 4,300 digits, which is no TOMLDecodeError.
        raise PricesInvalid(name, (Fault("", f"is no TOML: {error}. Mend it there"),)) from None
    except RecursionError:
        raise PricesInvalid(
            name, (Fault("", "is nested too deeply; it should be as `--print-prices` writes it"),)
        ) from None
    reader = _Reader(document)
    prices = reader.prices()
    models = reader.models()
    as_of = reader.day(document, "as_of", "")
    if document.get("currency") != "USD":
        reader.fault("currency", f'should be "USD", which all amounts are in; it is {_shown(document.get("currency"))}')
    reader.no_others(document, _TOP, "")
    if reader.faults:
        raise PricesInvalid(name, tuple(reader.faults))
    return PriceList(as_of, prices, models)


class _Reader:
    """Reads field by field and keeps what is wrong; what it gives for a wrong field is never used."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.faults: list[Fault] = []
        self._document = document
        self._origins = self._read_origins()

    def fault(self, field: str, message: str) -> None:
        self.faults.append(Fault(field, message))

    def prices(self) -> dict[tuple[str, str], Price]:
        found: dict[tuple[str, str], Price] = {}
        for path, table in self._tables(self._document, "price", ""):
            price = self._price(table, path)
            if (price.key, price.region) in found:
                self.fault(path, f"is the second price of {price.key} in {price.region}; leave one")
            found[price.key, price.region] = price
        return found

    def models(self) -> tuple[ModelPrice, ...]:
        found: list[ModelPrice] = []
        taken: set[tuple[str, int | None]] = set()
        for path, table in self._tables(self._document, "model", ""):
            price = self._model(table, path)
            for each in price.names:
                if (each, price.up_to_input_tokens) in taken:
                    self.fault(f"{path}.names", f"has {each}, which another entry prices already; leave one")
                taken.add((each, price.up_to_input_tokens))
            found.append(price)
        return tuple(found)

    def _price(self, table: Mapping[str, Any], path: str) -> Price:
        self.no_others(table, _PRICE, path)
        if ("usd" in table) == ("tiers" in table):
            self.fault(path, "should have either usd, one price for every unit, or tiers")
            tiers: tuple[Tier, ...] = (Tier(Decimal(0)),)
        elif "usd" in table:
            tiers = (Tier(self._amount(table, "usd", path)),)
        else:
            tiers = self._tiers(table, path)
        return Price(
            self._text(table, "key", path),
            self._text(table, "region", path),
            self._text(table, "unit", path),
            tiers,
            self._origin(table, path),
            self._amount(table, "free", path) if "free" in table else Decimal(0),
        )

    def _tiers(self, table: Mapping[str, Any], path: str) -> tuple[Tier, ...]:
        tiers: list[Tier] = []
        rows = list(self._tables(table, "tiers", f"{path}."))
        for place, (tier_path, row) in enumerate(rows, start=1):
            self.no_others(row, _TIER, tier_path)
            up_to = self._amount(row, "up_to", tier_path) if "up_to" in row else None
            if up_to is None and place < len(rows):
                self.fault(f"{tier_path}.up_to", "is missing; only the last tier may go on without an end")
            before = tiers[-1].up_to if tiers else None
            if up_to is not None and before is not None and up_to <= before:
                self.fault(f"{tier_path}.up_to", f"should be over {before}, where the tier before it ends")
            tiers.append(Tier(self._amount(row, "usd", tier_path), up_to))
        if not rows:
            self.fault(f"{path}.tiers", "should have at least one tier, as in [{ up_to = 10_240, usd = 0.09 }]")
        return tuple(tiers)

    def _model(self, table: Mapping[str, Any], path: str) -> ModelPrice:
        self.no_others(table, _MODEL, path)
        given: object = table.get("names")
        names = cast("list[object]", given) if isinstance(given, list) else []
        if not names or not all(isinstance(each, str) and each for each in names):
            shown = _shown(cast("object", given))
            self.fault(f"{path}.names", f"should be a list of models as in `magi models`; it is {shown}")
        up_to = table.get("up_to_input_tokens")
        if up_to is not None and not (_is_whole(up_to) and up_to > 0):
            self.fault(f"{path}.up_to_input_tokens", f"should be a whole number over 0; it is {_shown(up_to)}")
            up_to = None
        return ModelPrice(
            tuple(str(each) for each in names),
            self._amount(table, "input_usd", path),
            self._amount(table, "output_usd", path),
            self._origin(table, path),
            up_to,
        )

    def _read_origins(self) -> dict[str, Origin]:
        given = self._document.get("origins", {})
        if not isinstance(given, dict):
            self.fault("origins", f"should be tables, as in [origins.here]; it is {_shown(given)}")
            return {}
        found: dict[str, Origin] = {}
        for name, table in cast("dict[str, Any]", given).items():
            path = f"origins.{name}"
            if isinstance(table, dict):
                found[name] = self._described(cast("dict[str, Any]", table), path)
            else:
                self.fault(path, f"should be a table; it is {_shown(table)}")
        return found

    def _origin(self, table: Mapping[str, Any], path: str) -> Origin:
        name = self._text(table, "origin", path)
        if name and name not in self._origins:
            self.fault(f"{path}.origin", f"names {name!r}, which is not among the origins; add [origins.{name}]")
        return self._origins.get(name, _NOWHERE)

    def _described(self, table: Mapping[str, Any], path: str) -> Origin:
        self.no_others(table, _ORIGIN, path)
        source = self._text(table, "source", path)
        if source and not _is_address(source):
            self.fault(f"{path}.source", f"should be the URL where the price stands; it is {_shown(source)}")
        primary = table.get("primary")
        if not isinstance(primary, bool):
            self.fault(f"{path}.primary", f"should be true (the seller published it) or false; it is {_shown(primary)}")
        note = self._text(table, "note", path) if "note" in table else ""
        return Origin(source, self.day(table, "read", path), primary is True, note)

    def _tables(self, table: Mapping[str, Any], field: str, before: str) -> Iterable[tuple[str, Mapping[str, Any]]]:
        given: object = table.get(field, [])
        rows = cast("list[Any]", given) if isinstance(given, list) else None
        if rows is None or not all(isinstance(row, dict) for row in rows):
            self.fault(f"{before}{field}", f"should be a list of tables; it is {_shown(cast('object', given))}")
            return []
        return [(f"{before}{field}[{place}]", row) for place, row in enumerate(rows, start=1)]

    def _text(self, table: Mapping[str, Any], field: str, path: str) -> str:
        given = table.get(field)
        if isinstance(given, str) and given.strip():
            return given
        self.fault(_under(path, field), f"should be a text; it is {_shown(given)}")
        return ""

    def _amount(self, table: Mapping[str, Any], field: str, path: str) -> Decimal:
        given: object = table.get(field)
        amount = Decimal(given) if isinstance(given, int | Decimal) and not isinstance(given, bool) else None
        if amount is None or not amount.is_finite() or amount < 0:
            self.fault(_under(path, field), f"should be a number of 0 or more; it is {_shown(given)}")
        elif amount > _MOST:
            self.fault(_under(path, field), f"should be {_MOST:,} at most; it is {_shown(given)}")
        else:
            return amount
        return Decimal(0)

    def day(self, table: Mapping[str, Any], field: str, path: str) -> date:
        given = table.get(field)
        if isinstance(given, date) and not isinstance(given, datetime):
            return given
        self.fault(_under(path, field), f"should be a day such as 2026-11-20, unquoted; it is {_shown(given)}")
        return _NOWHERE.read

    def no_others(self, table: Mapping[str, Any], known: set[str], path: str) -> None:
        for field in table:
            if field not in known:
                self.fault(_under(path, field), f"is not known; known are {', '.join(sorted(known))}")


def _under(path: str, field: str) -> str:
    return f"{path}.{field}" if path else field


def _is_address(source: str) -> bool:
    try:
        parts = urlsplit(source)
    except ValueError:
        # Half an IPv6 address.
        return False
    return parts.scheme in {"http", "https"} and bool(parts.netloc)


def _is_whole(given: object) -> bool:
    return isinstance(given, int) and not isinstance(given, bool)


def _shown(given: object) -> str:
    return "missing" if given is None else repr(str(given) if isinstance(given, Decimal | date) else given)
