-- rater_weeks: how far each AI rater's scores lie from the questionnaire's, week by week; a response
-- that a rater scored in several pairs counts once.
-- Parameters: start, end (timestamptz or NULL, half-open), last_id (uuid, the last pseudonym of the sample).
-- Row: model, dimension, week (date, a Monday), n, average, variance (of rater - questionnaire, points;
--      NULL of one).
SELECT
    d.model,
    d.dimension::text AS dimension,
    date_trunc('week', d.created_at, 'UTC')::date AS week,
    count(*) AS n,
    avg(d.score - s.score) AS average,
    var_samp(d.score - s.score) AS variance
FROM (
    SELECT DISTINCT ON (p.created_at, p.response_hash, p.dimension, p.model)
        p.created_at, p.response_hash, p.dimension, p.model, p.score
    FROM (
        SELECT
            v.created_at, v.response_hash, v.dimension, rater.model, rater.score
        FROM internal.ai_validations AS v
        CROSS JOIN LATERAL (
            VALUES (v.primary_model, v.primary_score), (v.secondary_model, v.secondary_score)
        ) AS rater (model, score)
        WHERE (%(start)s::timestamptz IS NULL OR v.created_at >= %(start)s)
            AND (%(end)s::timestamptz IS NULL OR v.created_at < %(end)s)
            AND v.response_hash <= %(last_id)s::uuid
    ) AS p
    ORDER BY p.created_at, p.response_hash, p.dimension, p.model, p.score
) AS d
INNER JOIN analytics.anonymized_assessment_scores AS s
    ON s.created_at = d.created_at AND s.response_hash = d.response_hash AND s.dimension = d.dimension
WHERE (%(start)s::timestamptz IS NULL OR s.created_at >= %(start)s)
    AND (%(end)s::timestamptz IS NULL OR s.created_at < %(end)s)
    AND s.response_hash <= %(last_id)s::uuid
GROUP BY 1, 2, 3
ORDER BY 1, 2, 3
