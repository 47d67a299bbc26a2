"""What is sent of a sampling to which model on Bedrock."""

from typing import Any

import pytest

from magisystem.council.agents import Sampling
from magisystem.models.bedrock.sampling import sampling_fields

ALL = Sampling(temperature=0.4, top_p=0.9, top_k=50, max_tokens=700)
PREFIXES = ["", "us.", "eu.", "apac.", "jp.", "au.", "ca.", "us-gov.", "global."]
ARNS = [
    "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.",
    "arn:aws-us-gov:bedrock:us-gov-west-1:123456789012:inference-profile/us-gov.",
    "arn:aws:bedrock:us-east-1::foundation-model/",
]

FIXED = [
    "anthropic.claude-opus-4-7",
    "anthropic.claude-opus-4-8",
    "anthropic.claude-opus-4-10",
    "anthropic.claude-opus-5",
    "anthropic.claude-sonnet-5",
    "anthropic.claude-sonnet-5-5",
    "anthropic.claude-haiku-5-5",
    "anthropic.claude-fable-5",
    "anthropic.claude-fable-5-1",
    "anthropic.claude-opus-6-20280101-v1:0",
    "anthropic.claude-opus-10",
    "anthropic.claude-something-new",
]
ONE_OF_TWO = [
    "anthropic.claude-opus-4-1-20250805-v1:0",
    "anthropic.claude-opus-4-5-20251101-v1:0",
    "anthropic.claude-opus-4-6-v1",
    "anthropic.claude-sonnet-4-5-20250929-v1:0",
    "anthropic.claude-sonnet-4-6",
    "anthropic.claude-haiku-4-5-20251001-v1:0",
]
OLDER_CLAUDE = [
    "anthropic.claude-opus-4-20250514-v1:0",
    "anthropic.claude-sonnet-4-20250514-v1:0",
    "anthropic.claude-3-7-sonnet-20250219-v1:0",
    "anthropic.claude-3-5-haiku-20241022-v1:0",
    "anthropic.claude-3-haiku-20240307-v1:0",
    "anthropic.claude-v2:1",
    "anthropic.claude-instant-v1",
]
OTHERS = [
    "amazon.nova-2-lite-v1:0",
    "amazon.nova-pro-v1:0",
    "meta.llama3-3-70b-instruct-v1:0",
    "openai.gpt-oss-120b-1:0",
]
OPAQUE = [
    "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123def456",
    "arn:aws:bedrock:us-east-1:123456789012:provisioned-model/abc123def456",
    "arn:aws:bedrock:us-east-1:123456789012:imported-model/abc123def456",
]


def sent(model_id: str, sampling: Sampling) -> tuple[dict[str, Any], dict[str, Any], tuple[str, ...]]:
    fields = sampling_fields(model_id, sampling)
    return fields.inference_config, fields.additional_fields, fields.dropped


@pytest.mark.parametrize("prefix", [*PREFIXES, *ARNS])
@pytest.mark.parametrize("model_id", FIXED)
def test_the_newest_claude_models_are_sent_nothing_but_a_limit(prefix: str, model_id: str):
    assert sent(prefix + model_id, ALL) == ({"maxTokens": 700}, {}, ("temperature", "top_p", "top_k"))


@pytest.mark.parametrize("top_p", [0.99, 1.0])
def test_the_newest_claude_models_are_sent_a_top_p_near_one(top_p: float):
    assert sent(FIXED[0], Sampling(top_p=top_p)) == ({"maxTokens": 4096, "topP": top_p}, {}, ())


@pytest.mark.parametrize("prefix", [*PREFIXES, *ARNS])
@pytest.mark.parametrize("model_id", ONE_OF_TWO)
def test_claude_4_is_sent_the_temperature_where_both_are_wished(prefix: str, model_id: str):
    assert sent(prefix + model_id, ALL) == ({"maxTokens": 700, "temperature": 0.4}, {"top_k": 50}, ("top_p",))


@pytest.mark.parametrize("model_id", ONE_OF_TWO)
def test_claude_4_is_sent_top_p_where_it_stands_alone(model_id: str):
    assert sent(model_id, Sampling(top_p=0.5)) == ({"maxTokens": 4096, "topP": 0.5}, {}, ())


@pytest.mark.parametrize("prefix", [*PREFIXES, *ARNS])
@pytest.mark.parametrize("model_id", OLDER_CLAUDE)
def test_older_claude_models_are_sent_everything(prefix: str, model_id: str):
    assert sent(prefix + model_id, ALL) == (
        {"maxTokens": 700, "temperature": 0.4, "topP": 0.9},
        {"top_k": 50},
        (),
    )


@pytest.mark.parametrize("prefix", [*PREFIXES, *ARNS])
@pytest.mark.parametrize("model_id", OTHERS)
def test_other_models_are_sent_everything_that_converse_has(prefix: str, model_id: str):
    assert sent(prefix + model_id, ALL) == ({"maxTokens": 700, "temperature": 0.4, "topP": 0.9}, {}, ("top_k",))


@pytest.mark.parametrize("model_id", OPAQUE)
def test_a_model_that_cannot_be_told_from_its_arn_is_sent_nothing_but_a_limit(model_id: str):
    assert sent(model_id, ALL) == ({"maxTokens": 700}, {}, ("temperature", "top_p", "top_k"))


@pytest.mark.parametrize("model_id", [FIXED[0], ONE_OF_TWO[0], OLDER_CLAUDE[0], OTHERS[0], OPAQUE[0]])
def test_a_limit_is_always_sent_and_what_was_not_wished_is_not_dropped(model_id: str):
    assert sent(model_id, Sampling()) == ({"maxTokens": 4096}, {}, ())


def test_a_temperature_of_zero_is_a_wish():
    assert sent(OTHERS[0], Sampling(temperature=0.0))[0] == {"maxTokens": 4096, "temperature": 0.0}
    assert sent(FIXED[0], Sampling(temperature=0.0))[2] == ("temperature",)
