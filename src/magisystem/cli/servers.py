"""The servers that commands speak to: what lets them in, and where on a runtime what they began is found again."""

import json
from contextlib import suppress
from pathlib import Path

from filelock import FileLock

from magisystem.client import MagiClient, Timing, is_runtime, new_runtime_session
from magisystem.config import read_configuration, read_token

# Who waits at a terminal is told at once that no server answers; what was begun is tried for as long as by any client.
TIMING = Timing(reach_s=0.0)
_KEPT = "runtime-sessions.json"


def client_of(url: str) -> MagiClient:
    """Give a client of the server or the runtime at ``url``, with the token of the environment.

    Raises:
        AddressInvalid, TokenInvalid, SettingsInvalid: see there.
    """
    session = _runtime_session(url, read_configuration().settings.data_dir) if is_runtime(url) else None
    return MagiClient(url, token=read_token(), runtime_session=session, timing=TIMING)


def _runtime_session(arn: str, folder: Path) -> str:
    """Give the runtime session that this folder has with a runtime: one command finds there what another one began."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / _KEPT
    with FileLock(f"{path}.lock"):
        kept: dict[str, str] = {}
        # What cannot be read is made anew: it was a name and no more.
        with suppress(FileNotFoundError, ValueError):
            kept = dict(json.loads(path.read_text(encoding="utf-8")))
        if arn not in kept:
            kept[arn] = new_runtime_session()
            path.write_text(json.dumps(kept, indent=2), encoding="utf-8")
        return kept[arn]
