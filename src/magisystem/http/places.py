"""How many connections an owner may hold open: streams of deliberations, and sockets."""

from collections import Counter
from collections.abc import AsyncGenerator, Generator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from typing import TypeVar

from magisystem.errors import LimitError

T = TypeVar("T")

# After which it is worth looking whether there is room again.
_ROOM_S = 10.0


class TooManyOpen(LimitError):
    """Too many streams and sockets at once."""

    code = "too_many_open"


class Places:
    """Counts what each owner holds open; ``most`` is how much one may, ``None`` for any number.

    A connection is let in by `check`, before anything of its answer is sent, and counts while `taken`. Between the two
    others may be let in as well, so that the bound is passed by as many as come at the very same time.
    """

    def __init__(self, most: int | None) -> None:
        self._most = most
        self._open: Counter[str] = Counter()

    def check(self, owner: str) -> None:
        """See that the owner may hold one more open.

        Raises:
            TooManyOpen: it is as many as one may.
        """
        if self._most is not None and self._open[owner] >= self._most:
            raise TooManyOpen(
                f"You hold {self._most} streams and sockets open, and no more are allowed at once. Close one; a socket "
                "carries many deliberations.",
                _ROOM_S,
            )

    @contextmanager
    def taken(self, owner: str) -> Generator[None]:
        """Count one more for the owner within."""
        self._open[owner] += 1
        try:
            yield
        finally:
            self._open[owner] -= 1
            if not self._open[owner]:
                del self._open[owner]

    @asynccontextmanager
    async def held(self, owner: str, opened: AbstractAsyncContextManager[T]) -> AsyncGenerator[T]:
        """Give what ``opened`` gives, counted for the owner as long as it is open."""
        with self.taken(owner):
            async with opened as given:
                yield given
