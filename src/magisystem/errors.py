"""Every error the system raises on purpose, in one tree.

::

    MagiError
    ├── SettingsInvalid         a setting is wrong; the program does not start with it
    ├── IdentityError           who asks is not known, or may not
    │   ├── Unauthenticated         no token, or one that proves nothing
    │   ├── NotAllowed              a valid token of a client or for a scope that has no business here
    │   └── IdentityUnavailable     the issuer's keys cannot be read now
    ├── LimitError              an owner asks for more than one may
    │   ├── RateLimited             too many requests in too short a time
    │   └── TooManyRunning          too many deliberations at once
    ├── Overloaded              the server has as much to do as it does well; nothing was begun
    ├── RequestError            the caller asked for something that cannot be done as asked
    │   ├── InvalidRequest          a field is missing, malformed or out of range
    │   ├── BodyTooLarge            the body is over the limit
    │   ├── UnknownAgent            a field names an agent the council does not have
    │   ├── UnknownCouncil          a field names a council that does not exist
    │   ├── CouncilReadOnly         the council comes with the system and stays as it is
    │   ├── CouncilsFull            the owner keeps as many councils as one may
    │   ├── UnknownModel            a model name whose provider or form is not known
    │   └── PricesInvalid           a list of prices is wrong; says where, and what it should be
    ├── ModelError              a model could not be called, or its stream failed
    │   ├── ModelUnavailable        an extra, a key or a setting is missing here; says which
    │   ├── ModelThrottled          the provider asks for patience
    │   ├── ModelDenied             the provider refuses these credentials this model
    │   ├── ModelNotFound           the provider has no such model
    │   ├── ModelRejected           the provider refuses the request itself
    │   ├── ModelOverloaded         the provider fails on its side before or while it streams
    │   ├── ModelUnreachable        no connection to the provider
    │   ├── ModelStreamCut          the stream ended before the model said it was finished
    │   ├── ModelFrameCut           the stream ended within a frame
    │   ├── ModelFrameCorrupt       a frame's checksum or form is wrong
    │   ├── ModelSilent             no token for longer than the limit
    │   ├── ModelLate               the agent's deadline passed
    │   ├── ModelExhausted          the output limit was reached before the answer ended
    │   ├── ModelWithheld           a guardrail or filter of the provider stopped the answer
    │   └── ModelFailed             anything else a provider reports
    ├── LogError                the event log cannot do what it was asked
    │   ├── DeliberationNotFound    no such deliberation (or not the asker's)
    │   ├── DeliberationExists      the id is taken
    │   ├── IdempotencyConflict     the key belongs to another request
    │   ├── CursorAhead             a cursor beyond what the log holds
    │   ├── RunsElsewhere           another process runs it, and has not stopped it yet
    │   ├── SessionNotYours         the session's id is another owner's
    │   ├── LogDamaged              the log holds what is no event
    │   ├── Fenced                  the writer's term is over: another writer has taken the log
    │   └── LogUnavailable          the log cannot be read or written now
    ├── UpstreamError           the runtime behind a gateway cannot be used
    │   ├── RuntimeUnreachable      no connection to it, or one that broke before it answered
    │   ├── RuntimeBusy             its session is between two states
    │   ├── RuntimeThrottled        it asks for patience
    │   ├── RuntimeQuotaExceeded    the account has as many sessions as it may
    │   ├── RuntimeDenied           it refuses the gateway's own credentials
    │   ├── RuntimeNotFound         there is none of that ARN and qualifier
    │   ├── RuntimeRejected         it refuses the gateway's request as malformed
    │   ├── RuntimeFailed           its container failed
    │   ├── RuntimeUnavailable      the service around it failed
    │   ├── RuntimeLate             it did not answer in time
    │   ├── RuntimeUnreadable       what it answered cannot be read
    │   └── CredentialsMissing      the gateway has no AWS credentials to call it with
    └── RecordsError            the records cannot do what they were asked
        ├── SessionNotFound         no such session (or not the asker's)
        ├── CouncilNotFound         no such council (or not the asker's)
        ├── RecordsNewer            a newer version of the system wrote them
        └── RecordsUnavailable      they cannot be read or written now

A leaf's ``code`` is stable: clients, dashboards and tests rely on it. ``retryable`` says whether the same request may
succeed later without a change. Messages are for people: they name what is wrong and what mends it, and never hold a
secret. How an error becomes an HTTP status is decided in ``http/``.
"""

from dataclasses import dataclass
from math import ceil
from typing import ClassVar

# After which an owner who has too many running may look whether there is room.
_ROOM_S = 5.0
_MINUTE_S = 60
_STORE_DOWN = "What is kept cannot be read or written now. Try again in a moment; the server's log says what is wrong."


class MagiError(Exception):
    """An error that may be shown to whoever asked."""

    code: ClassVar[str] = "internal"
    retryable: ClassVar[bool] = False

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    @property
    def told(self) -> str:
        """What whoever asked over a network is told, where ``message`` is for who operates the server."""
        return self.message


class SettingsInvalid(MagiError):
    """A setting is wrong; the message names the variable and what it should be."""

    code = "settings_invalid"


class IdentityError(MagiError):
    """Who asks is not known, or may not. The message never tells why a token was refused: that helps who forges one."""

    code = "identity_error"


class Unauthenticated(IdentityError):
    """No token came, or one that proves nothing."""

    code = "unauthenticated"

    def __init__(self) -> None:
        super().__init__("Sign in first: this needs a valid access token, as `Authorization: Bearer …`.")


class NotAllowed(IdentityError):
    """The token is valid, but its client, audience or scope has no business here."""

    code = "not_allowed"

    def __init__(self) -> None:
        super().__init__("This token may not be used here. Sign in with an application that this server knows.")


class IdentityUnavailable(IdentityError):
    """The issuer's keys cannot be read now, so nobody new can be recognised."""

    code = "identity_unavailable"
    retryable = True
    retry_after_s = 5.0

    def __init__(self) -> None:
        super().__init__("The sign-in service does not answer, so the token cannot be checked. Try again in a moment.")


class LimitError(MagiError):
    """An owner asks for more than one may. The same may be asked for again after ``retry_after_s``."""

    code = "limit_error"
    retryable = True

    def __init__(self, message: str, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class RateLimited(LimitError):
    """Too many requests in too short a time."""

    code = "rate_limited"


class TooManyRunning(LimitError):
    """Too many deliberations at once."""

    code = "too_many_running"

    def __init__(self, n_running: int) -> None:
        super().__init__(
            f"You have {n_running} deliberations running, and no more are allowed at once. Wait until one has ended, "
            "or cancel one.",
            _ROOM_S,
        )


class Overloaded(MagiError):
    """The server has as much to do as it does well. Nothing was begun; it is worth asking after ``retry_after_s``."""

    code = "overloaded"
    retryable = True

    def __init__(self, retry_after_s: float) -> None:
        super().__init__(
            "The server is busy with as many deliberations as it can carry, and began nothing. Try again "
            f"{_in_words(retry_after_s)}."
        )
        self.retry_after_s = retry_after_s


class RequestError(MagiError):
    """The caller asked for something that cannot be done as asked.

    ``field`` is the path of the field at fault in the caller's own words (``agents.caspar.temperature``), empty where
    the body as a whole is at fault.
    """

    code = "invalid_request"

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with a request. ``field`` is empty where it is the whole."""

    field: str
    message: str


class InvalidRequest(RequestError):
    """A field is missing, malformed or out of range. ``faults`` names everything that was found, never nothing."""

    def __init__(self, message: str, *, field: str = "", faults: tuple[Fault, ...] = ()) -> None:
        super().__init__(message, field=field)
        self.faults = faults or (Fault(field, message),)


class BodyTooLarge(RequestError):
    """The body is larger than ``limit_bytes``."""

    code = "body_too_large"

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(f"The body is larger than {limit_bytes:,} bytes. Send a shorter one.")
        self.limit_bytes = limit_bytes


class UnknownAgent(RequestError):
    """A field names an agent the council does not have."""

    code = "unknown_agent"


class UnknownCouncil(RequestError):
    """A field names a council that does not exist."""

    code = "unknown_council"


class CouncilReadOnly(RequestError):
    """The council comes with the system and stays as it is."""

    code = "council_read_only"

    def __init__(self, council_id: str) -> None:
        super().__init__(
            f"The council {council_id!r} comes with the system and stays as it is. Copy it under another id, such as "
            f"'my-{council_id}', and change that one."
        )
        self.council_id = council_id


class CouncilsFull(RequestError):
    """The owner keeps as many councils as one may."""

    code = "councils_full"

    def __init__(self, most: int) -> None:
        super().__init__(f"You keep {most} councils, and more than that are not kept. Delete one that is not needed.")
        self.most = most


class UnknownModel(RequestError):
    """A model name whose provider or form is not known."""

    code = "unknown_model"


class PricesInvalid(RequestError):
    """A list of prices is wrong. ``faults`` names everything that was found, never nothing."""

    code = "prices_invalid"

    def __init__(self, name: str, faults: tuple[Fault, ...]) -> None:
        told = "; ".join(f"{fault.field} {fault.message}".strip() for fault in faults[:3])
        n_more = max(0, len(faults) - 3)
        more = f"; and {n_more} more" if n_more else ""
        super().__init__(f"{name}: {told}{more}.", field=faults[0].field)
        self.faults = faults


class ModelError(MagiError):
    """A model could not be called, or its stream failed."""

    code = "model_failed"


class ModelUnavailable(ModelError):
    """An extra, a key or a setting is missing on this machine; the message says which and how to add it."""

    code = "model_unavailable"

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class ModelThrottled(ModelError):
    """The provider asks for patience. ``retry_after_s`` is its own wish in seconds, where it states one."""

    code = "model_throttled"
    retryable = True

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class ModelDenied(ModelError):
    """The provider refuses these credentials this model."""

    code = "model_denied"


class ModelNotFound(ModelError):
    """The provider has no such model."""

    code = "model_not_found"


class ModelRejected(ModelError):
    """The provider refuses the request itself."""

    code = "model_rejected"


class ModelOverloaded(ModelError):
    """The provider fails on its side, before the stream or within it."""

    code = "model_overloaded"
    retryable = True


class ModelUnreachable(ModelError):
    """No connection to the provider could be made, or it broke before the first byte."""

    code = "model_unreachable"
    retryable = True


class ModelStreamCut(ModelError):
    """The stream ended before the model said it was finished."""

    code = "model_stream_cut"
    retryable = True


class ModelFrameCut(ModelError):
    """The stream ended within a frame."""

    code = "model_frame_cut"
    retryable = True


class ModelFrameCorrupt(ModelError):
    """A frame's checksum or form is wrong."""

    code = "model_frame_corrupt"
    retryable = True


class ModelSilent(ModelError):
    """No token came for longer than the limit."""

    code = "model_silent"
    retryable = True


class ModelLate(ModelError):
    """The agent's deadline passed before its answer was complete."""

    code = "model_late"


class ModelExhausted(ModelError):
    """The output limit was reached before the answer ended."""

    code = "model_exhausted"


class ModelWithheld(ModelError):
    """A guardrail or filter of the provider stopped the answer."""

    code = "model_withheld"


class ModelFailed(ModelError):
    """Anything else a provider reports."""

    retryable = True


class LogError(MagiError):
    """The event log cannot do what it was asked."""

    code = "log_error"


class DeliberationNotFound(LogError):
    """No such deliberation; one of another owner looks exactly like it."""

    code = "deliberation_not_found"

    def __init__(self, deliberation_id: str) -> None:
        super().__init__(f"There is no deliberation {deliberation_id!r}.")
        self.deliberation_id = deliberation_id


class DeliberationExists(LogError):
    """The id is taken."""

    code = "deliberation_exists"

    def __init__(self, deliberation_id: str) -> None:
        super().__init__(f"The deliberation {deliberation_id!r} exists already.")
        self.deliberation_id = deliberation_id


class IdempotencyConflict(LogError):
    """The idempotency key belongs to another request."""

    code = "idempotency_conflict"

    def __init__(self, key: str) -> None:
        super().__init__(f"The idempotency key {key!r} was used for another request. Use a new key for a new question.")
        self.key = key


class CursorAhead(LogError):
    """A cursor beyond what the log holds: it belongs to another deliberation, or its events were never stored."""

    code = "cursor_ahead"

    def __init__(self, cursor: int, last_seq: int) -> None:
        super().__init__(f"The cursor {cursor} is ahead of the log, which ends at {last_seq}. Resume from {last_seq}.")
        self.cursor = cursor
        self.last_seq = last_seq


class RunsElsewhere(LogError):
    """Another process runs the deliberation; it was told to stop it, and has not done so yet."""

    code = "runs_elsewhere"
    retryable = True

    def __init__(self, deliberation_id: str) -> None:
        super().__init__(
            f"Another process runs the deliberation {deliberation_id!r}. It was told to stop it, and does not answer. "
            "If it is dead, a server on the same data folder takes the deliberation over within seconds and stops it. "
            "Ask again in a moment."
        )
        self.deliberation_id = deliberation_id


class SessionNotYours(LogError):
    """The session's id is another owner's."""

    code = "session_not_yours"

    def __init__(self) -> None:
        super().__init__("This session id cannot be used. Leave `sessionId` out, and a new one is made.")


class LogDamaged(LogError):
    """The log holds what is no event."""

    code = "log_damaged"

    def __init__(self, deliberation_id: str) -> None:
        super().__init__(
            f"The log of the deliberation {deliberation_id!r} is damaged: it holds what is no event. It can be deleted."
        )
        self.deliberation_id = deliberation_id


class Fenced(LogError):
    """The writer's term is over: another writer has taken the log, or it has ended."""

    code = "fenced"


class LogUnavailable(LogError):
    """The log cannot be read or written now. ``is_private`` where the message names files."""

    code = "log_unavailable"
    retryable = True

    def __init__(self, message: str, *, is_private: bool = False) -> None:
        super().__init__(message)
        self.is_private = is_private

    @property
    def told(self) -> str:
        """See `MagiError.told`."""
        return _STORE_DOWN if self.is_private else self.message


class RecordsError(MagiError):
    """The records cannot do what they were asked."""

    code = "records_error"


class SessionNotFound(RecordsError):
    """No such session; one of another owner looks exactly like it."""

    code = "session_not_found"

    def __init__(self, session_id: str) -> None:
        super().__init__(f"There is no session {session_id!r}.")
        self.session_id = session_id


class CouncilNotFound(RecordsError):
    """No such council; one that another owner keeps looks exactly like it."""

    code = "council_not_found"

    def __init__(self, council_id: str) -> None:
        super().__init__(f"There is no council {council_id!r}.")
        self.council_id = council_id


class RecordsNewer(RecordsError):
    """The records were written by a newer version of the system, which this one cannot read."""

    code = "records_newer"


class RecordsUnavailable(RecordsError):
    """The records cannot be read or written now; the message says where they are, for their operator alone."""

    code = "records_unavailable"
    retryable = True

    @property
    def told(self) -> str:
        """See `MagiError.told`."""
        return _STORE_DOWN


class UpstreamError(MagiError):
    """The runtime behind a gateway cannot be used. ``retry_after_s`` is its own wish in seconds, where it states one.

    Messages are for whoever asked the gateway, and say who can mend it; what the runtime said stays in the log. In
    ``summary``, ``{when}`` is when to try again: what the runtime wishes, else the ``when`` of the kind.
    """

    code = "upstream_error"
    summary: ClassVar[str] = "The runtime cannot be used."
    when: ClassVar[str] = "in a moment"

    def __init__(self, *, retry_after_s: float | None = None) -> None:
        super().__init__(self.summary.format(when=self.when if retry_after_s is None else _in_words(retry_after_s)))
        self.retry_after_s = retry_after_s


def _in_words(wait_s: float) -> str:
    """Say after how long, never less than it is."""
    seconds = max(1, ceil(wait_s))
    n, unit = (seconds, "second") if seconds < 2 * _MINUTE_S else (ceil(seconds / _MINUTE_S), "minute")
    return f"in {n} {unit}" + ("" if n == 1 else "s")


class RuntimeUnreachable(UpstreamError):
    """No connection to the runtime came about, or one broke before it answered."""

    code = "runtime_unreachable"
    retryable = True
    summary = (
        "The runtime behind this gateway cannot be reached. Try again {when}; if it stays so, whoever runs the "
        "gateway looks at MAGI_RUNTIME_ENDPOINT and the network between."
    )


class RuntimeBusy(UpstreamError):
    """The runtime's session is between two states: it is being started or stopped."""

    code = "runtime_busy"
    retryable = True
    summary = "The runtime is starting or stopping its session. Try again {when}."
    when = "in a few seconds"


class RuntimeThrottled(UpstreamError):
    """The runtime asks for patience."""

    code = "runtime_throttled"
    retryable = True
    summary = "The runtime takes no more requests for now. Try again {when}."
    when = "in a few seconds"


class RuntimeQuotaExceeded(UpstreamError):
    """The account has as many sessions as it may."""

    code = "runtime_quota_exceeded"
    retryable = True
    summary = (
        "Every session that the runtime's account may have is taken. Try again {when}; whoever runs the gateway can "
        "ask AWS for a higher quota of active sessions."
    )
    when = "in some minutes"


class RuntimeDenied(UpstreamError):
    """The runtime refuses the gateway's own credentials."""

    code = "runtime_denied"
    summary = (
        "The runtime refuses this gateway. Whoever runs it looks at MAGI_RUNTIME_AUTH, which must be how the runtime "
        "is set up, at its role's permission bedrock-agentcore:InvokeAgentRuntime, and whether MAGI_GATEWAY_KEY is the "
        "same for both."
    )


class RuntimeNotFound(UpstreamError):
    """There is no runtime of that ARN and qualifier."""

    code = "runtime_not_found"
    summary = (
        "There is no runtime where this gateway looks for it. Whoever runs it looks at MAGI_RUNTIME_ARN and "
        "MAGI_RUNTIME_QUALIFIER."
    )


class RuntimeRejected(UpstreamError):
    """The runtime's service refuses the gateway's request as malformed."""

    code = "runtime_rejected"
    summary = (
        "The runtime's service refuses what this gateway sends. Whoever runs it looks at MAGI_RUNTIME_ARN, "
        "MAGI_RUNTIME_QUALIFIER and the gateway's log."
    )


class RuntimeFailed(UpstreamError):
    """The runtime's container failed, or did not start."""

    code = "runtime_failed"
    retryable = True
    summary = (
        "The runtime's container failed. Try again {when}; if it stays so, whoever runs it looks at the runtime's log."
    )


class RuntimeUnavailable(UpstreamError):
    """The service around the runtime failed."""

    code = "runtime_unavailable"
    retryable = True
    summary = "The service that runs the runtime failed. Try again {when}."


class RuntimeLate(UpstreamError):
    """The runtime did not answer in time."""

    code = "runtime_late"
    retryable = True
    summary = "The runtime did not answer in time. Try again {when}; for long work, ask for a stream."


class RuntimeUnreadable(UpstreamError):
    """What the runtime answered cannot be read."""

    code = "runtime_unreadable"
    summary = (
        "What the runtime answered cannot be read. Whoever runs the gateway looks whether the runtime of "
        "MAGI_RUNTIME_ARN is this system, in a version that fits."
    )


class CredentialsMissing(UpstreamError):
    """The gateway has no AWS credentials to call the runtime with."""

    code = "credentials_missing"
    summary = (
        "This gateway has no AWS credentials to call its runtime with. Whoever runs it gives it a role, or the "
        "variables AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
    )
