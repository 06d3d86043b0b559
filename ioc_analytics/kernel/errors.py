"""The errors this platform raises, grouped by what the caller can do about them.

For: every room. Not for: driver errors (``database`` translates them) or Dagster's failure types
(``orchestration.failures`` maps these classes to a retry policy).

::

    AnalyticsError
    ├── ConfigurationError   change a setting            (exit 2)
    ├── InvalidInput         change the question or file (exit 2)
    │   └── OutOfReach       only rows that retention took could answer
    ├── PrivacyRefusal       ask for less                (exit 3)
    ├── NotEnoughData        collect more, or ask wider  (exit 4)
    ├── Unavailable          wait and try again          (exit 5, transient)
    ├── MigrationError       an operator must look       (exit 1)
    └── IntegrityFailure     stop and look: a promise broke (exit 1)

A message names what was asked, what was found and what to do.
"""

from typing import Any, ClassVar


class AnalyticsError(Exception):
    """Base of every error that the platform raises on purpose."""

    exit_code: ClassVar[int] = 1
    """Exit status of the command line for this kind of error."""

    is_transient: ClassVar[bool] = False
    """Whether the same call may succeed later without any change by the caller."""

    receipts: tuple[Any, ...] = ()
    """Receipts of what was done before it, where several things were asked for at once."""


class ConfigurationError(AnalyticsError):
    """A setting is missing, unknown or contradicts another one."""

    exit_code = 2


class InvalidInput(AnalyticsError):
    """The question or the file cannot be taken as it is."""

    exit_code = 2


class OutOfReach(InvalidInput):
    """Only rows could answer, and retention has taken them: ask for a later range, or less."""


class PrivacyRefusal(AnalyticsError):
    """The answer, or the input, would identify people."""

    exit_code = 3


class NotEnoughData(AnalyticsError):
    """The data are too few to carry the figure that was asked for."""

    exit_code = 4


class Unavailable(AnalyticsError):
    """A server, file or lock could not be had just now; trying again may help."""

    exit_code = 5
    is_transient = True


class MigrationError(AnalyticsError):
    """The schema cannot be brought to the version this code needs."""


class IntegrityFailure(AnalyticsError):
    """Something that must always hold does not: content and record of it disagree."""
