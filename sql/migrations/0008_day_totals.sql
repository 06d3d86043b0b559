-- What: the organization sums of every day, added up to one line per questionnaire and careless flag.
-- Why: a trend over three years of days read every organization of every day, 100 times as many lines.
-- Locks: none that matter; rows are added to internal.organization_states.
-- Way back: DELETE FROM internal.organization_states WHERE family = 'day_total'.

INSERT INTO internal.organization_states (
    family, period_start, layer, org_hash, instrument, is_careless, industry_category, org_size_category,
    started, completed, abandoned, timed, time_sum, time_square_sum, whole, validated, agreed, trait_n,
    trait_sum, trait_square_sum
)
SELECT
    'day_total',
    d.period_start,
    d.layer,
    '00000000-0000-0000-0000-000000000000',
    d.instrument,
    d.is_careless,
    'all',
    'all',
    sum(d.started),
    sum(d.completed),
    sum(d.abandoned),
    sum(d.timed),
    sum(d.time_sum),
    sum(d.time_square_sum),
    CASE WHEN bool_and(d.whole IS NOT NULL) THEN sum(d.whole) END,
    CASE WHEN bool_and(d.validated IS NOT NULL) THEN sum(d.validated) END,
    CASE WHEN bool_and(d.agreed IS NOT NULL) THEN sum(d.agreed) END,
    ARRAY[
        sum(d.trait_n[1]), sum(d.trait_n[2]), sum(d.trait_n[3]), sum(d.trait_n[4]), sum(d.trait_n[5])
    ],
    ARRAY[
        sum(d.trait_sum[1]), sum(d.trait_sum[2]), sum(d.trait_sum[3]), sum(d.trait_sum[4]), sum(d.trait_sum[5])
    ],
    ARRAY[
        sum(d.trait_square_sum[1]), sum(d.trait_square_sum[2]), sum(d.trait_square_sum[3]),
        sum(d.trait_square_sum[4]), sum(d.trait_square_sum[5])
    ]
FROM internal.organization_states AS d
WHERE d.family = 'day'
GROUP BY d.period_start, d.layer, d.instrument, d.is_careless;

COMMENT ON COLUMN internal.organization_states.family IS 'day or month: an organization''s; day_total: all organizations of a day added up';
COMMENT ON COLUMN internal.organization_states.org_hash IS 'Pseudonym of the organization; nil UUID: several, added up';
