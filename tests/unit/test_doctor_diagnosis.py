"""What measurements come to, without the faults they are of."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from magisystem.doctor import Diagnosis, Grade, diagnose
from magisystem.doctor.figures import held_back, lags_ms, longest_gap_s, percentile
from magisystem.doctor.findings import Finding
from magisystem.doctor.measurements import (
    Arrival,
    Clock,
    Ending,
    PathMeasurements,
    Poll,
    Preflight,
    Resumption,
    StreamTrace,
)
from magisystem.doctor.waypoints import Waypoint, waypoints
from magisystem.protocol.probe import Probe, ProbeStarted

CLOCK = Clock(offset_ms=0, uncertainty_ms=1, round_trip_ms=2)
MAIN = Probe(seconds=40, interval_ms=500, quiet_ms=12_000)
SILENT = Probe(seconds=40, interval_ms=10_000, fill_bytes=0, quiet_ms=40_000, keep_alive_ms=60_000)
HEADERS = {"content-type": "text/event-stream", "cache-control": "no-cache, no-transform"}
BALANCED: dict[str, str | bool] = {"x-forwarded-port": "443", "x-amzn-trace-id": True}
ARRIVED = {"last-event-id": "0", "accept": "text/event-stream"}


def traced(
    probe: Probe = MAIN,
    *,
    until_s: float = 40,
    released_s: Sequence[float] = (),
    ending: Ending = Ending.COMPLETE,
    late_s: float = 0.0,
    headers: dict[str, str] | None = None,
) -> StreamTrace:
    """Give a probe's trace on a way that lets frames go at the moments ``released_s``, or at once."""
    arrivals = [
        Arrival(seq, offset_ms, _released(offset_ms / 1000, released_s) + late_s, 130)
        for seq, offset_ms in enumerate(probe.offsets_ms, 1)
        if _released(offset_ms / 1000, released_s) <= until_s
    ]
    keep_alive_s = probe.keep_alive_ms / 1000
    beats = [beat * keep_alive_s for beat in range(1, int(until_s / keep_alive_s) + 1)]
    pieces = sorted({*(arrival.at_s for arrival in arrivals), *(beats if not released_s else ())})
    return StreamTrace(
        asked=probe,
        began_ms=0,
        ending=ending,
        ended_s=until_s + late_s,
        status=200,
        headers=HEADERS | (headers or {}),
        head_s=0.01,
        first_byte_s=pieces[0] if pieces else None,
        started=ProbeStarted(1, 0, 0, "local", "1", ARRIVED),
        arrivals=arrivals,
        keep_alives_s=beats,
        pieces_s=pieces,
    )


def _released(at_s: float, moments: Sequence[float]) -> float:
    return next((moment for moment in moments if moment >= at_s), at_s)


WELL = PathMeasurements(
    address="https://magi.example.com",
    host="magi.example.com",
    has_token=False,
    clock=CLOCK,
    main=traced(),
    silent=traced(SILENT),
    browser=traced(Probe(seconds=8)),
    socket=traced(Probe(seconds=8)),
    resumption=Resumption(by_body=True, by_header=True),
    poll=Poll(20, 20, works=True),
)


def cut(after_s: float, ending: Ending = Ending.RESET, **more: float) -> PathMeasurements:
    """Give what is measured where everything is cut after a time."""
    return replace(
        WELL,
        main=traced(until_s=after_s, ending=ending),
        silent=traced(SILENT, until_s=after_s, ending=ending),
        **more,  # pyright: ignore[reportArgumentType] - fields of the class
    )


def found(measured: PathMeasurements, code: str) -> Finding:
    return next(finding for finding in diagnose(measured).findings if finding.code == code)


def faults(diagnosis: Diagnosis) -> dict[str, Grade]:
    return {
        finding.code: finding.grade for finding in diagnosis.findings if finding.grade in {Grade.REMARK, Grade.PROBLEM}
    }


def test_a_way_that_does_nothing_to_streams_has_no_faults() -> None:
    diagnosis = diagnose(WELL)
    assert faults(diagnosis) == {}
    assert (diagnosis.transport, diagnosis.worst) == ("stream", Grade.WELL)
    assert all(not finding.advice for finding in diagnosis.findings)


def test_the_numbers_of_a_trace_are_those_of_its_arrivals() -> None:
    late = replace(traced(late_s=0.25), began_ms=0)
    assert {round(lag) for lag in lags_ms(late, CLOCK)} == {250}
    # The server's clock is 1 s ahead: what it says was sent at 1,000 was sent at 0 by ours.
    assert {round(lag) for lag in lags_ms(late, replace(CLOCK, offset_ms=1_000))} == {1_250}
    assert (percentile([3, 1, 2], 50), percentile([3, 1, 2], 95), percentile([7], 50)) == (2, 3, 7)
    # The quiet stretch is from 14 to 26 s, with a keep-alive at 20.
    assert longest_gap_s(traced()) == 6


@pytest.mark.parametrize(
    ("released_s", "bursts", "longest_s", "is_whole"),
    [((40,), 1, 40, True), ((10, 20, 30, 40), 4, 10, False), ((2, 40), 2, 37.5, False)],
)
def test_what_was_gathered_is_told_by_its_bursts(
    released_s: tuple[float, ...], bursts: int, longest_s: float, *, is_whole: bool
) -> None:
    held = held_back(traced(released_s=released_s))
    assert held is not None
    assert (held.n_bursts, held.is_whole) == (bursts, is_whole)
    assert held.longest_s == pytest.approx(longest_s, abs=0.6)


def test_what_is_held_back_is_said_once_and_not_for_silence() -> None:
    held = replace(WELL, main=traced(released_s=[40]), silent=traced(SILENT, released_s=[40]))
    assert faults(diagnose(held)) == {"buffering": Grade.PROBLEM}
    assert "40 s" in found(held, "silence").summary
    assert found(held, "delivery").grade is Grade.NOTE


def test_frames_that_come_together_for_a_moment_are_not_held_back() -> None:
    assert held_back(traced(released_s=[0.9, 1.0])) is None
    assert held_back(traced(late_s=5)) is None


def test_a_limit_on_the_length_is_told_from_one_on_silence() -> None:
    limited = diagnose(cut(30))
    assert faults(limited) == {"cut_off": Grade.PROBLEM}
    assert "30.0 s" in found(cut(30), "cut_off").summary
    assert (limited.transport, limited.figures["isSilenceCut"]) == ("stream", False)

    idle = replace(WELL, silent=traced(SILENT, until_s=9, ending=Ending.RESET))
    assert faults(diagnose(idle)) == {"silence": Grade.PROBLEM}
    assert diagnose(idle).figures["isSilenceCut"]


def test_silence_that_keep_alives_can_break_is_a_note() -> None:
    borne = replace(WELL, silent=traced(SILENT, until_s=30, ending=Ending.RESET))
    assert faults(diagnose(borne)) == {}
    assert found(borne, "silence").grade is Grade.NOTE


def test_in_a_short_run_silence_is_judged_by_the_keep_alives_of_a_deliberation() -> None:
    # Those of the probe come every 2 s, and would hold this path open.
    main = traced(Probe(seconds=8, interval_ms=100, quiet_ms=2_400, keep_alive_ms=2_000), until_s=8)
    silent = Probe(seconds=8, interval_ms=10_000, fill_bytes=0, quiet_ms=8_000, keep_alive_ms=60_000)
    is_cut = replace(WELL, main=main, silent=traced(silent, until_s=4, ending=Ending.RESET))
    assert faults(diagnose(is_cut)) == {"silence": Grade.PROBLEM}
    assert "every 10 s" in found(is_cut, "silence").summary

    borne = found(replace(WELL, main=main, silent=traced(silent, until_s=8)), "silence")
    assert (borne.grade, "only a longer examination tells" in borne.summary) == (Grade.NOTE, True)


@pytest.mark.parametrize(
    ("status", "after_s", "host", "is_perhaps"),
    [
        (504, 30.1, "a.cloudfront.net", True),
        (504, 30.1, "a.execute-api.x.amazonaws.com", False),
        (504, 10.0, "a.cloudfront.net", False),
        (502, 30.1, "a.cloudfront.net", False),
    ],
)
def test_a_504_after_30_s_behind_cloudfront_may_be_amplifys(
    status: int, after_s: float, host: str, *, is_perhaps: bool
) -> None:
    refused = replace(
        traced(until_s=after_s), ending=Ending.REFUSED, status=status, refusal="504, it came as text/html"
    )
    advice = found(replace(WELL, host=host, main=refused), "first_byte").advice
    assert ("Amplify Hosting" in {each.place for each in advice}) is is_perhaps
    assert len(advice) > is_perhaps


def test_where_the_quiet_stretch_was_cut_too_the_advice_is_about_silence() -> None:
    main = replace(traced(until_s=19.9, ending=Ending.RESET), headers=HEADERS | {"server": "nginx"})
    # The last byte came at 14 s.
    both = replace(WELL, main=main, silent=traced(SILENT, until_s=5.9, ending=Ending.RESET))
    assert set(faults(diagnose(both))) == {"cut_off", "silence"}
    assert found(both, "cut_off").advice == ()
    assert "proxy_read_timeout" in found(both, "silence").advice[0].text


def test_a_clean_end_in_the_middle_is_said_to_be_one() -> None:
    assert "cleanly" in found(cut(30, Ending.CLEAN), "cut_off").summary
    assert "stays" in found(cut(30, Ending.SILENT), "cut_off").summary


def test_what_cannot_be_resumed_is_not_to_be_streamed_where_it_is_cut() -> None:
    measured = cut(30, resumption=Resumption(by_body=False, by_header=False), socket=None)  # pyright: ignore[reportArgumentType]
    diagnosis = diagnose(measured)
    assert faults(diagnosis)["resume"] is Grade.PROBLEM
    assert diagnosis.transport == "poll"


def test_without_any_way_that_works_none_is_named() -> None:
    held = traced(released_s=[40])
    diagnosis = diagnose(
        replace(WELL, main=held, browser=held, socket=None, poll=Poll(20, 5, works=False, reason="504"))
    )
    assert diagnosis.transport is None
    assert diagnosis.worst is Grade.PROBLEM


def test_keep_alives_that_do_not_arrive_are_missed() -> None:
    without = replace(traced(), keep_alives_s=(), pieces_s=[arrival.at_s for arrival in traced().arrivals])
    assert faults(diagnose(replace(WELL, main=without))) == {"keep_alives": Grade.REMARK}
    # Some that are another's, and come in silence alone.
    others = replace(traced(), keep_alives_s=[24.0], pieces_s=sorted([*without.pieces_s, 24.0]))
    assert faults(diagnose(replace(WELL, main=others))) == {}


def test_a_clock_that_is_far_off_is_a_remark() -> None:
    assert faults(diagnose(replace(WELL, clock=Clock(-45_000, 5, 10)))).keys() >= {"clock"}
    assert "behind" in found(replace(WELL, clock=Clock(-45_000, 5, 10)), "clock").summary


@pytest.mark.parametrize(
    ("headers", "word"),
    [({"cache-control": "public, max-age=60"}, "max-age"), ({"content-length": "9"}, "content-length")],
)
def test_headers_that_were_changed_are_named(headers: dict[str, str], word: str) -> None:
    measured = replace(WELL, main=traced(headers=headers))
    assert faults(diagnose(measured)) == {"headers": Grade.REMARK}
    assert word in found(measured, "headers").summary


def test_a_token_that_does_not_arrive_is_missed() -> None:
    assert "Authorization" in found(replace(WELL, has_token=True), "headers").summary


def test_compression_that_nobody_asked_for_is_a_problem() -> None:
    measured = replace(WELL, main=traced(headers={"content-encoding": "br"}))
    assert faults(diagnose(measured)) == {"compression": Grade.PROBLEM}


@pytest.mark.parametrize(
    ("host", "headers", "arrived", "expected"),
    [
        ("magi.example.com", {"server": "nginx/1.22.1"}, {}, Waypoint.NGINX),
        ("main.d1a2b3.amplifyapp.com", {"x-amz-cf-id": "x"}, {}, Waypoint.AMPLIFY),
        ("magi.example.com", {"via": "1.1 abc.cloudfront.net (CloudFront)"}, {}, Waypoint.CLOUDFRONT),
        (
            "abc.lambda-url.eu-west-1.on.aws",
            {},
            {"x-forwarded-port": "443", "x-amzn-trace-id": True},
            Waypoint.FUNCTION_URL,
        ),
        ("magi.example.com", {}, BALANCED, Waypoint.LOAD_BALANCER),
        ("abc.execute-api.eu-west-1.amazonaws.com", {}, {}, Waypoint.API_GATEWAY),
        ("bedrock-agentcore.eu-west-1.amazonaws.com", {}, {}, Waypoint.AGENTCORE),
        ("magi.example.com", {"cf-ray": "x"}, {}, Waypoint.CLOUDFLARE),
        ("localhost", {"server": "uvicorn"}, {}, None),
    ],
)
def test_who_stands_on_the_way_is_told_by_what_they_leave(
    host: str, headers: dict[str, str], arrived: dict[str, str | bool], expected: Waypoint | None
) -> None:
    assert waypoints(host, headers, arrived) == ({expected} if expected else set())


@pytest.mark.parametrize(
    ("measured", "code", "place", "word"),
    [
        (replace(WELL, host="a.amplifyapp.com", main=traced(released_s=[40])), "buffering", "Amplify Hosting", "30 s"),
        (replace(WELL, host="a.lambda-url.x.on.aws", main=traced(released_s=[40])), "buffering", "Lambda Function URL",
         "RESPONSE_STREAM"),
        (replace(cut(29.9), host="a.cloudfront.net"), "cut_off", "CloudFront", "response"),
        (replace(cut(30), host="a.lambda-url.x.on.aws"), "cut_off", "Lambda Function URL", "timeout"),
        (replace(cut(30), host="bedrock-agentcore.x.amazonaws.com"), "cut_off", "AgentCore Runtime", "60 min"),
        (replace(WELL, host="a.x.elb.amazonaws.com", silent=traced(SILENT, until_s=9, ending=Ending.RESET)), "silence",
         "load balancer", "idle_timeout"),
        (replace(WELL, main=traced(released_s=[40])), "buffering", "", "proxy_buffering"),
    ],
)  # fmt: skip
def test_the_advice_is_for_who_stands_on_the_way_and_for_nobody_else(
    measured: PathMeasurements, code: str, place: str, word: str
) -> None:
    assert [(advice.place, word in advice.text) for advice in found(measured, code).advice] == [(place, True)]


def test_a_socket_is_not_missed_where_there_can_be_none() -> None:
    refused = replace(traced(Probe(seconds=8)), ending=Ending.REFUSED, refusal="HTTP 403")
    measured = replace(WELL, host="a.lambda-url.x.on.aws", socket=refused)
    assert found(measured, "socket").grade is Grade.NOTE
    assert found(measured, "socket").advice == ()


PREFLIGHT = Preflight(
    origin="https://app.example.com",
    asked_headers=["content-type", "authorization"],
    status=200,
    allowed_origins=["https://app.example.com"],
    allowed_headers=["content-type", "authorization"],
    allowed_methods=["post"],
    answer_origins=["https://app.example.com"],
)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({}, None),
        ({"allowed_origins": ["*"], "answer_origins": ["*"]}, None),
        ({"answer_origins": ["*", "https://app.example.com"]}, "2 times"),
        ({"answer_origins": []}, "the answer allows no origin"),
        ({"allowed_origins": ["https://other.example.com"]}, "other.example.com"),
        ({"allowed_headers": ["*"]}, "authorization"),
        ({"allowed_methods": ["get"]}, "POST"),
        ({"status": 403}, "403"),
        ({"reason": "reset"}, "reset"),
    ],
)
def test_what_keeps_a_page_from_asking_is_named(change: dict[str, object], word: str | None) -> None:
    asked = replace(PREFLIGHT, **change)  # pyright: ignore[reportArgumentType] - fields of the class
    finding = found(replace(WELL, preflight=asked), "preflight")
    assert finding.grade is (Grade.PROBLEM if word else Grade.WELL)
    assert (word or "") in finding.summary
