"""What can go wrong between a client and a server elsewhere. The rest of the error tree is in ``magisystem.errors``."""

from magisystem.errors import MagiError, RequestError

# Too early, too many, too slow: refusals of the 4xx that the same request gets over by waiting (RFC 9110, 8470, 6585).
_PASSING_STATUSES = frozenset({408, 425, 429})
_OVERLOADED = "overloaded"
# Of the refusals with a status that says nothing about it, those after which nothing was begun.
_BEGUN_NOTHING = frozenset({"identity_unavailable", _OVERLOADED})


class AddressInvalid(RequestError):
    """What was given as a server's address is neither an HTTP URL nor the ARN of a runtime."""

    code = "address_invalid"


class TokenInvalid(RequestError):
    """What was given as an access token can be none. The message does not hold it."""

    code = "token_invalid"

    def __init__(self) -> None:
        super().__init__("The access token is empty, or has a character that no token has. (In a shell: MAGI_TOKEN.)")


class ServerUnreachable(MagiError):
    """No connection to the server came about, or it broke before an answer.

    ``may_be_begun`` is false where nothing can have been started: no connection came about at all.
    """

    code = "server_unreachable"
    retryable = True

    def __init__(self, message: str, *, may_be_begun: bool = False) -> None:
        super().__init__(message)
        self.may_be_begun = may_be_begun


class ServerRefused(MagiError):
    """The server answered, and not with what was asked for.

    ``status`` is the HTTP status. ``refusal`` is the stable code of the server's problem body (``http_<status>`` where
    it sent none), ``field`` the field it faults, empty where it names none, and ``is_retryable`` its own word on
    whether the same request may succeed later, ``retry_after_s`` on when; 0 where it names no time.
    """

    code = "server_refused"

    def __init__(
        self,
        message: str,
        *,
        status: int,
        refusal: str,
        field: str = "",
        is_retryable: bool = False,
        retry_after_s: float = 0.0,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.refusal = refusal
        self.field = field
        self.is_retryable = is_retryable
        self.retry_after_s = retry_after_s

    @property
    def is_passing(self) -> bool:
        """Whether waiting may mend it: a fault of the server or of what stands before it, or its own word."""
        return self.is_retryable or self.status >= 500 or self.status in _PASSING_STATUSES

    @property
    def is_overload(self) -> bool:
        """Whether the server is there, and well, and has too much to do: waiting mends that more surely than others."""
        return self.refusal == _OVERLOADED

    @property
    def may_be_begun(self) -> bool:
        """Whether what was asked for may go on all the same: not where it was refused for who asks, or how much."""
        return self.status not in {401, 403, 429} and self.refusal not in _BEGUN_NOTHING


class StreamCut(MagiError):
    """A deliberation could not be followed to its terminal event, for all the patience there was.

    It goes on without its follower: it can be followed on from ``cursor``, the last seq received. ``deliberation_id``
    is empty where it was never learnt; the same request under the same idempotency key attaches to it then.
    """

    code = "stream_cut"
    retryable = True

    def __init__(self, message: str, *, deliberation_id: str, cursor: int) -> None:
        super().__init__(message)
        self.deliberation_id = deliberation_id
        self.cursor = cursor
