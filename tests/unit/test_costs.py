"""What a month costs: every figure here was worked out by hand, and stands beside the sum it comes from."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from magisystem.costs import (
    PARTS,
    TOPOLOGIES,
    Bill,
    Factor,
    Formula,
    Line,
    Origin,
    Price,
    PriceList,
    Speaker,
    Tier,
    Topology,
    Workload,
    bill,
    read_prices,
)
from magisystem.costs.formulas import number
from magisystem.errors import InvalidRequest

TODAY = date(2026, 11, 20)
HERE = "us-east-1"
SONNET = "bedrock:global.anthropic.claude-sonnet-5"
ORIGIN = Origin("https://example.com/prices", TODAY, is_primary=True)
SHIPPED = read_prices(files("magisystem.costs").joinpath("prices.toml").read_text(encoding="utf-8"), "prices.toml")
MONTH = Workload().with_models(SONNET)


def priced(**usd: str) -> PriceList:
    """Give a list with flat prices in one region, named with __ for the point of a key."""
    prices = [
        Price(name.replace("__", "."), HERE, "unit", (Tier(Decimal(each)),), ORIGIN) for name, each in usd.items()
    ]
    return PriceList(TODAY, {(price.key, price.region): price for price in prices}, ())


def tiered(*tiers: Tier, free: str = "0") -> PriceList:
    price = Price("transfer.gb_out", HERE, "GB", tiers, ORIGIN, Decimal(free))
    return PriceList(TODAY, {(price.key, price.region): price}, ())


def line(found: Bill, what: str) -> Line:
    (only,) = [each for each in found.lines if each.what == what]
    return only


def transferred(gb: str, prices: PriceList, *, counts_allowances: bool = False) -> Line:
    """Give the line of so much traffic: one deliberation, with a stream of that many bytes."""
    month = replace(MONTH, deliberations=Decimal(1), stream_bytes=Decimal(gb) * 10**9)
    return line(bill("agentcore", month, prices, HERE, counts_allowances=counts_allowances), "Streams to viewers")


def test_a_formula_tells_itself_in_words_and_numbers_and_comes_to_its_value() -> None:
    formula = Formula(
        (
            (
                Factor("askers", Decimal(3)),
                Factor("tokens", Decimal("1500")),
                Factor("1,000", Decimal(1000), divides=True),
            ),
            (Factor("rest", Decimal("0.25")),),
        )
    )
    assert formula.words == "askers x tokens / 1,000 + rest"
    assert formula.numbers == "3 x 1,500 / 1,000 + 0.25"
    assert formula.value == Decimal("4.75")


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("0", "0"),
        ("1000000", "1,000,000"),
        ("1.50", "1.5"),
        ("638.88888", "638.8889"),
        ("0.0000133334", "0.0000133334"),
    ],
)
def test_numbers_are_written_with_the_digits_that_tell_them(value: str, written: str) -> None:
    assert number(Decimal(value)) == written


def test_tokens_cost_what_a_million_of_them_cost() -> None:
    found = bill("direct", MONTH, SHIPPED, HERE)
    # 10,000 x 3 x 510 = 15.3 million at $2, x 460 = 13.8 at $10; 10,000 x 2,200 = 22 at $2, x 560 = 5.6 at $10.
    assert [each.amount for each in found.of_part("Models")] == [
        Decimal("30.6"),
        Decimal(138),
        Decimal(44),
        Decimal(56),
    ]


def test_a_session_is_paid_for_until_its_idle_time_has_passed() -> None:
    prices = priced(agentcore__vcpu_hour="0.0895", agentcore__gb_hour="0.00945")
    month = replace(MONTH, deliberations=Decimal(3_600), session_memory_mb=Decimal(1_024))
    found = bill("agentcore", month, prices, HERE)
    # 20 s of work and 900 s of idleness: 3,600 sessions x 920 s x 1 GB / 3,600 = 920 GB-hours.
    assert line(found, "Memory, idle time included").amount == Decimal(920) * Decimal("0.00945")
    # 3.2 s of the start, 1 s of work, 15 idle minutes of 0.2 s: 7.2 s each, 7.2 vCPU-hours.
    assert line(found, "Processor time used").amount == Decimal("7.2") * Decimal("0.0895")


def test_deliberations_that_share_a_session_share_its_start_and_its_idle_time() -> None:
    prices = priced(agentcore__vcpu_hour="1", agentcore__gb_hour="1")
    month = replace(
        MONTH,
        deliberations=Decimal(7_200),
        deliberations_a_session=Decimal(4),
        pause_s=Decimal(60),
        session_memory_mb=Decimal(1_024),
    )
    found = bill("agentcore", month, prices, HERE)
    # 1,800 sessions of 4 x 20 + 3 x 60 + 900 = 1,160 s: 580 GB-hours.
    assert line(found, "Memory, idle time included").amount == Decimal(580)
    # 3.2 + 4 x 1 + 3 x 60 / 60 x 0.2 + 15 x 0.2 = 10.8 s each: 5.4 vCPU-hours.
    assert line(found, "Processor time used").amount == Decimal("5.4")


def test_a_visit_that_only_reads_starts_a_session_too() -> None:
    prices = priced(agentcore__vcpu_hour="1", agentcore__gb_hour="1")
    month = replace(MONTH, deliberations=Decimal(0), reading_sessions=Decimal(3_600), session_memory_mb=Decimal(512))
    found = bill("agentcore", month, prices, HERE)
    assert line(found, "Memory, idle time included").amount == Decimal(450)  # 3,600 x 900 s x 0.5 GB / 3,600
    assert line(found, "Processor time used").amount == Decimal("6.2")  # 3,600 x (3.2 + 15 x 0.2) s / 3,600


def test_the_gateway_is_paid_for_as_long_as_a_stream_is_open() -> None:
    prices = priced(lambda__million_requests="0.20", lambda__gb_second_arm="0.0000133334", lambda__streamed_gb="0.008")
    month = replace(MONTH, deliberations=Decimal(1_000_000), viewers=Decimal(2), short_requests=Decimal(0))
    found = bill("lambda", month, prices, HERE)
    assert line(found, "Requests").amount == Decimal("0.40")  # 2 million
    # 2 million x 20 s x 0.5 GB = 20 million GB-seconds
    assert line(found, "Memory while a request is open").amount == Decimal("266.668")
    assert line(found, "Bytes streamed beyond 6 MB").amount == 0


def test_only_the_bytes_beyond_six_megabytes_of_a_response_are_paid_for() -> None:
    prices = priced(lambda__streamed_gb="0.008")
    month = replace(MONTH, deliberations=Decimal(1_000), stream_bytes=Decimal(6 * 1024 * 1024 + 1_000_000))
    found = line(bill("lambda", month, prices, HERE), "Bytes streamed beyond 6 MB")
    assert found.quantity.value == 1  # 1,000 x 1 MB
    assert found.amount == Decimal("0.008")


def test_a_stream_longer_than_an_invocation_takes_several() -> None:
    prices = priced(lambda__million_requests="1")
    month = replace(MONTH, deliberations=Decimal(1_000_000), seconds=Decimal(901), short_requests=Decimal(0))
    assert line(bill("lambda", month, prices, HERE), "Requests").amount == 2


def test_the_direct_way_is_paid_for_around_the_clock() -> None:
    prices = priced(fargate__vcpu_hour_arm="0.03238", fargate__gb_hour_arm="0.00356", ipv4__hour="0.005")
    month = replace(
        MONTH, deliberations=Decimal(0), tasks=Decimal(2), task_vcpu=Decimal("0.5"), task_memory_gb=Decimal(1)
    )
    found = bill("direct", month, prices, HERE)
    assert line(found, "Processors").amount == Decimal("23.6374")  # 2 x 0.5 x 730 h
    assert line(found, "Memory").amount == Decimal("5.1976")  # 2 x 1 x 730 h
    assert line(found, "Public IPv4 addresses").amount == Decimal("14.60")  # 2 zones and 2 tasks


def test_each_tier_has_its_own_price() -> None:
    prices = tiered(Tier(Decimal("0.09"), Decimal(10)), Tier(Decimal("0.08"), Decimal(30)), Tier(Decimal("0.05")))
    found = transferred("50", prices)
    assert [(charge.quantity, charge.usd) for charge in found.charges] == [
        (Decimal(10), Decimal("0.09")),
        (Decimal(20), Decimal("0.08")),
        (Decimal(20), Decimal("0.05")),
    ]
    assert found.amount == Decimal("3.50")  # 0.90 + 1.60 + 1.00


def test_beyond_the_last_tier_that_is_known_nothing_is_guessed() -> None:
    found = transferred("50", tiered(Tier(Decimal("0.09"), Decimal(10))))
    assert found.amount is None
    assert found.problem == "no price known beyond 10 GB"


def test_allowances_count_only_where_asked_for() -> None:
    prices = tiered(Tier(Decimal("0.09")), free="100")
    assert transferred("150", prices).amount == Decimal("13.50")
    found = transferred("150", prices, counts_allowances=True)
    assert (found.free, found.amount) == (Decimal(100), Decimal("4.50"))
    assert transferred("40", prices, counts_allowances=True).amount == 0


def test_a_price_that_is_not_known_leaves_its_line_without_an_amount_and_the_total_incomplete() -> None:
    found = bill("agentcore", MONTH, priced(agentcore__gb_hour="1"), HERE)
    missing = line(found, "Processor time used")
    assert (missing.amount, missing.problem) == (None, "no price known: agentcore.vcpu_hour in us-east-1")
    assert not found.is_complete
    assert found.total == line(found, "Memory, idle time included").amount


def test_what_is_not_used_needs_no_price() -> None:
    month = replace(MONTH, users=Decimal(0))
    assert line(bill("agentcore", month, priced(), HERE), "Users of the month, Essentials").amount == 0


def test_a_model_without_a_price_is_said_and_the_embedded_one_costs_nothing() -> None:
    found = bill("direct", MONTH.with_models("embedded", "openai:gpt-5"), SHIPPED, HERE)
    sages_in, sages_out, judge_in, judge_out = found.of_part("Models")
    assert (sages_in.amount, sages_out.amount) == (0, 0)
    assert judge_in.problem == judge_out.problem == "no price known: openai:gpt-5"


def test_a_long_prompt_may_cost_more() -> None:
    name = "bedrock:global.anthropic.claude-haiku-5-5"
    short, at_most, longer = (SHIPPED.model(name, Decimal(n)) for n in (1, 100_000, 100_001))
    assert short is at_most
    assert short is not None
    assert longer is not None
    assert (short.input_usd, longer.input_usd) == (Decimal("0.1"), Decimal("0.5"))


def test_a_bill_is_confirmed_only_where_every_price_was_read_from_who_sells() -> None:
    unconfirmed = replace(ORIGIN, is_primary=False)
    price = Price("transfer.gb_out", HERE, "GB", (Tier(Decimal(1)),), unconfirmed)
    prices = PriceList(TODAY, {(price.key, HERE): price}, ())
    assert bill("agentcore", MONTH, priced(), HERE).is_confirmed
    assert not bill("agentcore", MONTH, prices, HERE).is_confirmed


def test_a_list_is_stale_after_180_days() -> None:
    prices = priced()
    assert not prices.is_stale(TODAY + timedelta(days=180))
    assert prices.is_stale(TODAY + timedelta(days=181))


@pytest.mark.parametrize(
    ("month", "field"),
    [
        (replace(MONTH, deliberations_a_session=Decimal(2), pause_s=Decimal(901)), "--pause-s"),
        (replace(MONTH, deliberations_a_session=Decimal(400), pause_s=Decimal(60)), "--per-session"),
    ],
)
def test_a_session_that_could_not_be_is_refused(month: Workload, field: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        month.check()
    assert refused.value.field == field


def test_every_part_of_every_bill_is_told() -> None:
    parts = {each.part for topology in TOPOLOGIES for each in bill(topology, MONTH, SHIPPED, HERE).lines}
    assert parts == set(PARTS)


@pytest.mark.parametrize("topology", TOPOLOGIES)
@pytest.mark.parametrize("region", ["us-east-1", "ap-northeast-1"])
def test_the_list_we_ship_prices_every_line_of_an_ordinary_month(topology: Topology, region: str) -> None:
    found = bill(topology, MONTH, SHIPPED, region)
    assert [each.problem for each in found.lines if each.problem] == []


def test_the_list_we_ship_says_of_every_price_where_and_when_it_was_read() -> None:
    origins = [price.origin for price in SHIPPED.prices.values()] + [model.origin for model in SHIPPED.models]
    assert all(origin.source.startswith("https://") and origin.note for origin in origins)
    assert max(origin.read for origin in origins) <= SHIPPED.as_of


AMOUNTS = st.decimals(min_value=0, max_value=10**7, places=3)


@given(AMOUNTS, st.lists(AMOUNTS, min_size=1, max_size=4, unique=True), st.decimals(0, 10, places=4))
def test_tiers_of_one_price_cost_what_one_tier_does(quantity: Decimal, ends: list[Decimal], usd: Decimal) -> None:
    several = tiered(*(Tier(usd, end) for end in sorted(ends)), Tier(usd))
    assert transferred(str(quantity), several).amount == transferred(str(quantity), tiered(Tier(usd))).amount


@given(AMOUNTS, AMOUNTS)
def test_more_never_costs_less(some: Decimal, further: Decimal) -> None:
    def total(n: Decimal) -> Decimal:
        month = replace(MONTH, deliberations=n, judge=Speaker("judge", Decimal(1), SONNET, Decimal(1), Decimal(1)))
        return sum((bill(topology, month, SHIPPED, HERE).total for topology in TOPOLOGIES), Decimal(0))

    assert total(some) <= total(some + further)
