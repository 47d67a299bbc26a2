"""What measurements of a path mean: findings, and which transport to use. Pure: same numbers, same words."""

from collections.abc import Iterator
from http import HTTPStatus

from magisystem.doctor import figures
from magisystem.doctor.advice import PERHAPS_AMPLIFY, advice
from magisystem.doctor.figures import Held, held_back, percentile
from magisystem.doctor.findings import Advice, Diagnosis, Finding, Grade
from magisystem.doctor.heads import compression, headers, preflight
from magisystem.doctor.measurements import Ending, PathMeasurements, StreamTrace
from magisystem.doctor.waypoints import Waypoint, waypoints_of

# A person waits for the first word; a server of ours sends a kilobyte at once.
_LATE_FIRST_BYTE_S = 1.0
# What text that appears may lag behind and still seem live.
_LATE_MS = 500.0
# Tokens are believed for a minute of difference; half of it is a clock to be mended.
_CLOCK_MS = 30_000.0
# A deliberation's, whatever a probe asks for: what a path bears is judged by it. A gateway of ours drops a server's,
# and is never silent itself for longer.
_KEEP_ALIVE_S = 10.0
# After which Amplify Hosting answers 504 in its backend's place, give or take.
_AMPLIFY_S = (28.0, 33.0)
# What says in the server's place that it took too long, or broke.
_GIVEN_UP = {502, 503, 504}
# Places where a socket is not to be had: that it fails there says nothing.
_WITHOUT_SOCKETS = {Waypoint.FUNCTION_URL, Waypoint.API_GATEWAY, Waypoint.AMPLIFY}


def diagnose(measured: PathMeasurements) -> Diagnosis:
    """Say what the path does to streams, which transport to use on it, and what to change."""
    found = waypoints_of(measured)
    findings = tuple(_findings(measured, found))
    transport, verdict = _choice(measured, findings)
    return Diagnosis(findings, verdict, transport, dict(_figures(measured)))


def _findings(measured: PathMeasurements, found: set[Waypoint]) -> Iterator[Finding]:
    yield _reach(measured)
    yield _clock(measured)
    if (main := measured.main) is not None:
        if main.ending is Ending.REFUSED or main.first_byte_s is None:
            yield _no_stream(main, found)
        else:
            yield from _stream(main, measured, found)
    if measured.browser is not None:
        yield compression(measured.browser, measured.main, found)
    if measured.resumption is not None and measured.main is not None and measured.main.first_byte_s is not None:
        yield _resumption(measured)
    yield from _fallbacks(measured, found)
    if measured.preflight is not None:
        yield preflight(measured.preflight, found)


def _reach(measured: PathMeasurements) -> Finding:
    started = measured.main.started if measured.main else None
    who = f"; version {started.version} on {started.platform}" if started and started.version else ""
    return _well("reach", f"a MAGISystem server answers in {measured.clock.round_trip_ms:.0f} ms{who}")


def _clock(measured: PathMeasurements) -> Finding:
    clock = measured.clock
    apart_ms = abs(clock.offset_ms)
    direction = "ahead of" if clock.offset_ms > 0 else "behind"
    summary = (
        f"the server's agrees with this machine's, to ± {clock.uncertainty_ms:.0f} ms"
        if apart_ms <= clock.uncertainty_ms
        else f"the server's is {_seconds(apart_ms / 1000)} {direction} this machine's, ± {clock.uncertainty_ms:.0f} ms"
    )
    if abs(clock.offset_ms) - clock.uncertainty_ms > _CLOCK_MS:
        mend = Advice("Let both machines keep time by NTP: tokens are refused where clocks are a minute apart.")
        return Finding("clock", Grade.REMARK, summary, (mend,))
    return _well("clock", summary)


def _no_stream(main: StreamTrace, found: set[Waypoint]) -> Finding:
    if main.refusal:
        subject = "cut_off" if main.status in _GIVEN_UP or not main.status else "headers"
        summary = f"no stream came; after {_seconds(main.ended_s)} there was this: {main.refusal}"
        is_as_amplify = main.status == HTTPStatus.GATEWAY_TIMEOUT and _AMPLIFY_S[0] <= main.ended_s <= _AMPLIFY_S[1]
        perhaps = (PERHAPS_AMPLIFY,) if is_as_amplify and Waypoint.CLOUDFRONT in found else ()
        return Finding("first_byte", Grade.PROBLEM, summary, (*perhaps, *advice(subject, found)))
    what = "no byte of it" if main.head_s is not None else "no answer"
    return Finding(
        "first_byte",
        Grade.PROBLEM,
        f"{what} came in {main.ended_s:.0f} s, although the stream lasts {main.asked.seconds:g} s",
        advice("buffering", found),
    )


def _stream(main: StreamTrace, measured: PathMeasurements, found: set[Waypoint]) -> Iterator[Finding]:
    held = held_back(main)
    yield _first_byte(main, held)
    yield _delivery(main, measured, held)
    yield _buffering(held, found)
    yield _cut_off(measured, found)
    yield _silence(measured, found)
    yield _keep_alives(main, held)
    yield headers(main, found, has_token=measured.has_token)


def _first_byte(main: StreamTrace, held: Held | None) -> Finding:
    first_s = main.first_byte_s or 0.0
    is_late = first_s > _LATE_FIRST_BYTE_S
    # Where something holds the stream back, the finding about that says what to change.
    grade = Grade.WELL if not is_late else Grade.REMARK if held is None else Grade.NOTE
    return Finding("first_byte", grade, f"after {_seconds(first_s)}")


def _delivery(main: StreamTrace, measured: PathMeasurements, held: Held | None) -> Finding:
    lags = figures.lags_ms(main, measured.clock)
    if not lags:
        return Finding("delivery", Grade.PROBLEM, "no frame of the stream came")
    p50, p95 = max(0.0, percentile(lags, 50)), max(0.0, percentile(lags, 95))
    summary = (
        f"p50 {p50:.0f} ms, p95 {p95:.0f} ms behind its sending (± {measured.clock.uncertainty_ms:.0f}); "
        f"longest gap {_seconds(figures.longest_gap_s(main))}"
    )
    if p95 - measured.clock.uncertainty_ms <= _LATE_MS:
        return _well("delivery", summary)
    if held is not None:
        return Finding("delivery", Grade.NOTE, summary)
    mend = Advice("All of it comes late, evenly: look for what is slow or far away on the way, such as a VPN.")
    return Finding("delivery", Grade.REMARK, summary, (mend,))


def _buffering(held: Held | None, found: set[Waypoint]) -> Finding:
    if held is None:
        return _well("buffering", "none: frames come as they are sent")
    what = "the whole answer is held back" if held.is_whole else f"{held.n_bytes / 1024:.1f} KiB are held back at once"
    bursts = "burst" if held.n_bursts == 1 else "bursts"
    summary = f"{what}, for up to {_seconds(held.longest_s)}; {held.n_bursts} {bursts}"
    return Finding("buffering", Grade.PROBLEM, summary, advice("buffering", found))


def _cut_off(measured: PathMeasurements, found: set[Waypoint]) -> Finding:
    main = measured.main
    assert main is not None  # noqa: S101 - asked for with it alone
    if main.ending is Ending.COMPLETE:
        return _well("cut_off", f"none in {main.asked.seconds:g} s")
    how = {
        Ending.CLEAN: "the body is closed cleanly, as if it were complete",
        Ending.RESET: "the connection is broken off",
        Ending.SILENT: "nothing more comes, and the connection stays",
    }[main.ending]
    summary = f"after {_seconds(main.ended_s)}: {how}"
    if _is_cut_by_silence(measured):
        # The finding about silence says what to change.
        return Finding("cut_off", Grade.PROBLEM, f"{summary}, in the quiet stretch")
    return Finding("cut_off", Grade.PROBLEM, summary, advice("cut_off", found))


def _silence(measured: PathMeasurements, found: set[Waypoint]) -> Finding:
    silent = measured.silent
    if silent is None or silent.ending is Ending.REFUSED:
        return Finding("silence", Grade.NOTE, "not measured")
    if silent.ending is Ending.COMPLETE:
        return _silence_borne(silent)
    silence_s = figures.silence_before_end_s(silent)
    if not _is_idle_cut(measured):
        return Finding("silence", Grade.NOTE, f"cut as any stream is, after {_seconds(silent.ended_s)}")
    summary = f"a stream is cut after {_seconds(silence_s)} without a byte"
    if silence_s > 1.5 * _KEEP_ALIVE_S:
        return Finding("silence", Grade.NOTE, f"{summary}; keep-alives come every {_KEEP_ALIVE_S:g} s and hold it open")
    return Finding(
        "silence",
        Grade.PROBLEM,
        f"{summary}; a deliberation's keep-alives, every {_KEEP_ALIVE_S:g} s, come too late for that",
        advice("silence", found),
    )


def _silence_borne(silent: StreamTrace) -> Finding:
    gap_s = max(figures.longest_gap_s(silent), silent.first_byte_s or 0.0)
    if gap_s < 0.8 * silent.asked.seconds:
        return _well("silence", f"none over {_seconds(gap_s)}: something on the way keeps the stream alive")
    borne = f"{silent.asked.seconds:g} s without a byte are borne"
    if silent.asked.seconds > _KEEP_ALIVE_S:
        return _well("silence", borne)
    untold = f"whether the {_KEEP_ALIVE_S:g} s between keep-alives are, only a longer examination tells"
    return Finding("silence", Grade.NOTE, f"{borne}; {untold}")


def _is_idle_cut(measured: PathMeasurements) -> bool:
    """Whether it is silence for which the silent stream was cut, and not its length.

    Then the stream that is not silent lived clearly longer, or was itself cut after as long a silence.
    """
    silent, main = measured.silent, measured.main
    if silent is None or main is None or silent.ending in {Ending.COMPLETE, Ending.REFUSED}:
        return False
    return main.ended_s > 1.2 * silent.ended_s or _is_cut_by_silence(measured)


def _is_cut_by_silence(measured: PathMeasurements) -> bool:
    silent, main = measured.silent, measured.main
    if silent is None or main is None or Ending.COMPLETE in {silent.ending, main.ending}:
        return False
    bearable_s = figures.silence_before_end_s(silent)
    return figures.silence_before_end_s(main) >= 0.8 * bearable_s > 0


def _keep_alives(main: StreamTrace, held: Held | None) -> Finding:
    keep_alive_s = main.asked.keep_alive_ms / 1000
    # The one that is due with the end may come after it.
    lasted_s = min(main.ended_s - (main.first_byte_s or 0.0), main.asked.seconds)
    due = int((lasted_s - 0.1 * keep_alive_s) / keep_alive_s)
    n_came = len(main.keep_alives_s)
    summary = f"{n_came} of {max(due, n_came)} came, one every {keep_alive_s:g} s"
    # Whoever passes a stream on may have keep-alives of its own, which come in silence alone: those are enough.
    is_kept_alive = figures.longest_gap_s(main) <= 1.1 * keep_alive_s
    if n_came >= due or is_kept_alive or held is not None:
        return _well("keep_alives", summary)
    if figures.longest_gap_s(main) <= 1.1 * _KEEP_ALIVE_S:
        return Finding(
            "keep_alives", Grade.NOTE, f"{summary}; whether later ones would, only a longer examination tells"
        )
    mend = Advice("Something takes comments out of the stream, and with them what holds it open in silence.")
    return Finding("keep_alives", Grade.REMARK, summary, (mend,))


def _resumption(measured: PathMeasurements) -> Finding:
    found = measured.resumption
    assert found is not None  # noqa: S101 - asked for with it alone
    if not found.by_body:
        reason = f" ({found.reason})" if found.reason else ""
        return Finding("resume", Grade.PROBLEM, f"a stream does not go on behind a cursor{reason}")
    if found.by_header is False:
        mend = Advice(
            "Let the header Last-Event-ID through. Clients of ours send the cursor in the body, too, and "
            "resume all the same; a plain EventSource begins anew."
        )
        return Finding("resume", Grade.REMARK, "works by the body, but Last-Event-ID does not arrive", (mend,))
    return _well("resume", "a stream goes on behind the last frame received")


def _fallbacks(measured: PathMeasurements, found: set[Waypoint]) -> Iterator[Finding]:
    is_live = _is_live(measured.main)
    if (poll := measured.poll) is not None:
        if poll.works:
            yield _well(
                "poll", f"answered after {_seconds(poll.took_s)}, as the server was told to wait {poll.held_s:g} s"
            )
        else:
            # An answer that is waited for is silence to whatever counts it.
            mends = advice("silence", found) if poll.took_s > 0.3 * poll.held_s else ()
            yield Finding("poll", Grade.REMARK, f"failed after {_seconds(poll.took_s)} ({poll.reason})", mends)
    if (socket := measured.socket) is not None:
        held = held_back(socket)
        if socket.ending is Ending.COMPLETE and held is None:
            yield _well("socket", "carries frames as they are sent")
        elif held is not None:
            yield Finding("socket", Grade.REMARK, f"holds frames back for up to {_seconds(held.longest_s)}")
        else:
            is_none = bool(found & _WITHOUT_SOCKETS) or is_live
            reason = socket.refusal or f"it broke after {_seconds(socket.ended_s)}"
            mends = () if is_none else advice("socket", found)
            yield Finding("socket", Grade.NOTE if is_none else Grade.REMARK, f"no WebSocket here ({reason})", mends)


def _is_live(trace: StreamTrace | None) -> bool:
    return trace is not None and trace.ending is Ending.COMPLETE and held_back(trace) is None


def _choice(measured: PathMeasurements, findings: tuple[Finding, ...]) -> tuple[str | None, str]:
    main, socket, poll = measured.main, measured.socket, measured.poll
    is_resumed = measured.resumption is not None and bool(measured.resumption.by_body)
    grades = {finding.code: finding.grade for finding in findings}
    is_kept_from_pages = grades.get("preflight") is Grade.PROBLEM
    is_held_from_browsers = grades.get("compression") is Grade.PROBLEM
    if _is_live(main) and not is_held_from_browsers:
        pages = " Pages of that origin cannot, before CORS is mended." if is_kept_from_pages else ""
        but = ", but cuts what is silent for a while" if grades.get("silence") is Grade.PROBLEM else ""
        return "stream", f"This path streams{but}. Use the stream.{pages}"
    is_late = main is None or held_back(main) is not None or main.first_byte_s is None
    if main is not None and main.arrivals and not is_late and not _is_live(main) and is_resumed:
        return "stream", f"{_why_not(main)}; use the stream, which clients of ours resume where it was cut."
    if _is_live(socket):
        reason = "Browsers get streams late here" if _is_live(main) else _why_not(main)
        return "socket", f"{reason}; a WebSocket is not touched. Use the socket."
    if poll is not None and poll.works:
        reason = "Browsers get streams late here" if _is_live(main) else _why_not(main)
        return "poll", f"{reason}; long-polls come through. Use polling."
    if _is_live(main):
        return "stream", "This path streams, but not to browsers. Use the stream with other clients."
    return None, f"{_why_not(main)}; nothing else that was tried works."


def _why_not(main: StreamTrace | None) -> str:
    if main is None:
        return "Streams were not tried"
    if main.ending is Ending.REFUSED or main.first_byte_s is None:
        return "No stream comes through here"
    if held_back(main) is not None:
        return "This path holds streams back"
    return f"This path cuts streams after {_seconds(main.ended_s)}"


def _figures(measured: PathMeasurements) -> Iterator[tuple[str, float | int | str | bool]]:
    clock, main = measured.clock, measured.main
    yield "roundTripMs", round(clock.round_trip_ms, 1)
    yield "clockOffsetMs", round(clock.offset_ms, 1)
    yield "clockUncertaintyMs", round(clock.uncertainty_ms, 1)
    if main is not None:
        held = held_back(main)
        if main.first_byte_s is not None:
            yield "firstByteMs", round(main.first_byte_s * 1000, 1)
            yield "longestGapMs", round(figures.longest_gap_s(main) * 1000, 1)
        if lags := figures.lags_ms(main, clock):
            yield "lagP50Ms", round(percentile(lags, 50), 1)
            yield "lagP95Ms", round(percentile(lags, 95), 1)
        yield "isHeldBack", held is not None
        if held is not None:
            yield from (("heldBackMs", round(held.longest_s * 1000)), ("heldBackBytes", held.n_bytes))
            yield from (("bursts", held.n_bursts), ("isHeldBackWhole", held.is_whole))
        yield "ending", main.ending.name.lower()
        yield "endedMs", round(main.ended_s * 1000)
        yield "keepAlives", len(main.keep_alives_s)
        yield "frames", len(main.arrivals)
    if measured.silent is not None and measured.silent.ending is not Ending.REFUSED:
        yield "silenceBorneMs", round(figures.silence_before_end_s(measured.silent) * 1000)
        yield "isSilenceCut", _is_idle_cut(measured)
    if measured.browser is not None:
        yield "contentEncoding", measured.browser.headers.get("content-encoding", "identity")
    if measured.poll is not None:
        yield "pollWorks", measured.poll.works
    if measured.socket is not None:
        yield "socketWorks", measured.socket.ending is Ending.COMPLETE
    if measured.resumption is not None:
        yield "resumeWorks", bool(measured.resumption.by_body)


def _well(code: str, summary: str) -> Finding:
    return Finding(code, Grade.WELL, summary)


def _seconds(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
