-- The partitions that the given days need and that do not exist yet: months within retention
-- plus 24 months (and in every year that has a month already), whole years before that.
-- A date of the year 1990 must not make 400 partitions, nor a table of 400 months slow every plan.
CREATE OR REPLACE FUNCTION internal.missing_partitions(days date [], retention_days integer)
RETURNS TABLE (suffix text, lower_bound date, upper_bound date)
LANGUAGE sql STABLE AS $$
    WITH months AS (
        SELECT DISTINCT date_trunc('month', d.day::timestamp)::date AS month
        FROM unnest(days) AS d (day)
    ),
    placed AS (
        SELECT
            m.month,
            to_char(m.month, 'YYYY_MM') AS month_suffix,
            to_char(m.month, 'YYYY') AS year_suffix,
            extract(YEAR FROM m.month) >= extract(
                YEAR FROM (now() AT TIME ZONE 'UTC') - make_interval(days => retention_days, months => 24)
            ) OR EXISTS (
                SELECT 1 FROM generate_series(1, 12) AS n (n)
                WHERE to_regclass(format(
                    'analytics.anonymized_assessment_responses_%s_%s',
                    to_char(m.month, 'YYYY'), lpad(n.n::text, 2, '0')
                )) IS NOT NULL
            ) AS is_monthly
        FROM months AS m
    )
    SELECT DISTINCT
        CASE WHEN p.is_monthly THEN p.month_suffix ELSE p.year_suffix END,
        CASE WHEN p.is_monthly THEN p.month ELSE date_trunc('year', p.month::timestamp)::date END,
        CASE
            WHEN p.is_monthly THEN (p.month + INTERVAL '1 month')::date
            ELSE (date_trunc('year', p.month::timestamp) + INTERVAL '1 year')::date
        END
    FROM placed AS p
    WHERE to_regclass('analytics.anonymized_assessment_responses_' || p.month_suffix) IS NULL
        AND to_regclass('analytics.anonymized_assessment_responses_' || p.year_suffix) IS NULL
$$;
COMMENT ON FUNCTION internal.missing_partitions(date [], integer) IS 'Partitions that the days need and that do not exist yet';
