"""`magi deploy` and `magi destroy` against moto, a stand-in for Amplify, and programs that note their arguments."""

import base64
import html
import io
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, cast
from unittest.mock import Mock

import httpx2
import pytest
from botocore.session import Session
from moto.server import ThreadedMotoServer
from tests.deploy.conftest import CONTEXT, ROOT
from tests.support.amplify import AwsStandIn, aws_stand_in

from infrastructure import plan
from infrastructure.plan import read_plan
from magisystem.cli import commands
from magisystem.cli.deploying import run_deploy, run_destroy
from magisystem.cli.deployment import wanted
from magisystem.cli.deployment.checkout import find_checkout, image_tag
from magisystem.cli.deployment.hosting import Hosting
from magisystem.cli.deployment.tools import Tools
from magisystem.cli.deployment.wanted import NotReady, StepFailed, Topology, Tuning, Wanted
from magisystem.http.web_config import WebConfig

REGION = "eu-central-1"
SONNET = "bedrock:eu.anthropic.claude-sonnet-5"
BEHIND = ["arn:aws:bedrock:eu-west-1::foundation-model/anthropic.claude-sonnet-5"]
ACCOUNT = "123456789012"
BOOTSTRAP = "/cdk-bootstrap/hnb659fds/version"
BUNDLE = b"PK\x05\x06" + bytes(18)
CDK = "npx --yes aws-cdk@2.1148.1"
OUTPUTS = {
    "magi-web": {"AppId": "d1", "BranchName": "main", "WebUrl": "https://main.d1.amplifyapp.com"},
    "magi-identity": {
        "UserPoolId": "eu-central-1_abc",
        "ClientId": "client",
        "Issuer": "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_abc",
    },
    "magi-runtime": {
        "RuntimeArn": f"arn:aws:bedrock-agentcore:{REGION}:{ACCOUNT}:runtime/magi_server-0123456789",
        "LogGroup": "/aws/bedrock-agentcore/runtimes/magi_server-0123456789-DEFAULT",
        "LogDays": "30",
    },
    "magi-gateway": {"GatewayUrl": "https://abc.lambda-url.eu-central-1.on.aws/"},
}
# Each notes its arguments and what it reads, and does what the next step needs of it.
FAKE = """#!/bin/sh
printf '%s\\n' "{name} $*" >> "{log}"
{body}
"""
BODIES = {
    "docker": '[ "$1" = login ] && cat >> "{log}" && echo >> "{log}"; [ "$1" = buildx ] && '
    'printf "Status: running\\nPlatforms: linux/amd64, linux/arm64*\\n"; true',
    "npx": "true",
    "npm": 'case "$*" in *"run build"*) mkdir -p build/deploy/web/assets; '
    'printf "<html><head><title>x</title></head>" > build/deploy/web/index.html; '
    "echo 1 > build/deploy/web/assets/a.js; echo 1 > build/deploy/web/assets/a.js.br;; esac",
    "node": "echo v24.19.0",
}


@dataclass
class Bench:
    """A checkout whose programs are noted, an account, and what was written."""

    tools: Tools
    log: Path
    aws: AwsStandIn
    written: list[str] = field(default_factory=list[str])

    @property
    def commands(self) -> list[str]:
        """What was run, without the looking for what is there."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [line for line in lines if not re.match(r"node |docker (info|buildx inspect)", line)]

    @property
    def text(self) -> str:
        return "".join(self.written)


@cache
def session() -> Any:
    """Give one session for all: what describes a service is read once."""
    return cast("Any", Session())


def client(service: str) -> Any:
    return session().create_client(service, region_name=REGION)


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def account(moto: str, monkeypatch: pytest.MonkeyPatch) -> Generator[AwsStandIn]:
    """Give an account that the CDK has prepared, in which the stacks stand."""
    with aws_stand_in() as stand_in:
        for name, value in {
            "AWS_ENDPOINT_URL": moto,
            "AWS_ENDPOINT_URL_AMPLIFY": stand_in.url,
            "AWS_ENDPOINT_URL_BEDROCK": stand_in.url,
            "AWS_ENDPOINT_URL_LAMBDA": stand_in.url,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }.items():
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("AWS_REGION", raising=False)
        stand_in.profiles = {"eu.anthropic.claude-sonnet-5": BEHIND}
        httpx2.post(f"{moto}/moto-api/reset").raise_for_status()
        client("ssm").put_parameter(Name=BOOTSTRAP, Value="30", Type="String")
        for stack, outputs in OUTPUTS.items():
            template = {
                "Resources": {"Nothing": {"Type": "AWS::SNS::Topic"}},
                "Outputs": {name: {"Value": value} for name, value in outputs.items()},
            }
            client("cloudformation").create_stack(StackName=stack, TemplateBody=json.dumps(template))
        yield stand_in


@pytest.fixture
def bench(account: AwsStandIn, tmp_path: Path, checkout: Path) -> Bench:
    programs = tmp_path / "programs"
    programs.mkdir()
    log = tmp_path / "log"
    for name, body in BODIES.items():
        program = programs / name
        program.write_text(FAKE.format(name=name, log=log, body=body.replace("{log}", str(log))))
        program.chmod(0o755)
    written: list[str] = []
    path = f"{programs}{os.pathsep}/usr/bin{os.pathsep}/bin"
    return Bench(Tools(checkout, written.append, path), log, account, written)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Give a small checkout, whose stacks synthesise in no time and note what they were told."""
    folder = tmp_path / "checkout"
    for name in ("deploy", "src", "web"):
        (folder / name).mkdir(parents=True)
    for name in ("uv.lock", "pyproject.toml", "deploy/Dockerfile", ".dockerignore", "src/a.py"):
        (folder / name).write_text(name)
    (folder / "deploy" / "app.py").write_text(
        "import os, pathlib\n"
        "out = pathlib.Path(os.environ['CDK_OUTDIR']); out.mkdir(parents=True)\n"
        "(out / 'told.json').write_text(os.environ['CDK_CONTEXT_JSON'])\n"
    )
    return folder


def told(bench: Bench) -> dict[str, Any]:
    return json.loads((bench.tools.checkout / "build/deploy/cdk.out/told.json").read_bytes())


def deploy(bench: Bench, topology: Topology = "lambda", *, is_dry: bool = False, is_agreed: bool = True) -> int:
    return run_deploy(Wanted(topology, (SONNET,)), REGION, is_dry=is_dry, is_agreed=is_agreed, tools=bench.tools)


def test_a_deployment_goes_step_by_step(bench: Bench) -> None:
    assert deploy(bench) == 0
    tag = image_tag(bench.tools.checkout)
    registry = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
    image = f"{registry}/magi-image:{tag}"
    password = base64.b64decode(
        client("ecr").get_authorization_token()["authorizationData"][0]["authorizationToken"]
    ).decode()
    assert bench.commands == [
        f"{CDK} deploy --app build/deploy/cdk.out --require-approval never --exclusively Registry",
        f"docker login --username AWS --password-stdin {registry}",
        password.partition(":")[2],
        f"docker buildx build --platform linux/arm64 --provenance=false --sbom=false --file deploy/Dockerfile "
        f"--tag {image} --push .",
        f"{CDK} deploy --app build/deploy/cdk.out --require-approval never --all",
        "npm --prefix web ci --no-audit --no-fund",
        "npm --prefix web run build -- --outDir ../build/deploy/web --emptyOutDir --logLevel warn",
    ]
    assert told(bench) == {
        "topology": "lambda",
        "name": "magi",
        "account": ACCOUNT,
        "region": REGION,
        "imageTag": tag,
        "models": SONNET,
        "concurrency": 1000,
        "foundationModels": {SONNET: BEHIND},
    }


@pytest.mark.parametrize(
    ("concurrency", "shown", "given"),
    [
        ((1_000, 950), "ok       Concurrency: 950 open streams at once", 950),
        ((10, 10), "ask AWS for more", 10),
        (None, "lambda:GetAccountSettings", None),
    ],
    ids=["reserved by others", "a new account", "not allowed to ask"],
)
def test_the_alarm_on_open_streams_knows_the_accounts_quota(
    bench: Bench, concurrency: tuple[int, int] | None, shown: str, given: int | None
) -> None:
    bench.aws.concurrency = concurrency
    assert deploy(bench) == 0
    assert shown in bench.text
    assert told(bench).get("concurrency") == given


def test_every_option_reaches_the_stacks(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(bench.tools.checkout)
    monkeypatch.setenv("PATH", bench.tools.path)
    words = f"deploy --topology lambda --region {REGION} --model {SONNET} --dry-run --origin http://localhost:5173"
    tuned = "--mfa required --log-days 90 --idle-seconds 1800 --reserved-concurrency 50 --alarm-email a@example.com"
    monkeypatch.setattr(sys, "argv", ["magi", *words.split(), *tuned.split()])
    with pytest.raises(SystemExit) as ended:
        commands.main()
    assert ended.value.code == 0
    given = told(bench)
    read = read_plan(given.get)
    assert (read.mfa, read.log_days, read.idle_s, read.reserved_concurrency) == ("required", 90, 1_800, 50)
    assert (read.origins, read.alarm_email) == (("http://localhost:5173",), "a@example.com")


def test_the_command_and_the_stacks_take_the_same_values() -> None:
    assert wanted.LOG_DAYS == plan.LOG_DAYS
    given: dict[str, Any] = {**CONTEXT, "topology": "lambda"}
    for idle_s in wanted.IDLE_S:
        assert read_plan({**given, "idleSeconds": idle_s}.get).idle_s == idle_s
    for idle_s in (wanted.IDLE_S[0] - 1, wanted.IDLE_S[1] + 1):
        with pytest.raises(plan.PlanInvalid):
            read_plan({**given, "idleSeconds": idle_s}.get)


@pytest.mark.parametrize(("in_all", "mend"), [(1_000, "Take 900 or fewer"), (10, "Leave --reserved-concurrency out")])
def test_more_than_can_be_reserved_is_refused_before_it_is_tried(bench: Bench, in_all: int, mend: str) -> None:
    bench.aws.concurrency = in_all, in_all
    asked = Wanted("lambda", (SONNET,), tuning=Tuning(reserved_concurrency=901))
    with pytest.raises(NotReady):
        run_deploy(asked, REGION, is_dry=False, is_agreed=True, tools=bench.tools)
    assert f"missing  Reserved concurrency: 901 of the {in_all:,} that" in bench.text
    assert mend in bench.text
    assert bench.commands == []


def test_where_nothing_streams_through_a_function_its_quota_is_not_asked(bench: Bench) -> None:
    deploy(bench, "agentcore")
    assert "Concurrency" not in bench.text
    assert "concurrency" not in told(bench)


def test_a_secret_is_never_shown_nor_an_argument(bench: Bench) -> None:
    deploy(bench)
    token = client("ecr").get_authorization_token()["authorizationData"][0]["authorizationToken"]
    password = base64.b64decode(token).decode().partition(":")[2]
    assert password not in bench.text
    assert [line for line in bench.commands if password in line] == [password]


def test_the_page_knows_its_backend_and_where_to_sign_in(bench: Bench) -> None:
    deploy(bench)
    files = bench.aws.files
    assert set(files) == {"index.html", "config.json", "assets/a.js"}
    config = WebConfig.model_validate_json(files["config.json"])
    assert json.loads(files["config.json"]) == {
        "backends": [{"kind": "lambda", "name": "AWS Lambda", "url": "https://abc.lambda-url.eu-central-1.on.aws"}],
        "auth": {
            "authority": OUTPUTS["magi-identity"]["Issuer"],
            "clientId": "client",
            "scope": "openid email profile",
        },
    }
    page = files["index.html"].decode()
    [policy] = re.findall(r'<head><meta http-equiv="Content-Security-Policy" content="([^"]+)">', page)
    assert f"connect-src 'self' {' '.join(config.sources)};" in html.unescape(policy)
    assert "https://abc.lambda-url.eu-central-1.on.aws " in policy
    assert bench.aws.jobs == {"1": "SUCCEED"}


def test_without_a_gateway_the_page_goes_to_the_runtime(bench: Bench) -> None:
    deploy(bench, "agentcore")
    [backend] = json.loads(bench.aws.files["config.json"])["backends"]
    assert backend["kind"] == "agentcore"
    assert backend["arn"] == OUTPUTS["magi-runtime"]["RuntimeArn"]
    assert backend["region"] == REGION


def test_the_end_says_where_it_is_and_what_comes_next(bench: Bench) -> None:
    deploy(bench)
    assert "https://main.d1.amplifyapp.com" in bench.text
    doctor = "magi doctor https://abc.lambda-url.eu-central-1.on.aws --origin https://main.d1.amplifyapp.com\n"
    assert doctor in bench.text
    assert "admin-create-user --region eu-central-1 --user-pool-id eu-central-1_abc" in bench.text


def test_who_is_invited_can_get_a_new_password_later(bench: Bench) -> None:
    deploy(bench)
    [invitation] = [line for line in bench.text.splitlines() if "admin-create-user" in line]
    cognito = client("cognito-idp")
    pool = cognito.create_user_pool(PoolName="magi", UsernameAttributes=["email"])["UserPool"]["Id"]
    words = shlex.split(invitation.replace(OUTPUTS["magi-identity"]["UserPoolId"], pool))
    attributes = [
        dict(pair.split("=") for pair in word.split(",")) for word in words[words.index("--user-attributes") + 1 :]
    ]
    cognito.admin_create_user(UserPoolId=pool, Username=words[words.index("--username") + 1], UserAttributes=attributes)
    [person] = cognito.list_users(UserPoolId=pool)["Users"]
    told = {each["Name"]: each["Value"] for each in person["Attributes"]}
    assert told["email"] == "you@example.com"
    assert told["email_verified"] == "true"


# What `aws` does with these words; the real one reads `--cli-input-json` twice, so a pipe is no file for that.
AWS = """#!{python}
import json, os, sys
from botocore.session import Session
service, action, *words = sys.argv[1:]
given = dict(zip(words[::2], words[1::2], strict=True))
with open({log!r}, "a") as log:
    log.write(json.dumps(sys.argv) + "\\n")
assert (service, action) == ("cognito-idp", "admin-initiate-auth")
path = given["--auth-parameters"]
assert path.startswith("file://"), path
with open(path.removeprefix("file://")) as read:
    parameters = json.load(read)
answer = Session().create_client(service, region_name=given["--region"]).admin_initiate_auth(
    UserPoolId=given["--user-pool-id"], ClientId=given["--client-id"], AuthFlow=given["--auth-flow"],
    AuthParameters=parameters,
)
print(answer["AuthenticationResult"]["AccessToken"])
"""


def test_the_line_that_gets_a_token_keeps_the_password_to_itself(bench: Bench) -> None:
    deploy(bench)
    [line] = [line for line in bench.text.splitlines() if "export MAGI_TOKEN" in line]
    password = 'Ab1"\\ $x long-enough'
    cognito = client("cognito-idp")
    pool = cognito.create_user_pool(PoolName="magi")["UserPool"]["Id"]
    made = cognito.create_user_pool_client(
        UserPoolId=pool, ClientName="web", ExplicitAuthFlows=["ALLOW_ADMIN_USER_PASSWORD_AUTH"]
    )
    cognito.admin_create_user(UserPoolId=pool, Username="you@example.com")
    cognito.admin_set_user_password(UserPoolId=pool, Username="you@example.com", Password=password, Permanent=True)
    line = line.replace(OUTPUTS["magi-identity"]["UserPoolId"], pool)
    line = line.replace("--client-id client", f"--client-id {made['UserPoolClient']['ClientId']}")
    aws = bench.tools.checkout.parent / "programs" / "aws"
    aws.write_text(AWS.format(python=sys.executable, log=str(bench.log)))
    aws.chmod(0o755)
    # Without a terminal the password is read from standard input.
    ended = subprocess.run(  # noqa: S603 - words of ours
        ["/bin/sh", "-c", f'{line}\nprintf %s "$MAGI_TOKEN"'],
        input=password + "\n",
        env={**os.environ, "PATH": bench.tools.path},
        capture_output=True,
        text=True,
        start_new_session=True,
        check=True,
    )
    claims = json.loads(base64.urlsafe_b64decode(ended.stdout.split(".")[1] + "=="))
    assert claims["token_use"] == "access"
    assert claims["username"] == "you@example.com"
    assert "long-enough" not in bench.log.read_text()


@pytest.mark.parametrize("name", ["topologies.md", "topologies.ja.md"])
def test_the_documentation_says_what_the_command_does(bench: Bench, name: str) -> None:
    deploy(bench)
    run_destroy(Wanted("lambda", ("embedded",)), REGION, is_agreed=True, tools=bench.tools)
    text = (ROOT / "docs" / name).read_text(encoding="utf-8")
    [printed] = [line for line in bench.text.splitlines() if "export MAGI_TOKEN" in line]
    [_, documented] = re.split(r"(?=export MAGI_TOKEN)", text.partition("   magi doctor https://")[0])
    values = {OUTPUTS["magi-identity"]["UserPoolId"]: "…", REGION: "us-east-1", "--client-id client": "--client-id …"}
    for value, shown in values.items():
        printed = printed.replace(value, shown)
    assert documented.replace("\\\n", " ").split() == printed.split()
    assert "PASSWORD=" not in text
    # What is left behind, who else may call, and what only an account can show.
    for left in ("CDKToolkit", "/aws/bedrock-agentcore/runtimes/magi_server-…"):
        assert left in text
        assert left in bench.text
    _, _, not_proved = text.rpartition("\n## ")
    assert "`aws:SourceArn`" in not_proved
    assert "`UserErrors`" in not_proved
    for option in ("--name", "--mfa", "--log-days", "--idle-seconds", "--reserved-concurrency"):
        assert f"`{option}`" in text
    assert "`client_id`" in text.partition("`session_not_yours`")[2]


def test_a_gateway_that_is_left_over_is_named(bench: Bench) -> None:
    deploy(bench)
    assert "delete-stack" not in bench.text
    deploy(bench, "agentcore")
    assert "aws cloudformation delete-stack --region eu-central-1 --stack-name magi-gateway\n" in bench.text


def test_the_runtimes_log_is_kept_for_as_long_as_the_stack_says(bench: Bench) -> None:
    deploy(bench)
    deploy(bench)
    [group] = client("logs").describe_log_groups(logGroupNamePrefix="/aws/bedrock-agentcore/")["logGroups"]
    assert group["logGroupName"] == OUTPUTS["magi-runtime"]["LogGroup"]
    assert group["retentionInDays"] == 30


def test_an_image_that_is_there_is_not_built_again(bench: Bench) -> None:
    ecr = client("ecr")
    ecr.create_repository(repositoryName="magi-image")
    ecr.put_image(**image(image_tag(bench.tools.checkout)))
    deploy(bench)
    assert not [line for line in bench.commands if line.startswith("docker")]
    (bench.tools.checkout / "src/a.py").write_text("changed")
    deploy(bench)
    assert [line for line in bench.commands if line.startswith("docker buildx build")]


def test_what_is_not_in_the_image_does_not_change_its_tag(bench: Bench) -> None:
    folder = bench.tools.checkout
    before = image_tag(folder)
    for name in ("docs/a.md", "src/__pycache__/a.pyc", "web/node_modules/a.js", "src/magisystem/http/web/index.html"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("new")
    assert image_tag(folder) == before
    (folder / "web" / "a.ts").write_text("new")
    assert image_tag(folder) != before


def image(tag: str) -> dict[str, Any]:
    manifest: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "layers": [],
    }
    return {"repositoryName": "magi-image", "imageManifest": json.dumps(manifest), "imageTag": tag}


@pytest.mark.parametrize("is_pushed", [True, False])
def test_an_image_that_somebody_else_pushed_meanwhile_is_taken(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, *, is_pushed: bool
) -> None:
    tag = image_tag(bench.tools.checkout)
    client("ecr").create_repository(repositoryName="magi-image")
    run = Tools.run

    def refused(self: Tools, command: Sequence[str], **how: Any) -> None:
        run(self, command, **how)
        if command[:3] == ("docker", "buildx", "build"):
            if is_pushed:
                client("ecr").put_image(**image(tag))
            raise StepFailed("`docker buildx build` ended with 1")

    monkeypatch.setattr(Tools, "run", refused)
    if is_pushed:
        assert deploy(bench) == 0
        assert f"Somebody else has pushed the image of these sources meanwhile ({tag})" in bench.text
    else:
        with pytest.raises(StepFailed, match="ended with 1"):
            deploy(bench)


def hosting(bench: Bench, *, others_s: float = 5) -> Hosting:
    folder = bench.tools.checkout / "build" / "deploy"
    return Hosting(client("amplify"), "d1", "main", folder, others_s=others_s, pause_s=0.01)


def test_our_upload_that_was_interrupted_is_replaced(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as interrupted:
        interrupted.setattr(httpx2, "put", Mock(side_effect=KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            hosting(bench).publish(BUNDLE)
    assert bench.aws.jobs == {"1": "PENDING"}
    # It is not gone at once.
    bench.aws.looks = 3
    hosting(bench).publish(BUNDLE)
    assert bench.aws.jobs == {"1": "CANCELLED", "2": "SUCCEED"}


def test_somebody_elses_upload_is_waited_for(bench: Bench) -> None:
    bench.aws.jobs["1"] = "RUNNING"
    bench.aws.looks, bench.aws.is_outrun = 2, True
    hosting(bench).publish(BUNDLE)
    assert bench.aws.jobs == {"1": "SUCCEED", "2": "SUCCEED", "3": "SUCCEED"}


def test_somebody_elses_upload_that_does_not_end_is_left_alone_and_named(bench: Bench) -> None:
    hosting(bench).publish(BUNDLE)
    bench.aws.jobs["2"] = "PENDING"
    with pytest.raises(StepFailed) as failed:
        hosting(bench, others_s=0.05).publish(BUNDLE)
    assert bench.aws.jobs["2"] == "PENDING"
    assert "job 2 of app d1, begun at 1970-01-01 00:00 UTC, is PENDING" in failed.value.message
    stop = f"aws amplify stop-job --region {REGION} --app-id d1 --branch-name main --job-id 2"
    assert failed.value.message.endswith(stop)


def test_an_upload_that_amplify_refuses_is_a_failure(bench: Bench) -> None:
    bench.aws.ends_as = "FAILED"
    with pytest.raises(StepFailed, match="FAILED"):
        deploy(bench)


def test_a_step_that_fails_ends_the_deployment(bench: Bench) -> None:
    npx = bench.tools.checkout.parent / "programs" / "npx"
    npx.write_text(npx.read_text().replace("\ntrue", "\nexit 3"))
    with pytest.raises(StepFailed, match="ended with 3"):
        deploy(bench)
    assert len(bench.commands) == 1


def test_a_dry_run_shows_every_step_and_calls_nobody(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("", "_AMPLIFY", "_BEDROCK", "_LAMBDA"):
        # Nobody listens there: a call would fail.
        monkeypatch.setenv(f"AWS_ENDPOINT_URL{name}", "http://127.0.0.1:9")
    assert deploy(bench, is_dry=True) == 0
    assert bench.commands == []
    assert told(bench)["account"] == "000000000000"
    assert len(re.findall(r"^\[\d/8\]", bench.text, re.MULTILINE)) == 8
    assert "docker buildx build --platform linux/arm64" in bench.text


STOPPED = (
    'case "$*" in *--bootstrap*) echo started >> "{log}"; echo "Platforms: linux/arm64";; '
    '*) echo "Status: inactive";; esac'
)


def test_a_dry_run_starts_no_builder(bench: Bench) -> None:
    docker = bench.tools.checkout.parent / "programs" / "docker"
    docker.write_text(FAKE.format(name="docker", log=bench.log, body=STOPPED.replace("{log}", str(bench.log))))
    assert deploy(bench, is_dry=True) == 0
    assert "ok       Docker: there; whether it builds for linux/arm64 shows when" in bench.text
    assert "started" not in bench.log.read_text()
    deploy(bench)
    assert "started" in bench.log.read_text()


def test_a_dry_run_says_what_a_running_builder_cannot_build(bench: Bench) -> None:
    docker = bench.tools.checkout.parent / "programs" / "docker"
    docker.write_text(docker.read_text().replace("linux/arm64", "linux/riscv64"))
    assert deploy(bench, is_dry=True) == 0
    assert "missing  Docker: cannot build for linux/arm64" in bench.text


def test_deleting_needs_no_builder(bench: Bench) -> None:
    run_destroy(Wanted("lambda", ("embedded",)), REGION, is_agreed=True, tools=bench.tools)
    assert "docker" not in bench.log.read_text()


def test_a_dry_run_without_docker_still_shows_and_synthesises(bench: Bench) -> None:
    (bench.tools.checkout.parent / "programs" / "docker").unlink()
    assert deploy(bench, is_dry=True) == 0
    assert "missing  Docker" in bench.text
    assert told(bench)["models"] == SONNET


def breaking(*names: str) -> Callable[[Bench], None]:
    def broken(bench: Bench) -> None:
        for name in names:
            program = bench.tools.checkout.parent / "programs" / name
            program.write_text("#!/bin/sh\nexit 1\n")

    return broken


def without_bootstrap(_: Bench) -> None:
    client("ssm").delete_parameter(Name=BOOTSTRAP)


def without_the_model(bench: Bench) -> None:
    bench.aws.profiles = {}


@pytest.mark.parametrize(
    ("break_it", "name", "mend"),
    [
        (breaking("docker"), "Docker", "Start Docker"),
        (breaking("node"), "Node and CDK CLI", "make setup"),
        (without_bootstrap, "CDK bootstrap", "bootstrap aws://"),
        (without_the_model, "Model", "models-supported"),
    ],
    ids=["docker", "node", "bootstrap", "model"],
)
def test_each_thing_that_is_missing_is_named_with_its_mend(
    bench: Bench, break_it: Callable[[Bench], None], name: str, mend: str
) -> None:
    break_it(bench)
    with pytest.raises(NotReady):
        deploy(bench)
    [line, advice] = re.findall(r"^missing  (.*)\n\s+(.*)$", bench.text, re.MULTILINE)[0]
    assert line.startswith(f"{name}: ")
    assert mend in advice
    assert bench.commands == []


def test_without_credentials_nothing_is_begun(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(NotReady):
        deploy(bench)
    assert "missing  Credentials" in bench.text
    assert bench.commands == []


@pytest.mark.parametrize(
    ("wanted", "name"),
    [
        (Wanted("lambda", ()), "Models"),
        (Wanted("lambda", ("openai:gpt-5",)), "Models"),
        (Wanted("lambda", (SONNET,), "my-magi"), "Name"),
        (Wanted("lambda", (SONNET,), origins=("https://magi.example.com/",)), "Origins"),
        (Wanted("lambda", (SONNET,), origins=("https://a.example,https://b.example",)), "Origins"),
        (Wanted("lambda", (SONNET,), origins=("http://magi.example.com",)), "Origins"),
        (Wanted("lambda", (SONNET,), alarm_email="somebody"), "Alarm address"),
        (Wanted("lambda", (SONNET,), tuning=Tuning(log_days=31)), "Logs"),
        (Wanted("lambda", (SONNET,), tuning=Tuning(idle_s=59)), "Idle time"),
        (Wanted("lambda", (SONNET,), tuning=Tuning(idle_s=28_801)), "Idle time"),
        (Wanted("lambda", (SONNET,), tuning=Tuning(reserved_concurrency=0)), "Reserved concurrency"),
        (Wanted("agentcore", (SONNET,), tuning=Tuning(reserved_concurrency=5)), "Reserved concurrency"),
    ],
    ids=[
        *("no model", "another provider", "a dash", "a path", "two in one", "not encrypted", "no address"),
        *("no choice of CloudWatch", "too short", "too long", "nobody", "no function"),
    ],
)
def test_what_cannot_be_wanted_is_said_before_anything_is_asked(bench: Bench, wanted: Wanted, name: str) -> None:
    with pytest.raises(NotReady):
        run_deploy(wanted, REGION, is_dry=True, is_agreed=True, tools=bench.tools)
    assert f"missing  {name}: " in bench.text
    assert bench.commands == []


@pytest.mark.parametrize(
    "region", ["Frankfurt", "eu central 1", "us-gov-west-1", "cn-north-1", "ap-south-2", "eu-south-2"]
)
def test_a_region_in_which_it_cannot_stand_is_refused_at_once(bench: Bench, region: str) -> None:
    with pytest.raises(NotReady):
        run_deploy(Wanted("lambda", (SONNET,)), region, is_dry=True, is_agreed=True, tools=bench.tools)
    assert "missing  Region: " in bench.text


def test_nobody_there_to_agree_is_no_agreement(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    with pytest.raises(NotReady, match="--yes"):
        deploy(bench, is_agreed=False)
    assert bench.commands == []


def test_everything_is_deleted_whatever_the_topology_was(bench: Bench) -> None:
    client("logs").create_log_group(logGroupName=OUTPUTS["magi-runtime"]["LogGroup"])
    for _ in range(2):
        run_destroy(Wanted("lambda", ("embedded",)), REGION, is_agreed=True, tools=bench.tools)
    assert bench.commands == [f"{CDK} destroy --app build/deploy/cdk.out --all --force"] * 2
    assert told(bench)["topology"] == "lambda"
    assert client("logs").describe_log_groups(logGroupNamePrefix="/aws/bedrock-agentcore/")["logGroups"] == []


def test_logs_are_deleted_also_where_the_stacks_are_gone_already(bench: Bench) -> None:
    names = [f"/aws/bedrock-agentcore/runtimes/{name}" for name in ("magi_server-a-DEFAULT", "magi2_server-a-DEFAULT")]
    for name in names:
        client("logs").create_log_group(logGroupName=name)
    client("cloudformation").delete_stack(StackName="magi-runtime")
    run_destroy(Wanted("lambda", ("embedded",)), REGION, is_agreed=True, tools=bench.tools)
    left = client("logs").describe_log_groups(logGroupNamePrefix="/aws/bedrock-agentcore/")["logGroups"]
    assert [group["logGroupName"] for group in left] == names[1:]


def test_a_profile_that_is_not_there_is_said_so(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    for is_dry in (True, False):
        with pytest.raises(NotReady, match="nobody"):
            deploy(bench, is_dry=is_dry)
    assert bench.commands == []


def test_what_cannot_be_looked_up_is_not_taken_for_missing(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    # Nobody listens there.
    monkeypatch.setenv("AWS_ENDPOINT_URL_SSM", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(NotReady):
        deploy(bench)
    assert "missing  CDK bootstrap: AWS did not answer ssm:get_parameter" in bench.text
    assert "Once for the account and region" not in bench.text
    monkeypatch.delenv("AWS_ENDPOINT_URL_SSM")
    monkeypatch.setenv("AWS_ENDPOINT_URL_ECR", "http://127.0.0.1:9")
    with pytest.raises(StepFailed, match="ecr:describe_images"):
        deploy(bench)
    assert not [line for line in bench.commands if line.startswith("docker")]


def test_the_checkout_is_found_from_within_and_nowhere_else(tmp_path: Path) -> None:
    assert find_checkout(ROOT / "src" / "magisystem") == ROOT
    with pytest.raises(NotReady):
        find_checkout(tmp_path)
