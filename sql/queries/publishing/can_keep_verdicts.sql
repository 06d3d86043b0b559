-- can_keep_verdicts: whether the platform's table of quality results is here, and may be written to.
-- Row: can_keep.
SELECT
    coalesce(
        has_table_privilege(to_regclass('analytics.data_quality_metrics'), 'INSERT')
        AND has_schema_privilege(to_regnamespace('analytics'), 'USAGE'),
        false
    ) AS can_keep
