"""What somebody wants deployed, and how the infrastructure is told."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from magisystem.errors import MagiError, RequestError

Topology = Literal["agentcore", "lambda"]
Mfa = Literal["optional", "required"]

EMBEDDED = "embedded"
BEDROCK = "bedrock:"
# Stacks that do not hang on the topology, and the one of the gateway, by the names in deploy/infrastructure.
REGISTRY, WEB, IDENTITY, RUNTIME, GATEWAY = "Registry", "Web", "Identity", "Runtime", "Gateway"
# Where AgentCore Runtime is, and all else that the stacks hold, as of 2026-11-20. A region that is neither here nor in
# the next list is asked for.
# https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/agentcore-regions.html
REGIONS = frozenset(
    {
        *("us-east-1", "us-east-2", "us-west-1", "us-west-2", "ca-central-1", "sa-east-1"),
        *("eu-central-1", "eu-north-1", "eu-south-1", "eu-west-1", "eu-west-2", "eu-west-3"),
        *("ap-northeast-1", "ap-northeast-2", "ap-south-1", "ap-southeast-1", "ap-southeast-2"),
    }
)
# Where AgentCore Runtime is, but neither Amplify Hosting nor Function URLs.
# https://docs.aws.amazon.com/general/latest/gr/amplify.html
# https://docs.aws.amazon.com/lambda/latest/dg/urls-configuration.html
WITHOUT_PAGES = frozenset({"eu-south-2", "ap-south-2", "ap-southeast-5", "ap-southeast-7"})
# GovCloud, China and the others have names, hosts and prices of their own, which the stacks do not know.
OTHER_PARTITIONS = ("us-gov-", "us-iso", "cn-", "eu-isoe-", "eusc-")


class NotReady(RequestError):
    """Something that a deployment needs is missing here; the lines before have said what."""

    code = "deploy_not_ready"


class StepFailed(MagiError):
    """A step of a deployment failed. Running the command again goes on from there."""

    code = "deploy_step_failed"
    retryable = True


# As in deploy/infrastructure/plan.py, which reads them again.
LOG_DAYS = (7, 14, 30, 90, 180, 365)
IDLE_S = (60, 28_800)


@dataclass(frozen=True, slots=True)
class Tuning:
    """What has a value of its own where nobody gives one (deploy/infrastructure/plan.py)."""

    mfa: Mfa | None = None
    log_days: int | None = None
    idle_s: int | None = None
    reserved_concurrency: int | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """One deployment. The first of ``models`` is what every agent speaks with; the others may be asked for."""

    topology: Topology
    models: tuple[str, ...]
    name: str = "magi"
    origins: tuple[str, ...] = ()
    alarm_email: str | None = None
    tuning: Tuning = Tuning()

    def stack(self, of: str) -> str:
        """Give the name that a stack has in the account."""
        return f"{self.name}-{of.lower()}"

    @property
    def repository(self) -> str:
        """The name of the image's repository."""
        return f"{self.name}-image"


@dataclass(frozen=True, slots=True)
class Found:
    """What the account said; nothing where it was not asked.

    ``behind`` has the foundation models' ARNs of each model that is a profile; ``concurrency`` is how many executions
    the functions of the account may have at once.
    """

    behind: Mapping[str, Sequence[str]] = field(default_factory=dict[str, list[str]])
    concurrency: int | None = None


def context(wanted: Wanted, account: str, region: str, image_tag: str, found: Found) -> str:
    """Give what deploy/infrastructure/plan.py reads, as JSON.

    Args:
        wanted: what is deployed.
        account: twelve digits.
        region: such as ``eu-central-1``.
        image_tag: which image runs.
        found: what the account said.
    """
    values: dict[str, Any] = {
        "topology": wanted.topology,
        "name": wanted.name,
        "account": account,
        "region": region,
        "imageTag": image_tag,
        "models": ",".join(wanted.models),
        "origins": ",".join(wanted.origins),
        "alarmEmail": wanted.alarm_email,
        "mfa": wanted.tuning.mfa,
        "logDays": wanted.tuning.log_days,
        "idleSeconds": wanted.tuning.idle_s,
        "reservedConcurrency": wanted.tuning.reserved_concurrency,
        "concurrency": found.concurrency,
        "foundationModels": {model: list(arns) for model, arns in found.behind.items()},
    }
    return json.dumps({name: value for name, value in values.items() if value}, separators=(",", ":"))
