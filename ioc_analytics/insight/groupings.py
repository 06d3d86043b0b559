"""What groups can be made by.

For: comparisons of groups and of their items, reports. Not for: filters (``records.filters``).
"""

from typing import Final

from ioc_analytics.kernel.errors import InvalidInput
from ioc_analytics.kernel.suggestions import did_you_mean
from ioc_analytics.states.families import DIMENSIONS

GROUPINGS: Final = (*DIMENSIONS, "instrument")
"""What groups can be made by."""

_SHORT: Final = {"industry": "industry_category", "size": "org_size_category"}


def check_grouping(by: str) -> str:
    """Return the dimension that groups are made by, from its name or short name.

    Raises:
        InvalidInput: There is no such dimension; the nearest one is named.
    """
    by = _SHORT.get(by, by)
    if by not in GROUPINGS:
        raise InvalidInput(
            f"groups cannot be made by {by!r}{did_you_mean(by, GROUPINGS)}; "
            f"take one of {', '.join(GROUPINGS)}"
        )
    return by
