-- undo_assessments: takes out the assessments of a batch that no response needs.
-- Parameters: batch_id (bigint). Row: removed, kept.
WITH removed AS (
    DELETE FROM analytics.anonymized_assessments AS a
    WHERE a.batch_id = %(batch_id)s
        AND NOT EXISTS (SELECT 1 FROM internal.response_registry AS r WHERE r.assessment_hash = a.id)
    RETURNING 1
)
SELECT
    (SELECT count(*) FROM removed) AS removed,
    (SELECT count(*) FROM analytics.anonymized_assessments AS a WHERE a.batch_id = %(batch_id)s)
    - (SELECT count(*) FROM removed) AS kept
