-- quality_score: weighted share of checks that passed when they were last looked at, in percent.
-- A check that nobody has looked at for a week before the newest result counts no more.
-- Row: score (NULL before the first), measured_at.
SELECT
    100 * sum(w.weight * newest.passed::integer)::double precision / nullif(sum(w.weight), 0) AS score,
    max(newest.measured_at) AS measured_at
FROM (
    SELECT DISTINCT ON (d.table_name, d.check_name)
        d.measured_at,
        d.severity,
        d.passed
    FROM analytics.data_quality_metrics AS d
    WHERE
        d.measured_at
        > (SELECT max(x.measured_at) - INTERVAL '7 days' FROM analytics.data_quality_metrics AS x)
    ORDER BY d.table_name ASC, d.check_name ASC, d.measured_at DESC, d.id DESC
) AS newest
INNER JOIN (VALUES ('info', 1), ('warning', 2), ('error', 4), ('critical', 8)) AS w (severity, weight)
    ON w.severity = newest.severity
