-- How many whole months after the current one have a partition already, without a gap.
CREATE OR REPLACE FUNCTION internal.partition_runway()
RETURNS integer
LANGUAGE sql STABLE AS $$
    SELECT coalesce(min(n.n) FILTER (WHERE to_regclass(format(
        'analytics.anonymized_assessment_responses_%s',
        to_char(date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => n.n), 'YYYY_MM')
    )) IS NULL), 121) - 1
    FROM generate_series(1, 120) AS n (n)
$$;
COMMENT ON FUNCTION internal.partition_runway() IS 'Whole months ahead that have a partition already';
