"""The driver's errors in the platform's words.

For: everything that talks to PostgreSQL: no psycopg error leaves the database room by itself.
Not for: deciding what to do about an error (its class says so, see ``kernel.errors``).
"""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import errors
from psycopg_pool import PoolClosed, PoolTimeout, TooManyRequests

from ioc_analytics.kernel.errors import (
    AnalyticsError,
    ConfigurationError,
    IntegrityFailure,
    InvalidInput,
    PrivacyRefusal,
    Unavailable,
)

# A refused connection has no SQLSTATE in libpq; its English text is all there is.
_SETTING_IS_WRONG = (
    "password authentication failed",
    "does not exist",
    "no pg_hba.conf entry",
    "certificate",
    "SSL",
    "channel binding",
    "could not translate host name",
    "is not permitted to log in",
    "permission denied for database",
)


@contextmanager
def translated_errors(statement_timeout_seconds: int | None = None) -> Iterator[None]:
    """Turn driver errors that leave the block into the platform's; the cause is kept.

    Args:
        statement_timeout_seconds: The limit to name when a statement ran into it.

    Raises:
        Unavailable: Connection lost or refused, server stopping, locks, memory or disk short.
        InvalidInput: The statement is wrong, or ran into its time limit.
        PrivacyRefusal: The login may not do this.
        ConfigurationError: The login, database or encryption is not what the server has.
        IntegrityFailure: A constraint was broken, or the server found damage.
    """
    try:
        yield
    except psycopg.Error as fault:
        raise translate(fault, statement_timeout_seconds) from fault


def translate(fault: psycopg.Error, statement_timeout_seconds: int | None = None) -> AnalyticsError:
    """Return the platform's error for one of the driver's."""
    said = (fault.diag.message_primary or str(fault)).strip()
    match fault:
        case errors.QueryCanceled() if "statement timeout" in said:
            limit = f" of {statement_timeout_seconds} s" if statement_timeout_seconds else ""
            return InvalidInput(
                f"the statement ran into its time limit{limit} and was cancelled: ask for less, "
                "or raise ANALYTICS_STATEMENT_TIMEOUT_SECONDS"
            )
        case PoolTimeout() | TooManyRequests():
            return Unavailable(f"no connection became free in time ({said}); try again")
        case PoolClosed():
            return Unavailable("the connections of this Database are closed; open it again")
        case errors.InvalidPassword() | errors.InvalidCatalogName():
            return ConfigurationError(f"the server refused the login: {said}")
        case errors.InsufficientPrivilege():
            return PrivacyRefusal(f"this role may not do that: {said}")
        case errors.ReadOnlySqlTransaction():
            return PrivacyRefusal(f"queries only read: {said}")
        case errors.DiskFull():
            return Unavailable(f"the server's disk is full: {said}. Free space, then try again")
        case psycopg.OperationalError() if fault.sqlstate is None:
            return _translate_lost_connection(said)
        case psycopg.OperationalError() | psycopg.InterfaceError():
            return Unavailable(f"the server could not finish this just now: {said}; try again")
        case psycopg.IntegrityError():
            return IntegrityFailure(f"the database refused a row: {said}")
        case psycopg.ProgrammingError() | psycopg.DataError() | psycopg.NotSupportedError():
            return InvalidInput(f"PostgreSQL refused the statement: {said}")
        case _:
            return IntegrityFailure(f"the server reports an internal error: {said}")


def _translate_lost_connection(said: str) -> AnalyticsError:
    if any(phrase in said for phrase in _SETTING_IS_WRONG) and "No such file" not in said:
        return ConfigurationError(f"the server refused the connection: {said}")
    return Unavailable(f"no connection to the server: {said}; try again")
