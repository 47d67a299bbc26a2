"""The commands on deliberations that exist already. As in `commands`, what they do loads when it is done."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from magisystem.cli.faults import errors_shown

Id = Annotated[
    str,
    typer.Argument(help="A deliberation: its id, the beginning of it (4 characters), or last.", metavar="ID"),
]
Url = Annotated[
    str | None,
    typer.Option(
        help="The server to ask, or a runtime by its ARN (MAGI_TOKEN lets in); without it this machine's own log is "
        "read.",
        metavar="URL",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Write each event as one line of JSON.")]
Plain = Annotated[bool, typer.Option("--plain", help="Write plain lines, also to a terminal.")]


def watch(deliberation: Id, *, url: Url = None, json: AsJson = False, plain: Plain = False) -> None:
    """Watch a deliberation from its beginning on.

    Ctrl+C ends the watching alone; the deliberation goes on.

    Exit codes: as those of `magi ask`; 130 also where the watching was stopped.
    """
    with errors_shown():
        from magisystem.cli.following import run_watch
        from magisystem.cli.showing import Form

        form = Form.JSON if json else Form.PLAIN if plain else Form.FITTING
        raise typer.Exit(run_watch(deliberation, url, form))


def replay(
    deliberation: Id,
    *,
    speed: Annotated[
        float, typer.Option(help="How many times as fast as it was; 0 shows it at once.", min=0, max=1000)
    ] = 1.0,
    url: Url = None,
    json: AsJson = False,
    plain: Plain = False,
) -> None:
    """Show a deliberation once more, in its own time.

    No pause lasts longer than 5 seconds. Of one that still goes on, it shows what there is.

    Exit codes: 0 shown to the end of what is recorded, 130 interrupted, 2 no such deliberation, 30 not readable.
    """
    with errors_shown():
        from magisystem.cli.following import run_replay
        from magisystem.cli.showing import Form

        form = Form.JSON if json else Form.PLAIN if plain else Form.FITTING
        raise typer.Exit(run_replay(deliberation, url, form, speed))


def cancel(
    deliberation: Id,
    *,
    url: Annotated[
        str | None,
        typer.Option(
            help="The server where it runs, or a runtime by its ARN (MAGI_TOKEN lets in); by default "
            "http://localhost:8080.",
            metavar="URL",
        ),
    ] = None,
) -> None:
    """Stop a deliberation, on the server where it runs.

    Exit codes: 0 it runs no more (also where it had ended before), 2 no such deliberation, 30 no server, or not its.
    """
    with errors_shown():
        from magisystem.cli.cancelling import run_cancel

        raise typer.Exit(run_cancel(deliberation, url))


def list_(  # noqa: PLR0913 - one parameter an option
    *,
    q: Annotated[
        str, typer.Option("-q", "--query", help="Words that all occur in the question or an answer.", metavar="TEXT")
    ] = "",
    outcome: Annotated[
        Literal["decided", "decided_degraded", "inconclusive", "answered"] | None, typer.Option(help="How it ended.")
    ] = None,
    decision: Annotated[
        Literal["APPROVED", "REJECTED", "ABSTAINED"] | None,
        typer.Option(help="What was decided.", case_sensitive=False),
    ] = None,
    session: Annotated[str | None, typer.Option(help="Of one session.", metavar="ID")] = None,
    limit: Annotated[int, typer.Option(help="How many at the most.", min=1, max=10_000)] = 20,
    url: Url = None,
    json: Annotated[bool, typer.Option("--json", help="Write each as one line of JSON.")] = False,
) -> None:
    """List deliberations, the newest first.

    Exit codes: 0 listed, be it none; 2 asked wrongly, 30 not readable.
    """
    with errors_shown():
        from magisystem.cli.history import run_list
        from magisystem.deliberation.ports import Query
        from magisystem.protocol.values import Decision, Outcome

        query = Query(
            text=q,
            outcome=None if outcome is None else Outcome(outcome),
            decision=None if decision is None else Decision(decision),
            session_id=session,
        )
        raise typer.Exit(run_list(query, url, limit, as_json=json))


def show(deliberation: Id, *, url: Url = None) -> None:
    """Show a deliberation as a page.

    It is drawn on a terminal, and Markdown in a pipe.

    Exit codes: 0 shown, 2 no such deliberation, 30 not readable.
    """
    with errors_shown():
        from magisystem.cli.reading import run_show

        raise typer.Exit(run_show(deliberation, url))


def export(
    deliberation: Id,
    *,
    format_: Annotated[
        Literal["md", "json", "jsonl"],
        typer.Option("--format", help="A page, the folded state, or the events byte for byte."),
    ] = "md",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write to this file.", metavar="FILE", dir_okay=False)
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it exists.")] = False,
    url: Url = None,
) -> None:
    """Write a deliberation to a file or to standard output.

    Exit codes: 0 written, 2 no such deliberation or the file exists, 30 not readable.
    """
    with errors_shown():
        from magisystem.cli.reading import Format, run_export

        raise typer.Exit(run_export(deliberation, url, Format(format_), output, may_replace=force))


def verify(
    deliberation: Annotated[
        str,
        typer.Argument(help="A deliberation as for `magi show`, an exported .jsonl file, or - for one.", metavar="ID"),
    ],
    *,
    url: Url = None,
) -> None:
    """Prove that a log is whole and its outcome right.

    No event may be missing, the digest is made anew, and the outcome is derived again from the recorded votes.

    Exit codes: 0 every check holds, 1 one differs or the log has not ended, 2 no such deliberation, 30 not readable.
    """
    with errors_shown():
        from magisystem.cli.proving import run_verify

        raise typer.Exit(run_verify(deliberation, url))


def rebuild() -> None:
    """Make the records anew from the log.

    Exit codes: 0 done, 30 the log or the records cannot be used.
    """
    with errors_shown():
        from magisystem.cli.history import run_rebuild

        raise typer.Exit(run_rebuild())
