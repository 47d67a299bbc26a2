"""What is set wrongly, or against itself, is refused with its name and without its secrets."""

import pytest

from magisystem.config import read_configuration
from magisystem.errors import SettingsInvalid

DISCOVERY = "https://issuer.example.com/.well-known/openid-configuration"


@pytest.mark.parametrize(
    "given",
    [
        {"MAGI_OIDC_DISCOVERY_URL": DISCOVERY, "MAGI_OIDC_CLIENTS": "web", "MAGI_INSECURE": "true"},
        {"MAGI_OIDC_CLIENTS": "web", "MAGI_AUTH": "none"},
        {"MAGI_OIDC_AUDIENCE": "api"},
    ],
)
def test_whose_tokens_are_taken_cannot_be_said_where_none_is_asked_for(
    given: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsInvalid, match="MAGI_AUTH"):
        read_configuration()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OLLAMA_HOST", "ftp://me:s3cret@models.example.com"),
        ("MAGI_OPENAI_COMPATIBLE_BASE_URL", "ftp://me:s3cret@models.example.com"),
        ("MAGI_CORS_ORIGINS", "ftp://me:s3cret@models.example.com"),
        ("MAGI_OIDC_DISCOVERY_URL", "https://me:s3c@ret@models.example.com/elsewhere"),
        ("MAGI_GATEWAY_KEY", "s3cret"),
    ],
)
def test_a_setting_that_is_wrong_is_named_without_the_password_in_it(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAGI_AUTH", "oidc")
    monkeypatch.setenv("MAGI_OIDC_CLIENTS", "web")
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsInvalid, match=name) as refused:
        read_configuration()
    assert "s3c" not in refused.value.message


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"MAGI_WORKERS": "0"}, "MAGI_WORKERS"),
        ({"MAGI_WORKERS": "65"}, "MAGI_WORKERS"),
        ({"MAGI_WORKERS": "2", "MAGI_PLATFORM": "agentcore"}, "MAGI_PLATFORM=agentcore"),
        ({"MAGI_WORKERS": "2", "MAGI_PLATFORM": "lambda"}, "MAGI_PLATFORM=lambda"),
    ],
)
def test_a_number_of_workers_that_there_cannot_be_is_refused(
    given: dict[str, str], named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsInvalid, match=named):
        read_configuration()


def test_workers_together_keep_to_an_owners_limits() -> None:
    settings = read_configuration(workers=3, owner_requests_per_minute=100, owner_open=10, owner_running=5).settings
    assert (settings.requests_per_minute, settings.open_per_owner) == (34, 4)
    # Counted in the log, for all of them.
    assert settings.running_per_owner == 5
    assert read_configuration(workers=3).settings.requests_per_minute is None
