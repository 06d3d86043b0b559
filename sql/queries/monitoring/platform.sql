-- platform: what the platform itself has to look after.
-- Row: one; an age is NULL while there is nothing that could be old.
SELECT
    internal.partition_runway()::double precision AS runway_months,
    extract(EPOCH FROM now() - (
        SELECT max(b.loaded_at) FROM internal.batches AS b WHERE b.status = 'loaded'
    ))::double precision / 3600 AS batch_age_hours,
    (SELECT count(DISTINCT t.day) FROM internal.touched_days AS t)::double precision AS touched_days,
    (SELECT count(*) FROM internal.quarantine AS q WHERE q.status = 'waiting')::double precision
        AS quarantine_waiting,
    (
        SELECT count(*) FROM analytics.processing_jobs AS j
        WHERE j.status = 'failed' AND j.started_at >= now() - INTERVAL '24 hours'
    )::double precision AS failed_jobs,
    (
        SELECT count(*) FROM analytics.processing_jobs AS j WHERE j.status = 'running'
    )::double precision AS running_jobs
