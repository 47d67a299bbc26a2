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

# Where profiles of a geography are assumed to route to: the regions of that geography in which Bedrock is, put together
# from the map and not from the profiles' own lists, which an account alone is told. `magi deploy` asks the account
# (GetInferenceProfile) and passes the answer on, which goes before this table; where it is used, `assumed` says so, and
# so does the synthesis. A region too many allows nothing, since models are allowed through their profile alone; one too
# few lets calls fail that are routed there.
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
    """The ARNs of one model. ``profile`` is None where the model is called without one; ``anywhere`` has no region.

    ``assumed`` are the regions that nobody was asked about: those of the table.
    """

    profile: str | None
    foundation_models: tuple[str, ...]
    anywhere: str | None = None
    assumed: tuple[str, ...] = ()


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
    # What the account knows as a profile is one, also of a geography that is new since this was written.
    if prefix != GLOBAL and prefix not in DESTINATIONS and not found:
        return AllowedModel(None, (_foundation_model(region, model),))
    profile = f"arn:aws:bedrock:{region}:{account}:inference-profile/{model}"
    here = _foundation_model(region, rest)
    if prefix == GLOBAL:
        return AllowedModel(profile, (here,), _foundation_model("", rest))
    if found:
        return AllowedModel(profile, tuple(sorted({here, *found})))
    assumed = tuple(sorted({region, *DESTINATIONS[prefix]}))
    return AllowedModel(profile, tuple(_foundation_model(each, rest) for each in assumed), assumed=assumed)


def _foundation_model(region: str, model: str) -> str:
    return f"arn:aws:bedrock:{region}::foundation-model/{model}"
