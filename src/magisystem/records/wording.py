"""What is found by what: texts and queries brought to one form. Pure.

Compatibility forms (full-width Latin, half-width katakana, ligatures) and case are made alike on both sides, so that
"ＲＵＳＴ" and "rust" find each other in any database, whatever its own notion of case.
"""

import unicodedata

from magisystem.protocol.codec import well_formed

# An index on sequences of three characters knows nothing shorter.
INDEXED_CHARS = 3


def searchable(text: str) -> str:
    """Give ``text`` in the form in which it is searched."""
    # Decomposed by case folding ("ǰ", "ΐ"), composed again; a NUL ends a text in SQLite and is refused by PostgreSQL.
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", storable(text)).casefold())
    return folded.replace("\0", "\ufffd")


def words_of(query: str) -> list[str]:
    """Give the different words of a query, each as it must occur in a searchable text."""
    return list(dict.fromkeys(searchable(query).split()))


def storable(text: str) -> str:
    """Give ``text`` as every database can hold it."""
    return well_formed(text).replace("\0", "\ufffd")
