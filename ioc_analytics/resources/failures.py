"""How an error of the platform ends a step: tried again, or not.

For: every asset, check and I/O manager that calls the platform. Not for: deciding what is
transient; each error class says so (``kernel.errors``).
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import dagster as dg

from ioc_analytics.kernel.errors import AnalyticsError

RETRY: Final = dg.RetryPolicy(
    max_retries=6, delay=3, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS
)
"""For steps that call the platform: six times within three minutes, the last wait half of them,
which outlasts a server that is away for two. Only transient errors are tried again."""

_log = logging.getLogger(__name__)


@contextmanager
def failures() -> Iterator[None]:
    """Turn errors into Dagster's: transient ones of the platform may be retried, others not.

    Messages of other libraries may quote data: they go to the log of the process alone.

    Raises:
        dagster.Failure: In the place of the error.
    """
    try:
        yield
    except (dg.Failure, dg.RetryRequested):
        raise
    # No failure keeps its cause: Dagster would store that message too, and drivers quote rows.
    except AnalyticsError as error:
        _log.debug("%s in a step", type(error).__name__, exc_info=True)
        raise _failure(error, str(error) or type(error).__name__, error.is_transient) from None
    except Exception as error:  # noqa: BLE001 - whatever it is, the step ends with it
        name = type(error).__name__
        _log.exception("unexpected %s in a step", name)
        told = f"unexpected {name}; see the process's own log"
        raise _failure(error, told, is_transient=False) from None


def _failure(error: Exception, description: str, is_transient: bool) -> dg.Failure:
    return dg.Failure(
        description=description,
        metadata={"kind": type(error).__name__, "is_transient": is_transient},
        allow_retries=is_transient,
    )
