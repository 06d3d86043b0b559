-- stored_responses: responses that one batch left in the table, looked for in a period.
-- Parameters: batch_id (bigint), start, end (timestamptz, half-open).
-- Row: responses, has_sealed (whether some may have gone by retention: months of the period are sealed).
SELECT
    count(*) AS responses,
    EXISTS(
        SELECT 1 FROM internal.sealed_months AS s
        WHERE s.last_batch >= %(batch_id)s
            AND s.month >= date_trunc('month', %(start)s::timestamptz, 'UTC')::date
            AND s.month < (%(end)s::timestamptz AT TIME ZONE 'UTC')::date
    ) AS has_sealed
FROM analytics.anonymized_assessment_responses AS r
WHERE r.batch_id = %(batch_id)s AND r.created_at >= %(start)s AND r.created_at < %(end)s
