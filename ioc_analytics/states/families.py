"""The families of states, declared: grain, dimensions, and what each is made from.

For: building, reading, sealing: all of them follow from this table. Not for: what a state holds
(``states.cells``, ``states.items``).

Every family is split by instrument and by careless flag besides its dimensions. Families of the day
grain without a source are counted from rows; all others are merged from their source.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

SPLIT: Final = ("instrument", "is_careless")
"""What every family is split by."""

DIMENSIONS: Final = (
    "industry_category",
    "org_size_category",
    "region",
    "age_band",
    "gender",
    "device_type",
    "assessment_type",
)
"""The dimensions that families may be split by, in the order of the columns of the table."""


@dataclass(frozen=True, slots=True)
class Family:
    """One set of cells over periods of one grain."""

    name: str
    """Key in the column ``family``."""

    grain: str
    """``day`` or ``month``."""

    dimensions: tuple[str, ...]
    """Dimensions of its cells, the one that a small cell gives up first at sealing last."""

    source: str | None = None
    """Family that it is merged from; None: counted from rows."""


_CELL = ("industry_category", "org_size_category", "region")
_PERSON = ("age_band", "gender")

FAMILIES: Final = (
    Family("day_cell", "day", _CELL),
    Family("day_person", "day", _PERSON),
    Family("day_device", "day", ("device_type",)),
    Family("day_type", "day", ("assessment_type",)),
    Family("day_all", "day", (), "day_type"),
    Family("month_cell", "month", _CELL, "day_cell"),
    Family("month_industry_size", "month", _CELL[:2], "month_cell"),
    Family("month_industry", "month", _CELL[:1], "month_cell"),
    Family("month_region", "month", _CELL[2:], "month_cell"),
    Family("month_person", "month", _PERSON, "day_person"),
    Family("month_device", "month", ("device_type",), "day_device"),
    Family("month_type", "month", ("assessment_type",), "day_type"),
    Family("month_all", "month", (), "month_type"),
)
"""All families, each after the one that it is made from."""

BY_NAME: Final = {family.name: family for family in FAMILIES}


def narrowest_family(grain: str, dimensions: Iterable[str]) -> Family | None:
    """Return the family with the fewest dimensions that can be filtered by ``dimensions``.

    Returns:
        None when no family of the grain has them all: only rows can answer then.
    """
    wanted = set(dimensions)
    fitting = [f for f in FAMILIES if f.grain == grain and wanted <= set(f.dimensions)]
    return min(fitting, key=lambda family: len(family.dimensions), default=None)
