-- stored_scores: the scores of stored responses.
-- Parameters: ids (uuid [] as text), created (timestamptz [] as text). Row: response_hash, dimension, score.
SELECT s.response_hash, s.dimension::text, s.score
FROM unnest(%(ids)s::uuid [], %(created)s::timestamptz []) AS k (id, created_at)
INNER JOIN analytics.anonymized_assessment_scores AS s
    ON s.created_at = k.created_at AND s.response_hash = k.id
