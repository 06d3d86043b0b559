-- undo_responses: takes out the responses of a batch with all their children.
-- Parameters: batch_id (bigint). Row: responses, answers, scores, validations removed.
WITH gone AS (
    DELETE FROM internal.response_registry AS r
    WHERE r.response_batch = %(batch_id)s
    RETURNING r.response_hash AS id, r.created_at
),
responses AS (
    DELETE FROM analytics.anonymized_assessment_responses AS r
    USING gone AS g
    WHERE r.created_at = g.created_at AND r.id = g.id
    RETURNING 1
),
answers AS (
    DELETE FROM analytics.anonymized_question_responses AS q
    USING gone AS g
    WHERE q.created_at = g.created_at AND q.response_hash = g.id
    RETURNING 1
),
vectors AS (
    DELETE FROM internal.answer_vectors AS v
    USING gone AS g
    WHERE v.created_at = g.created_at AND v.response_hash = g.id
),
scores AS (
    DELETE FROM analytics.anonymized_assessment_scores AS s
    USING gone AS g
    WHERE s.created_at = g.created_at AND s.response_hash = g.id
    RETURNING 1
),
validations AS (
    DELETE FROM internal.ai_validations AS v
    USING gone AS g
    WHERE v.created_at = g.created_at AND v.response_hash = g.id
    RETURNING 1
)
SELECT
    (SELECT count(*) FROM responses) AS responses,
    (SELECT count(*) FROM answers) AS answers,
    (SELECT count(*) FROM scores) AS scores,
    (SELECT count(*) FROM validations) AS validations
