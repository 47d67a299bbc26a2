"""What pages of other origins may send and read, the same wherever it is said: by the server, the gateway, or a URL."""

from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from magisystem.protocol.agentcore import SESSION_HEADER

# All that a client of ours, of OpenTelemetry in a page, or of AgentCore's data plane sends.
ALLOWED_HEADERS = (
    "authorization",
    "baggage",
    "content-type",
    "idempotency-key",
    "last-event-id",
    "prefer",
    "traceparent",
    "tracestate",
    SESSION_HEADER,
    "x-amzn-trace-id",
)
EXPOSED_HEADERS = ("location", "preference-applied", "retry-after", "x-magi-deliberation-id")


def cors(origins: tuple[str, ...], methods: tuple[str, ...]) -> Middleware:
    """Give what lets pages of ``origins`` in."""
    return Middleware(
        CORSMiddleware,
        allow_origins=origins,
        allow_methods=methods,
        allow_headers=ALLOWED_HEADERS,
        expose_headers=EXPOSED_HEADERS,
    )
