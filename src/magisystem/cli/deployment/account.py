"""The calls to AWS that a deployment makes itself, beside those of the CDK.

Through botocore, which the Bedrock adapter needs anyway, and blocking: the steps wait for each other, so an event loop
would give nothing. Region, credentials and endpoints are found the AWS way.
"""

import base64
import os
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, cast

import httpx2
from botocore import exceptions
from botocore.session import Session

from magisystem.cli.deployment.wanted import BEDROCK, NotReady, StepFailed

# https://docs.aws.amazon.com/cdk/v2/guide/bootstrapping-env.html
_BOOTSTRAP_VERSION = "/cdk-bootstrap/hnb659fds/version"


@dataclass(frozen=True, slots=True)
class Concurrency:
    """How many executions the functions of an account may have at once, and how many of them none has reserved."""

    in_all: int
    unreserved: int


class Account:
    """One account and region.

    Raises:
        NotReady: AWS's configuration on this machine cannot be read, or has no such profile.
    """

    def __init__(self, region: str | None) -> None:
        # botocore ships no types; each answer is read by what its service documents.
        self._session = cast("Any", Session())
        try:
            # botocore reads AWS_DEFAULT_REGION only; AWS_REGION is what AWS's runtimes set and other SDKs read first.
            configured = os.environ.get("AWS_REGION") or self._session.get_config_variable("region")
            # Also where the region is given: a profile that is not there would come up in the middle otherwise.
            self._session.get_scoped_config()
        except exceptions.BotoCoreError as error:
            raise NotReady(f"{error}. See `aws configure list-profiles`, and AWS_PROFILE.") from error
        self.region = region or str(configured or "")

    def id(self) -> str:
        """Give the account's twelve digits.

        Raises:
            NotReady: there are no credentials, or they are refused.
        """
        try:
            return str(self._client("sts").get_caller_identity()["Account"])
        except (exceptions.BotoCoreError, exceptions.ClientError) as error:
            raise NotReady(f"No AWS credentials that work here ({_reason(error)}).") from error

    def is_bootstrapped(self) -> bool:
        """Whether the CDK has prepared this account and region.

        Raises:
            StepFailed: it cannot be found out.
        """
        return self._finds("ParameterNotFound", "ssm", "get_parameter", Name=_BOOTSTRAP_VERSION)

    def has_runtimes(self) -> bool:
        """Whether AgentCore Runtime answers in this region."""
        try:
            self._client("bedrock-agentcore-control").list_agent_runtimes(maxResults=1)
        except (exceptions.BotoCoreError, exceptions.ClientError):
            return False
        return True

    def foundation_models(self, model: str) -> list[str] | None:
        """Give the ARNs behind an inference profile; none for a model that is called without one; None where unknown.

        Raises:
            NotReady: the region offers no such model.
        """
        identifier = model.removeprefix(BEDROCK)
        bedrock = self._client("bedrock")
        try:
            found = bedrock.get_inference_profile(inferenceProfileIdentifier=identifier)
            return sorted(str(each["modelArn"]) for each in found["models"])
        except exceptions.ClientError as error:
            if _code(error) not in {"ResourceNotFoundException", "ValidationException"}:
                return None
        except exceptions.BotoCoreError:
            return None
        try:
            bedrock.get_foundation_model(modelIdentifier=identifier)
        except exceptions.ClientError as error:
            if _code(error) in {"ResourceNotFoundException", "ValidationException"}:
                raise NotReady(f"{self.region} offers no model {identifier!r}.") from error
            return None
        except exceptions.BotoCoreError:
            return None
        return []

    def concurrency(self) -> Concurrency | None:
        """Give how many executions functions may have at once here; None where that is not told."""
        try:
            limits = self._client("lambda").get_account_settings()["AccountLimit"]
        except (exceptions.BotoCoreError, exceptions.ClientError):
            return None
        return Concurrency(int(limits["ConcurrentExecutions"]), int(limits["UnreservedConcurrentExecutions"]))

    def has_image(self, repository: str, tag: str) -> bool:
        """Whether the repository holds the tag already.

        Raises:
            StepFailed: it cannot be found out.
        """
        image = {"repositoryName": repository, "imageIds": [{"imageTag": tag}]}
        return self._finds("ImageNotFoundException RepositoryNotFoundException", "ecr", "describe_images", **image)

    def registry_password(self) -> str:
        """Give the password of user AWS for the account's registry; good for twelve hours."""
        with failing("sign in to the registry"):
            data = self._client("ecr").get_authorization_token()["authorizationData"][0]
        return base64.b64decode(str(data["authorizationToken"])).decode().partition(":")[2]

    def outputs(self, stack: str) -> dict[str, str]:
        """Give what a stack says of itself; nothing where there is no such stack."""
        try:
            found = self._client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
        except exceptions.ClientError as error:
            if _code(error) == "ValidationError":
                return {}
            raise StepFailed(f"The outputs of {stack} could not be read ({_reason(error)}).") from error
        except exceptions.BotoCoreError as error:
            raise StepFailed(f"The outputs of {stack} could not be read ({_reason(error)}).") from error
        outputs = cast("list[dict[str, str]]", found[0].get("Outputs", []))
        return {output["OutputKey"]: output["OutputValue"] for output in outputs}

    def keep_logs(self, group: str, days: int) -> None:
        """Keep what the runtime logs for ``days``; its group is made if it is not there yet."""
        logs = self._client("logs")
        with failing(f"set how long {group} is kept"):
            with suppress(logs.exceptions.ResourceAlreadyExistsException):
                logs.create_log_group(logGroupName=group)
            logs.put_retention_policy(logGroupName=group, retentionInDays=days)

    def forget_logs(self, beginning: str) -> None:
        """Delete the log groups of a runtime, which no stack owns, by the ``beginning`` of their names."""
        logs = self._client("logs")
        with failing(f"delete {beginning}*"):
            pages = logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=beginning)
            for group in [group["logGroupName"] for page in pages for group in page["logGroups"]]:
                with suppress(logs.exceptions.ResourceNotFoundException):
                    logs.delete_log_group(logGroupName=group)

    def amplify(self) -> Any:
        """Give the client of Amplify Hosting."""
        return self._client("amplify")

    def _client(self, service: str) -> Any:
        return self._session.create_client(service, region_name=self.region)

    def _finds(self, absent: str, service: str, operation: str, **parameters: Any) -> bool:
        """Whether something is there: it is not where AWS says a code that is in ``absent``, and only there."""
        try:
            getattr(self._client(service), operation)(**parameters)
        except exceptions.ClientError as error:
            if _code(error) in absent.split():
                return False
            raise StepFailed(f"AWS did not answer {service}:{operation} ({_reason(error)}).") from error
        except exceptions.BotoCoreError as error:
            raise StepFailed(f"AWS did not answer {service}:{operation} ({_reason(error)}).") from error
        return True


@contextmanager
def failing(to_do: str) -> Generator[None]:
    """Say of what AWS refuses, or does not answer, that it did not let us ``to_do``."""
    try:
        yield
    except (exceptions.BotoCoreError, exceptions.ClientError, httpx2.HTTPError) as error:
        raise StepFailed(f"AWS did not let us {to_do} ({_reason(error)}).") from error


def _code(error: exceptions.ClientError) -> str:
    return str(cast("Any", error.response)["Error"]["Code"])


def _reason(error: Exception) -> str:
    return _code(error) if isinstance(error, exceptions.ClientError) else type(error).__name__
