-- forget_cells: deletes the live trait states of one family that have one of the keys.
-- Parameters: family (text), and the columns of the keys, an array each.
DELETE FROM internal.trait_states AS t
USING unnest(
    %(period_start)s::date [],
    %(instrument)s::text [],
    %(is_careless)s::boolean [],
    %(industry_category)s::text [],
    %(org_size_category)s::text [],
    %(region)s::text [],
    %(age_band)s::text [],
    %(gender)s::text [],
    %(device_type)s::text [],
    %(assessment_type)s::text []
) AS k (
    period_start, instrument, is_careless, industry_category, org_size_category, region, age_band,
    gender, device_type, assessment_type
)
WHERE t.family = %(family)s
    AND t.layer = 'live'
    AND t.period_start = k.period_start
    AND t.instrument = k.instrument
    AND t.is_careless = k.is_careless
    AND t.industry_category = k.industry_category
    AND t.org_size_category = k.org_size_category
    AND t.region = k.region
    AND t.age_band = k.age_band
    AND t.gender = k.gender
    AND t.device_type = k.device_type
    AND t.assessment_type = k.assessment_type
