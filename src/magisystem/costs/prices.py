"""A dated list of prices, each with where it was read, and what a quantity costs by them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

STALE_AFTER = timedelta(days=180)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a price was read, and when.

    ``is_primary`` is set where AWS itself (or whoever sells) published what was read. Elsewhere the price was read in
    somebody's copy or report, and counts as unconfirmed until it has been looked up at ``source``.
    """

    source: str
    read: date
    is_primary: bool
    note: str = ""


@dataclass(frozen=True, slots=True)
class Tier:
    """The price of each unit up to ``up_to`` a month, counted from the first unit; ``None``: of all beyond."""

    usd: Decimal
    up_to: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Price:
    """What a unit costs in a region, in US dollars.

    ``tiers`` is in rising order and never empty. ``free`` is what the provider gives an account every month.
    """

    key: str
    region: str
    unit: str
    tiers: tuple[Tier, ...]
    origin: Origin
    free: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class ModelPrice:
    """What a million tokens cost, in US dollars, for prompts of at most ``up_to_input_tokens`` (``None``: of any)."""

    names: tuple[str, ...]
    input_usd: Decimal
    output_usd: Decimal
    origin: Origin
    up_to_input_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class PriceList:
    """Prices as of one day. No key occurs twice in a region, and no model twice for one length of prompt."""

    as_of: date
    prices: Mapping[tuple[str, str], Price]
    models: tuple[ModelPrice, ...]

    def price(self, key: str, region: str) -> Price | None:
        """Give the price of ``key`` in a region, if the list has it."""
        return self.prices.get((key, region))

    def model(self, name: str, input_tokens: Decimal) -> ModelPrice | None:
        """Give the price of a model for a prompt of that length, if the list has it: the narrowest that fits."""
        fitting = [
            price
            for price in self.models
            if name in price.names and (price.up_to_input_tokens is None or input_tokens <= price.up_to_input_tokens)
        ]
        return min(
            fitting,
            key=lambda price: (price.up_to_input_tokens is None, price.up_to_input_tokens or 0),
            default=None,
        )

    @property
    def regions(self) -> tuple[str, ...]:
        """The regions of which the list has a price, sorted."""
        return tuple(sorted({region for _, region in self.prices}))

    def is_stale(self, today: date) -> bool:
        """Tell whether the list is so old that its prices may well have changed."""
        return today - self.as_of > STALE_AFTER
