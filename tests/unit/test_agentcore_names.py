"""A runtime's ARN and the data plane: read alike by the client and by the gateway."""

import pytest

from magisystem.client import is_runtime
from magisystem.client.address import address_of
from magisystem.errors import MagiError
from magisystem.gateway.settings import read_settings
from magisystem.protocol.agentcore import ARN_EXAMPLE, RuntimeArn, data_plane, is_runtime_arn

LEAST = {"MAGI_GATEWAY_KEY": "k" * 32}
TAKEN = [
    ARN_EXAMPLE,
    f"{ARN_EXAMPLE}/runtime-endpoint/live",
    ARN_EXAMPLE.replace("arn:aws:", "arn:aws-us-gov:"),
    ARN_EXAMPLE.replace("magi-", "my_own-magi-"),
]
REFUSED = [
    ARN_EXAMPLE.replace("bedrock-agentcore", "lambda"),
    ARN_EXAMPLE.replace("123456789012", "12"),
    ARN_EXAMPLE.replace("arn:aws:", "arn:awsome:"),
    f"{ARN_EXAMPLE}\n",
    f"{ARN_EXAMPLE}/extra",
    f"{ARN_EXAMPLE}/runtime-endpoint/",
    f"{ARN_EXAMPLE}/runtime-endpoint/1st",
    "arn:aws:bedrock-agentcore:us-east-1:123456789012:runtime/",
    "arn:aws:bedrock-agentcore:us-east-1:１２３４５６７８９０１２:runtime/magi-AbCdEf1234",
]


@pytest.mark.parametrize("arn", TAKEN)
def test_what_the_client_takes_for_a_runtime_the_gateway_takes_too_and_calls_at_the_same_url(arn: str) -> None:
    settings = read_settings({**LEAST, "MAGI_RUNTIME_ARN": arn})
    assert is_runtime(arn)
    assert settings.invocations == address_of(arn).invocations


@pytest.mark.parametrize("arn", REFUSED)
def test_what_is_no_runtimes_arn_is_refused_by_both(arn: str) -> None:
    assert not is_runtime_arn(arn)
    for read in (lambda: address_of(arn), lambda: read_settings({**LEAST, "MAGI_RUNTIME_ARN": arn})):
        with pytest.raises(MagiError):
            read()


def test_the_qualifier_that_is_named_goes_above_the_arns_own() -> None:
    arn = RuntimeArn("arn:x/y", "us-east-1", "live")
    assert arn.invocations("http://h") == "http://h/runtimes/arn%3Ax%2Fy/invocations?qualifier=live"
    assert arn.invocations("http://h", "test").endswith("?qualifier=test")
    assert RuntimeArn("a", "r").invocations("http://h").endswith("?qualifier=DEFAULT")
    of_endpoint = {**LEAST, "MAGI_RUNTIME_ARN": f"{ARN_EXAMPLE}/runtime-endpoint/live"}
    assert read_settings({**of_endpoint, "MAGI_RUNTIME_QUALIFIER": "test"}).invocations.endswith("?qualifier=test")


def test_china_has_a_domain_of_its_own() -> None:
    assert data_plane("cn-north-1") == "https://bedrock-agentcore.cn-north-1.amazonaws.com.cn"
    assert data_plane("us-east-1") == "https://bedrock-agentcore.us-east-1.amazonaws.com"
