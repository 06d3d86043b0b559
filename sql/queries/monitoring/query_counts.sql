-- query_counts: what all processes counted in the last minutes. Parameters: minutes (double precision).
-- Row: one; requests, errors, refusals, cache_lookups, cache_hits (bigint), seconds (double precision),
--   latency_counts (bigint[], empty without any).
WITH recent AS (
    SELECT c.*
    FROM internal.query_counts AS c
    WHERE c.counted_at >= now() - make_interval(secs => 60 * %(minutes)s)
),

classes AS (
    SELECT
        class.place,
        sum(class.number)::bigint AS number
    FROM recent AS r
    CROSS JOIN LATERAL unnest(r.latency_counts) WITH ORDINALITY AS class (number, place)
    GROUP BY class.place
)

SELECT
    coalesce(sum(r.requests), 0)::bigint AS requests,
    coalesce(sum(r.errors), 0)::bigint AS errors,
    coalesce(sum(r.refusals), 0)::bigint AS refusals,
    coalesce(sum(r.cache_lookups), 0)::bigint AS cache_lookups,
    coalesce(sum(r.cache_hits), 0)::bigint AS cache_hits,
    coalesce(sum(r.seconds), 0)::double precision AS seconds,
    coalesce((SELECT array_agg(c.number ORDER BY c.place) FROM classes AS c), '{}') AS latency_counts
FROM recent AS r
