-- view_comparisons: the statement that compares each view over released tables with its own definition,
-- asked now. The dashboard of health figures is left out: figures are measured between its refreshes.
-- Row: view_name, statement, whose row is: rows, differences.
SELECT
    v.matviewname::text AS view_name,
    format(
        'WITH kept AS (SELECT * FROM analytics.%I), asked AS (%s) SELECT'
        ' (SELECT count(*) FROM kept),'
        ' (SELECT count(*) FROM (SELECT * FROM kept EXCEPT ALL SELECT * FROM asked) AS d)'
        ' + (SELECT count(*) FROM (SELECT * FROM asked EXCEPT ALL SELECT * FROM kept) AS d)',
        v.matviewname, rtrim(v.definition, '; ')
    ) AS statement
FROM pg_catalog.pg_matviews AS v
WHERE v.schemaname = 'analytics' AND v.matviewname <> 'mv_system_performance_dashboard'
ORDER BY v.matviewname
