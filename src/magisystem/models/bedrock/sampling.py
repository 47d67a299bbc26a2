"""Which sampling fields which model on Bedrock takes. Pure.

A field that a model refuses fails the whole request ("ValidationException: `temperature` is deprecated for this
model"), so what is refused is left out here and named, for the trace to show.
"""

import re
from dataclasses import dataclass
from enum import Enum
from typing import Any

from magisystem.council.agents import Sampling

# Always sent: without it Bedrock counts a model's whole output limit against the quota of tokens a minute.
# https://docs.aws.amazon.com/bedrock/latest/userguide/quotas-token-burndown.html
DEFAULT_MAX_TOKENS = 4096

# The newest Claude models take a topP from here on; below it they refuse the request as they do for `temperature`.
_LEAST_TOP_P = 0.99

# `anthropic.claude-opus-4-6-v1`, `us.anthropic.claude-haiku-4-5-20251001-v1:0`,
# `…inference-profile/jp.anthropic.claude-…`:
# a geography's prefix is a word and a dot (us. eu. apac. jp. au. ca. us-gov. global., and those to come).
_CLAUDE = re.compile(r"(?:^|[./])anthropic\.claude-(?P<rest>.+)$")
# From Claude 4 on, the family comes before the version; a second number is a minor version unless it is a date.
_FAMILY_FIRST = re.compile(r"[a-z]+-(?P<major>\d{1,2})(?!\d)(?:-(?P<minor>\d{1,2})(?!\d))?")
_VERSION_FIRST = re.compile(r"(?:v?\d|instant)")
# Every other kind of ARN ends in an id that AWS drew, from which the model behind it cannot be read.
_TELLING_RESOURCES = ("inference-profile/", "foundation-model/")


class _Taste(Enum):
    OPEN = "takes every field of Converse"
    CLAUDE = "takes top_k too"
    ONE_OF_TWO = "takes temperature or topP, not both"
    FIXED = "takes neither temperature nor top_k, and topP only near 1"
    UNKNOWN = "cannot be told from the id"


@dataclass(frozen=True, slots=True)
class SamplingFields:
    """What to send: ``inference_config`` and ``additional_fields`` as Converse names them.

    ``dropped`` names the fields of `Sampling` that were set but are not sent, since the model would refuse them.
    """

    inference_config: dict[str, Any]
    additional_fields: dict[str, Any]
    dropped: tuple[str, ...]


def sampling_fields(model_id: str, sampling: Sampling) -> SamplingFields:
    """Give the fields of a Converse request that carry ``sampling`` for the model ``model_id``.

    Args:
        model_id: a model's id, an inference profile's id, or the ARN of either.
        sampling: what is wished; what is ``None`` is left to the model, but for the limit on its output.

    Sources: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InferenceConfiguration.html for the
    fields, https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages.html for
    ``top_k``; what is refused by whom is told by the ValidationExceptions "`temperature` is deprecated for this model"
    (Opus 4.7 and all of 5) and "`temperature` and `top_p` cannot both be specified for this model" (Opus 4.1 to 4.6).
    """
    config: dict[str, Any] = {"maxTokens": sampling.max_tokens or DEFAULT_MAX_TOKENS}
    additional: dict[str, Any] = {}
    dropped: list[str] = []
    taste = _taste(model_id)

    if sampling.temperature is not None:
        if taste in (_Taste.FIXED, _Taste.UNKNOWN):
            dropped.append("temperature")
        else:
            config["temperature"] = sampling.temperature
    if sampling.top_p is not None:
        if _takes_top_p(taste, sampling.top_p, has_temperature="temperature" in config):
            config["topP"] = sampling.top_p
        else:
            dropped.append("top_p")
    if sampling.top_k is not None:
        if taste in (_Taste.CLAUDE, _Taste.ONE_OF_TWO):
            additional["top_k"] = sampling.top_k
        else:
            dropped.append("top_k")
    return SamplingFields(config, additional, tuple(dropped))


def _takes_top_p(taste: _Taste, top_p: float, *, has_temperature: bool) -> bool:
    match taste:
        case _Taste.OPEN | _Taste.CLAUDE:
            return True
        case _Taste.ONE_OF_TWO:
            return not has_temperature
        case _Taste.FIXED:
            return top_p >= _LEAST_TOP_P
        case _Taste.UNKNOWN:
            return False


def _taste(model_id: str) -> _Taste:
    if model_id.startswith("arn:") and not model_id.split(":", 5)[-1].startswith(_TELLING_RESOURCES):
        return _Taste.UNKNOWN
    claude = _CLAUDE.search(model_id)
    if claude is None:
        return _Taste.OPEN
    rest = claude["rest"]
    if _VERSION_FIRST.match(rest):
        return _Taste.CLAUDE
    named = _FAMILY_FIRST.match(rest)
    if named is None:
        # A form of name not seen yet is a newer model's; the newest refuse most.
        return _Taste.FIXED
    version = (int(named["major"]), int(named["minor"] or 0))
    if version >= (4, 7):
        return _Taste.FIXED
    return _Taste.ONE_OF_TWO if version >= (4, 1) else _Taste.CLAUDE
