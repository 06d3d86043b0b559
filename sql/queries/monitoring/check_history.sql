-- check_history: the newest results of some quality checks, the newest first.
-- Parameters: names, tables (text [], each name with its table: others may name their checks alike),
--   number (bigint, of each). Row: name, measured_at, passed, score, summary.
SELECT
    n.name,
    d.measured_at,
    d.passed,
    d.score,
    d.details ->> 'summary' AS summary
FROM unnest(%(names)s::text [], %(tables)s::text []) AS n (name, table_name)
CROSS JOIN LATERAL (
    SELECT
        x.measured_at,
        x.passed,
        x.score,
        x.details
    FROM analytics.data_quality_metrics AS x
    WHERE x.check_name = n.name AND x.table_name = n.table_name
    ORDER BY x.measured_at DESC, x.id DESC
    LIMIT %(number)s
) AS d
ORDER BY n.name ASC, d.measured_at DESC
