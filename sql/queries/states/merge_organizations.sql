-- merge_organizations: adds the days of a month up to the month states of each organization.
-- Parameters: month, start, end (date, half-open).
INSERT INTO internal.organization_states (
    family, period_start, layer, org_hash, instrument, is_careless, industry_category, org_size_category,
    started, completed, abandoned, timed, time_sum, time_square_sum, whole, validated, agreed, trait_n,
    trait_sum, trait_square_sum
)
SELECT
    'month',
    %(month)s,
    'live',
    o.org_hash,
    o.instrument,
    o.is_careless,
    o.industry_category,
    o.org_size_category,
    sum(o.started),
    sum(o.completed),
    sum(o.abandoned),
    sum(o.timed),
    sum(o.time_sum),
    sum(o.time_square_sum),
    sum(o.whole),
    sum(o.validated),
    sum(o.agreed),
    ARRAY[
        sum(o.trait_n[1]), sum(o.trait_n[2]), sum(o.trait_n[3]), sum(o.trait_n[4]), sum(o.trait_n[5])
    ],
    ARRAY[
        sum(o.trait_sum[1]), sum(o.trait_sum[2]), sum(o.trait_sum[3]), sum(o.trait_sum[4]), sum(o.trait_sum[5])
    ],
    ARRAY[
        sum(o.trait_square_sum[1]), sum(o.trait_square_sum[2]), sum(o.trait_square_sum[3]),
        sum(o.trait_square_sum[4]), sum(o.trait_square_sum[5])
    ]
FROM (
    SELECT
        d.org_hash, d.instrument, d.is_careless, d.industry_category, d.org_size_category, d.started,
        d.completed, d.abandoned, d.timed, d.time_sum, d.time_square_sum, d.whole, d.validated, d.agreed,
        d.trait_n, d.trait_sum, d.trait_square_sum
    FROM internal.organization_states AS d
    WHERE d.family = 'day' AND d.layer = 'live' AND d.period_start >= %(start)s AND d.period_start < %(end)s
    ORDER BY d.period_start
) AS o
GROUP BY o.org_hash, o.instrument, o.is_careless, o.industry_category, o.org_size_category
