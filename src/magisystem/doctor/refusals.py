"""What it means that the first request came to nothing. Pure."""

from magisystem.doctor.findings import Advice, Diagnosis, Finding, Grade
from magisystem.doctor.measurements import Refusal, RefusalKind
from magisystem.doctor.target import Target
from magisystem.doctor.waypoints import Waypoint, waypoints

_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})
_SERVE = "`magi serve` starts a server on this machine."
_SIGN_IN = "Put an access token into MAGI_TOKEN, a fresh one: they last for minutes to hours."


def diagnose_refusal(refusal: Refusal, target: Target, *, has_token: bool) -> Diagnosis:
    """Say what stands in the way of any examination."""
    if refusal.has_lambda_prelude:
        finding = _lambda_prelude()
    elif refusal.kind is RefusalKind.ANSWERED:
        finding = _answered(refusal, target, has_token=has_token)
    else:
        finding = _unanswered(refusal, target)
    figures = {"status": refusal.status} if refusal.status else {}
    return Diagnosis((finding,), "Nothing could be measured.", figures=figures)


def _unanswered(refusal: Refusal, target: Target) -> Finding:
    host, reason = target.host, refusal.reason
    match refusal.kind:
        case RefusalKind.NAME_UNKNOWN:
            mend = "Is it spelt rightly? Does this machine reach the name server that knows it (VPN, private zone)?"
            return _problem("name_unknown", f"There is no host {host!r} ({reason}).", mend)
        case RefusalKind.NOT_LISTENING:
            mend = _SERVE if host in _LOCAL else "Is the port right, and the server up?"
            return _problem("not_listening", f"{host} is there, but nothing listens at {target.shown}.", mend)
        case RefusalKind.UNREACHABLE:
            mend = "Look at firewalls and security groups, and whether this machine needs a proxy (HTTPS_PROXY)."
            return _problem("unreachable", f"{host} cannot be reached ({reason}).", mend)
        case RefusalKind.TLS:
            return _problem("tls", f"No secure connection to {host}: {reason}.", *_tls(reason, target))
        case RefusalKind.NO_ANSWER:
            mend = "Is the server behind it up? On AWS: do security group and target group let the port through?"
            return _problem("no_answer", f"{target.shown} takes connections, but does not answer: {reason}.", mend)
        case _:
            mend = "Is the port right? Is it https that is spoken there?"
            return _problem("not_http", f"What answers at {target.shown} does not speak HTTP ({reason}).", mend)


def _tls(reason: str, target: Target) -> tuple[str, ...]:
    if "version" in reason.lower() or "record" in reason.lower():
        return (f"It seems to speak http: try {target.shown.replace('https:', 'http:', 1)}.",)
    return (
        "The certificate must be of this name, in date, and of an authority that this machine trusts (SSL_CERT_FILE "
        "names further ones).",
    )


def _answered(refusal: Refusal, target: Target, *, has_token: bool) -> Finding:
    found = waypoints(target.host, refusal.headers)
    is_runtime = target.base is None
    is_of_ours = refusal.media_type == "application/problem+json"
    said = _said(refusal)
    if refusal.status < 400:
        return _not_ours(refusal, target) if refusal.status < 300 else _redirected(refusal, target)
    match refusal.status:
        case 401:
            finding = _problem("unauthenticated", f"It does not know who asks ({said}).", _on_401(has_token=has_token))
        case 403 if is_of_ours or is_runtime or Waypoint.FUNCTION_URL in found:
            mends = _on_403(found, is_runtime=is_runtime, has_token=has_token)
            finding = _problem("not_allowed", f"It refuses whoever asks like this ({said}).", *mends)
        case 403:
            mend = "Look for who may ask there: an allow-list, a firewall for web applications, a sign-in of its own."
            finding = _problem("not_allowed", f"What stands before the server refuses whoever asks ({said}).", mend)
        case 404 if is_of_ours or is_runtime or refusal.code:
            mend = _on_404(is_runtime=is_runtime)
            finding = _problem("not_found", f"There is no such thing there ({said}).", mend)
        case 421:
            summary = f"The server does not answer to the name {target.host!r}."
            finding = _problem("host_not_allowed", summary, "Name it in the server's MAGI_ALLOWED_HOSTS.")
        case 424:
            finding = _problem("runtime_failed", f"AgentCore reached the container, which failed ({said}).", _ON_424)
        case 429:
            mend = "Wait a moment; if another examination runs, let it end."
            finding = _problem("too_many", f"It asks for patience ({said}).", mend)
        case 400 if is_of_ours and "action" in refusal.reason:
            summary = "It is a MAGISystem server, of a version that knows no probe."
            finding = _problem("too_old", summary, "Deploy the newest version there.")
        case 502 | 503 | 504 if not is_of_ours:
            mend = "Is the server behind it up, and at the port that is named there?"
            finding = _problem("upstream_failed", f"Something answers in the server's place ({said}).", mend)
        case status if is_of_ours or refusal.code:
            finding = _problem("refused" if status < 500 else "server_failed", f"It refuses ({said}).")
        case _:
            finding = _not_ours(refusal, target)
    return finding


def _said(refusal: Refusal) -> str:
    code = f" {refusal.code}" if refusal.code else ""
    return f"{refusal.status}{code}" + (f": {refusal.reason.rstrip('.')}" if refusal.reason else "")


def _lambda_prelude() -> Finding:
    return _problem(
        "lambda_prelude",
        "The answer begins with Lambda's own framing: function and URL disagree on how it travels.",
        Advice(
            "Set both to streaming: the URL's invoke mode RESPONSE_STREAM and AWS_LWA_INVOKE_MODE=response_stream.",
            Waypoint.FUNCTION_URL.value,
        ),
    )


_ON_424 = Advice(
    "Read its log group (/aws/bedrock-agentcore/runtimes/…). The image must be linux/arm64, listen on 0.0.0.0:8080, "
    "run with MAGI_PLATFORM=agentcore and have a numeric USER.",
    Waypoint.AGENTCORE.value,
)


def _redirected(refusal: Refusal, target: Target) -> Finding:
    where = refusal.headers.get("location", "")
    elsewhere = f" to {where}" if where else ""
    return _problem(
        "redirected",
        f"{target.shown} only leads elsewhere ({refusal.status}{elsewhere}).",
        "Give the address that it leads to, up to what stands before /invocations: clients of ours follow no redirect, "
        "which would take their token to another host.",
    )


def _not_ours(refusal: Refusal, target: Target) -> Finding:
    what = refusal.media_type or "nothing in particular"
    if target.base is None:
        return _problem(
            "not_ours",
            f"What answers at {target.host} is no data plane of AgentCore ({refusal.status}, {what}).",
            "Is the endpoint right, which AWS_ENDPOINT_URL_BEDROCK_AGENTCORE or the URL names?",
        )
    return _problem(
        "not_ours",
        f"What answers at {target.shown} is no MAGISystem server ({refusal.status}, {what}).",
        "Give the address of the backend, not of the web pages: the `backend` of their config.json."
        if what == "text/html"
        else "Is the address right, and its path?",
    )


def _on_401(*, has_token: bool) -> str:
    if not has_token:
        return f"No token was sent. {_SIGN_IN}"
    return (
        f"The token in MAGI_TOKEN is not accepted. {_SIGN_IN} Is it of the user pool, the client and the kind (access "
        "token) that the server was told of? Or does something on the way take the header Authorization out?"
    )


def _on_403(found: set[Waypoint], *, is_runtime: bool, has_token: bool) -> tuple[str | Advice, ...]:
    if is_runtime:
        return (
            Advice(
                "A runtime takes SigV4 or tokens, never both; where it takes SigV4, this is what a token meets. "
                "Examine the gateway in front of it, or give the runtime a JWT authorizer.",
                Waypoint.AGENTCORE.value,
            ),
        )
    if Waypoint.FUNCTION_URL in found:
        return (
            Advice(
                "With auth type NONE a URL needs two permissions for everyone: lambda:InvokeFunctionUrl, and "
                "lambda:InvokeFunction with lambda:InvokedViaFunctionUrl (since October 2025).",
                Waypoint.FUNCTION_URL.value,
            ),
        )
    if has_token:
        return (
            "The token is of an application or for a scope that the server does not know: see MAGI_OIDC_CLIENTS, "
            "MAGI_OIDC_AUDIENCE and MAGI_OIDC_SCOPES there.",
        )
    return ()


def _on_404(*, is_runtime: bool) -> str | Advice:
    if is_runtime:
        return Advice(
            "See account, region, id and qualifier of the ARN, and that it is percent-encoded whole in a URL (`:` as "
            "%3A, `/` as %2F).",
            Waypoint.AGENTCORE.value,
        )
    return "Is the path right? The address is what stands before /invocations."


def _problem(code: str, summary: str, *mends: str | Advice) -> Finding:
    advice = tuple(mend if isinstance(mend, Advice) else Advice(mend) for mend in mends)
    return Finding(code, Grade.PROBLEM, summary, advice)
