"""The nearest known name, for errors that refuse an unknown one.

For: settings, columns, metrics, commands. Not for: fuzzy matching of data values.
"""

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name most like ``name``, or None when none is close.

    Example:
        >>> nearest("opennes", ["openness", "neuroticism"])
        'openness'
    """
    folded = {candidate.casefold(): candidate for candidate in known}
    matches = get_close_matches(name.casefold(), list(folded), n=1, cutoff=0.6)
    return folded[matches[0]] if matches else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"``, or an empty text when nothing is close."""
    match = nearest(name, known)
    return f"; did you mean {match!r}?" if match else ""
