"""What the web client costs a browser: while three sages stream fast, and when a long deliberation is opened.

Two processes and the browser's own: the server, whose sages say 200 tokens a second each, and this one, which looks.
On two cores they share, so the figures hold an upper bound. The page is the bundle that `make setup` built.

    .venv/bin/python -m benchmarks.page [--seconds 60] [--events 10000] [--trace] [--profile]

With ``--trace`` the page's own processor time is told as well, which does not grow where others use the machine.
"""

import argparse
import asyncio
import json
import sys
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import httpx2
import msgspec
from playwright.async_api import Browser, Page, expect
from tests.support.chromium import chromium
from tests.support.cli import heard
from tests.support.recording import recording_server
from tests.support.watching import begun, judge, said

from benchmarks.processes import process
from magisystem.council.briefs import Brief
from magisystem.deliberation.ports import Record, Repeated
from magisystem.http.web import BUNDLE
from magisystem.logs import SqliteEventLog
from magisystem.protocol.codec import encode
from magisystem.protocol.digest import Digest
from magisystem.protocol.events import AnyEvent, Chunk, Complete, Start, VoteCast
from magisystem.testing.scripted import ScriptedModel, Step, Wait, approval, speech

TOKENS_PER_S = 200
# Said at once, as providers send several tokens in one frame at such a pace.
TOKENS_AT_ONCE = 4
HEAP_EVERY_S = 10
CLICK_EVERY_S = 2.5
TRIES = 5
LONG = "a" * 32
SAGES = ("caspar", "balthasar", "melchior")
PARAGRAPH = (
    "Moving the service is a matter of **risk** first and of cost second: what runs today has been paid for, and what "
    "would replace it has not. `Invoices` are written every hour, *reminders* every night.\n\n"
)
SECTION = (
    "## What speaks for it\n\n"
    + PARAGRAPH * 3
    + "1. It would be cheaper to run, by a tenth.\n2. It would be easier to hire for.\n\n"
    + PARAGRAPH * 2
    + "| Year | Cost |\n| --- | ---: |\n| 2025 | 12 |\n| 2026 | 9 |\n\n"
    + "```python\nfor invoice in invoices:\n    send(invoice)\n```\n\n"
)
# Notes what keeps the page from answering, and when the outcome stands.
OBSERVE = """
window.bench = { tasks: [], clicks: [], verdictMs: null, changedMs: 0 };
new PerformanceObserver((list) => {
    for (const { startTime, duration } of list.getEntries()) bench.tasks.push([startTime, duration]);
}).observe({ type: 'longtask', buffered: true });
new PerformanceObserver((list) => {
    for (const { name, duration } of list.getEntries()) if (name === 'pointerup') bench.clicks.push(duration);
}).observe({ type: 'event', durationThreshold: 16, buffered: true });
new MutationObserver(() => {
    bench.changedMs = performance.now();
    if (bench.verdictMs !== null || document.querySelector('[data-testid=verdict]') === null) return;
    bench.verdictMs = 0;
    requestAnimationFrame(() => setTimeout(() => { bench.verdictMs = performance.now(); }));
}).observe(document, { childList: true, subtree: true });
bench.opened = new Promise((resolve) => {
    setInterval(() => {
        const { verdictMs, changedMs } = bench;
        if (verdictMs && performance.now() - changedMs > 1000) resolve([verdictMs, changedMs]);
    }, 100);
});
"""


# --- The server -----------------------------------------------------------------------------------------------------


def tokens() -> Sequence[str]:
    """Give a section of Markdown in pieces of about four characters, as models write it."""
    return [SECTION[at : at + 4] for at in range(0, len(SECTION), 4)]


def paced(seconds: float) -> ScriptedModel:
    """Give a model whose sages speak for so long, at the measured pace."""

    def script(brief: Brief) -> Sequence[Step]:
        loop, section = asyncio.get_running_loop(), tokens()
        began = loop.time()
        steps: list[Step] = speech("# Statement\n\n")
        for n in range(0, int(seconds * TOKENS_PER_S), TOKENS_AT_ONCE):
            due = began + n / TOKENS_PER_S
            steps.append(Wait(lambda due=due: asyncio.sleep(max(0.0, due - loop.time()))))
            steps += speech("".join(section[(n + k) % len(section)] for k in range(TOKENS_AT_ONCE)))[1:]
        return [*steps, *approval(brief)]

    return ScriptedModel({agent: [script] for agent in SAGES})


async def serve(folder: Path, seconds: float) -> None:
    """Serve until the process is ended; says where on standard output."""
    async with recording_server(folder, paced(seconds), bundle=BUNDLE) as server:
        print(server.url, flush=True)
        await asyncio.Event().wait()


async def write_long_log(folder: Path, n_events: int) -> None:
    """Write a deliberation of ``n_events`` events: a short one, with text put in before its first vote."""
    short = [received.event for received in await heard({})]
    vote = next(place for place, event in enumerate(short) if isinstance(event, VoteCast))
    text = SECTION * (n_events // 10)
    chunks = [
        Chunk(seq=0, timestamp="", agent_id=SAGES[n % 3], content=text[n // 3 * 24 : n // 3 * 24 + 24])
        for n in range(n_events - len(short))
    ]
    async with SqliteEventLog.open(folder) as log:
        writer = await log.create(LONG, "local", b"{}")
        assert not isinstance(writer, Repeated)
        await writer.append(_renumbered([*short[:vote], *chunks, *short[vote:]]))


def _renumbered(events: Sequence[AnyEvent]) -> list[Record]:
    digest, records = Digest(), list[Record]()
    began = datetime(2026, 1, 1, tzinfo=UTC)
    for seq, event in enumerate(events, start=1):
        moment = (began + timedelta(milliseconds=20 * seq)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        fields: dict[str, Any] = {"seq": seq, "timestamp": moment}
        if isinstance(event, Start):
            fields["deliberation_id"] = LONG
        if isinstance(event, Complete):
            fields["digest"] = str(digest)
        body = encode(msgspec.structs.replace(event, **fields))
        digest.add(body)
        records.append(Record(seq, body, is_terminal=isinstance(event, Complete)))
    return records


# --- The browser ----------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Seen:
    """What was noted while a page was used. Times in milliseconds, sizes in MiB."""

    heaps_mib: list[float] = field(default_factory=list[float])
    # Of the collections of garbage that the measurement itself asks for.
    collections: list[tuple[float, float]] = field(default_factory=list[tuple[float, float]])
    tasks: list[tuple[float, float]] = field(default_factory=list[tuple[float, float]])
    clicks: list[float] = field(default_factory=list[float])

    @property
    def own_tasks(self) -> list[float]:
        """How long the page's long tasks took, after its first second."""
        return [
            duration
            for begin, duration in self.tasks
            if begin > 1_000
            and not any(begin < until and begin + duration > since for since, until in self.collections)
        ]


@asynccontextmanager
async def looking(browser: Browser) -> AsyncGenerator[tuple[Page, Any]]:
    """Open a page that notes what it does."""
    context = await browser.new_context(viewport={"width": 1280, "height": 800})
    try:
        await context.add_init_script(OBSERVE)
        page = await context.new_page()
        yield page, await context.new_cdp_session(page)
    finally:
        await context.close()


async def watch(browser: Browser, url: str, seconds: float, *, is_profiled: bool) -> Seen:
    """Watch three sages stream to the end, and some seconds more."""
    seen = Seen()
    async with looking(browser) as (page, session), httpx2.AsyncClient(base_url=url) as http:
        deliberation_id = await begun(http)
        await page.goto(f"{url}/d/{deliberation_id}")
        await expect(said(page, "CASPAR")).to_contain_text("Statement")
        await session.send("Performance.enable")
        if is_profiled:
            await session.send("Profiler.enable")
            await session.send("Profiler.start")
        async with asyncio.TaskGroup() as using:
            clicking = using.create_task(_click(page))
            using.create_task(_weigh(page, session, seconds, seen)).add_done_callback(lambda _: clicking.cancel())
        if is_profiled:
            print_profile(await session.send("Profiler.stop"))
        await expect(judge(page).get_by_role("heading", name="Verdict")).to_be_visible(timeout=60_000)
        await page.wait_for_timeout(2_000)
        await _heap(page, session, seen)
        found = await page.evaluate("bench")
        seen.tasks = [(begin, duration) for begin, duration in found["tasks"]]
        seen.clicks = found["clicks"]
    return seen


async def _weigh(page: Page, session: Any, seconds: float, seen: Seen) -> None:
    for _ in range(int(seconds // HEAP_EVERY_S)):
        await page.wait_for_timeout(1_000 * HEAP_EVERY_S)
        await _heap(page, session, seen)


async def _heap(page: Page, session: Any, seen: Seen) -> None:
    since = await page.evaluate("performance.now()")
    await session.send("HeapProfiler.collectGarbage")
    metrics: Any = await session.send("Performance.getMetrics")
    seen.collections.append((since, await page.evaluate("performance.now()")))
    used = {metric["name"]: metric["value"] for metric in metrics["metrics"]}["JSHeapUsedSize"]
    seen.heaps_mib.append(used / 2**20)


async def _click(page: Page) -> None:
    share = page.get_by_role("button", name="Share")
    while True:
        await page.wait_for_timeout(1_000 * CLICK_EVERY_S)
        await share.click()


async def opened(browser: Browser, url: str, *, is_profiled: bool = False) -> tuple[float, float, list[float]]:
    """Open the long deliberation; give when its verdict stands, when the page last changed, and its long tasks."""
    async with looking(browser) as (page, session):
        if is_profiled:
            await session.send("Profiler.enable")
            await session.send("Profiler.start")
        await page.goto(f"{url}/d/{LONG}", wait_until="commit")
        verdict_ms, all_ms = await page.evaluate("bench.opened")
        if is_profiled:
            print_profile(await session.send("Profiler.stop"))
        tasks = [duration for _, duration in await page.evaluate("bench.tasks")]
    return verdict_ms, all_ms, tasks


@asynccontextmanager
async def traced(browser: Browser, page: Page, *, after_ms: float = 0) -> AsyncGenerator[list[float]]:
    """Give, after the block, the milliseconds that each task of the page's main thread had the processor for.

    Tasks that began before ``after_ms``, counted from the page's first, are left out.
    """
    spent_ms: list[float] = []
    await browser.start_tracing(
        page=page, categories=["__metadata", "toplevel", "disabled-by-default-devtools.timeline"]
    )
    yield spent_ms
    events: list[dict[str, Any]] = json.loads(await browser.stop_tracing())["traceEvents"]
    named = [event for event in events if event["name"] == "thread_name"]
    mains = {_thread(event) for event in named if event["args"]["name"] == "CrRendererMain"}
    tasks = [event for event in events if event["name"] == "RunTask" and _thread(event) in mains]
    spent_us: Counter[tuple[int, int]] = Counter()
    for task in tasks:
        spent_us[_thread(task)] += task.get("tdur", 0)
    # A spare renderer has a main thread, too.
    [(busiest, _)] = spent_us.most_common(1)
    own = [task for task in tasks if _thread(task) == busiest]
    since = min(task["ts"] for task in own) + 1_000 * after_ms
    spent_ms += [task.get("tdur", 0) / 1_000 for task in own if task["ts"] >= since]


def _thread(event: dict[str, Any]) -> tuple[int, int]:
    return event["pid"], event["tid"]


async def trace(browser: Browser, url: str, seconds: float) -> None:
    """Print what the page itself takes of the processor: to open the long deliberation, and to watch one."""
    print("| main thread's processor time | in all | longest task | tasks over 50 ms, over 100 ms |\n|---|---|---|---|")
    async with looking(browser) as (page, _), traced(browser, page) as opening_ms:
        await page.goto(f"{url}/d/{LONG}", wait_until="commit")
        await page.evaluate("bench.opened")
    async with (
        looking(browser) as (page, _),
        httpx2.AsyncClient(base_url=url) as http,
        traced(browser, page, after_ms=1_000) as watching_ms,
    ):
        await page.goto(f"{url}/d/{await begun(http)}")
        await expect(judge(page).get_by_role("heading", name="Verdict")).to_be_visible(timeout=1_000 * seconds + 60_000)
    for name, spent_ms in (("opened and done", opening_ms), (f"watched for {seconds:g} s", watching_ms)):
        over = f"{sum(task > 50 for task in spent_ms)}, {sum(task > 100 for task in spent_ms)}"
        print(f"| {name} | {sum(spent_ms):.0f} ms | {max(spent_ms):.0f} ms | {over} |")
    print(flush=True)


async def floor(browser: Browser, url: str) -> float:
    """Give how long the browser takes to fetch and parse the same log without the page."""
    async with looking(browser) as (page, _):
        await page.goto(f"{url}/favicon.svg")
        return await page.evaluate(
            """async (path) => {
                const began = performance.now();
                const text = await (await fetch(path)).text();
                for (const line of text.split('\\n')) if (line.startsWith('data: ')) JSON.parse(line.slice(6));
                return performance.now() - began;
            }""",
            f"{url}/deliberations/{LONG}/events",
        )


def print_profile(answer: dict[str, Any], most: int = 25) -> None:
    """Print where the page's time went, by function."""
    profile = answer["profile"]
    names = {node["id"]: node["callFrame"] for node in profile["nodes"]}
    spent: Counter[str] = Counter()
    for sample, delta_us in zip(profile["samples"], profile["timeDeltas"], strict=True):
        frame = names[sample]
        place = f"{frame['url'].rsplit('/', 1)[-1]}:{frame['lineNumber']}:{frame['columnNumber']}"
        spent[f"{frame['functionName'] or '(anonymous)'} {place}"] += delta_us
    total = sum(spent.values())
    print("| function | ms | share |\n|---|---|---|")
    for name, time_us in spent.most_common(most):
        print(f"| {name} | {time_us / 1000:.0f} | {time_us / total:.1%} |")


async def measure(seconds: float, n_events: int, *, is_traced: bool, is_profiled: bool) -> None:
    """Print all measurements."""
    with TemporaryDirectory() as folder:
        await write_long_log(Path(folder), n_events)
        command = (sys.executable, "-m", "benchmarks.page", "--serve", folder, "--seconds", str(seconds))
        async with process(*command) as server, chromium() as browser:
            assert server.stdout is not None
            url = (await server.stdout.readline()).decode().strip()
            floors = [await floor(browser, url) for _ in range(TRIES)]
            tries = [await opened(browser, url) for _ in range(TRIES)]
            print(f"| {n_events:,} events | median of {TRIES} | all |\n|---|---|---|")
            _row("fetched and parsed without the page", floors)
            _row("opened: verdict visible", [verdict for verdict, _, _ in tries])
            _row("opened: the page is done", [done for _, done, _ in tries])
            _row("opened: longest task", [max(tasks, default=0) for _, _, tasks in tries])
            if is_profiled:
                await opened(browser, url, is_profiled=True)
            print(flush=True)
            if is_traced:
                await trace(browser, url, seconds)

            seen = await watch(browser, url, seconds, is_profiled=is_profiled)
            tasks = seen.own_tasks
            print(f"| 3 × {TOKENS_PER_S} tokens/s for {seconds:g} s | |\n|---|---|")
            print(f"| long tasks (over 50 ms) after the first second | {len(tasks)} |")
            print(f"| … over 100 ms | {sum(task > 100 for task in tasks)} |")
            print(f"| longest | {max(tasks, default=0):.0f} ms |")
            heaps = " ".join(f"{heap:.1f}" for heap in seen.heaps_mib)
            print(f"| JS heap each {HEAP_EVERY_S} s, and after the end | {heaps} MiB |")
            middle, slowest = median(seen.clicks or [0]), max(seen.clicks, default=0)
            print(f"| click to next paint: median, slowest of {len(seen.clicks)} | {middle:.0f} ms, {slowest:.0f} ms |")


def _row(name: str, times_ms: Sequence[float]) -> None:
    print(f"| {name} | {median(times_ms):.0f} ms | {' '.join(f'{time:.0f}' for time in times_ms)} |")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--events", type=int, default=10_000)
    parser.add_argument("--trace", action="store_true", help="tell the page's processor time, too")
    parser.add_argument("--profile", action="store_true", help="print where the page's time went")
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        asyncio.run(serve(options.serve, options.seconds))
    else:
        asyncio.run(measure(options.seconds, options.events, is_traced=options.trace, is_profiled=options.profile))
