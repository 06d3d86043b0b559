-- move_responses: gives the responses of a corrected assessment its organization.
-- Parameters: id (uuid), org_hash (uuid).
UPDATE analytics.anonymized_assessment_responses AS r
SET org_hash = %(org_hash)s
WHERE r.assessment_hash = %(id)s AND r.org_hash <> %(org_hash)s
