"""The programs that a deployment runs: found once, shown before they run, and never given a secret as an argument."""

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from magisystem.cli.deployment.wanted import StepFailed

# The CDK's command is apart from its library in uv.lock, and reads what that one writes only if it is new enough; newer
# by number is not enough: 3.0.0 refuses what the library 2.275 writes. So this one is run, and not what is installed.
_CDK = "aws-cdk@2.1148.1"
CDK = ("npx", "--yes", _CDK)


@dataclass(frozen=True, slots=True)
class Tools:
    """Runs programs within ``checkout``; ``write`` gets a line for each."""

    checkout: Path
    write: Callable[[str], None]
    path: str = field(default_factory=lambda: f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")

    def has(self, program: str) -> bool:
        """Whether ``program`` is there."""
        return shutil.which(program, path=self.path) is not None

    def succeeds(self, command: Sequence[str]) -> bool:
        """Whether ``command`` is there and exits with 0; what it writes is thrown away."""
        return self.output(command) is not None

    def output(self, command: Sequence[str]) -> str | None:
        """What ``command`` writes; None where it is not there or fails."""
        found = shutil.which(command[0], path=self.path)
        if found is None:
            return None
        ended = subprocess.run(  # noqa: S603 - fixed words of ours, no shell
            [found, *command[1:]], cwd=self.checkout, env=self._environment({}), capture_output=True, check=False
        )
        return ended.stdout.decode(errors="replace") if ended.returncode == 0 else None

    def run(
        self,
        command: Sequence[str],
        *,
        folder: str = ".",
        given: Mapping[str, str] | None = None,
        secret_input: str | None = None,
    ) -> None:
        """Run ``command`` in ``folder`` of the checkout, its output going where ours goes.

        Args:
            command: the program and its arguments.
            folder: where, below the checkout.
            given: variables besides those of this process.
            secret_input: what it reads from standard input, such as a password. It is not shown.

        Raises:
            StepFailed: it is not there, or ended with another code than 0.
        """
        found = shutil.which(command[0], path=self.path)
        if found is None:
            raise StepFailed(f"{command[0]} is not there any more.")
        # A child that reads the terminal must find it; one that reads a secret must find that alone.
        ended = subprocess.run(  # noqa: S603 - words of ours and validated names, no shell
            [found, *command[1:]],
            cwd=self.checkout / folder,
            env=self._environment(given or {}),
            input=None if secret_input is None else secret_input.encode(),
            check=False,
        )
        if ended.returncode != 0:
            raise StepFailed(
                f"`{shown(command)}` ended with {ended.returncode}; what it wrote says why. What was done before "
                "stands: run the same command again when that is mended."
            )

    def _environment(self, given: Mapping[str, str]) -> dict[str, str]:
        return {**os.environ, "PATH": self.path, **given}


def shown(command: Sequence[str], given: Mapping[str, str] | None = None, folder: str = ".") -> str:
    """Give the command as somebody would type it at the root of the checkout."""
    words = [*(f"{name}={shlex.quote(value)}" for name, value in (given or {}).items()), shlex.join(command)]
    return f"(cd {folder} && {' '.join(words)})" if folder != "." else " ".join(words)
