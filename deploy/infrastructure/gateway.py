"""The gateway: a function from the same image, behind a URL that streams."""

from aws_cdk import CfnOutput, Duration, RemovalPolicy, Stack
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infrastructure.identity import Identity
from infrastructure.plan import Plan
from infrastructure.runtime import Runtime
from magisystem.http.cors import ALLOWED_HEADERS, EXPOSED_HEADERS

TIMEOUT = Duration.minutes(15)
# The gateway waits and passes bytes on: it needs little memory and next to no processor, and a stream keeps its
# function for minutes, so memory is nearly all of its price. But Lambda gives processor time by memory (a whole one at
# 1,769 MB): with less than 512 MB the start, which people wait for, would have less than a third of one.
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
MEMORY_MB = 512
# By the days of plan.LOG_DAYS.
_RETENTION = {
    7: logs.RetentionDays.ONE_WEEK,
    14: logs.RetentionDays.TWO_WEEKS,
    30: logs.RetentionDays.ONE_MONTH,
    90: logs.RetentionDays.THREE_MONTHS,
    180: logs.RetentionDays.SIX_MONTHS,
    365: logs.RetentionDays.ONE_YEAR,
}


class Gateway(Stack):
    """Anybody may reach the URL; the gateway itself lets nobody through without a token of the pool."""

    def __init__(self, scope: Construct, plan: Plan, identity: Identity, runtime: Runtime, web_origin: str) -> None:
        super().__init__(
            scope,
            "Gateway",
            stack_name=f"{plan.name}-gateway",
            env={"account": plan.account, "region": plan.region},
            description="MAGISystem: the streaming gateway on Lambda",
        )
        log_group = logs.LogGroup(
            self,
            "Log",
            log_group_name=f"/aws/lambda/{plan.name}-gateway",
            retention=_RETENTION[plan.log_days],
            removal_policy=RemovalPolicy.DESTROY,
        )
        self.function = lambda_.DockerImageFunction(
            self,
            "Function",
            function_name=f"{plan.name}-gateway",
            description="Relays streams from AgentCore Runtime",
            code=lambda_.DockerImageCode.from_ecr(
                ecr.Repository.from_repository_name(self, "Images", plan.repository),
                tag_or_digest=plan.image_tag,
                cmd=["magi", "gateway"],
            ),
            architecture=lambda_.Architecture.ARM_64,
            memory_size=MEMORY_MB,
            timeout=TIMEOUT,
            reserved_concurrent_executions=plan.reserved_concurrency,
            role=self._role(log_group),  # pyright: ignore[reportArgumentType] - jsii names parameters otherwise
            log_group=log_group,
            environment=self._environment(plan, identity, runtime),
        )
        url = self.function.add_function_url(
            # A function URL checks AWS signatures or nothing. A browser with a token of the pool has no signature, so
            # the URL lets everybody in, and the gateway verifies each token before it does anything (identity/).
            auth_type=lambda_.FunctionUrlAuthType.NONE,
            invoke_mode=lambda_.InvokeMode.RESPONSE_STREAM,
            # Here, and therefore not in the gateway (MAGI_CORS_ORIGINS stays unset): two places would send the header
            # twice, which browsers refuse.
            cors=lambda_.FunctionUrlCorsOptions(
                allowed_origins=[web_origin, *plan.origins],
                allowed_methods=[lambda_.HttpMethod.GET, lambda_.HttpMethod.POST],
                allowed_headers=list(ALLOWED_HEADERS),
                exposed_headers=list(EXPOSED_HEADERS),
                max_age=Duration.days(1),
            ),
        )
        CfnOutput(self, "GatewayUrl", value=url.url)

    def _role(self, log_group: logs.LogGroup) -> iam.Role:
        """Give a role that can log. Passing on the caller's own token needs no permission on the runtime."""
        return iam.Role(
            self,
            "Role",
            description="What the MAGISystem gateway may do",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),  # pyright: ignore[reportArgumentType] - jsii names parameters otherwise
            inline_policies={
                "Logs": iam.PolicyDocument(
                    statements=[
                        iam.PolicyStatement(
                            actions=["logs:CreateLogStream", "logs:PutLogEvents"],
                            # The group's ARN, then any of its streams: Lambda names a stream after each environment.
                            resources=[log_group.log_group_arn],
                        )
                    ]
                )
            },
        )

    def _environment(self, plan: Plan, identity: Identity, runtime: Runtime) -> dict[str, str]:
        key = secretsmanager.Secret(
            self,
            "Key",
            description="From it the gateway derives the runtime session of each person",
            generate_secret_string=secretsmanager.SecretStringGenerator(password_length=64, exclude_punctuation=True),
            removal_policy=RemovalPolicy.DESTROY,
        )
        return {
            "AWS_LWA_PORT": "8080",
            "AWS_LWA_READINESS_CHECK_PATH": "/ping",
            # Must be the URL's own mode. https://aws.github.io/aws-lambda-web-adapter/configuration/environment-variables.html
            "AWS_LWA_INVOKE_MODE": "response_stream",
            "MAGI_PLATFORM": "lambda",
            "MAGI_AUTH": "oidc",
            "MAGI_OIDC_DISCOVERY_URL": identity.discovery_url,
            "MAGI_OIDC_CLIENTS": identity.client_id,
            "MAGI_RUNTIME_ARN": runtime.arn,
            "MAGI_RUNTIME_AUTH": "jwt",
            # CloudFormation puts the value in when it deploys: the template has a reference only, the start needs no
            # call to Secrets Manager (hundreds of milliseconds, and a permission), and at rest Lambda encrypts it.
            # Whoever may read the function's configuration in this account can read it.
            # https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references-secretsmanager.html
            "MAGI_GATEWAY_KEY": key.secret_value.unsafe_unwrap(),
        }
