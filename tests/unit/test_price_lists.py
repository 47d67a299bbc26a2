"""Reading a list of prices: what is wrong is named, all of it, with what it should be."""

from datetime import date
from decimal import Decimal

import pytest

from magisystem.costs import read_prices
from magisystem.errors import PricesInvalid

GOOD = """
as_of = 2026-11-20
currency = "USD"

[origins.here]
source = "https://example.com/prices"
read = 2026-11-19
primary = true
note = "our contract"

[[price]]
key = "transfer.gb_out"
region = "us-east-1"
unit = "GB"
tiers = [{ up_to = 10_240, usd = 0.09 }, { usd = 0.085 }]
free = 100
origin = "here"

[[price]]
key = "alb.hour"
region = "us-east-1"
unit = "hour"
usd = 0.0225
origin = "here"

[[model]]
names = ["bedrock:a", "bedrock:b"]
input_usd = 3
output_usd = 15.5
up_to_input_tokens = 200_000
origin = "here"
"""


def faults(text: str) -> dict[str, str]:
    with pytest.raises(PricesInvalid) as refused:
        read_prices(text, "mine.toml")
    return {fault.field: fault.message for fault in refused.value.faults}


def test_a_list_is_read_exactly() -> None:
    prices = read_prices(GOOD, "mine.toml")
    assert prices.as_of == date(2026, 11, 20)
    transfer = prices.price("transfer.gb_out", "us-east-1")
    assert transfer is not None
    assert [(tier.usd, tier.up_to) for tier in transfer.tiers] == [
        (Decimal("0.09"), Decimal(10_240)),
        (Decimal("0.085"), None),
    ]
    assert (transfer.free, transfer.origin.read, transfer.origin.note) == (100, date(2026, 11, 19), "our contract")
    model = prices.model("bedrock:b", Decimal(200_000))
    assert model is not None
    assert model.output_usd == Decimal("15.5")
    assert prices.model("bedrock:b", Decimal(200_001)) is None
    assert prices.price("alb.hour", "eu-west-1") is None
    assert prices.regions == ("us-east-1",)


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("usd = 0.0225", "usd = -1", "price[2].usd"),
        ("usd = 0.0225", 'usd = "0.0225"', "price[2].usd"),
        ("usd = 0.0225", "usd = true", "price[2].usd"),
        ("usd = 0.0225", "usd = inf", "price[2].usd"),
        ("usd = 0.0225", "usd = 1e999999", "price[2].usd"),
        ("usd = 0.0225", f"usd = {'9' * 5000}", ""),
        ("usd = 0.0225", f"usd = {'[' * 20_000}", ""),
        ("usd = 0.0225", "", "price[2]"),
        ("usd = 0.0225", "usd = 1\ntiers = [{ usd = 1 }]", "price[2]"),
        ("usd = 0.0225", "tiers = []", "price[2].tiers"),
        ("usd = 0.0225", "tiers = 1", "price[2].tiers"),
        ("usd = 0.0225", "tiers = [{ usd = 1 }, { usd = 2 }]", "price[2].tiers[1].up_to"),
        ("usd = 0.0225", "tiers = [{ usd = 1, up_to = 5 }, { usd = 2, up_to = 5 }]", "price[2].tiers[2].up_to"),
        ("usd = 0.0225", "usd = 1\nper = 2", "price[2].per"),
        ('key = "alb.hour"', 'key = " "', "price[2].key"),
        ('key = "alb.hour"', 'key = "transfer.gb_out"', "price[2]"),
        ('origin = "here"\n\n[[model]]', 'origin = "there"\n\n[[model]]', "price[2].origin"),
        ("free = 100", "free = -100", "price[1].free"),
        ("read = 2026-11-19", 'read = "2026-11-19"', "origins.here.read"),
        ("read = 2026-11-19", "read = 2026-11-19T10:00:00Z", "origins.here.read"),
        ("primary = true", 'primary = "yes"', "origins.here.primary"),
        ('source = "https://example.com/prices"', 'source = "example.com"', "origins.here.source"),
        ('source = "https://example.com/prices"', 'source = "http://["', "origins.here.source"),
        ("as_of = 2026-11-20", "", "as_of"),
        ('currency = "USD"', 'currency = "JPY"', "currency"),
        ('currency = "USD"', 'currency = "USD"\nvat = 0.2', "vat"),
        ('names = ["bedrock:a", "bedrock:b"]', "names = []", "model[1].names"),
        ('names = ["bedrock:a", "bedrock:b"]', 'names = ["bedrock:a", "bedrock:a"]', "model[1].names"),
        ("up_to_input_tokens = 200_000", "up_to_input_tokens = 1.5", "model[1].up_to_input_tokens"),
    ],
    ids=lambda text: text[:60],
)
def test_a_fault_is_named_by_its_place(old: str, new: str, field: str) -> None:
    assert GOOD.count(old) == 1
    assert field in faults(GOOD.replace(old, new))


def test_every_fault_is_named_at_once() -> None:
    found = faults(GOOD.replace("usd = 0.0225", "usd = -1").replace('currency = "USD"', 'currency = "JPY"'))
    assert set(found) == {"price[2].usd", "currency"}


def test_what_is_no_toml_is_told_with_its_line() -> None:
    assert "line 1" in faults("prices: none")[""]


def test_tables_of_the_wrong_kind_are_named() -> None:
    text = 'as_of = 2026-11-20\ncurrency = "USD"\nprice = 1\nmodel = [1]\norigins = 2\n'
    assert set(faults(text)) == {"price", "model", "origins"}
    assert set(faults(text.replace("origins = 2", "[origins]\nhere = 1"))) == {"price", "model", "origins.here"}
