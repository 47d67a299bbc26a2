"""`magi cost` as a person sees it: the page, the document, and what it says of prices it does not have."""

import json
import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Any, cast

import pytest
from rich.cells import cell_len

from magisystem.cli import commands
from magisystem.cli.bill_document import document
from magisystem.cli.bill_page import money, page, remarks
from magisystem.costs import TOPOLOGIES, Bill, PriceList, Workload, bill, read_prices

TODAY = date(2026, 11, 20)
LIST = files("magisystem.costs").joinpath("prices.toml").read_text(encoding="utf-8")
SHIPPED = read_prices(LIST, "prices.toml")
MONTH = Workload().with_models("bedrock:global.anthropic.claude-sonnet-5")
LARGE = replace(
    MONTH.with_models("bedrock:us.anthropic.claude-sonnet-4-5-20250929-v1:0", "openai-compatible:" + "long-name-" * 20),
    deliberations=Decimal(123_456_789),
    viewers=Decimal("3.5"),
    seconds=Decimal(1_800),
    stream_bytes=Decimal(50_000_000),
    reading_sessions=Decimal(7_000_000),
)


def bills(month: Workload, prices: PriceList = SHIPPED, region: str = "us-east-1") -> list[Bill]:
    return [bill(topology, month, prices, region) for topology in TOPOLOGIES]


def told(month: Workload, prices: PriceList = SHIPPED, region: str = "us-east-1", today: date = TODAY) -> str:
    return page(bills(month, prices, region), month, prices, region, today, with_sources=False)


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["magi", "cost", *arguments])
    with pytest.raises(SystemExit) as ended:
        commands.main()
    assert isinstance(ended.value.code, int)
    return ended.value.code


@pytest.mark.parametrize("month", [MONTH, LARGE, replace(MONTH, deliberations=Decimal(0))])
@pytest.mark.parametrize("region", ["us-east-1", "ap-northeast-1", "nowhere-1"])
def test_no_line_is_wider_than_eighty_columns(month: Workload, region: str) -> None:
    assert [line for line in told(month, region=region).splitlines() if cell_len(line) > 80] == []


def test_the_page_compares_the_topologies_and_shows_each_formula() -> None:
    lines = told(MONTH).splitlines()
    (heading,) = [line.split() for line in lines if "agentcore" in line and "lambda" in line and "[" not in line]
    assert heading == ["direct", "agentcore", "lambda"]
    assert any(re.fullmatch(r"Models( +\$268\.60){3}", line) for line in lines)
    assert "    10,000 x 3 x 460 / 1,000,000 = 13.8 million tokens" in lines
    assert "    13.8 x $10.00 ? = $138.00" in lines


@pytest.mark.parametrize("name", ["topologies.md", "topologies.ja.md"])
def test_the_documentation_shows_what_the_command_writes(name: str) -> None:
    text = (Path(__file__).parents[2] / "docs" / name).read_text(encoding="utf-8")
    shown = text.partition("$ magi cost --deliberations 10000 | head -16\n")[2].partition("```")[0]
    assert shown.splitlines() == told(MONTH).splitlines()[:16]


def test_the_options_begin_where_the_workload_does(
    monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert run(monkeypatch, "--json") == 0
    assumed = json.loads(capfdbinary.readouterr().out)["assumed"]
    month = json.loads(document(bills(MONTH), MONTH, SHIPPED, "us-east-1", TODAY))["assumed"]
    assert {name: _as_number(value) for name, value in assumed.items()} == {
        name: _as_number(value) for name, value in month.items()
    }


def _as_number(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _as_number(each) for name, each in cast("dict[str, Any]", value).items()}
    return Decimal(value) if isinstance(value, str) and re.fullmatch(r"[\d.]+", value) else value


def test_what_has_no_price_is_said_and_marked_in_the_total() -> None:
    shown = told(MONTH.with_models("bedrock:nobody.knows"))
    (total,) = [line for line in shown.splitlines() if line.startswith("Total")]
    assert total.count(" +") == len(TOPOLOGIES)
    assert "- Incomplete: no price known: bedrock:nobody.knows. Totals are of the known" in shown


def test_a_region_that_the_list_does_not_have_is_told_with_those_it_has() -> None:
    first, *further = remarks(bills(MONTH, region="eu-x"), MONTH, SHIPPED, "eu-x", TODAY)
    assert first == "Incomplete: the list of prices has no region eu-x; it has ap-northeast-1, us-east-1."
    assert not any("eu-x" in remark for remark in further)


def test_an_old_list_is_remarked() -> None:
    assert "days old" not in told(MONTH, today=TODAY + timedelta(days=180))
    assert "The prices are 181 days old." in told(MONTH, today=TODAY + timedelta(days=181))


def test_the_embedded_model_is_told_for_what_it_is() -> None:
    assert "rule-based advisor, no language model: it costs" in told(MONTH.with_models("embedded"))


@pytest.mark.parametrize(
    ("amount", "written"), [("0", "$0.00"), ("0.004", "<$0.01"), ("0.005", "<$0.01"), ("1234.565", "$1,234.57")]
)
def test_amounts_are_written_in_cents_and_never_as_nothing_where_they_are_something(amount: str, written: str) -> None:
    assert money(Decimal(amount)) == written


def test_the_document_holds_every_figure_exactly(
    monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert run(monkeypatch, "--deliberations", "7", "--json", "--session-memory-mb", "300.1") == 0
    document: dict[str, Any] = json.loads(capfdbinary.readouterr().out)
    assert document["assumed"]["sessionMemoryMb"] == "300.1"
    assert document["assumed"]["sages"]["inputTokens"] == "510"
    assert [each["topology"] for each in document["bills"]] == list(TOPOLOGIES)
    for each in document["bills"]:
        amounts: Sequence[str] = [line["amountUsd"] for line in each["lines"]]
        assert sum(map(Decimal, amounts)) == Decimal(each["totalUsd"])
        assert each["isComplete"] is True
        assert all(line["price"]["source"].startswith("https://") for line in each["lines"])


def test_the_allowances_of_an_account_count_where_they_are_asked_for(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "--free-tier") == 0
    shown = capfd.readouterr().out
    assert "    100 of them free" in shown
    assert "The account's monthly allowances are counted" in shown
    assert [line for line in shown.splitlines() if cell_len(line) > 80] == []


def test_a_price_that_is_missing_ends_well_and_is_marked(
    monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert run(monkeypatch, "--json", "--region", "eu-west-1") == 0
    document: dict[str, Any] = json.loads(capfdbinary.readouterr().out)
    assert [each["isComplete"] for each in document["bills"]] == [False, False, False]
    assert "no price known: alb.hour in eu-west-1" in [line["problem"] for line in document["bills"][0]["lines"]]


def test_a_list_that_was_printed_and_changed_is_taken(
    monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes], tmp_path: Path
) -> None:
    assert run(monkeypatch, "--print-prices") == 0
    mine = tmp_path / "mine.toml"
    printed = capfdbinary.readouterr().out.decode()
    assert printed == LIST
    mine.write_text(printed.replace("as_of = 2026-11-20", "as_of = 2026-12-24"), encoding="utf-8")
    assert run(monkeypatch, "--json", "--prices", str(mine)) == 0
    assert json.loads(capfdbinary.readouterr().out)["asOf"] == "2026-12-24"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (LIST.replace("usd = 0.0225", "usd = -1").encode(), "usd should be a number of 0 or more; it is -1"),
        (b"\xff", "is no UTF-8 text"),
        (None, "cannot be read"),
    ],
)
def test_a_list_that_is_wrong_is_refused_with_what_to_mend(
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
    content: bytes | None,
    said: str,
) -> None:
    mine = tmp_path / "mine.toml"
    if content is not None:
        mine.write_bytes(content)
    assert run(monkeypatch, "--prices", str(mine)) == 2
    error = capfd.readouterr().err
    assert said in error
    assert error.endswith("(prices_invalid)\n")


@pytest.mark.parametrize(
    "given",
    [("--pause-s", "1000", "--per-session", "2"), ("--input-tokens", "inf"), ("--region", ""), ("--region", " ")],
)
def test_a_month_that_cannot_be_is_refused(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], given: tuple[str, ...]
) -> None:
    assert run(monkeypatch, *given) == 2
    assert capfd.readouterr().err.endswith("(invalid_request)\n")
