"""`magi deploy` and `magi destroy`: what is missing, the steps one after the other, and what to do next.

Every step may be repeated: stacks that are as wanted are left alone, an image whose sources have not changed is not
built again, and an upload replaces what an interrupted one left behind.
"""

import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import typer

from magisystem.cli.deployment.account import Account
from magisystem.cli.deployment.checkout import find_checkout, image_tag
from magisystem.cli.deployment.hosting import Hosting
from magisystem.cli.deployment.needs import ARCHITECTURE, Need, account_needs, docker_need, local_needs, running_needs
from magisystem.cli.deployment.site import site, web_config
from magisystem.cli.deployment.tools import CDK, Tools, shown
from magisystem.cli.deployment.wanted import (
    EMBEDDED,
    GATEWAY,
    IDENTITY,
    REGISTRY,
    RUNTIME,
    WEB,
    Found,
    NotReady,
    StepFailed,
    Wanted,
    context,
)

_BUILD = "build/deploy"
_ASSEMBLY = f"{_BUILD}/cdk.out"
_BUNDLE = f"{_BUILD}/web"
# What a dry run writes where the account would stand.
_NOBODY = "000000000000"


@dataclass(frozen=True, slots=True)
class _Step:
    """``shown`` is what a person would type or be told; ``act`` does it. Some are done in a dry run, too."""

    title: str
    shown: str
    act: Callable[[], None]
    is_dry: bool = False


def run_deploy(wanted: Wanted, region: str | None, *, is_dry: bool, is_agreed: bool, tools: Tools | None = None) -> int:
    """Deploy, or show how it would be done.

    Raises:
        NotReady: something is missing; it was written before.
        StepFailed: a step failed; what was done before it stands.
    """
    tools = tools or Tools(find_checkout(), _write)
    account = Account(region)
    needs = [*local_needs(wanted, account.region, tools), docker_need(tools, is_dry=is_dry)]
    number: str | None = _NOBODY
    found = Found()
    if not is_dry and all(need.is_met for need in needs):
        of_account, number = account_needs(account)
        needs += of_account
        if number is not None:
            of_what_runs, found = running_needs(account, wanted)
            needs += of_what_runs
    _say(needs, tools.write)
    missing = [need for need in needs if not need.is_met]
    # A dry run goes on without Docker and Node's CLI; it cannot synthesise without these.
    if (missing and not is_dry) or {need.name for need in missing} - {"Docker", "Node and CDK CLI"}:
        raise NotReady(f"{len(missing)} of {len(needs)} things are missing; the lines above say how to mend each.")
    number = number or _NOBODY
    if not is_dry:
        _agree(f"Deploy the topology {wanted.topology} into account {number}, {account.region}?", is_agreed=is_agreed)
    steps = _deploying(wanted, account, number, tools, found, is_agreed=is_agreed)
    _walk(steps, tools.write, is_dry=is_dry)
    if is_dry:
        tools.write(f"\nNothing was deployed, and AWS was not called. The templates are in {_ASSEMBLY}.\n")
    else:
        _conclude(wanted, account, tools.write)
    return 0


def run_destroy(wanted: Wanted, region: str | None, *, is_agreed: bool, tools: Tools | None = None) -> int:
    """Delete everything that `magi deploy` made in the region, of either topology.

    Raises:
        NotReady: something is missing; it was written before.
        StepFailed: a step failed; running it again goes on from there.
    """
    tools = tools or Tools(find_checkout(), _write)
    account = Account(region)
    needs = local_needs(wanted, account.region, tools)
    number: str | None = None
    if all(need.is_met for need in needs):
        of_account, number = account_needs(account)
        needs += of_account
    _say(needs, tools.write)
    missing = [need for need in needs if not need.is_met]
    if missing or number is None:
        raise NotReady(f"{len(missing)} of {len(needs)} things are missing; the lines above say how to mend each.")
    _agree(
        f"Delete {wanted.name} from account {number}, {account.region}: the people who may sign in, the images, the "
        "logs, the web client and what is deliberated?",
        is_agreed=is_agreed,
    )
    _walk(_destroying(wanted, account, number, tools), tools.write, is_dry=False)
    tools.write(
        "\nEverything is deleted. The CDK's own stack (CDKToolkit) stays, and the templates in its bucket; other "
        f"applications may use it. If a session was still ending, a log group {_runtime_logs(wanted)}… may come back.\n"
    )
    return 0


def _deploying(
    wanted: Wanted, account: Account, number: str, tools: Tools, found: Found, *, is_agreed: bool
) -> list[_Step]:
    tag = image_tag(tools.checkout)
    registry = f"{number}.dkr.ecr.{account.region}.amazonaws.com"
    image = f"{registry}/{wanted.repository}:{tag}"
    approval = ("--require-approval", "never" if is_agreed else "broadening")
    deploy = (*CDK, "deploy", "--app", _ASSEMBLY, *approval)
    # Lambda takes no image with an attestation beside it: https://docs.aws.amazon.com/lambda/latest/dg/python-image.html
    build = (
        *("docker", "buildx", "build", "--platform", ARCHITECTURE, "--provenance=false", "--sbom=false"),
        *("--file", "deploy/Dockerfile", "--tag", image, "--push", "."),
    )
    login = ("docker", "login", "--username", "AWS", "--password-stdin", registry)

    def push() -> None:
        if account.has_image(wanted.repository, tag):
            tools.write(f"  The image of these sources is there already ({tag}).\n")
            return
        tools.run(login, secret_input=account.registry_password())
        try:
            tools.run(build)
        except StepFailed:
            # Tags never move, so of two who push the same sources at once the second is refused.
            if not account.has_image(wanted.repository, tag):
                raise
            tools.write(f"  Somebody else has pushed the image of these sources meanwhile ({tag}).\n")

    def keep_logs() -> None:
        outputs = account.outputs(wanted.stack(RUNTIME))
        account.keep_logs(outputs["LogGroup"], int(outputs["LogDays"]))

    return [
        _synthesis(context(wanted, number, account.region, tag, found), tools),
        _command("Make the repository of the image", (*deploy, "--exclusively", REGISTRY), tools),
        _Step("Build the image and push it", f"{shown(login)}\n  {shown(build)}", push),
        _command("Deploy the other stacks", (*deploy, "--all"), tools),
        _Step("Set how long the runtime's log is kept", "logs:PutRetentionPolicy", keep_logs),
        *_web_steps(wanted, account, tools),
    ]


def _web_steps(wanted: Wanted, account: Account, tools: Tools) -> list[_Step]:
    npm = ("npm", "--prefix", "web")
    to_bundle = ("run", "build", "--", "--outDir", f"../{_BUNDLE}", "--emptyOutDir", "--logLevel", "warn")

    def upload() -> None:
        outputs = _outputs(wanted, account)
        bundle = site(tools.checkout / _BUNDLE, web_config(wanted.topology, account.region, outputs))
        hosting = Hosting(account.amplify(), outputs["AppId"], outputs["BranchName"], tools.checkout / _BUILD)
        hosting.publish(bundle)

    return [
        _command("Install what builds the web client", (*npm, "ci", "--no-audit", "--no-fund"), tools),
        _command("Build the web client", (*npm, *to_bundle), tools),
        _Step(
            "Write config.json from the stacks' outputs, and upload the web client",
            "amplify:CreateDeployment, StartDeployment, GetJob",
            upload,
        ),
    ]


def _destroying(wanted: Wanted, account: Account, number: str, tools: Tools) -> list[_Step]:
    # The stacks of both topologies, whichever is there: those that are not there take no time.
    everything = context(Wanted("lambda", (EMBEDDED,), wanted.name), number, account.region, "none", Found())
    # By name and not by the stack's output, which is gone where this was interrupted after the stacks. It has those of
    # runtimes, too, that an update replaced.
    groups = _runtime_logs(wanted)
    return [
        _synthesis(everything, tools),
        _command("Delete the stacks", (*CDK, "destroy", "--app", _ASSEMBLY, "--all", "--force"), tools),
        _Step("Delete the runtime's log", f"logs:DeleteLogGroup {groups}*", lambda: account.forget_logs(groups)),
    ]


def _runtime_logs(wanted: Wanted) -> str:
    return f"/aws/bedrock-agentcore/runtimes/{wanted.name}_server-"


def _synthesis(values: str, tools: Tools) -> _Step:
    given = {"CDK_OUTDIR": str(tools.checkout / _ASSEMBLY), "CDK_CONTEXT_JSON": values}
    # By this very Python: what made these options has the CDK's library beside it.
    command = (sys.executable, "app.py")

    def act() -> None:
        # Templates of stacks that another topology had must not stay behind.
        shutil.rmtree(tools.checkout / _ASSEMBLY, ignore_errors=True)
        tools.run(command, folder="deploy", given=given)

    return _Step("Synthesise the stacks", shown(("python", "app.py"), given, "deploy"), act, is_dry=True)


def _command(title: str, command: Sequence[str], tools: Tools) -> _Step:
    return _Step(title, shown(command), lambda: tools.run(command))


def _outputs(wanted: Wanted, account: Account) -> dict[str, str]:
    stacks = [WEB, IDENTITY, RUNTIME, *([GATEWAY] if wanted.topology == "lambda" else [])]
    return {name: value for stack in stacks for name, value in account.outputs(wanted.stack(stack)).items()}


def _walk(steps: Sequence[_Step], write: Callable[[str], None], *, is_dry: bool) -> None:
    for place, step in enumerate(steps, start=1):
        write(f"\n[{place}/{len(steps)}] {step.title}\n  {step.shown}\n")
        if step.is_dry or not is_dry:
            step.act()


def _conclude(wanted: Wanted, account: Account, write: Callable[[str], None]) -> None:
    outputs = _outputs(wanted, account)
    pool, client, region = outputs["UserPoolId"], outputs["ClientId"], account.region
    backend = outputs["GatewayUrl"].rstrip("/") if wanted.topology == "lambda" else outputs["RuntimeArn"]
    write(
        f"\nThe web client:  {outputs['WebUrl']}\nThe backend:     {backend}\n"
        "\nInvite somebody (a password comes by mail):\n"
        f"  aws cognito-idp admin-create-user --region {region} --user-pool-id {pool} --username you@example.com "
        # Else nobody who forgets a password gets a new one: https://repost.aws/knowledge-center/cognito-forgot-password
        "--user-attributes Name=email,Value=you@example.com Name=email_verified,Value=true\n"
        "Get a token without a browser, once the first password is changed:\n"
        f"  {_to_get_a_token(region, pool, client)}\n"
        f"See whether this path streams:\n  magi doctor {backend} --origin {outputs['WebUrl']}\n"
    )
    gateway = wanted.stack(GATEWAY)
    if wanted.topology == "agentcore" and account.outputs(gateway):
        write(
            f"The gateway of topology lambda still stands, and its URL still answers. If nobody uses it, delete it:\n"
            f"  aws cloudformation delete-stack --region {region} --stack-name {gateway}\n"
        )
    if wanted.alarm_email is not None:
        write(f"{wanted.alarm_email} has to confirm by the link in AWS's mail; until then alarms are sent to nobody.\n")


def _to_get_a_token(region: str, pool: str, client: str) -> str:
    """Give a line that asks for the password: as an argument it would stand in the process list and the history."""
    asked = """{"USERNAME": "you@example.com", "PASSWORD": getpass.getpass()}"""
    return (
        f"export MAGI_TOKEN=$(python3 -c 'import getpass, json; print(json.dumps({asked}))' | "
        f"aws cognito-idp admin-initiate-auth --region {region} --user-pool-id {pool} --client-id {client} "
        # Not --cli-input-json: the AWS CLI reads that twice, and a pipe is empty then.
        "--auth-flow ADMIN_USER_PASSWORD_AUTH --auth-parameters file:///dev/stdin "
        "--query AuthenticationResult.AccessToken --output text)"
    )


def _say(needs: Sequence[Need], write: Callable[[str], None]) -> None:
    for need in needs:
        write(f"{'ok     ' if need.is_met else 'missing'}  {need.name}: {need.found}\n")
        if not need.is_met:
            write(f"         {need.mend}\n")


def _agree(question: str, *, is_agreed: bool) -> None:
    if is_agreed:
        return
    if not sys.stdin.isatty():
        raise NotReady(f"{question} Nobody is there to say yes; add --yes.")
    if not typer.confirm(question):
        raise NotReady("Nothing was changed.")


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
