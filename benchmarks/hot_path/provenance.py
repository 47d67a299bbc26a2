"""What a result was measured on and with: absolute times do not travel without it."""

import json
import os
import platform
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_PACKAGES = (
    "magisystem", "uvloop", "httptools", "uvicorn", "starlette", "aiohttp", "msgspec", "strands-agents",
    "bedrock-agentcore", "boto3", "botocore",
)  # fmt: skip
_NODE_PACKAGES = ("ai", "@ai-sdk/amazon-bedrock")


@dataclass(frozen=True)
class Provenance:
    """Machine, versions and commit; ``commit`` ends with ``+`` where files differed from it."""

    at: str
    commit: str
    cpu: str
    n_cores: int
    memory_gb: float
    kernel: str
    load_before: float
    versions: dict[str, str]


def provenance() -> Provenance:
    """Look at this machine and this checkout."""
    return Provenance(
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        commit=_commit(),
        cpu=_cpu(),
        n_cores=os.cpu_count() or 0,
        memory_gb=round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        kernel=f"{platform.system()} {platform.release()}",
        load_before=round(os.getloadavg()[0], 2),
        versions=_versions(),
    )


def _commit() -> str:
    commit = _said("git", "rev-parse", "--short", "HEAD") or "unknown"
    # Results are written where git sees them; they change nothing that is measured.
    is_modified = _said("git", "status", "--porcelain", "--", ".", ":!benchmarks/results")
    return commit + ("+" if is_modified else "")


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()


def _versions() -> dict[str, str]:
    versions = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    if node := _said(str(Path(sys.executable).with_name("node")), "--version"):
        versions["node"] = node.removeprefix("v")
    for name in _NODE_PACKAGES:
        manifest = _ROOT / "benchmarks" / "rivals" / "ai_sdk" / "node_modules" / name / "package.json"
        if manifest.exists():
            versions[name] = json.loads(manifest.read_text(encoding="utf-8"))["version"]
    return versions


def _said(*command: str) -> str:
    try:
        return subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603
    except (OSError, subprocess.CalledProcessError):
        return ""
