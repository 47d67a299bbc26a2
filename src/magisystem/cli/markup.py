"""Foreign text within Markdown: it stays in its place, and nothing of it loads, links or poses as the page's own words.

Of what a model writes, emphasis, lists and code are kept, because they carry meaning. Not kept are links and images
(an image is fetched by whoever opens the page, and its address can carry away what the model has read), HTML, character
references (they spell the control characters that were taken out) and headings.
"""

import re

from magisystem.cli.plain_text import clean, clean_line

_INLINE = re.compile(r"[\\`*_\[\]<>&|#~!]")
# What opens a link, an image or their definition; a tag, a comment or an address; a character reference. Each with the
# backslashes before it: an odd number of them has it escaped already, and one more would undo that.
_OPENINGS = re.compile(r"(\\*)(\](?=[\[(:])|<(?=[A-Za-z/!?])|&(?=#?\w+;))")
# What may stand before a heading on its line: the marks of quotes and lists.
_CONTAINERS = r"(?:[\s>*+-]|\d{1,9}[.)](?=\s))*"
_HEADING = re.compile(rf"({_CONTAINERS})(#)")
_UNDERLINE = re.compile(r"([\s>]*)((=+|-+)\s*)")


def inline(text: str) -> str:
    """Give ``text`` in one line, every character of it as it stands."""
    return _INLINE.sub(lambda found: f"\\{found[0]}", clean_line(text))


def quoted(text: str) -> list[str]:
    """Give the lines of ``text`` as a block quote."""
    return [f"> {_line(line)}".rstrip() for line in clean(text).strip().split("\n")]


def _line(line: str) -> str:
    line = _OPENINGS.sub(lambda found: found[0] if len(found[1]) % 2 else f"{found[1]}\\{found[2]}", line)
    if underline := _UNDERLINE.fullmatch(line):
        return f"{underline[1]}\\{underline[2]}"
    return _HEADING.sub(r"\1\\\2", line, count=1) if _HEADING.match(line) else line
