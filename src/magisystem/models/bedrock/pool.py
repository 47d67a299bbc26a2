"""The connections to one endpoint: which one a request takes, how many there may be, and how long an idle one stays."""

import asyncio

from magisystem.models.bedrock.route import Route
from magisystem.models.bedrock.wire import Connection, Cut, NotConnected, Response

# botocore's default of 10 would make the eleventh stream wait for another to end.
MAX_CONNECTIONS = 2000
# Below the minute after which AWS's load balancers end an idle connection by default.
# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-load-balancer-attributes.html
IDLE_FOR_S = 50.0
# Ending a connection takes one turn of the loop.
_CLOSING_S = 1.0


class Pool:
    """Sends requests over connections that are kept and used again.

    No request is sent twice, but for one case: the connection it was given had been kept, and ended before a byte of
    an answer came. Then the other side had closed it while it was idle, and the request goes over a new one.

    Args:
        route: the way to the endpoint.
        connect_timeout_s: how long a connection may take to open.
        read_timeout_s: how long it may be silent while an answer is due.
    """

    def __init__(self, route: Route, connect_timeout_s: float, read_timeout_s: float) -> None:
        self._route = route
        self._connect_timeout_s = connect_timeout_s
        self._read_timeout_s = read_timeout_s
        # One for each connection that is in use, opening or closing.
        self._slots = asyncio.Semaphore(MAX_CONNECTIONS)
        self._busy: set[Connection] = set()
        # The one freed last is at the end.
        self._idle: list[Connection] = []
        self._sweeping: asyncio.TimerHandle | None = None
        self._is_closed = False

    async def send(self, message: bytes) -> Response:
        """Send a request, head and body, and give its answer once the head is here. Waits where all are in use.

        Cancelling ends the connection. Whoever has the answer closes it.

        Raises:
            WireFailure: there is no answer.
        """
        await self._slots.acquire()
        if self._idle:
            connection = self._idle.pop()
            self._busy.add(connection)
            response = connection.ask(message, self._read_timeout_s)
            try:
                return await _begun(response)
            except Cut:
                if response.has_begun or self._is_closed:
                    raise
            await self._slots.acquire()
        connection = await self._connected()
        return await _begun(connection.ask(message, self._read_timeout_s))

    async def aclose(self) -> None:
        """End every connection, those in use too, and wait until they are gone. Idempotent; nothing opens after it."""
        self._is_closed = True
        if self._sweeping is not None:
            self._sweeping.cancel()
        ending = [*self._busy, *self._idle]
        for connection in ending:
            connection.abort()
        if ending:
            await asyncio.wait([connection.lost for connection in ending], timeout=_CLOSING_S)

    async def _connected(self) -> Connection:
        """Give a new connection; the slot is its, or free again where it fails."""
        connection = Connection(self._free, self._lose)
        try:
            await self._route.connect(connection, self._connect_timeout_s)
            self._check_open(connection)
        except BaseException:
            connection.abort()
            self._slots.release()
            raise
        self._busy.add(connection)
        return connection

    def _check_open(self, connection: Connection) -> None:
        if self._is_closed or connection.lost.done():
            raise NotConnected("it was closed at once")

    def _free(self, connection: Connection) -> None:
        self._busy.discard(connection)
        self._slots.release()
        connection.free_since_s = asyncio.get_running_loop().time()
        self._idle.append(connection)
        if self._sweeping is None:
            self._sweep()

    def _lose(self, connection: Connection) -> None:
        if connection in self._busy:
            self._busy.discard(connection)
            self._slots.release()
        elif connection in self._idle:
            self._idle.remove(connection)

    def _sweep(self) -> None:
        """End what has been idle for too long, and come back when the next will have been."""
        self._sweeping = None
        loop = asyncio.get_running_loop()
        for connection in [found for found in self._idle if loop.time() - found.free_since_s >= IDLE_FOR_S]:
            self._idle.remove(connection)
            connection.abort()
        if self._idle:
            oldest = min(found.free_since_s for found in self._idle)
            self._sweeping = loop.call_at(oldest + IDLE_FOR_S, self._sweep)


async def _begun(response: Response) -> Response:
    try:
        await response.head()
    except BaseException:
        response.close()
        raise
    return response
