"""What can go wrong between a client and a server elsewhere. The rest of the error tree is in ``magisystem.errors``."""

from magisystem.errors import MagiError, RequestError


class AddressInvalid(RequestError):
    """What was given as a server's address is no HTTP URL."""

    code = "address_invalid"


class ServerUnreachable(MagiError):
    """No connection to the server came about, or it broke before an answer; nothing is known to have been started."""

    code = "server_unreachable"
    retryable = True


class ServerRefused(MagiError):
    """The server answered, and not with what was asked for.

    ``status`` is the HTTP status. ``refusal`` is the stable code of the server's problem body (``http_<status>`` where
    it sent none), ``field`` the field it faults, empty where it names none, and ``is_retryable`` its own word on
    whether the same request may succeed later.
    """

    code = "server_refused"

    def __init__(self, message: str, *, status: int, refusal: str, field: str = "", is_retryable: bool = False) -> None:
        super().__init__(message)
        self.status = status
        self.refusal = refusal
        self.field = field
        self.is_retryable = is_retryable


class StreamCut(MagiError):
    """The stream ended, or failed, before the deliberation's terminal event.

    The deliberation goes on without its follower: it can be followed on from ``cursor``, the last seq received.
    ``deliberation_id`` is empty where the stream broke before it was known.
    """

    code = "stream_cut"
    retryable = True

    def __init__(self, message: str, *, deliberation_id: str, cursor: int) -> None:
        super().__init__(message)
        self.deliberation_id = deliberation_id
        self.cursor = cursor
