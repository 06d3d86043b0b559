-- delete_vectors: takes the answer vectors of responses out; their answers stay.
-- Parameters: ids (uuid [] as text), created (timestamptz [] as text).
DELETE FROM internal.answer_vectors AS v
USING unnest(%(ids)s::uuid [], %(created)s::timestamptz []) AS k (id, created_at)
WHERE v.created_at = k.created_at AND v.response_hash = k.id
