-- start_job: notes that a job runs, under a lock of this session that everybody can see.
-- Parameters: job_type, subject, run_id (text), lock_class (integer). Row: id.
-- The lock is taken before the row commits, so that nobody sees the one without the other.
WITH started AS (
    INSERT INTO analytics.processing_jobs (job_type, subject, status, run_id)
    VALUES (%(job_type)s, %(subject)s, 'running', %(run_id)s)
    RETURNING id
)
SELECT
    s.id,
    pg_advisory_lock(%(lock_class)s, s.id::integer)
FROM started AS s
