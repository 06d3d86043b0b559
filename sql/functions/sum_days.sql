-- Adds the organization sums of each day up to one line per questionnaire and careless flag (family
-- day_total, nil UUID): a series over years reads days and not organizations. To be called wherever the
-- organizations' days change; days whose lines did not change are written again, to the same effect.
CREATE OR REPLACE FUNCTION internal.sum_days(first_day date, end_day date)
RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    DELETE FROM internal.organization_states AS t
    WHERE t.family = 'day_total' AND t.period_start >= first_day AND t.period_start < end_day;

    INSERT INTO internal.organization_states (
        family, period_start, layer, org_hash, instrument, is_careless, industry_category, org_size_category,
        started, completed, abandoned, timed, time_sum, time_square_sum, whole, validated, agreed, trait_n,
        trait_sum, trait_square_sum
    )
    SELECT
        'day_total', d.period_start, d.layer, '00000000-0000-0000-0000-000000000000', d.instrument,
        d.is_careless, 'all', 'all', sum(d.started), sum(d.completed), sum(d.abandoned), sum(d.timed),
        sum(d.time_sum), sum(d.time_square_sum),
        CASE WHEN bool_and(d.whole IS NOT NULL) THEN sum(d.whole) END,
        CASE WHEN bool_and(d.validated IS NOT NULL) THEN sum(d.validated) END,
        CASE WHEN bool_and(d.agreed IS NOT NULL) THEN sum(d.agreed) END,
        ARRAY[
            sum(d.trait_n[1]), sum(d.trait_n[2]), sum(d.trait_n[3]), sum(d.trait_n[4]), sum(d.trait_n[5])
        ],
        ARRAY[
            sum(d.trait_sum[1]), sum(d.trait_sum[2]), sum(d.trait_sum[3]), sum(d.trait_sum[4]),
            sum(d.trait_sum[5])
        ],
        ARRAY[
            sum(d.trait_square_sum[1]), sum(d.trait_square_sum[2]), sum(d.trait_square_sum[3]),
            sum(d.trait_square_sum[4]), sum(d.trait_square_sum[5])
        ]
    FROM internal.organization_states AS d
    WHERE d.family = 'day' AND d.period_start >= first_day AND d.period_start < end_day
    GROUP BY d.period_start, d.layer, d.instrument, d.is_careless;
$$;
COMMENT ON FUNCTION internal.sum_days(date, date) IS 'Adds the organization sums of days up, per questionnaire and careless flag';
