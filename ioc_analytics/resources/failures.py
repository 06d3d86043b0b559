"""How an error of the platform ends a step: tried again, or not.

For: every asset, check and I/O manager that calls the platform. Not for: deciding what is
transient; each error class says so (``kernel.errors``).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import dagster as dg

from ioc_analytics.kernel.errors import AnalyticsError

RETRY: Final = dg.RetryPolicy(
    max_retries=3, delay=2, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS
)
"""For steps that call the platform: about 2, 6 and 14 s, which outlasts a server's restart."""


@contextmanager
def failures() -> Iterator[None]:
    """Turn errors into Dagster's: transient ones of the platform may be retried, others not.

    Raises:
        dagster.Failure: In the place of the error, which stays its cause.
    """
    try:
        yield
    except (dg.Failure, dg.RetryRequested):
        raise
    except Exception as error:
        is_transient = isinstance(error, AnalyticsError) and error.is_transient
        raise dg.Failure(
            description=str(error) or type(error).__name__,
            metadata={"kind": type(error).__name__, "is_transient": is_transient},
            allow_retries=is_transient,
        ) from error
