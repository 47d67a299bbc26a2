"""Distributed traces: what a request began elsewhere goes on in the spans of the agents.

Strands makes a span of every agent, model call and tool call; they are exported where the process runs with
OpenTelemetry's own instrumentation. Here is only whose children they are.
"""

import logging
from collections.abc import Generator
from contextlib import contextmanager

from starlette.datastructures import Headers

_W3C = "traceparent"
_XRAY = "x-amzn-trace-id"
# What is wrong with baggage is said once for each of its entries, up to 180 a request, in the sender's own words.
_BAGGAGE_LOG = "opentelemetry.baggage"


@contextmanager
def trace_continued(headers: Headers) -> Generator[None]:
    """Have what is begun within, tasks included, be part of the trace that the request is of, if it is of one."""
    if _W3C not in headers and _XRAY not in headers:
        yield
        return
    # It takes a tenth of a second, once, and most requests are part of no trace.
    from opentelemetry import context, propagate
    from opentelemetry.propagators.aws import AwsXRayPropagator
    from opentelemetry.propagators.aws.aws_xray_propagator import TRACE_HEADER_KEY

    logging.getLogger(_BAGGAGE_LOG).setLevel(logging.ERROR)
    if _W3C in headers:
        found = propagate.extract(dict(headers))
    else:
        # It looks for the header in its own case.
        found = AwsXRayPropagator().extract({TRACE_HEADER_KEY: headers[_XRAY]})
    token = context.attach(found)
    try:
        yield
    finally:
        context.detach(token)
