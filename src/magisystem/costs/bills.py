"""The bill of a month on one topology: a line for everything that is paid for, each with its formula.

How AWS counts is cited where it is computed. A GB of traffic, of logs and of storage is taken as 10^9 bytes, which is
at most 7 % more than AWS counts where it takes 2^30.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal, localcontext
from types import MappingProxyType
from typing import Literal

from magisystem.costs.formulas import Factor, Formula, product
from magisystem.costs.prices import Origin, Price, PriceList
from magisystem.costs.workload import EMBEDDED, LAMBDA_MOST_S, Speaker, Workload

Topology = Literal["direct", "agentcore", "lambda"]

# The parts of a bill, in the order in which they are told.
PARTS = (
    "Models",
    "AgentCore Runtime",
    "Lambda gateway",
    "Fargate",
    "Load balancer",
    "Transfer out",
    "Amplify hosting",
    "Cognito",
    "CloudWatch Logs",
    "Alarms and secret",
)

_MILLION = Factor("1,000,000", Decimal(1_000_000), divides=True)
_MINUTE_S = Factor("60 s", Decimal(60))
_OF_A_MINUTE = Factor("60 s", Decimal(60), divides=True)
_HOUR_S = Factor("3,600 s", Decimal(3_600), divides=True)
_GB_BYTES = Factor("10^9", Decimal(10**9), divides=True)
_KB_BYTES = Factor("1,000", Decimal(1_000))
_MB_IN_GB = Factor("1,024 MB", Decimal(1_024), divides=True)
# 365.25 days; AWS's own examples reckon with 730 hours, too.
_HOURS = Factor("hours a month", Decimal(730))
# The first 6 MB of a streamed response are free of the charge for bytes: https://aws.amazon.com/lambda/pricing/
_FREE_STREAM_BYTES = Decimal(6 * 1024 * 1024)


@dataclass(frozen=True, slots=True)
class Charge:
    """A quantity at one price."""

    quantity: Decimal
    usd: Decimal

    @property
    def amount(self) -> Decimal:
        """What it costs, in US dollars, unrounded."""
        return self.quantity * self.usd


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a bill.

    ``problem`` says why there is no amount, empty where there is one; ``charges`` is then what could be priced.
    ``free`` is the part of the quantity that the account's monthly allowance covers. ``steps`` are formulas of factors
    that are themselves worked out, by name.
    """

    part: str
    what: str
    quantity: Formula
    unit: str
    charges: tuple[Charge, ...]
    origin: Origin | None
    free: Decimal = Decimal(0)
    problem: str = ""
    steps: tuple[tuple[str, Formula], ...] = ()

    @property
    def amount(self) -> Decimal | None:
        """What the line costs, in US dollars, unrounded; ``None`` where a price is not known."""
        return None if self.problem else sum((charge.amount for charge in self.charges), Decimal(0))


@dataclass(frozen=True, slots=True)
class Bill:
    """What a month costs on one topology."""

    topology: Topology
    lines: tuple[Line, ...]

    @property
    def total(self) -> Decimal:
        """The sum of what is known."""
        return sum((line.amount or Decimal(0) for line in self.lines), Decimal(0))

    @property
    def is_complete(self) -> bool:
        """Tell whether every line has an amount."""
        return not any(line.problem for line in self.lines)

    @property
    def is_confirmed(self) -> bool:
        """Tell whether every price that was used was read from who sells."""
        return all(line.origin is None or line.origin.is_primary for line in self.lines)

    def of_part(self, part: str) -> tuple[Line, ...]:
        """Give the lines of one part."""
        return tuple(line for line in self.lines if line.part == part)


@dataclass(frozen=True, slots=True)
class _Reckoning:
    """A month, the prices of its region, and whether allowances count."""

    month: Workload
    prices: PriceList
    region: str
    counts_allowances: bool

    def line(self, part: str, what: str, key: str, quantity: Formula, *steps: tuple[str, Formula]) -> Line:
        price = self.prices.price(key, self.region)
        needed = quantity.value
        if price is None:
            problem = f"no price known: {key} in {self.region}" if needed else ""
            return Line(part, what, quantity, "", (), None, problem=problem, steps=steps)
        free = min(price.free, needed) if self.counts_allowances else Decimal(0)
        charges, beyond = _charged(needed - free, price)
        problem = f"no price known beyond {price.tiers[-1].up_to:,} {price.unit}" if beyond else ""
        return Line(part, what, quantity, price.unit, charges, price.origin, free, problem, steps)

    def tokens(self, speaker: Speaker) -> Iterable[Line]:
        price = self.prices.model(speaker.model, speaker.input_tokens)
        known = price or speaker.model == EMBEDDED
        problem = "" if known or not self.month.deliberations else f"no price known: {speaker.model}"
        for kind, each in (("in", speaker.input_tokens), ("out", speaker.output_tokens)):
            quantity = product(
                Factor("deliberations", self.month.deliberations),
                Factor(speaker.name, speaker.n),
                Factor("tokens", each),
                _MILLION,
            )
            usd = Decimal(0) if price is None else price.input_usd if kind == "in" else price.output_usd
            charges = () if problem else (Charge(quantity.value, usd),)
            origin = price.origin if price else None
            what = f"{speaker.name.capitalize()}, tokens {kind} ({speaker.model})"
            yield Line("Models", what, quantity, "million tokens", charges, origin, problem=problem)


def bill(
    topology: Topology, month: Workload, prices: PriceList, region: str, *, counts_allowances: bool = False
) -> Bill:
    """Give the bill of a month in a region."""
    reckoning = _Reckoning(month, prices, region, counts_allowances)
    with localcontext() as context:
        context.prec = 28
        return Bill(topology, tuple(line for part in TOPOLOGIES[topology] for line in part(reckoning)))


def _charged(quantity: Decimal, price: Price) -> tuple[tuple[Charge, ...], Decimal]:
    """Spread a quantity over the tiers; give also what lies beyond the last."""
    charges: list[Charge] = []
    start = Decimal(0)
    for tier in price.tiers:
        within = quantity - start if tier.up_to is None else min(quantity, tier.up_to) - start
        if within > 0 or not charges:
            charges.append(Charge(within, tier.usd))
        if tier.up_to is None or quantity <= tier.up_to:
            return tuple(charges), Decimal(0)
        start = tier.up_to
    return tuple(charges), quantity - start


def _models(of: _Reckoning) -> Iterable[Line]:
    for speaker in of.month.speakers:
        yield from of.tokens(speaker)


def _sessions(month: Workload) -> tuple[Factor, ...]:
    return (
        Factor("deliberations", month.deliberations),
        Factor("deliberations a session", month.deliberations_a_session, divides=True),
    )


def _runtime(of: _Reckoning) -> Iterable[Line]:
    """AgentCore: processor time that was used, and the peak of memory each second from a session's start to its end.

    Paid for is a session's whole life: the microVM's start, the work, the idle time, until it ends. Waiting for a model
    costs no processor time where nothing else runs; memory is the peak up to each second; what the system itself uses
    counts in both: https://aws.amazon.com/bedrock/agentcore/pricing/
    """
    month = of.month
    memory = (Factor("MB at the peak", month.session_memory_mb), _MB_IN_GB, _HOUR_S)
    lasting, working = _lasting(month), _working(month)
    used = [(*_sessions(month), Factor("processor s a session", working.value), _HOUR_S)]
    kept = [(*_sessions(month), Factor("s a session lasts", lasting.value), *memory)]
    steps = [("s a session lasts", lasting)], [("processor s a session", working)]
    if month.reading_sessions:
        reading = Factor("reading sessions", month.reading_sessions)
        glance = Formula(
            (
                (Factor("processor s of the start", month.session_cpu_s),),
                (_idle_minutes(month), Factor("processor s a minute", month.idle_cpu_s_a_minute)),
            )
        )
        used.append((reading, Factor("processor s of one", glance.value), _HOUR_S))
        kept.append((reading, _idle_minutes(month), _MINUTE_S, *memory))
        steps[1].append(("processor s of one", glance))
    yield of.line("AgentCore Runtime", "Processor time used", "agentcore.vcpu_hour", Formula(tuple(used)), *steps[1])
    yield of.line(
        "AgentCore Runtime", "Memory, idle time included", "agentcore.gb_hour", Formula(tuple(kept)), *steps[0]
    )


def _idle_minutes(month: Workload) -> Factor:
    return Factor("min idle at its end", month.idle_timeout_min)


def _lasting(month: Workload) -> Formula:
    """Give how long a session lasts, in seconds."""
    n = month.deliberations_a_session
    spoken = (Factor("deliberations", n), Factor("s each", month.seconds))
    paused = (Factor("pauses", n - 1), Factor("s each", month.pause_s))
    idle = (_idle_minutes(month), _MINUTE_S)
    return Formula((spoken, *([paused] if n > 1 else []), idle))


def _working(month: Workload) -> Formula:
    """Give how much processor time a session uses, in seconds."""
    n = month.deliberations_a_session
    idle = Factor("processor s an idle minute", month.idle_cpu_s_a_minute)
    start = (Factor("processor s of the start", month.session_cpu_s),)
    spoken = (Factor("deliberations", n), Factor("processor s each", month.deliberation_cpu_s))
    paused = (Factor("pauses", n - 1), Factor("s each", month.pause_s), _OF_A_MINUTE, idle)
    return Formula((start, spoken, *([paused] if n > 1 else []), (_idle_minutes(month), idle)))


def _gateway(of: _Reckoning) -> Iterable[Line]:
    """Lambda: requests, memory for as long as a stream is open, and the bytes of a response beyond its first 6 MB."""
    month = of.month
    streams = (Factor("deliberations", month.deliberations), Factor("viewers", month.viewers))
    short = (Factor("deliberations", month.deliberations), Factor("short requests", month.short_requests))
    invocations = (month.seconds / LAMBDA_MOST_S).to_integral_value(ROUND_CEILING)
    several = (Factor("invocations a stream", invocations),) if invocations > 1 else ()
    memory = (Factor("MB", month.lambda_memory_mb), _MB_IN_GB)
    bytes_each = month.bytes_a_stream / max(invocations, Decimal(1))
    beyond = max(bytes_each - _FREE_STREAM_BYTES, Decimal(0))
    requests = Formula(((*streams, *several, _MILLION), (*short, _MILLION)))
    duration = Formula(
        (
            (*streams, Factor("s a deliberation", month.seconds), *memory),
            (*short, Factor("s a request", month.short_request_s), *memory),
        )
    )
    streamed = product(*streams, *several, Factor("bytes beyond 6 MB", beyond), _GB_BYTES)
    yield of.line("Lambda gateway", "Requests", "lambda.million_requests", requests)
    yield of.line("Lambda gateway", "Memory while a request is open", "lambda.gb_second_arm", duration)
    yield of.line("Lambda gateway", "Bytes streamed beyond 6 MB", "lambda.streamed_gb", streamed)


def _container(of: _Reckoning) -> Iterable[Line]:
    """Fargate: what a task is given, around the clock, behind a load balancer in two zones."""
    month = of.month
    tasks = Factor("tasks", month.tasks)
    # A load balancer unit covers a GB of traffic an hour; the other dimensions stay far below it here.
    # https://aws.amazon.com/elasticloadbalancing/pricing/
    yield of.line(
        "Fargate", "Processors", "fargate.vcpu_hour_arm", product(tasks, Factor("vCPU", month.task_vcpu), _HOURS)
    )
    yield of.line(
        "Fargate", "Memory", "fargate.gb_hour_arm", product(tasks, Factor("GB", month.task_memory_gb), _HOURS)
    )
    yield of.line("Load balancer", "Hours", "alb.hour", product(Factor("balancers", Decimal(1)), _HOURS))
    yield of.line("Load balancer", "Units, one a GB", "alb.unit_hour", _traffic(month, with_page=True))
    addresses = Formula(((Factor("balancer's zones", Decimal(2)), _HOURS), (tasks, _HOURS)))
    yield of.line("Load balancer", "Public IPv4 addresses", "ipv4.hour", addresses)


def _traffic(month: Workload, *, with_page: bool) -> Formula:
    streams = (
        Factor("deliberations", month.deliberations),
        Factor("viewers", month.viewers),
        Factor("bytes", month.bytes_a_stream),
        _GB_BYTES,
    )
    page = (Factor("page visits", month.visits), Factor("KB", month.page_kb), _KB_BYTES, _GB_BYTES)
    return Formula((streams, page) if with_page else (streams,))


def _transfer(of: _Reckoning) -> Iterable[Line]:
    """Traffic to the internet, once: from whatever the viewer is connected to."""
    yield of.line("Transfer out", "Streams to viewers", "transfer.gb_out", _traffic(of.month, with_page=False))


def _transfer_with_page(of: _Reckoning) -> Iterable[Line]:
    yield of.line("Transfer out", "Streams and the page", "transfer.gb_out", _traffic(of.month, with_page=True))


def _page(of: _Reckoning) -> Iterable[Line]:
    month = of.month
    thousandth = Factor("1,000", Decimal(1_000), divides=True)
    stored = product(Factor("MB of the bundle", month.bundle_mb), thousandth)
    served = product(Factor("page visits", month.visits), Factor("KB", month.page_kb), _KB_BYTES, _GB_BYTES)
    yield of.line("Amplify hosting", "The page stored", "amplify.gb_stored", stored)
    yield of.line("Amplify hosting", "The page served", "amplify.gb_served", served)


def _identity(of: _Reckoning) -> Iterable[Line]:
    users = product(Factor("users who sign in", of.month.users))
    yield of.line("Cognito", "Users of the month, Essentials", "cognito.user_essentials", users)


def _logs(n_services: int) -> Callable[[_Reckoning], Iterable[Line]]:
    def lines(of: _Reckoning) -> Iterable[Line]:
        written = product(
            Factor("deliberations", of.month.deliberations),
            Factor("services", Decimal(n_services)),
            Factor("KB", of.month.log_kb),
            _KB_BYTES,
            _GB_BYTES,
        )
        yield of.line("CloudWatch Logs", "Taken in", "logs.gb_in", written)
        yield of.line("CloudWatch Logs", "Kept for a month", "logs.gb_month", written)

    return lines


def _watch(n_alarm_metrics: int, n_secrets: int) -> Callable[[_Reckoning], Iterable[Line]]:
    """What the stacks in ``deploy/`` make once, whatever is asked.

    An alarm is paid for by the metrics that it looks at: https://aws.amazon.com/cloudwatch/pricing/
    """

    def lines(of: _Reckoning) -> Iterable[Line]:
        part = "Alarms and secret"
        yield of.line(part, "Alarms", "alarms.alarm", product(Factor("metrics in alarms", Decimal(n_alarm_metrics))))
        yield of.line(part, "Dashboard", "alarms.dashboard", product(Factor("dashboards", Decimal(1))))
        if n_secrets:
            yield of.line(part, "Gateway's key", "secrets.secret", product(Factor("secrets", Decimal(n_secrets))))

    return lines


TOPOLOGIES: Mapping[Topology, tuple[Callable[[_Reckoning], Iterable[Line]], ...]] = MappingProxyType(
    {
        "direct": (_models, _container, _transfer_with_page, _identity, _logs(1)),
        "agentcore": (_models, _runtime, _transfer, _page, _identity, _logs(1), _watch(4, 0)),
        "lambda": (_models, _runtime, _gateway, _transfer, _page, _identity, _logs(2), _watch(9, 1)),
    }
)
