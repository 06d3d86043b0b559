-- move_children: lets the children of responses follow a corrected start time, which is part of
-- their key, or assessment. Rows of kinds that the batch rewrites are gone already or written anew.
-- Parameters: ids, assessments (uuid [] as text), created and new_created (timestamptz [] as text).
WITH keys AS MATERIALIZED (
    SELECT k.id, k.created_at, k.new_created_at, k.assessment_hash
    FROM unnest(
        %(ids)s::uuid [], %(created)s::timestamptz [], %(new_created)s::timestamptz [],
        %(assessments)s::uuid []
    ) AS k (id, created_at, new_created_at, assessment_hash)
),
answers AS (
    UPDATE analytics.anonymized_question_responses AS q
    SET created_at = k.new_created_at
    FROM keys AS k
    WHERE q.created_at = k.created_at AND q.response_hash = k.id
),
vectors AS (
    UPDATE internal.answer_vectors AS v
    SET created_at = k.new_created_at
    FROM keys AS k
    WHERE v.created_at = k.created_at AND v.response_hash = k.id
),
scores AS (
    UPDATE analytics.anonymized_assessment_scores AS s
    SET created_at = k.new_created_at, assessment_hash = k.assessment_hash
    FROM keys AS k
    WHERE s.created_at = k.created_at AND s.response_hash = k.id
)
UPDATE internal.ai_validations AS v
SET created_at = k.new_created_at
FROM keys AS k
WHERE v.created_at = k.created_at AND v.response_hash = k.id
