"""The commands and their options. What they do loads when it is done: `magi --help` imports nothing of the system."""

import logging
from typing import Annotated, Literal

import typer

from magisystem.cli import estimates, recorded
from magisystem.cli.faults import errors_shown

_app = typer.Typer(
    name="magi",
    help="Several AIs deliberate on one question at once, each streaming live; a judge rules.",
    no_args_is_help=True,
    add_completion=False,
    # Rich and what it renders Markdown with would double the time of `magi --help`.
    rich_markup_mode=None,
    # A trace with local variables could show a key.
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main() -> None:
    """Run `magi`."""
    # What libraries log would reach the terminal past all that cleans a model's words; `magi serve` sets its own.
    logging.getLogger().addHandler(logging.NullHandler())
    _app()


def _show_version(is_wanted: bool) -> None:  # noqa: FBT001 - Typer's own form of a callback
    if is_wanted:
        from importlib.metadata import version

        typer.echo(f"magi {version('magisystem')}")
        raise typer.Exit


@_app.callback()
def _magi(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    pass


_Host = Annotated[
    str | None,
    typer.Option(help="The address to listen on; 0.0.0.0 for every one (MAGI_HOST, else 127.0.0.1).", metavar="HOST"),
]
_Port = Annotated[int | None, typer.Option(help="The port to listen on (MAGI_PORT, else 8080).", metavar="PORT")]
_Insecure = Annotated[
    bool, typer.Option("--insecure", help="Serve whoever comes, also on an address that others reach.")
]


@_app.command()
def serve(
    host: _Host = None,
    port: _Port = None,
    workers: Annotated[
        int | None,
        typer.Option(
            help="How many processes serve the port, on one data folder: one a processor at most (MAGI_WORKERS, else "
            "1). Linux only.",
            metavar="N",
        ),
    ] = None,
    *,
    insecure: _Insecure = False,
) -> None:
    """Serve the HTTP API."""
    with errors_shown():
        from magisystem.cli.serving import run_server

        raise typer.Exit(run_server(host, port, workers, is_insecure=insecure))


@_app.command()
def gateway(host: _Host = None, port: _Port = None, *, insecure: _Insecure = False) -> None:
    """Relay to an AgentCore Runtime: authenticate, stream, resume.

    MAGI_RUNTIME_ARN names the runtime. MAGI_GATEWAY_KEY is a secret of 32 characters or more; with
    MAGI_RUNTIME_AUTH=sigv4 the runtime needs the same one.
    """
    with errors_shown():
        from magisystem.cli.gateway import run_gateway

        raise typer.Exit(run_gateway(host, port, insecure=insecure or None))


@_app.command()
def ask(  # noqa: PLR0913 - one parameter an option
    question: Annotated[str, typer.Argument(help="The question; - reads it from standard input.", metavar="QUESTION")],
    *,
    url: Annotated[
        str | None,
        typer.Option(
            help="Ask the server at this address, or a runtime by its ARN (MAGI_TOKEN lets in); without it the council "
            "sits in this process.",
            metavar="URL",
        ),
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="The model of every agent, as in `magi models`.", metavar="NAME")
    ] = None,
    agent_model: Annotated[
        list[str] | None,
        typer.Option(help="The model of one agent, as in caspar=bedrock:…; repeatable.", metavar="AGENT=NAME"),
    ] = None,
    approve_if: Annotated[str, typer.Option(help="What would speak for approval, in words.", metavar="TEXT")] = "",
    reject_if: Annotated[str, typer.Option(help="What would speak for rejection, in words.", metavar="TEXT")] = "",
    language: Annotated[
        str | None,
        typer.Option(help="The language of the answers, as in ja or en; by default the question's.", metavar="LANG"),
    ] = None,
    mode: Annotated[
        Literal["deliberate", "chat"], typer.Option(help="chat: the judge alone answers, and nobody votes.")
    ] = "deliberate",
    json: Annotated[bool, typer.Option("--json", help="Write each event as one line of JSON.")] = False,
    plain: Annotated[bool, typer.Option("--plain", help="Write plain lines, also to a terminal.")] = False,
) -> None:
    """Put a question to the council, and watch it deliberate.

    Exit codes: 0 approved (or answered), 10 rejected, 20 inconclusive, 30 failed, 130 interrupted, 2 asked wrongly.
    """
    with errors_shown():
        from magisystem.cli.asking import Question, run_ask
        from magisystem.cli.showing import Form

        asked = Question(
            text=question,
            model=model,
            agent_models=tuple(agent_model or ()),
            approve_if=approve_if,
            reject_if=reject_if,
            language=language,
            mode=mode,
        )
        form = Form.JSON if json else Form.PLAIN if plain else Form.FITTING
        raise typer.Exit(run_ask(asked, url, form))


@_app.command()
def models() -> None:
    """List which models can be used here, and why the others cannot."""
    with errors_shown():
        from magisystem.cli.listing import run_models

        raise typer.Exit(run_models())


Name = Annotated[str, typer.Option(help="The first word of every name in the account.", metavar="NAME")]
Region = Annotated[
    str | None, typer.Option(help="The AWS region (AWS_REGION, else that of the profile).", metavar="REGION")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing.")]


@_app.command()
def deploy(  # noqa: PLR0913 - one parameter an option
    *,
    topology: Annotated[
        Literal["agentcore", "lambda"],
        typer.Option(
            help="agentcore: browsers reach AgentCore Runtime; lambda: a streaming function stands before it."
        ),
    ],
    region: Region = None,
    model: Annotated[
        list[str] | None,
        typer.Option(
            help="A model that the server may call, as in bedrock:global.anthropic.claude-sonnet-5; repeatable. "
            "The first one speaks for every agent.",
            metavar="NAME",
        ),
    ] = None,
    origin: Annotated[
        list[str] | None,
        typer.Option(
            help="A further page that may sign in and call, as in http://localhost:5173; repeatable.", metavar="URL"
        ),
    ] = None,
    alarm_email: Annotated[str | None, typer.Option(help="Who hears of alarms.", metavar="ADDRESS")] = None,
    mfa: Annotated[
        Literal["optional", "required"] | None,
        typer.Option(help="Whether people need a second factor, an app's code (optional)."),
    ] = None,
    log_days: Annotated[
        int | None, typer.Option(help="How long logs are kept: 7, 14, 30, 90, 180 or 365 (30).", metavar="DAYS")
    ] = None,
    idle_seconds: Annotated[
        int | None,
        typer.Option(help="How long a session waits for its next request, 60 to 28800; paid for (900).", metavar="S"),
    ] = None,
    reserved_concurrency: Annotated[
        int | None,
        typer.Option(help="How many streams the gateway holds open at most, kept free for it alone.", metavar="N"),
    ] = None,
    name: Name = "magi",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show every step, synthesise the stacks, and make nothing else.")
    ] = False,
    yes: Yes = False,
) -> None:
    """Deploy into an AWS account, from a checkout.

    Exit codes: 0 deployed, 2 something is missing, 30 a step failed.
    """
    with errors_shown():
        from magisystem.cli.deploying import run_deploy
        from magisystem.cli.deployment.wanted import Tuning, Wanted

        tuning = Tuning(mfa, log_days, idle_seconds, reserved_concurrency)
        wanted = Wanted(topology, tuple(model or ()), name, tuple(origin or ()), alarm_email, tuning)
        raise typer.Exit(run_deploy(wanted, region, is_dry=dry_run, is_agreed=yes))


@_app.command()
def destroy(*, region: Region = None, name: Name = "magi", yes: Yes = False) -> None:
    """Delete from an AWS account what `magi deploy` made there.

    Exit codes: 0 deleted, 2 something is missing, 30 a step failed.
    """
    with errors_shown():
        from magisystem.cli.deploying import run_destroy
        from magisystem.cli.deployment.wanted import Wanted

        raise typer.Exit(run_destroy(Wanted("lambda", ("embedded",), name), region, is_agreed=yes))


@_app.command(short_help="Examine the path to a server, or this machine.")
def doctor(
    url: Annotated[
        str | None,
        typer.Argument(
            help="A server, a gateway, or a runtime's ARN; without it this machine is examined.", metavar="URL"
        ),
    ] = None,
    *,
    seconds: Annotated[
        float,
        typer.Option(
            help="How long to examine a path: limits beyond it stay unseen.", min=1.0, max=300.0, metavar="SECONDS"
        ),
    ] = 40.0,
    transport: Annotated[
        Literal["stream", "poll", "socket"] | None,
        typer.Option(help="Examine this one alone."),
    ] = None,
    origin: Annotated[
        str | None,
        typer.Option(help="Also see whether pages of this origin may ask (CORS).", metavar="ORIGIN"),
    ] = None,
    model_calls: Annotated[
        bool,
        typer.Option(
            "--model-calls/--no-model-calls", help="On this machine: ask each model on Bedrock for one token."
        ),
    ] = True,
    json: Annotated[bool, typer.Option("--json", help="Write what was found as one line of JSON.")] = False,
) -> None:
    """Examine the path to a server: does it stream? Or, without an address, this machine.

    MAGI_TOKEN holds the access token, where one is needed.

    Exit codes: 0 all well, 1 works with remarks, 30 does not work, 130 interrupted, 2 asked wrongly.
    """
    with errors_shown():
        from magisystem.cli.doctoring import run_doctor_of_machine, run_doctor_of_path

        if url is None:
            raise typer.Exit(run_doctor_of_machine(are_models_called=model_calls, is_json=json))
        from magisystem.doctor import TRANSPORTS, Wanted

        wanted = Wanted(seconds, frozenset([transport]) if transport else TRANSPORTS, origin)
        raise typer.Exit(run_doctor_of_path(url, wanted, is_json=json))


for _command in (
    recorded.watch,
    recorded.replay,
    recorded.cancel,
    recorded.show,
    recorded.export,
    recorded.verify,
):
    _app.command()(_command)
_app.command("list")(recorded.list_)
_app.command()(estimates.cost)
_records = typer.Typer(
    help="Look after the records that `magi list` reads.", no_args_is_help=True, rich_markup_mode=None
)
_records.command()(recorded.rebuild)
_app.add_typer(_records, name="records")
