"""What the head of an answer says of the path: headers that were changed, compression, what a page may ask. Pure."""

from collections.abc import Iterator

from magisystem.doctor.advice import advice
from magisystem.doctor.figures import held_back
from magisystem.doctor.findings import Advice, Finding, Grade
from magisystem.doctor.measurements import Ending, Preflight, StreamTrace
from magisystem.doctor.waypoints import Waypoint


def headers(main: StreamTrace, found: set[Waypoint], *, has_token: bool) -> Finding:
    """Say which headers were changed or lost on the way, there and back."""
    changed = [*_changed_back(main), *_lost_there(main, has_token=has_token)]
    if not changed:
        return Finding("headers", Grade.WELL, "arrive as they were sent, there and back")
    return Finding("headers", Grade.REMARK, "; ".join(changed), advice("headers", found))


def _changed_back(main: StreamTrace) -> Iterator[str]:
    control = main.headers.get("cache-control", "")
    if "no-cache" not in control and "no-store" not in control:
        yield f"cache-control came as {control!r}" if control else "cache-control is lost"
    if "content-length" in main.headers:
        yield "the stream has a content-length: something has read all of it first"


def _lost_there(main: StreamTrace, *, has_token: bool) -> Iterator[str]:
    if main.started is None:
        return
    arrived = main.started.headers
    if "last-event-id" not in arrived and main.started.platform != "agentcore":
        yield "Last-Event-ID does not reach the server"
    if has_token and "authorization" not in arrived:
        yield "Authorization does not reach the server"


def compression(browser: StreamTrace, main: StreamTrace | None, found: set[Waypoint]) -> Finding:
    """Say whether streams are compressed: unasked, or where a browser asks, which always does."""
    unasked = main.headers.get("content-encoding", "") if main else ""
    if unasked and unasked != "identity":
        return Finding(
            "compression",
            Grade.PROBLEM,
            f"{unasked}, although it was asked not to: what is compressed waits for a full block",
            advice("compression", found),
        )
    encoding = browser.headers.get("content-encoding", "identity")
    if browser.ending is Ending.REFUSED:
        return Finding("compression", Grade.NOTE, f"not measured ({browser.refusal or 'no stream came'})")
    if encoding == "identity":
        return Finding("compression", Grade.WELL, "none, also where gzip is allowed, as browsers allow it")
    held = held_back(browser)
    if held is not None and (main is None or held_back(main) is None):
        summary = f"{encoding} for browsers, and the stream held back by it for up to {held.longest_s:.1f} s"
        return Finding("compression", Grade.PROBLEM, summary, advice("compression", found))
    summary = f"{encoding} for browsers, flushed at every frame: it saves nothing and may begin to hold back"
    return Finding("compression", Grade.REMARK, summary, advice("compression", found))


def preflight(asked: Preflight, found: set[Waypoint]) -> Finding:
    """Say whether a page of that origin may ask."""
    faults = list(_cors_faults(asked))
    if not faults:
        return Finding("preflight", Grade.WELL, f"pages of {asked.origin} may ask")
    where = {
        Waypoint.FUNCTION_URL: "Set CORS on the URL or in the application (MAGI_CORS_ORIGINS), never in both.",
        Waypoint.AGENTCORE: "Whether the data plane answers preflights is not documented; if not, let pages ask the "
        "gateway (Function URL) instead.",
    }
    known = tuple(Advice(text, waypoint.value) for waypoint, text in where.items() if waypoint in found)
    general = Advice(f"Name {asked.origin} in the server's MAGI_CORS_ORIGINS, and set CORS nowhere else.")
    return Finding("preflight", Grade.PROBLEM, "; ".join(faults), known or (general,))


def _cors_faults(asked: Preflight) -> Iterator[str]:
    if asked.reason:
        yield f"the preflight came to nothing ({asked.reason})"
        return
    if not 200 <= asked.status < 300:
        yield f"the preflight is answered with {asked.status}"
    for what, origins in (("the preflight", asked.allowed_origins), ("the answer", asked.answer_origins)):
        given = [origin.strip() for value in origins for origin in value.split(",")]
        if len(given) > 1:
            yield f"{what} allows an origin {len(given)} times over, which browsers refuse"
        elif not given:
            yield f"{what} allows no origin"
        elif given[0] not in {"*", asked.origin}:
            yield f"{what} allows {given[0]}, not {asked.origin}"
    allowed = set(asked.allowed_headers)
    # The star does not stand for `Authorization`: https://fetch.spec.whatwg.org/#cors-preflight-fetch
    covered = {name for name in asked.asked_headers if name in allowed or ("*" in allowed and name != "authorization")}
    if missing := [name for name in asked.asked_headers if name not in covered]:
        yield f"these headers are not allowed: {', '.join(missing)}"
    if asked.allowed_methods and not {"post", "*"} & set(asked.allowed_methods):
        yield "POST is not allowed"
