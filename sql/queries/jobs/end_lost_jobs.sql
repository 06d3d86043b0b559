-- end_lost_jobs: notes the running jobs that nobody holds any longer as failed.
-- Parameters: lock_class (integer).
-- A job that ends meanwhile does so before its lock goes, and is then running no longer.
UPDATE analytics.processing_jobs AS j
SET status = 'failed', finished_at = now(), error = 'the process ended before the job did'
WHERE
    j.status = 'running'
    AND NOT EXISTS (
        SELECT 1
        FROM pg_catalog.pg_locks AS l
        INNER JOIN pg_catalog.pg_database AS d ON l.database = d.oid
        WHERE
            l.locktype = 'advisory' AND d.datname = current_database()
            AND l.classid = %(lock_class)s::oid AND l.objid = j.id::oid AND l.objsubid = 2
    )
