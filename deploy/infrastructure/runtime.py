"""The server on Amazon Bedrock AgentCore Runtime, and the role that it runs with."""

from aws_cdk import CfnOutput, Duration, Stack
from aws_cdk import aws_bedrockagentcore as agentcore
from aws_cdk import aws_iam as iam
from constructs import Construct

from infrastructure.identity import Identity
from infrastructure.models import AllowedModel
from infrastructure.plan import Plan

# What reaches the container besides what the platform sets itself: whose token it is, and the gateway's word on the
# owner (SigV4 mode). CloudFormation takes `Authorization` and names of this prefix only, so the trace comes by the
# headers that the platform accepts without a list.
# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-bedrockagentcore-runtime-requestheaderconfiguration.html
HEADERS = ("Authorization", "X-Amzn-Bedrock-AgentCore-Runtime-Custom-Magi-Owner")
# The server's Bedrock adapter calls ConverseStream and nothing else; this is the action it is checked against.
# https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html
_INVOKE = ("bedrock:InvokeModelWithResponseStream",)
_LONGEST_S = 28_800
_LOGS = "/aws/bedrock-agentcore/runtimes"


class Runtime(Stack):
    """The runtime takes the tokens of the pool's web client, and nobody else's."""

    def __init__(self, scope: Construct, plan: Plan, identity: Identity) -> None:
        super().__init__(
            scope,
            "Runtime",
            stack_name=f"{plan.name}-runtime",
            env={"account": plan.account, "region": plan.region},
            description="MAGISystem: the server on AgentCore",
        )
        self.runtime_name = f"{plan.name}_server"
        self.runtime = agentcore.Runtime(
            self,
            "Server",
            runtime_name=self.runtime_name,
            description="Several AIs deliberate on one question; a judge rules.",
            agent_runtime_artifact=agentcore.AgentRuntimeArtifact.from_image_uri(plan.image_uri),
            # The construct would add permissions that the server does not use (X-Ray, metrics, workload tokens, the
            # logs of every runtime); the role is complete as it is.
            execution_role=self._role(plan).without_policy_updates(),
            protocol_configuration=agentcore.ProtocolType.HTTP,
            network_configuration=agentcore.RuntimeNetworkConfiguration.using_public_network(),
            # By discovery URL and client id: Cognito's access tokens have no audience.
            authorizer_configuration=agentcore.RuntimeAuthorizerConfiguration.using_jwt(
                identity.discovery_url, [identity.client_id]
            ),
            request_header_configuration=agentcore.RequestHeaderConfiguration(allowlisted_headers=list(HEADERS)),
            lifecycle_configuration=agentcore.LifecycleConfiguration(
                idle_runtime_session_timeout=Duration.seconds(plan.idle_s), max_lifetime=Duration.seconds(_LONGEST_S)
            ),
            environment_variables={
                "AWS_REGION": plan.region,
                "MAGI_PLATFORM": "agentcore",
                "MAGI_AUTH": "oidc",
                "MAGI_OIDC_DISCOVERY_URL": identity.discovery_url,
                "MAGI_OIDC_CLIENTS": identity.client_id,
                "MAGI_MODEL": plan.default_model,
            },
        )
        self.arn = self.runtime.agent_runtime_arn
        CfnOutput(self, "RuntimeArn", value=self.arn)
        # The service makes this log group itself, together with the runtime, and keeps it for ever. CloudFormation can
        # neither make it first (its name has the runtime's id) nor take it over, so `magi deploy` sets how long.
        # https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/2460
        CfnOutput(self, "LogGroup", value=f"{_LOGS}/{self.runtime.agent_runtime_id}-DEFAULT")
        CfnOutput(self, "LogDays", value=str(plan.log_days))

    def _role(self, plan: Plan) -> iam.Role:
        runtimes = f"arn:aws:bedrock-agentcore:{plan.region}:{plan.account}:runtime/{self.runtime_name}*"
        return iam.Role(
            self,
            "Role",
            description="What the MAGISystem server may do",
            assumed_by=iam.ServicePrincipal(  # pyright: ignore[reportArgumentType] - jsii names parameters otherwise
                "bedrock-agentcore.amazonaws.com",
                conditions={
                    "StringEquals": {"aws:SourceAccount": plan.account},
                    # The id that ends the runtime's ARN is random and comes after the role.
                    "ArnLike": {"aws:SourceArn": runtimes},
                },
            ),
            inline_policies={
                "Image": iam.PolicyDocument(statements=_image(plan)),
                "Logs": iam.PolicyDocument(statements=_logs(plan, self.runtime_name)),
                **({"Models": iam.PolicyDocument(statements=_models(plan))} if plan.models else {}),
            },
        )


def _image(plan: Plan) -> list[iam.PolicyStatement]:
    return [
        iam.PolicyStatement(
            sid="FetchTheImage",
            actions=["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
            resources=[f"arn:aws:ecr:{plan.region}:{plan.account}:repository/{plan.repository}"],
        ),
        # This action has no resources: the token is the account's.
        # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerregistry.html
        iam.PolicyStatement(sid="SignInToTheRegistry", actions=["ecr:GetAuthorizationToken"], resources=["*"]),
    ]


def _logs(plan: Plan, runtime_name: str) -> list[iam.PolicyStatement]:
    groups = f"arn:aws:logs:{plan.region}:{plan.account}:log-group"
    # As above, the id that ends the name is random and comes after the role.
    own = f"{groups}:{_LOGS}/{runtime_name}-*"
    return [
        iam.PolicyStatement(
            sid="OwnGroup", actions=["logs:CreateLogGroup", "logs:DescribeLogStreams"], resources=[own]
        ),
        iam.PolicyStatement(
            sid="OwnStreams",
            actions=["logs:CreateLogStream", "logs:PutLogEvents"],
            resources=[f"{own}:log-stream:*"],
        ),
        # The platform looks for its group by listing; listing is of the account's groups as a whole, and shows names.
        # https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/runtime-permissions.html
        iam.PolicyStatement(sid="FindGroup", actions=["logs:DescribeLogGroups"], resources=[f"{groups}:*"]),
    ]


def _models(plan: Plan) -> list[iam.PolicyStatement]:
    return [statement for model in plan.models for statement in _model(model)]


def _model(model: AllowedModel) -> list[iam.PolicyStatement]:
    """Allow one model; the models behind a profile only through that profile (models.py has the rule's source)."""
    if model.profile is None:
        return [iam.PolicyStatement(actions=list(_INVOKE), resources=list(model.foundation_models))]
    through = {"bedrock:InferenceProfileArn": model.profile}
    statements = [
        iam.PolicyStatement(actions=list(_INVOKE), resources=[model.profile]),
        iam.PolicyStatement(
            actions=list(_INVOKE), resources=list(model.foundation_models), conditions={"StringEquals": through}
        ),
    ]
    if model.anywhere is not None:
        statements.append(
            iam.PolicyStatement(
                actions=list(_INVOKE),
                resources=[model.anywhere],
                conditions={"StringEquals": {**through, "aws:RequestedRegion": "unspecified"}},
            )
        )
    return statements
