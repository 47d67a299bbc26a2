"""What to change, by what was found and by who stands on the way. Nothing is advised for what did not show itself.

What these services do by default: https://nginx.org/en/docs/http/ngx_http_proxy_module.html,
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-load-balancer-attributes.html,
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/DownloadDistValuesOrigin.html,
https://docs.aws.amazon.com/lambda/latest/dg/configuration-response-streaming.html.
"""

from collections.abc import Mapping

from magisystem.doctor.findings import Advice
from magisystem.doctor.waypoints import Waypoint

_ByWaypoint = Mapping[Waypoint, str]

_AMPLIFY = (
    "It buffers answers and cuts them after 30 s, and no setting changes that. Leave the static files there, and name "
    "a Lambda Function URL or an AgentCore Runtime as the backend in config.json (docs/topologies.md)."
)
PERHAPS_AMPLIFY = Advice(
    f"Under a domain of one's own it looks like CloudFront, and it answers so after 30 s. If this is it: {_AMPLIFY}",
    Waypoint.AMPLIFY.value,
)
_CLOUDFLARE = "Give this path a rule that turns caching, compression and response buffering off."

_BUFFERING: _ByWaypoint = {
    Waypoint.NGINX: "Set `proxy_buffering off;` in this server's location, or let `X-Accel-Buffering: no` through from "
    "the server (no proxy_ignore_headers, no second nginx in between that keeps it).",
    Waypoint.AMPLIFY: _AMPLIFY,
    Waypoint.FUNCTION_URL: "Set the URL's invoke mode to RESPONSE_STREAM, and AWS_LWA_INVOKE_MODE=response_stream in "
    "the function's environment: the mode BUFFERED gives an answer away whole.",
    Waypoint.API_GATEWAY: "Set the integration's responseTransferMode to STREAM (REST APIs alone have it).",
    Waypoint.CLOUDFRONT: "CloudFront streams what its origin streams: examine the origin's own address. Turn "
    "compression off for this behaviour, and use the cache policy CachingDisabled.",
    Waypoint.CLOUDFLARE: _CLOUDFLARE,
    Waypoint.AGENTCORE: "The data plane passes streams on as they come: see that the container answers "
    "text/event-stream, and that nothing stands in front of its port.",
}
_CUT: _ByWaypoint = {
    Waypoint.NGINX: "nginx itself limits the silence, not the length: look for what stands behind it, or ends its "
    "workers (`worker_shutdown_timeout`, reloads).",
    Waypoint.AMPLIFY: _AMPLIFY,
    Waypoint.FUNCTION_URL: "Raise the function's timeout (up to 900 s): it ends what is still streaming.",
    Waypoint.API_GATEWAY: "Raise the integration's timeout: with responseTransferMode STREAM up to 15 min.",
    Waypoint.CLOUDFRONT: "Raise the origin's response timeout and response completion timeout.",
    Waypoint.AGENTCORE: "A stream may last 60 min there: see whether the container was stopped (its log group, "
    "maxLifetime of the runtime's lifecycle).",
}
_SILENCE: _ByWaypoint = {
    Waypoint.NGINX: "Set `proxy_read_timeout 60s;` or more in this server's location.",
    Waypoint.LOAD_BALANCER: "Raise its idle timeout (idle_timeout.timeout_seconds; 60 s by default).",
    Waypoint.CLOUDFRONT: "Raise the origin's response timeout (30 s by default, up to 60 s).",
    Waypoint.API_GATEWAY: "Use a regional endpoint (idle timeout 5 min) in place of an edge-optimised one (30 s).",
    Waypoint.AMPLIFY: _AMPLIFY,
}
_COMPRESSION: _ByWaypoint = {
    Waypoint.NGINX: "Set `gzip off;` in this server's location, or take text/event-stream out of `gzip_types`.",
    Waypoint.CLOUDFRONT: "Turn automatic compression off for this behaviour.",
    Waypoint.API_GATEWAY: "Take minimumCompressionSize off the API.",
    Waypoint.FUNCTION_URL: "Take AWS_LWA_ENABLE_COMPRESSION out of the function's environment.",
    Waypoint.CLOUDFLARE: _CLOUDFLARE,
}
_HEADERS: _ByWaypoint = {
    Waypoint.NGINX: "Look for `proxy_set_header`, `proxy_hide_header` and `add_header` in this server's location.",
    Waypoint.AGENTCORE: "Name the header in the runtime's requestHeaderAllowlist.",
    Waypoint.CLOUDFRONT: "Use the origin request policy AllViewerExceptHostHeader.",
}
_SOCKET: _ByWaypoint = {
    Waypoint.NGINX: "Pass the upgrade on: `proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; "
    'proxy_set_header Connection "upgrade";`.',
}

_ANYWHERE = {
    "buffering": "Something on the way gathers the stream. Ask whoever runs it to pass text/event-stream on as it "
    "comes (with nginx: `proxy_buffering off`), or examine the server's own address to see where it begins.",
    "cut_off": "Something on the way ends answers after that time. Look for a limit on the length of a response or "
    "request, or examine the server's own address to see where it is.",
    "silence": "Something on the way cuts what is silent that long. Raise its idle or read timeout to 60 s or more.",
    "compression": "Exempt text/event-stream from compression where it is done.",
    "headers": "Look for what sets, hides or rewrites headers on the way.",
}
_TABLES: Mapping[str, _ByWaypoint] = {
    "buffering": _BUFFERING,
    "cut_off": _CUT,
    "silence": _SILENCE,
    "compression": _COMPRESSION,
    "headers": _HEADERS,
    "socket": _SOCKET,
}


def advice(subject: str, found: set[Waypoint]) -> tuple[Advice, ...]:
    """Say what to change about ``subject``: for each of those on the way that can be its cause, else in general."""
    table = _TABLES[subject]
    known = tuple(Advice(table[waypoint], waypoint.value) for waypoint in Waypoint if waypoint in found & table.keys())
    if known or subject not in _ANYWHERE:
        return known
    return (Advice(_ANYWHERE[subject]),)
