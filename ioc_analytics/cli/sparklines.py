"""Rows of bars: a picture of numbers that fits into one line of a terminal.

Not for: pictures of reports and of Dagster; those are ``pictures/``.
"""

from collections.abc import Sequence

_BARS = " ▁▂▃▄▅▆▇█"
_STEPS = len(_BARS) - 1
_POSITIONS = 16


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


def draw_course(values: Sequence[float | None]) -> str:
    """Return values as bars between their lowest and highest one; None leaves a gap.

    Example:
        >>> draw_course([10.0, 12.0, None, 11.0])
        '▁█ ▅'
    """
    known = [value for value in values if value is not None]
    low, reach = min(known, default=0.0), max(known, default=0.0) - min(known, default=0.0)

    def bar(value: float) -> str:
        return _BARS[1 + round((_STEPS - 1) * (value - low) / reach) if reach else 1]

    return "".join(" " if value is None else bar(value) for value in values)


def draw_position(value: float, inner: tuple[float, float], outer: tuple[float, float]) -> str:
    """Return where a value stands in a funnel: its limits as a double line, the outer as a single.

    A value beyond the outer limits stands at the end.

    Example:
        >>> draw_position(60.0, (40.0, 60.0), (30.0, 70.0))
        '────═══════●────'
    """
    low, reach = outer[0], outer[1] - outer[0]

    def place(point: float) -> int:
        share = (point - low) / reach if reach else 0.5
        return round(min(max(share, 0.0), 1.0) * (_POSITIONS - 1))

    first, last = map(place, inner)
    line = ["═" if first <= at <= last else "─" for at in range(_POSITIONS)]
    line[place(value)] = "●"
    return "".join(line)


def ranged_sparkline(values: Sequence[float | None]) -> str:
    """Return a course with its lowest and highest value in numbers.

    Example:
        >>> ranged_sparkline([1.0, None, 3.0])
        '▁ █  1 to 3'
    """
    known = [value for value in values if value is not None]
    if not known:
        return "no values"
    return f"{draw_course(values)}  {min(known):,.3g} to {max(known):,.3g}"
