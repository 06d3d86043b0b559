-- quality_score: weighted share of passed checks of the last complete evaluation, in percent.
-- Row: score (NULL before the first), measured_at.
SELECT
    100 * sum(w.weight * d.passed::integer)::double precision / nullif(sum(w.weight), 0) AS score,
    max(d.measured_at) AS measured_at
FROM analytics.data_quality_metrics AS d
INNER JOIN (VALUES ('info', 1), ('warning', 2), ('error', 4), ('critical', 8)) AS w (severity, weight)
    ON w.severity = d.severity
WHERE d.measured_at = (SELECT max(x.measured_at) FROM analytics.data_quality_metrics AS x)
