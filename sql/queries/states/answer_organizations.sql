-- answer_organizations: the sums of organizations by period: whole clean months, then clean days.
-- Parameters: by (text: range, day, week, month or quarter), by_organization (boolean), day_family (text:
--             day, or day_total where no organization, sector or size is asked for), organizations,
--             other_organizations (uuid [] or NULL), and the periods and words of answer_traits.
-- Row: see states.organizations; nothing is NULL, an unknown category is -1.
WITH spans AS (
    -- Each is one walk along the key; as one condition with OR they read the days of all years.
    SELECT
        'month' AS family,
        %(month_start)s::date AS low,
        %(month_end)s::date AS high,
        %(touched_months)s::date [] AS touched,
        true AS has_sealed
    UNION ALL
    SELECT %(day_family)s::text, %(day_start)s::date, %(month_start)s::date, %(touched_days)s::date [], true
    UNION ALL
    SELECT %(day_family)s::text, %(month_end)s::date, %(day_end)s::date, %(touched_days)s::date [], true
    UNION ALL
    SELECT %(day_family)s::text, t.month, (t.month + interval '1 month')::date, %(touched_days)s::date [], false
    FROM unnest(%(touched_months)s::date []) AS t (month)
    WHERE t.month >= %(month_start)s::date AND t.month < %(month_end)s::date
)

SELECT
    (
        CASE %(by)s::text
            WHEN 'range' THEN %(day_start)s::date
            ELSE date_trunc(%(by)s::text, o.period_start::timestamp)::date
        END - DATE '2000-01-01'
    )::integer AS period,
    CASE WHEN %(by_organization)s::boolean THEN o.org_hash ELSE '00000000-0000-0000-0000-000000000000' END AS org_hash,
    coalesce(max(industry.code), -1)::smallint AS industry_category,
    coalesce(max(size.code), -1)::smallint AS org_size_category,
    sum(o.started)::bigint AS started,
    sum(o.completed)::bigint AS completed,
    sum(o.abandoned)::bigint AS abandoned,
    coalesce(sum(o.completed) FILTER (WHERE o.is_careless), 0)::bigint AS careless,
    sum(o.timed)::bigint AS timed,
    sum(coalesce(o.whole, 0))::bigint AS whole,
    sum(coalesce(o.validated, 0))::bigint AS validated,
    sum(coalesce(o.agreed, 0))::bigint AS agreed,
    sum(CASE WHEN o.whole IS NULL THEN o.started ELSE 0 END)::bigint AS unjudged,
    sum(o.time_sum) AS time_sum,
    sum(o.time_square_sum) AS time_square_sum,
    sum(o.trait_n[1])::bigint AS n_1,
    sum(o.trait_n[2])::bigint AS n_2,
    sum(o.trait_n[3])::bigint AS n_3,
    sum(o.trait_n[4])::bigint AS n_4,
    sum(o.trait_n[5])::bigint AS n_5,
    sum(o.trait_sum[1]) AS sum_1,
    sum(o.trait_sum[2]) AS sum_2,
    sum(o.trait_sum[3]) AS sum_3,
    sum(o.trait_sum[4]) AS sum_4,
    sum(o.trait_sum[5]) AS sum_5,
    sum(o.trait_square_sum[1]) AS square_1,
    sum(o.trait_square_sum[2]) AS square_2,
    sum(o.trait_square_sum[3]) AS square_3,
    sum(o.trait_square_sum[4]) AS square_4,
    sum(o.trait_square_sum[5]) AS square_5
FROM spans AS span
INNER JOIN internal.organization_states AS o
    ON o.family = span.family AND o.period_start >= span.low AND o.period_start < span.high
LEFT JOIN internal.categories AS industry
    ON industry.vocabulary = 'industry_category' AND industry.name = o.industry_category
    AND %(by_organization)s::boolean
LEFT JOIN internal.categories AS size
    ON size.vocabulary = 'org_size_category' AND size.name = o.org_size_category
    AND %(by_organization)s::boolean
WHERE ((o.layer = 'sealed' AND span.has_sealed) OR (o.layer = 'live' AND o.period_start <> ALL(span.touched)))
AND (%(instrument)s::text [] IS NULL OR o.instrument = ANY(%(instrument)s::text []))
AND (%(is_careless)s::boolean IS NULL OR o.is_careless = %(is_careless)s::boolean)
AND (
    %(industry_category)s::text [] IS NULL
    OR o.industry_category = ANY(%(industry_category)s::text [])
)
AND (
    %(org_size_category)s::text [] IS NULL
    OR o.org_size_category = ANY(%(org_size_category)s::text [])
)
AND (%(organizations)s::uuid [] IS NULL OR o.org_hash = ANY(%(organizations)s::uuid []))
AND (
    %(other_organizations)s::uuid [] IS NULL
    OR o.org_hash <> ALL(%(other_organizations)s::uuid [])
)
GROUP BY
    1,
    2,
    CASE WHEN %(by_organization)s::boolean THEN o.industry_category END,
    CASE WHEN %(by_organization)s::boolean THEN o.org_size_category END
