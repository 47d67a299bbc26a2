"""What is to be deployed, as the context of the command line says it. `magi deploy` writes that context."""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from infrastructure.models import AllowedModel, allowed_model

Topology = Literal["agentcore", "lambda"]
Mfa = Literal["optional", "required"]

# A prefix of names which some services allow no dash in (a runtime's is [a-zA-Z][a-zA-Z0-9_]{0,47}), others no capital.
_NAME = re.compile(r"[a-z][a-z0-9]{0,15}")
_ACCOUNT = re.compile(r"\d{12}")
# Of AWS's own partition: the others' ARNs and hosts are not those that the stacks write.
_REGION = re.compile(r"(?!cn-|us-gov-|us-iso|eu-isoe)[a-z]{2}(?:-[a-z]+)+-\d")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_ADDRESS = re.compile(r"[^@\s,]+@[^@\s,]+")
_ORIGIN = re.compile(r"https://[^/\s,*]+|http://(?:localhost|127\.0\.0\.1)(?::\d{1,5})?")
# How long logs may be kept, in days. A few of the choices that CloudWatch has.
LOG_DAYS = (7, 14, 30, 90, 180, 365)


class PlanInvalid(Exception):
    """A value of the context is missing or cannot be used; the message names it and says what it should be."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One deployment. ``origins`` are those of web pages besides the deployed one, as for development."""

    topology: Topology
    account: str
    region: str
    image_tag: str
    models: tuple[AllowedModel, ...]
    default_model: str
    name: str = "magi"
    origins: tuple[str, ...] = ()
    log_days: int = 30
    # A session's machine is kept this long after its last request; its memory is paid for meanwhile.
    idle_s: int = 900
    mfa: Mfa = "optional"
    reserved_concurrency: int | None = None
    # What the account's functions may run at once in the region. Until AWS is asked for more or less, this is the quota
    # of most accounts: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
    concurrency: int = 1_000
    alarm_email: str | None = None

    @property
    def repository(self) -> str:
        """The name of the image's repository."""
        return f"{self.name}-image"

    @property
    def image_uri(self) -> str:
        """The image as the platforms name it."""
        return f"{self.account}.dkr.ecr.{self.region}.amazonaws.com/{self.repository}:{self.image_tag}"

    @property
    def sign_in_prefix(self) -> str:
        """The first label of the sign-in pages' host: unique in the region, the same in every run, no account in it."""
        return f"{self.name}-{hashlib.sha256(f'{self.account}/{self.region}'.encode()).hexdigest()[:12]}"


def read_plan(context: Callable[[str], Any]) -> Plan:
    """Read the plan from what ``-c name=value`` set; lists have commas between.

    Raises:
        PlanInvalid: a value is missing or wrong.
    """

    def words(name: str) -> tuple[str, ...]:
        return tuple(word.strip() for word in str(context(name) or "").split(",") if word.strip())

    def number(name: str, default: int, least: int, most: int) -> int:
        given = str(context(name) or default)
        if not given.isdecimal() or not least <= int(given) <= most:
            raise PlanInvalid(f"{name} should be a whole number from {least} to {most}; it is {given!r}.")
        return int(given)

    def text(name: str, form: re.Pattern[str], example: str, default: str | None = None) -> str:
        given = str(context(name) or default or "")
        if not form.fullmatch(given):
            raise PlanInvalid(f"{name} should be such as {example}; it is {given!r}.")
        return given

    topology = context("topology")
    if topology not in {"agentcore", "lambda"}:
        raise PlanInvalid(f"topology should be agentcore or lambda; it is {topology!r}.")
    mfa = context("mfa") or "optional"
    if mfa not in {"optional", "required"}:
        raise PlanInvalid(f"mfa should be optional or required; it is {mfa!r}.")
    region = text("region", _REGION, "eu-central-1")
    account = text("account", _ACCOUNT, "123456789012")
    named = words("models")
    if not named:
        raise PlanInvalid("models should name at least one, such as bedrock:global.anthropic.claude-sonnet-5.")
    log_days = number("logDays", 30, 1, 365)
    if log_days not in LOG_DAYS:
        raise PlanInvalid(f"logDays should be one of {', '.join(map(str, LOG_DAYS))}; it is {log_days}.")
    for origin in (origins := words("origins")):
        if not _ORIGIN.fullmatch(origin):
            raise PlanInvalid(f"origins should be such as https://magi.example.com; one is {origin!r}.")
    found: dict[str, list[str]] = context("foundationModels") or {}
    reserved = context("reservedConcurrency")
    return Plan(
        topology=topology,
        account=account,
        region=region,
        image_tag=text("imageTag", _TAG, "3f2a91"),
        models=tuple(
            allowed
            for model in named
            if (allowed := allowed_model(model, account, region, found.get(model))) is not None
        ),
        default_model=named[0],
        name=text("name", _NAME, "magi", "magi"),
        origins=origins,
        log_days=log_days,
        idle_s=number("idleSeconds", 900, 60, 28_800),
        mfa=mfa,
        reserved_concurrency=number("reservedConcurrency", 0, 1, 100_000) if reserved else None,
        concurrency=number("concurrency", 1_000, 1, 10_000_000),
        alarm_email=text("alarmEmail", _ADDRESS, "somebody@example.com") if context("alarmEmail") else None,
    )
