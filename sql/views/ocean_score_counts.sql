-- The states as rows, for people who write SQL: counts per distinct score of each period and cell.
-- Exact figures, days touched since the last refresh left out; for analysts, never for readers.
CREATE OR REPLACE VIEW analytics.ocean_score_counts AS
SELECT
    t.family,
    t.period_start,
    t.layer,
    t.instrument,
    t.is_careless,
    t.industry_category,
    t.org_size_category,
    t.region,
    t.age_band,
    t.gender,
    t.device_type,
    t.assessment_type,
    (enum_range(NULL::analytics.ocean_dimension))[c.trait + 1] AS dimension,
    c.score,
    c.n
FROM internal.trait_states AS t
CROSS JOIN LATERAL internal.unpack_counts(t.counts) AS c;
COMMENT ON VIEW analytics.ocean_score_counts IS 'States as rows: counts per distinct score of each period and cell';
COMMENT ON COLUMN analytics.ocean_score_counts.family IS 'Family of states, such as month_industry; ask for one family, they overlap';
COMMENT ON COLUMN analytics.ocean_score_counts.period_start IS 'First UTC day of the day or month';
COMMENT ON COLUMN analytics.ocean_score_counts.n IS 'Responses with this score';
