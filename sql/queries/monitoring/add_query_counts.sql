-- add_query_counts: hands in what a process counted, and forgets what is older than a day.
-- Parameters: requests, errors, refusals, cache_lookups, cache_hits (bigint), seconds (double precision),
--   latency_counts (bigint[]).
WITH forgotten AS (
    DELETE FROM internal.query_counts AS c WHERE c.counted_at < now() - INTERVAL '1 day'
)

INSERT INTO internal.query_counts (
    requests, errors, refusals, cache_lookups, cache_hits, seconds, latency_counts
)
VALUES (
    %(requests)s, %(errors)s, %(refusals)s, %(cache_lookups)s, %(cache_hits)s, %(seconds)s,
    %(latency_counts)s
)
