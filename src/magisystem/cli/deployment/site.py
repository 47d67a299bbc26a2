"""What is uploaded as the web client: the bundle, with the `config.json` and the policy of this deployment. Pure."""

import html
import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from magisystem.cli.deployment.wanted import StepFailed, Topology
from magisystem.http.web import content_policy
from magisystem.http.web_config import WebConfig

_PAGE = "index.html"
_CONFIG = "config.json"
# The host compresses by itself, and would serve these as files of their own.
_COMPRESSED = frozenset({".br", ".gz"})
_HEAD = "<head>"
# The same sources make the same bytes, whatever the files' times are.
_NO_TIME = (1980, 1, 1, 0, 0, 0)


def web_config(topology: Topology, region: str, outputs: Mapping[str, str]) -> WebConfig:
    """Give what the page needs to know: its one backend, and where people sign in.

    ``outputs`` are those of all stacks together.
    """
    try:
        backend = (
            {"kind": "lambda", "name": "AWS Lambda", "url": outputs["GatewayUrl"].rstrip("/")}
            if topology == "lambda"
            else {"kind": "agentcore", "name": "AgentCore", "arn": outputs["RuntimeArn"], "region": region}
        )
        auth = {"authority": outputs["Issuer"], "clientId": outputs["ClientId"], "scope": "openid email profile"}
    except KeyError as error:
        raise StepFailed(
            f"The stacks gave no {error.args[0]}. Look at them in the console of CloudFormation."
        ) from error
    document: dict[str, Any] = {"backends": [backend], "auth": auth}
    return WebConfig.model_validate_json(json.dumps(document))


def site(folder: Path, config: WebConfig) -> bytes:
    """Give the zip file of the bundle in ``folder``.

    The policy in the page names exactly what it connects to. Browsers apply it together with the header's, which cannot
    name a function URL (deploy/infrastructure/web.py).
    """
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:

        def add(name: str, content: bytes) -> None:
            archive.writestr(zipfile.ZipInfo(name, _NO_TIME), content, zipfile.ZIP_DEFLATED)

        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            name = path.relative_to(folder).as_posix()
            if path.suffix not in _COMPRESSED and name != _CONFIG:
                content = path.read_bytes()
                add(name, _with_policy(content.decode(), config).encode() if name == _PAGE else content)
        add(_CONFIG, config.model_dump_json(by_alias=True, exclude_none=True).encode())
    return written.getvalue()


def _with_policy(page: str, config: WebConfig) -> str:
    # In a page this directive has no effect, and browsers complain about it; the header has it.
    policy = content_policy(config.sources).replace("; frame-ancestors 'none'", "")
    element = f'<meta http-equiv="Content-Security-Policy" content="{html.escape(policy)}">'
    if page.count(_HEAD) != 1:
        raise StepFailed(f"The bundle's {_PAGE} has no {_HEAD} to put the policy into. Build it again.")
    return page.replace(_HEAD, f"{_HEAD}{element}")
