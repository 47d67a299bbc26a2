"""The templates of both topologies, synthesised once a run by the very program that `cdk deploy` runs."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
ACCOUNT = "123456789012"
REGION = "eu-central-1"
SYNTHESIS_S = 150.0
MODELS = (
    "bedrock:global.anthropic.claude-sonnet-5",
    "bedrock:eu.anthropic.claude-opus-5",
    "bedrock:amazon.nova-micro-v1:0",
)
CONTEXT = {
    "account": ACCOUNT,
    "region": REGION,
    "imageTag": "3f2a91",
    "models": ",".join(MODELS),
    "origins": "http://localhost:5173",
    "alarmEmail": "somebody@example.com",
    "concurrency": 25,
}

Templates = Mapping[str, Mapping[str, Any]]


def without_network() -> tuple[str, ...]:
    """Give what to put before a command so that it has no network at all, where this system allows it."""
    command = ("unshare", "--map-root-user", "--net")
    if shutil.which(command[0]) is None:
        return ()
    tried = subprocess.run([*command, "true"], capture_output=True, check=False)  # noqa: S603 - fixed words
    return command if tried.returncode == 0 else ()


@pytest.fixture(scope="session")
def synthesised(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, tuple[Path, str]]:
    """Give the folder of each topology's stacks, and what was written; no credentials, no network where possible."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "MAGI_", "CDK_"))}
    nothing = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    # The CDK runs on the Node of the environment.
    path = f"{Path(sys.executable).parent}{os.pathsep}{kept.get('PATH', '')}"
    command = [*without_network(), sys.executable, "app.py"]
    folders = {topology: tmp_path_factory.mktemp(topology) for topology in ("agentcore", "lambda")}
    with ExitStack() as stack:
        running: list[subprocess.Popen[bytes]] = []
        for topology, folder in folders.items():
            context = json.dumps({**CONTEXT, "topology": topology})
            given = {"PATH": path, "CDK_OUTDIR": str(folder), "CDK_CONTEXT_JSON": context}
            process = stack.enter_context(
                subprocess.Popen(  # noqa: S603 - fixed words
                    command,
                    cwd=ROOT / "deploy",
                    env={**kept, **nothing, **given},
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                )
            )
            stack.callback(process.kill)
            running.append(process)
        told: dict[str, str] = {}
        for topology, process in zip(folders, running, strict=True):
            written, _ = process.communicate(timeout=SYNTHESIS_S)
            told[topology] = written.decode()
            assert process.returncode == 0, told[topology]
    return {topology: (folder, told[topology]) for topology, folder in folders.items()}


@pytest.fixture(scope="session")
def assemblies(synthesised: Mapping[str, tuple[Path, str]]) -> Mapping[str, Path]:
    """Give the folder of the synthesised stacks of each topology."""
    return {topology: folder for topology, (folder, _) in synthesised.items()}


@pytest.fixture(scope="session")
def told(synthesised: Mapping[str, tuple[Path, str]]) -> Mapping[str, str]:
    """Give what the synthesis of each topology wrote for whoever runs it."""
    return {topology: written for topology, (_, written) in synthesised.items()}


def _read(folder: Path) -> Templates:
    return {
        path.name.removesuffix(".template.json"): json.loads(path.read_bytes())
        for path in folder.glob("*.template.json")
    }


@pytest.fixture(scope="session")
def agentcore(assemblies: Mapping[str, Path]) -> Templates:
    """Give the templates of topology agentcore by their stacks' ids."""
    return _read(assemblies["agentcore"])


@pytest.fixture(scope="session")
def lambda_(assemblies: Mapping[str, Path]) -> Templates:
    """Give the templates of topology lambda by their stacks' ids."""
    return _read(assemblies["lambda"])
