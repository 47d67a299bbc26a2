"""BedrockRuntime: region, credentials and endpoint are found the AWS way, and what is missing is said."""

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from strands.types.content import Messages
from tests.support.aws import SECRETS, lead_aws_to, leave_aws_bare
from tests.support.bedrock import StandInBedrock

from magisystem.council.agents import Sampling
from magisystem.errors import ModelUnavailable
from magisystem.models.bedrock import BedrockRuntime
from magisystem.models.bedrock.model import BedrockModel

MODEL = "us.anthropic.claude-haiku-4-5-20251001-v1:0"
ASKED: Messages = [{"role": "user", "content": [{"text": "Should the office move?"}]}]


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    leave_aws_bare(monkeypatch, tmp_path)


@pytest.fixture
async def bedrock(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[StandInBedrock]:
    """A stand-in that the environment leads to."""
    async with StandInBedrock() as standing_in:
        lead_aws_to(standing_in, monkeypatch)
        yield standing_in


@pytest.fixture
async def runtime() -> AsyncIterator[BedrockRuntime]:
    runtime = BedrockRuntime()
    yield runtime
    await runtime.aclose()


async def listen(runtime: BedrockRuntime) -> None:
    async for _ in BedrockModel(runtime, MODEL, Sampling()).stream(ASKED):
        pass


async def test_region_profile_and_endpoint_are_read_from_the_config_files(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, runtime: BedrockRuntime
):
    async with StandInBedrock() as bedrock:
        (tmp_path / "credentials").write_text("[council]\naws_access_key_id=AKPROFILE\naws_secret_access_key=s\n")
        (tmp_path / "config").write_text(
            f"[profile council]\nregion=ap-northeast-1\nservices=local\n"
            f"[services local]\nbedrock_runtime =\n  endpoint_url = {bedrock.url}\n"
        )
        monkeypatch.setenv("AWS_PROFILE", "council")

        await listen(runtime)

        authorization = (await bedrock.called()).headers["authorization"]
        assert "Credential=AKPROFILE/" in authorization
        assert "/ap-northeast-1/bedrock/" in authorization


async def test_what_the_runtime_was_given_goes_before_the_environment(bedrock: StandInBedrock, tmp_path: Path):
    (tmp_path / "credentials").write_text("[other]\naws_access_key_id=AKOTHER\naws_secret_access_key=s\n")
    runtime = BedrockRuntime(region="eu-west-1", profile="other")

    await listen(runtime)
    await runtime.aclose()

    authorization = (await bedrock.called()).headers["authorization"]
    assert "Credential=AKOTHER/" in authorization
    assert "/eu-west-1/bedrock/" in authorization


async def test_the_region_that_aws_runtimes_set_is_read(
    monkeypatch: pytest.MonkeyPatch, bedrock: StandInBedrock, runtime: BedrockRuntime
):
    monkeypatch.setenv("AWS_REGION", "ap-southeast-2")

    await listen(runtime)

    assert "/ap-southeast-2/bedrock/" in (await bedrock.called()).headers["authorization"]


async def test_credentials_that_are_about_to_expire_are_renewed_before_a_call(
    monkeypatch: pytest.MonkeyPatch, bedrock: StandInBedrock, tmp_path: Path, runtime: BedrockRuntime
):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    soon = (datetime.now(UTC) + timedelta(minutes=1)).isoformat()
    told = json.dumps(
        {"Version": 1, "AccessKeyId": "AK$(wc -l < n)", "SecretAccessKey": "s", "SessionToken": "t", "Expiration": soon}
    )
    (tmp_path / "source").write_text(f"cd {tmp_path}; echo >> n; cat <<END\n{told}\nEND\n")
    (tmp_path / "config").write_text(f"[default]\ncredential_process = sh {tmp_path}/source\n")

    for _ in range(2):
        await listen(runtime)

    ids = [re.findall(r"Credential=AK *(\d+)/", call.headers["authorization"])[0] for call in bedrock.calls]
    assert int(ids[0]) < int(ids[1])
    assert bedrock.calls[0].headers["x-amz-security-token"] == "t"


async def test_a_bearer_token_is_enough(
    monkeypatch: pytest.MonkeyPatch, bedrock: StandInBedrock, runtime: BedrockRuntime
):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", "bearer-secret")

    assert await runtime.reason_unusable() is None
    await listen(runtime)

    assert (await bedrock.called()).headers["authorization"] == "Bearer bearer-secret"


async def test_usable_is_usable(bedrock: StandInBedrock, runtime: BedrockRuntime):
    assert await runtime.reason_unusable() is None
    await listen(runtime)
    assert await runtime.reason_unusable() is None


@pytest.mark.parametrize(
    ("environment", "config", "mend"),
    [
        ({"AWS_REGION": "us-east-1"}, "", "aws configure"),
        ({"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "very-secret"}, "", "AWS_REGION"),
        ({"AWS_REGION": "us-east-1", "AWS_PROFILE": "nobody"}, "", "profile"),
        ({"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "a"}, "", "PartialCredentialsError"),
        ({"AWS_REGION": "us-east-1"}, "[broken", "AWS_CONFIG_FILE"),
    ],
    ids=["no credentials", "no region", "no such profile", "half a key", "a broken file"],
)
async def test_what_is_missing_here_is_said_before_anything_is_sent(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    runtime: BedrockRuntime,
    environment: dict[str, str],
    config: str,
    mend: str,
):
    (tmp_path / "config").write_text(config)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    reason = await runtime.reason_unusable()
    with pytest.raises(ModelUnavailable) as raised:
        await listen(runtime)

    assert reason is not None
    assert mend in reason
    assert raised.value.message == reason
    assert not any(secret in reason for secret in SECRETS)


async def test_what_was_missing_can_be_added_while_it_runs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, runtime: BedrockRuntime
):
    monkeypatch.setattr("magisystem.models.bedrock.runtime.UNUSABLE_FOR_S", 0.0)
    assert await runtime.reason_unusable() is not None

    (tmp_path / "credentials").write_text("[default]\naws_access_key_id=a\naws_secret_access_key=s\n")
    (tmp_path / "config").write_text("[default]\nregion=us-east-1\n")

    assert await runtime.reason_unusable() is None


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL_BEDROCK_RUNTIME", "AWS_REGION"])
async def test_a_setting_that_makes_no_sense_is_said(
    monkeypatch: pytest.MonkeyPatch, bedrock: StandInBedrock, runtime: BedrockRuntime, name: str
):
    monkeypatch.setenv(name, "not this")

    with pytest.raises(ModelUnavailable):
        await listen(runtime)


@pytest.fixture
async def metadata_requests(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[list[bytes]]:
    """The requests to an instance's metadata service that is there and has no role."""
    requests: list[bytes] = []

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    monkeypatch.delenv("AWS_EC2_METADATA_DISABLED")
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    yield requests
    server.close()


async def test_the_metadata_service_is_not_waited_for_by_each_of_many(
    metadata_requests: list[bytes], runtime: BedrockRuntime
):
    await runtime.reason_unusable()
    n_for_one = len(metadata_requests)

    reasons = await asyncio.gather(*(runtime.reason_unusable() for _ in range(9)))

    assert n_for_one > 0
    assert all(reasons)
    assert len(metadata_requests) == n_for_one


async def test_with_a_bearer_token_the_metadata_service_is_not_asked(
    monkeypatch: pytest.MonkeyPatch, bedrock: StandInBedrock, metadata_requests: list[bytes], runtime: BedrockRuntime
):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", "bearer-secret")

    await listen(runtime)

    assert metadata_requests == []


def test_importing_the_package_loads_neither_strands_nor_an_aws_sdk():
    code = (
        "import sys, magisystem.models.bedrock as bedrock; bedrock.BedrockRuntime();"
        "sys.exit(bool({'strands', 'botocore', 'aiobotocore', 'aiohttp', 'boto3'} & set(sys.modules)))"
    )

    # The code is the line above, run by the interpreter that runs the tests.
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=30).returncode == 0  # noqa: S603
