"""Which ARNs a role must be allowed, so that a model can be called: the profile's own, and the models' behind it.

An inference profile is called in one region and answered in another. Bedrock asks for permission on the profile in the
calling region **and** on the foundation model in every region that the profile may route to; without one of them calls
fail now and then, when they happen to be routed there.
https://docs.aws.amazon.com/bedrock/latest/userguide/geographic-cross-region-inference.html

A `global.` profile routes to regions that cannot be listed. Its rule has three parts instead: the profile, the model in
the calling region, and the model's ARN without a region, requested as `unspecified`.
https://docs.aws.amazon.com/bedrock/latest/userguide/global-cross-region-inference.html
"""

import re
from dataclasses import dataclass

_PROVIDER = "bedrock:"
_EMBEDDED = "embedded"
_ID = re.compile(r"[a-z0-9][a-z0-9-]*(?:\.[a-z0-9][a-z0-9-]*)+(?::\d+){0,2}")
GLOBAL = "global"

# Where profiles of a geography may route to, collected on 2026-11-20 from the models' pages; a union over models, for a
# profile's own list is known to an account only. `magi deploy` asks the account (GetInferenceProfile) and passes the
# answer on; this table serves synthesis without one.
DESTINATIONS = {
    "us": ("us-east-1", "us-east-2", "us-west-1", "us-west-2"),
    "eu": (
        "eu-central-1",
        "eu-central-2",
        "eu-north-1",
        "eu-south-1",
        "eu-south-2",
        "eu-west-1",
        "eu-west-2",
        "eu-west-3",
    ),
    "apac": (
        "ap-northeast-1",
        "ap-northeast-2",
        "ap-northeast-3",
        "ap-south-1",
        "ap-south-2",
        "ap-southeast-1",
        "ap-southeast-2",
        "ap-southeast-3",
        "ap-southeast-4",
    ),
    "jp": ("ap-northeast-1", "ap-northeast-3"),
    "au": ("ap-southeast-2", "ap-southeast-4"),
    "ca": ("ca-central-1", "ca-west-1"),
}


class ModelNotDeployable(Exception):
    """A model cannot be called with the runtime's role; the message says why."""


@dataclass(frozen=True, slots=True)
class AllowedModel:
    """The ARNs of one model. ``profile`` is None where the model is called without one; ``anywhere`` has no region."""

    profile: str | None
    foundation_models: tuple[str, ...]
    anywhere: str | None = None


def allowed_model(name: str, account: str, region: str, found: list[str] | None = None) -> AllowedModel | None:
    """Give what calling ``name`` in ``region`` needs; None for the embedded advisor, which calls nothing.

    Args:
        name: as in ``MAGI_MODEL``: ``bedrock:us.anthropic.claude-sonnet-5``.
        account: whose profiles they are.
        region: where it is called.
        found: the foundation models' ARNs that the account itself gave for the profile.

    Raises:
        ModelNotDeployable: it is of another provider, or its id is none.
    """
    if name == _EMBEDDED:
        return None
    model = name.removeprefix(_PROVIDER)
    if not name.startswith(_PROVIDER) or not _ID.fullmatch(model):
        raise ModelNotDeployable(
            f"{name!r} cannot be reached with the runtime's role. Take a model of Bedrock, such as "
            "bedrock:global.anthropic.claude-sonnet-5, or embedded, which needs none."
        )
    prefix, _, rest = model.partition(".")
    if prefix != GLOBAL and prefix not in DESTINATIONS:
        return AllowedModel(None, (_foundation_model(region, model),))
    profile = f"arn:aws:bedrock:{region}:{account}:inference-profile/{model}"
    here = _foundation_model(region, rest)
    if prefix == GLOBAL:
        return AllowedModel(profile, (here,), _foundation_model("", rest))
    there = found or [_foundation_model(each, rest) for each in DESTINATIONS[prefix]]
    return AllowedModel(profile, tuple(sorted({here, *there})))


def _foundation_model(region: str, model: str) -> str:
    return f"arn:aws:bedrock:{region}::foundation-model/{model}"
