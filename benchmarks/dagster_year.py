"""A year of Dagster's runs, events, checks and ticks, and how large its database is then.

Runs that were carried out for real are copied to every day of the year, as many as a busy
installation has; the job ``forget_runs`` goes over them as it would at night.
"""

from datetime import datetime, timedelta
from typing import Any

import dagster as dg
import psycopg

from ioc_analytics.kernel.clock import utc_now
from ioc_analytics.orchestration.forgetting import forget_old_runs

A_DAY = {
    **{"refresh_views": 24, "measure_health": 24, "ingest": 4, "refresh": 4},
    **dict.fromkeys(("backup", "evaluate_quality", "predict", "maintain", "retention"), 1),
}
"""Runs a day, by job; each refresh touches a month of days."""

SCHEDULED = ("measure_health", "backup", "evaluate_quality", "predict", "maintain", "retention")
"""Those of which one must be carried out for the copies."""

_DAYS_AT_ONCE = 5
_SKIPPED_DAYS = 3
"""Days that skipped ticks are kept (``dagster.yaml``)."""

_KEEP = """
CREATE TEMPORARY TABLE kept_runs AS SELECT * FROM runs WHERE run_id = ANY(%(runs)s);
CREATE TEMPORARY TABLE kept_tags AS SELECT * FROM run_tags WHERE run_id = ANY(%(runs)s);
CREATE TEMPORARY TABLE kept_events AS SELECT * FROM event_logs WHERE run_id = ANY(%(runs)s);
CREATE TEMPORARY TABLE kept_checks AS
SELECT * FROM asset_check_executions WHERE run_id = ANY(%(runs)s);
"""

_COPY = """
CREATE TEMPORARY TABLE copied ON COMMIT DROP AS
SELECT
    r.run_id AS old_id,
    gen_random_uuid()::text AS run_id,
    make_interval(days => d.day) + %(until)s - r.update_timestamp AS shift,
    d.day AS days,
    (row_number() OVER () + %(copies)s) * 100000000 AS ids
FROM unnest(%(jobs)s::text [], %(numbers)s::int []) AS w (job, number)
INNER JOIN unnest(%(jobs)s::text [], %(runs)s::text []) AS t (job, run_id) USING (job)
INNER JOIN kept_runs AS r ON r.run_id = t.run_id
CROSS JOIN LATERAL generate_series(1, w.number) AS n
CROSS JOIN generate_series(%(first)s, %(first)s + %(days)s - 1) AS d (day);

INSERT INTO runs (
    run_id, snapshot_id, pipeline_name, mode, status, run_body, create_timestamp, update_timestamp
)
SELECT c.run_id, r.snapshot_id, r.pipeline_name, r.mode, r.status, r.run_body,
    r.create_timestamp + c.shift, r.update_timestamp + c.shift
FROM copied AS c INNER JOIN kept_runs AS r ON r.run_id = c.old_id;

INSERT INTO run_tags (run_id, key, value)
SELECT c.run_id, t.key, t.value FROM copied AS c INNER JOIN kept_tags AS t ON t.run_id = c.old_id;

INSERT INTO event_logs (
    id, run_id, event, dagster_event_type, timestamp, step_key, asset_key, partition
)
SELECT e.id + c.ids, c.run_id, e.event, e.dagster_event_type, e.timestamp + c.shift, e.step_key,
    e.asset_key,
    CASE
        WHEN e.asset_key ~ 'daily|dual' THEN (e.partition::date + c.days)::text
        ELSE date_trunc('month', e.partition::date + c.days)::date::text
    END
FROM copied AS c INNER JOIN kept_events AS e ON e.run_id = c.old_id;

INSERT INTO asset_check_executions (
    asset_key, check_name, partition, run_id, execution_status, evaluation_event,
    evaluation_event_timestamp, evaluation_event_storage_id, create_timestamp
)
SELECT a.asset_key, a.check_name, a.partition, c.run_id, a.execution_status, a.evaluation_event,
    a.evaluation_event_timestamp + c.shift, a.evaluation_event_storage_id + c.ids,
    a.create_timestamp + c.shift
FROM copied AS c INNER JOIN kept_checks AS a ON a.run_id = c.old_id;
"""

_TICKS = """
INSERT INTO job_ticks (
    job_origin_id, selector_id, status, type, timestamp, tick_body, create_timestamp,
    update_timestamp
)
SELECT t.job_origin_id, t.selector_id, t.status, t.type, m.moment, t.tick_body, m.moment, m.moment
FROM (
    SELECT DISTINCT ON (selector_id)
        job_origin_id, selector_id, status, type, tick_body, timestamp
    FROM job_ticks
    WHERE type = 'SENSOR'
    ORDER BY selector_id, id DESC
) AS t
CROSS JOIN generate_series(
    t.timestamp - make_interval(days => %(days)s), t.timestamp, interval '10 seconds'
) AS m (moment)
"""


def simulate(
    instance: dg.DagsterInstance, url: str, keep_days: int, days: int = 365
) -> dict[str, Any]:
    """Fill Dagster's database with a year of runs and let old ones go; return what it holds.

    Args:
        instance: Has carried out each of the jobs.
        url: Address of its database.
        keep_days: As ``ANALYTICS_DAGSTER_DAYS``.
        days: Length of the year.
    """
    newest = {}
    for job in A_DAY:
        wanted = dg.RunsFilter(job_name=job, statuses=[dg.DagsterRunStatus.SUCCESS])
        (run,) = instance.get_runs(wanted, limit=1)
        newest[job] = run.run_id
    with psycopg.connect(url, autocommit=True) as connection:
        began = utc_now()
        parameters = {
            "jobs": list(A_DAY),
            "numbers": list(A_DAY.values()),
            "runs": list(newest.values()),
            "until": began.replace(tzinfo=None),
        }
        # The runs that are copied grow old themselves.
        psycopg.ClientCursor(connection).execute(_KEEP, parameters)
        for first in range(1, days + 1, _DAYS_AT_ONCE):
            number = min(_DAYS_AT_ONCE, days + 1 - first)
            _copy(connection, {**parameters, "first": first, "days": number})
            today: datetime = began + timedelta(days=first + number)
            forget_old_runs(instance, today - timedelta(days=keep_days))
            connection.execute("VACUUM (ANALYZE) event_logs, runs, run_tags")
        connection.execute(_TICKS, {"days": _SKIPPED_DAYS})
        row = connection.execute(
            "SELECT pg_database_size(current_database()), (SELECT count(*) FROM runs),"
            " (SELECT count(*) FROM event_logs), (SELECT count(*) FROM job_ticks)"
        ).fetchone()
    return dict(zip(("bytes", "runs", "events", "ticks"), row or (), strict=True))


def _copy(connection: psycopg.Connection[Any], parameters: dict[str, Any]) -> None:
    copies = connection.execute(
        "SELECT coalesce(max(id), 0) / 100000000 FROM event_logs"
    ).fetchone()
    with connection.transaction(), psycopg.ClientCursor(connection) as cursor:
        cursor.execute(_COPY, {**parameters, "copies": copies[0] if copies else 0})
