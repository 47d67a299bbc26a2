"""How a command ends: the exit codes. Which one an error of ours deserves is in `refusals`."""

import os
import sys

from magisystem.protocol.fold import DeliberationState
from magisystem.protocol.values import Decision, Outcome

APPROVED = 0
PORT_TAKEN = 1
# What was to be verified does not hold.
DIFFERS = 1
# What was examined works, but not as it should.
WITH_REMARKS = 1
ASKED_WRONGLY = 2
REJECTED = 10
INCONCLUSIVE = 20
FAILED = 30
INTERRUPTED = 130
# What a shell shows of a program that SIGPIPE ended. 0 would say "approved" of an outcome nobody waited for.
END_OF_PIPE = 141


def exit_code(state: DeliberationState) -> int:
    """Give the exit code of a deliberation that has ended."""
    if state.cancelled is not None:
        return INTERRUPTED
    complete = state.complete
    if complete is None:
        return FAILED
    if complete.outcome is Outcome.ANSWERED:
        return APPROVED
    match complete.decision:
        case Decision.APPROVED:
            return APPROVED
        case Decision.REJECTED:
            return REJECTED
        case _:
            return INCONCLUSIVE


def let_go_of_stdout() -> None:
    """Point standard output at nothing, so that the flush at exit does not fail on a closed pipe again."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, sys.stdout.fileno())
