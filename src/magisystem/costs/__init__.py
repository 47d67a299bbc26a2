"""What a month costs on each topology: prices with their sources, formulas that show themselves. Pure, and exact.

Nothing here is fetched or guessed: a price that the list does not have leaves its line without an amount.
"""

from magisystem.costs.bills import PARTS, TOPOLOGIES, Bill, Charge, Line, Topology, bill
from magisystem.costs.formulas import Factor, Formula
from magisystem.costs.prices import ModelPrice, Origin, Price, PriceList, Tier
from magisystem.costs.reading import read_prices
from magisystem.costs.workload import Speaker, Workload

__all__ = [
    "PARTS",
    "TOPOLOGIES",
    "Bill",
    "Charge",
    "Factor",
    "Formula",
    "Line",
    "ModelPrice",
    "Origin",
    "Price",
    "PriceList",
    "Speaker",
    "Tier",
    "Topology",
    "Workload",
    "bill",
    "read_prices",
]
