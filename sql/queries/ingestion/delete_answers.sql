-- delete_answers: takes the answers of responses out, rows and vectors.
-- Parameters: ids (uuid [] as text), created (timestamptz [] as text).
WITH keys AS MATERIALIZED (
    SELECT k.id, k.created_at FROM unnest(%(ids)s::uuid [], %(created)s::timestamptz []) AS k (id, created_at)
),
vectors AS (
    DELETE FROM internal.answer_vectors AS v
    USING keys AS k
    WHERE v.created_at = k.created_at AND v.response_hash = k.id
)
DELETE FROM analytics.anonymized_question_responses AS q
USING keys AS k
WHERE q.created_at = k.created_at AND q.response_hash = k.id
