-- values_out_of_range: impossible values among the responses and scores of the newest month with rows.
-- Row: checked (responses), completion, time_spent, completed_before_start, in_the_future, score.
WITH m AS (
    SELECT date_trunc('month', max(p.created_at), 'UTC') AS start
    FROM analytics.anonymized_assessment_responses AS p
)

SELECT
    count(*) AS checked,
    count(*) FILTER (WHERE r.completion_percentage NOT BETWEEN 0 AND 100) AS completion,
    count(*) FILTER (WHERE r.time_spent_seconds < 0) AS time_spent,
    count(*) FILTER (WHERE r.completed_at < r.created_at) AS completed_before_start,
    count(*) FILTER (WHERE r.created_at > now() + INTERVAL '1 day') AS in_the_future,
    (
        SELECT count(*) FROM analytics.anonymized_assessment_scores AS s
        WHERE s.created_at >= (SELECT m.start FROM m) AND s.score NOT BETWEEN 0 AND 100
    ) AS score
FROM analytics.anonymized_assessment_responses AS r
WHERE r.created_at >= (SELECT m.start FROM m)
