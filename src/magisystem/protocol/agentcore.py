"""Amazon Bedrock AgentCore Runtime as everybody has to name it who speaks of it: ARNs, data plane, headers. Pure.

Light, because the gateway, which has to start at once, asks here too.
"""

import re
from dataclasses import dataclass
from urllib.parse import quote

# Of `InvokeAgentRuntime`: which microVM does it, and which request this is.
SESSION_HEADER = "x-amzn-bedrock-agentcore-runtime-session-id"
REQUEST_HEADER = "x-amzn-bedrock-agentcore-runtime-request-id"
# Whose a request is, by our gateway's word. It is let through for its prefix.
# https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/runtime-header-allowlist.html
ASSERTION_HEADER = "x-amzn-bedrock-agentcore-runtime-custom-magi-owner"
# A page cannot set headers of a socket, so its token comes as a subprotocol.
# https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/runtime-get-started-websocket.html
SOCKET_PROTOCOL = "base64UrlBearerAuthorization"
# As AWS's SDKs call it.
ENDPOINT_VARIABLE = "AWS_ENDPOINT_URL_BEDROCK_AGENTCORE"
DEFAULT_QUALIFIER = "DEFAULT"

QUALIFIER = r"[A-Za-z][A-Za-z0-9_]{0,47}"
ARN_EXAMPLE = "arn:aws:bedrock-agentcore:us-east-1:123456789012:runtime/magi-AbCdEf1234"
# A runtime's ARN, or that of one of its endpoints. Ids are taken in more forms than AWS makes now: it says which exist.
ARN = (
    r"(?P<runtime>arn:aws(?:-[a-z-]+)?:bedrock-agentcore:(?P<region>[a-z0-9-]+):[0-9]{12}:runtime/[A-Za-z0-9_-]{1,111})"
    rf"(?:/runtime-endpoint/(?P<qualifier>{QUALIFIER}))?"
)


@dataclass(frozen=True, slots=True)
class RuntimeArn:
    """A runtime's ARN; ``qualifier`` is empty unless it was that of one of its endpoints."""

    runtime: str
    region: str
    qualifier: str = ""

    @classmethod
    def read(cls, text: str) -> "RuntimeArn":
        """Read the ARN of a runtime, or of an endpoint of one.

        Raises:
            ValueError: it is neither.
        """
        if (found := re.fullmatch(ARN, text)) is None:
            raise ValueError(text)
        return cls(found["runtime"], found["region"], found["qualifier"] or "")

    def invocations(self, endpoint: str, qualifier: str = "") -> str:
        """Give the URL of ``InvokeAgentRuntime`` at ``endpoint``, which has no slash at its end."""
        qualifier = qualifier or self.qualifier or DEFAULT_QUALIFIER
        return f"{endpoint}/runtimes/{quote(self.runtime, safe='')}/invocations?qualifier={qualifier}"


def is_runtime_arn(text: str) -> bool:
    """Whether it is the ARN of a runtime, or of an endpoint of one."""
    return re.fullmatch(ARN, text) is not None


def data_plane(region: str) -> str:
    """Give a region's own endpoint. China has a domain of its own (botocore, endpoints.json)."""
    return f"https://bedrock-agentcore.{region}.amazonaws.com" + (".cn" if region.startswith("cn-") else "")
