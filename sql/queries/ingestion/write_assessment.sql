-- write_assessment: writes an assessment, or replaces its older version.
-- Parameters: the columns of anonymized_assessments, is_known (an older version was seen and locked; if
--             not, and there is one now, another batch brought it just now and no row is written).
INSERT INTO analytics.anonymized_assessments (
    id, org_hash, industry_category, org_size_category, region, assessment_type, instrument, status,
    question_count, created_at, published_at, updated_at, batch_id, version, content
)
VALUES (
    %(id)s, %(org_hash)s, %(industry_category)s, %(org_size_category)s, %(region)s,
    %(assessment_type)s, %(instrument)s, %(status)s, %(question_count)s, %(created_at)s,
    %(published_at)s, %(updated_at)s, %(batch_id)s, %(version)s, %(content)s
)
ON CONFLICT (id) DO UPDATE SET
    org_hash = excluded.org_hash,
    industry_category = excluded.industry_category,
    org_size_category = excluded.org_size_category,
    region = excluded.region,
    assessment_type = excluded.assessment_type,
    instrument = excluded.instrument,
    status = excluded.status,
    question_count = excluded.question_count,
    created_at = excluded.created_at,
    published_at = excluded.published_at,
    updated_at = excluded.updated_at,
    batch_id = excluded.batch_id,
    version = excluded.version,
    content = excluded.content
WHERE %(is_known)s
