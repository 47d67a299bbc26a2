"""`magi doctor` without an address: what is right and wrong with the machine that it runs on."""

import os
import socket
import sqlite3
import sys
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.support.aws import SECRETS, lead_aws_to, leave_aws_bare
from tests.support.bedrock import Refusal, Reply, StandInBedrock
from tests.support.cli import recorded
from tests.support.serving import scripted_server

from magisystem.application import open_application
from magisystem.config import read_configuration
from magisystem.doctor import Diagnosis, Finding, Grade
from magisystem.doctor.machine import examine_machine
from magisystem.testing.scripted import ScriptedModel


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine on which nothing is set but the folder, which is given."""
    for name in [name for name in os.environ if name.startswith(("MAGI_", "OPENAI_", "ANTHROPIC_", "OLLAMA_"))]:
        monkeypatch.delenv(name)
    leave_aws_bare(monkeypatch, tmp_path)
    monkeypatch.setenv("MAGI_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("MAGI_PORT", str(free_port()))
    return tmp_path / "data"


def free_port() -> int:
    with socket.socket() as port:
        port.bind(("127.0.0.1", 0))
        return port.getsockname()[1]


def entries(folder: Path) -> list[tuple[str, int]]:
    return sorted((path.name, path.stat().st_mtime_ns) for path in folder.iterdir()) if folder.exists() else []


async def examined(*, are_models_called: bool = True) -> Mapping[str, Finding]:
    diagnosis = await examine_machine(are_models_called=are_models_called)
    assert not any(secret in str(diagnosis) for secret in SECRETS)
    return by_code(diagnosis)


def by_code(diagnosis: Diagnosis) -> Mapping[str, Finding]:
    return {finding.code: finding for finding in diagnosis.findings}


def faults(found: Mapping[str, Finding]) -> dict[str, Grade]:
    # Whether the page is built, and how many files may be open, is the machine's own that runs the tests.
    return {
        code: finding.grade
        for code, finding in found.items()
        if finding.grade in {Grade.REMARK, Grade.PROBLEM} and code not in {"web_client", "open_files"}
    }


async def test_a_bare_machine_is_ready_and_nothing_is_made_by_looking(machine: Path) -> None:
    found = await examined()
    assert faults(found) == {}
    assert "embedded" in found["model"].summary
    assert entries(machine) == []


async def test_what_is_there_is_counted_and_left_as_it_is(machine: Path) -> None:
    configuration = read_configuration()
    async with open_application(configuration):
        pass
    await recorded(machine)
    before = entries(machine)
    found = await examined()
    assert faults(found) == {}
    assert found["log"].summary.startswith("1 deliberation")
    assert found["records"].grade is Grade.WELL
    assert entries(machine) == before


async def test_a_log_that_a_server_has_open_is_read_beside_it(machine: Path) -> None:
    async with open_application(read_configuration()):
        found = await examined()
    assert faults(found) == {}
    assert found["log"].grade is Grade.WELL


async def test_a_setting_that_is_wrong_is_named_and_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAGI_SAGE_S", "soon")
    diagnosis = await examine_machine(are_models_called=True)
    assert set(by_code(diagnosis)) == {"runtime", "settings"}
    assert "MAGI_SAGE_S" in by_code(diagnosis)["settings"].summary
    assert diagnosis.worst is Grade.PROBLEM


async def test_an_open_door_is_refused_as_serving_would(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAGI_HOST", "0.0.0.0")  # noqa: S104 - that is what is refused
    assert faults(await examined()) == {"settings": Grade.PROBLEM}
    monkeypatch.setenv("MAGI_INSECURE", "true")
    assert faults(await examined()) == {"settings": Grade.REMARK}


async def test_a_port_that_a_server_of_ours_has_is_well(monkeypatch: pytest.MonkeyPatch) -> None:
    async with scripted_server(ScriptedModel()) as server:
        monkeypatch.setenv("MAGI_PORT", server.url.rpartition(":")[2])
        found = await examined()
    assert faults(found) == {}
    assert "MAGISystem" in found["port"].summary


async def test_a_port_that_another_program_has_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        monkeypatch.setenv("MAGI_PORT", str(other.getsockname()[1]))
        monkeypatch.setattr("magisystem.doctor.machine._PING_S", 0.1)
        assert faults(await examined()) == {"port": Grade.PROBLEM}


def make_foreign(path: Path) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE notes (text)")


def make_newer(path: Path) -> None:
    make_foreign(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA application_id = {0x4D414749 if path.name == 'magi.sqlite' else 0x4D414752}")
        connection.execute("PRAGMA user_version = 99")
        connection.executescript(
            "CREATE TABLE alembic_version (version_num); INSERT INTO alembic_version VALUES ('9999');"
            "CREATE TABLE deliberations (id);"
        )


def make_damaged(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"no database at all" * 100)


@pytest.mark.parametrize("code", ["log", "records"])
@pytest.mark.parametrize(
    ("make", "word"),
    [(make_foreign, "another program"), (make_newer, "newer version"), (make_damaged, "cannot be read")],
)
async def test_a_file_that_cannot_be_used_is_said_to_be_so(machine: Path, code: str, make: object, word: str) -> None:
    assert callable(make)
    make(machine / ("magi.sqlite" if code == "log" else "records.sqlite"))
    found = await examined()
    assert faults(found) == {code: Grade.PROBLEM}
    assert word in found[code].summary
    assert found[code].advice


async def test_records_of_an_unknown_kind_are_refused_without_their_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAGI_RECORDS_URL", "postgresql://magi:very-secret@db/magi")
    assert faults(await examined()) == {"records": Grade.PROBLEM}


async def test_a_clock_that_was_set_back_shows_in_the_log(machine: Path) -> None:
    await recorded(machine)
    later_s = time.time() + 3_600
    os.utime(machine / "magi.sqlite", (later_s, later_s))
    assert faults(await examined()) == {"log": Grade.REMARK}


async def test_a_folder_that_is_a_file_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAGI_DATA_DIR", __file__)
    assert faults(await examined()) == {"data_folder": Grade.PROBLEM}


@pytest.mark.skipif(sys.platform != "linux", reason="a file system without files is Linux's /proc")
@pytest.mark.parametrize("named", ["/proc/nope", "/proc/nope/deeper"])
async def test_a_folder_that_cannot_be_made_is_said_to_be_so(monkeypatch: pytest.MonkeyPatch, named: str) -> None:
    monkeypatch.setenv("MAGI_DATA_DIR", named)
    found = await examined()
    assert faults(found) == {"data_folder": Grade.PROBLEM}
    assert "free" not in found["data_folder"].summary
    assert "MAGI_DATA_DIR" in found["data_folder"].advice[0].text


class Usage(NamedTuple):
    free: int
    total: int = 1 << 40


@pytest.mark.parametrize(("free_mib", "grade"), [(10, Grade.PROBLEM), (500, Grade.REMARK)])
async def test_a_disk_that_is_nearly_full_is_told(monkeypatch: pytest.MonkeyPatch, free_mib: int, grade: Grade) -> None:
    def disk_usage(_: Path) -> Usage:
        return Usage(free=free_mib * 1024 * 1024)

    monkeypatch.setattr("shutil.disk_usage", disk_usage)
    assert faults(await examined()) == {"data_folder": grade}


async def test_models_on_bedrock_are_asked_for_one_token_each(monkeypatch: pytest.MonkeyPatch) -> None:
    async with StandInBedrock() as bedrock:
        lead_aws_to(bedrock, monkeypatch)
        monkeypatch.setenv("MAGI_MODEL", "bedrock:the-rest")
        monkeypatch.setenv("MAGI_MODEL_CASPAR", "bedrock:caspar")
        for model_id in ("the-rest", "caspar"):
            bedrock.script(model_id, Reply("Yes."))
        found = await examined()
        assert faults(found) == {}
        assert {call.model_id for call in bedrock.calls} == {"the-rest", "caspar"}
        assert all(call.body["inferenceConfig"] == {"maxTokens": 1} for call in bedrock.calls)
        assert "us-east-1" in found["aws"].summary
        assert "environment" in found["aws"].summary
        assert found["model_access"].grade is Grade.WELL
        assert found["clock"].grade is Grade.WELL

        assert "model_access" not in await examined(are_models_called=False)
        assert len(bedrock.calls) == 2


@pytest.mark.parametrize(
    ("status", "name", "grade", "word"),
    [
        (403, "AccessDeniedException", Grade.PROBLEM, "InvokeModelWithResponseStream"),
        (404, "ResourceNotFoundException", Grade.PROBLEM, "profile"),
        (429, "ThrottlingException", Grade.REMARK, "quota"),
        (400, "ValidationException", Grade.PROBLEM, None),
    ],
)
async def test_a_model_that_bedrock_refuses_is_told_with_its_mend(
    monkeypatch: pytest.MonkeyPatch, status: int, name: str, grade: Grade, word: str | None
) -> None:
    async with StandInBedrock() as bedrock:
        lead_aws_to(bedrock, monkeypatch)
        monkeypatch.setenv("MAGI_MODEL", "bedrock:the-rest")
        bedrock.script("the-rest", Reply("", fault=Refusal(status, name, "No.")))
        found = await examined()
    assert faults(found) == {"model_access": grade}
    assert [word in advice.text for advice in found["model_access"].advice if word] == ([True] if word else [])


async def test_bedrock_without_a_region_or_credentials_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAGI_MODEL", "bedrock:x")
    found = await examined()
    assert faults(found) == {"model": Grade.PROBLEM, "aws": Grade.PROBLEM}
    assert "AWS_REGION" in str(found["aws"])


async def test_a_model_whose_key_is_missing_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAGI_MODEL", "openai:gpt-5.5")
    found = await examined()
    assert faults(found) == {"model": Grade.PROBLEM}
    assert "OPENAI_API_KEY" in found["model"].summary


async def test_a_model_that_there_cannot_be_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAGI_MODEL", "nobody:x")
    assert faults(await examined()) == {"model": Grade.PROBLEM}
