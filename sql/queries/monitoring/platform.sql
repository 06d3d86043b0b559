-- platform: what the platform itself has to look after.
-- Row: one; an age is NULL while there is nothing that could be old; that of the newest drilled backup
-- is that of the installation while there is none.
SELECT
    internal.partition_runway()::double precision AS runway_months,
    extract(EPOCH FROM now() - (
        SELECT max(b.loaded_at) FROM internal.batches AS b WHERE b.status = 'loaded'
    ))::double precision / 3600 AS batch_age_hours,
    (SELECT count(DISTINCT t.day) FROM internal.touched_days AS t)::double precision AS touched_days,
    coalesce(extract(EPOCH FROM now() - (
        SELECT min(t.touched_at) FROM internal.touched_days AS t
    ))::double precision / 60, 0) AS refresh_lag_minutes,
    (SELECT count(*) FROM internal.quarantine AS q WHERE q.status = 'waiting')::double precision
        AS quarantine_waiting,
    (
        SELECT count(*) FROM analytics.processing_jobs AS j
        WHERE j.status = 'failed' AND j.started_at >= now() - INTERVAL '24 hours'
    )::double precision AS failed_jobs,
    (
        SELECT count(*) FROM analytics.processing_jobs AS j WHERE j.status = 'running'
    )::double precision AS running_jobs,
    extract(EPOCH FROM now() - coalesce(
        (SELECT max(b.created_at) FROM internal.backups AS b WHERE b.state = 'drilled'),
        (SELECT min(h.applied_at) FROM internal.schema_history AS h)
    ))::double precision / 3600 AS backup_age_hours,
    (
        SELECT count(*)
        FROM (
            SELECT DISTINCT ON (d.table_name, d.check_name) d.passed
            FROM analytics.data_quality_metrics AS d
            WHERE
                d.severity = 'critical'
                AND d.measured_at > (
                    SELECT max(x.measured_at) - INTERVAL '7 days'
                    FROM analytics.data_quality_metrics AS x
                )
            ORDER BY d.table_name ASC, d.check_name ASC, d.measured_at DESC, d.id DESC
        ) AS newest
        WHERE NOT newest.passed
    )::double precision AS broken_promises
