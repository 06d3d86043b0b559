-- people_of_organizations: the people behind each figure of each organization, of responses started within a range.
-- Parameters: start, end (timestamptz, half-open), mature_before (timestamptz, responses before it had their time).
-- Row: org_hash, started, settled (those with a response before mature_before), completed, timed, validated, and scored of each trait: people with such a response.
WITH scored AS (
    SELECT
        s.created_at,
        s.response_hash,
        bool_or(s.dimension = 'openness') AS openness,
        bool_or(s.dimension = 'conscientiousness') AS conscientiousness,
        bool_or(s.dimension = 'extraversion') AS extraversion,
        bool_or(s.dimension = 'agreeableness') AS agreeableness,
        bool_or(s.dimension = 'neuroticism') AS neuroticism
    FROM analytics.anonymized_assessment_scores AS s
    WHERE s.created_at >= %(start)s AND s.created_at < %(end)s
    GROUP BY s.created_at, s.response_hash
),

validated AS (
    SELECT DISTINCT
        v.created_at,
        v.response_hash
    FROM internal.ai_validations AS v
    WHERE v.created_at >= %(start)s AND v.created_at < %(end)s
),

people AS (
    SELECT
        r.org_hash,
        bool_or(r.created_at < %(mature_before)s) AS settled,
        bool_or(r.status = 'completed') AS completed,
        bool_or(r.status = 'completed' AND r.time_spent_seconds IS NOT NULL) AS timed,
        bool_or(v.response_hash IS NOT NULL) AS validated,
        bool_or(s.openness) AS openness,
        bool_or(s.conscientiousness) AS conscientiousness,
        bool_or(s.extraversion) AS extraversion,
        bool_or(s.agreeableness) AS agreeableness,
        bool_or(s.neuroticism) AS neuroticism
    FROM analytics.anonymized_assessment_responses AS r
    LEFT JOIN scored AS s ON s.created_at = r.created_at AND s.response_hash = r.id
    LEFT JOIN validated AS v ON v.created_at = r.created_at AND v.response_hash = r.id
    WHERE r.created_at >= %(start)s AND r.created_at < %(end)s
    -- A response whose source names no person is taken as a person of its own.
    GROUP BY r.org_hash, coalesce(r.respondent_hash, r.id)
)

SELECT
    p.org_hash,
    count(*) AS started,
    count(*) FILTER (WHERE p.settled) AS settled,
    count(*) FILTER (WHERE p.completed) AS completed,
    count(*) FILTER (WHERE p.timed) AS timed,
    count(*) FILTER (WHERE p.validated) AS validated,
    count(*) FILTER (WHERE p.openness) AS openness,
    count(*) FILTER (WHERE p.conscientiousness) AS conscientiousness,
    count(*) FILTER (WHERE p.extraversion) AS extraversion,
    count(*) FILTER (WHERE p.agreeableness) AS agreeableness,
    count(*) FILTER (WHERE p.neuroticism) AS neuroticism
FROM people AS p
GROUP BY p.org_hash
