-- rater_weeks: how far each AI rater's scores lie from the questionnaire's, week by week; a response
-- that a rater scored in several pairs counts once.
-- Parameters: start, end (timestamptz or NULL, half-open).
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
            v.created_at, v.response_hash, v.dimension, v.primary_model AS model, v.primary_score AS score
        FROM internal.ai_validations AS v
        UNION ALL
        SELECT
            w.created_at, w.response_hash, w.dimension, w.secondary_model, w.secondary_score
        FROM internal.ai_validations AS w
    ) AS p
    WHERE (%(start)s::timestamptz IS NULL OR p.created_at >= %(start)s)
        AND (%(end)s::timestamptz IS NULL OR p.created_at < %(end)s)
    ORDER BY p.created_at, p.response_hash, p.dimension, p.model, p.score
) AS d
INNER JOIN analytics.anonymized_assessment_scores AS s
    ON s.created_at = d.created_at AND s.response_hash = d.response_hash AND s.dimension = d.dimension
WHERE (%(start)s::timestamptz IS NULL OR s.created_at >= %(start)s)
    AND (%(end)s::timestamptz IS NULL OR s.created_at < %(end)s)
GROUP BY 1, 2, 3
ORDER BY 1, 2, 3
