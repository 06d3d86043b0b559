-- undo_assessments: takes out the assessments of a batch that no response needs. Those that stay give way
-- to any version that comes.
-- Parameters: batch_id (bigint). Row: removed, kept.
WITH removed AS (
    DELETE FROM analytics.anonymized_assessments AS a
    WHERE a.batch_id = %(batch_id)s
        AND NOT EXISTS (SELECT 1 FROM internal.response_registry AS r WHERE r.assessment_hash = a.id)
    RETURNING 1
),
kept AS (
    UPDATE analytics.anonymized_assessments AS a
    SET version = TIMESTAMPTZ '1970-01-01 00:00:00+00', content = 0
    WHERE a.batch_id = %(batch_id)s
        AND EXISTS (SELECT 1 FROM internal.response_registry AS r WHERE r.assessment_hash = a.id)
    RETURNING 1
)
SELECT
    (SELECT count(*) FROM removed) AS removed,
    (SELECT count(*) FROM kept) AS kept
