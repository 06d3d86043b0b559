-- broken_promises: those of some quality checks whose newest result is bad.
-- Parameters: names, tables (text [], each name with its table: others may name their checks alike). Row: name, measured_at, summary.
SELECT
    newest.check_name AS name,
    newest.measured_at,
    coalesce(newest.details ->> 'summary', '') AS summary
FROM (
    SELECT DISTINCT ON (d.check_name)
        d.check_name,
        d.measured_at,
        d.passed,
        d.details
    FROM analytics.data_quality_metrics AS d
    INNER JOIN unnest(%(names)s::text [], %(tables)s::text []) AS n (check_name, table_name)
        ON n.check_name = d.check_name AND n.table_name = d.table_name
    ORDER BY d.check_name ASC, d.measured_at DESC, d.id DESC
) AS newest
WHERE NOT newest.passed
ORDER BY newest.check_name
