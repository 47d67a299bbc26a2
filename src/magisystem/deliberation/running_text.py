"""A text as it is being said. A lane keeps what its agent says in one."""

# A token as a string of its own takes a dozen times its size; joined this often, what waits is 4 kB at most.
_PIECES = 64


class RunningText:
    """Text that grows by a few letters at a time and takes little more memory than its letters.

    As a string each, tokens take a dozen times their size, so they are joined as they come. `io.StringIO` does that
    from Python 3.12 on; before, it keeps 100,000 of them (``Include/internal/pycore_accu.h``).
    """

    def __init__(self) -> None:
        self._joined: list[str] = []
        self._latest: list[str] = []
        self._n_chars = 0

    def append(self, text: str) -> None:
        """Go on with ``text``."""
        self._latest.append(text)
        self._n_chars += len(text)
        if len(self._latest) == _PIECES:
            self._joined.append("".join(self._latest))
            self._latest.clear()
            if len(self._joined) == _PIECES:
                self._joined = ["".join(self._joined)]

    def take(self) -> str:
        """Give the text, and begin anew."""
        text = str(self)
        self._joined, self._latest, self._n_chars = [], [], 0
        return text

    def __len__(self) -> int:
        return self._n_chars

    def __str__(self) -> str:
        return "".join((*self._joined, *self._latest))
