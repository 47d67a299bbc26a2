"""The AWS settings of a test: none of the machine's own, and those that lead to the stand-in."""

import os
from pathlib import Path

import pytest

from tests.support.bedrock import StandInBedrock

# What no message may hold.
SECRETS = ("AKIDEXAMPLE", "very-secret", "session-secret", "bearer-secret")


def leave_aws_bare(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Take away every AWS setting of the machine, its metadata service too; ``folder`` holds the config files."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(folder / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(folder / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def lead_aws_to(bedrock: StandInBedrock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set region, credentials and endpoint by the environment."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "very-secret")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "session-secret")
    monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", bedrock.url)
