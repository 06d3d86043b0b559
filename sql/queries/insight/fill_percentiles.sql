-- fill_percentiles: gives the scores of a period the percentiles of one version of the norm tables.
-- Percentiles that came with the scores, and so have no version, stay.
-- Parameters: start, end (timestamptz, half-open), version (text); instruments, dimensions, regions,
--             genders, age_bands (text []), scores, percentiles (double precision [], NULL: no group).
UPDATE analytics.anonymized_assessment_scores AS s
SET percentile = f.percentile, norm_version = f.norm_version
FROM (
    SELECT
        p.created_at,
        p.response_hash,
        p.dimension,
        n.percentile,
        CASE WHEN n.percentile IS NOT NULL THEN %(version)s::text END AS norm_version
    FROM analytics.anonymized_assessment_scores AS p
    INNER JOIN analytics.anonymized_assessment_responses AS r
        ON r.created_at = p.created_at AND r.id = p.response_hash
    INNER JOIN analytics.anonymized_assessments AS a ON a.id = r.assessment_hash
    INNER JOIN unnest(
        %(instruments)s::text [], %(dimensions)s::text [], %(regions)s::text [], %(genders)s::text [],
        %(age_bands)s::text [], %(scores)s::double precision [], %(percentiles)s::double precision []
    ) AS n (instrument, dimension, region, gender, age_band, score, percentile)
        ON n.instrument = a.instrument AND n.region = r.region AND n.gender = r.gender
            AND n.age_band = r.age_band AND n.dimension = p.dimension::text AND n.score = p.score
    WHERE p.created_at >= %(start)s AND p.created_at < %(end)s
        AND r.created_at >= %(start)s AND r.created_at < %(end)s
        AND (p.percentile IS NULL OR p.norm_version IS NOT NULL)
        AND (p.percentile, p.norm_version) IS DISTINCT FROM (
            n.percentile, CASE WHEN n.percentile IS NOT NULL THEN %(version)s::text END
        )
) AS f
WHERE s.created_at >= %(start)s AND s.created_at < %(end)s
    AND s.created_at = f.created_at AND s.response_hash = f.response_hash AND s.dimension = f.dimension
