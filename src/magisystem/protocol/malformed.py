"""What is wrong with a body that is no JSON object, in words that mend it, whichever parser found it. Pure."""

import re

from magisystem.errors import InvalidRequest

# A whole pair, half of one, or any other escape, so that each backslash belongs to one of them.
_ESCAPES = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\.", re.DOTALL
)


def not_json(body: bytes, error: Exception) -> InvalidRequest:
    """Give the refusal of a body that cannot be parsed; ``error`` is the parser's."""
    half = next((found[1] for found in _ESCAPES.finditer(body) if found[1]), None)
    if half is not None:
        # Parsers call it a truncated text, or an escape that ends too soon.
        return InvalidRequest(
            f"The body has {half.decode()}, half of a character that takes two escapes (a lone surrogate). Send both "
            "halves, or neither."
        )
    return InvalidRequest(f"The body is not JSON in UTF-8: {error}.")


def not_an_object() -> InvalidRequest:
    """Give the refusal of a body that is JSON, and no object."""
    return InvalidRequest('The body must be a JSON object, such as {"question": "…"}.')
