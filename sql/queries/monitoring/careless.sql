-- careless: completed responses of the newest month with rows, and those flagged as careless.
-- Row: checked, careless.
SELECT
    count(*) AS checked,
    count(*) FILTER (WHERE r.is_careless) AS careless
FROM analytics.anonymized_assessment_responses AS r
WHERE
    r.status = 'completed'
    AND r.created_at >= (
        SELECT date_trunc('month', max(p.created_at), 'UTC')
        FROM analytics.anonymized_assessment_responses AS p
    )
