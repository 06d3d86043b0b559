-- start_job: notes that a job runs; an earlier run of the same subject that never ended was killed.
-- Parameters: job_type, subject, run_id (text). Row: id.
WITH interrupted AS (
    UPDATE analytics.processing_jobs
    SET status = 'failed', finished_at = now(), error = 'the process ended before the job did'
    WHERE job_type = %(job_type)s AND subject = %(subject)s AND status = 'running'
)
INSERT INTO analytics.processing_jobs (job_type, subject, status, run_id)
VALUES (%(job_type)s, %(subject)s, 'running', %(run_id)s)
RETURNING id
