-- retention_count_logs: finished jobs, ended alerts and advice, and old plans of retention that have expired.
-- Parameters: before (timestamptz). Row: number.
SELECT
    (
        SELECT count(*) FROM analytics.processing_jobs AS j
        WHERE j.finished_at < %(before)s AND NOT internal.is_held('logs', j.finished_at)
    ) + (
        SELECT count(*) FROM internal.alerts AS a
        WHERE a.resolved_at < %(before)s AND NOT internal.is_held('logs', a.resolved_at)
    ) + (
        SELECT count(*) FROM internal.retention_plans AS p
        WHERE p.planned_at < %(before)s AND NOT internal.is_held('logs', p.planned_at)
    ) + (
        SELECT count(*) FROM internal.given_advice AS g
        WHERE g.ended_at < %(before)s AND NOT internal.is_held('logs', g.ended_at)
    ) AS number
