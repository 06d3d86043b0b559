"""Verdicts among the platform's own quality results, where there are such.

For: whoever publishes into the platform's database. Not for: other databases, in which verdicts
stay with their publication.
"""

from collections.abc import Iterable

from psycopg.types.json import Jsonb

from ioc_analytics.database.publishing.checks import Verdict
from ioc_analytics.database.publishing.tables import Connection
from ioc_analytics.kernel import sqlfiles
from ioc_analytics.kernel.clock import utc_now


def keep_verdicts(connection: Connection, table: str, verdicts: Iterable[Verdict]) -> bool:
    """Keep how rows fared, so that it counts in the data quality score.

    Returns:
        Whether this database has the platform's table, and the login may write to it.
    """
    found = connection.execute(sqlfiles.query("publishing/can_keep_verdicts")).fetchone()
    if found is None or not found[0]:
        return False
    moment = utc_now()
    for one in verdicts:
        # Of a check that judges all rows together nobody knows how many are at fault.
        broken = one.broken if one.broken is not None else (0 if one.is_met else one.rows)
        details = {
            "checked": one.rows,
            "faults": broken,
            "threshold": 0.0,
            "summary": f"{broken} of {one.rows} rows break {one.condition}",
            "sample": [],
        }
        connection.execute(
            sqlfiles.query("monitoring/record_quality"),
            {
                "measured_at": moment,
                "table_name": table,
                "check_name": one.name,
                "passed": one.is_met,
                "severity": "error" if one.is_blocking else "warning",
                "score": 1 - broken / one.rows if one.rows else None,
                "details": Jsonb(details),
            },
        )
    return True
