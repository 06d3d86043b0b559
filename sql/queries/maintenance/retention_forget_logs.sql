-- retention_forget_logs: deletes finished jobs, ended alerts and advice, and old plans of retention that have expired.
-- Parameters: before (timestamptz). Row: number.
WITH jobs AS (
    DELETE FROM analytics.processing_jobs AS j
    WHERE j.finished_at < %(before)s AND NOT internal.is_held('logs', j.finished_at)
    RETURNING 1
),
alerts AS (
    DELETE FROM internal.alerts AS a
    WHERE a.resolved_at < %(before)s AND NOT internal.is_held('logs', a.resolved_at)
    RETURNING 1
),
plans AS (
    DELETE FROM internal.retention_plans AS p
    WHERE p.planned_at < %(before)s AND NOT internal.is_held('logs', p.planned_at)
    RETURNING 1
),
advice AS (
    DELETE FROM internal.given_advice AS g
    WHERE g.ended_at < %(before)s AND NOT internal.is_held('logs', g.ended_at)
    RETURNING 1
)
SELECT
    (SELECT count(*) FROM jobs) + (SELECT count(*) FROM alerts) + (SELECT count(*) FROM plans)
    + (SELECT count(*) FROM advice) AS number
