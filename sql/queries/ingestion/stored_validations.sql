-- stored_validations: the AI validations of stored responses.
-- Parameters: ids (uuid [] as text), created (timestamptz [] as text).
-- Row: response_hash, dimension, primary_model, secondary_model, primary_score, secondary_score.
SELECT
    v.response_hash,
    v.dimension::text,
    v.primary_model,
    v.secondary_model,
    v.primary_score,
    v.secondary_score
FROM unnest(%(ids)s::uuid [], %(created)s::timestamptz []) AS k (id, created_at)
INNER JOIN internal.ai_validations AS v ON v.created_at = k.created_at AND v.response_hash = k.id
