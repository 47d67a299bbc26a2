"""Text from models and servers, made safe to show: no escape sequence or control character of it reaches the terminal.

A model that has read a hostile page could else recolour the screen, rewrite lines, set the clipboard (OSC 52) or draw
a verdict of its own.
"""

import re

# ECMA-48: a CSI with its parameters; a string (OSC, DCS, SOS, PM, APC) up to its end, or to the line's where it has
# none; any other two-character sequence. The 8-bit forms are the C1 characters.
_SEQUENCES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)?"
    r"|\x1b[ -/]*[0-~]?"
)
_BREAKS = re.compile(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]")
# C0 and C1 but for LF; overrides and isolates of the writing direction, which can show a text in another order than
# it is in (CVE-2021-42574); marks of no width that only hide; lone surrogates.
_CONTROLS = re.compile(
    r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\u200b\u2060\ufeff\ud800-\udfff]"
)


def clean(text: str) -> str:
    """Give ``text`` with its printable characters and line feeds alone; a tab becomes two spaces."""
    if text.isascii() and text.isprintable():
        return text
    text = _BREAKS.sub("\n", _SEQUENCES.sub("", text)).replace("\t", "  ")
    return _CONTROLS.sub("", text)


def clean_line(text: str) -> str:
    """Give ``text`` cleaned and in one line."""
    return " ".join(clean(text).split())
