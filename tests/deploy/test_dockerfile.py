"""What the image is made to be: read from the Dockerfile, because building it needs a registry."""

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.deploy.conftest import ROOT

DOCKERFILE = ROOT / "deploy" / "Dockerfile"
BUILD_TOOLS = re.compile(r"\b(gcc|build-essential|make|apt-get|curl|npm|node|uv|git)\b")


@dataclass(frozen=True)
class Instruction:
    word: str
    rest: str


@pytest.fixture(scope="module")
def stages() -> list[list[Instruction]]:
    """Give the instructions of each stage; a stage begins with its FROM."""
    text = re.sub(r"^\s*#.*\n", "", DOCKERFILE.read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    found: list[list[Instruction]] = []
    for line in filter(str.strip, text.splitlines()):
        word, _, rest = line.strip().partition(" ")
        if word == "FROM":
            found.append([])
        found[-1].append(Instruction(word, re.sub(r"\s+", " ", rest.strip())))
    return found


@pytest.fixture(scope="module")
def final(stages: list[list[Instruction]]) -> dict[str, list[str]]:
    """Give the final stage's instructions by their word."""
    found: dict[str, list[str]] = {}
    for instruction in stages[-1]:
        found.setdefault(instruction.word, []).append(instruction.rest)
    return found


def test_hadolint_finds_nothing_and_would() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    given = DOCKERFILE.read_bytes()
    for body, code in ((given, 0), (given.replace(b"\nRUN npm ci", b"\nRUN sudo npm ci"), 1)):
        ended = subprocess.run([hadolint, "-"], input=body, capture_output=True, check=False)  # noqa: S603 - fixed words
        assert ended.returncode == code, ended.stdout.decode()


def test_the_user_is_a_number_and_not_root(final: dict[str, list[str]]) -> None:
    [user] = final["USER"]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user)


def test_nothing_is_run_or_installed_in_the_final_stage(final: dict[str, list[str]]) -> None:
    assert "RUN" not in final
    assert not BUILD_TOOLS.search(" ".join(final["COPY"]).replace("magisystem", ""))
    # A path of the build context would bring sources along.
    assert all(copied.startswith("--from=") for copied in final["COPY"])


def test_no_architecture_is_named(stages: list[list[Instruction]]) -> None:
    assert not re.search(r"arm64|amd64|aarch64|x86", " ".join(each.rest for stage in stages for each in stage))
    # Only what is the same everywhere is built on the builder's own architecture.
    assert [bool(re.search(r"--platform=\$BUILDPLATFORM", stage[0].rest)) for stage in stages] == [True, False, False]


def test_every_base_image_is_pinned_to_a_version(stages: list[list[Instruction]]) -> None:
    copied = [each.rest.split()[0] for stage in stages for each in stage if "--from=public" in each.rest]
    for image in [*(stage[0].rest for stage in stages), *copied]:
        assert re.search(r"public\.ecr\.aws/\S+:\d+(\.\d+)*\S*", image), image


def test_the_packages_are_those_of_the_lock(stages: list[list[Instruction]]) -> None:
    syncs = [each.rest for each in stages[1] if each.word == "RUN" and "uv sync" in each.rest]
    assert len(syncs) == 2
    assert all("--locked" in sync and "--no-dev" in sync for sync in syncs)
    environment = " ".join(each.rest for each in stages[1] if each.word == "ENV")
    assert "UV_COMPILE_BYTECODE=1" in environment
    assert any("npm ci" in each.rest for each in stages[0])


def test_it_serves_by_itself_and_says_how_it_is(final: dict[str, list[str]]) -> None:
    assert [json.loads(command) for command in final["CMD"]] == [["magi", "serve"]]
    assert "ENTRYPOINT" not in final, "Lambda and AgentCore replace the command, not an entry point"
    [check] = final["HEALTHCHECK"]
    command = json.loads(check.partition("CMD ")[2])
    assert command[:2] == ["python", "-c"]
    assert "/ping" in command[2]
    compile(command[2], "healthcheck", "exec")
    assert final["EXPOSE"] == ["8080"]


def test_output_is_not_held_back_and_the_root_may_be_read_only(final: dict[str, list[str]]) -> None:
    settings = dict(re.findall(r"(\w+)=(\S+)", " ".join(final["ENV"])))
    assert settings["PYTHONUNBUFFERED"] == "1"
    assert settings["PYTHONDONTWRITEBYTECODE"] == "1"
    assert settings["MAGI_PLATFORM"] == "container"
    assert settings["MAGI_DATA_DIR"] == "/data"
    assert "--from=environment --chown=10001:10001 /data /data" in final["COPY"]


def test_lambda_finds_the_web_adapter(final: dict[str, list[str]]) -> None:
    [adapter] = [copied for copied in final["COPY"] if "aws-lambda-adapter" in copied]
    assert adapter.endswith("/lambda-adapter /opt/extensions/lambda-adapter")


def test_only_what_the_image_needs_is_sent_to_the_builder() -> None:
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    assert lines[0] == "*"
    allowed = {line[1:] for line in lines if line.startswith("!")}
    assert allowed == {"LICENSE", "README.md", "pyproject.toml", "uv.lock", "src", "web"}
    assert {"web/node_modules", "src/magisystem/http/web", "**/.env*"} <= set(lines)
