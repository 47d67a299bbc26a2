"""Who stands between here and the server, as far as they give themselves away: advice is for these alone. Pure."""

import re
from collections.abc import Mapping
from enum import Enum

from magisystem.doctor.measurements import PathMeasurements


class Waypoint(Enum):
    """Something on the way that is known for what it does to streams."""

    NGINX = "nginx"
    AMPLIFY = "Amplify Hosting"
    CLOUDFRONT = "CloudFront"
    LOAD_BALANCER = "load balancer"
    API_GATEWAY = "API Gateway"
    FUNCTION_URL = "Lambda Function URL"
    AGENTCORE = "AgentCore Runtime"
    CLOUDFLARE = "Cloudflare"


_HOSTS: Mapping[Waypoint, str] = {
    Waypoint.AMPLIFY: r"\.amplifyapp\.com$",
    Waypoint.CLOUDFRONT: r"\.cloudfront\.net$",
    Waypoint.LOAD_BALANCER: r"\.elb\.amazonaws\.com$",
    Waypoint.API_GATEWAY: r"\.execute-api\.[^.]+\.amazonaws\.com$",
    Waypoint.FUNCTION_URL: r"\.lambda-url\.[^.]+\.on\.aws$",
    Waypoint.AGENTCORE: r"^bedrock-agentcore\..*amazonaws\.com$",
}


def waypoints(host: str, headers: Mapping[str, str], arrived: Mapping[str, str | bool] | None = None) -> set[Waypoint]:
    """Tell from the host's name, an answer's headers and those with which the request ``arrived``."""
    found = {waypoint for waypoint, pattern in _HOSTS.items() if re.search(pattern, host)}
    server = headers.get("server", "").lower()
    via = headers.get("via", "").lower()
    marks = (
        (Waypoint.NGINX, server.startswith(("nginx", "openresty"))),
        (Waypoint.CLOUDFRONT, "x-amz-cf-id" in headers or "cloudfront" in via or server == "cloudfront"),
        (Waypoint.LOAD_BALANCER, server.startswith("awselb")),
        (Waypoint.API_GATEWAY, "x-amz-apigw-id" in headers or "apigw-requestid" in headers),
        (Waypoint.CLOUDFLARE, server == "cloudflare" or "cf-ray" in headers),
    )
    found |= {waypoint for waypoint, is_marked in marks if is_marked}
    # A load balancer adds both of these to what it passes on; so do the front ends of Lambda.
    # https://docs.aws.amazon.com/elasticloadbalancing/latest/application/x-forwarded-headers.html
    is_balanced = {"x-forwarded-port", "x-amzn-trace-id"} <= set(arrived or {})
    if is_balanced and not found & {Waypoint.API_GATEWAY, Waypoint.FUNCTION_URL, Waypoint.AGENTCORE}:
        found.add(Waypoint.LOAD_BALANCER)
    # Amplify Hosting answers through CloudFront: its own name is the better one.
    return found - {Waypoint.CLOUDFRONT} if Waypoint.AMPLIFY in found else found


def waypoints_of(measured: PathMeasurements) -> set[Waypoint]:
    """Tell from everything that was measured."""
    found: set[Waypoint] = set()
    for trace in (measured.main, measured.silent, measured.browser):
        if trace is not None:
            found |= waypoints(measured.host, trace.headers, trace.started.headers if trace.started else None)
    return found or waypoints(measured.host, {})
