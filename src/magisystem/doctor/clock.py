"""This machine's clock, against that of whoever signs or checks by it."""

import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx2

from magisystem.doctor.findings import Advice, Finding, Grade

_ANSWER_S = 5.0
# Tokens are believed for a minute of difference, signatures of AWS for five: half of the shorter one is to be mended.
_APART_S = 30.0


async def clock(endpoint: str | None) -> Finding:
    """Compare this machine's clock with the time that ``endpoint`` tells in its answers, where there is one."""
    told = await _told_by(endpoint) if endpoint else None
    if told is None:
        return Finding(
            "clock", Grade.NOTE, f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC; there is nothing to compare it with"
        )
    apart_s = time.time() - told
    if abs(apart_s) <= _APART_S:
        return Finding(
            "clock", Grade.WELL, "agrees with AWS's to the second" if abs(apart_s) < 2 else "agrees with AWS's"
        )
    mend = Advice("Let this machine keep time by NTP: signatures and tokens hold a time.")
    return Finding(
        "clock", Grade.REMARK, f"{abs(apart_s):.0f} s {'ahead of' if apart_s > 0 else 'behind'} AWS's", (mend,)
    )


async def _told_by(endpoint: str) -> float | None:
    try:
        async with httpx2.AsyncClient(timeout=_ANSWER_S) as http:
            answer = await http.head(endpoint)
        return parsedate_to_datetime(answer.headers["date"]).timestamp()
    except (httpx2.HTTPError, httpx2.InvalidURL, KeyError, ValueError):
        return None
