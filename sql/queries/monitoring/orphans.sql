-- orphans: records of a period that stand without their parent, and ids that stand twice.
-- Parameters: start, end (timestamptz, half-open).
-- Row: responses, duplicate_responses, responses_without_assessment, answers_without_response,
-- scores_without_response.
WITH r AS (
    SELECT p.id, p.assessment_hash, p.created_at
    FROM analytics.anonymized_assessment_responses AS p
    WHERE p.created_at >= %(start)s AND p.created_at < %(end)s
)

SELECT
    (SELECT count(*) FROM r) AS responses,
    (SELECT count(*) - count(DISTINCT r.id) FROM r) AS duplicate_responses,
    (
        SELECT count(*) FROM r
        WHERE NOT EXISTS (
            SELECT 1 FROM analytics.anonymized_assessments AS a WHERE a.id = r.assessment_hash
        )
    ) AS responses_without_assessment,
    (
        SELECT count(*)
        FROM (
            SELECT DISTINCT q.created_at, q.response_hash
            FROM analytics.anonymized_question_responses AS q
            WHERE q.created_at >= %(start)s AND q.created_at < %(end)s
        ) AS q
        LEFT JOIN r ON r.created_at = q.created_at AND r.id = q.response_hash
        WHERE r.id IS NULL
    ) AS answers_without_response,
    (
        SELECT count(*)
        FROM (
            SELECT DISTINCT s.created_at, s.response_hash
            FROM analytics.anonymized_assessment_scores AS s
            WHERE s.created_at >= %(start)s AND s.created_at < %(end)s
        ) AS s
        LEFT JOIN r ON r.created_at = s.created_at AND r.id = s.response_hash
        WHERE r.id IS NULL
    ) AS scores_without_response
