"""Whose a request to the runtime is, and what of a client's headers may go with it.

What goes on is put together anew. Nothing that a client sends is passed on but what is named here, so that no client
can speak to the runtime in the gateway's name, or in another owner's.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from starlette.datastructures import Headers

# Header and its longest value (InvokeAgentRuntime).
_TRACES = {"traceparent": 128, "tracestate": 512, "baggage": 8192}
_XRAY, _XRAY_CHARACTERS = "x-amzn-trace-id", 128


@dataclass(frozen=True, slots=True)
class Call:
    """Whose a request is, and where it belongs: the same for all attempts to make it.

    ``token`` is what the owner was recognised by; without an identity provider, what came, if anything.
    """

    owner: str
    token: str | None = field(repr=False)
    runtime_session_id: str
    traces: Mapping[str, str]


def traces(headers: Headers) -> Mapping[str, str]:
    """Give the headers by which a trace goes on, where they are such as the data plane takes.

    X-Ray's is passed on only where it says that the trace is recorded: one that says it is not, which Lambda sends with
    every request, keeps AgentCore from recording its own.
    """
    found = {name: ",".join(headers.getlist(name)) for name in (*_TRACES, _XRAY)}
    longest = {**_TRACES, _XRAY: _XRAY_CHARACTERS}
    fit = {
        name: value
        for name, value in found.items()
        if value and len(value) <= longest[name] and value.isascii() and value.isprintable()
    }
    if "sampled=1" not in fit.get(_XRAY, "").lower().split(";"):
        fit.pop(_XRAY, None)
    return fit
