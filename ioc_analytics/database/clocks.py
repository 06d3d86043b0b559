"""Whether the clocks can be trusted with ages: host, server, and what was recorded by them.

For: whatever lets something go by its age (retention, backups). Not for: measuring time.

Host and server are often one machine, whose clocks jump together. What tells then is the trail of
records: a clock that has gone back makes the newest one lie in the future, one that has jumped
ahead leaves a hole. Measurements follow a wrong clock within minutes; so the hole is looked for
before the last days, within which somebody will have noticed.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

import psycopg

from ioc_analytics.kernel import sqlfiles
from ioc_analytics.kernel.errors import IntegrityFailure

CLOCK_TOLERANCE: Final = timedelta(minutes=5)
_TO_NOTICE: Final = timedelta(days=7)


def demand_clocks(
    connection: psycopg.Connection[Any],
    now: datetime,
    silence_days: int,
    also: Iterable[datetime] = (),
) -> None:
    """See that nothing speaks against the present moment.

    Args:
        connection: A connection of the ingesting login.
        now: The moment by the clock of this host.
        silence_days: Days that may pass between one record and the next.
        also: Further moments that something was recorded at, such as those of backups.

    Raises:
        IntegrityFailure: The clocks disagree, one has gone back, or nothing was recorded for long.
    """
    before = now - _TO_NOTICE
    row = connection.execute(sqlfiles.query("system/trail"), {"before": before}).fetchone()
    if row is None:
        raise IntegrityFailure("the server answered a SELECT of one row with none")
    server_now, newest, earlier = row
    apart = timedelta(seconds=round(abs(now - server_now).total_seconds()))
    if apart > CLOCK_TOLERANCE:
        raise IntegrityFailure(
            f"the clocks of this host ({now:%Y-%m-%d %H:%M} UTC) and of the server "
            f"({server_now:%Y-%m-%d %H:%M} UTC) are {apart} apart: nothing is judged by age until "
            "they agree"
        )
    others = tuple(also)
    newest = max(filter(None, (newest, *others)), default=now)
    if newest > now + CLOCK_TOLERANCE:
        raise IntegrityFailure(
            f"something was recorded at {newest:%Y-%m-%d %H:%M} UTC, and the clock says "
            f"{now:%Y-%m-%d %H:%M}: it has gone back. Nothing is judged by age until it is right"
        )
    earlier = max(filter(None, (earlier, *(one for one in others if one < before))), default=None)
    if earlier is not None and before - earlier > timedelta(days=silence_days):
        raise IntegrityFailure(
            f"the clock says {now:%Y-%m-%d %H:%M} UTC, and between {earlier:%Y-%m-%d} and "
            f"{before:%Y-%m-%d} nothing was recorded: either the platform stood still, or the "
            "clock runs ahead. Nothing is judged by age; if the clock is right, raise "
            "ANALYTICS_RETENTION_SILENCE_DAYS for this one time"
        )
