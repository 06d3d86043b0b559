-- repeated: the scored responses of people who have several in a period. Rows that are sealed are left out.
-- Parameters: start, end (timestamptz, half-open).
-- Row: respondent_hash, instrument, the seven dimensions, is scored of each trait (boolean).
SELECT
    r.respondent_hash,
    a.instrument,
    a.industry_category,
    a.org_size_category,
    r.region,
    r.age_band,
    r.gender,
    r.device_type,
    a.assessment_type,
    p.openness,
    p.conscientiousness,
    p.extraversion,
    p.agreeableness,
    p.neuroticism
FROM (
    SELECT x.respondent_hash
    FROM analytics.anonymized_assessment_responses AS x
    WHERE x.created_at >= %(start)s AND x.created_at < %(end)s AND x.respondent_hash IS NOT NULL
    GROUP BY x.respondent_hash
    HAVING count(*) > 1
) AS s
INNER JOIN analytics.anonymized_assessment_responses AS r ON r.respondent_hash = s.respondent_hash
INNER JOIN analytics.anonymized_assessments AS a ON a.id = r.assessment_hash
INNER JOIN (
    SELECT
        x.created_at,
        x.response_hash,
        bool_or(x.dimension = 'openness') AS openness,
        bool_or(x.dimension = 'conscientiousness') AS conscientiousness,
        bool_or(x.dimension = 'extraversion') AS extraversion,
        bool_or(x.dimension = 'agreeableness') AS agreeableness,
        bool_or(x.dimension = 'neuroticism') AS neuroticism
    FROM analytics.anonymized_assessment_scores AS x
    WHERE x.created_at >= %(start)s AND x.created_at < %(end)s
    GROUP BY x.created_at, x.response_hash
) AS p ON p.created_at = r.created_at AND p.response_hash = r.id
WHERE r.created_at >= %(start)s AND r.created_at < %(end)s
    AND NOT EXISTS (
        SELECT 1 FROM internal.sealed_months AS m
        WHERE m.month = date_trunc('month', r.created_at, 'UTC')::date AND r.batch_id <= m.last_batch
    )
