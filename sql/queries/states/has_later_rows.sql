-- has_later_rows: whether responses of a period came with a batch after the given one.
-- Parameters: start, end (timestamptz, half-open), last_batch (bigint). Row: has_later_rows (boolean).
SELECT EXISTS(
    SELECT 1 FROM analytics.anonymized_assessment_responses AS r
    WHERE r.created_at >= %(start)s AND r.created_at < %(end)s AND r.batch_id > %(last_batch)s
) AS has_later_rows
