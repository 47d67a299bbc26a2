"""A static host as there are many: files from a folder on a port of its own, and nothing that is not a file."""

import asyncio
import json
import os
import shutil
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from magisystem.http.web import BUNDLE


@dataclass(frozen=True, slots=True)
class StaticHost:
    """The address of a copy of the web client, and the folder it lies in."""

    url: str
    folder: Path

    def configure(self, *backends: dict[str, str], **fields: object) -> None:
        """Put a ``config.json`` beside the page."""
        self.write({"backends": backends, **fields})

    def write(self, configuration: object) -> None:
        """Put what may be no configuration at all into ``config.json``."""
        file = self.folder / "config.json"
        # Two files of the same second are one to a browser that asks whether its own is still good.
        changed_s = file.stat().st_mtime + 1 if file.exists() else time.time()
        file.write_text(json.dumps(configuration), encoding="utf-8")
        os.utime(file, (changed_s, changed_s))


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@asynccontextmanager
async def static_host(folder: Path) -> AsyncGenerator[StaticHost]:
    """Copy the web client into ``folder`` and serve it from there; a path that is no file is answered with 404."""
    shutil.copytree(BUNDLE, folder)
    (folder / "config.json").unlink(missing_ok=True)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder))) as server:
        serving = asyncio.create_task(asyncio.to_thread(server.serve_forever, 0.01))
        try:
            yield StaticHost(f"http://127.0.0.1:{server.server_port}", folder)
        finally:
            server.shutdown()
            await serving
