-- responses_of_region: the responses of an assessment with a region, as they were digested.
-- Parameters: id (uuid), region (text). Row: the columns of an anonymised response, its digest.
SELECT
    r.id,
    r.assessment_hash,
    r.respondent_hash,
    r.region,
    r.age_band,
    r.gender,
    r.device_type,
    r.status,
    r.completion_percentage,
    r.time_spent_seconds,
    r.created_at,
    r.completed_at,
    r.updated_at,
    k.response_content
FROM analytics.anonymized_assessment_responses AS r
INNER JOIN internal.response_registry AS k ON k.response_hash = r.id
WHERE r.assessment_hash = %(id)s AND r.region = %(region)s
