-- retention_delete: deletes the rows of a month that came with expired batches, responses with all that
-- belongs to them; the registry keeps its rows.
-- Parameters: start, end (timestamptz, half-open), last_batch (bigint).
-- Row: responses, answers, scores, validations, vectors deleted.
WITH gone AS (
    DELETE FROM analytics.anonymized_assessment_responses AS r
    WHERE r.created_at >= %(start)s AND r.created_at < %(end)s AND r.batch_id <= %(last_batch)s
    RETURNING r.created_at, r.id
),
answers AS (
    DELETE FROM analytics.anonymized_question_responses AS q
    USING gone AS g
    WHERE q.created_at >= %(start)s AND q.created_at < %(end)s
        AND q.created_at = g.created_at AND q.response_hash = g.id
    RETURNING 1
),
scores AS (
    DELETE FROM analytics.anonymized_assessment_scores AS s
    USING gone AS g
    WHERE s.created_at >= %(start)s AND s.created_at < %(end)s
        AND s.created_at = g.created_at AND s.response_hash = g.id
    RETURNING 1
),
validations AS (
    DELETE FROM internal.ai_validations AS v
    USING gone AS g
    WHERE v.created_at >= %(start)s AND v.created_at < %(end)s
        AND v.created_at = g.created_at AND v.response_hash = g.id
    RETURNING 1
),
vectors AS (
    DELETE FROM internal.answer_vectors AS v
    USING gone AS g
    WHERE v.created_at >= %(start)s AND v.created_at < %(end)s
        AND v.created_at = g.created_at AND v.response_hash = g.id
    RETURNING 1
)
SELECT
    (SELECT count(*) FROM gone) AS responses,
    (SELECT count(*) FROM answers) AS answers,
    (SELECT count(*) FROM scores) AS scores,
    (SELECT count(*) FROM validations) AS validations,
    (SELECT count(*) FROM vectors) AS vectors
