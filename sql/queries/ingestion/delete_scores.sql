-- delete_scores: takes the scores of responses out.
-- Parameters: ids (uuid [] as text), created (timestamptz [] as text).
DELETE FROM analytics.anonymized_assessment_scores AS s
USING unnest(%(ids)s::uuid [], %(created)s::timestamptz []) AS k (id, created_at)
WHERE s.created_at = k.created_at AND s.response_hash = k.id
