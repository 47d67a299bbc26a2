"""How a command ends that could not do what it was asked: the exit code and the one line of an error of ours."""

from http import HTTPStatus

from magisystem.cli.exits import ASKED_WRONGLY, FAILED
from magisystem.cli.plain_text import clean_line
from magisystem.client import ServerRefused
from magisystem.errors import DeliberationNotFound, MagiError, ModelUnavailable, RequestError, SettingsInvalid

# Refusals that the token is the reason for, and not what was asked for: ours, and that of a platform in front.
_OF_THE_TOKEN = frozenset({"not_allowed", "http_403"})


def exit_code_of_error(error: MagiError) -> int:
    """Give the exit code of an error: whether whoever asked can mend it by asking otherwise."""
    if isinstance(error, ServerRefused):
        return ASKED_WRONGLY if 400 <= error.status < 500 and not error.is_retryable else FAILED
    mendable = RequestError | ModelUnavailable | SettingsInvalid | DeliberationNotFound
    return ASKED_WRONGLY if isinstance(error, mendable) else FAILED


def error_line(error: MagiError) -> str:
    """Give the line that tells of an error, its stable code at the end."""
    code = error.refusal if isinstance(error, ServerRefused) else error.code
    said = f"error: {clean_line(error.message)} ({clean_line(code)})"
    return f"{said} {_mend(error)}" if isinstance(error, ServerRefused) and _mend(error) else said


def _mend(error: ServerRefused) -> str:
    """Give what lets the command in, where nothing else kept it out."""
    if error.status == HTTPStatus.UNAUTHORIZED:
        return "Set MAGI_TOKEN to an access token that is valid now."
    if error.status == HTTPStatus.FORBIDDEN and error.refusal in _OF_THE_TOKEN:
        return "Set MAGI_TOKEN to an access token of an application that may use this server."
    return ""
