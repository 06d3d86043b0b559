-- end_job: notes how a job ended.
-- Parameters: id (bigint), status, error (text), attempts (integer), and the record counts.
UPDATE analytics.processing_jobs
SET
    status = %(status)s,
    finished_at = now(),
    attempts = %(attempts)s,
    error = %(error)s,
    records_received = %(received)s,
    records_accepted = %(accepted)s,
    records_duplicate = %(duplicate)s,
    records_quarantined = %(quarantined)s
WHERE id = %(id)s
