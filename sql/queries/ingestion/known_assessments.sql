-- known_assessments: what responses need to know of stored assessments.
-- Parameters: ids (uuid [] as text). Row: id, org_hash, region, instrument.
SELECT a.id, a.org_hash, a.region, a.instrument
FROM analytics.anonymized_assessments AS a
WHERE a.id = ANY(%(ids)s::uuid [])
ORDER BY a.id
FOR SHARE OF a
