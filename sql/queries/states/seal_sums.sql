-- seal_sums: seals organization sums; organizations under the minimum lose their pseudonym (nil UUID),
-- sector and size, and are kept by month only: a day of one of them can be a single person.
-- Parameters: start, end (date, half-open), minimum_cell (integer).
WITH gone AS (
    DELETE FROM internal.organization_states AS o
    WHERE o.family IN ('day', 'month') AND o.period_start >= %(start)s AND o.period_start < %(end)s
    RETURNING o.*
),
whole AS (
    SELECT
        g.family,
        g.period_start,
        g.org_hash,
        sum(g.started) AS started
    FROM gone AS g
    GROUP BY g.family, g.period_start, g.org_hash
)

INSERT INTO internal.organization_states (
    family, period_start, layer, org_hash, instrument, is_careless, industry_category,
    org_size_category, started, completed, abandoned, timed, time_sum, time_square_sum,
    whole, validated, agreed, trait_n, trait_sum, trait_square_sum
)
SELECT
    g.family,
    g.period_start,
    'sealed',
    CASE WHEN w.started < %(minimum_cell)s THEN '00000000-0000-0000-0000-000000000000' ELSE g.org_hash END,
    g.instrument,
    g.is_careless,
    CASE WHEN w.started < %(minimum_cell)s THEN 'merged' ELSE g.industry_category END,
    CASE WHEN w.started < %(minimum_cell)s THEN 'merged' ELSE g.org_size_category END,
    sum(g.started),
    sum(g.completed),
    sum(g.abandoned),
    sum(g.timed),
    sum(g.time_sum),
    sum(g.time_square_sum),
    CASE WHEN bool_and(g.whole IS NOT NULL) THEN sum(g.whole) END,
    CASE WHEN bool_and(g.validated IS NOT NULL) THEN sum(g.validated) END,
    CASE WHEN bool_and(g.agreed IS NOT NULL) THEN sum(g.agreed) END,
    ARRAY[
        sum(g.trait_n[1]), sum(g.trait_n[2]), sum(g.trait_n[3]), sum(g.trait_n[4]), sum(g.trait_n[5])
    ],
    ARRAY[
        sum(g.trait_sum[1]), sum(g.trait_sum[2]), sum(g.trait_sum[3]), sum(g.trait_sum[4]),
        sum(g.trait_sum[5])
    ],
    ARRAY[
        sum(g.trait_square_sum[1]), sum(g.trait_square_sum[2]), sum(g.trait_square_sum[3]),
        sum(g.trait_square_sum[4]), sum(g.trait_square_sum[5])
    ]
FROM gone AS g
INNER JOIN whole AS w USING (family, period_start, org_hash)
WHERE w.started >= %(minimum_cell)s OR g.family = 'month'
GROUP BY
    g.family,
    g.period_start,
    CASE WHEN w.started < %(minimum_cell)s THEN '00000000-0000-0000-0000-000000000000' ELSE g.org_hash END,
    g.instrument,
    g.is_careless,
    CASE WHEN w.started < %(minimum_cell)s THEN 'merged' ELSE g.industry_category END,
    CASE WHEN w.started < %(minimum_cell)s THEN 'merged' ELSE g.org_size_category END
