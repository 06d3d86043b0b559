-- missing_values: share of missing values by column in the newest month with rows, and in the three before.
-- Row: column_name, newest, earlier (0 to 1, NULL without rows), newest_responses, earlier_responses.
WITH m AS (
    SELECT date_trunc('month', max(p.created_at), 'UTC') AS start
    FROM analytics.anonymized_assessment_responses AS p
),

r AS (
    SELECT
        p.created_at >= (SELECT m.start FROM m) AS is_newest,
        p.respondent_hash IS NULL AS respondent,
        p.completion_percentage IS NULL AS completion,
        p.time_spent_seconds IS NULL AS time_spent,
        p.status = 'completed' AND p.completed_at IS NULL AS completed
    FROM analytics.anonymized_assessment_responses AS p
    WHERE p.created_at >= (SELECT m.start - INTERVAL '3 months' FROM m)
)

SELECT
    c.column_name,
    (avg(c.missing::integer) FILTER (WHERE r.is_newest))::double precision AS newest,
    (avg(c.missing::integer) FILTER (WHERE NOT r.is_newest))::double precision AS earlier,
    count(*) FILTER (WHERE r.is_newest) AS newest_responses,
    count(*) FILTER (WHERE NOT r.is_newest) AS earlier_responses
FROM r
CROSS JOIN LATERAL (
    VALUES
    ('respondent_hash', r.respondent),
    ('completion_percentage', r.completion),
    ('time_spent_seconds', r.time_spent),
    ('completed_at', r.completed)
) AS c (column_name, missing)
GROUP BY c.column_name
ORDER BY c.column_name
