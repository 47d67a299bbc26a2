"""What the templates mean: who may call what, what streams, and that nothing is wider than it has to be."""

import json
import re
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, cast

import pytest
from cfnlint.api import ManualArgs, lint_file
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER
from tests.deploy.conftest import ACCOUNT, CONTEXT, REGION, Templates

from infrastructure.models import DESTINATIONS, ModelNotDeployable, allowed_model
from infrastructure.plan import PlanInvalid, read_plan
from magisystem.cli.deployment.wanted import REGIONS
from magisystem.costs import Workload, bill, read_prices
from magisystem.gateway.app import Awaited, create_gateway
from magisystem.gateway.patience import Timing
from magisystem.gateway.settings import read_settings
from magisystem.http.web import PAGES

BEDROCK = f"arn:aws:bedrock:{REGION}:{ACCOUNT}:inference-profile"
STACKS = {"Registry", "Web", "Identity", "Runtime", "Observability"}
# The actions that have no resources of their own, or whose names are known only when they are there; each is argued
# where it stands. https://docs.aws.amazon.com/service-authorization/latest/reference/
WITHOUT_ARN = {"ecr:GetAuthorizationToken", "logs:DescribeLogGroups"}


def resources(template: Mapping[str, Any], kind: str) -> list[dict[str, Any]]:
    found = [each["Properties"] for each in template["Resources"].values() if each["Type"] == kind]
    assert found, f"no {kind}"
    return found


def statements(template: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for role in resources(template, "AWS::IAM::Role"):
        for policy in role.get("Policies", []):
            yield from policy["PolicyDocument"]["Statement"]


def listed(value: Any) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else [value]


def text(value: Any) -> str:
    """Give a value with its references as JSON, for looking into."""
    return value if isinstance(value, str) else json.dumps(value)


def test_each_topology_has_its_stacks(agentcore: Templates, lambda_: Templates) -> None:
    assert set(agentcore) == STACKS
    assert set(lambda_) == STACKS | {"Gateway"}


@pytest.mark.parametrize("topology", ["agentcore", "lambda"])
def test_cfn_lint_finds_nothing(assemblies: Mapping[str, Path], topology: str) -> None:
    # W3005: the CDK's own constructs state a dependency that a reference makes already, and that does no harm.
    settings = ManualArgs(regions=[REGION], ignore_checks=["W3005"])
    found = [match for path in assemblies[topology].glob("*.template.json") for match in lint_file(path, settings)]
    assert found == []


def test_every_region_that_is_offered_has_all_that_is_made(lambda_: Templates) -> None:
    kinds = {each["Type"] for template in lambda_.values() for each in template["Resources"].values()}
    missing = {region: kinds - set(PROVIDER_SCHEMA_MANAGER.get_resource_types(region)) for region in REGIONS}
    assert {region: kinds for region, kinds in missing.items() if kinds} == {}


def test_cfn_lint_would_find_a_mistake(assemblies: Mapping[str, Path], tmp_path: Path) -> None:
    template = (assemblies["lambda"] / "Gateway.template.json").read_text()
    wrong = tmp_path / "wrong.template.json"
    wrong.write_text(template.replace("RESPONSE_STREAM", "STREAM"))
    assert [match.rule.id for match in lint_file(wrong, ManualArgs(regions=[REGION], ignore_checks=["W3005"]))]


def test_the_runtime_takes_tokens_of_the_web_client_alone(agentcore: Templates) -> None:
    [runtime] = resources(agentcore["Runtime"], "AWS::BedrockAgentCore::Runtime")
    authorizer = runtime["AuthorizerConfiguration"]["CustomJWTAuthorizer"]
    assert len(authorizer["AllowedClients"]) == 1
    assert "PeopleWeb" in text(authorizer["AllowedClients"][0])
    assert re.search(r"/\.well-known/openid-configuration", text(authorizer["DiscoveryUrl"]))
    # Access tokens of Cognito have no audience; asking for one would refuse everybody.
    assert "AllowedAudience" not in authorizer


def test_the_server_verifies_the_same_tokens_itself(agentcore: Templates) -> None:
    [runtime] = resources(agentcore["Runtime"], "AWS::BedrockAgentCore::Runtime")
    settings = runtime["EnvironmentVariables"]
    authorizer = runtime["AuthorizerConfiguration"]["CustomJWTAuthorizer"]
    assert settings["MAGI_PLATFORM"] == "agentcore"
    assert settings["MAGI_AUTH"] == "oidc"
    assert settings["MAGI_OIDC_DISCOVERY_URL"] == authorizer["DiscoveryUrl"]
    assert settings["MAGI_OIDC_CLIENTS"] == authorizer["AllowedClients"][0]
    assert settings["MAGI_MODEL"] == "bedrock:global.anthropic.claude-sonnet-5"


def test_the_token_and_the_owner_reach_the_server(agentcore: Templates) -> None:
    [runtime] = resources(agentcore["Runtime"], "AWS::BedrockAgentCore::Runtime")
    assert runtime["RequestHeaderConfiguration"]["RequestHeaderAllowlist"] == [
        "Authorization",
        "X-Amzn-Bedrock-AgentCore-Runtime-Custom-Magi-Owner",
    ]


def test_a_runtimes_name_has_no_dash(agentcore: Templates) -> None:
    # cfn-lint does not look at this: https://docs.aws.amazon.com/bedrock-agentcore-control/latest/APIReference/
    [runtime] = resources(agentcore["Runtime"], "AWS::BedrockAgentCore::Runtime")
    assert re.fullmatch(r"[a-zA-Z][a-zA-Z0-9_]{0,47}", runtime["AgentRuntimeName"])


def test_the_runtimes_role_is_for_this_accounts_runtime(agentcore: Templates) -> None:
    [role] = resources(agentcore["Runtime"], "AWS::IAM::Role")
    [trust] = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "bedrock-agentcore.amazonaws.com"}
    assert trust["Condition"]["StringEquals"] == {"aws:SourceAccount": ACCOUNT}
    assert trust["Condition"]["ArnLike"]["aws:SourceArn"].endswith(":runtime/magi_server*")


def test_no_policy_is_for_everything_where_an_arn_is_known(lambda_: Templates) -> None:
    for template in lambda_.values():
        roles = [each for each in template["Resources"].values() if each["Type"] == "AWS::IAM::Role"]
        assert all("ManagedPolicyArns" not in role["Properties"] for role in roles)
        for statement in statements(template) if roles else ():
            assert not any("*" in action for action in listed(statement["Action"]))
            for resource in listed(statement["Resource"]):
                if text(resource) == "*" or text(resource).endswith(":log-group:*"):
                    assert set(listed(statement["Action"])) <= WITHOUT_ARN
                elif "*" in text(resource):
                    # What the platform names itself: the id after the runtime's name, the streams of a log.
                    assert re.search(r"/runtimes/magi_server-\*(:log-stream:\*)?$", text(resource))


def test_no_policies_stand_outside_of_roles(lambda_: Templates) -> None:
    kinds = {each["Type"] for template in lambda_.values() for each in template["Resources"].values()}
    assert not kinds & {"AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::User"}


def models_allowed(template: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Give the condition by which each ARN is allowed."""
    found: dict[str, dict[str, Any]] = {}
    for statement in statements(template):
        if any(action.startswith("bedrock:") for action in listed(statement["Action"])):
            # ConverseStream is all that the server calls.
            assert listed(statement["Action"]) == ["bedrock:InvokeModelWithResponseStream"]
            for resource in listed(statement["Resource"]):
                found[resource] = statement.get("Condition", {})
    return found


def test_models_are_allowed_with_both_kinds_of_arns(agentcore: Templates) -> None:
    allowed = models_allowed(agentcore["Runtime"])
    opus = f"{BEDROCK}/eu.anthropic.claude-opus-5"
    through = {"StringEquals": {"bedrock:InferenceProfileArn": opus}}
    assert allowed[opus] == {}
    for region in DESTINATIONS["eu"]:
        assert allowed[f"arn:aws:bedrock:{region}::foundation-model/anthropic.claude-opus-5"] == through
    assert allowed[f"arn:aws:bedrock:{REGION}::foundation-model/amazon.nova-micro-v1:0"] == {}
    assert not [arn for arn in allowed if "us-east-1" in arn]


def test_a_global_profile_is_allowed_where_no_region_is_named(agentcore: Templates) -> None:
    allowed = models_allowed(agentcore["Runtime"])
    sonnet = f"{BEDROCK}/global.anthropic.claude-sonnet-5"
    through = {"bedrock:InferenceProfileArn": sonnet}
    assert allowed[sonnet] == {}
    assert allowed[f"arn:aws:bedrock:{REGION}::foundation-model/anthropic.claude-sonnet-5"] == {"StringEquals": through}
    assert allowed["arn:aws:bedrock:::foundation-model/anthropic.claude-sonnet-5"] == {
        "StringEquals": {**through, "aws:RequestedRegion": "unspecified"}
    }


def test_what_the_account_says_of_a_profile_goes_before_the_table() -> None:
    arn = "arn:aws:bedrock:eu-west-3::foundation-model/anthropic.claude-opus-5"
    allowed = allowed_model("bedrock:eu.anthropic.claude-opus-5", ACCOUNT, REGION, [arn])
    assert allowed is not None
    assert set(allowed.foundation_models) == {arn, arn.replace("eu-west-3", REGION)}


def test_regions_that_were_not_asked_for_are_said_to_be_assumed(told: Mapping[str, str]) -> None:
    model = "bedrock:jp.anthropic.claude-sonnet-5"
    assumed = allowed_model(model, ACCOUNT, "ap-northeast-1")
    assert assumed is not None
    assert assumed.assumed == ("ap-northeast-1", "ap-northeast-3")
    asked = allowed_model(model, ACCOUNT, "ap-northeast-1", list(assumed.foundation_models))
    assert asked is not None
    assert asked.assumed == ()
    for written in told.values():
        [warning] = [line for line in written.splitlines() if line.startswith("warning: where ")]
        assert "eu.anthropic.claude-opus-5" in warning
        assert all(region in warning for region in DESTINATIONS["eu"])


def test_a_profile_of_an_unknown_geography_is_one_where_the_account_says_so() -> None:
    behind = "arn:aws:bedrock:sa-east-1::foundation-model/anthropic.claude-opus-5"
    allowed = allowed_model("bedrock:latam.anthropic.claude-opus-5", ACCOUNT, "sa-east-1", [behind])
    assert allowed is not None
    assert allowed.profile == f"arn:aws:bedrock:sa-east-1:{ACCOUNT}:inference-profile/latam.anthropic.claude-opus-5"
    assert allowed.foundation_models == (behind,)


def test_the_embedded_advisor_needs_no_permission() -> None:
    assert allowed_model("embedded", ACCOUNT, REGION) is None


@pytest.mark.parametrize("name", ["openai:gpt-5", "bedrock:", "bedrock:*", "anthropic.claude", "bedrock:a b.c"])
def test_a_model_that_the_role_cannot_reach_is_refused(name: str) -> None:
    with pytest.raises(ModelNotDeployable):
        allowed_model(name, ACCOUNT, REGION)


@pytest.mark.parametrize(
    "wrong",
    [
        {"topology": "ecs"},
        {"name": "my-magi"},
        {"account": "1234"},
        {"region": "Frankfurt"},
        {"region": "us-gov-west-1"},
        {"region": "cn-north-1"},
        {"models": ""},
        {"logDays": "31"},
        {"idleSeconds": "59"},
        {"origins": "https://*.example.com"},
        {"origins": "http://magi.example.com"},
        {"imageTag": ""},
        {"mfa": "off"},
        {"alarmEmail": "somebody"},
        {"reservedConcurrency": "many"},
        {"concurrency": "0"},
    ],
)
def test_a_plan_that_cannot_be_is_refused(wrong: dict[str, str]) -> None:
    right = {**CONTEXT, "topology": "lambda"}
    assert read_plan(right.get).topology == "lambda"
    with pytest.raises(PlanInvalid):
        read_plan({**right, **wrong}.get)


def test_the_function_url_streams_and_lets_everybody_reach_the_gateway(lambda_: Templates) -> None:
    [url] = resources(lambda_["Gateway"], "AWS::Lambda::Url")
    [function] = resources(lambda_["Gateway"], "AWS::Lambda::Function")
    settings = function["Environment"]["Variables"]
    assert url["AuthType"] == "NONE"
    assert url["InvokeMode"] == "RESPONSE_STREAM"
    assert settings["AWS_LWA_INVOKE_MODE"] == "response_stream"
    assert settings["AWS_LWA_READINESS_CHECK_PATH"] == "/ping"
    # The URL checks nobody, so the gateway has to.
    assert settings["MAGI_AUTH"] == "oidc"
    assert settings["MAGI_PLATFORM"] == "lambda"


def test_a_public_url_has_both_permissions(lambda_: Templates) -> None:
    # Since October 2025 one is not enough: https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html
    permissions = {each["Action"]: each for each in resources(lambda_["Gateway"], "AWS::Lambda::Permission")}
    assert set(permissions) == {"lambda:InvokeFunctionUrl", "lambda:InvokeFunction"}
    assert permissions["lambda:InvokeFunctionUrl"]["FunctionUrlAuthType"] == "NONE"
    assert permissions["lambda:InvokeFunction"]["InvokedViaFunctionUrl"] is True


def test_cors_is_in_one_place(lambda_: Templates) -> None:
    [url] = resources(lambda_["Gateway"], "AWS::Lambda::Url")
    [function] = resources(lambda_["Gateway"], "AWS::Lambda::Function")
    cors = url["Cors"]
    assert "MAGI_CORS_ORIGINS" not in function["Environment"]["Variables"]
    assert len(cors["AllowOrigins"]) == 2
    assert "https://main." in text(cors["AllowOrigins"][0])
    assert cors["AllowOrigins"][1] == "http://localhost:5173"
    assert "AllowCredentials" not in cors
    assert {"authorization", "content-type", "last-event-id"} <= set(cors["AllowHeaders"])
    # Longer than six characters is no method to Lambda: `OPTIONS` would be refused when it is deployed.
    assert cors["AllowMethods"] == ["GET", "POST"]


def test_the_url_lets_through_what_the_gateway_itself_would(lambda_: Templates) -> None:
    [url] = resources(lambda_["Gateway"], "AWS::Lambda::Url")
    gateway = create_gateway(
        read_settings(
            {
                "MAGI_GATEWAY_KEY": "x" * 32,
                "MAGI_RUNTIME_ARN": "arn:aws:bedrock-agentcore:eu-central-1:123456789012:runtime/magi-0123456789",
                "MAGI_CORS_ORIGINS": "https://main.d1.amplifyapp.com",
            }
        ),
        Awaited(),
    )
    [itself] = [each.kwargs for each in gateway.user_middleware if "allow_origins" in each.kwargs]
    assert set(cast("list[str]", itself["allow_headers"])) <= set(url["Cors"]["AllowHeaders"])
    assert set(cast("list[str]", itself["expose_headers"])) <= set(url["Cors"]["ExposeHeaders"])
    assert {"location", "preference-applied"} <= set(url["Cors"]["ExposeHeaders"])


def test_the_gateway_is_the_same_image_as_the_server(lambda_: Templates) -> None:
    [function] = resources(lambda_["Gateway"], "AWS::Lambda::Function")
    [runtime] = resources(lambda_["Runtime"], "AWS::BedrockAgentCore::Runtime")
    [repository] = resources(lambda_["Registry"], "AWS::ECR::Repository")
    image = f"/{repository['RepositoryName']}:3f2a91"
    assert image in text(function["Code"]["ImageUri"])
    assert runtime["AgentRuntimeArtifact"]["ContainerConfiguration"]["ContainerUri"].endswith(image)
    assert repository["ImageTagMutability"] == "IMMUTABLE"
    assert function["ImageConfig"] == {"Command": ["magi", "gateway"]}
    assert function["Architectures"] == ["arm64"]
    assert function["Timeout"] == 900


def test_the_gateway_may_do_nothing_but_log(lambda_: Templates) -> None:
    actions = {action for each in statements(lambda_["Gateway"]) for action in listed(each["Action"])}
    assert actions == {"logs:CreateLogStream", "logs:PutLogEvents"}


def test_no_secret_stands_in_a_template(lambda_: Templates) -> None:
    [function] = resources(lambda_["Gateway"], "AWS::Lambda::Function")
    key = text(function["Environment"]["Variables"]["MAGI_GATEWAY_KEY"])
    assert "{{resolve:secretsmanager:" in key
    [secret] = resources(lambda_["Gateway"], "AWS::SecretsManager::Secret")
    assert "SecretString" not in secret
    assert secret["GenerateSecretString"]["PasswordLength"] >= 32
    for template in lambda_.values():
        assert not re.search(r"AKIA[0-9A-Z]{16}|-----BEGIN", json.dumps(template))
        for output in template.get("Outputs", {}).values():
            assert "Key" not in text(output["Value"])


def test_logs_are_not_kept_for_ever(lambda_: Templates) -> None:
    [group] = resources(lambda_["Gateway"], "AWS::Logs::LogGroup")
    assert group["RetentionInDays"] == 30
    # The runtime's group is the service's own; `magi deploy` sets what these outputs say.
    assert lambda_["Runtime"]["Outputs"]["LogDays"]["Value"] == "30"
    assert "/aws/bedrock-agentcore/runtimes/" in text(lambda_["Runtime"]["Outputs"]["LogGroup"]["Value"])


def test_people_are_invited_and_sign_in_with_a_code(agentcore: Templates) -> None:
    [pool] = resources(agentcore["Identity"], "AWS::Cognito::UserPool")
    [client] = resources(agentcore["Identity"], "AWS::Cognito::UserPoolClient")
    assert pool["AdminCreateUserConfig"] == {"AllowAdminCreateUserOnly": True}
    assert pool["MfaConfiguration"] == "OPTIONAL"
    assert pool["EnabledMfas"] == ["SOFTWARE_TOKEN_MFA"]
    assert pool["Policies"]["PasswordPolicy"]["MinimumLength"] >= 12
    assert client["AllowedOAuthFlows"] == ["code"]
    assert client["GenerateSecret"] is False
    assert client["PreventUserExistenceErrors"] == "ENABLED"
    # No flow that takes a password from anybody without AWS credentials of the account.
    assert set(client["ExplicitAuthFlows"]) == {"ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"}


def test_the_page_is_where_people_are_sent_back_to(agentcore: Templates) -> None:
    [client] = resources(agentcore["Identity"], "AWS::Cognito::UserPoolClient")
    assert "/signin/callback" in PAGES
    assert [text(url)[-24:] for url in client["CallbackURLs"][1:]] == ["calhost:5173/signin/callback"[-24:]]
    assert "https://main." in text(client["CallbackURLs"][0])
    assert "/signin/callback" in text(client["CallbackURLs"][0])
    assert client["LogoutURLs"][1] == "http://localhost:5173/"


def test_every_page_of_the_client_is_served(agentcore: Templates) -> None:
    [app] = resources(agentcore["Web"], "AWS::Amplify::App")
    rules = {rule["Source"]: (rule["Target"], rule["Status"]) for rule in app["CustomRules"]}
    assert app["Platform"] == "WEB"
    for page in PAGES:
        if page != "/":
            assert rules[re.sub(r"\{\w+\}", "<*>", page)] == ("/index.html", "200")
    assert app["CustomRules"][-1]["Source"] == "/<*>"
    assert rules["/<*>"] == ("/index.html", "404")


def headers(template: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    [app] = resources(template, "AWS::Amplify::App")
    return {
        each["pattern"]: {header["key"]: header["value"] for header in each["headers"]}
        for each in json.loads(app["CustomHeaders"])["customHeaders"]
    }


def test_the_page_may_do_no_more_than_on_a_server_of_ours(agentcore: Templates, lambda_: Templates) -> None:
    direct, through_gateway = headers(agentcore["Web"]), headers(lambda_["Web"])
    policy = direct["**/*"]["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert "frame-ancestors 'none'" in policy
    assert f"https://bedrock-agentcore.{REGION}.amazonaws.com wss://bedrock-agentcore.{REGION}" in policy
    assert f"https://*.lambda-url.{REGION}.on.aws" in through_gateway["**/*"]["Content-Security-Policy"]
    assert "bedrock-agentcore" not in through_gateway["**/*"]["Content-Security-Policy"]
    assert direct["**/*"]["X-Content-Type-Options"] == "nosniff"
    assert "immutable" in direct["/assets/*"]["Cache-Control"]
    assert direct["/config.json"] == direct["/"] == direct["/d/*"] == {"Cache-Control": "no-cache"}


def alarms_of(templates: Templates) -> list[dict[str, Any]]:
    return resources(templates["Observability"], "AWS::CloudWatch::Alarm")


def test_somebody_hears_of_what_people_would_notice(agentcore: Templates, lambda_: Templates) -> None:
    alarms = {each["AlarmName"]: each for each in alarms_of(lambda_)}
    assert set(alarms) == {
        *("magi-RuntimeSystemErrors", "magi-RuntimeUserErrors", "magi-RuntimeThrottles", "magi-GatewayErrors"),
        *("magi-GatewayThrottles", "magi-GatewayUrl5xx", "magi-GatewayNearItsLimit", "magi-GatewayConcurrency"),
    }
    assert all(each["TreatMissingData"] == "notBreaching" and each["AlarmActions"] for each in alarms.values())
    assert alarms["magi-RuntimeThrottles"]["Namespace"] == "AWS/Bedrock-AgentCore"
    assert alarms["magi-GatewayUrl5xx"]["MetricName"] == "Url5xxCount"
    # What ends in time must not wake anybody, what Lambda ends must.
    in_time_ms = 900_000 - (Timing().spare_s - Timing().last_words_s) * 1000
    assert in_time_ms < alarms["magi-GatewayNearItsLimit"]["Threshold"] < 900_000
    [dashboard] = resources(agentcore["Observability"], "AWS::CloudWatch::Dashboard")
    assert "AWS/Lambda" not in text(dashboard["DashboardBody"])


def test_a_container_that_does_not_start_is_noticed(agentcore: Templates) -> None:
    [alarm] = [each for each in alarms_of(agentcore) if each["AlarmName"] == "magi-RuntimeUserErrors"]
    metrics = {each["Id"]: each for each in alarm["Metrics"]}
    [share] = [each for each in alarm["Metrics"] if "Expression" in each]
    assert share["Expression"] == "IF(requests >= 5, errors / requests, 0)"
    # The runtime's own, and not those of all that the account runs.
    for name, metric in (("errors", "UserErrors"), ("requests", "Invocations")):
        looked_at = metrics[name]["MetricStat"]
        assert looked_at["Metric"]["MetricName"] == metric
        assert looked_at["Stat"] == "Sum"
        assert looked_at["Period"] == 300
        dimensions = {each["Name"]: each["Value"] for each in looked_at["Metric"]["Dimensions"]}
        assert dimensions["Name"] == "magi_server::DEFAULT"
        assert "AgentRuntimeArn" in text(dimensions["Resource"])
    assert (alarm["Threshold"], alarm["DatapointsToAlarm"], alarm["EvaluationPeriods"]) == (0.5, 2, 3)
    assert "424" in alarm["AlarmDescription"]


def test_the_alarm_on_open_streams_rings_at_four_fifths_of_the_quota(lambda_: Templates) -> None:
    [alarm] = [each for each in alarms_of(lambda_) if each["AlarmName"] == "magi-GatewayConcurrency"]
    assert CONTEXT["concurrency"] == 25
    assert alarm["Threshold"] == 20
    assert read_plan({**CONTEXT, "topology": "lambda", "concurrency": None}.get).concurrency == 1_000


def test_one_answer_that_is_broken_off_wakes_nobody(lambda_: Templates) -> None:
    alarms = {each["AlarmName"].removeprefix("magi-"): each for each in alarms_of(lambda_)}
    periods = {name: (each["DatapointsToAlarm"], each["EvaluationPeriods"]) for name, each in alarms.items()}
    for name in ("GatewayErrors", "GatewayUrl5xx"):
        assert periods.pop(name) == (2, 3)
        # What the gateway does on purpose is told apart from a crash.
        assert re.search(r"runtime was lost|does not reach the runtime", alarms[name]["AlarmDescription"])
    # A quota that is met, and a stream that was late in ending, are told at once.
    assert {name for name, each in periods.items() if each == (1, 1)} == periods.keys() - {"RuntimeUserErrors"}


@pytest.mark.parametrize("topology", ["agentcore", "lambda"])
def test_the_bill_counts_what_the_alarms_look_at(
    topology: Literal["agentcore", "lambda"], agentcore: Templates, lambda_: Templates
) -> None:
    alarms = alarms_of(agentcore if topology == "agentcore" else lambda_)
    looked_at = sum(
        sum("MetricStat" in each for each in alarm["Metrics"]) if "Metrics" in alarm else 1 for alarm in alarms
    )
    prices = read_prices(files("magisystem.costs").joinpath("prices.toml").read_text(encoding="utf-8"), "prices.toml")
    [line] = [each for each in bill(topology, Workload(), prices, "us-east-1").lines if each.what == "Alarms"]
    assert line.quantity.value == looked_at


def test_alarms_may_publish_to_those_who_hear_them(lambda_: Templates) -> None:
    # A topic with a policy of its own has lost the one by which its account may publish.
    [policy] = resources(lambda_["Observability"], "AWS::SNS::TopicPolicy")
    [allowed] = [each for each in policy["PolicyDocument"]["Statement"] if each["Effect"] == "Allow"]
    assert allowed["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert allowed["Action"] == "sns:Publish"
    assert allowed["Condition"]["StringEquals"] == {"aws:SourceAccount": ACCOUNT}
    pattern = allowed["Condition"]["ArnLike"]["aws:SourceArn"].rpartition(":")[2]
    names = [each["AlarmName"] for each in resources(lambda_["Observability"], "AWS::CloudWatch::Alarm")]
    assert all(name.startswith(pattern.removesuffix("*")) for name in names)


def test_nothing_is_looked_up_and_no_files_are_uploaded(assemblies: Mapping[str, Path]) -> None:
    for folder in assemblies.values():
        manifest = json.loads((folder / "manifest.json").read_bytes())
        assert "missing" not in manifest
        for path in folder.glob("*.assets.json"):
            assets = json.loads(path.read_bytes())
            assert assets["dockerImages"] == {}
            # The template itself, and nothing else.
            assert len(assets["files"]) == 1
