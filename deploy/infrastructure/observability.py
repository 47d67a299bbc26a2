"""What wakes somebody, and what they look at then."""

from collections.abc import Sequence

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from infrastructure.gateway import TIMEOUT, Gateway
from infrastructure.plan import Plan
from infrastructure.runtime import Runtime
from magisystem.gateway.patience import Timing

_FIVE_MINUTES = Duration.minutes(5)
# A gateway ends its bodies before Lambda would. One that comes nearer than half of what it spares was late in ending.
_NEAR_MS = Timing().spare_s * 1000 / 2
# In how many periods of how many it has to be.
_ONCE, _REPEATED = (1, 1), (2, 3)
# A share of fewer requests says nothing.
_REQUESTS, _HALF = 5, 0.5


class Observability(Stack):
    """Alarms on what people would notice, and one dashboard."""

    def __init__(self, scope: Construct, plan: Plan, runtime: Runtime, gateway: Gateway | None) -> None:
        super().__init__(
            scope,
            "Observability",
            stack_name=f"{plan.name}-observability",
            env={"account": plan.account, "region": plan.region},
            description="MAGISystem: alarms and dashboard",
        )
        self._plan = plan
        self._topic = self._alarm_topic(plan.alarm_email) if plan.alarm_email else None
        dashboard = cloudwatch.Dashboard(
            self, "Dashboard", dashboard_name=plan.name, default_interval=Duration.hours(12)
        )
        dashboard.add_widgets(*self._of_runtime(runtime))
        if gateway is not None:
            dashboard.add_widgets(*self._of_gateway(gateway))

    def _of_runtime(self, runtime: Runtime) -> list[cloudwatch.IWidget]:
        server = runtime.runtime
        invocations = server.metric_invocations(period=_FIVE_MINUTES)
        system_errors = server.metric_system_errors(period=_FIVE_MINUTES)
        user_errors = server.metric_user_errors(period=_FIVE_MINUTES)
        throttles = server.metric_throttles(period=_FIVE_MINUTES)
        self._alarm("RuntimeSystemErrors", system_errors, 1, "AgentCore failed on its side (5xx).")
        self._alarm(
            "RuntimeUserErrors",
            _share(user_errors, invocations),
            _HALF,
            "At least half of the requests to AgentCore are refused: the container fails or does not start (424; its "
            "log says why), or callers come without a valid token.",
            _REPEATED,
        )
        self._alarm("RuntimeThrottles", throttles, 1, "AgentCore turned requests away: a quota is too small.")
        return [
            _graph(
                "AgentCore: invocations and sessions", [invocations, server.metric_session_count(period=_FIVE_MINUTES)]
            ),
            _graph("AgentCore: errors and throttles", [system_errors, user_errors, throttles]),
            _graph(
                "AgentCore: time of a request, which is that of its stream (ms)",
                [server.metric_latency(period=_FIVE_MINUTES, statistic=stat) for stat in ("p50", "p99")],
            ),
        ]

    def _of_gateway(self, gateway: Gateway) -> list[cloudwatch.IWidget]:
        function = gateway.function
        name = {"FunctionName": function.function_name}
        errors = function.metric_errors(period=_FIVE_MINUTES)
        throttles = function.metric_throttles(period=_FIVE_MINUTES)
        longest = function.metric_duration(period=_FIVE_MINUTES, statistic="Maximum")
        # https://docs.aws.amazon.com/lambda/latest/dg/urls-monitoring.html
        failed = cloudwatch.Metric(
            namespace="AWS/Lambda",
            metric_name="Url5xxCount",
            dimensions_map=name,
            statistic="Sum",
            period=_FIVE_MINUTES,
        )
        at_once = function.metric("ConcurrentExecutions", period=_FIVE_MINUTES, statistic="Maximum")
        limit = self._plan.reserved_concurrency or self._plan.concurrency
        # The gateway breaks an answer off where it cannot go on with it, so that nobody takes a part for the whole, and
        # Lambda may count that as an error. One is no crash, and neither is one 502 for a runtime that did not answer.
        self._alarm(
            "GatewayErrors",
            errors,
            1,
            "Answers end early again and again: the gateway broke them off because the runtime was lost (its log says "
            "so), crashed, or ran into its time limit.",
            _REPEATED,
        )
        self._alarm("GatewayThrottles", throttles, 1, "Lambda turned requests away: its concurrency is used up.")
        self._alarm(
            "GatewayUrl5xx",
            failed,
            1,
            "The function URL answers with server errors again and again: the gateway does not reach the runtime (502, "
            "503, 504; its log says why), or does not start.",
            _REPEATED,
        )
        self._alarm(
            "GatewayNearItsLimit",
            longest,
            TIMEOUT.to_milliseconds() - _NEAR_MS,
            "A stream came near Lambda's time limit; the gateway should have ended it before.",
        )
        self._alarm(
            "GatewayConcurrency",
            at_once,
            max(1, round(limit * 0.8)),
            "Each open stream holds one execution; four fifths of what may run at once are in use.",
        )
        return [
            _graph(
                "Gateway: invocations and concurrency", [function.metric_invocations(period=_FIVE_MINUTES), at_once]
            ),
            _graph("Gateway: errors, throttles, 5xx", [errors, throttles, failed]),
            _graph("Gateway: time of a request, which is that of its stream (ms)", [longest]),
        ]

    def _alarm(
        self,
        name: str,
        metric: cloudwatch.IMetric,
        threshold: float,
        description: str,
        periods: tuple[int, int] = _ONCE,
    ) -> None:
        alarm = cloudwatch.Alarm(
            self,
            name,
            alarm_name=f"{self._plan.name}-{name}",
            alarm_description=description,
            metric=metric,
            threshold=threshold,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            datapoints_to_alarm=periods[0],
            evaluation_periods=periods[1],
            # Nobody there is no fault.
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        if self._topic is not None:
            alarm.add_alarm_action(actions.SnsAction(self._topic))  # pyright: ignore[reportArgumentType] - jsii names parameters otherwise

    def _alarm_topic(self, email: str) -> sns.Topic:
        topic = sns.Topic(self, "Alarms", topic_name=f"{self._plan.name}-alarms", enforce_ssl=True)
        # `enforce_ssl` gives the topic a policy of its own, in the place of the one by which its account publishes:
        # without this, alarms would ring and nobody would hear.
        # https://repost.aws/knowledge-center/cloudwatch-receive-sns-for-alarm-trigger
        alarms = f"arn:aws:cloudwatch:{self._plan.region}:{self._plan.account}:alarm:{self._plan.name}-*"
        topic.add_to_resource_policy(
            iam.PolicyStatement(
                sid="AlarmsPublish",
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],  # pyright: ignore[reportArgumentType] - jsii names parameters otherwise
                actions=["sns:Publish"],
                resources=[topic.topic_arn],
                conditions={
                    "StringEquals": {"aws:SourceAccount": self._plan.account},
                    "ArnLike": {"aws:SourceArn": alarms},
                },
            )
        )
        topic.add_subscription(subscriptions.EmailSubscription(email))  # pyright: ignore[reportArgumentType] - jsii names parameters otherwise
        return topic


def _share(errors: cloudwatch.Metric, requests: cloudwatch.Metric) -> cloudwatch.IMetric:
    """Give the part of the requests that were errors; none where there were too few.

    A container that cannot start is a RuntimeClientError, 424, which the API's model counts to the caller's faults.
    That `UserErrors` has it is not confirmed: the list of what it counts has 400, 403, 404 and 409.
    https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/observability-runtime-metrics.html#observability-runtime-metrics-errors
    """
    return cloudwatch.MathExpression(  # pyright: ignore[reportReturnType] - jsii names parameters otherwise
        expression=f"IF(requests >= {_REQUESTS}, errors / requests, 0)",
        using_metrics={"errors": errors, "requests": requests},  # pyright: ignore[reportArgumentType] - jsii names parameters otherwise
        label="Share of errors",
        period=_FIVE_MINUTES,
    )


def _graph(title: str, metrics: Sequence[cloudwatch.IMetric]) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(title=title, left=list(metrics), width=8, height=6)
