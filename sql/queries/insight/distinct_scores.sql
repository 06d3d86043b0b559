-- distinct_scores: every score that occurs in a period, by what norm groups are made by.
-- Parameters: start, end (timestamptz, half-open).
-- Row: instrument, dimension, region, gender, age_band, score.
SELECT DISTINCT
    a.instrument,
    s.dimension::text AS dimension,
    r.region,
    r.gender,
    r.age_band,
    s.score
FROM analytics.anonymized_assessment_scores AS s
INNER JOIN analytics.anonymized_assessment_responses AS r
    ON r.created_at = s.created_at AND r.id = s.response_hash
INNER JOIN analytics.anonymized_assessments AS a ON a.id = r.assessment_hash
WHERE s.created_at >= %(start)s AND s.created_at < %(end)s
    AND r.created_at >= %(start)s AND r.created_at < %(end)s
