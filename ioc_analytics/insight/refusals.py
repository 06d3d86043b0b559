"""What is said when nothing is left to look at, in one wording.

For: every analysis. Not for: data that are there but too few, which each analysis counts itself.
"""

from ioc_analytics.kernel.errors import NotEnoughData


def nothing_passes(what: str) -> NotEnoughData:
    """Return the refusal of a question that no case belongs to.

    Example:
        >>> str(nothing_passes("responses"))
        '0 responses pass these filters in this range; ask for a longer range or fewer filters'
    """
    return NotEnoughData(
        f"0 {what} pass these filters in this range; ask for a longer range or fewer filters"
    )
