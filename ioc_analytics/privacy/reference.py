"""The reference lists as look-up tables, and the folding under which two spellings are one.

For: regions, industries and bands. Not for: instruments (``files.instruments``).
"""

import csv
import re
import unicodedata
from functools import cache
from typing import Final

from ioc_analytics.kernel.sqlfiles import read_text

_WORD: Final = re.compile(r"\w+")

SAYS_NOTHING: Final = frozenset(
    {
        "",
        "na",
        "n a",
        "nan",
        "none",
        "null",
        "nil",
        "unknown",
        "not known",
        "not asked",
        "not applicable",
        "not available",
        "not specified",
        "not stated",
        "no answer",
        "prefer not to say",
        "prefer not to answer",
        "rather not say",
        "decline to answer",
        "undisclosed",
    }
)
"""Folded texts that people and programs write for "no answer": unknown, but no error."""


def fold(text: str) -> str:
    """Return the text without case, accents and punctuation, words parted by one space.

    Example:
        >>> fold("  Côte d'Ivoire ")
        'cote d ivoire'
    """
    if not text.isascii():
        parts = unicodedata.normalize("NFKD", text)
        text = "".join(mark for mark in parts if not unicodedata.combining(mark))
    return " ".join(_WORD.findall(text.casefold().replace("&", " and ").replace("_", " ")))


@cache
def reference_rows(name: str) -> tuple[dict[str, str], ...]:
    """Return the rows of one file of ``sql/reference``, its comment lines left out."""
    lines = read_text(f"reference/{name}").splitlines()
    return tuple(csv.DictReader(line for line in lines if not line.startswith("#")))
