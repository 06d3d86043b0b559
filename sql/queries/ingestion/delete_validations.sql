-- delete_validations: takes the AI validations of responses out.
-- Parameters: ids (uuid [] as text), created (timestamptz [] as text).
DELETE FROM internal.ai_validations AS v
USING unnest(%(ids)s::uuid [], %(created)s::timestamptz []) AS k (id, created_at)
WHERE v.created_at = k.created_at AND v.response_hash = k.id
