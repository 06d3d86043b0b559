-- count_events: events in Dagster's storage that have expired: about no asset and no check, of finished runs.
-- Runs and what they say about assets stay: without it a partition would look as if it had never been made.
-- Parameters: before (timestamptz). Row: number, size_bytes.
SELECT count(*) AS number, coalesce(sum(length(e.event)), 0)::bigint AS size_bytes
FROM event_logs AS e
WHERE e.timestamp < %(before)s::timestamptz AT TIME ZONE 'UTC' AND e.asset_key IS NULL
    AND coalesce(e.dagster_event_type, '') NOT LIKE 'ASSET%%'
    AND NOT EXISTS (
        SELECT 1 FROM runs AS r
        WHERE r.run_id = e.run_id AND r.status NOT IN ('SUCCESS', 'FAILURE', 'CANCELED')
    )
