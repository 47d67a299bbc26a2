"""What every command does with an error of ours. It loads nothing until there is one."""

import sys
from collections.abc import Generator
from contextlib import contextmanager

import typer

from magisystem.errors import MagiError


@contextmanager
def errors_shown() -> Generator[None]:
    """Show an error of ours in one line, and end with the code it deserves."""
    try:
        yield
    except MagiError as error:
        from magisystem.cli.refusals import error_line, exit_code_of_error

        sys.stderr.write(f"{error_line(error)}\n")
        raise typer.Exit(exit_code_of_error(error)) from None
    except BrokenPipeError:
        from magisystem.cli.exits import END_OF_PIPE, let_go_of_stdout

        let_go_of_stdout()
        raise typer.Exit(END_OF_PIPE) from None
