-- sums_of_rows: trait scores of a month added up by day from their rows, and the days that are marked.
-- Parameters: start, end (timestamptz, half-open), first, last (date, the same).
-- Row: day, dimension (NULL: the day is marked), n, total.
SELECT
    (s.created_at AT TIME ZONE 'UTC')::date AS day,
    s.dimension::text AS dimension,
    count(*) AS n,
    sum(s.score) AS total
FROM analytics.anonymized_assessment_scores AS s
WHERE s.created_at >= %(start)s AND s.created_at < %(end)s
GROUP BY (s.created_at AT TIME ZONE 'UTC')::date, s.dimension
UNION ALL
SELECT DISTINCT
    t.day,
    NULL::text AS dimension,
    0 AS n,
    0 AS total
FROM internal.touched_days AS t
WHERE t.day >= %(first)s AND t.day < %(last)s
