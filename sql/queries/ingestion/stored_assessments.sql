-- stored_assessments: the stored rows of assessments, locked against another batch.
-- Parameters: ids (uuid []). Row: the columns that a newer version is compared with.
SELECT
    a.id,
    a.org_hash,
    a.industry_category,
    a.org_size_category,
    a.region,
    a.assessment_type,
    a.instrument,
    a.created_at,
    a.version,
    a.content,
    a.batch_id
FROM analytics.anonymized_assessments AS a
WHERE a.id = ANY(%(ids)s::uuid [])
ORDER BY a.id
FOR UPDATE OF a
