"""Rows of bars: a picture of numbers that fits into one line of a terminal.

Not for: pictures of reports and of Dagster; those are ``pictures/``.
"""

from collections.abc import Sequence

_BARS = " ▁▂▃▄▅▆▇█"
_STEPS = len(_BARS) - 1


def sparkline(counts: Sequence[int]) -> str:
    """Return counts as a row of bars, the highest one full.

    Example:
        >>> sparkline([0, 1, 4, 2])
        ' ▂█▄'
    """
    highest = max(counts, default=0)
    if highest == 0:
        return " " * len(counts)
    return "".join(_BARS[-(-count * _STEPS // highest)] for count in counts)


def ranged_sparkline(values: Sequence[float | None]) -> str:
    """Return values as bars between their lowest and highest one, and those two in numbers.

    Args:
        values: One per period; None, a withheld one, leaves a gap.

    Example:
        >>> ranged_sparkline([1.0, None, 3.0])
        '▁ █  1 to 3'
    """
    known = [value for value in values if value is not None]
    if not known:
        return "no values"
    low, high = min(known), max(known)
    reach = high - low
    bars = "".join(
        " "
        if value is None
        else _BARS[1 + round((_STEPS - 1) * (value - low) / reach) if reach else 1]
        for value in values
    )
    return f"{bars}  {low:,.3g} to {high:,.3g}"
