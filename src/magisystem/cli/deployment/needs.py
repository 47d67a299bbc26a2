"""What must be there before a deployment begins. Everything that is missing is said at once, with what mends it."""

import importlib.util
import re
from collections.abc import Sequence
from dataclasses import dataclass

from magisystem.cli.deployment.account import Account
from magisystem.cli.deployment.tools import CDK, Tools
from magisystem.cli.deployment.wanted import (
    BEDROCK,
    EMBEDDED,
    IDLE_S,
    LOG_DAYS,
    OTHER_PARTITIONS,
    REGIONS,
    WITHOUT_PAGES,
    Found,
    NotReady,
    StepFailed,
    Topology,
    Tuning,
    Wanted,
)

ARCHITECTURE = "linux/arm64"
_NAME = re.compile(r"[a-z][a-z0-9]{0,15}")
_REGION = re.compile(r"[a-z]{2,4}(?:-[a-z]+)+-\d{1,2}")
# As in deploy/infrastructure/plan.py, which reads them again.
_ORIGIN = re.compile(r"https://[^/\s,*]+|http://(?:localhost|127\.0\.0\.1)(?::\d{1,5})?")
_ADDRESS = re.compile(r"[^@\s,]+@[^@\s,]+")
_NODE_AT_LEAST = 20
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
_NEVER_RESERVED = 100
_STATUS = re.compile(r"^Status:\s+(\w+)", re.MULTILINE)
# A new account's functions may run at once ten times or so; each open stream is one.
_FEW = 100


@dataclass(frozen=True, slots=True)
class Need:
    """One thing, what there is of it, and, where it is missing, what mends that."""

    name: str
    found: str
    mend: str = ""

    @property
    def is_met(self) -> bool:
        """Whether nothing has to be mended."""
        return not self.mend


def local_needs(wanted: Wanted, region: str, tools: Tools) -> list[Need]:
    """Look at this machine, and at what was asked for; calls nobody."""
    return [
        _name(wanted.name),
        _models(wanted.models),
        _region(region),
        *_origins(wanted.origins),
        *_alarm_address(wanted.alarm_email),
        *_tuning(wanted.tuning, wanted.topology),
        _library(),
        _node(tools),
    ]


def account_needs(account: Account) -> tuple[list[Need], str | None]:
    """Look at the account; give its twelve digits, too, where it lets us in."""
    try:
        number = account.id()
    except NotReady as error:
        mend = "Run `aws configure` or `aws sso login`, or set AWS_PROFILE."
        return [Need("Credentials", error.message, mend)], None
    needs = [Need("Credentials", f"of account {number}"), _bootstrap(account, number)]
    if account.region not in REGIONS and not account.has_runtimes():
        needs.append(
            Need("Region", f"AgentCore Runtime does not answer in {account.region}", _other_region(account.region))
        )
    return needs, number


def _bootstrap(account: Account, number: str) -> Need:
    name = "CDK bootstrap"
    try:
        if account.is_bootstrapped():
            return Need(name, f"done in {account.region}")
    except StepFailed as error:
        return Need(name, error.message, "Mend that, or have ssm:GetParameter on /cdk-bootstrap/* allowed to you.")
    command = " ".join([*CDK, "bootstrap", f"aws://{number}/{account.region}"])
    return Need(name, f"not done in {account.region}", f"Once for the account and region: {command}")


def running_needs(account: Account, wanted: Wanted) -> tuple[list[Need], Found]:
    """Ask the account about what will run: the models, and how much of the gateway at once; give what it said."""
    needs, behind = _model_needs(account, wanted.models)
    if wanted.topology != "lambda":
        return needs, Found(behind)
    if (reserved := wanted.tuning.reserved_concurrency) is not None:
        return [*needs, *_room(account, reserved)], Found(behind)
    need, limit = _concurrency(account)
    return [*needs, need], Found(behind, limit)


def _room(account: Account, reserved: int) -> list[Need]:
    limits = account.concurrency()
    if limits is None or reserved <= limits.in_all - _NEVER_RESERVED:
        return []
    most = limits.in_all - _NEVER_RESERVED
    mend = f"Take {most:,} or fewer, or ask" if most > 0 else "Leave --reserved-concurrency out, and ask"
    have = f"{reserved:,} of the {limits.in_all:,} that the account has, of which AWS leaves {_NEVER_RESERVED} to all"
    return [Need("Reserved concurrency", have, f"{mend} AWS for more (Service Quotas, Concurrent executions).")]


def _model_needs(account: Account, models: Sequence[str]) -> tuple[list[Need], dict[str, list[str]]]:
    needs: list[Need] = []
    behind: dict[str, list[str]] = {}
    for model in models:
        if model == EMBEDDED:
            continue
        try:
            found = account.foundation_models(model)
        except NotReady as error:
            page = "https://docs.aws.amazon.com/bedrock/latest/userguide/models-supported.html"
            needs.append(Need("Model", error.message, f"Take one that it has: {page}"))
            continue
        if found:
            behind[model] = found
        unknown = "could not be looked up (bedrock:GetInferenceProfile); its regions are assumed, and named below"
        needs.append(Need("Model", f"{model} {unknown if found is None else f'is offered in {account.region}'}"))
    return needs, behind


def _concurrency(account: Account) -> tuple[Need, int | None]:
    limits = account.concurrency()
    if limits is None:
        unknown = "could not be looked up (lambda:GetAccountSettings); the alarm takes it for 1,000"
        return Need("Concurrency", unknown), None
    limit = limits.unreserved
    few = ", which is few: ask AWS for more (Service Quotas, AWS Lambda, Concurrent executions)" if limit < _FEW else ""
    return Need("Concurrency", f"{limit:,} open streams at once, less what other functions run{few}"), limit


def _name(name: str) -> Need:
    if _NAME.fullmatch(name):
        return Need("Name", f"{name}, the first word of every name in the account")
    return Need("Name", f"{name!r}", "Take up to 16 of a-z and 0-9, a letter first: some services allow no dash.")


def _models(models: Sequence[str]) -> Need:
    if not models:
        return Need(
            "Models",
            "none is given",
            "Add --model bedrock:global.anthropic.claude-sonnet-5, or --model embedded for a trial without tokens.",
        )
    if strangers := [model for model in models if model != EMBEDDED and not model.startswith(BEDROCK)]:
        return Need(
            "Models",
            f"{', '.join(strangers)} cannot be reached with the runtime's role",
            "Take models of Bedrock (bedrock:…), or embedded.",
        )
    return Need(
        "Models", f"{models[0]} speaks for every agent" + (f"; also {', '.join(models[1:])}" if models[1:] else "")
    )


def _region(region: str) -> Need:
    if not region:
        return Need("Region", "none is set", "Add --region eu-central-1 or another one, or set AWS_REGION.")
    if not _REGION.fullmatch(region):
        return Need("Region", f"{region!r} is none", "Add --region eu-central-1 or another one, or set AWS_REGION.")
    if region.startswith(OTHER_PARTITIONS):
        return Need("Region", f"{region} is of another partition than aws", _other_region(region))
    if region in WITHOUT_PAGES:
        return Need("Region", f"{region} has no Amplify Hosting and no Function URLs", _other_region(region))
    return Need("Region", region if region in REGIONS else f"{region}, which is not known to have AgentCore Runtime")


def _origins(origins: Sequence[str]) -> list[Need]:
    if wrong := [origin for origin in origins if not _ORIGIN.fullmatch(origin)]:
        mend = "Give scheme, host and port, without a path: https://magi.example.com, or http://localhost:5173."
        return [Need("Origins", f"{', '.join(map(repr, wrong))} cannot be a page's origin here", mend)]
    return [Need("Origins", f"{', '.join(origins)} may sign in and ask, too")] if origins else []


def _alarm_address(address: str | None) -> list[Need]:
    if address is None:
        return []
    if not _ADDRESS.fullmatch(address):
        return [Need("Alarm address", f"{address!r} is none", "Give one address: --alarm-email you@example.com.")]
    return [Need("Alarm address", address)]


def _tuning(tuning: Tuning, topology: Topology) -> list[Need]:
    needs: list[Need] = []
    if tuning.mfa is not None:
        needs.append(Need("Second factor", f"{tuning.mfa}, by an app"))
    if (days := tuning.log_days) is not None:
        mend = "" if days in LOG_DAYS else f"Take one of {', '.join(map(str, LOG_DAYS))} days."
        needs.append(Need("Logs", f"kept for {days} days", mend))
    if (idle_s := tuning.idle_s) is not None:
        least, most = IDLE_S
        mend = "" if least <= idle_s <= most else f"Take {least} to {most:,} seconds, which is what AgentCore takes."
        needs.append(Need("Idle time", f"{idle_s:,} s, which are paid for after each session's last request", mend))
    if (reserved := tuning.reserved_concurrency) is not None:
        mend = "" if reserved > 0 else "Take 1 or more: with 0 the gateway would answer nobody."
        if topology != "lambda":
            mend = "Leave --reserved-concurrency out, or take --topology lambda: agentcore has no function."
        needs.append(Need("Reserved concurrency", f"{reserved:,}", mend))
    return needs


def _other_region(region: str) -> str:
    near = sorted(each for each in REGIONS if each[:3] == region[:3]) or sorted(REGIONS)
    return f"Take one that has it, such as {', '.join(near[:4])}."


def _library() -> Need:
    if importlib.util.find_spec("aws_cdk"):
        return Need("CDK library", "installed")
    return Need("CDK library", "not installed", "Run `make deploy-setup`.")


def _node(tools: Tools) -> Need:
    version = (tools.output(["node", "--version"]) or "").strip()
    major = version.removeprefix("v").partition(".")[0]
    if major.isdecimal() and int(major) >= _NODE_AT_LEAST and tools.has("npx"):
        return Need("Node and CDK CLI", f"Node {version}, {CDK[-1]} by npx")
    return Need(
        "Node and CDK CLI", f"Node {version or 'is not there'}", "Run `make setup`, which brings Node into .venv."
    )


def docker_need(tools: Tools, *, is_dry: bool) -> Need:
    """Look whether Docker builds for the runtime's processors.

    A builder that is not running says nothing of itself. It is started, which may fetch its image, but not where
    ``is_dry``.
    """
    if not tools.has("docker"):
        return Need("Docker", "not there", "Install Docker with buildx: https://docs.docker.com/engine/install/")
    if not tools.succeeds(["docker", "info"]):
        return Need("Docker", "does not answer", "Start Docker; on Linux, your user must be allowed to use it.")
    platforms = tools.output(["docker", "buildx", "inspect", *([] if is_dry else ["--bootstrap"])])
    if platforms is None:
        return Need("Docker", "has no buildx", "Install it: https://docs.docker.com/build/install-buildx/")
    if is_dry and ARCHITECTURE not in platforms and set(_STATUS.findall(platforms)) != {"running"}:
        return Need("Docker", f"there; whether it builds for {ARCHITECTURE} shows when its builder is started")
    if ARCHITECTURE not in platforms:
        mend = "Once on this machine: docker run --privileged --rm tonistiigi/binfmt --install arm64"
        return Need("Docker", f"cannot build for {ARCHITECTURE}, which AgentCore asks for", mend)
    return Need("Docker", f"builds for {ARCHITECTURE}")
