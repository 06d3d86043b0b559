-- stored_answers: the answer vectors of stored responses.
-- Parameters: ids (uuid [] as text), created (timestamptz [] as text). Row: response_hash, answers.
SELECT v.response_hash, v.answers
FROM unnest(%(ids)s::uuid [], %(created)s::timestamptz []) AS k (id, created_at)
INNER JOIN internal.answer_vectors AS v ON v.created_at = k.created_at AND v.response_hash = k.id
