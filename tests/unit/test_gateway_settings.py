"""The gateway's settings: the same variables as the server's, everything wrong at once, and no secret told."""

import pytest
from tests.support.agentcore import ARN

from magisystem.config import Settings
from magisystem.errors import SettingsInvalid
from magisystem.gateway.settings import VARIABLES, read_settings

KEY = "k" * 32
LEAST = {"MAGI_GATEWAY_KEY": KEY, "MAGI_RUNTIME_ARN": ARN}
OIDC = {
    "MAGI_AUTH": "oidc",
    "MAGI_OIDC_DISCOVERY_URL": "https://issuer.example.com/.well-known/openid-configuration",
    "MAGI_OIDC_CLIENTS": "one, two",
}


def faults(environment: dict[str, str], **given: object) -> str:
    with pytest.raises(SettingsInvalid) as refused:
        read_settings(environment, **given)
    return refused.value.message


def test_the_least_that_has_to_be_set_is_a_key_and_an_arn() -> None:
    settings = read_settings(LEAST)
    assert (settings.host, settings.port, settings.oidc, settings.runtime_auth) == ("127.0.0.1", 8080, None, "jwt")
    assert settings.runtime_endpoint == "https://bedrock-agentcore.us-east-1.amazonaws.com"
    assert (settings.region, settings.runtime_qualifier) == ("us-east-1", "DEFAULT")


def test_everything_that_is_wrong_is_said_at_once() -> None:
    told = faults(
        {
            "MAGI_PORT": "70000",
            "MAGI_PLATFORM": "moon",
            "MAGI_AUTH": "basic",
            "MAGI_INSECURE": "perhaps",
            "MAGI_CORS_ORIGINS": "https://a.example.com, b.example.com",
            "MAGI_RUNTIME_ENDPOINT": "https://a.example.com/path",
            "MAGI_RUNTIME_AUTH": "iam",
            "MAGI_RUNTIME_QUALIFIER": "a b",
        }
    )
    for variable in ("PORT", "PLATFORM", "AUTH", "INSECURE", "CORS_ORIGINS", "RUNTIME_ENDPOINT", "RUNTIME_QUALIFIER"):
        assert f"MAGI_{variable} should be " in told
    assert "MAGI_GATEWAY_KEY is missing: it should be " in told
    assert "MAGI_RUNTIME_ARN is missing: it should be " in told
    assert "'70000'" in told
    # From what cannot be read nothing is concluded.
    assert "serves whoever comes" not in told
    both = faults({"MAGI_PORT": "x"}, host="0.0.0.0")  # noqa: S104 - refused
    assert all(part in both for part in ("MAGI_PORT should be", "serves whoever comes", "MAGI_GATEWAY_KEY is missing"))


@pytest.mark.parametrize("key", ["short-secret", "k" * 31])
def test_a_key_that_is_too_short_is_not_shown(key: str) -> None:
    told = faults({**LEAST, "MAGI_GATEWAY_KEY": key})
    assert "MAGI_GATEWAY_KEY should be " in told
    assert key not in told
    assert KEY not in repr(read_settings(LEAST))


@pytest.mark.parametrize(
    "arn",
    ["arn:aws:lambda:us-east-1:123456789012:function:x", f"{ARN}/extra", "magi-0123456789", f"{ARN}\n", "arn:aws:x y"],
)
def test_what_is_no_runtimes_arn_is_refused(arn: str) -> None:
    assert "MAGI_RUNTIME_ARN should be " in faults({**LEAST, "MAGI_RUNTIME_ARN": arn})


def test_others_are_served_unasked_only_where_that_is_said() -> None:
    assert "MAGI_AUTH=none serves whoever comes" in faults(LEAST, host="0.0.0.0")  # noqa: S104 - refused
    assert "MAGI_AUTH=none serves whoever comes" in faults({**LEAST, "MAGI_PLATFORM": "lambda"})
    assert read_settings(LEAST, host="0.0.0.0", insecure=True).host == "0.0.0.0"  # noqa: S104 - asked for
    assert read_settings({**LEAST, **OIDC, "MAGI_PLATFORM": "lambda"}).host == "0.0.0.0"  # noqa: S104 - asked for


def test_an_issuer_without_anything_to_hold_its_tokens_to_is_refused() -> None:
    settings = read_settings({**LEAST, **OIDC})
    assert settings.oidc is not None
    assert settings.oidc.clients == ("one", "two")
    told = faults({**LEAST, **OIDC, "MAGI_OIDC_CLIENTS": ""})
    assert "MAGI_OIDC_CLIENTS" in told
    assert "MAGI_OIDC_DISCOVERY_URL" in faults({**LEAST, **OIDC, "MAGI_OIDC_DISCOVERY_URL": ""})


def test_the_endpoint_is_ours_then_awss_own_variables_then_the_regions() -> None:
    aws = {**LEAST, "AWS_ENDPOINT_URL_BEDROCK_AGENTCORE": "http://localhost:9000/"}
    assert read_settings(aws).runtime_endpoint == "http://localhost:9000"
    both = {**aws, "MAGI_RUNTIME_ENDPOINT": "http://localhost:9001"}
    assert read_settings(both).runtime_endpoint == "http://localhost:9001"
    china = {**LEAST, "MAGI_RUNTIME_ARN": ARN.replace("aws:", "aws-cn:", 1).replace("us-east-1", "cn-north-1")}
    assert read_settings(china).runtime_endpoint == "https://bedrock-agentcore.cn-north-1.amazonaws.com.cn"


def test_a_variable_that_the_server_has_too_has_its_name() -> None:
    ours = {name.removeprefix("MAGI_").lower() for name in VARIABLES if not name.startswith(("MAGI_RUNTIME_", "AWS_"))}
    assert ours <= set(Settings.model_fields)
