-- newest_jobs: the newest processing jobs.
-- Parameters: limit (integer).
SELECT j.id, j.job_type, j.subject, j.status, j.started_at, j.finished_at, j.error
FROM analytics.processing_jobs AS j
ORDER BY j.id DESC
LIMIT %(limit)s
