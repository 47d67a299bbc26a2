"""`magi cost` and its options. As in `commands`, what it does loads when it is done."""

from pathlib import Path
from typing import Annotated, Any

import typer

from magisystem.cli.faults import errors_shown

_MODEL = "bedrock:global.anthropic.claude-sonnet-5"


def _count(text: str) -> Any:
    return typer.Option(help=text, min=0, metavar="N")


def _amount(text: str, most: int | None = None) -> Any:
    return typer.Option(help=text, min=0, max=most, metavar="N")


def cost(  # noqa: PLR0913 - one parameter an option
    *,
    deliberations: Annotated[int, _count("Deliberations a month.")] = 10_000,
    region: Annotated[str, typer.Option(help="The AWS region.", metavar="REGION")] = "us-east-1",
    model: Annotated[str, typer.Option(help="The model of every agent, as in `magi models`.", metavar="NAME")] = _MODEL,
    judge_model: Annotated[str | None, typer.Option(help="The judge's, if another.", metavar="NAME")] = None,
    sages: Annotated[int, typer.Option(help="Sages in the council.", min=1, max=64, metavar="N")] = 3,
    input_tokens: Annotated[float, _amount("Tokens a sage is given.")] = 510,
    output_tokens: Annotated[float, _amount("Tokens a sage writes, its ballot included.")] = 460,
    judge_input_tokens: Annotated[float, _amount("Tokens the judge is given.")] = 2_200,
    judge_output_tokens: Annotated[float, _amount("Tokens the judge writes.")] = 560,
    seconds: Annotated[float, _amount("Seconds a deliberation lasts.", 28_800)] = 20,
    viewers: Annotated[float, _amount("Streams of a deliberation, the asker's included.")] = 1,
    users: Annotated[int, _count("Users who sign in in a month.")] = 100,
    stream_bytes: Annotated[
        float | None, _amount("Bytes of one stream; by default 105 for each token written.")
    ] = None,
    page_visits: Annotated[int | None, _count("Loads of the page; by default one a viewer.")] = None,
    per_session: Annotated[
        int, typer.Option(help="Deliberations one runtime session serves.", min=1, max=10_000, metavar="N")
    ] = 1,
    pause_s: Annotated[float, _amount("Seconds between two of them.", 28_800)] = 60,
    idle_timeout_min: Annotated[
        float, typer.Option(help="Minutes a runtime session stays idle before it ends.", min=1, max=480, metavar="N")
    ] = 15,
    reading_sessions: Annotated[int, _count("Runtime sessions that only read the history.")] = 0,
    session_memory_mb: Annotated[
        float, typer.Option(help="Peak memory of a runtime session.", min=128, max=8_192, metavar="N")
    ] = 256,
    session_cpu_s: Annotated[float, _amount("Processor seconds of a session's start.")] = 3.2,
    deliberation_cpu_s: Annotated[float, _amount("Processor seconds of a deliberation.")] = 1,
    idle_cpu_s: Annotated[float, _amount("Processor seconds of an idle minute.")] = 0.2,
    lambda_memory_mb: Annotated[
        int, typer.Option(help="Memory of the gateway's function.", min=128, max=10_240, metavar="N")
    ] = 512,
    short_requests: Annotated[float, _amount("Requests to the gateway beside a stream, a deliberation.")] = 6,
    short_request_s: Annotated[float, _amount("Seconds such a request takes.", 900)] = 0.3,
    tasks: Annotated[int, _count("Containers of the direct way.")] = 1,
    task_vcpu: Annotated[float, _amount("Processors of one container.", 16)] = 1,
    task_memory_gb: Annotated[float, _amount("Memory of one container.", 120)] = 2,
    page_kb: Annotated[float, _amount("KB of a load of the page.")] = 280,
    bundle_mb: Annotated[float, _amount("MB of the page as it is stored.")] = 1.5,
    log_kb: Annotated[float, _amount("KB that a service logs, a deliberation.")] = 4,
    free_tier: Annotated[bool, typer.Option("--free-tier", help="Count the account's monthly allowances.")] = False,
    prices: Annotated[
        Path | None, typer.Option(help="Prices of your own, in place of ours.", metavar="FILE", dir_okay=False)
    ] = None,
    print_prices: Annotated[bool, typer.Option("--print-prices", help="Write the list of prices and exit.")] = False,
    sources: Annotated[bool, typer.Option("--sources", help="Also tell where every price stands.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Write one JSON document.")] = False,
) -> None:
    """Compare what a month costs on each topology.

    Every line shows its formula. Prices come from a dated list with sources; one that it does not have is said, and
    the total is then marked as incomplete.

    Exit codes: 0 estimated, also where incomplete; 2 asked wrongly, or the list of prices is wrong.
    """
    with errors_shown():
        from magisystem.cli.costing import Asked, Form, decimal_of, run_cost, write_prices
        from magisystem.costs import Speaker, Workload

        if print_prices:
            write_prices(prices)
            raise typer.Exit(0)
        d = decimal_of
        month = Workload(
            deliberations=d(deliberations),
            viewers=d(viewers),
            users=d(users),
            sages=Speaker("sages", d(sages), model, d(input_tokens), d(output_tokens)),
            judge=Speaker("judge", d(1), judge_model or model, d(judge_input_tokens), d(judge_output_tokens)),
            seconds=d(seconds),
            stream_bytes=None if stream_bytes is None else d(stream_bytes),
            deliberations_a_session=d(per_session),
            pause_s=d(pause_s),
            idle_timeout_min=d(idle_timeout_min),
            reading_sessions=d(reading_sessions),
            session_memory_mb=d(session_memory_mb),
            session_cpu_s=d(session_cpu_s),
            deliberation_cpu_s=d(deliberation_cpu_s),
            idle_cpu_s_a_minute=d(idle_cpu_s),
            lambda_memory_mb=d(lambda_memory_mb),
            short_requests=d(short_requests),
            short_request_s=d(short_request_s),
            tasks=d(tasks),
            task_vcpu=d(task_vcpu),
            task_memory_gb=d(task_memory_gb),
            page_visits=None if page_visits is None else d(page_visits),
            page_kb=d(page_kb),
            bundle_mb=d(bundle_mb),
            log_kb=d(log_kb),
        )
        form = Form.JSON if json else Form.PAGE_WITH_SOURCES if sources else Form.PAGE
        raise typer.Exit(run_cost(Asked(month, region, counts_allowances=free_tier), prices, form))
