"""Whom a released figure is about at least.

For: whatever releases figures, and what looks at them afterwards.
"""

from typing import Final

MINIMUM_PEOPLE: Final = 10
"""Fewest people whom a released figure is about."""
