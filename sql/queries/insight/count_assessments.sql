-- count_assessments: how many assessments were set up within a range.
-- Parameters: start, end (timestamptz, half-open), names of allowed categories (text [] or NULL) by
--             dimension, organizations, other_organizations (uuid [] or NULL).
-- Row: assessments.
SELECT count(*) AS assessments
FROM analytics.anonymized_assessments AS a
WHERE a.created_at >= %(start)s AND a.created_at < %(end)s
    AND (%(industry_category)s::text [] IS NULL OR a.industry_category = ANY(%(industry_category)s::text []))
    AND (%(org_size_category)s::text [] IS NULL OR a.org_size_category = ANY(%(org_size_category)s::text []))
    AND (%(region)s::text [] IS NULL OR a.region = ANY(%(region)s::text []))
    AND (%(assessment_type)s::text [] IS NULL OR a.assessment_type = ANY(%(assessment_type)s::text []))
    AND (%(instrument)s::text [] IS NULL OR a.instrument = ANY(%(instrument)s::text []))
    AND (%(organizations)s::uuid [] IS NULL OR a.org_hash = ANY(%(organizations)s::uuid []))
    AND (%(other_organizations)s::uuid [] IS NULL OR a.org_hash <> ALL(%(other_organizations)s::uuid []))
