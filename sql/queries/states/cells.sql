-- cells: the trait states of one family over a period, in a fixed order.
-- Parameters: family, layer (text), start, end (date, half-open).
-- Row: period_start, instrument, is_careless, the seven dimensions, responses, counts, moments.
SELECT
    t.period_start,
    t.instrument,
    t.is_careless,
    t.industry_category,
    t.org_size_category,
    t.region,
    t.age_band,
    t.gender,
    t.device_type,
    t.assessment_type,
    t.responses,
    t.counts,
    t.moments
FROM internal.trait_states AS t
WHERE t.family = %(family)s AND t.layer = %(layer)s AND t.period_start >= %(start)s AND t.period_start < %(end)s
ORDER BY
    t.period_start, t.instrument, t.is_careless, t.industry_category, t.org_size_category, t.region,
    t.age_band, t.gender, t.device_type, t.assessment_type
