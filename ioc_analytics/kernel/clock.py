"""The present moment, in one place.

For: every room that needs to know what time it is. Not for: arithmetic on periods.
"""

from datetime import UTC, datetime


def utc_now() -> datetime:
    """Return the present moment as an aware datetime in UTC."""
    return datetime.now(UTC)
