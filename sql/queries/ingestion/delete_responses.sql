-- delete_responses: takes the rows of replaced responses out.
-- Parameters: ids (uuid [] as text), created (timestamptz [] as text).
DELETE FROM analytics.anonymized_assessment_responses AS r
USING unnest(%(ids)s::uuid [], %(created)s::timestamptz []) AS k (id, created_at)
WHERE r.created_at = k.created_at AND r.id = k.id
