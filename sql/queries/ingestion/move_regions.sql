-- move_regions: gives responses of a corrected assessment its region.
-- Parameters: id (uuid), ids (uuid []), region (text).
UPDATE analytics.anonymized_assessment_responses AS r
SET region = %(region)s
WHERE r.assessment_hash = %(id)s AND r.id = ANY(%(ids)s::uuid [])
