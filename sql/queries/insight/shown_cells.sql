-- shown_cells: the cells of a period whose distributions are shown.
-- Parameters: grain (text), start (date).
-- Row: instrument, the seven dimensions, dimension.
SELECT
    d.instrument,
    d.industry_category,
    d.org_size_category,
    d.region,
    d.age_band,
    d.gender,
    d.device_type,
    d.assessment_type,
    d.dimension::text AS dimension
FROM analytics.ocean_trait_distributions AS d
WHERE d.grain = %(grain)s AND d.period_start = %(start)s AND d.sample_size IS NOT NULL
